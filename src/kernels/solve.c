/* solve: the x of a x = b, and of a^T x = b where call->attr says so, for a matrix a and a vector b or the
   columns of a matrix b. The third operand holds the factors of a (lu), so that the matrix is factored once
   for value, gradient, tangent and whatever derivatives are made of it.

   One refinement is a Newton step for b - a x = 0 with the factors held. So the value has its exact slopes to
   a and b, and the slope 0 to the factors, also where a moves and the factors do not: nothing is lost by
   giving them none. */
#include "kernels/lu.h"
#include "kernels/tangent.h"

#include <math.h>
#include <string.h>

/* Unknowns up to which the result is refined in the forward sweep, which has room on the stack only. */
enum { REFINED = 4096 };

/* ---- lu ---- */

dz_status dz__shape_lu(dz__call *call) {
  const dz__array *a = &call->args[0];
  char text[192];
  if (a->rank != 2 || a->dims[0] != a->dims[1])
    return dz__fail(call->error, DZ_ERR_SHAPE, "solve", "solve: %s is no square matrix",
                    dz__array_text(a, text));
  call->out.rank = 2;
  call->out.dims[0] = a->dims[0] + 1;
  call->out.dims[1] = a->dims[0];
  return dz__sized(call);
}

void dz__forward_lu(const dz__call *call) {
  const dz__array *a = &call->args[0];
  dz__lu_factor(a->data, call->out.data, a->dims[0]);
}

bool dz__reverse_lu(const dz__call *call) {
  (void)call; /* held: nothing flows */
  return false;
}

/* ---- solve ---- */

dz_status dz__shape_solve(dz__call *call) {
  const dz__array *a = &call->args[0], *b = &call->args[1], *lu = &call->args[2];
  char x[192], y[192];
  if (a->rank != 2 || a->dims[0] != a->dims[1] || lu->rank != 2 || lu->dims[0] != a->dims[0] + 1 ||
      lu->dims[1] != a->dims[0])
    return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "solve: %s is no square matrix",
                    dz__array_text(a, x));
  if (b->rank < 1 || b->rank > 2 || b->dims[0] != a->dims[0])
    return dz__fail(
        call->error, DZ_ERR_SHAPE, call->op,
        "solve: %s and %s: the right-hand side is a vector with an element for each row, or a matrix of "
        "such columns",
        dz__array_text(a, x), dz__array_text(b, y));
  call->out.rank = b->rank;
  memcpy(call->out.dims, b->dims, sizeof b->dims);
  return dz__sized(call);
}

static dz__system system_of(const dz__call *call, bool other_way) {
  return (dz__system){call->args[0].data, call->args[2].data, call->args[0].dims[0],
                      (call->attr[0] != 0) != other_way};
}

static size_t columns_of(const dz__call *call) { return call->out.rank > 1 ? call->out.dims[1] : 1; }

void dz__forward_solve(const dz__call *call) {
  double room[REFINED];
  dz__system s = system_of(call, false);
  size_t m = columns_of(call);
  for (size_t j = 0; s.n > 0 && j < m; j++)
    dz__lu_refined(&s, call->args[1].data + j, call->out.data + j, m, s.n <= REFINED ? room : NULL);
}

/* Whether column j of what arrives is known to be all structural zeros, or is 0 as far as it can be seen. */
static bool dead(const dz__call *call, size_t n, size_t m, size_t j) {
  for (size_t i = 0; i < n; i++)
    if (!call->reached || call->reached[i * m + j] != 0) return false;
  return true;
}
static bool zero(const double *g, size_t n, size_t m, size_t j) {
  for (size_t i = 0; i < n; i++)
    if (g[i * m + j] != 0) return false;
  return true;
}

