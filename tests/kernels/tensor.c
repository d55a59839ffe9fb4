/* Operations that move elements, each against where an element comes from by its definition; and what the
   shape rules of all refuse. Whole numbers make every sum exact, so all is equality. */
#include "problem.h"
#include "suite.h"

/* ---- moves: element o of the result is element *i of operand *k ---- */

typedef void source(const problem *p, size_t o, int *k, size_t *i);

static void reshape_source(const problem *p, size_t o, int *k, size_t *i) {
  (void)p;
  *k = 0;
  *i = o;
}

static void broadcast_source(const problem *p, size_t o, int *k, size_t *i) {
  const dz__array *x = &p->args[0];
  size_t z[DZ__MAX_RANK], from[DZ__MAX_RANK];
  split(o, &p->out, z);
  for (int j = 0; j < x->rank; j++) from[j] = x->dims[j] == 1 ? 0 : z[p->out.rank - x->rank + j];
  *k = 0;
  *i = place(from, x);
}

static void permute_source(const problem *p, size_t o, int *k, size_t *i) {
  size_t z[DZ__MAX_RANK], from[DZ__MAX_RANK];
  split(o, &p->out, z);
  for (int j = 0; j < p->out.rank; j++) from[p->attr[j]] = z[j];
  *k = 0;
  *i = place(from, &p->args[0]);
}

static void index_source(const problem *p, size_t o, int *k, size_t *i) {
  size_t z[DZ__MAX_RANK], from[DZ__MAX_RANK];
  int n = 0;
  split(o, &p->out, z);
  for (int j = 0; j < p->args[0].rank; j++) {
    const int64_t *at = p->attr + 4 * j;
    from[j] = (size_t)(at[0] + at[2] * (at[3] ? 0 : (int64_t)z[n]));
    n += !at[3];
  }
  *k = 0;
  *i = place(from, &p->args[0]);
}

static void concat_source(const problem *p, size_t o, int *k, size_t *i) {
  size_t z[DZ__MAX_RANK], axis = (size_t)p->attr[0];
  split(o, &p->out, z);
  for (*k = 0; z[axis] >= p->args[*k].dims[axis]; ++*k) z[axis] -= p->args[*k].dims[axis];
  *i = place(z, &p->args[*k]);
}

static void stack_source(const problem *p, size_t o, int *k, size_t *i) {
  size_t z[DZ__MAX_RANK], from[DZ__MAX_RANK];
  int n = 0;
  split(o, &p->out, z);
  for (int j = 0; j < p->out.rank; j++)
    if (j != p->attr[0]) from[n++] = z[j];
  *k = (int)z[p->attr[0]];
  *i = place(from, &p->args[*k]);
}

static void gather_source(const problem *p, size_t o, int *k, size_t *i) {
  const dz__array *x = &p->args[0], *at = &p->args[1];
  size_t z[DZ__MAX_RANK], from[DZ__MAX_RANK];
  int axis = (int)p->attr[0];
  split(o, &p->out, z);
  for (int j = 0; j < x->rank; j++)
    if (j != axis) from[j] = z[j < axis ? j : j + at->rank - 1];
  double v = at->data[place(z + axis, at)];
  from[axis] = (size_t)(v < 0 ? v + (double)x->dims[axis] : v);
  *k = 0;
  *i = place(from, x);
}

static void check_move(problem *p, source *from) {
  unsigned skip = (p->fn == DZ__F_gather ? 2 : 0) | (below(4) == 0);
  int k;
  size_t i;
  forward(p);
  prepare_reverse(p, skip);
  ck_assert(!reverse(p));
  for (size_t o = 0; o < p->out.size; o++) {
    from(p, o, &k, &i);
    ck_assert(p->out.data[o] == p->args[k].data[i]);
    if (p->was[k]) p->was[k][i] += p->g[o];
  }
  for (k = 0; k < p->nargs; k++)
    for (i = 0; p->ga[k] && i < p->args[k].size; i++) ck_assert(p->ga[k][i] == p->was[k][i]);
  random_masks(p);
  spread(p);
  for (size_t o = 0; o < p->out.size; o++) {
    from(p, o, &k, &i);
    if (p->ga[k]) p->ga[k][i] -= p->reached[o];
  }
  for (k = 0; k < p->nargs; k++)
    for (i = 0; p->ga[k] && i < p->args[k].size; i++) ck_assert(p->ga[k][i] == 0);
}

