/* Plans of whole tensors against the tape. Where all numbers are whole and small enough for a float, every
   order of additions is exact, and plans of doubles and of floats are the tape bit for bit. */
#include "dice.h"
#include "dz/dz.h"
#include "failing.h"
#include "net.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- chains: every way in which an operand may repeat, over more than a piece ---- */

START_TEST(operands_that_repeat) {
  static const size_t shapes[][3] = {{4, 3, 5},    {1, 1, 1},   {7, 40, 33}, {2, 700, 1},
                                     {1, 3, 1500}, {30, 1, 64}, {5, 0, 2}};
  for (size_t s = 0; s < COUNT(shapes); s++)
    for (unsigned kept = 0; kept < 8; kept++) {
      net n = {.t = dz_tape_new(NULL)};
      dice d = {s * 8 + kept};
      size_t dims[3];
      for (int k = 0; k < 3; k++) dims[k] = kept >> k & 1 ? shapes[s][k] : 1;
      dz_var a = leaf(&n, DZ_ROLE_INPUT, 3, shapes[s], small, &d),
             b = leaf(&n, DZ_ROLE_INPUT, 3, dims, small, &d);
      dz_var c = leaf(&n, DZ_ROLE_DATA, 3, dims, small, &d);
      dz_var z = dz_relu(dz_sub(dz_mul(a, b), c)), w = dz_fmax(dz_neg(b), a);
      z = dz_where(dz_gt(z, 1), dz_sub(dz_add(z, w), dz_mul(3, b)), dz_sub(a, z));
      n.y = dz_sum(dz_mul(z, dz_add(z, b)), DZ_ALL, false);
      sweep(&n);
      check_same(&n, false, "doubles");
      check_same(&n, true, "floats");
      drop(&n);
    }
}
END_TEST

/* Pieces of 384 numbers, which end amid columns of 250 and 500 elements, and amid rows of 500: what is added
   up ends with them, and what a neighbour holds stays out. */
START_TEST(pieces_that_end_anywhere) {
  enum { ROWS = 6 };
  net n = {.t = dz_tape_new(NULL)};
  dice d = {(uint64_t)_i};
  const size_t columns = _i & 1 ? 500 : 250, all[] = {ROWS, columns}, rows[] = {ROWS, 1},
               row[] = {1, columns};
  const size_t *few = _i & 2 ? row : rows;
  dz_var a = leaf(&n, DZ_ROLE_INPUT, 2, all, small, &d), b = leaf(&n, DZ_ROLE_INPUT, 2, few, small, &d),
         c = leaf(&n, DZ_ROLE_INPUT, 2, few, small, &d), z = dz_mul(dz_neg(a), b);
  n.y = dz_sum(dz_mul(dz_relu(z), dz_mul(c, dz_neg(z))), DZ_ALL, false);
  sweep(&n);
  check_same(&n, false, "doubles");
  check_same(&n, true, "floats");
  drop(&n);
}
END_TEST

/* ---- matrix products: transposes are read the other way round, not copied ---- */

static dz_var factor(net *n, size_t rows, size_t columns, bool turned, dice *d) {
  dz_var x =
      leaf(n, DZ_ROLE_PARAM, 2, turned ? (size_t[]){columns, rows} : (size_t[]){rows, columns}, small, d);
  return turned ? dz_transpose(x) : x;
}

START_TEST(products) {
  dice d = {(uint64_t)_i};
  for (int turn = 0; turn < EFFORT(40, 6); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    size_t m = 1 + below(&d, 40), k = 1 + below(&d, 40), l = 1 + below(&d, 40);
    dz_var a = factor(&n, m, k, _i & 1, &d), b = factor(&n, k, l, _i & 2, &d);
    dz_var c = _i & 4 ? dz_transpose(dz_matmul(a, b)) : dz_matmul(a, b);
    dz_var v = leaf(&n, DZ_ROLE_INPUT, 1, _i & 4 ? &m : &l, small, &d); /* and vectors on both sides */
    dz_var u = dz_matmul(c, v), gram = dz_matmul(b, dz_transpose(b));
    n.y = dz_add(dz_dot(u, u),
                 dz_sum(dz_add(dz_matmul(a, gram), dz_reshape(a, 2, (size_t[]){m, k})), DZ_ALL, false));
    sweep(&n);
    check_same(&n, false, "doubles");
    if (fabs(dz_value(n.y)) < 0x1p22 && m * k * l < 2000) check_same(&n, true, "floats");
    drop(&n);
  }
}
END_TEST

