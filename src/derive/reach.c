/* Patterns from a tape: each node's elements carry the set of columns that they are made from. Sets travel by
   their numbers, as tangents do, and through the same kernels where an operation only moves elements. */
#include "derive/pattern.h"
#include "derive/sets.h"
#include "dz/derive.h"
#include "kernels/groups.h"
#include "kernels/tensor.h"
#include "tape/sweep.h"
#include "tape/tangent.h"

#include <string.h>

typedef struct job {
  dz__tape *s;
  dz__sets sets;
  uint8_t *needed; /* per node: an output is made from it */
  double *room;
  size_t room_cap;
  uint32_t top;
} job;

static uint32_t number(double set) { return (uint32_t)set; }

/* Whether operand k of a pointwise operation ever has a slope. */
static bool carries(dz__fn fn, int k) {
  return fn == DZ__F_user || strcmp(dz__ops[fn].partial[k], "MASK(0)") != 0;
}

/* ---- what is needed ---- */

typedef struct operands {
  uint32_t from[2];
  int n;
} operands;

/* The active operands of a plain scalar node that it has a slope to. */
static operands scalar_operands(const dz_tape *t, uint32_t i) {
  dz__fn fn = dz__fn_of_code(dz__node_code(t, i));
  operands o = {{0, 0}, 0};
  if (fn == DZ__F_END) return o;
  dz__site at = dz__site_of(t, i);
  if (at.wants[0] && carries(fn, 0)) o.from[o.n++] = dz__operands(t, i).a;
  if (at.wants[1] && carries(fn, 1)) o.from[o.n++] = dz__operands(t, i).b;
  return o;
}

static void need_operands(job *j, uint32_t i) {
  const dz__wide *w = dz__wide_of(&j->s->hot, i);
  operands o = w ? (operands){{0, 0}, 0} : scalar_operands(&j->s->hot, i);
  for (int k = 0; k < o.n; k++) j->needed[o.from[k]] = 1;
  for (uint32_t k = 0; w && w->active && k < w->nargs; k++) {
    dz__ref ref = j->s->wide_args[w->arg0 + k];
    if (!(ref.flags & DZ__INACTIVE)) j->needed[ref.index] = 1;
  }
}

static void mark_needed(job *j, int rows, const dz_var *ys) {
  memset(j->needed, 0, (size_t)j->top + 1);
  for (int k = 0; k < rows; k++) j->needed[dz__index(ys[k])] = 1;
  for (uint32_t i = j->top + 1; i-- > 0;)
    if (j->needed[i]) need_operands(j, i);
}

/* ---- one node ---- */

static double *room(job *j, size_t n) {
  if (!dz__grow(j->sets.alloc, (void **)&j->room, &j->room_cap, n ? n : 1, sizeof *j->room))
    j->sets.failed = true;
  return j->sets.failed ? NULL : j->room;
}

static void unite(job *j, double *into, const double *sets, size_t n) {
  for (size_t e = 0; e < n; e++) into[e] = dz__set_union(&j->sets, number(into[e]), number(sets[e]));
}

/* into += sets, broadcast to its shape. `spare` has room for into's size. */
static void unite_broadcast(job *j, const dz__array *into, const dz__array *sets, double *spare) {
  dz__call call = {.nargs = 1, .args = sets, .out = *into};
  call.out.data = spare;
  dz__forward_broadcast_to(&call);
  unite(j, into->data, spare, into->size);
}

static void pointwise(job *j, dz__fn fn, const dz__tangent_call *p) {
  dz__array out = p->call.out;
  out.data = p->out;
  double *spare = room(j, out.size);
  for (int k = 0; spare && k < p->call.nargs; k++) {
    if (!p->t[k] || !carries(fn, k)) continue;
    dz__array x = p->call.args[k];
    x.data = p->t[k];
    unite_broadcast(j, &out, &x, spare);
  }
}

/* Each element of `sets` joins the one of call->out's that it enters, which the reverse kernel finds from the
   numbers 0, 1, … `spare` has room for twice the result and twice the operand. */
static void collect(job *j, const dz__call *of, dz__reverse *reverse, const double *sets, double *spare) {
  dz__call call = *of;
  size_t n = call.args[0].size, m = call.out.size;
  double *g = spare, *to = g + m, *ga[2] = {to, NULL};
  for (size_t e = 0; e < m; e++) g[e] = (double)e;
  memset(to, 0, n * sizeof *to);
  memset(call.out.data, 0, m * sizeof *to);
  call.g = g;
  call.ga = ga;
  call.scratch = to + n;
  reverse(&call);
  for (size_t e = 0; e < n; e++) unite(j, &call.out.data[(size_t)to[e]], &sets[e], 1);
}

