/* Where a check ends: values that are not finite, operations that do not hold still, operands of all kinds.
 */
#include "outcome.h"

#include "../failing.h"
#include "dz/userop.h"
#include "suite.h"

#include <limits.h>
#include <string.h>

static outcome check_text(const char *text, size_t count, const dz_check_point *p) {
  char copy[200];
  strcpy(copy, text);
  return check_all(by_text, copy, count, p);
}

static outcome check_text_at(const char *text, double x) {
  dz_check_point p = {.name = "x", .role = DZ_ROLE_INPUT, .values = &x};
  return check_text(text, 1, &p);
}

/* ---- operations of the user's own ---- */

typedef struct product {
  int arity;
  double back;    /* a factor on the true derivatives */
  bool together;  /* jvp is wrong where more than one number moves */
  bool counts;    /* the value grows with each call */
  bool defined;   /* on the one tape of a check */
  int calls, odd; /* of the shape function; from which call on it is odd */
  int rank;       /* of the shape then; -1: none */
  size_t dim;
  int values;
} product;

static bool product_shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  product *p = user;
  const bool odd = ++p->calls >= p->odd && p->defined;
  if (odd && p->rank < 0) return false;
  *rank = odd ? p->rank : x[0].rank;
  for (int k = 0; k < *rank; k++) dims[k] = odd ? p->dim : x[0].dims[k];
  return true;
}

/* The product of all operands, element by element; where the shape is odd, 0. */
static void product_value(void *user, const dz_op_array *x, size_t size, double *z) {
  product *p = user;
  for (size_t i = 0; i < size; i++) {
    z[i] = size == x[0].size ? 1 : 0;
    for (int k = 0; size == x[0].size && k < p->arity; k++) z[i] *= x[k].data[x[k].size == 1 ? 0 : i];
    if (p->counts) z[i] += p->defined ? ++p->values : 0;
  }
}

static double others(const product *p, const dz_op_array *x, int but, size_t i) {
  double y = 1;
  for (int k = 0; k < p->arity; k++)
    if (k != but) y *= x[k].data[x[k].size == 1 ? 0 : i];
  return y;
}

static void product_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                        double *const *ga) {
  const product *p = user;
  (void)z;
  for (int k = 0; k < p->arity; k++)
    for (size_t i = 0; ga[k] && i < size && size == x[0].size; i++)
      ga[k][x[k].size == 1 ? 0 : i] += (p->defined ? p->back : 1) * others(p, x, k, i) * g[i];
}

static void product_jvp(void *user, const dz_op_array *x, size_t size, const double *z,
                        const double *const *t, double *out) {
  const product *p = user;
  size_t moved = 0;
  (void)z;
  for (size_t i = 0; i < size; i++) {
    out[i] = 0;
    for (int k = 0; k < p->arity; k++) {
      if (!t[k] || size != x[0].size) continue;
      out[i] += others(p, x, k, i) * t[k][x[k].size == 1 ? 0 : i];
      moved += t[k][x[k].size == 1 ? 0 : i] != 0;
    }
  }
  for (size_t i = 0; p->together && p->defined && moved > 1 && i < size; i++) out[i] *= 2;
}

static void define_product(dz_tape *t, product *p, int arity, bool forward) {
  if (p->defined) return;
  p->arity = arity;
  const dz_op_calls calls = {
      arity, product_shape, product_value, product_vjp, forward ? product_jvp : NULL, (void *)p, NULL};
  dz_error e;
  if (dz_op_define_c(t, "product", &calls, &e)) ck_abort_msg("%s", e.message);
  p->defined = true;
  p->calls = 0;
}

/* Eight operands, of which the first is wanted; the result has a name. */
static dz_var of_eight(dz_tape *t, const dz_var *v, void *user) {
  dz_var x[8];
  define_product(t, user, 8, false);
  for (int k = 0; k < 8; k++) x[k] = k % 2 ? dz_num(1 + k / 8.) : v[0];
  dz_var y = dz_apply(t, "product", 8, x);
  dz_set_name(y, "y");
  return y;
}

START_TEST(a_wrong_one_of_many_operands) {
  product p = {.back = 1, .odd = INT_MAX};
  outcome o = check_at(of_eight, &p, .75);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_NONE);
  expect_verdict(&o, DZ_VERDICT_AGREES, "x^4");
  p = (product){.back = 1.5, .odd = INT_MAX};
  o = check_at(of_eight, &p, .75);
  expect_blame(&o, DZ_FAULT_PARTIAL, "product");
  const dz_check_fault *f = &o.report.fault;
  ck_assert_int_eq(f->nargs, 8);
  ck_assert_str_eq(f->name, "y");
  ck_assert(f->operands[2].value == .75 && f->operands[3].value == 1.375);
}
END_TEST