/* a's adjoint: - u x^T, transposed where the system is. True when a NaN came up. */
static bool pull_matrix(const dz__system *s, const double *u, const double *x, size_t m, double *ga) {
  bool nan = false;
  for (size_t i = 0; i < s->n; i++)
    for (size_t k = 0; k < s->n; k++) {
      double c = -(s->transposed ? x[i * m] * u[k * m] : u[i * m] * x[k * m]);
      nan |= c != c;
      ga[i * s->n + k] += c;
    }
  return nan;
}

/* b's adjoint is u, the solution of the transposed system for what arrives. */
bool dz__reverse_solve(const dz__call *call) {
  dz__system s = system_of(call, false), other = system_of(call, true);
  size_t n = s.n, m = columns_of(call);
  double *u = call->scratch, *room = n && n <= REFINED ? u + call->out.size : NULL;
  bool doubt = false;
  for (size_t j = 0; n > 0 && j < m; j++) {
    if (dead(call, n, m, j)) continue;
    bool nan = false;
    dz__lu_refined(&other, call->g + j, u + j, m, room);
    if (call->ga[0]) nan |= pull_matrix(&s, u + j, call->out.data + j, m, call->ga[0]);
    for (size_t i = 0; call->ga[1] && i < n; i++) {
      nan |= isnan(u[i * m + j]) != 0;
      call->ga[1][i * m + j] += u[i * m + j];
    }
    doubt |= nan && zero(call->g, n, m, j);
  }
  return doubt;
}

/* Each of a column is made from the whole column, and from all of the matrix. */
bool dz__spread_solve(const dz__call *call) {
  size_t n = call->args[0].dims[0], m = columns_of(call);
  bool any = false;
  for (size_t j = 0; j < m; j++) {
    if (zero(call->g, n, m, j)) continue;
    any = true;
    for (size_t i = 0; call->ga[1] && i < n; i++) call->ga[1][i * m + j] += 1;
  }
  for (size_t i = 0; any && call->ga[0] && i < n * n; i++) call->ga[0][i] += 1;
  return false;
}

/* ---- forward mode: x' is the solution for b' - a' x ---- */

/* y -= a' x over the elements of a' that were reached. */
static bool subtract_reached(const dz__system *s, const double *t, const double *reached, const double *x,
                             size_t m, double *y) {
  bool hit = false;
  for (size_t i = 0; i < s->n; i++)
    for (size_t k = 0; k < s->n; k++) {
      size_t e = i * s->n + k;
      if (reached[e] == 0) continue;
      hit = true;
      y[s->transposed ? k : i] -= t[e] * x[(s->transposed ? i : k) * m];
    }
  return hit;
}

/* One column; whether anything reached it. */
static bool push_column(const dz__tangent_call *p, const dz__system *s, size_t m, size_t j, double *y,
                        double *room) {
  const double *tb = p->t[1], *ta = p->t[0], *x = p->call.out.data + j;
  bool hit = !p->reached;
  for (size_t i = 0; i < s->n; i++) {
    bool here = tb && (!p->reached || p->reached[1][i * m + j] != 0);
    y[i] = here ? tb[i * m + j] : 0;
    hit |= here;
  }
  dz__system moved = *s;
  moved.a = ta;
  if (ta && p->reached)
    hit |= subtract_reached(s, ta, p->reached[0], x, m, y);
  else if (ta)
    dz__lu_subtract_product(&moved, x, m, y);
  if (hit) dz__lu_refined(s, y, room, 1, s->n <= REFINED ? room + s->n : NULL);
  return hit;
}

void dz__tangent_solve(const dz__tangent_call *p) {
  dz__system s = system_of(&p->call, false);
  size_t m = columns_of(&p->call);
  double *y = p->call.scratch, *x = y + s.n;
  for (size_t j = 0; s.n > 0 && j < m; j++) {
    bool hit = push_column(p, &s, m, j, y, x);
    for (size_t i = 0; i < s.n; i++) {
      p->out[i * m + j] = hit ? x[i] : 0;
      if (p->reached) p->out_reached[i * m + j] = hit;
    }
  }
}