static problem one_operand(dz__fn fn, int rank, size_t most) {
  problem p = {.fn = fn, .nargs = 1, .args = {random_array(rank, most)}};
  fill_whole(p.args[0]);
  return p;
}

enum { TURNS = EFFORT(1200, 300), MOST = 400 };

START_TEST(reshapes) {
  for (int turn = 0; turn < TURNS; turn++) {
    problem p = one_operand(DZ__F_reshape, turn % 9, MOST);
    size_t left = p.args[0].size;
    while (p.nattr < DZ__MAX_RANK && (left > 1 || below(2))) {
      size_t n = left == 0 ? (size_t)below(3) : left == 1 ? 1 : 2;
      while (left > 1 && left % n) n++;
      p.attr[p.nattr++] = (int64_t)n;
      if (n > 0 && left > 0) left /= n;
    }
    size_t product = 1;
    for (int k = 0; k < p.nattr; k++) product *= (size_t)p.attr[k];
    if (product != p.args[0].size)
      ck_assert(shape(&p) == DZ_ERR_SHAPE);
    else
      check_move(&p, reshape_source);
    drop(&p);
  }
}
END_TEST

START_TEST(broadcasts) {
  for (int turn = 0; turn < TURNS; turn++) {
    problem p = one_operand(DZ__F_broadcast_to, turn % 9, 60);
    const dz__array *x = &p.args[0];
    size_t size = x->size, dims[DZ__MAX_RANK];
    p.nattr = x->rank + below(DZ__MAX_RANK + 1 - x->rank);
    for (int k = 0; k < p.nattr; k++) {
      int j = k - (p.nattr - x->rank);
      size_t n = j >= 0 ? x->dims[j] : 1;
      if (n == 1 && size < MOST) n = below(10) ? 1 + (size_t)below(3) : below(4) ? 33 : 0;
      size *= j >= 0 && x->dims[j] == n ? 1 : n;
      p.attr[k] = (int64_t)n;
      dims[k] = n;
    }
    check_move(&p, broadcast_source);
    expect_shape(&p, p.nattr, dims);
    drop(&p);
  }
}
END_TEST

START_TEST(permutations) {
  for (int turn = 0; turn < TURNS; turn++) {
    problem p = one_operand(DZ__F_permute, turn % 9, MOST);
    if (turn == 2) {
      free(p.args[0].data);
      p.args[0] = array_of(2, (size_t[]){37, 70});
      fill_whole(p.args[0]);
    }
    p.nattr = p.args[0].rank;
    for (int k = 0; k < p.nattr; k++) {
      int j = below(k + 1);
      p.attr[k] = p.attr[j];
      p.attr[j] = k;
    }
    check_move(&p, permute_source);
    drop(&p);
  }
}
END_TEST

/* What a row is repeated to comes back as one sum, of doubles, rounded once: the three ones, far apart, are
   together not lost beside the large number, in double or in float. */
START_TEST(a_row_comes_back_as_one_sum) {
  enum { N = 40 };
  problem p = {.fn = DZ__F_broadcast_to, .nargs = 1, .args = {array_of(0, NULL)}, .nattr = 1, .attr = {N}};
  p.args[0].data[0] = 0;
  forward(&p);
  for (int floats = 0; floats < 2; floats++) {
    const double large = floats ? 0x1p24 : 0x1p53;
    double g[N] = {large, [1] = 1, [17] = 1, [33] = 1}, back = 0, *ga = &back;
    float single[N], back_single = 0, *ga_single = &back_single;
    for (int i = 0; i < N; i++) single[i] = (float)g[i];
    dz__call c = call_of(&p);
    c.g = g, c.ga = &ga;
    if (floats) c.g_single = single, c.ga_single = &ga_single, c.single = true;
    ck_assert(!(floats ? op_of(&p)->reverse_single : op_of(&p)->reverse)(&c));
    ck_assert((floats ? (double)back_single : back) == large + 4); /* of large + 3 the even neighbour */
  }
  drop(&p);
}
END_TEST

