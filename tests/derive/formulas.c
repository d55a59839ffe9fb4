/* Formulas at the limits of what is simplified: long ones, deep ones, inexact coefficients, numbers where
   variables usually are, and terms whose hashes are equal. Whatever is done, the value stays. */
#include "derive/simplify.h"
#include "dz/derive.h"
#include "dz/lang.h"
#include "dz/print.h"
#include "dz/tensor.h"

#include "../on_tape.h"
#include "rounding.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>

static bool on_paper(void *user, const char *text, size_t size) { return strncat(user, text, size), true; }

static const char *text_of(dz_var y) {
  static char text[1 << 14];
  text[0] = 0;
  ck_assert_int_eq(dz_print(y, NULL, on_paper, text), DZ_OK);
  return text;
}

static const double four[] = {1, -2, 3, .5};

static void set_up_names(void) {
  static const char *const scalars[] = {"x", "y", "w", "a"};
  static const double at[] = {.37, .61, 1.29, -.83};
  set_up();
  for (int k = 0; k < 4; k++) dz_set_name(dz_input(tape, at[k]), scalars[k]);
  dz_set_name(dz_data(tape, .75), "b");
  dz_set_name(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), four + 1), "v");
  dz_set_name(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), four), "A");
  dz_set_name(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(1, 2), four), "C");
  dz_set_name(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(4), four), "u");
  dz_set_name(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0, 3), four), "N");
}

/* Element by element the same, up to what rounding does to either. */
static void expect_same(dz_var y, dz_var z, const char *what) {
  ck_assert_msg(dz_valid(y) && dz_valid(z), "%s: %s", what, dz_tape_error(tape)->message);
  ck_assert_uint_eq(dz_size(y), dz_size(z));
  for (size_t k = 0; k < dz_size(y); k++) {
    const double p = dz_is_number(y) ? dz_value(y) : dz_values(y)[k];
    const double q = dz_is_number(z) ? dz_value(z) : dz_values(z)[k];
    double bound = 64 * 0x1p-52 * fmax(1, fabs(p)); /* with arrays: some 16 operations on numbers below 10 */
    if (!strpbrk(what, "vACuN"))
      bound = 1.01 * ((dz_is_number(y) ? 0 : rounding(y)) + (dz_is_number(z) ? 0 : rounding(z)));
    ck_assert_msg(p == q || fabs(p - q) <= bound, "%s: %.17g became %.17g: %s", what, p, q, text_of(z));
  }
}