/* A batch of matrices goes to the operation's own kernel, as all else. */
START_TEST(other_operations) {
  for (int seed = 0; seed < EFFORT(50, 8); seed++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)seed};
    dz_var a = leaf(&n, DZ_ROLE_INPUT, 3, (size_t[]){2, 3, 4}, small, &d);
    dz_var b = leaf(&n, DZ_ROLE_INPUT, 3, (size_t[]){2, 4, 3}, small, &d);
    dz_var c = dz_matmul(a, b), at = leaf(&n, DZ_ROLE_DATA, 1, (size_t[]){3}, small, &d);
    dz_var parts[] = {c, dz_permute(c, 3, (int[]){0, 2, 1}), c};
    dz_var z = dz_concat(3, parts, 1);
    z = dz_add(dz_gather(z, dz_add(at, 2), 1),
               dz_slice(dz_cumsum(dz_stack(2, (dz_var[]){c, c}, 0), 1), 0, 1, 2, 1));
    dz_var most = dz_max(z, 2, true);
    z = dz_mul(dz_broadcast_to(dz_add(dz_sum(z, 1, true), most), 4, (size_t[]){1, 2, 3, 3}),
               dz_prod(b, 1, true));
    n.y = dz_sum(z, DZ_ALL, false);
    sweep(&n);
    check_same(&n, false, "doubles");
    drop(&n);
  }
}
END_TEST

/* ---- what single elements cannot do ---- */

static double value_at(const net *n, const double *in, bool single) {
  dz_plan *p = plan_of(n, single);
  void *work = workspace(p);
  double value;
  ck_assert_int_eq(dz_plan_run(p, in, &value, NULL, work), DZ_OK);
  free(work);
  dz_plan_free(p);
  return value;
}

/* [[2, 1], [1, 3]] x = [3, 5]: x = [4/5, 7/5], by Cramer; then with [[1, 0], [0, 2]] and [3, 5]. */
START_TEST(systems) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var a = leaf(&n, DZ_ROLE_INPUT, 2, (size_t[]){2, 2}, small, &d),
         b = leaf(&n, DZ_ROLE_INPUT, 1, (size_t[]){2}, small, &d);
  dz_set(a, (double[]){2, 1, 1, 3}, 4);
  dz_set(b, (double[]){3, 5}, 2);
  n.y = dz_sum(dz_solve(a, b), DZ_ALL, false);
  ck_assert(fabs(value_at(&n, (double[]){2, 1, 1, 3, 3, 5}, false) - 2.2) <= 4 * 0x1p-52);
  ck_assert(value_at(&n, (double[]){1, 0, 0, 2, 3, 5}, false) == 5.5);
  drop(&n);
}
END_TEST

/* Positions may vary; one that does not exist gives NaN. */
START_TEST(positions_that_vary) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var x = leaf(&n, DZ_ROLE_INPUT, 1, (size_t[]){3}, small, &d),
         at = leaf(&n, DZ_ROLE_DATA, 1, (size_t[]){2}, small, &d);
  dz_set(at, (double[]){0, 0}, 2);
  n.y = dz_sum(dz_gather(x, at, 0), DZ_ALL, false);
  for (int single = 0; single < 2; single++) {
    ck_assert(value_at(&n, (double[]){1, 2, 4, 1, 2}, single) == 6);
    ck_assert(value_at(&n, (double[]){1, 2, 4, -1, 0}, single) == 5);
    ck_assert(isnan(value_at(&n, (double[]){1, 2, 4, 3, 0}, single)));
  }
  drop(&n);
}
END_TEST

