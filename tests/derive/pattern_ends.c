/* Gradients and patterns at their ends: leaves that come later, empty arrays, limits, rows beyond counting,
   and each allocation as the one that fails. */
#include "derive/pattern.h"
#include "derive/sets.h"
#include "dz/derive.h"
#include "dz/jacobian.h"
#include "dz/sparse.h"
#include "dz/tensor.h"

#include "../dice.h"
#include "../on_tape.h"

/* ---- gradients ---- */

START_TEST(gradients_of_what_came_before) {
  const dz_var x = dz_input(tape, 2), v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 3));
  const dz_var u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), y = dz_mul(x, x);
  const dz_var later = dz_input(tape, 1), wide = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), NULL);
  const dz_var all[] = {later, x, wide};
  const dz_var empty = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0), NULL);
  dz_var g[3];
  double out[9] = {7};
  ck_assert_int_eq(dz_grad(y, 3, all, g), DZ_OK);
  ck_assert(dz_value(g[0]) == 0 && dz_value(g[1]) == 4 && dz_size(g[2]) == 2 && dz_values(g[2])[1] == 0);
  ck_assert_int_eq(dz_grad_with(dz_mul(v, 2), u, 1, &v, g), DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  ck_assert_int_eq(dz_grad_with(dz_mul(v, 2), dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3, 1), NULL), 1, &v, g),
                   DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  ck_assert_int_eq(dz_grad_with(dz_mul(v, 2), 1, 1, &v, g), DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  ck_assert_int_eq(dz_jacobian(dz_mul(empty, 2), x, out), DZ_OK);
  ck_assert_int_eq(dz_jacobian(dz_mul(x, 2), empty, out), DZ_OK);
  ck_assert_int_eq(dz_jacobian(dz_mul(v, 2), empty, out), DZ_OK);
  ck_assert_int_eq(dz_jacobian(dz_mul(empty, 2), v, out), DZ_OK);
  ck_assert(out[0] == 7);
}
END_TEST

/* ---- patterns ---- */

/* Against sets of bits. */
START_TEST(unions_of_patterns) {
  enum { N = 6 };
  for (int turn = 0; turn < 200; turn++) {
    dz_pattern *p[2];
    unsigned bits[2][N];
    for (int k = 0; k < 2; k++) {
      size_t starts[N + 1] = {0};
      uint32_t column[N * N];
      for (int i = 0; i < N; i++) {
        bits[k][i] = (unsigned)(dice() >> 20) % (1u << N);
        starts[i + 1] = starts[i];
        for (uint32_t j = 0; j < N; j++)
          if (bits[k][i] >> j & 1) column[starts[i + 1]++] = j;
      }
      ck_assert_int_eq(dz_pattern_new(N, N, starts, column, NULL, &p[k]), DZ_OK);
    }
    dz__pattern *r = dz__pattern_union(p[0], p[1], NULL);
    for (size_t i = 0; i < N; i++) {
      unsigned has = 0;
      for (size_t e = r->shown.starts[i]; e < r->shown.starts[i + 1]; e++) has |= 1u << r->shown.column[e];
      ck_assert_uint_eq(has, bits[0][i] | bits[1][i]);
    }
    dz_pattern_free(&r->shown);
    dz_pattern_free(p[0]);
    dz_pattern_free(p[1]);
  }
  ck_assert_ptr_null(dz__pattern_make(SIZE_MAX, 1, NULL));
  ck_assert_ptr_null(dz__pattern_make(SIZE_MAX / 2, 1, NULL));
}
END_TEST

/* A row met after 2^32 others is a new one all the same. */
START_TEST(rows_beyond_counting) {
  dz__sets s;
  const dz_allocator a = dz__allocator(NULL);
  uint32_t *list = NULL, set = 0;
  size_t size = 0, cap = 0;
  ck_assert(dz__sets_init(&s, &a));
  for (uint32_t c = 0; c < 100; c++) set = dz__set_union(&s, set, dz__set_of(&s, 99 - c));
  for (int row = 0; row < 4; row++) {
    if (row == 2) s.row = UINT32_MAX;
    size = 0;
    ck_assert(dz__set_list(&s, set, 100, &list, &size, &cap));
    ck_assert_uint_eq(size, 100);
    for (uint32_t c = 0; c < 100; c++) ck_assert_uint_eq(list[c], c);
  }
  dz__free(&a, list, cap * sizeof *list);
  dz__sets_free(&s);
}
END_TEST

