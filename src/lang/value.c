/* Values of the machine: literals until something needs them as nodes. */
#include "dz/text.h"
#include "lang/machine.h"
#include "tape/tensor.h"

#include <math.h>
#include <string.h>

static dz__literal *literal_at(const dz__machine *m, int32_t k) { return (dz__literal *)m->literals.at + k; }

static const double *numbers_at(const dz__machine *m, size_t start) {
  return m->numbers.at ? (const double *)m->numbers.at + start : NULL;
}

static bool out_of_memory(dz__machine *m) {
  return dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory"), false;
}

bool dz__settle(dz__machine *m, dz__value *x, dz_var *v) {
  if (x->literal == DZ__V_ALL)
    return dz__poison(m->t, DZ_ERR_ARGUMENT, "", "'all' stands for axes: it has no value"), false;
  if (x->literal >= 0) {
    dz__literal *l = literal_at(m, x->literal);
    if (!l->node.tape)
      l->node = dz_leaf_tensor(m->t, DZ_ROLE_CONST, l->rank, l->dims, numbers_at(m, l->start));
    x->v = l->node;
    x->literal = DZ__V_PLAIN;
  }
  *v = x->v;
  return dz__good(*v);
}

/* ---- lists ---- */

static bool is_number(const dz__value *x) { return x->literal == DZ__V_PLAIN && dz_is_number(x->v); }

static bool is_constant(const dz__value *x) { return is_number(x) || x->literal >= 0; }

/* The shape of a constant. */
static int shape_of(const dz__machine *m, const dz__value *x, const size_t **dims) {
  *dims = NULL;
  if (x->literal < 0) return 0;
  *dims = literal_at(m, x->literal)->dims;
  return literal_at(m, x->literal)->rank;
}

static bool same_shapes(dz__machine *m, const dz__value *x, size_t n) {
  const size_t *first, *dims;
  int rank = shape_of(m, x, &first);
  for (size_t k = 1; k < n; k++) {
    int other = shape_of(m, x + k, &dims);
    char a[192], b[192];
    if (other == rank && (rank == 0 || memcmp(dims, first, (size_t)rank * sizeof *dims) == 0)) continue;
    dz__poison(m->t, DZ_ERR_SHAPE, "", "items of a list have one shape: item 0 has %s, item %zu has %s",
               dz__shape_text(rank, first, a), k, dz__shape_text(other, dims, b));
    return false;
  }
  if (rank < DZ_MAX_RANK) return true;
  return dz__poison(m->t, DZ_ERR_SHAPE, "", "lists nest at most %d deep", DZ_MAX_RANK), false;
}

/* Whether the literals follow each other in m->numbers, as they do when they were just written. */
static bool adjacent(const dz__machine *m, const dz__value *x, size_t n) {
  for (size_t k = 0; k + 1 < n; k++) {
    const dz__literal *l = literal_at(m, x[k].literal);
    if (literal_at(m, x[k + 1].literal)->start != l->start + l->size) return false;
  }
  return true;
}

/* The numbers of n > 0 constants one after the other; *start is where. Literals of nothing are adjacent. */
static bool join_numbers(dz__machine *m, const dz__value *x, size_t n, size_t each, size_t *start) {
  bool scalars = x[0].literal < 0;
  if (!scalars && adjacent(m, x, n)) return *start = literal_at(m, x[0].literal)->start, true;
  *start = m->numbers.n;
  if (n > SIZE_MAX / 16 / each) return out_of_memory(m);
  double *to = dz__vec_add(&m->alloc, &m->numbers, n * each, sizeof *to);
  if (!to) return out_of_memory(m);
  for (size_t k = 0; k < n; k++, to += each) {
    if (scalars)
      *to = dz__number(x[k].v);
    else
      memcpy(to, numbers_at(m, literal_at(m, x[k].literal)->start), each * sizeof *to);
  }
  return true;
}

/* Forgets the literals that were made since the first item: where that is no parameter's, only the list that
   is being made has them. */
static void drop_items(dz__machine *m, const dz__value *first) {
  if (first->literal >= 0 && !first->shared) m->literals.n = (size_t)first->literal;
}

static bool constant_list(dz__machine *m, const dz__value *x, size_t n, dz__value *list) {
  if (n && !same_shapes(m, x, n)) return false;
  const size_t *dims = NULL;
  int rank = n ? shape_of(m, x, &dims) : 0;
  size_t each = n && x[0].literal >= 0 ? literal_at(m, x[0].literal)->size : 1;
  dz__literal l = {.rank = rank + 1, .dims = {n}, .size = n * each};
  if (rank) memcpy(l.dims + 1, dims, (size_t)rank * sizeof *dims);
  if (n && !join_numbers(m, x, n, each, &l.start)) return false;
  if (n) drop_items(m, x);
  dz__literal *kept = dz__vec_add(&m->alloc, &m->literals, 1, sizeof *kept);
  if (!kept) return out_of_memory(m);
  *kept = l;
  *list = (dz__value){.literal = (int32_t)m->literals.n - 1};
  return true;
}

