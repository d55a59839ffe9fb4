/* Large and hostile texts: they work, or give one clear error, in time linear in their length. */
#include "dz/lang.h"
#include "dz/sweep.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nests and lists are so long: enough for recursion to end in a fault, and for what is quadratic not to end.
 */
enum { MANY = EFFORT(1000000, 30000) };

/* head, then `unit` count times, middle, `close` count times, tail. */
static char *text_of(const char *head, const char *unit, const char *middle, const char *closing,
                     size_t count, const char *tail) {
  size_t u = strlen(unit), c = strlen(closing);
  char *text = malloc(strlen(head) + strlen(middle) + strlen(tail) + count * (u + c) + 1), *at = text;
  at += strlen(strcpy(at, head));
  for (size_t k = 0; k < count; k++, at += u) memcpy(at, unit, u);
  at += strlen(strcpy(at, middle));
  for (size_t k = 0; k < count; k++, at += c) memcpy(at, closing, c);
  strcpy(at, tail);
  return text;
}

static dz_tape *tape_with_x(double x) {
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_int_eq(dz_set_name(dz_input(t, x), "x"), DZ_OK);
  return t;
}

/* Value and slope at x. */
static void expect(char *text, double x, double value, double slope) {
  dz_tape *t = tape_with_x(x);
  dz_var y = dz_expr(t, text);
  ck_assert_str_eq(dz_tape_error(t)->message, "");
  ck_assert_double_eq(dz_value(y), value);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_double_eq(dz_adjoint(dz_named(t, "x")), slope);
  dz_tape_free(t);
  free(text);
}

static void expect_error(char *text, dz_status status, int line, int column, const char *message) {
  dz_tape *t = tape_with_x(1);
  ck_assert(!dz_valid(dz_expr(t, text)));
  const dz_error *e = dz_tape_error(t);
  ck_assert_int_eq(e->status, status);
  ck_assert_int_eq(e->line, line);
  ck_assert_int_eq(e->column, column);
  ck_assert_msg(strstr(e->message, message) != NULL, "'%s' came, '%s' was expected", e->message, message);
  dz_tape_free(t);
  free(text);
}

START_TEST(parentheses) { expect(text_of("2*", "(", "x", ")", MANY, ""), 3, 6, 2); }
END_TEST
START_TEST(minuses) { expect(text_of("", "-", "x", "", MANY + 1, ""), 3, -3, -1); }
END_TEST
START_TEST(sum_of_terms) { expect(text_of("x", "+x", "", "", MANY - 1, ""), 2, 2 * MANY, MANY); }
END_TEST
START_TEST(sum_of_numbers) { expect(text_of("x", "+1", "", "", MANY, ""), 2, MANY + 2, 1); }
END_TEST
START_TEST(powers) { expect(text_of("x", "^1", "", "", MANY, ""), 5, 5, 1); }
END_TEST
START_TEST(calls) { expect(text_of("", "fabs(", "x", ")", MANY, ""), -3, 3, -1); }
END_TEST
START_TEST(choices) { expect(text_of("", "x < 0 ? 1 : ", "x", "", MANY / 10, ""), 3, 3, 1); }
END_TEST
START_TEST(choices_in_the_middle) { expect(text_of("", "x ? ", "x", " : 0", MANY / 10, ""), 3, 3, 1); }
END_TEST
START_TEST(a_list_of_numbers) { expect(text_of("sum([1", ", 1", "]) + x", "", MANY, ""), 0, MANY + 1, 1); }
END_TEST
START_TEST(a_list_of_rows) {
  expect(text_of("sum([[1,2]", ", [1,2]", "]) + x", "", MANY / 4, ""), 0, 3 * (MANY / 4) + 3, 1);
}
END_TEST
START_TEST(a_list_of_names) {
  expect(text_of("sum([x", ", x", "])", "", MANY / 4, ""), 1, MANY / 4 + 1, MANY / 4 + 1);
}
END_TEST
START_TEST(arguments) { expect(text_of("max(x", ", 1", ")", "", MANY / 4, ""), 2, 2, 1); }
END_TEST
START_TEST(lines) { expect(text_of("", "# c\n\n;", "x", "", MANY, ""), 2, 2, 1); }
END_TEST
START_TEST(digits) { expect(text_of("x*1.5", "0", "", "", 10000, ""), 2, 3, 1.5); }
END_TEST
START_TEST(digits_before_the_point) { expect(text_of("x*125", "0", "e-10002", "", 10000, ""), 2, 2.5, 1.25); }
END_TEST