/* Another seed in every run gives what the tape gives for it. */
START_TEST(seeds_that_vary) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var x = leaf(&n, DZ_ROLE_INPUT, 1, (size_t[]){50}, small, &d), seed = dz_data(n.t, 0);
  n.x[n.leaves++] = seed;
  n.in = realloc(n.in, (n.inputs + 1) * sizeof *n.in);
  n.y = dz_sum(dz_dropout(x, .5, seed), DZ_ALL, false);
  for (n.in [n.inputs++] = 1; n.in[50] < 20; n.in[50]++) {
    double sum = 0;
    dz_var noise = dz_noise(x, n.in[50]);
    for (int i = 0; i < 50; i++) sum += dz_values(noise)[i] < .5 ? 0 : 2 * n.in[i];
    ck_assert(value_at(&n, n.in, false) == sum && value_at(&n, n.in, true) == sum);
  }
  drop(&n);
}
END_TEST

/* ---- structural zeros ---- */

/* sqrt at 0 has an infinite slope; the branch not taken lets nothing of it through, neither in a chain nor
   through a product. */
START_TEST(structural_zeros) {
  for (int single = 0; single < 2; single++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {1};
    dz_var x = leaf(&n, DZ_ROLE_INPUT, 2, (size_t[]){2, 2}, small, &d);
    memcpy(n.in, (double[]){0, 4, 1, 16}, 4 * sizeof *n.in);
    dz_set(x, n.in, 4);
    dz_var roots = dz_sqrt(x), picked = dz_where(dz_gt(x, 0), roots, 7);
    dz_var z = dz_matmul(picked, x);
    n.y = dz_sum(dz_add(dz_slice(z, 0, 1, 2, 1), dz_sum(picked, 0, true)), DZ_ALL, false);
    sweep(&n);
    check_same(&n, single, single ? "floats" : "doubles");
    for (int i = 0; i < 4; i++) ck_assert(isfinite(n.gradient[i]));
    drop(&n);
  }
}
END_TEST

/* ---- branches, seeds, several outputs ---- */

START_TEST(branches) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 2), y;
  y = dz_holds(dz_gt(x, 1)) ? dz_mul(x, x) : x;
  for (int single = 0; single < 2; single++) {
    const dz_plan_options o = {.tensors = DZ_TENSORS_WHOLE, .single = single};
    dz_plan *p = dz_plan_new(1, &y, 1, &x, &o, NULL);
    void *work = workspace(p);
    double value, g;
    dz_branch first;
    ck_assert_uint_eq(dz_plan_facts_of(p).branches, 1);
    ck_assert_int_eq(dz_plan_run(p, (double[]){3}, &value, &g, work), DZ_OK);
    ck_assert(value == 9 && g == 6 && dz_plan_flips(p, work, NULL) == 0);
    ck_assert_int_eq(dz_plan_run(p, (double[]){-3}, &value, &g, work), DZ_ERR_BRANCH);
    ck_assert(dz_plan_flips(p, work, &first) == 1 && first.recorded && first.line > 0);
    free(work);
    dz_plan_free(p);
  }
  dz_tape_free(t);
}
END_TEST

/* A condition that a rewind took away is asked no more, though its place on the tape is another's. */
START_TEST(branches_that_are_gone) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 2), y;
  dz_mark before = dz_tape_mark(t);
  const bool large = dz_holds(dz_gt(dz_mul(x, x), 1));
  ck_assert(large);
  dz_tape_rewind(t, before);
  y = dz_add(dz_exp(dz_sub(x, x)), dz_mul(dz_mul(x, x), x));
  for (int whole = 0; whole < 2; whole++) {
    const dz_plan_options o = {.tensors = whole ? DZ_TENSORS_WHOLE : DZ_TENSORS_APART};
    dz_plan *p = dz_plan_new(1, &y, 1, &x, &o, NULL);
    void *work = workspace(p);
    double value, g;
    ck_assert_uint_eq(dz_plan_facts_of(p).branches, 0);
    ck_assert_int_eq(dz_plan_run(p, (double[]){.5}, &value, &g, work), DZ_OK);
    ck_assert(value == 1.125 && g == .75);
    free(work);
    dz_plan_free(p);
  }
  dz_tape_free(t);
}
END_TEST

