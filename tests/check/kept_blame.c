/* What is blamed among a few nodes, as kept.c keeps checks of what is right: operations that are wrong, so
   that another node would be named if fewer directions or another leaf were looked at. Kinks are in
   kept_kinks.c. */
#include "blamed.h"

/* ---- twice x, or twice the sum of x, or two of twice x: off by 1 in elements of a list ---- */

enum { SAME, TOTAL, SPREAD, FORMS };
typedef struct lie {
  int form;
  unsigned back, forth; /* bits say in which elements of the longer side */
} lie;

static lie told;

static bool shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  (void)user;
  *rank = told.form == SAME ? x->rank : told.form == SPREAD;
  for (int k = 0; k < *rank; k++) dims[k] = told.form == SAME ? x->dims[k] : 2;
  return true;
}
static size_t longer(size_t a, size_t b) { return a > b ? a : b; }
static void twice(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user;
  for (size_t i = 0; i < n; i++) z[i] = 0;
  for (size_t i = 0; i < longer(n, x->size); i++) z[i % n] += 2 * x->data[i % x->size];
}
static void twice_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                       double *const *to) {
  (void)user, (void)z;
  for (size_t i = 0; to[0] && i < longer(n, x->size); i++)
    to[0][i % x->size] += g[i % n] * (2 + (told.back >> i & 1));
}
static void twice_forth(void *user, const dz_op_array *x, size_t n, const double *z, const double *const *t,
                        double *out) {
  (void)user, (void)z;
  for (size_t i = 0; i < n; i++) out[i] = 0;
  for (size_t i = 0; t[0] && i < longer(n, x->size); i++)
    out[i % n] += t[0][i % x->size] * (2 + (told.forth >> i & 1));
}
static dz_var lying(dz_tape *t, dz_var x, lie l) {
  static const char *const names[FORMS] = {"same", "total", "spread"};
  const dz_op_calls calls = {
      .arity = 1, .shape = shape, .value = twice, .vjp = twice_back, .jvp = twice_forth};
  told = (lie){.form = l.form};                   /* right while it is defined, since it would be refused */
  dz_op_define_c(t, names[l.form], &calls, NULL); /* refused when it is there already */
  told = l;
  return dz_apply(t, names[l.form], 1, &x);
}
/* Of nine ones, two zeros, or a number, each as it is seen in the first direction, the second, the third, or
   none of them. */
static const struct {
  int leaf;
  lie lie;
} lies[] = {
    {ONES, {SAME, 1, 0}},
    {ONES, {SAME, 1 | 1 << 3, 0}},
    {ONES, {SAME, 1 | 1 << 2, 0}},
    {ONES, {SAME, 1 << 2 | 1 << 5, 0}},
    {ONES, {SAME, 0, 1}},
    {ONES, {SAME, 0, 1 | 1 << 3}},
    {ONES, {SAME, 0, 1 | 1 << 2}},
    {ONES, {SAME, 0, 1 << 2 | 1 << 5}},
    {ZEROS, {TOTAL, 3, 0}},
    {ZEROS, {TOTAL, 0, 3}},
    {X, {SPREAD, 3, 0}},
    {X, {SPREAD, 0, 3}},
    {V, {SAME, 1, 0}},
    {V, {SAME, 2, 0}},
    {V, {TOTAL, 4, 0}},
    {ZEROS, {SAME, 2, 0}},
    {ONES, {TOTAL, 256, 0}},
    {TWELVE, {SAME, 2048, 0}},
    {X, {SAME, 1, 0}},
    {ZERO, {SAME, 0, 1}},
};

/* ---- beside others ---- */

