/* The words of dz_why: what is said of operands, names of any kind and length, and which forms are not
   mistaken for others. */
#include "dz/why.h"

#include "base/utf8.h"
#include "dz/lang.h"
#include "on_tape.h"

#include <math.h>

static dz_var named(dz_var x, const char *name) {
  ck_assert_int_eq(dz_set_name(x, name), DZ_OK);
  return x;
}

static dz_why_report why(dz_var y, dz_var x) {
  dz_why_report r;
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_OK);
  return r;
}

/* ---- operands ---- */

/* A constant by itself says its number; one with a name needs it said. */
START_TEST(constants_with_names_are_told) {
  const dz_var x = named(dz_input(tape, 2), "x"), zero = dz_const(tape, 0);
  dz_why_report r = why(dz_mul(x, zero), x);
  ck_assert_str_eq(r.code, "zero factor");
  ck_assert_str_eq(r.what, "x*0, x = 2");
  r = why(dz_mul(x, named(dz_const(tape, 0), "k")), x);
  ck_assert_str_eq(r.code, "zero factor");
  ck_assert_str_eq(r.what, "x*k, x = 2, k = 0");
}
END_TEST

/* ---- names ---- */

static bool is_utf8(const char *text) {
  for (size_t n = strlen(text), k; n; text += k, n -= k)
    if ((k = dz__utf8_decode(text, n, &(uint32_t){0})) == 0) return false;
  return true;
}

/* What is too long for the report ends between two characters. */
START_TEST(long_names_are_cut_between_characters) {
  char name[256], other[256] = "b", full[1200];
  for (size_t shift = 0, n; shift < 3; shift++) {
    dz_tape_clear(tape);
    memset(name, 'a', shift);
    name[shift] = 0;
    while (strlen(name) + 3 <= 250) strcat(name, "あ");
    strcpy(other + 1, name);
    const dz_var x = named(dz_input(tape, 0), name), y = named(dz_input(tape, 0), other);
    const dz_why_report r = why(dz_mul(x, y), x);
    ck_assert_str_eq(r.code, "zero factor");
    ck_assert(is_utf8(r.what) && is_utf8(r.message) && is_utf8(r.suggestion));
    snprintf(full, sizeof full, "%s*%s, %s = 0, %s = 0", name, other, name, other);
    for (n = sizeof r.what - 1; (full[n] & 0xC0) == 0x80;) n--;
    full[n] = 0;
    ck_assert_str_eq(r.what, full);
  }
}
END_TEST

/* Of operands those of more than 60 bytes are said by the operation only. */
START_TEST(long_operands_are_short) {
  char name[64], want[256];
  for (int size = 55; size < 57; size++) {
    dz_tape_clear(tape);
    memset(name, 'a', (size_t)size);
    name[size] = 0;
    const dz_var x = named(dz_input(tape, 0), name);
    const dz_why_report r = why(dz_mul(dz_sin(x), 0), x);
    snprintf(want, sizeof want, size < 56 ? "sin(%s)*0, sin(%s) = 0" : "sin(%s)*0, sin(…) = 0", name, name);
    ck_assert_str_eq(r.what, want);
  }
}
END_TEST

/* Six digits where none are asked for, and one where that is. */
START_TEST(digits_of_numbers) {
  const dz_var x = named(dz_input(tape, 2), "x"), y = dz_mul(x, 0x1p-30);
  static const int digits[] = {-1, 0, 1, 2};
  static const char *const want[] = {"9.31323e-10", "9.31323e-10", "9e-10", "9.3e-10"};
  char message[80];
  dz_why_report r;
  ck_assert_int_eq(dz_why(y, x, &(dz_why_options){.digits = digits[_i]}, &r), DZ_OK);
  snprintf(message, sizeof message, "x*%s, x = 2: the slope is only %s", want[1], want[_i]);
  ck_assert_str_eq(r.message, message);
}
END_TEST