/* The text is what it becomes; NULL: not said. */
static const struct {
  const char *y, *text;
} known[] = {
    /* numbers that only come about here are folded where that is exact */
    {"mod(x - x + 7, 3)", "1"},
    {"fmod(x - x - 7, 3)", "-1"},
    {"floor(x - x + 2.5)", "2"},
    {"cos(x - x)", "1"},
    {"sin(x - x + 1)", "sin(1)"},
    {"sin(x - x + 2)", "sin(2)"},
    {"log(x - x + 2)*x - log(2)*x", "0"},
    /* choices */
    {"b == 0 ? 0 : b^y*w", NULL},
    {"b == 0 ? 0 : w/b", NULL},
    {"b == 0 ? 0 : 3*b*w", NULL},
    {"b != 0 ? y*b^2 : 0", NULL},
    {"b == 0 ? 0 : b", "b"},
    {"2*(x > y ? 0 : w)", "x > y ? 0 : 2*w"},
    {"2*(x > y ? w : 0)", "x > y ? 2*w : 0"},
    {"x > y ? w : 3", "x > y ? w : 3"},
    {"x > y ? 1/0 : w", "w"},
    {"x < y ? w : 1/0", "w"},
    {"(x > y ? a : w)*x", NULL},
    {"x > y ? sqrt(x)*x : x*sqrt(x)", "x^1.5"},
    {"x > y ? log(x^3) : 3*log(x)", NULL},
    {"x > y ? log(x^2) : 2*log(x)", NULL},
    {"x > y ? sum(v)*sin(x)/cos(x) : tan(x)*sum(v)", NULL},
    {"x > 0 ? (x/3 > 0 ? 1 : 2) : 0", NULL},
    /* coefficients that do not multiply exactly stay two */
    {"(0.1*x)*(0.3*y)", NULL},
    {"a*(0.1*x)*(-0.3*y)", NULL},
    {"(1e-200*x)*(1e-200*y)*1e300*1e100", NULL},
    {"(0.1*A) @ (0.3*A)", NULL},
    {"0.1*(0.3*(x + 0.7*y) + w*0.9)", NULL},
    {"x^(1/3)", NULL},
    {"x^(1/3)*x^(1/3)", NULL},
    {"1/(x^(1/3)*x^(1/3))", NULL},
    {"x^-y*w", NULL},
    {"0*2^x", "0"},
    {"log(x/3)", NULL},
    {"cbrt(x)^(1/3)*cbrt(x)^(1/3)*x", NULL},
    {"0.1*x*(y + w)^2 + 0.3*x*(y + 0.7*w)*(y + w)", NULL},
    {"0.1*x*(y + 0.7*w)^2 + 0.3*x*(y + 0.7*w)", NULL},
    {"0.3*x*(y + w) + 0.1*x*(y + w)*(a + 0.7*y)", NULL},
    {"3*(0.1*x)*y + 0.1*(3*y)*w", NULL},
    /* powers of powers */
    {"(x^2)^y", NULL},
    {"(x^2)^.5", "abs(x)"},
    {"(x^.5)^y", NULL},
    {"(x^y)^w*x", NULL},
    {"(exp(x)^.5)^y", NULL},
    {"exp(log(x)/2)^2", "x"},
    {"((x + y)^2)^1.5", NULL},
    /* more parts than pairs are tried of */
    {"2*(x + y) + x*y + x*w + x*a + y*w + y*a + w*a + x^2 + y^2 + w^2 + a^2 + x^3 + y^3", NULL},
    {"w + 2*(1 + x + x^2 + x^3 + x^4 + x^5 + x^6 + x^7 + x^8 + x^9 + y + y^2 + y^3)", NULL},
    {"sin(x)*(1 + x + x^2 + x^3 + x^4 + x^5 + x^6 + x^7 + x^8 + x^9 + y + y^2 + y^3) + sin(x)", NULL},
    {"sin(x)*(a + x + x^2 + x^3 + x^4 + x^5 + x^6 + x^7 + x^8 + x^9 + y + y^2 + y^3) + sin(x)*y", NULL},
    {"(a + a^2 + a^3 + a^4 + a^5 + a^6 + a^7 + a^8 + a^9 + w + w^2 + w^3 + w^4)*(x + y) + (x + y)^2", NULL},
    {"sin(x)*cos(x)*sin(y)*cos(y)*sin(w)*cos(w)*sin(a)*cos(a)*tan(x)*tan(y)*tan(w)*tan(a)*cosh(x)*cosh(y)",
     NULL},
    {"exp(x)*(x*y + x*w + x*a) + exp(x)*x", NULL},
    /* arrays */
    {"reshape(v, 2, 1)*C", NULL},
    {"reshape(v*0 + 1, 2, 1)", NULL},
    {"v[::-1]", NULL},
    {"A[0]", NULL},
    {"A'", NULL},
    {"reshape(A @ reshape(v, 2, 1), 2)", "A @ v"},
    {"reshape(reshape(v, 1, 2) @ A, 2)", "v @ A"},
    {"reshape(A @ reshape(C, 2), 2, 1)", NULL},
    {"reshape(A @ reshape(u, 2, 2), 4)", NULL},
    {"reshape(A @ reshape(C, 2, 1), 2)", NULL},
    {"reshape(reshape(v, 1, 2) @ reshape(v, 2, 1), 1)", NULL},
    {"reshape(A @ A, 4)", NULL},
    {"v + A", NULL},
    {"C + reshape(v, 2, 1)", NULL},
    {"sum(v*0 + 1)", "2"},
    {"sum(N*0 + 1, axis=1)", NULL},
    {"mean(N, axis=1)", NULL},
    {"cumsum(2*v)", "2*cumsum(v)"},
    {"sum(A*reshape(v, 2, 1), axis=1, keepdims=1)", NULL},
    {"sum(A*v, axis=0, keepdims=1)", NULL},
    {"sum(A*C, axis=1, keepdims=1)", NULL},
    {"max(3*v)", NULL},
    {"min(v + x)", "min(v) + x"},
    {"max(v + 1)", NULL},
    {"max(v + A)", NULL},
    {"max(v + x + y + w + a + x^2 + y^2 + w^2 + a^2 + x^3 + y^3 + w^3 + a^3)", NULL},
    {"max(C + reshape(v, 2, 1), axis=1, keepdims=1)", NULL},
    {"sum(C*reshape(v, 2, 1), axis=1, keepdims=1)", NULL},
    {"sum(v*x*y*w*sin(x)*sin(y)*sin(w)*cos(x)*cos(y)*cos(w)*tan(x)*tan(y)*tan(w))", NULL},
    {"sum(exp(v + x)*v)", NULL},
    {"sum(exp(v)*x)", "x*sum(exp(v))"},
    {"norm(v)*2 + norm(3*v)", NULL},
};