START_TEST(indices) {
  for (int turn = 0; turn < TURNS; turn++) {
    problem p = one_operand(DZ__F_index, turn % 9, MOST);
    const dz__array *x = &p.args[0];
    p.nattr = 4 * x->rank;
    for (int k = 0; k < x->rank; k++) {
      int64_t *at = p.attr + 4 * k, n = (int64_t)x->dims[k];
      at[2] = 1;
      at[3] = n > 0 && below(4) == 0;
      at[0] = n > 0 ? below((int)n) : 0;
      if (!at[3] && below(2)) at[2] = below(2) ? 1 + below(3) : -1 - below(3);
      int64_t most = n == 0 ? 0 : at[2] > 0 ? (n - 1 - at[0]) / at[2] + 1 : at[0] / -at[2] + 1;
      at[1] = at[3] ? 1 : below((int)most + 1);
    }
    check_move(&p, index_source);
    drop(&p);
  }
}
END_TEST

START_TEST(joins) {
  for (int turn = 0; turn < TURNS; turn++) {
    bool stack = below(2);
    int rank = stack ? turn % 8 : 1 + turn % 8;
    problem p = one_operand(stack ? DZ__F_stack : DZ__F_concat, rank, 100);
    p.nattr = 1;
    p.attr[0] = below(rank + stack);
    p.nargs = 1 + below(MOST_ARGS);
    for (int k = 1; k < p.nargs; k++) {
      size_t dims[DZ__MAX_RANK];
      memcpy(dims, p.args[0].dims, sizeof dims);
      if (!stack) dims[p.attr[0]] = (size_t)below(4);
      p.args[k] = array_of(rank, dims);
      fill_whole(p.args[k]);
    }
    check_move(&p, stack ? stack_source : concat_source);
    drop(&p);
  }
}
END_TEST

START_TEST(gathers) {
  for (int turn = 0; turn < TURNS; turn++) {
    problem p = one_operand(DZ__F_gather, 1 + turn % 8, 100);
    int axis = below(p.args[0].rank), extent = (int)p.args[0].dims[axis];
    p.nargs = 2;
    p.nattr = 1;
    p.attr[0] = axis;
    p.args[1] = random_array(below(DZ__MAX_RANK + 2 - p.args[0].rank), extent ? 20 : 1);
    for (size_t i = 0; i < p.args[1].size; i++) p.args[1].data[i] = extent ? below(2 * extent) - extent : 0;
    if (extent == 0 && p.args[1].size > 0)
      ck_assert(shape(&p) == DZ_ERR_ARGUMENT);
    else
      check_move(&p, gather_source);
    drop(&p);
  }
}
END_TEST

/* Positions that were overwritten after recording are passed over, whatever they hold. */
START_TEST(gather_survives_overwritten_positions) {
  static const double bad[] = {3,          -4, 1e300, -1e300, -1e-320, (double)INFINITY, (double)-INFINITY,
                               (double)NAN};
  for (size_t c = 0; c < sizeof bad / sizeof *bad; c++) {
    problem p = {.fn = DZ__F_gather, .nargs = 2, .nattr = 1};
    p.args[0] = array_of(1, (size_t[]){3});
    p.args[1] = array_of(1, (size_t[]){1});
    fill_whole(p.args[0]);
    p.args[1].data[0] = 0;
    forward(&p);
    prepare_reverse(&p, 2);
    p.args[1].data[0] = bad[c];
    ck_assert(!reverse(&p));
    for (int i = 0; i < 3; i++) ck_assert(p.ga[0][i] == p.was[0][i]);
    drop(&p);
  }
}
END_TEST

/* ---- what the shape rules refuse ---- */

