/* What is nearly a convolution, a pool, a layer or a band, and must not be taken for one; and ends of these.
   Each against the tape, which does one operation after another. Numbers are whole and small, so that sums
   are exact in any order. Everything runs twice: the second time beside a branch not taken with an infinite
   slope, so that the careful way back has it too. */
#include "net.h"
#include "suite.h"

/* 7, and a gradient of 0 by a way that has an infinite slope. */
static dz_var zero_beside(net *n) {
  static const double four[] = {0, 4};
  dice d = {1};
  dz_var x = leaf(n, DZ_ROLE_INPUT, 1, (size_t[]){2}, small, &d);
  memcpy(n->in + n->inputs - 2, four, sizeof four);
  dz_set(x, four, 2);
  return dz_sum(dz_where(dz_gt(x, 1), 1, dz_where(dz_gt(x, 9), dz_sqrt(dz_sub(x, x)), 3)), 0, false);
}

static dz_var summed(dz_var z) { return dz_sum(dz_mul(z, z), DZ_ALL, false); }

typedef dz_var maker(net *n, dice *d, int kind);

/* Of the kinds one, with doubles and with floats. The bound is 0 where numbers are whole all the way. */
static void try_kind(maker *make, int kind, double bound) {
  for (int beside = 0; beside < 2; beside++) {
    net n = {.t = dz_tape_new(NULL)};
    dice d = {(uint64_t)kind + 1};
    char what[64];
    n.y = make(&n, &d, kind);
    if (beside) n.y = dz_add(n.y, zero_beside(&n));
    sweep(&n);
    snprintf(what, sizeof what, "kind %d, %s", kind, beside ? "carefully" : "as always");
    check_near(&n, false, bound, what);
    check_near(&n, true, bound, what);
    drop(&n);
  }
}

static dz_var tensor_of(net *n, int rank, const size_t *dims, dice *d) {
  return leaf(n, DZ_ROLE_PARAM, rank, dims, small, d);
}

#define DIMS(...)                                                                                            \
  (int)(sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t)), (size_t[]) { __VA_ARGS__ }
#define AXES(...)                                                                                            \
  (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]) { __VA_ARGS__ }

/* ---- convolutions ---- */

enum {
  A_CONVOLUTION,
  ROWS_BY_OTHER_AXIS,
  COLUMNS_BY_OTHER_AXIS,
  PLACES_THAT_VARY,
  PLACES_IN_A_ROW,
  PLACES_APART,
  PLACES_THE_SAME,
  PLACES_OFF_AT_FIRST,
  NO_COLUMNS_TAKEN,
  NO_ROWS_TAKEN,
  RANK_THREE,
  NO_IMAGES,
  PATCHES_READ_TWICE,
  OTHER_ORDER,
  NO_ORDER,
  NOT_LAID_OUT,
  LEFT_TURNED,
  RIGHT_NOT_TURNED,
  A_VECTOR,
  FILTERS_AS_THEY_ARE,
  FILTERS_OF_RANK_THREE,
  FILTER_CHANNELS,
  FILTER_HEIGHT,
  FILTER_WIDTH,
  RESULT_IMAGES,
  RESULT_CHANNELS,
  RESULT_ROWS,
  OTHER_LAST,
  THREE_LAST,
  CONVOLUTIONS
};

/* Three windows of two places each, one apart. */
static dz_var places(net *n, int kind) {
  static const double at[] = {0, 1, 1, 2, 2, 3}, apart[] = {0, 2, 1, 3, 0, 2}, same[] = {0, 1, 0, 1, 0, 1},
                      off[] = {3, 1, 1, 2, 2, 3};
  const double *from = kind == PLACES_APART          ? apart
                       : kind == PLACES_THE_SAME     ? same
                       : kind == PLACES_OFF_AT_FIRST ? off
                                                     : at;
  if (kind != PLACES_THAT_VARY) return dz_leaf_tensor(n->t, DZ_ROLE_DATA, DIMS(3, 2), from);
  dice d = {1};
  dz_var x = leaf(n, DZ_ROLE_DATA, DIMS(3, 2), small, &d);
  memcpy(n->in + n->inputs - 6, at, sizeof at);
  dz_set(x, at, 6);
  return x;
}

