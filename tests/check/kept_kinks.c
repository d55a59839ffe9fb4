/* Kinks and branches among a few nodes, as kept_blame.c has operations that are wrong: where another node
   would be named if one looked along another row, a little farther, or at less of a recording. */
#include "blamed.h"

/* ---- kinks ---- */

static dz_var kinks(dz_var a, double first, dz_var b, double second) {
  const dz_var z = dz_mul(dz_relu(a), first);
  return add(z, dz_mul(dz_relu(b), second));
}
static dz_var kinks_of_two(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var a = off(leaf[X], .25), b = off(leaf[Y], .625);
  return kinks(a, 1, b, 5);
}
static dz_var kinks_of_two_before(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var a = off(leaf[X], .25), b = off(leaf[Y], .625);
  return kinks(b, 1, a, 5);
}
/* Of a number beside the square of another, which is 0. */
static dz_var beside_0(dz_var x, dz_var zero) { return dz_relu(add(x, dz_mul(zero, zero))); }
static dz_var kinks_of_both(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var a = off(leaf[X], .25), b = off(leaf[Y], .625), z = beside_0(a, b);
  return add(z, dz_mul(dz_relu(b), 5));
}
static dz_var kinks_of_both_before(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var a = off(leaf[X], .25), b = off(leaf[Y], .625), z = beside_0(b, a);
  return add(z, dz_mul(dz_relu(a), 5));
}
static dz_var kinks_of_elements(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var a = off(dz_at(leaf[V], 0, 0), .75), b = off(dz_at(leaf[V], 0, 2), -.5);
  return kinks(a, 1, b, 5);
}
static dz_var stopped_kinks(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var a = off(leaf[X], .25), b = off(leaf[Y], .625);
  return dz_stop(kinks(a, 1, b, 5));
}
/* Both elements bend, and against each other in the first direction. */
static dz_var kinks_of_a_pair(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return sum(dz_relu(dz_broadcast_to(off(leaf[X], .25), 1, two)));
}
static dz_var kinks_of_rank_8(dz_tape *t, const dz_var *leaf) {
  static const size_t dims[] = {1, 1, 1, 1, 1, 1, 1, 2};
  (void)t;
  const dz_var x = dz_reshape(leaf[ZEROS], 8, dims), bent = dz_relu(x);
  return sum(dz_mul(bent, add(x, leaf[Y])));
}
static dz_var kink_behind_a_stop(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var product = dz_mul(leaf[Y], dz_stop(dz_floor(dz_mul(leaf[X], 8.5))));
  return add(product, dz_relu(off(leaf[X], .25)));
}
/* In the first of twelve, of which a few are checked, and along directions. */
static dz_var kink_of_twelve(dz_tape *t, const dz_var *leaf) {
  double at[12] = {.5};
  const dz_var beside = beside_0(leaf[LAST], off(sum(leaf[TWELVE]), 22.5));
  const dz_var from = dz_leaf_tensor(t, DZ_ROLE_CONST, 1, twelve, at);
  return add(beside, dz_mul(sum(dz_relu(dz_sub(leaf[TWELVE], from))), 5));
}

/* ---- branches ---- */