/* Nothing flows from a condition, whose operations are a chain of their own: sum x^2 while e^c d > 1. */
START_TEST(conditions_apart) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var c = leaf(&n, DZ_ROLE_INPUT, 0, NULL, small, &d),
         x = leaf(&n, DZ_ROLE_INPUT, 1, (size_t[]){3}, small, &d);
  dz_set(c, (double[]){1}, 1);
  const bool large = dz_holds(dz_gt(dz_mul(dz_exp(c), dz_sqrt(dz_exp(c))), 1));
  ck_assert(large);
  n.y = dz_sum(dz_mul(x, x), DZ_ALL, false);
  const double in[] = {2, 1, -2, 3}, other[] = {-2, 1, -2, 3};
  for (int single = 0; single < 2; single++) {
    dz_plan *p = plan_of(&n, single);
    void *work = workspace(p);
    double value, g[4];
    ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
    ck_assert(value == 14 && g[0] == 0 && g[1] == 2 && g[2] == -4 && g[3] == 6);
    ck_assert_int_eq(dz_plan_run(p, other, &value, g, work), DZ_ERR_BRANCH);
    soil(work, dz_plan_memory(p)); /* also where nobody asks for the value */
    ck_assert_int_eq(dz_plan_run(p, other, NULL, g, work), DZ_ERR_BRANCH);
    soil(work, dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, in, NULL, g, work), DZ_OK);
    ck_assert(g[0] == 0 && g[1] == 2 && g[2] == -4 && g[3] == 6);
    free(work);
    dz_plan_free(p);
  }
  drop(&n);
}
END_TEST

/* Of no numbers at all: the inputs need no array, and constants have none. */
START_TEST(nothing) {
  const size_t none[] = {2, 0};
  for (int single = 0; single < 2; single++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, none, NULL),
           c = dz_leaf_tensor(t, DZ_ROLE_DATA, 2, none, NULL);
    dz_var ys[] = {dz_mul(x, c), dz_sum(dz_tanh(dz_mul(x, c)), DZ_ALL, false), dz_matmul(x, dz_transpose(c))};
    const dz_plan_options o = {.tensors = DZ_TENSORS_WHOLE, .single = single};
    dz_plan *p = dz_plan_new(3, ys, 1, &x, &o, NULL);
    void *work = workspace(p);
    double values[5] = {1, 1, 1, 1, 1}, g = 7;
    ck_assert_uint_eq(dz_plan_outputs(p), 5);
    ck_assert_int_eq(dz_plan_run(p, NULL, values, &g, work), DZ_OK);
    for (int k = 0; k < 5; k++) ck_assert(values[k] == 0);
    ck_assert(g == 7);
    float floats[5] = {1, 1, 1, 1, 1}, slope = 7;
    ck_assert_int_eq(dz_plan_run_single(p, NULL, floats, &slope, work), single ? DZ_OK : DZ_ERR_ARGUMENT);
    for (int k = 0; k < 5; k++) ck_assert(floats[k] == (single ? 0 : 1));
    ck_assert(slope == 7);
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

/* The careful way back with seeds and an output that has no gradient: 3 sqrt x where x > 0, at 0 and 4. */
START_TEST(carefully_from_seeds) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var x = leaf(&n, DZ_ROLE_INPUT, 1, (size_t[]){2}, small, &d), more = dz_gt(x, 0);
  dz_var ys[] = {dz_where(more, dz_sqrt(x), 0), more};
  for (int single = 0; single < 2; single++) {
    const dz_plan_options o = {.tensors = DZ_TENSORS_WHOLE, .single = single};
    dz_plan *p = dz_plan_new(2, ys, 1, &x, &o, NULL);
    void *work = workspace(p);
    double values[4], g[2];
    ck_assert_int_eq(dz_plan_pull(p, (double[]){0, 4}, (double[]){5, 3, 1, 1}, values, g, work), DZ_OK);
    ck_assert(values[0] == 0 && values[1] == 2 && values[2] == 0 && values[3] == 1 && g[0] == 0 &&
              g[1] == .75);
    free(work);
    dz_plan_free(p);
  }
  drop(&n);
}
END_TEST