/* Six axes: images, channels, row, place in it, column, place in it. */
static dz_var patches_of(net *n, dice *d, int kind) {
  static const double few[] = {0, 1, 2}, six[] = {0, 1, 0, 1, 0, 1};
  dz_var usual = places(n, A_CONVOLUTION), at = places(n, kind);
  switch (kind) {
  case ROWS_BY_OTHER_AXIS:
    return dz_gather(dz_gather(tensor_of(n, DIMS(2, 4, 2, 4), d), at, 1), at, 4);
  case COLUMNS_BY_OTHER_AXIS:
    return dz_gather(dz_gather(tensor_of(n, DIMS(4, 2, 4, 1), d), at, 2), at, 0);
  case PLACES_IN_A_ROW:
    at = dz_leaf_tensor(n->t, DZ_ROLE_DATA, DIMS(3), few);
    usual = dz_leaf_tensor(n->t, DZ_ROLE_DATA, DIMS(3, 1, 2), six);
    return dz_gather(dz_gather(tensor_of(n, DIMS(2, 2, 4, 4), d), at, 2), usual, 3);
  case NO_COLUMNS_TAKEN:
    return tensor_of(n, DIMS(2, 2, 3, 2, 3, 2), d);
  case NO_ROWS_TAKEN:
    return dz_gather(tensor_of(n, DIMS(2, 2, 3, 2, 4), d), at, 4);
  case RANK_THREE:
    usual = dz_leaf_tensor(n->t, DZ_ROLE_DATA, DIMS(3, 1, 2), six);
    return dz_gather(dz_gather(tensor_of(n, DIMS(2, 2, 4), d), at, 2), usual, 3);
  case NO_IMAGES:
    return dz_gather(dz_gather(tensor_of(n, DIMS(0, 2, 4, 4), d), at, 2), at, 4);
  default:
    return dz_gather(dz_gather(tensor_of(n, DIMS(2, 2, 4, 4), d), usual, 2), at, 4);
  }
}

/* The product of patches, a row for each place, and filters. */
static dz_var product_of(net *n, dice *d, int kind, dz_var patches) {
  const size_t q[] = {dz_extent(patches, 0), dz_extent(patches, 1), dz_extent(patches, 2),
                      dz_extent(patches, 3), dz_extent(patches, 4), dz_extent(patches, 5)};
  const size_t rows = q[0] * q[2] * q[4], all = q[1] * q[3] * q[5];
  dz_var order = patches;
  if (kind == OTHER_ORDER) order = dz_permute(patches, AXES(0, 2, 4, 1, 5, 3));
  if (kind != OTHER_ORDER && kind != NO_ORDER) order = dz_permute(patches, AXES(0, 2, 4, 1, 3, 5));
  dz_var left = dz_reshape(order, DIMS(rows, all));
  switch (kind) {
  case NOT_LAID_OUT:
    return dz_matmul(dz_relu(left),
                     dz_transpose(dz_reshape(tensor_of(n, DIMS(3, 2, 2, 2), d), DIMS(3, all))));
  case LEFT_TURNED:
    return dz_matmul(dz_transpose(dz_reshape(order, DIMS(all, rows))),
                     dz_transpose(dz_reshape(tensor_of(n, DIMS(3, 2, 2, 2), d), DIMS(3, all))));
  case RIGHT_NOT_TURNED:
    return dz_matmul(left, dz_reshape(tensor_of(n, DIMS(3, 2, 2, 2), d), DIMS(all, 3)));
  case A_VECTOR:
    return dz_matmul(dz_reshape(order, DIMS(rows * all)),
                     dz_transpose(dz_reshape(tensor_of(n, DIMS(3, rows, 2, 4), d), DIMS(3, rows * all))));
  case FILTERS_AS_THEY_ARE:
    return dz_matmul(left, dz_transpose(tensor_of(n, DIMS(3, all), d)));
  case FILTERS_OF_RANK_THREE:
    return dz_matmul(left, dz_transpose(dz_reshape(tensor_of(n, DIMS(3, 4, 2), d), DIMS(3, all))));
  case FILTER_CHANNELS:
    return dz_matmul(left, dz_transpose(dz_reshape(tensor_of(n, DIMS(3, 1, 4, 2), d), DIMS(3, all))));
  case FILTER_HEIGHT:
    return dz_matmul(left, dz_transpose(dz_reshape(tensor_of(n, DIMS(3, 2, 1, 4), d), DIMS(3, all))));
  case FILTER_WIDTH:
    return dz_matmul(left, dz_transpose(dz_reshape(tensor_of(n, DIMS(6, 2, 2, 1), d), DIMS(3, all))));
  default:
    return dz_matmul(left,
                     dz_transpose(dz_reshape(tensor_of(n, DIMS(3, q[1], q[3], q[5]), d), DIMS(3, all))));
  }
}