static void collects(job *j, const dz__tangent_call *p, dz__reverse *reverse) {
  double *spare = room(j, 2 * (p->call.out.size + p->call.args[0].size));
  dz__call call = p->call;
  call.out.data = p->out;
  if (spare && p->t[0]) collect(j, &call, reverse, p->t[0], spare);
}

static void scans(job *j, const dz__tangent_call *p) {
  dz__groups g = dz__groups_of(&p->args[0], 1, p->call.attr);
  for (dz__tile l = {0}; dz__tile_next(&g, &l);)
    for (dz__run r = {0}; dz__run_next(&g, &l, &r);)
      for (ptrdiff_t k = 0, row = r.at; k < g.n; k++, row += g.step)
        for (ptrdiff_t i = row; i < row + l.lanes; i++) {
          p->out[i] = p->t[0][i];
          if (k) unite(j, &p->out[i], &p->out[i - g.step], 1);
        }
}

/* Unites operand k of a matrix product over its inner axis, then over the result; the axis stays as a unit
   where the result has one of the other operand in its place. */
static void factor(job *j, const dz__tangent_call *p, int k) {
  dz__array x = p->call.args[k], out = p->call.out;
  if (!p->t[k] || x.size == 0 || out.size == 0) return;
  int inner = k == 0 || x.rank == 1 ? x.rank - 1 : x.rank - 2;
  int64_t attr[] = {p->call.args[1 - k].rank > 1, inner};
  dz__call sum = {.nargs = 1, .args = &x, .nattr = 2, .attr = attr};
  dz__shape_sum(&sum); /* over an axis that is there */
  double *spare = room(j, sum.out.size + 2 * (sum.out.size + x.size) + out.size);
  if (!spare) return;
  sum.out.data = spare;
  collect(j, &sum, dz__reverse_sum, p->t[k], spare + sum.out.size);
  out.data = p->out;
  unite_broadcast(j, &out, &sum.out, spare + sum.out.size);
}

static void multiplies(job *j, const dz__tangent_call *p) {
  factor(j, p, 0);
  factor(j, p, 1);
}

static void mixes(job *j, const dz__tangent_call *p) {
  double all = 0;
  for (int k = 0; k < p->call.nargs; k++)
    for (size_t e = 0; p->t[k] && e < p->call.args[k].size; e++) unite(j, &all, &p->t[k][e], 1);
  for (size_t e = 0; e < p->call.out.size; e++) p->out[e] = all;
}

static void pass_wide(job *j, const dz__wide *w) {
  if (!w->active) return;
  dz__tangent_call p = dz__tangent_call_of(j->s, w, NULL);
  if (!p.op) {
    pointwise(j, (dz__fn)w->fn, &p);
    return;
  }
  switch ((dz__carries)p.op->carries) {
  case DZ__MOVES:
    p.op->tangent(&p);
    break;
  case DZ__COLLECTS:
    collects(j, &p, p.op->reverse);
    break;
  case DZ__REDUCES:
    collects(j, &p, dz__reverse_sum);
    break;
  case DZ__SCANS:
    scans(j, &p);
    break;
  case DZ__MULTIPLIES:
    multiplies(j, &p);
    break;
  default: /* DZ__MIXES */
    if (p.call.user && p.call.user->elementwise)
      pointwise(j, DZ__F_user, &p);
    else
      mixes(j, &p);
    break;
  }
}

static void pass_scalar(job *j, uint32_t i) {
  double *t = j->s->tangent.scalar;
  operands o = scalar_operands(&j->s->hot, i);
  if (o.n > 0) t[i] = t[o.from[0]];
  if (o.n > 1) unite(j, &t[i], &t[o.from[1]], 1);
}

/* ---- all of them ---- */

static void plant(job *j, int count, const dz_var *xs) {
  uint32_t column = 0;
  for (int k = 0; k < count; k++) {
    uint32_t i = dz__index(xs[k]);
    size_t size = dz_size(xs[k]);
    double *t = i <= j->top ? dz__tangent_slot(j->s, &j->s->tangent, i) : NULL;
    for (size_t e = 0; t && e < size; e++)
      t[e] = dz__set_union(&j->sets, number(t[e]), dz__set_of(&j->sets, column + (uint32_t)e));
    column += (uint32_t)size;
  }
}

/* All sets are empty when it begins. */
static void sweep(job *j) {
  for (uint32_t i = 0; i <= j->top && !j->sets.failed; i++) {
    if (!j->needed[i]) continue;
    if (dz__node_code(&j->s->hot, i) == DZ__WIDE)
      pass_wide(j, &j->s->wide[dz__operands(&j->s->hot, i).a]);
    else
      pass_scalar(j, i);
  }
}