START_TEST(refusals) {
  static double quarter[] = {0.25}, three[] = {1, 3};
  static const struct {
    problem p;
    const char *message;
  } cases[] = {
      {{.fn = DZ__F_matmul, .nargs = 2, .args = {{2, {2, 3}, 6, {NULL}}, {2, {4, 5}, 20, {NULL}}}},
       "matmul: [2, 3] @ [4, 5]: inner extents 3 and 4 differ"},
      {{.fn = DZ__F_matmul, .nargs = 2, .args = {{3, {2, 1, 3}, 6, {NULL}}, {3, {4, 3, 1}, 12, {NULL}}}},
       "matmul: [2, 1, 3] @ [4, 3, 1]: batch extents 2 and 4 differ"},
      {{.fn = DZ__F_matmul, .nargs = 2, .args = {{0, {0}, 1, {NULL}}, {1, {4}, 4, {NULL}}}},
       "matmul: [] @ [4]: a scalar has no axis to sum over; use *"},
      {{.fn = DZ__F_max, .nargs = 1, .args = {{2, {0, 3}, 0, {NULL}}}, .nattr = 2, .attr = {0, 0}},
       "max of no elements: the operand has shape [0, 3]"},
      {{.fn = DZ__F_reshape, .nargs = 1, .args = {{2, {2, 3}, 6, {NULL}}}, .nattr = 2, .attr = {4, 2}},
       "reshape: [2, 3] has 6 elements, [4, 2] has 8"},
      {{.fn = DZ__F_reshape,
        .nargs = 1,
        .args = {{1, {1}, 1, {NULL}}},
        .nattr = 3,
        .attr = {1 << 30, 1 << 30, 1 << 30}},
       "reshape: a result of shape [1073741824, 1073741824, 1073741824] is too large"},
      {{.fn = DZ__F_broadcast_to, .nargs = 1, .args = {{2, {2, 3}, 6, {NULL}}}, .nattr = 2, .attr = {4, 3}},
       "broadcast_to: [2, 3] does not broadcast to [4, 3]"},
      {{.fn = DZ__F_broadcast_to, .nargs = 1, .args = {{2, {1, 3}, 3, {NULL}}}, .nattr = 1, .attr = {3}},
       "broadcast_to: [1, 3] does not broadcast to [3]"},
      {{.fn = DZ__F_broadcast_to, .nargs = 1, .args = {{0, {0}, 1, {NULL}}}, .nattr = 1, .attr = {-2}},
       "broadcast_to: extent -2 at axis 0 is negative"},
      {{.fn = DZ__F_permute, .nargs = 1, .args = {{2, {2, 3}, 6, {NULL}}}, .nattr = 2, .attr = {1, 1}},
       "permute: each of the 2 axes of [2, 3] must be listed once"},
      {{.fn = DZ__F_index, .nargs = 1, .args = {{1, {3}, 3, {NULL}}}, .nattr = 4, .attr = {1, 2, 2, 0}},
       "index: positions 1 to 3 leave axis 0 of extent 3"},
      {{.fn = DZ__F_concat,
        .nargs = 2,
        .args = {{2, {2, 3}, 6, {NULL}}, {2, {2, 4}, 8, {NULL}}},
        .nattr = 1,
        .attr = {0}},
       "concat: operands have shapes [2, 3] and [2, 4], which differ beside axis 0"},
      {{.fn = DZ__F_concat,
        .nargs = 2,
        .args = {{2, {2, 3}, 6, {NULL}}, {2, {4, 3}, 12, {NULL}}},
        .nattr = 1,
        .attr = {1}},
       "concat: operands have shapes [2, 3] and [4, 3], which differ beside axis 1"},
      {{.fn = DZ__F_concat,
        .nargs = 2,
        .args = {{2, {0, SIZE_MAX}, 0, {NULL}}, {2, {0, 1}, 0, {NULL}}},
        .nattr = 1,
        .attr = {1}},
       "concat: axis 1 of the result is too long"},
      {{.fn = DZ__F_stack,
        .nargs = 2,
        .args = {{1, {3}, 3, {NULL}}, {0, {0}, 1, {NULL}}},
        .nattr = 1,
        .attr = {0}},
       "stack: operands have shapes [3] and [], which differ"},
      {{.fn = DZ__F_stack,
        .nargs = 1,
        .args = {{8, {1, 1, 1, 1, 1, 1, 1, 1}, 1, {NULL}}},
        .nattr = 1,
        .attr = {0}},
       "stack: rank 9 is over the limit of 8"},
      {{.fn = DZ__F_gather,
        .nargs = 2,
        .args = {{2, {2, 3}, 6, {NULL}}, {1, {1}, 1, {quarter}}},
        .nattr = 1,
        .attr = {1}},
       "gather: index 0.25 is no whole number, as needed for axis 1 of extent 3 of [2, 3]"},
      {{.fn = DZ__F_gather,
        .nargs = 2,
        .args = {{2, {2, 3}, 6, {NULL}}, {1, {2}, 2, {three}}},
        .nattr = 1,
        .attr = {1}},
       "gather: index 3 is out of range for axis 1 of extent 3 of [2, 3]"},
      {{.fn = DZ__F_gather,
        .nargs = 2,
        .args = {{8, {1, 1, 1, 1, 1, 1, 1, 1}, 1, {NULL}}, {2, {1, 1}, 1, {NULL}}},
        .nattr = 1,
        .attr = {0}},
       "gather: rank 9 is over the limit of 8"},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    problem p = cases[c].p;
    ck_assert(shape(&p) != DZ_OK);
    ck_assert_str_eq(p.error.message, cases[c].message);
  }
}
END_TEST