/* The sum of a product of two, and of a square. */
static dz_var of_two(dz_tape *t, const dz_var *v, void *user) {
  define_product(t, user, 2, true);
  dz_var in[] = {v[0], dz_sin(v[0])}, z = dz_apply(t, "product", 2, in);
  if (dz_size(v[0]) == 300) { /* twice, and of the first element nothing counts */
    static double but_one[300];
    static const size_t n = 300;
    for (int k = 1; k < 300; k++) but_one[k] = 1;
    z = dz_add(z, dz_mul(dz_apply(t, "product", 2, in), dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &n, but_one)));
  }
  return dz_sum(dz_add(z, dz_mul(v[0], v[0])), DZ_ALL, false);
}

static outcome check_two(product *p, size_t n) {
  static double many[300];
  for (int k = 0; k < 300; k++) many[k] = 1 + k / 64.;
  dz_check_point x = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &n, .values = many};
  return check_all(of_two, p, 1, &x);
}

START_TEST(wrong_only_where_two_move) {
  product p = {.back = 1, .together = true, .odd = INT_MAX};
  dz_check_point x = {.role = DZ_ROLE_INPUT, .rank = 0, .values = (double[]){.75}};
  outcome o = check_all(of_two, &p, 1, &x);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_ELSEWHERE); /* x and sin x, of which alone one moves */
  p.defined = false;
  o = check_two(&p, 3);
  expect_blame(&o, DZ_FAULT_TANGENT, "product");
  ck_assert_uint_eq(o.report.wrong, 0);
}
END_TEST

/* Rows move one number at a time: only the dot product, which moves all, tells. */
static dz_var first_alone(dz_tape *t, const dz_var *v, void *user) {
  define_product(t, user, 2, true);
  return dz_apply(t, "product", 2, v);
}

START_TEST(wrong_in_the_dot_product_alone) {
  product p = {.back = 1, .together = true, .odd = INT_MAX};
  const double x[] = {.75, 2};
  const dz_check_point points[] = {scalar(&x[0]), scalar(&x[1])};
  outcome o = check_all(first_alone, &p, 2, points);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert(o.report.wrong == 0 && o.report.forward_wrong == 0 && o.report.forward_agreed == 2);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_WRONG);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_ELSEWHERE); /* by itself, moving one operand, it is right */
}
END_TEST

/* Of so many elements the rounding is not bounded: neither right nor wrong. */
START_TEST(too_many_elements_of_an_own_operation) {
  product p = {.back = 1, .odd = INT_MAX};
  outcome o = check_two(&p, 300);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_uint_eq(o.report.agreed, o.report.checked);
  ck_assert(o.report.forward_agreed == 0 && o.report.forward_wrong == 0);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_NOT_FINITE);
}
END_TEST

/* Its shape function refuses from some call on, or gives more elements, or fewer: on the tape of the check
   that is an error of the model; alone, while the fault is looked for, the operation says nothing. */
START_TEST(an_operation_that_changes_its_shape) {
  static const struct {
    int rank;
    size_t dim;
  } ways[] = {{-1, 0}, {0, 0}, {1, 2}, {2, 60}};
  product p = {.back = 1.5, .odd = INT_MAX};
  outcome o = check_two(&p, 3);
  expect_blame(&o, DZ_FAULT_PARTIAL, "product");
  for (int calls = p.calls, odd = 1; odd <= calls; odd++) {
    p = (product){.back = 1.5, .odd = odd, .rank = ways[_i].rank, .dim = ways[_i].dim};
    o = check_two(&p, 3);
    ck_assert_int_eq(o.error.status, o.status);
    ck_assert(o.status == DZ_OK || o.status == DZ_ERR_SHAPE);
    ck_assert(odd > 1 || _i == 1 || o.status == DZ_ERR_SHAPE); /* a scalar fits everywhere */
  }
}
END_TEST

START_TEST(an_operation_that_counts) {
  product p = {.back = 1, .counts = true, .odd = INT_MAX};
  outcome o = check_two(&p, 2);
  expect_blame(&o, DZ_FAULT_UNREPEATABLE, "product");
}
END_TEST

/* ---- what is not finite, or empty, or does not move ---- */

static void expect_one_kink(const char *text, dz_fault fault, const char *op) {
  outcome o = check_text_at(text, 0);
  expect_blame(&o, fault, op);
  ck_assert_uint_eq(o.report.kinks, 1);
}

START_TEST(a_kink_without_a_gradient) { expect_one_kink("stop(abs(2*x))", DZ_FAULT_KINK, "fabs"); }
END_TEST