START_TEST(functions_over_functions) {
  char text[20000] = "f0(a) = a + 1\n";
  for (int k = 1; k < 500; k++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "f%d(a) = f%d(a) + 1\n", k, k - 1);
  strcat(text, "f499(x)");
  char *copy = malloc(strlen(text) + 1);
  expect(strcpy(copy, text), 1, 501, 1);
}
END_TEST

START_TEST(opened_only) {
  expect_error(text_of("", "(", "", "", MANY, ""), DZ_ERR_SYNTAX, 1, MANY, "'(' is never closed");
  expect_error(text_of("", "(", "x", ")", MANY, ")"), DZ_ERR_SYNTAX, 1, 2 * MANY + 2, "')' without '('");
  expect_error(text_of("", "\n", "$", "", MANY, ""), DZ_ERR_SYNTAX, MANY + 1, 1, "unexpected character");
}
END_TEST

START_TEST(lists_in_lists) {
  expect_error(text_of("", "[", "1", "]", MANY, ""), DZ_ERR_SHAPE, 1, MANY - 8, "at most 8");
  expect_error(text_of("", "[", "x", "]", MANY, ""), DZ_ERR_SHAPE, 1, MANY - 8, "limit of 8");
}
END_TEST

START_TEST(nested_beyond_the_limit) {
  expect_error(text_of("", "(", "", "", 9000000, ""), DZ_ERR_LIMIT, 1, (1 << 23) + 1, "nested too deeply");
}
END_TEST

/* Each function calls the one before twice: 2^60 operations, were they recorded. */
START_TEST(explosion) {
  char *text = malloc(4000);
  strcpy(text, "f0(a) = a\n");
  for (int k = 1; k <= 60; k++)
    snprintf(text + strlen(text), 4000 - strlen(text), "f%d(a) = f%d(f%d(a))\n", k, k - 1, k - 1);
  strcat(text, "f60(x)");
  dz_tape *t = tape_with_x(1);
  ck_assert(!dz_valid(dz_expr(t, text)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_LIMIT);
  dz_tape_free(t);
  free(text);
}
END_TEST

/* The size is looked at before the text is. */
START_TEST(a_text_beyond_the_limit) {
  dz_error e;
  ck_assert_ptr_null(dz_program_parse("1", ((size_t)1 << 28) + 1, "big", NULL, &e));
  ck_assert_int_eq(e.status, DZ_ERR_LIMIT);
  ck_assert_str_eq(e.file, "big");
  ck_assert(e.line == 1 && e.column == 1);
}
END_TEST

START_TEST(long_names) {
  char *text = text_of("", "n", "", "", 255, "");
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_int_eq(dz_set_name(dz_input(t, 4), text), DZ_OK);
  ck_assert_double_eq(dz_value(dz_expr(t, text)), 4);
  dz_tape_free(t);
  free(text);
  expect_error(text_of("1 + ", "n", "", "", 256, ""), DZ_ERR_LIMIT, 1, 5, "a name of 256 bytes");
  expect_error(text_of("1 + ", "n", "(2)", "", 255, ""), DZ_ERR_NAME, 1, 5, "unknown function 'nnnn");
}
END_TEST

START_TEST(parameters) {
  char *text = malloc(4000);
  strcpy(text, "f(a0");
  for (int k = 1; k < 64; k++) snprintf(text + strlen(text), 4000 - strlen(text), ", a%d", k);
  char *more = malloc(4000);
  snprintf(more, 4000, "%s, b) = 1; 1", text);
  expect_error(more, DZ_ERR_LIMIT, 1, 313, "at most 64 parameters");
  strcat(text, ") = a0 - a63\nf(x");
  for (int k = 1; k < 64; k++) snprintf(text + strlen(text), 4000 - strlen(text), ", %d", k);
  strcat(text, ")");
  expect(text, 2, -61, 1);
}
END_TEST

SUITE(ONCE(parentheses), ONCE(minuses), ONCE(sum_of_terms), ONCE(sum_of_numbers), ONCE(powers), ONCE(calls),
      ONCE(choices), ONCE(choices_in_the_middle), ONCE(a_list_of_numbers), ONCE(a_list_of_rows),
      ONCE(a_list_of_names), ONCE(arguments), ONCE(lines), ONCE(digits), ONCE(digits_before_the_point),
      ONCE(functions_over_functions), ONCE(opened_only), ONCE(lists_in_lists), ONCE(nested_beyond_the_limit),
      ONCE(explosion), ONCE(a_text_beyond_the_limit), ONCE(long_names), ONCE(parameters))