/* Short rows of floats at once, or one after another where the largest is infinite: ln 2 + 1. */
START_TEST(floats_of_logsumexp) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, NULL), y = dz_logsumexp(x, 0, false);
  dz_plan *p = dz_plan_new(1, &y, 1, &x, &(dz_plan_options){.single = true}, NULL);
  void *work = workspace(p);
  double value, g[2];
  ck_assert_int_eq(dz_plan_run(p, (double[]){1, 1}, &value, g, work), DZ_OK);
  ck_assert(value == (double)1.69314718055994530942f && g[0] == .5 && g[1] == .5);
  ck_assert_int_eq(dz_plan_run(p, (double[]){1, -(double)INFINITY}, &value, g, work), DZ_OK);
  ck_assert(value == 1 && g[0] == 1 && g[1] == 0);
  ck_assert_int_eq(dz_plan_run(p, (double[]){(double)INFINITY, 1}, &value, g, work), DZ_OK);
  ck_assert(isinf(value) && g[0] == 1 && g[1] == 0);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* Outputs x^2 and sum x, and x itself; seeds 1 2, 3, 10 100: to x_i 2 x_i s_i + 3 + t_i. */
START_TEST(outputs_and_seeds) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var x = leaf(&n, DZ_ROLE_INPUT, 1, (size_t[]){2}, small, &d);
  dz_var ys[] = {dz_pow(x, 2), dz_sum(x, 0, false), x};
  for (int single = 0; single < 2; single++) {
    const dz_plan_options o = {.tensors = DZ_TENSORS_WHOLE, .single = single};
    dz_plan *p = dz_plan_new(3, ys, 1, &x, &o, NULL);
    void *work = workspace(p);
    double values[5], g[2];
    ck_assert_uint_eq(dz_plan_outputs(p), 5);
    ck_assert_int_eq(dz_plan_pull(p, (double[]){5, 7}, (double[]){1, 2, 3, 10, 100}, values, g, work), DZ_OK);
    ck_assert(values[0] == 25 && values[1] == 49 && values[2] == 12 && values[3] == 5 && values[4] == 7);
    ck_assert(g[0] == 23 && g[1] == 131);
    free(work);
    dz_plan_free(p);
  }
  drop(&n);
}
END_TEST

/* Floats as they are: values and gradient of 3 x^2 at a number that a float does not hold. */
START_TEST(floats) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 2), y = dz_mul(3, dz_mul(x, x)), late = dz_input(t, 1), xs[] = {x, late};
  dz_plan *p = dz_plan_new(1, &y, 2, xs, &(dz_plan_options){.single = true}, NULL);
  dz_plan *q = dz_plan_new(1, &y, 2, xs, &(dz_plan_options){.tensors = DZ_TENSORS_WHOLE}, NULL);
  void *work = workspace(p);
  const float in[] = {.1f, 5};
  float value, g[2] = {7, 7};
  ck_assert_int_eq(dz_plan_run_single(p, in, &value, g, work), DZ_OK);
  ck_assert(value == (float)(3 * ((double).1f * (double).1f)) && g[0] == (float)(6 * (double).1f) &&
            g[1] == 0);
  ck_assert_int_eq(dz_plan_run_single(q, in, &value, g, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run_single(p, NULL, &value, g, work), DZ_ERR_ARGUMENT);
  free(work);
  dz_plan_free(p);
  dz_plan_free(q);
  dz_tape_free(t);
}
END_TEST

/* ---- refusals and failures ---- */

static bool written(void *user, const char *text, size_t size) {
  (void)user, (void)size;
  ck_abort_msg("wrote %s", text);
  return true;
}

