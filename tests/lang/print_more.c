/* Printing what C calls and derivatives make, and where it ends: refused writes, texts that are cut, sizes.
 */
#include "paper.h"

#include "dz/derive.h"
#include "dz/pointwise.h"
#include "dz/tensor.h"
#include "suite.h"

#include <math.h>

/* Whether a choice by a plain number, whose branch the language would take at once, is written as a call. */
START_TEST(what_only_calls_make) {
  const dz_print_options define = {DZ_PRINT_DEFINE, 0, 0, 0};
  const double v[] = {1, 2, 3}, list[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 2), c = dz_const(t, 3),
               w = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, v);
  const dz_var inf = dz_input(t, 1), L = dz_leaf_tensor(t, DZ_ROLE_CONST, 1, (size_t[]){17}, list);
  dz_set_name(x, "x"), dz_set_name(c, "c"), dz_set_name(w, "w"), dz_set_name(inf, "inf");
  ck_assert_str_eq(print(dz_where(1, x, 4), NULL), "where(1, x, 4)");
  ck_assert_str_eq(print(dz_mul(c, x), NULL), "c*x");
  ck_assert_str_eq(print(dz_mul(x, -INFINITY), NULL), "x*(-(1/0))");
  ck_assert_str_eq(print(dz_slice(w, 0, 2, 0, -1), NULL), "w[:0:-1]");
  ck_assert_str_eq(print(dz_slice(w, 0, 1, -4, -1), NULL), "w[1::-1]");
  ck_assert_str_eq(print(dz_slice(w, 0, 0, 1, 1), NULL), "w[:1]");
  const dz_print_options few = {DZ_PRINT_EXPAND, 0, 4, 0};
  ck_assert_str_eq(print(dz_mul(dz_sum(dz_mul(L, x), DZ_ALL, false), dz_sum(L, DZ_ALL, false)), &few),
                   "t1 = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]\nsum(t1*x)*sum(t1)");
  const dz_var y = dz_exp(x);
  ck_assert_str_eq(print(record(t, "A[:, :1]"), NULL), "A[:, :1]");
  const char *const none[] = {"%", "2x", "+", "a b", "\x01", "x'"};
  for (size_t k = 0; k < COUNT(none); k++) {
    const dz_var odd = dz_exp(x);
    ck_assert_int_eq(dz_set_name(odd, none[k]), DZ_OK);
    ck_assert_str_eq(print(odd, &define), "exp(x)");
  }
  dz_set_name(y, "no name");
  ck_assert_str_eq(print(y, &define), "exp(x)");
  dz_tape_free(t);
}
END_TEST

/* A part that is named counts as one where another uses it. */
START_TEST(what_uses_a_named_part) {
  const dz_print_options few = {DZ_PRINT_EXPAND, 0, 4, 0};
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_str_eq(print(record(t, "s = sin(x)*cos(y); r = s + x; r*r + s"), &few),
                   "t1 = sin(x)*cos(y)\n(t1 + x)*(t1 + x) + t1");
  dz_tape_free(t);
}
END_TEST

/* Leaves without a name have the numbers from 1 on that no name has; a leaf that is not printed has none. */
START_TEST(numbers_of_leaves) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var other = dz_input(t, 1), y = dz_num(0), x10 = dz_input(t, 1);
  ck_assert_str_eq(print(dz_mul(dz_input(t, 2), 3), NULL), "x1*3");
  ck_assert_str_eq(print(other, NULL), "x1");
  ck_assert_int_eq(dz_set_name(x10, "x10"), DZ_OK);
  for (int k = 0; k < 11; k++) y = dz_add(dz_input(t, 1), k ? y : x10);
  ck_assert_str_eq(print(y, NULL),
                   "x12 + (x11 + (x9 + (x8 + (x7 + (x6 + (x5 + (x4 + (x3 + (x2 + (x1 + x10))))))))))");
  dz_tape_free(t);
}
END_TEST

/* The gradient of a system's solution is the other system's. */
START_TEST(the_transposed_system) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var y = record(t, "sum(solve(A, v))"), v = dz_named(t, "v");
  dz_var g, lu = {0};
  ck_assert_int_eq(dz_grad(y, 1, &v, &g), DZ_OK);
  ck_assert_ptr_eq(strstr(print(g, NULL), "solve(A', "), print(g, NULL));
  for (size_t i = 0; i < dz_tape_size(t); i++)
    if (strcmp(dz_describe(dz_node_at(t, i)).op, "lu") == 0) lu = dz_node_at(t, i);
  ck_assert_str_eq(print(lu, NULL), "lu(A)");
  dz_tape_free(t);
}
END_TEST

