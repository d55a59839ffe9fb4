/* What plans of whole tensors do together: a product with its row and relu, short rows with their sums and
   largest elements, windows of images; each against the tape, which does one operation after another. Numbers
   are whole, so that sums are exact in any order; where they cannot be, bounds are some roundings of the
   largest gradient. */
#include "net.h"
#include "suite.h"

static const double ROUNDED = 0x1p-46, ROUNDED_FLOATS = 0x1p-16;

static dz_var matrix(net *n, size_t rows, size_t columns, dice *d) {
  return leaf(n, DZ_ROLE_PARAM, 2, (size_t[]){rows, columns}, small, d);
}

/* ---- layers ---- */

START_TEST(layers) {
  dice d = {(uint64_t)_i + 1};
  for (int turn = 0; turn < EFFORT(60, 8); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    size_t m = 2 + below(&d, 40), k = 1 + below(&d, turn % 8 ? 20 : 250), l = 1 + below(&d, 70);
    bool turned = _i & 1, row = _i & 2, first = _i & 4;
    dz_var x = turned ? dz_transpose(matrix(&n, k, m, &d)) : matrix(&n, m, k, &d), w = matrix(&n, k, l, &d);
    dz_var b = row ? matrix(&n, 1, l, &d) : leaf(&n, DZ_ROLE_PARAM, 1, &l, small, &d);
    dz_var z = dz_matmul(x, w), y = dz_relu(first ? dz_add(b, z) : dz_add(z, b));
    dz_var v = matrix(&n, l, 3, &d), bare = dz_relu(dz_matmul(y, v));
    n.y = dz_add(dz_sum(bare, DZ_ALL, false), dz_sum(dz_mul(b, b), DZ_ALL, false));
    if (turn % 3 == 0) n.y = dz_add(n.y, dz_sum(z, DZ_ALL, false)); /* the product is read elsewhere too */
    if (turn % 5 == 0) n.y = dz_add(n.y, dz_sum(dz_mul(y, y), DZ_ALL, false));
    sweep(&n);
    check_same(&n, false, "doubles");
    if (fabs(dz_value(n.y)) < 0x1p22 && k < 30) check_near(&n, true, 0x1p-18, "floats");
    drop(&n);
  }
}
END_TEST

/* Of a NaN and of an infinity: relu(inf - inf), and slopes of 0 that meet an infinite weight. */
START_TEST(layers_at_hard_points) {
  const double hard[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
  for (int turn = 0; turn < EFFORT(60, 20); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)turn};
    dz_var x = matrix(&n, 3, 4, &d), w = matrix(&n, 4, 5, &d), b = matrix(&n, 1, 5, &d);
    dz_var leaves[] = {x, w, b};
    size_t at = below(&d, dz_size(leaves[turn % 3])), before = turn % 3 == 0 ? 0 : turn % 3 == 1 ? 12 : 32;
    n.in[before + at] = hard[turn / 3 % 3];
    dz_set(leaves[turn % 3], n.in + before, dz_size(leaves[turn % 3]));
    dz_var y = dz_relu(dz_add(dz_matmul(x, w), b)),
           keep = leaf(&n, DZ_ROLE_DATA, 2, (size_t[]){3, 5}, small, &d);
    n.y = dz_sum(dz_where(dz_gt(keep, 0), y, 1), DZ_ALL, false);
    sweep(&n);
    check_same(&n, false, "doubles");
    drop(&n);
  }
}
END_TEST

/* ---- views ---- */