/* A sign before a word needs no brackets; one before what is made of several does. */
START_TEST(parts_are_bracketed_where_they_are_no_words) {
  static const struct {
    const char *name, *want;
  } cases[] = {{"x", "log_sigmoid(-x)"},       {"x9", "log_sigmoid(-x9)"},     {"A_b", "log_sigmoid(-A_b)"},
               {"Zz", "log_sigmoid(-Zz)"},     {"é", "log_sigmoid(-é)"},       {"a~b", "log_sigmoid(-(a~b))"},
               {"a.b", "log_sigmoid(-a.b)"},   {"a b", "log_sigmoid(-(a b))"}, {"a@b", "log_sigmoid(-(a@b))"},
               {"a[b", "log_sigmoid(-(a[b))"}, {"a`", "log_sigmoid(-(a`))"},   {"x0", "log_sigmoid(-x0)"},
               {"À", "log_sigmoid(-À)"}};
  const dz_var x = named(dz_input(tape, 40), cases[_i].name);
  const dz_why_report r = why(dz_log(dz_sub(1, dz_sigmoid(x))), x);
  if (!strstr(r.suggestion, cases[_i].want)) ck_abort_msg("%s: %s", cases[_i].name, r.suggestion);
}
END_TEST

/* ---- forms that look alike ---- */

static const struct {
  const char *y;
  double x; /* v and w are [x, 1] */
  const char *write;
} forms[] = {
    {"sqrt(2*x)", 0, NULL}, /* no square: a number is not x */
    {"sqrt(x*2)", 0, NULL},
    {"sqrt(x*x)", 0, "write abs(x)"},
    {"sqrt(sum(v^[2, 2]))", 0, NULL},
    {"log(exp(v - max(v))/sum(exp(v - max(v))))[0]", -800, "write log_softmax(v)"},
    {"log(exp(v - max(w))/sum(exp(v - max(w))))[0]", -800, NULL},
    {"log(exp(v - max(v))*sum(v))[0]", -800, NULL},
    {"log(relu(v - max(v))/sum(w))[0]", -800, NULL},
    {"log(exp(v - max(v))/3)[0]", -800, NULL},
    {"log(exp(v)/sum(sin(v)))[0]", -800, NULL},
    {"log(exp(v)/max(exp(v)))[0]", -800, NULL},
    {"sin(x)/(1 + exp(x))", 800, NULL},
    {"exp(x)/(1 + sin(x))", 800, NULL},
    {"sqrt(x)*sin(x)", 0, NULL},
    {"s = sigmoid(x); sin(s) + log(s)", 800, "write log_sigmoid(x)"}, /* by its second use */
    {"log(1 + sin(sin(relu(x))))", -1, "write log1p(sin(sin(relu(x))))"},
    {"log(1 + sin(sin(sin(relu(x)))))", -1, NULL}, /* too far from it */
    {"log(1 + x)", NAN, "write log1p(x)"},
    {"log(2 + x)", -2, NULL}, /* 1 it must be, and for good */
    {"log(x - 1)", 1, NULL},
    {"sin(x) + log(1 + exp(1000*x))", 1, "write softplus(1000*x)"},
    {"sin(x) + (exp(1000*x) - 1)", 1, "write expm1(1000*x)"},
};

START_TEST(forms_that_look_alike) {
  const double two[] = {forms[_i].x, 1};
  const dz_var x = named(dz_input(tape, forms[_i].x), "x"),
               v = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), two), "v");
  named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), two), "w");
  const dz_why_report r = why(dz_expr(tape, forms[_i].y), strchr(forms[_i].y, 'v') ? v : x);
  const char *want = forms[_i].write;
  if (want ? !strstr(r.suggestion, want) : strncmp(r.suggestion, "write ", 6) == 0)
    ck_abort_msg("%s: %s; %s", forms[_i].y, r.code, r.suggestion);
}
END_TEST

SUITE_ON_TAPE(ONCE(constants_with_names_are_told), ONCE(long_names_are_cut_between_characters),
              ONCE(long_operands_are_short), EACH(digits_of_numbers, 4),
              EACH(parts_are_bracketed_where_they_are_no_words, 13),
              EACH(forms_that_look_alike, COUNT(forms)))