START_TEST(what_it_becomes) {
  const dz_var y = dz_expr(tape, known[_i].y), z = dz_simplify(y);
  expect_same(y, z, known[_i].y);
  if (known[_i].text) ck_assert_str_eq(text_of(z), known[_i].text);
}
END_TEST

START_TEST(what_the_language_does_not_say) {
  const dz_var T = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 1, 2), four), v = dz_named(tape, "v");
  const int turn[] = {1, 2, 0}, axis[] = {0}, back[] = {2, 0, 1};
  const dz_var once = dz_permute(T, 3, turn), none = dz_reduce("sum", v, 0, axis, false);
  expect_same(dz_permute(once, 3, turn), dz_simplify(dz_permute(once, 3, turn)), "A turned twice");
  expect_same(T, dz_simplify(dz_permute(once, 3, back)), "A turned back");
  expect_same(v, dz_simplify(dz_permute(v, 1, axis)), "v turned");
  expect_same(none, dz_simplify(none), "v over no axis");
  /* constants: filled with one number, with several, empty, and one that has a name */
  static const double ones[] = {1, 1};
  const dz_var filled = dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(2), ones);
  const dz_var mixed = dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(2), four);
  const dz_var empty = dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(0), four), named = dz_const(tape, 2);
  dz_set_name(named, "c");
  dz_var y = dz_mul(filled, dz_mul(v, dz_mul(mixed, named)));
  expect_same(y, dz_simplify(y), "constants v");
  ck_assert_ptr_nonnull(strstr(text_of(dz_simplify(y)), "c"));
  ck_assert_uint_eq(dz_size(dz_simplify(dz_add(empty, 1))), 0);
  ck_assert_str_eq(text_of(dz_simplify(dz_mul(filled, v))), "v");
  /* a tape in error makes nothing */
  (void)dz_add(v, T), (void)dz_matmul(v, dz_named(tape, "N"));
  ck_assert_int_ne(dz_tape_error(tape)->status, DZ_OK);
  ck_assert(!dz_valid(dz_simplify(y)));
}
END_TEST

/* ---- long formulas ---- */

enum { MANY = 70 };

START_TEST(many_parts) {
  dz_var x[MANY], sum = dz_num(0), other = dz_num(0), product = dz_num(1), rotated = dz_num(1);
  for (int k = 0; k < MANY; k++) {
    char name[8];
    snprintf(name, sizeof name, "x%d", k);
    x[k] = dz_input(tape, 1 + .01 * k);
    dz_set_name(x[k], name);
  }
  for (int k = 0; k < MANY; k++) {
    sum = dz_add(sum, x[k]);
    other = dz_add(other, x[(k + 1) % MANY]);
    product = dz_mul(product, x[k]);
    rotated = dz_mul(rotated, dz_pow(x[(k + 1) % MANY], 2));
  }
  const dz_var w = dz_named(tape, "w"), both = dz_mul(dz_add(sum, w), dz_sin(sum));
  expect_same(both, dz_simplify(both), "70 terms in 71");
  expect_same(product, dz_simplify(product), "70 factors");
  expect_same(dz_mul(product, product), dz_simplify(dz_pow(product, 2)), "its square");
  expect_same(rotated, dz_simplify(dz_mul(rotated, dz_div(product, product))), "and a quotient");
  const dz_var two = dz_mul(dz_exp(sum), dz_cos(other)); /* one sum in two orders: twice or once, but right */
  expect_same(two, dz_simplify(two), "different orders");
}
END_TEST