static dz_status list_rows(job *j, int rows, const dz_var *ys, size_t limit, dz__pattern *p) {
  size_t row = 0, size = 0;
  for (int k = 0; k < rows; k++) {
    const double *t = dz_is_active(ys[k]) ? dz__tangent_slot(j->s, &j->s->tangent, dz__index(ys[k])) : NULL;
    for (size_t e = dz_size(ys[k]); e > 0; e--) {
      uint32_t set = t ? number(*t++) : 0;
      if (!dz__set_list(&j->sets, set, (uint32_t)p->shown.columns, &p->column, &size, &p->column_cap))
        return DZ_ERR_MEMORY;
      if (limit && size > limit) return DZ_ERR_LIMIT;
      p->starts[++row] = size;
    }
  }
  p->shown.column = p->column;
  return DZ_OK;
}

static dz_status run(job *j, int rows, const dz_var *ys, int count, const dz_var *xs, size_t limit,
                     dz__pattern *p) {
  if (!dz__sets_init(&j->sets, &p->alloc)) return DZ_ERR_MEMORY;
  j->needed = dz__alloc(&p->alloc, (size_t)j->top + 1);
  if (!j->needed || !dz__tangents_ready(j->s, j->top)) return DZ_ERR_MEMORY;
  mark_needed(j, rows, ys);
  plant(j, count, xs);
  sweep(j);
  return j->sets.failed ? DZ_ERR_MEMORY : list_rows(j, rows, ys, limit, p);
}

static bool sizes(int n, const dz_var *xs, size_t *sum) {
  *sum = 0;
  for (int k = 0; k < n; k++) {
    size_t size = dz_size(xs[k]);
    if (size > UINT32_MAX - *sum) return false;
    *sum += size;
  }
  return true;
}

dz_status dz_jacobian_pattern(int rows, const dz_var *ys, int count, const dz_var *xs, size_t limit,
                              const dz_allocator *a, dz_pattern **pattern) {
  job j = {.s = NULL};
  size_t m, n;
  if (!pattern) return DZ_ERR_ARGUMENT;
  *pattern = NULL;
  if (rows < 0 || count < 0 || (count > 0 && !xs)) return DZ_ERR_ARGUMENT;
  dz_status status = rows ? dz__tangent_check("pattern", rows, ys, count, xs, &j.top) : DZ_OK;
  if (status) return status;
  if (!sizes(rows, ys, &m) || !sizes(count, xs, &n)) return DZ_ERR_LIMIT;
  dz__pattern *p = dz__pattern_make(m, n, a);
  if (!p) return DZ_ERR_MEMORY;
  if (rows > 0) {
    j.s = dz__of(ys[0].tape);
    status = run(&j, rows, ys, count, xs, limit, p);
    dz__sets_free(&j.sets);
    dz__free(&p->alloc, j.needed, (size_t)j.top + 1);
    dz__free(&p->alloc, j.room, j.room_cap * sizeof *j.room);
  }
  if (status) dz_pattern_free(&p->shown);
  *pattern = status ? NULL : &p->shown;
  return status;
}

/* ---- Hessians ---- */

/* Elements of the gradient's Jacobian, and their mirror images: the graph of one may have a dependence that
   the other's has not. */
static dz_status symmetric(dz_pattern *p, const dz_allocator *a, dz_pattern **pattern) {
  dz__pattern *q = dz__pattern_transposed(p, a);
  dz__pattern *r = q ? dz__pattern_union(p, &q->shown, a) : NULL;
  if (q) dz_pattern_free(&q->shown);
  *pattern = r ? &r->shown : NULL;
  return r ? DZ_OK : DZ_ERR_MEMORY;
}

dz_status dz_hessian_pattern(dz_var y, int count, const dz_var *xs, size_t limit, const dz_allocator *given,
                             dz_pattern **pattern) {
  dz_allocator a = dz__allocator(given);
  dz_pattern *p;
  uint32_t top;
  if (!pattern) return DZ_ERR_ARGUMENT;
  *pattern = NULL;
  dz_status status = dz__tangent_check("pattern", 1, &y, count, xs, &top);
  if (status) return status;
  size_t bytes = (size_t)count * sizeof(dz_var);
  dz_var *gradients = dz__alloc(&a, bytes);
  if (count > 0 && !gradients) return DZ_ERR_MEMORY;
  dz_mark mark = dz_tape_mark(y.tape);
  status = dz_grad(y, count, xs, gradients);
  if (!status) status = dz_jacobian_pattern(count, gradients, count, xs, limit, &a, &p);
  dz_tape_rewind(y.tape, mark);
  dz__free(&a, gradients, bytes);
  if (status) return status;
  status = symmetric(p, &a, pattern);
  dz_pattern_free(p);
  if (!status && limit && (*pattern)->starts[(*pattern)->rows] > limit) {
    dz_pattern_free(*pattern);
    *pattern = NULL;
    return DZ_ERR_LIMIT;
  }
  return status;
}