static dz_var forward_beside_a_root(dz_tape *t, const dz_var *leaf) {
  const dz_var root = dz_sqrt(off(leaf[X], .25));
  return add(root, lying(t, leaf[Y], (lie){SAME, 0, 1}));
}
static bool is_rough;
static void rough(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user;
  for (size_t i = 0; i < n; i++)
    z[i] = x->data[i] + (is_rough ? (double)(dz__mix(1, dz__bits(x->data[i])) >> 40) * 0x1p-28 : 0);
}
static void rough_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                       double *const *to) {
  (void)user, (void)x, (void)z;
  for (size_t i = 0; to[0] && i < n; i++) to[0][i] += g[i];
}
/* Of which nothing can be said at any scale. */
static dz_var forward_behind_noise(dz_tape *t, const dz_var *leaf) {
  const dz_op_calls calls = {.arity = 1, .value = rough, .vjp = rough_back};
  is_rough = false;
  dz_op_define_c(t, "rough", &calls, NULL);
  is_rough = true;
  const dz_var z = dz_apply(t, "rough", 1, &leaf[X]), w = dz_apply(t, "rough", 1, &leaf[ZERO]);
  const dz_var both = add(z, w);
  return add(both, lying(t, leaf[Y], (lie){SAME, 0, 1}));
}
/* All along one direction, this is not seen. */
static dz_var forward_beside_much(dz_tape *t, const dz_var *leaf) {
  const dz_var much = dz_mul(leaf[X], 1e20);
  return add(much, lying(t, leaf[Y], (lie){SAME, 0, 1}));
}
static dz_var forward_behind_a_branch(dz_tape *t, const dz_var *leaf) {
  const dz_var z = lying(t, leaf[Y], (lie){SAME, 0, 1});
  return add(z, dz_value(leaf[X]) > .25 ? dz_mul(leaf[X], 3) : dz_mul(leaf[X], 5));
}
static dz_var lie_behind_steps(dz_tape *t, const dz_var *leaf) {
  const dz_var steps = dz_floor(dz_mul(leaf[X], 8.5));
  return add(lying(t, leaf[X], (lie){SAME, 1, 0}), steps);
}
static dz_var forward_behind_steps(dz_tape *t, const dz_var *leaf) {
  const dz_var steps = dz_floor(dz_mul(leaf[X], 8.5));
  return add(lying(t, leaf[X], (lie){SAME, 0, 1}), steps);
}
static dz_var gives_up(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var z = dz_mul(leaf[X], leaf[Y]);
  return ++count == 100 ? (dz_var){0} : add(z, sum(leaf[V]));
}
static dz_var fails_but_gives_a_number(dz_tape *t, const dz_var *leaf) {
  dz_expr(t, "nobody");
  return ++count == 1 ? leaf[X] : dz_num(3);
}
static dz_var number(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return dz_num(2 * dz_value(leaf[X]));
}
static dz_var leaf_itself(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return leaf[Y];
}
static dz_var lie_that_changes(dz_tape *t, const dz_var *leaf) {
  return dz_mul(lying(t, leaf[X], (lie){SAME, 1, 0}), ++count == 2 ? 1.5 : 1);
}
static dz_var many_operands(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var xs[] = {leaf[X], leaf[Y], leaf[ZERO], leaf[LAST], leaf[X]};
  return sum(dz_stack(5, ++count == 2 ? xs : (dz_var[]){xs[1], xs[0], xs[2], xs[3], xs[4]}, 0));
}
static dz_var lie_beside_nothing(dz_tape *t, const dz_var *leaf) {
  const dz_var none = dz_slice(leaf[V], 0, 1, 1, 1);
  const dz_var nothing = sum(dz_mul(none, none));
  return add(nothing, sum(lying(t, leaf[V], (lie){SAME, 4, 0})));
}
/* In the first direction the slope of four is 0, as it should be. */
static dz_var stop_of_four(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var four = dz_slice(leaf[ONES], 0, 0, 4, 1), stopped = dz_stop(four);
  return sum(dz_mul(stopped, four));
}
/* Of 0, -.75 and -1.25. */
static dz_var lie_about_a_zero(dz_tape *t, const dz_var *leaf) {
  return sum(lying(t, off(leaf[V], .75), (lie){SAME, 1, 0}));
}
static dz_var left_in_a_leaf(dz_tape *t, const dz_var *leaf) {
  const dz_var was = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, three, dz_values(leaf[V]));
  const dz_var z = dz_dot(was, leaf[V]);
  return add(z, dz_mul(leaf[X], leaf[DATA]));
}

static part *const parts[] = {forward_beside_a_root,
                              forward_beside_much,
                              forward_behind_a_branch,
                              lie_behind_steps,
                              forward_behind_steps,
                              gives_up,
                              fails_but_gives_a_number,
                              number,
                              leaf_itself,
                              lie_that_changes,
                              many_operands,
                              lie_beside_nothing,
                              forward_behind_noise,
                              stop_of_four,
                              lie_about_a_zero,
                              left_in_a_leaf};

enum { ALL = COUNT(lies) + COUNT(parts) };

static dz_var model(dz_tape *t, const dz_var *leaf, void *user) {
  const int k = *(const int *)user;
  if (k >= (int)COUNT(lies)) return parts[k - (int)COUNT(lies)](t, leaf);
  const dz_var z = sum(lying(t, leaf[lies[k].leaf], lies[k].lie));
  return add(z, dz_mul(leaf[X], leaf[DATA]));
}

static const uint64_t sums[ALL] = {
#include "kept_blame.sums"
};

START_TEST(blamed) { keep_blame(model, "kept_blame.sums", _i, ALL, sums[_i]); }
END_TEST

SUITE(EACH(blamed, ALL))