/* Twice as long with each level: no longer than a million. */
START_TEST(lengths_have_an_end) {
  dz__terms s;
  dz__rules rules;
  double times;
  const dz_allocator a = dz__allocator(NULL);
  dz_var y = dz_named(tape, "x");
  for (int k = 0; k < 21; k++) y = dz_atan2(dz_sin(y), dz_cos(y));
  ck_assert_int_eq(dz__rules_read(&a, &rules), DZ_OK);
  ck_assert(dz__terms_init(&s, tape, &rules));
  const uint32_t i = dz__term_of_graph(&s, y), x = dz__term_leaf(&s, dz_named(tape, "x"));
  ck_assert_uint_eq(dz__term_length(&s, i, x, &times), 1 << 20);
  ck_assert(times == 1 << 20);
  ck_assert_uint_eq(dz__term_length(&s, x, x, &times), 1);
  ck_assert(times == 1);
  s.failed = true;
  ck_assert_uint_eq(dz__term_length(&s, x, x, &times), 1 << 20);
  dz__terms_free(&s);
  dz__rules_free(&rules);
}
END_TEST

/* Rules within rules end at some depth, and after some number; what is left is right, if not simple. */
START_TEST(rules_have_an_end) {
  static const char *const texts[] = {"exp(x)^y", "(x^2)^.5", "exp(x)*exp(y)", "sin(-x)", "(x*y)^2"};
  const dz_allocator a = dz__allocator(NULL);
  dz__rules rules;
  ck_assert_int_eq(dz__rules_read(&a, &rules), DZ_OK);
  for (size_t k = 0; k < 2 * COUNT(texts); k++) {
    dz__terms s;
    const dz_var y = dz_expr(tape, texts[k / 2]);
    ck_assert(dz__terms_init(&s, tape, &rules));
    if (k % 2)
      s.fuel = 0;
    else
      s.depth = 49;
    const uint32_t i = dz__term_of_graph(&s, y);
    ck_assert(!s.failed);
    expect_same(y, dz__emit_term(&s, i), texts[k / 2]);
    dz__terms_free(&s);
  }
  dz__rules_free(&rules);
}
END_TEST

/* ---- coefficients ---- */