/* Rows that are made of many columns, in which memory fails at each allocation, once and from then on. */
static dz_status patterns(dz_tape *t, const dz_allocator *a, int kind) {
  enum { N = 40 };
  static double out[4 * N * N];
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(N), NULL), A = dz_reshape(x, 2, (size_t[]){5, 8});
  dz_var y = dz_exp(dz_cumsum(dz_mul(x, x), 0));
  if (kind == 1) y = dz_matmul(A, dz_transpose(A));
  if (kind == 2) y = dz_mul(dz_sum(dz_sin(y), DZ_ALL, false), dz_max(A, 0, false));
  dz_pattern *p = NULL;
  dz_coloring *c = NULL;
  dz_status s = dz_tape_error(t)->status;
  if (!s) s = dz_jacobian_pattern(1, &y, 1, &x, 0, a, &p);
  for (int how = 0; !s && how < 3; how++) {
    static const dz_coloring_kind kinds[] = {DZ_COLORING_FEWEST, DZ_COLORING_COLUMNS, DZ_COLORING_ROWS};
    s = dz_coloring_new(p, kinds[how], a, &c);
    if (!s) s = dz_sparse_jacobian(c, 1, &y, 1, &x, out);
    dz_coloring_free(c);
    c = NULL;
  }
  dz_pattern_free(p);
  p = NULL;
  y = dz_sum(dz_mul(y, y), DZ_ALL, false);
  if (!s) s = dz_tape_error(t)->status;
  if (!s) s = dz_hessian_pattern(y, 1, &x, 0, a, &p);
  if (!s) s = dz_coloring_new(p, DZ_COLORING_STAR, a, &c);
  if (!s) s = dz_sparse_hessian(c, y, 1, &x, out);
  dz_coloring_free(c);
  dz_pattern_free(p);
  return s;
}

START_TEST(each_allocation_of_patterns) {
  failing plenty = {0};
  dz_allocator a = failing_allocator(&plenty);
  dz_tape *t = dz_tape_new(&a);
  ck_assert_int_eq(patterns(t, &a, _i), DZ_OK);
  dz_tape_free(t);
  for (size_t k = 1; k <= plenty.calls; k += EFFORT(1, 7))
    for (int onwards = 0; onwards < 2; onwards++) {
      failing f = {.at = onwards ? k : 0, .only = onwards ? 0 : k};
      a = failing_allocator(&f);
      t = dz_tape_new(&a);
      const dz_status s = t ? patterns(t, &a, _i) : DZ_ERR_MEMORY;
      ck_assert(s == DZ_ERR_MEMORY || (s == DZ_OK && !onwards)); /* once: an arena asks for less */
      dz_tape_free(t);
      ck_assert_uint_eq(f.blocks, 0);
    }
}
END_TEST

/* The limit counts what the mirrored pattern has, too. */
START_TEST(hessians_beyond_a_limit) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(4), V(1, 2, 3, 4));
  const dz_var y = dz_sum(dz_mul(dz_exp(x), dz_sum(x, DZ_ALL, false)), DZ_ALL, false);
  dz_pattern *p = NULL, *full = NULL;
  ck_assert_int_eq(dz_hessian_pattern(y, 1, &x, 0, NULL, &full), DZ_OK);
  const size_t n = full->starts[full->rows];
  ck_assert_uint_eq(n, 16);
  for (size_t limit = 1; limit <= n; limit++) {
    const dz_status s = dz_hessian_pattern(y, 1, &x, limit, NULL, &p);
    ck_assert_int_eq(s, limit < n ? DZ_ERR_LIMIT : DZ_OK);
    ck_assert_int_eq(p != NULL, s == DZ_OK);
    dz_pattern_free(p);
  }
  dz_pattern_free(full);
}
END_TEST

/* ---- sets ---- */