bool dz__make_list(dz__machine *m, size_t n, dz__value *list) {
  dz__value *x = dz__values_from_top(m, n);
  bool constant = true;
  for (size_t k = 0; k < n && constant; k++) constant = is_constant(x + k);
  if (constant) return constant_list(m, x, n, list);
  dz_var *nodes = dz__operand_room(m, n);
  if (!nodes) return false;
  for (size_t k = 0; k < n; k++) {
    if (!dz__settle(m, x + k, nodes + k)) return false;
    nodes[k] = dz__as_node(m->t, nodes[k]);
    if (!dz__good(nodes[k])) return false;
  }
  *list = (dz__value){.v = dz__stack((int)n, nodes, 0), .literal = DZ__V_PLAIN};
  return dz__good(list->v);
}

/* ---- constants that steer an operation ---- */

/* Whether a node is made of constants only, as n - 1 is after n = 3. Looks at a few nodes at most. */
static bool is_fixed(dz_var x) {
  enum { FEW = 32 };
  dz_var open[FEW];
  int n = 0, seen = 0;
  if (!dz_is_active(x)) open[n++] = x;
  while (n && ++seen <= FEW) {
    dz_var y = open[--n];
    int nargs = dz_describe(y).nargs;
    if (!nargs && dz_role_of(y) != DZ_ROLE_CONST) return false;
    if (n + nargs > FEW) return false;
    for (int k = 0; k < nargs; k++) open[n++] = dz_operand(y, k);
  }
  return !n && seen;
}

/* The numbers of a constant: of a number, a literal, or a node made of constants. */
static const double *constants_of(const dz__machine *m, const dz__value *x, double *number, int *rank,
                                  size_t *count) {
  *count = 1;
  *rank = 0;
  if (x->literal >= 0) {
    const dz__literal *l = literal_at(m, x->literal);
    *rank = l->rank;
    *count = l->size;
    return l->size ? numbers_at(m, l->start) : number;
  }
  if (dz_is_number(x->v)) return *number = dz__number(x->v), number;
  if (!is_fixed(x->v)) return NULL;
  *rank = dz_rank(x->v);
  *count = dz_size(x->v);
  const double *v = dz_values(x->v);
  if (!v) dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory for a constant");
  return v;
}

/* Which operation takes several places, or places that vary. */
static const char *hint_of(const char *op) {
  return strcmp(op, "index") == 0 ? " (gather takes others)" : "";
}

static bool whole_numbers(dz__machine *m, const dz__value *x, const char *op, const char *what, int most,
                          bool one, int64_t *values, int *count) {
  double number = 0;
  int rank;
  size_t n;
  *count = -1;
  if (x->literal == DZ__V_ALL) return true;
  const double *c = constants_of(m, x, &number, &rank, &n);
  if (!c || rank > 1)
    return dz__poison(m->t, DZ_ERR_ARGUMENT, op, "%s: %s must be a constant: a whole number%s", op, what,
                      one ? hint_of(op) : " or a list of them"),
           false;
  if (one && (n != 1 || rank > 0)) return true; /* the caller refuses that as it does `all` */
  if (n > (size_t)most)
    return dz__poison(m->t, DZ_ERR_ARGUMENT, op, "%s: %s: %zu numbers, at most %d are possible", op, what, n,
                      most),
           false;
  for (size_t k = 0; k < n; k++) {
    if (c[k] != floor(c[k]) || fabs(c[k]) > 9007199254740992.) {
      char text[32];
      dz_number_write(c[k], 0, text);
      return dz__poison(m->t, DZ_ERR_ARGUMENT, op,
                        c[k] == floor(c[k]) ? "%s: %s is too large: %s"
                                            : "%s: %s must be a whole number, %s came",
                        op, what, text),
             false;
    }
    values[k] = (int64_t)c[k];
  }
  *count = (int)n;
  return true;
}

bool dz__whole_numbers(dz__machine *m, const dz__value *x, const char *op, const char *what, int most,
                       int64_t *values, int *count) {
  return whole_numbers(m, x, op, what, most, false, values, count);
}

bool dz__whole_number(dz__machine *m, const dz__value *x, const char *op, const char *what, int64_t *value) {
  int n;
  if (!whole_numbers(m, x, op, what, 1, true, value, &n)) return false;
  if (n == 1) return true;
  return dz__poison(m->t, DZ_ERR_ARGUMENT, op, "%s: %s must be one whole number%s", op, what, hint_of(op)),
         false;
}