START_TEST(ratios) {
  static const double most = 9007199254740992., tiny = 1e-200, huge = 1.5e308;
  dz__ratio r = {7, 7};
  ck_assert(dz__is_whole(most) && !dz__is_whole(2 * most) && !dz__is_whole(INFINITY) && !dz__is_whole(.5));
  /* doubles as ratios */
  static const struct {
    double x, n, d;
  } of[] = {{.5, 1, 2},
            {-.75, -3, 4},
            {0, 0, 1},
            {.1, .1, 1},
            {1. / 3, 1, 3},
            {2. / 7, 2, 7},
            {999.5, 1999, 2},
            {1e17, 1e17, 1},
            {0x1p-21, 0x1p-21, 1},
            {1e300, 1e300, 1},
            {5000. / 3, 5000. / 3, 1}};
  for (size_t k = 0; k < COUNT(of); k++) {
    r = dz__ratio_of(of[k].x);
    ck_assert_msg(r.n == of[k].n && r.d == of[k].d, "%.17g is %.17g/%g", of[k].x, r.n, r.d);
  }
  /* what is exact, and what is not */
  static const struct {
    dz__ratio a, b, sum, product; /* d is 0 where there is none */
  } two[] = {
      {{1, 2}, {1, 3}, {5, 6}, {1, 6}},
      {{2, 3}, {3, 2}, {13, 6}, {1, 1}},
      {{0, 1}, {5, 7}, {5, 7}, {0, 1}},
      {{.1, 1}, {.3, 1}, {0, 0}, {0, 0}},
      {{1e-200, 1}, {1e-200, 1}, {2e-200, 1}, {0, 0}}, /* 0 would be wrong */
      {{tiny, 1}, {0, 1}, {tiny, 1}, {0, 1}},
      {{huge, 1}, {huge, 1}, {0, 0}, {0, 0}},
      {{9007199254740992., 1}, {2, 1}, {0, 0}, {0, 0}},
      {{9007199254740991., 1}, {2, 1}, {0, 0}, {0, 0}},
      {{1, 1073741824}, {1, 1073741823}, {0, 0}, {0, 0}},
      {{1, 94906267}, {1, 94906266}, {0, 0}, {0, 0}},
      {{9007199254740991., 2}, {1, 3}, {0, 0}, {9007199254740991., 6}},
      {{1, 3}, {9007199254740991., 2}, {0, 0}, {9007199254740991., 6}},
  };
  for (size_t k = 0; k < COUNT(two); k++) {
    const dz__ratio want[] = {two[k].sum, two[k].product};
    for (int j = 0; j < 2; j++) {
      r = (dz__ratio){7, 7};
      const bool exact = j ? dz__ratio_mul(two[k].a, two[k].b, &r) : dz__ratio_add(two[k].a, two[k].b, &r);
      const dz__ratio is = want[j].d != 0 ? want[j] : (dz__ratio){7, 7};
      ck_assert_msg(exact == (want[j].d != 0) && dz__ratio_same(r, is), "%zu, %d: %d %.17g/%.17g", k, j,
                    exact, r.n, r.d);
    }
  }
  static const struct {
    dz__ratio a;
    double power;
    dz__ratio is;
  } powers[] = {{{2, 3}, 3, {8, 27}}, {{2, 3}, -2, {9, 4}},  {{-2, 3}, -3, {-27, 8}}, {{5, 1}, 0, {1, 1}},
                {{2, 1}, .5, {0, 0}}, {{2, 1}, 65, {0, 0}},  {{0, 1}, 0, {0, 0}},     {{0, 1}, -1, {0, 0}},
                {{0, 1}, 2, {0, 1}},  {{.1, 1}, -1, {0, 0}}, {{.1, 1}, 2, {0, 0}},    {{3, 1}, 64, {0, 0}}};
  for (size_t k = 0; k < COUNT(powers); k++) {
    const bool exact = dz__ratio_power(powers[k].a, powers[k].power, &r);
    ck_assert_msg(exact == (powers[k].is.d != 0), "power %zu", k);
    if (exact) ck_assert_msg(dz__ratio_same(r, powers[k].is), "power %zu: %.17g/%.17g", k, r.n, r.d);
  }
}
END_TEST

/* ---- terms ---- */