static dz_var convolution(net *n, dice *d, int kind) {
  dz_var patches = patches_of(n, d, kind), z = product_of(n, d, kind, patches), y;
  const size_t images = dz_extent(patches, 0), rows = dz_extent(patches, 2), columns = dz_extent(patches, 4);
  switch (kind) {
  case A_VECTOR:
    return summed(dz_permute(dz_reshape(z, DIMS(1, 1, 1, 3)), AXES(0, 3, 1, 2)));
  case RESULT_IMAGES:
    return summed(dz_permute(dz_reshape(z, DIMS(1, 6, 3, 3)), AXES(0, 3, 1, 2)));
  case RESULT_CHANNELS:
    return summed(dz_permute(dz_reshape(z, DIMS(2, 3, 1, 9)), AXES(0, 3, 1, 2)));
  case RESULT_ROWS:
    return summed(dz_permute(dz_reshape(z, DIMS(2, 1, 9, 3)), AXES(0, 3, 1, 2)));
  case OTHER_LAST:
    return summed(dz_permute(dz_reshape(z, DIMS(2, 3, 3, 3)), AXES(0, 3, 2, 1)));
  case THREE_LAST:
    return summed(dz_permute(dz_reshape(z, DIMS(2, 9, 3)), AXES(0, 2, 1)));
  default:
    y = summed(dz_permute(dz_reshape(z, DIMS(images, rows, columns, 3)), AXES(0, 3, 1, 2)));
    return kind == PATCHES_READ_TWICE ? dz_add(y, summed(patches)) : y;
  }
}

START_TEST(convolutions) { try_kind(convolution, _i, 0); }
END_TEST

/* ---- pools ---- */

enum { A_POOL, OTHER_AXES, AXES_KEPT, RANK_SEVEN, NO_WINDOWS, ONE_AXIS, POOLS };

static dz_var pool(net *n, dice *d, int kind) {
  const char *op = kind % 2 ? "max" : "sum";
  dz_var patches = kind == NO_WINDOWS   ? tensor_of(n, DIMS(2, 2, 3, 2, 3, 2), d)
                   : kind == RANK_SEVEN ? tensor_of(n, DIMS(2, 2, 3, 2, 3, 2, 2), d)
                                        : patches_of(n, d, A_CONVOLUTION);
  if (kind == OTHER_AXES) return summed(dz_reduce(op, patches, AXES(3, 4), false));
  if (kind == ONE_AXIS) return summed(dz_reduce(op, patches, AXES(3), false));
  return summed(dz_reduce(op, patches, AXES(3, 5), kind == AXES_KEPT));
}

/* Largest elements that tie share: thirds. */
START_TEST(pools) { try_kind(pool, _i, 0x1p-20); }
END_TEST

/* ---- layers ---- */

enum {
  RELU_TWICE,
  ROW_BEHIND_RELU,
  TWO_ROWS,
  ADDED_TO_MORE,
  ADDED_TO_ROWS,
  ADDED_TO_A_NUMBER,
  ADDED_TO_A_COLUMN,
  ADDED_TO_FEWER,
  VECTOR_TURNED,
  NOT_REALLY_TURNED,
  BATCH_ON_THE_RIGHT,
  VIEW_OF_DATA,
  ROW_OF_DATA,
  DATA_ON_THE_LEFT,
  DATA_ON_THE_RIGHT,
  COMPUTED,
  COMPUTED_AND_TURNED,
  LAYERS
};

static dz_var layer(net *n, dice *d, int kind) {
  const size_t m = kind == ADDED_TO_ROWS ? 1 : 4, l = kind == ADDED_TO_A_NUMBER ? 1 : 4;
  const bool data_left = kind == DATA_ON_THE_LEFT, data_right = kind == DATA_ON_THE_RIGHT;
  dz_var x = leaf(n, data_left ? DZ_ROLE_DATA : DZ_ROLE_PARAM, DIMS(m, 3), small, d),
         w = leaf(n, data_right ? DZ_ROLE_DATA : DZ_ROLE_PARAM, DIMS(3, l), small, d);
  dz_var v = tensor_of(n, DIMS(l), d), z = dz_matmul(x, w);
  switch (kind) {
  case RELU_TWICE:
    return summed(dz_relu(dz_relu(z)));
  case ROW_BEHIND_RELU:
    return summed(dz_add(dz_relu(z), v));
  case TWO_ROWS:
    return summed(dz_add(dz_add(z, v), dz_mul(v, v)));
  case ADDED_TO_MORE:
    return summed(dz_add(z, tensor_of(n, DIMS(2, 4, 4), d)));
  case ADDED_TO_ROWS:
    return summed(dz_add(z, tensor_of(n, DIMS(4, 4), d)));
  case ADDED_TO_A_NUMBER:
    return summed(dz_add(z, tensor_of(n, 0, NULL, d)));
  case ADDED_TO_A_COLUMN:
    return summed(dz_add(z, tensor_of(n, DIMS(4, 1), d)));
  case ADDED_TO_FEWER:
    return summed(dz_add(z, tensor_of(n, DIMS(1), d)));
  case VECTOR_TURNED:
    return summed(dz_matmul(z, dz_transpose(v)));
  case NOT_REALLY_TURNED:
    return summed(dz_matmul(dz_permute(z, AXES(0, 1)), z));
  case BATCH_ON_THE_RIGHT:
    return summed(dz_matmul(z, tensor_of(n, DIMS(2, 4, 3), d)));
  case VIEW_OF_DATA:
    return summed(dz_mul(dz_reshape(leaf(n, DZ_ROLE_DATA, DIMS(16), small, d), DIMS(4, 4)), z));
  case ROW_OF_DATA:
    return dz_add(summed(dz_relu(dz_add(z, leaf(n, DZ_ROLE_DATA, DIMS(4), small, d)))),
                  summed(dz_add(dz_matmul(x, w), leaf(n, DZ_ROLE_DATA, DIMS(4), small, d))));
  case COMPUTED:
    return summed(dz_matmul(dz_relu(x), dz_relu(w)));
  case COMPUTED_AND_TURNED:
    return summed(dz_matmul(dz_transpose(dz_relu(w)), dz_transpose(dz_relu(x))));
  default:
    return summed(dz_relu(dz_add(z, v)));
  }
}