static dz_var branch_of_operands(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return dz_mul(dz_value(leaf[X]) > .25 ? leaf[X] : leaf[Y], leaf[DATA]);
}
static dz_var branch_of_places(dz_tape *t, const dz_var *leaf) {
  const int64_t from = dz_value(leaf[X]) > .25;
  (void)t;
  return dz_mul(leaf[X], sum(dz_slice(leaf[V], 0, from, from + 1, 1)));
}
static dz_var branch_of_axes(dz_tape *t, const dz_var *leaf) {
  static const size_t dims[] = {3, 4};
  const dz_var x = dz_reshape(leaf[TWELVE], 2, dims),
               first = dz_at(dz_at(dz_cumsum(x, dz_value(leaf[X]) > .25), 0, 1), 0, 0);
  (void)t;
  return dz_mul(leaf[X], first);
}
static dz_var branch_of_orders(dz_tape *t, const dz_var *leaf) {
  static const size_t dims[] = {2, 2, 2};
  static const int orders[2][3] = {{1, 0, 2}, {1, 2, 0}};
  const dz_var x = dz_reshape(dz_slice(leaf[TWELVE], 0, 0, 8, 1), 3, dims);
  const dz_var y = dz_permute(x, 3, orders[dz_value(leaf[X]) > .25]);
  (void)t;
  return dz_mul(leaf[X], dz_at(dz_at(dz_at(y, 0, 0), 0, 0), 0, 1));
}
static dz_var late_branch(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var z = dz_mul(leaf[X], leaf[Y]), w = dz_mul(z, z);
  return dz_mul(dz_value(leaf[X]) > .25 ? dz_mul(w, 3) : dz_mul(w, z), 2);
}
static dz_var longer_branch(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var z = dz_mul(leaf[X], leaf[Y]);
  return dz_value(leaf[X]) > .25 ? dz_mul(z, 3) : z;
}
static dz_var shorter_branch(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const dz_var z = dz_mul(leaf[X], leaf[Y]);
  return dz_value(leaf[X]) > .25 ? z : dz_mul(z, 3);
}
static dz_var branch_at_zero(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return dz_value(leaf[ZERO]) > 0 ? dz_mul(leaf[ZERO], 3) : add(leaf[ZERO], leaf[ZERO]);
}
/* A branch beside the kink, a little farther than one looks: by 2^-20, of x where that is not 0. */
static dz_var far_branch(const dz_var x, double at, double size) {
  const dz_var bend = dz_relu(off(x, at));
  return add(bend, dz_value(x) - at > size * 1.5 * 0x1p-20 ? add(x, x) : dz_mul(x, 2));
}
static dz_var far_branch_at_zero(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return far_branch(leaf[ZERO], 0, 1);
}
static dz_var far_branch_at_x(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return far_branch(leaf[X], .25, .25);
}
static dz_var near_branch_at_x(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return far_branch(leaf[X], .25, .125);
}
/* Of other extents alone. */
static dz_var branch_of_extents(dz_tape *t, const dz_var *leaf) {
  const bool beyond = dz_value(leaf[X]) > .25;
  return dz_mul(leaf[X], sum(dz_leaf_tensor(t, DZ_ROLE_CONST, 1, beyond ? three : two, ones)));
}
/* What is worse comes first, also where less is missing. */
static dz_var noise_and_kink(dz_tape *t, const dz_var *leaf) {
  (void)t;
  const double noise = (double)(dz__mix(1, dz__bits(dz_value(leaf[X]))) >> 40) * 0x1p-28;
  const dz_var z = add(leaf[X], dz_num(noise));
  return add(z, dz_relu(off(leaf[Y], .625)));
}
static dz_var kink_of_sixteen_operands(dz_tape *t, const dz_var *leaf) {
  dz_var xs[16];
  (void)t;
  for (int k = 0; k < 16; k++) xs[k] = leaf[k % 2];
  const dz_var z = sum(dz_stack(16, xs, 0));
  return add(z, dz_relu(off(leaf[X], .25)));
}

static part *const parts[] = {
    kinks_of_two,       kinks_of_two_before, kinks_of_both,      kinks_of_both_before,
    kinks_of_elements,  stopped_kinks,       kinks_of_a_pair,    kinks_of_rank_8,
    kink_behind_a_stop, kink_of_twelve,      late_branch,        longer_branch,
    shorter_branch,     branch_at_zero,      far_branch_at_zero, far_branch_at_x,
    near_branch_at_x,   branch_of_extents,   noise_and_kink,     kink_of_sixteen_operands,
    branch_of_operands, branch_of_places,    branch_of_axes,     branch_of_orders};

enum { ALL = COUNT(parts) };

static dz_var model(dz_tape *t, const dz_var *leaf, void *user) { return parts[*(const int *)user](t, leaf); }

static const uint64_t sums[ALL] = {
#include "kept_kinks.sums"
};

START_TEST(bent) { keep_blame(model, "kept_kinks.sums", _i, ALL, sums[_i]); }
END_TEST

SUITE(EACH(bent, ALL))