static int by_hash(const void *a, const void *b) {
  const dz__term *x = *(const dz__term *const *)a, *y = *(const dz__term *const *)b;
  return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Of some hundred thousand terms several have one hash of 32 bits: each is itself all the same. */
START_TEST(equal_hashes) {
  enum { TERMS = 200000 };
  dz__terms s;
  ck_assert(dz__terms_init(&s, tape, NULL));
  const uint32_t first = (uint32_t)s.terms.n;
  double *v = malloc(TERMS * sizeof *v);
  uint64_t state = 1;
  for (int k = 0; k < TERMS; k++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v[k] = 1 + (double)(state >> 11) * 0x1p-53;
    ck_assert_uint_eq(dz__term_number(&s, v[k]), first + (uint32_t)k);
  }
  const dz__term **sorted = malloc(TERMS * sizeof *sorted);
  for (uint32_t k = 0; k < TERMS; k++) sorted[k] = dz__term_at(&s, first + k);
  qsort(sorted, TERMS, sizeof *sorted, by_hash);
  int equal = 0;
  for (int k = 1; k < TERMS; k++) equal += sorted[k]->hash == sorted[k - 1]->hash;
  ck_assert_int_gt(equal, 0); /* 4.7 are to be expected */
  for (int k = 0; k < TERMS; k++) ck_assert_uint_eq(dz__term_number(&s, v[k]), first + (uint32_t)k);
  free(v);
  free(sorted);
  /* integers whose low halves are the same */
  const int64_t low[] = {3}, high[] = {3 + ((int64_t)1 << 32)};
  const dz__term like = {.kind = DZ__K_CALL, .fn = DZ__F_sum, .attrs = 1};
  const uint32_t i = dz__term_store(&s, like, 0, low), j = dz__term_store(&s, like, 0, high);
  ck_assert_uint_ne(i, j);
  ck_assert_uint_eq(dz__term_store(&s, like, 0, low), i);
  ck_assert_uint_eq(dz__term_store(&s, like, 0, high), j);
  dz__terms_free(&s);
}
END_TEST

/* A list that was made meanwhile has marked terms with places of its own. */
START_TEST(lists_within_lists) {
  static const char *const names[] = {"x", "y", "w", "a"};
  dz__terms s;
  dz__rules rules;
  uint32_t x[4];
  const dz_allocator a = dz__allocator(NULL);
  ck_assert_int_eq(dz__rules_read(&a, &rules), DZ_OK);
  ck_assert(dz__terms_init(&s, tape, &rules));
  for (int k = 0; k < 4; k++) x[k] = dz__term_leaf(&s, dz_named(tape, names[k]));
  const size_t start = dz__begin_sum(&s);
  dz__add_part(&s, start, dz__whole(1), x[0]);
  ck_assert_uint_ne(dz__sum2(&s, x[1], 1, x[2]), DZ__NO_TERM);
  dz__add_part(&s, start, dz__whole(1), x[3]);
  dz__add_part(&s, start, dz__whole(2), x[0]);
  dz__add_part(&s, start, dz__whole(5), x[2]);
  dz__add_part(&s, start, dz__whole(3), x[2]);
  dz__add_part(&s, start, dz__whole(3), x[1]);
  ck_assert_str_eq(text_of(dz__emit_term(&s, dz__end_sum(&s, start))), "3*x + a + 8*w + 3*y");
  dz__terms_free(&s);
  dz__rules_free(&rules);
}
END_TEST

/* As books lay it out, also when it is long. */
START_TEST(long_sums_in_a_book) {
  dz__terms s;
  dz__rules rules;
  dz_var y = dz_num(1);
  const dz_allocator a = dz__allocator(NULL);
  ck_assert_int_eq(dz__rules_read(&a, &rules), DZ_OK);
  for (int k = 0; k < MANY; k++) y = dz_add(y, dz_sin(dz_input(tape, k)));
  ck_assert(dz__terms_init(&s, tape, &rules));
  s.book = true;
  expect_same(y, dz__emit_term(&s, dz__term_of_graph(&s, y)), "a long sum");
  dz__terms_free(&s);
  dz__rules_free(&rules);
}
END_TEST

/* The last of dz_simplify's allocations, one by one: of terms and of nodes. (An arena asks for less then.) */
START_TEST(memory_runs_out_late) {
  double right = 0;
  size_t used = 0;
  for (size_t late = 61; late-- > 0;) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    const dz_var x = dz_input(t, .3), z = dz_derivative(dz_div(dz_tanh(x), dz_add(1, dz_exp(x))), x);
    const size_t before = f.calls;
    if (used) f.only = before + used - late;
    const dz_var r = dz_simplify(z);
    if (!used) used = f.calls - before, right = dz_value(r);
    ck_assert_uint_gt(used, 60);
    ck_assert(dz_valid(r) ? dz_value(r) == right : f.failed == 1);
    ck_assert_int_eq(dz_tape_error(t)->status, dz_valid(r) ? DZ_OK : DZ_ERR_MEMORY);
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

/* A condition that is a number opens or closes for ever. */
START_TEST(choices_by_a_number) {
  const dz_var x = dz_named(tape, "x"), y = dz_named(tape, "y"), in[] = {x, y};
  for (int open = 0; open < 2; open++) {
    dz_var g[2];
    ck_assert_int_eq(dz_grad(dz_mul(dz_where(open, x, y), 3), 2, in, g), DZ_OK);
    ck_assert(dz_value(g[0]) == (open ? 3 : 0) && dz_value(g[1]) == (open ? 0 : 3));
  }
}
END_TEST

SUITE_BETWEEN(set_up_names, tear_down, EACH(what_it_becomes, COUNT(known)),
              ONCE(what_the_language_does_not_say), ONCE(many_parts), ONCE(lengths_have_an_end),
              ONCE(rules_have_an_end), ONCE(ratios), ONCE(equal_hashes), ONCE(lists_within_lists),
              ONCE(long_sums_in_a_book), ONCE(memory_runs_out_late), ONCE(choices_by_a_number))