/* {0 .. 199} as a tree of unions, and one that cannot be numbered. */
static dz_status list(const dz_allocator *a) {
  dz__sets s;
  uint32_t *columns = NULL, all = 0;
  size_t size = 0, cap = 0;
  bool done = dz__sets_init(&s, a);
  for (uint32_t c = 0; done && c < 200; c++) all = dz__set_union(&s, all, dz__set_of(&s, c));
  done = done && !s.failed && dz__set_list(&s, all, 200, &columns, &size, &cap);
  if (done) ck_assert_uint_eq(size, 200);
  for (uint32_t c = 0; done && c < 200; c++) ck_assert_uint_eq(columns[c], c);
  const size_t n = s.n;
  if (done) {
    s.n = UINT32_MAX;
    ck_assert_uint_eq(dz__set_of(&s, 7), 0);
    ck_assert(s.failed && dz__set_of(&s, 7) == 0);
    s.n = n;
  }
  dz__free(a, columns, cap * sizeof *columns);
  dz__sets_free(&s);
  return done ? DZ_OK : DZ_ERR_MEMORY;
}

START_TEST(sets_without_memory) {
  dz_status status = DZ_ERR_MEMORY;
  for (int only = 0; only < 2; only++, status = DZ_ERR_MEMORY)
    for (size_t at = 1; status != DZ_OK; at++) {
      failing f = {.at = only ? 0 : at, .only = only ? at : 0};
      const dz_allocator a = failing_allocator(&f);
      status = list(&a);
      ck_assert_int_eq(status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
      ck_assert(f.blocks == 0 && f.bytes == 0);
    }
}
END_TEST

/* Two rows of few of many columns, which are met in no order: each is put in order by itself. */
START_TEST(rows_of_few_columns) {
  enum { ROW = 100, APART = 120 };
  const dz_allocator a = dz_system_allocator();
  dz__sets s;
  uint32_t set[2] = {0}, columns[4 * ROW] = {0}, *list = columns;
  size_t size = 0, cap = COUNT(columns);
  ck_assert(dz__sets_init(&s, &a));
  for (uint32_t k = 0; k < ROW; k++)
    for (uint32_t r = 0; r < 2; r++)
      set[r] = dz__set_union(&s, set[r], dz__set_of(&s, k * 37 % ROW * APART + r));
  for (int r = 0; r < 2; r++) ck_assert(dz__set_list(&s, set[r], ROW * APART, &list, &size, &cap));
  ck_assert(list == columns && size == 2 * ROW);
  for (uint32_t k = 0; k < 2 * ROW; k++) ck_assert_uint_eq(list[k], k % ROW * APART + k / ROW);
  dz__sets_free(&s);
}
END_TEST

/* New blocks are full of what looks like unions of sets 1 and 2 that are known to be set 3. */
static void *used_resize(void *user, void *block, size_t old_size, size_t new_size) {
  const dz_allocator a = dz_system_allocator();
  const dz__union known = {1, 2, 3};
  char *r = a.resize(user, block, old_size, new_size);
  for (size_t k = 0; r && !block && k + sizeof known <= new_size; k += sizeof known)
    memcpy(r + k, &known, sizeof known);
  return r;
}

START_TEST(sets_in_used_memory) {
  const dz_allocator a = {used_resize, NULL};
  dz__sets s;
  uint32_t *list = NULL;
  size_t size = 0, cap = 0;
  ck_assert(dz__sets_init(&s, &a));
  uint32_t set[3];
  for (uint32_t c = 0; c < 3; c++) set[c] = dz__set_of(&s, 5 + c);
  const uint32_t both = dz__set_union(&s, set[0], set[1]);
  ck_assert(set[0] == 1 && set[1] == 2 && set[2] == 3 && both != 3);
  ck_assert(dz__set_list(&s, both, 8, &list, &size, &cap));
  ck_assert(size == 2 && list[0] == 5 && list[1] == 6);
  dz__free(&a, list, cap * sizeof *list);
  dz__sets_free(&s);
}
END_TEST

SUITE_ON_TAPE(ONCE(gradients_of_what_came_before), ONCE(unions_of_patterns), ONCE(rows_beyond_counting),
              EACH(each_allocation_of_patterns, 3), ONCE(hessians_beyond_a_limit), ONCE(sets_without_memory),
              ONCE(rows_of_few_columns), ONCE(sets_in_used_memory))