START_TEST(an_infinite_value_on_the_way) {
  outcome o = check_text_at("min(exp(1000 + x), 5)*0 + x*stop(x)", .5);
  expect_blame(&o, DZ_FAULT_DETACHED, "stop");
}
END_TEST

/* Its halves are nowhere seen: 1/x is infinite there. */
START_TEST(a_kink_of_nobody) { expect_one_kink("x/(1 + stop(exp(1/x)))", DZ_FAULT_NONE, ""); }
END_TEST

START_TEST(worse_than_a_kink) {
  const double zero = 0;
  const dz_check_point p[] = {{.name = "x", .role = DZ_ROLE_INPUT, .values = &zero},
                              {.name = "y", .role = DZ_ROLE_INPUT, .values = &zero}};
  outcome o = check_text("abs(x) + sqrt(y)", 2, p);
  expect_blame(&o, DZ_FAULT_NONE, "");
  ck_assert(o.report.kinks == 1 && o.report.not_finite == 1);
}
END_TEST

START_TEST(at_infinity) {
  outcome o = check_text_at("1/x", INFINITY);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_uint_eq(o.report.not_finite, 1);
}
END_TEST

/* Along a direction in which x, being infinite, stays where it is, the model is as smooth as can be; but its
   gradient has a NaN. */
START_TEST(a_part_that_cannot_move) {
  const double at[] = {INFINITY, 1};
  const dz_check_point p[] = {{.name = "x", .role = DZ_ROLE_INPUT, .values = at},
                              {.name = "y", .role = DZ_ROLE_INPUT, .values = at + 1}};
  outcome o = check_text("exp(y) + exp(-x*x)", 2, p);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_NOT_FINITE);
  ck_assert(o.report.not_finite == 1 && o.report.agreed == 1);
}
END_TEST

/* The bound overflows, then the sum of the reverse sweep's products. */
START_TEST(sizes_that_overflow) {
  outcome o = check_text_at("5e307*x", 1);
  expect_verdict(&o, DZ_VERDICT_AGREES, "5e307 x");
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_NOT_FINITE);
  ck_assert(isfinite(o.report.dot.forward) && isfinite(o.report.dot.reverse));
  bool seen = false;
  double ones[40];
  for (size_t k = 0; k < 40; k++) ones[k] = k % 2 ? -1 : 1;
  for (size_t n = 2; n <= 40 && !seen; n += 2) {
    const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = &n, .values = ones};
    o = check_text("sum(u)*1.5e308", 1, &p);
    ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_NOT_FINITE);
    seen = isfinite(o.report.dot.forward) && !isfinite(o.report.dot.reverse);
  }
  ck_assert(seen);
}
END_TEST

static const double u3[] = {.5, -1.25, 2}, A22[] = {2, 1, -.5, 1.5}, B22[] = {1, .25, -3, 2}, X1[] = {-2.5};
static const size_t one[] = {1}, three[] = {3}, two_two[] = {2, 2}, none[] = {0};
static const dz_check_point tensors[] = {
    {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = three, .values = u3},
    {.name = "A", .role = DZ_ROLE_INPUT, .rank = 2, .dims = two_two, .values = A22},
    {.name = "B", .role = DZ_ROLE_PARAM, .rank = 2, .dims = two_two, .values = B22},
    {.name = "X", .role = DZ_ROLE_INPUT, .rank = 1, .dims = one, .values = X1},
    {.name = "E", .role = DZ_ROLE_INPUT, .rank = 1, .dims = none, .values = NULL}};

START_TEST(of_no_elements) {
  outcome o = check_text("sum(concat(u[:0], u)*concat(u[:0], stop(u))) + sum(u[:0]) + sum(E)", 5, tensors);
  expect_blame(&o, DZ_FAULT_DETACHED, "stop");
  o = check_text("sum(E)", 5, tensors);
  ck_assert_uint_eq(o.report.agreed, 12);
}
END_TEST

START_TEST(a_kink_that_only_one_element_meets) {
  static const double at[] = {0, 1};
  static const size_t two[] = {2};
  const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = two, .values = at};
  outcome o = check_text("exp(u[1]) + abs(u[0])", 1, &p);
  expect_blame(&o, DZ_FAULT_KINK, "fabs");
}
END_TEST

/* Of 300 elements 3 are looked at; the one at the kink is met by directions alone. */
START_TEST(a_kink_along_a_direction) {
  static const size_t n = 300;
  double at[300];
  for (int k = 0; k < 300; k++) at[k] = 1 + k;
  at[7] = 0;
  const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = &n, .values = at};
  const dz_check_options few = {.max_elements = 3};
  char text[] = "sum(abs(u))";
  outcome o = {.status = DZ_OK};
  o.status = dz_check(by_text, text, 1, &p, &few, NULL, &o.report, &o.error);
  expect_blame(&o, DZ_FAULT_KINK, "fabs");
  ck_assert(o.report.worst.element == SIZE_MAX && o.report.agreed == 3 && o.report.kinks == 4);
}
END_TEST