/* A mask of the parameters in another shape, or in its own again, read in the chain that makes the mask. */
START_TEST(views_of_masks) {
  dice d = {(uint64_t)_i + 7};
  net n = {.t = dz_tape_new(NULL)};
  dz_var x = matrix(&n, 6, 4, &d), mask = dz_gt(x, 0);
  dz_var view = dz_reshape(mask, _i < 2 ? 2 : 3, _i < 2 ? (size_t[]){6, 4} : (size_t[]){2, 3, 4});
  if (_i % 2 == 0) view = dz_reshape(view, 2, (size_t[]){6, 4});
  dz_var y =
      dz_sum(dz_add(dz_mul(mask, x), dz_reshape(dz_min(view, -1, true), 2, (size_t[]){6, 1})), DZ_ALL, false);
  n.y = dz_add(y, dz_sum(dz_mul(x, dz_reshape(view, 2, (size_t[]){6, 4})), DZ_ALL, false));
  sweep(&n);
  check_same(&n, false, "doubles");
  drop(&n);
}
END_TEST

/* ---- bands ---- */

typedef struct band {
  int rank;
  size_t each[3], one[3], n;
} band;

/* Rows of 2 to 64 numbers are bands, longer ones are not. */
static band band_of(dice *d, int turn) {
  size_t n = turn % 10 ? 2 + below(d, 20) : 60 + below(d, 8), rows = 2 + below(d, turn % 7 ? 12 : 90);
  band b = {.rank = turn & 1 ? 3 : 2, .n = n};
  size_t dims[] = {turn & 1 ? 1 + below(d, 3) : rows, turn & 1 ? rows : n, n};
  for (int k = 0; k < b.rank; k++) b.one[k] = b.each[k] = dims[k];
  b.one[b.rank - 1] = 1;
  return b;
}

/* Every way in which an operand meets a band, every fold, with the extent kept and without. */
START_TEST(bands) {
  for (int turn = 0; turn < EFFORT(400, 40); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)turn};
    band s = band_of(&d, turn);
    int last = s.rank - 1;
    dz_var a = leaf(&n, DZ_ROLE_INPUT, s.rank, s.each, small, &d),
           b = leaf(&n, DZ_ROLE_INPUT, 1, &s.n, small, &d),
           c = leaf(&n, DZ_ROLE_INPUT, s.rank, s.one, small, &d),
           e = leaf(&n, DZ_ROLE_INPUT, 0, NULL, small, &d);
    dz_var z = dz_sub(dz_mul(a, b), c), most = turn % 3 ? dz_sum(z, last, true) : dz_max(z, last, true);
    dz_var y = dz_where(dz_gt(z, most), dz_mul(z, e), dz_add(z, most));
    dz_var row = dz_mul(dz_sum(y, last, false), e), other = dz_sub(c, dz_sum(dz_mul(y, b), last, true));
    if (turn % 4 == 0) other = dz_add(other, dz_min(y, last, true));
    dz_var more = dz_relu(dz_add(y, other));
    n.y = dz_add(dz_add(dz_sum(row, DZ_ALL, false), dz_sum(more, DZ_ALL, false)), dz_sum(y, DZ_ALL, false));
    if (turn % 5 == 0) n.y = dz_add(n.y, dz_sum(dz_mul(other, other), DZ_ALL, false));
    sweep(&n);
    check_near(&n, false, ROUNDED, "doubles");
    check_near(&n, true, ROUNDED_FLOATS, "floats");
    drop(&n);
  }
}
END_TEST

START_TEST(softmax_and_its_like) {
  for (int turn = 0; turn < EFFORT(120, 15); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)turn};
    size_t rows = 2 + below(&d, 40), columns = 2 + below(&d, turn % 4 ? 12 : 80);
    dz_var x = matrix(&n, rows, columns, &d), t = leaf(&n, DZ_ROLE_DATA, 1, &rows, small, &d), g, h;
    dz_var classes = dz_fmin(dz_fabs(t), (double)columns - 1);
    switch (turn % 4) {
    case 0:
      n.y = dz_cross_entropy(x, classes, -1);
      break;
    case 1:
      g = leaf(&n, DZ_ROLE_PARAM, 1, &columns, small, &d),
      h = leaf(&n, DZ_ROLE_PARAM, 1, &columns, small, &d);
      n.y = dz_sum(dz_exp(dz_mul(.1, dz_layer_norm(x, g, h, -1, 1e-5))), DZ_ALL, false);
      break;
    case 2:
      n.y = dz_sum(dz_mul(dz_softmax(x, -1), dz_cos(x)), DZ_ALL, false);
      break;
    default:
      n.y = dz_sum(dz_mul(dz_logsumexp(x, 1, false), t), DZ_ALL, false);
      n.y = dz_add(n.y, dz_cross_entropy(x, dz_softmax(dz_neg(x), -1), -1));
    }
    sweep(&n);
    check_near(&n, false, 0x1p-40, "doubles");
    check_near(&n, true, 0x1p-12, "floats");
    drop(&n);
  }
}
END_TEST