START_TEST(layers) { try_kind(layer, _i, 0); }
END_TEST

/* ---- bands ---- */

enum {
  ROW_AND_COLUMN, /* one operand as either */
  SUMS_AS_A_ROW,
  NEITHER,
  SUMS_OF_OTHERS,
  MANY_LONG_ROWS,
  COLUMN_READ_LATER,
  ADDED_ONLY,
  LEAST_READ_LATER,
  LARGEST_READ_LATER,
  LESSER_READ_LATER,
  BANDS
};

/* A piece holds fewer rows than a vector has lanes. */
static dz_var many_long_rows(net *n, dice *d) {
  enum { PARTS = 14 };
  dz_var all = leaf(n, DZ_ROLE_INPUT, DIMS(4 * PARTS, 64), small, d), part[PARTS], other[PARTS];
  for (int k = 0; k < PARTS; k++) part[k] = dz_slice(all, 0, 4 * k, 4 * k + 4, 1);
  for (int k = 0; k < PARTS; k++) other[k] = dz_at(all, 0, k);
  dz_var z = leaf(n, DZ_ROLE_INPUT, DIMS(4, 64), small, d), sum = dz_sum(z, 1, true);
  for (int k = 0; k < PARTS; k++) z = dz_sub(dz_fmax(z, part[k]), other[k]);
  return dz_sum(dz_add(z, sum), DZ_ALL, false);
}

static dz_var band(net *n, dice *d, int kind) {
  if (kind == MANY_LONG_ROWS) return many_long_rows(n, d);
  dz_var x = tensor_of(n, DIMS(3, 3), d), v = tensor_of(n, DIMS(3), d), s = dz_sum(x, 1, false), z, c;
  switch (kind) {
  case ROW_AND_COLUMN:
    z = dz_mul(x, v);
    return dz_add(summed(z), summed(dz_mul(dz_sum(z, 1, false), v)));
  case SUMS_AS_A_ROW:
    return summed(dz_mul(x, s));
  case NEITHER:
    x = tensor_of(n, DIMS(4, 3, 5), d);
    return summed(dz_mul(dz_sum(x, 2, false), v));
  case SUMS_OF_OTHERS:
    z = tensor_of(n, DIMS(5, 3), d);
    c = dz_sum(x, 1, true);
    return dz_add(summed(dz_mul(x, c)), summed(dz_sum(z, 1, true)));
  case COLUMN_READ_LATER:
    c = tensor_of(n, DIMS(3, 1), d);
    z = dz_sub(x, dz_mul(dz_max(x, 1, true), c));
    return dz_add(summed(z), summed(dz_matmul(dz_transpose(c), z)));
  case ADDED_ONLY:
    return dz_sum(dz_sub(dz_add(x, v), dz_sum(x, 1, true)), DZ_ALL, false);
  case LEAST_READ_LATER:
  case LARGEST_READ_LATER:
    z = kind == LEAST_READ_LATER ? dz_min(x, 1, true) : dz_max(x, 1, true);
    c = summed(dz_sub(x, z));
    return dz_add(c, summed(dz_matmul(x, z)));
  case LESSER_READ_LATER:
    z = dz_fmin(x, tensor_of(n, DIMS(3, 3), d));
    return dz_add(summed(z), summed(dz_matmul(x, z)));
  default:
    ck_abort();
  }
}

START_TEST(bands) { try_kind(band, _i, _i == LEAST_READ_LATER || _i == LARGEST_READ_LATER ? 0x1p-20 : 0); }
END_TEST

SUITE(EACH(convolutions, CONVOLUTIONS), EACH(pools, POOLS), EACH(layers, LAYERS), EACH(bands, BANDS))