/* What rounding may do to a sum of small slopes is less than they are: wrong ones are told along directions
   too. */
START_TEST(small_slopes_along_directions) {
  static const size_t n = 300;
  double at[300];
  for (int k = 0; k < 300; k++) at[k] = 1 + k;
  const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = &n, .values = at};
  const dz_check_options few = {.max_elements = 3};
  char text[] = "1e-12*sum(u*stop(u))";
  outcome o = {.status = DZ_OK};
  o.status = dz_check(by_text, text, 1, &p, &few, NULL, &o.report, &o.error);
  expect_blame(&o, DZ_FAULT_DETACHED, "stop");
  ck_assert(o.report.checked == 3 + 4 && o.report.wrong == 3 + 4);
}
END_TEST

/* An index that depends on what is wanted: alone it is moved to where there is no element. */
START_TEST(an_index_that_moves) {
  outcome o = check_text("sum(gather(u, floor(X))) + sum(X*stop(X))", 5, tensors);
  expect_blame(&o, DZ_FAULT_DETACHED, "stop");
}
END_TEST

START_TEST(systems_of_equations) {
  static const char *const texts[] = {"sum(solve(A, [1, 2]))", "sum(d(sum(solve(A, B)^3), B)*A)",
                                      "sum(d(sum(solve([[2, 1], [1, 3]], B)^3), B)*B)"};
  outcome o = check_text(texts[_i], 5, tensors);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_uint_eq(o.report.agreed, o.report.checked);
  ck_assert_uint_eq(o.report.forward_agreed, o.report.checked);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_AGREES);
}
END_TEST

typedef struct counted {
  char text[60];
  int calls;
} counted;

static dz_var by_counted_text(dz_tape *t, const dz_var *leaves, void *user) {
  counted *c = user;
  c->calls++;
  return by_text(t, leaves, c->text);
}

/* Arrays so large that most have a block of memory to themselves, until both sweeps of the first recording
   are through. */
START_TEST(each_large_allocation_may_fail) {
  static const char *const texts[] = {"sum((V*v)^2)", "sum(V[:3, :2] @ V'[:2, :])*x",
                                      "norm(x)*x + prod(x)*sin(x)", "sum(solve(S, v)^2)*x"};
  static double many[6000];
  static const size_t dims[] = {3000, 2};
  for (int k = 0; k < 6000; k++) many[k] = 1 + k % 7 / 8.;
  const dz_check_point p[] = {
      {.name = "V", .role = DZ_ROLE_DATA, .rank = 2, .dims = dims, .values = many},
      {.name = "v", .role = DZ_ROLE_INPUT, .rank = 1, .dims = dims + 1, .values = many},
      {.name = "S", .role = DZ_ROLE_INPUT, .rank = 2, .dims = two_two, .values = A22},
      {.name = "x", .role = DZ_ROLE_INPUT, .values = many}};
  counted c = {.calls = 0};
  strcpy(c.text, texts[_i]);
  dz_check_report r;
  ck_assert_int_eq(dz_check(by_counted_text, &c, 4, p, NULL, NULL, &r, NULL), DZ_OK);
  ck_assert_uint_eq(r.agreed, r.checked);
  c.calls = 0;
  for (size_t k = 1; c.calls < 2; k++) {
    failing f = {.at = k};
    dz_allocator a = failing_allocator(&f);
    c.calls = 0;
    ck_assert_int_eq(dz_check(by_counted_text, &c, 4, p, NULL, &a, &r, NULL), DZ_ERR_MEMORY);
    ck_assert(f.blocks == 0 && f.bytes == 0);
  }
}
END_TEST

SUITE(ONCE(a_wrong_one_of_many_operands), ONCE(wrong_only_where_two_move),
      ONCE(wrong_in_the_dot_product_alone), ONCE(too_many_elements_of_an_own_operation),
      EACH(an_operation_that_changes_its_shape, 4), ONCE(an_operation_that_counts),
      ONCE(a_kink_without_a_gradient), ONCE(an_infinite_value_on_the_way), ONCE(a_kink_of_nobody),
      ONCE(worse_than_a_kink), ONCE(at_infinity), ONCE(a_part_that_cannot_move), ONCE(sizes_that_overflow),
      ONCE(of_no_elements), ONCE(a_kink_that_only_one_element_meets), ONCE(a_kink_along_a_direction),
      ONCE(small_slopes_along_directions), ONCE(an_index_that_moves), EACH(systems_of_equations, 3),
      EACH(each_large_allocation_may_fail, 4))