/* The largest of a row infinite, all of them, or a NaN among them. */
START_TEST(bands_at_hard_points) {
  const double hard[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
  for (int turn = 0; turn < EFFORT(120, 30); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)turn};
    dz_var x = matrix(&n, 3, 4, &d), keep = leaf(&n, DZ_ROLE_DATA, 2, (size_t[]){3, 1}, small, &d);
    for (int k = 0; k < 1 + turn % 5; k++) n.in[turn % 2 ? below(&d, 12) : (size_t)(k & 3)] = hard[turn % 3];
    dz_set(x, n.in, 12);
    dz_var z = dz_logsumexp(x, 1, true), most = dz_max(x, 1, true);
    n.y = dz_sum(dz_where(dz_gt(keep, 0), dz_add(z, turn & 4 ? most : dz_sub(x, most)), 1), DZ_ALL, false);
    sweep(&n);
    check_near(&n, false, ROUNDED, "doubles");
    drop(&n);
  }
}
END_TEST

/* ---- images ---- */

static dz_var images(net *n, size_t count, size_t channels, size_t height, size_t width, dz_role role,
                     dice *d) {
  return leaf(n, role, 4, (size_t[]){count, channels, height, width}, small, d);
}

START_TEST(convolutions) {
  for (int turn = 0; turn < EFFORT(150, 20); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)turn};
    size_t channels = 1 + below(&d, 3), high = 1 + below(&d, 5), wide = 1 + below(&d, 5);
    int stride = 1 + (int)below(&d, 3), pad = (int)below(&d, 3);
    dz_var x = images(&n, 1 + below(&d, 3), channels, high + below(&d, 12), wide + below(&d, 40),
                      turn % 3 ? DZ_ROLE_INPUT : DZ_ROLE_DATA, &d);
    dz_var w =
        images(&n, 1 + below(&d, 10), channels, high, wide, turn % 4 ? DZ_ROLE_PARAM : DZ_ROLE_DATA, &d);
    dz_var z = dz_relu(dz_conv2d(x, w, stride, pad)), y = dz_sum(dz_mul(z, z), DZ_ALL, false);
    n.y = turn % 5 ? y : dz_add(y, dz_sum(dz_conv2d(x, w, 1, 0), DZ_ALL, false));
    sweep(&n);
    check_same(&n, false, "doubles");
    if (fabs(dz_value(n.y)) < 0x1p20) check_near(&n, true, 0x1p-18, "floats");
    drop(&n);
  }
}
END_TEST

START_TEST(pools) {
  for (int turn = 0; turn < EFFORT(150, 20); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)turn};
    int size = 1 + (int)below(&d, 4), stride = (int)below(&d, 4);
    dz_var x = images(&n, 1 + below(&d, 3), 1 + below(&d, 3), (size_t)size + below(&d, 20),
                      (size_t)size + below(&d, 150), DZ_ROLE_INPUT, &d);
    dz_var z = turn % 2 ? dz_max_pool(x, size, stride) : dz_avg_pool(x, size, stride);
    n.y = dz_sum(dz_mul(z, z), DZ_ALL, false);
    sweep(&n);
    check_near(&n, false, ROUNDED, "doubles");
    check_near(&n, true, ROUNDED_FLOATS, "floats");
    drop(&n);
  }
}
END_TEST