/* What derivatives need and the language does not have is written with its integers. */
START_TEST(the_other_way_of_parts) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var y = record(t, "v[0]^2 + sum(gather(w, [1])^2)"), x[] = {dz_named(t, "v"), dz_named(t, "w")};
  dz_var g[2];
  ck_assert_int_eq(dz_grad(y, 2, x, g), DZ_OK);
  ck_assert_ptr_nonnull(strstr(print(g[0], NULL), "place("));
  ck_assert_ptr_nonnull(strstr(print(g[0], NULL), ", [0, 1, 1, 1, 2])"));
  ck_assert_ptr_nonnull(strstr(print(g[1], NULL), "scatter("));
  ck_assert_ptr_nonnull(strstr(print(g[1], NULL), ", [0, 2])"));
  dz_tape_free(t);
}
END_TEST

/* Every write refused in turn, and every length at which the text is cut. */
static bool refuse_at(void *user, const char *text, size_t size) {
  (void)text, (void)size;
  return --*(int *)user != 0;
}

START_TEST(every_refusal) {
  static char whole[1 << 16];
  static paper p;
  dz_tape *t = dz_tape_new(NULL);
  dz_var y = record(t, "s = sin(x)*[[1.25, 2.5], [3, 4]]; A[0, ::-1] @ (s[1] - [x, y]) + (x ? y : -z^2)");
  for (int k = 0; k < 24; k++) y = dz_add(y, dz_where(dz_gt(y, k), dz_sum(y, DZ_ALL, false), y));
  const dz_print_options all = {DZ_PRINT_DEFINE, 0, 5, 0};
  snprintf(whole, sizeof whole, "%s", print(y, &all));
  const int writes = (int)(strlen(whole) + 511) / 512;
  ck_assert_int_ge(writes, 2);
  for (int k = 1; k <= writes + 1; k++) {
    int left = k;
    ck_assert_int_eq(dz_print(y, &all, refuse_at, &left), k <= writes ? DZ_ERR_WRITE : DZ_OK);
  }
  const dz_print_options just = {DZ_PRINT_DEFINE, 0, 5, strlen(whole)};
  ck_assert_str_eq(print(y, &just), whole);
  for (size_t most = 1; most < strlen(whole); most += most < 40 ? 1 : EFFORT(29, 97)) {
    const dz_print_options some = {DZ_PRINT_DEFINE, 0, 5, most};
    p.n = p.most = 0;
    ck_assert_int_eq(dz_print(y, &some, on_paper, &p), DZ_ERR_LIMIT);
    ck_assert(p.n <= most && memcmp(p.text, whole, p.n) == 0);
    int left = 1;
    ck_assert_int_eq(dz_print(y, &some, refuse_at, &left), left ? DZ_ERR_LIMIT : DZ_ERR_WRITE);
  }
  int left = 1;
  const dz_print_options one = {DZ_PRINT_EXPAND, 0, 0, 1};
  ck_assert_int_eq(dz_print(dz_num(2), NULL, refuse_at, &left), DZ_ERR_WRITE);
  ck_assert_int_eq(dz_print(dz_num(10), &one, on_paper, &p), DZ_ERR_LIMIT);
  dz_tape_free(t);
}
END_TEST

/* However large a part may be that is written out: sizes are counted up to a limit only. */
START_TEST(no_part_is_named) {
  const size_t sizes[] = {UINT32_MAX - 1, UINT32_MAX, SIZE_MAX};
  static paper p;
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), deep = x;
  dz_set_name(x, "x");
  for (int k = 0; k < 5; k++) x = dz_add(x, x);
  for (int k = 0; k < 40; k++) deep = dz_add(deep, deep);
  for (size_t k = 0; k < COUNT(sizes); k++) {
    const dz_print_options o = {DZ_PRINT_EXPAND, 0, sizes[k], 0};
    const char *text = print(x, &o);
    size_t uses = 0;
    for (const char *s = text; *s; s++) uses += *s == 'x';
    ck_assert(uses == 32 && !strchr(text, '='));
    p.n = p.most = 0;
    ck_assert_int_eq(dz_print(deep, &o, count_bytes, &p.n), DZ_ERR_LIMIT);
    ck_assert_uint_le(p.n, 1 << 20);
  }
  dz_tape_free(t);
}
END_TEST

SUITE(ONCE(what_only_calls_make), ONCE(what_uses_a_named_part), ONCE(numbers_of_leaves),
      ONCE(the_transposed_system), ONCE(the_other_way_of_parts), ONCE(every_refusal), ONCE(no_part_is_named))