/* Without elements an axis may be as long as can be counted. */
START_TEST(the_longest_axis) {
  problem p = {.fn = DZ__F_concat, .nargs = 2, .nattr = 1, .attr = {1}};
  p.args[0] = (dz__array){2, {0, SIZE_MAX - 1}, 0, {NULL}};
  p.args[1] = (dz__array){2, {0, 1}, 0, {NULL}};
  ck_assert(shape(&p) == DZ_OK);
  expect_shape(&p, 2, (size_t[]){0, SIZE_MAX});
}
END_TEST

START_TEST(sizes) {
  size_t n;
  ck_assert(dz__size_of(0, NULL, &n) && n == 1);
  ck_assert(dz__size_of(3, (size_t[]){SIZE_MAX, 0, SIZE_MAX}, &n) && n == 0);
  ck_assert(dz__size_of(2, (size_t[]){1000, 1000}, &n) && n == 1000000);
  ck_assert(!dz__size_of(2, (size_t[]){SIZE_MAX / 2, 3}, &n));
  ck_assert(!dz__size_of(1, (size_t[]){SIZE_MAX / 8}, &n));
  char text[192];
  const size_t most[8] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
  ck_assert_str_eq(dz__shape_text(0, NULL, text), "[]");
  ck_assert(strlen(dz__shape_text(8, most, text)) <= 191 && strchr(text, ']'));
}
END_TEST

/* Operations without any slope have a reverse function like all others, which adds nothing. */
START_TEST(what_is_flat_lets_nothing_through) {
  double x = 1, g = 1, ga = 5, *to[] = {&ga, &ga};
  const dz__array args[] = {{.size = 1, .data = &x}, {.size = 1, .data = &x}};
  const dz__call call = {.nargs = 2, .args = args, .out = {.size = 1, .data = &x}, .g = &g, .ga = to};
  int flat = 0;
  for (int fn = DZ__F_POINTWISE_END; fn < DZ__F_END; fn++) {
    const dz__tensor_op *op = &dz__tensor_ops[fn - DZ__F_POINTWISE_END];
    if (op->spread) continue;
    flat++;
    ck_assert(!op->reverse(&call) && ga == 5);
  }
  ck_assert_int_eq(flat, 3); /* count, lu, noise */
}
END_TEST

SUITE(ONCE(what_is_flat_lets_nothing_through), ONCE(reshapes), ONCE(broadcasts), ONCE(permutations),
      ONCE(a_row_comes_back_as_one_sum), ONCE(indices), ONCE(joins), ONCE(gathers),
      ONCE(gather_survives_overwritten_positions), ONCE(refusals), ONCE(the_longest_axis), ONCE(sizes))