/* Structural zeros beside infinities and NaN, in images, filters and windows. */
START_TEST(images_at_hard_points) {
  const double hard[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
  for (int turn = 0; turn < EFFORT(120, 30); turn++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)turn};
    dz_var x = images(&n, 2, 1, 6, 6, DZ_ROLE_INPUT, &d), w = images(&n, 2, 1, 3, 3, DZ_ROLE_PARAM, &d);
    size_t at = turn & 1 ? 72 + below(&d, 18) : below(&d, 72);
    n.in[at] = hard[turn % 3];
    dz_set(x, n.in, 72);
    dz_set(w, n.in + 72, 18);
    dz_var z = dz_conv2d(x, w, 1, 0), p = dz_max_pool(x, 3, 0), q = dz_avg_pool(x, 2, 0);
    dz_var k = images(&n, 2, 2, 4, 4, DZ_ROLE_DATA, &d), l = images(&n, 2, 1, 2, 2, DZ_ROLE_DATA, &d),
           m = images(&n, 2, 1, 3, 3, DZ_ROLE_DATA, &d);
    n.y = dz_sum(dz_where(dz_gt(k, 0), z, 1), DZ_ALL, false);
    n.y = dz_add(n.y, dz_sum(dz_where(dz_gt(l, 0), p, 1), DZ_ALL, false));
    n.y = dz_add(n.y, dz_sum(dz_where(dz_gt(m, 0), q, 1), DZ_ALL, false));
    sweep(&n);
    check_near(&n, false, ROUNDED, "doubles");
    drop(&n);
  }
}
END_TEST

/* Laid out, the windows would be 25 times the images. */
START_TEST(images_take_linear_memory) {
  net n = {.t = dz_tape_new(NULL)};
  dice d = {1};
  dz_var x = images(&n, 16, 4, 40, 40, DZ_ROLE_INPUT, &d), w = images(&n, 4, 4, 5, 5, DZ_ROLE_PARAM, &d);
  n.y = dz_sum(dz_max_pool(dz_conv2d(x, w, 1, 0), 2, 0), DZ_ALL, false);
  dz_plan *p = plan_of(&n, false);
  ck_assert_uint_lt(dz_plan_memory(p), 14 * dz_size(x) * sizeof(double));
  dz_plan_free(p);
  drop(&n);
}
END_TEST

/* Products enough make a plan whole that is left the choice. */
START_TEST(small_networks_are_whole) {
  for (size_t rows = 8; rows <= 64; rows *= 8) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {1};
    dz_var x = matrix(&n, rows, 16, &d), w = matrix(&n, 16, 16, &d);
    n.y = dz_sum(dz_relu(dz_matmul(x, w)), DZ_ALL, false);
    dz_plan *p = dz_plan_new(1, &n.y, n.leaves, n.x, NULL, NULL);
    dz_error e;
    ck_assert(dz_plan_native(p, &(dz_native_options){.cache = "/dev/null/none"}, &e));
    ck_assert((strstr(e.message, "whole tensors") != NULL) == (rows == 64));
    dz_plan_free(p);
    drop(&n);
  }
}
END_TEST

/* And 2^17 numbers that are added. */
START_TEST(large_tensors_are_whole) {
  for (size_t size = 1u << 16; size <= 1u << 18; size *= 4) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &size, NULL), y = dz_sum(x, DZ_ALL, false);
    dz_plan *p = dz_plan_new(1, &y, 1, &x, NULL, NULL);
    dz_error e;
    ck_assert(dz_plan_native(p, &(dz_native_options){.cache = "/dev/null/none"}, &e));
    ck_assert((strstr(e.message, "whole tensors") != NULL) == (size == 1u << 18));
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

SUITE(EACH(layers, 8), EACH(views_of_masks, 4), ONCE(layers_at_hard_points), ONCE(bands),
      ONCE(softmax_and_its_like), ONCE(bands_at_hard_points), ONCE(convolutions), ONCE(pools),
      ONCE(images_at_hard_points), ONCE(images_take_linear_memory), ONCE(small_networks_are_whole),
      ONCE(large_tensors_are_whole))