START_TEST(refusals) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 2), y = dz_exp(x), both[] = {x, x};
  static const struct {
    dz_plan_options o;
    const char *message;
  } rows[] = {{{.tensors = DZ_TENSORS_WHOLE, .map = true}, "a plan of whole tensors has no map"},
              {{.single = true, .tensors = DZ_TENSORS_APART}, "floats are for plans of whole tensors"}};
  dz_error e;
  for (size_t k = 0; k < COUNT(rows); k++) {
    ck_assert(dz_plan_new(1, &y, 1, &x, &rows[k].o, &e) == NULL && e.status == DZ_ERR_ARGUMENT);
    ck_assert_str_eq(e.message, rows[k].message);
  }
  const dz_plan_options whole = {.tensors = DZ_TENSORS_WHOLE};
  dz_plan *p = dz_plan_new(1, &y, 1, &x, &whole, &e);
  ck_assert_int_eq(dz_plan_native(p, NULL, &e), DZ_ERR_ARGUMENT);
  ck_assert_str_eq(e.message, "a plan of whole tensors has no native code: make it with DZ_TENSORS_APART");
  ck_assert_int_eq(dz_emit(p, NULL, written, NULL), DZ_ERR_ARGUMENT);
  dz_plan_free(p);
  ck_assert(dz_plan_new(1, &y, 2, both, &whole, &e) == NULL && e.status == DZ_ERR_ARGUMENT);
  ck_assert(dz_plan_new(1, &y, 1, &y, &whole, &e) == NULL && e.status == DZ_ERR_ARGUMENT);
  ck_assert(dz_plan_new(1, &(dz_var){0}, 1, &x, &whole, &e) == NULL && e.status == DZ_ERR_HANDLE);
  dz_tape_free(t);
}
END_TEST

static void starve(const net *n, int outputs, const dz_var *ys) {
  for (size_t only = 1;; only++) {
    failing f = {.only = only};
    dz_allocator a = failing_allocator(&f);
    dz_error e;
    const dz_plan_options o = {.allocator = &a, .tensors = DZ_TENSORS_WHOLE, .single = only % 2};
    dz_plan *p = dz_plan_new(outputs, ys, 1, n->x, &o, &e);
    dz_plan_free(p);
    ck_assert_uint_eq(f.blocks, 0);
    if (!f.failed) break;
    ck_assert(p == NULL && e.status == DZ_ERR_MEMORY);
  }
}

/* Every allocation fails once, and nothing is lost. */
START_TEST(no_memory) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var x = leaf(&n, DZ_ROLE_INPUT, 2, (size_t[]){3, 3}, small, &d);
  dz_var image = dz_reshape(x, 4, (size_t[]){1, 1, 3, 3}),
         pool = dz_max_pool(dz_conv2d(image, image, 1, 1), 3, 0);
  dz_var layer = dz_relu(dz_add(dz_matmul(dz_tanh(x), dz_transpose(x)), dz_at(x, 0, 0)));
  n.y = dz_add(dz_cross_entropy(layer, x, -1), dz_sum(pool, DZ_ALL, false));
  const bool large = dz_holds(dz_gt(dz_at(x, 0, 0), 100));
  ck_assert(!large);
  starve(&n, 1, &n.y);
  starve(&n, 4, (dz_var[]){layer, n.y, pool, dz_data(n.t, 3)}); /* and one that depends on nothing */
  drop(&n);
}
END_TEST

/* Arrays grow at other operations when there are more before these, and with more outputs. */
START_TEST(no_memory_later) {
  enum { MOST = 40 };
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var x = leaf(&n, DZ_ROLE_INPUT, 2, (size_t[]){4, 4}, small, &d), z = x, ys[MOST], image, y;
  for (int k = 0; k < EFFORT(MOST, 4); k++) {
    z = dz_neg(z);
    image = dz_reshape(z, 4, (size_t[]){1, 1, 4, 4});
    y = dz_conv2d(image, dz_slice(image, 3, 0, 2, 1), 1, 0);
    y = dz_add(dz_sum(y, DZ_ALL, false),
               dz_sum(dz_relu(dz_add(dz_matmul(x, z), dz_at(x, 0, 0))), DZ_ALL, false));
    ys[k] = dz_matmul(z, x);
    starve(&n, 1, &y);
    if (k > 14 && k < 18) starve(&n, k, ys);
  }
  drop(&n);
}
END_TEST

SUITE(ONCE(operands_that_repeat), EACH(pieces_that_end_anywhere, 4), EACH(products, 8),
      ONCE(other_operations), ONCE(systems), ONCE(positions_that_vary), ONCE(seeds_that_vary),
      ONCE(structural_zeros), ONCE(branches), ONCE(branches_that_are_gone), ONCE(conditions_apart),
      ONCE(nothing), ONCE(carefully_from_seeds), ONCE(floats_of_logsumexp), ONCE(outputs_and_seeds),
      ONCE(floats), ONCE(refusals), ONCE(no_memory), ONCE(no_memory_later))
