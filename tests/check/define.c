/* Defining operations: names, room, and what can be told of C functions by their slopes. */
#include "dz/userop.h"

#include "../failing.h"
#include "check/userop.h"
#include "dz/dz.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "handed.h"
#include "suite.h"

#include <math.h>

static dz_tape *t;
static dz_error e;
static void setup(void) { t = dz_tape_new(NULL); }
static void teardown(void) { dz_tape_free(t); }

/* ---- names and room ---- */

START_TEST(names_that_are_none) {
  static const char *const names[] = {"\x01", "\xff", "'a", "a b", "", "1", "a)"};
  for (size_t k = 0; k < COUNT(names); k++) {
    ck_assert_int_eq(dz_op_define(t, names[k], 1, "x", NULL, &e), DZ_ERR_NAME);
    ck_assert_int_eq(e.status, DZ_ERR_NAME);
  }
  static const char *const taken[] = {"x", "y", "w", "z", "e", "pi", "π", "inf", "nan", "d", "σ", "MASK"};
  for (size_t k = 0; k < COUNT(taken); k++) {
    ck_assert_int_eq(dz_op_define(t, taken[k], 1, "x", NULL, &e), DZ_ERR_NAME);
    ck_assert_ptr_nonnull(strstr(e.message, "has a meaning"));
  }
  /* A function's name is found out by a text that nobody wrote: it has no place. */
  ck_assert_int_ne(dz_op_define(t, "sum", 1, "x", NULL, &e), DZ_OK);
  ck_assert(e.line == 0 && e.column == 0 && e.file[0] == '\0');
  char longest[257];
  memset(longest, 'n', 256);
  longest[256] = 0;
  ck_assert_int_eq(dz_op_define(t, longest, 1, "x", NULL, &e), DZ_ERR_NAME);
  longest[255] = 0;
  ck_assert_int_eq(dz_op_define(t, longest, 1, "x", NULL, &e), DZ_OK);
}
END_TEST

START_TEST(a_tape_that_failed_takes_none) {
  ck_assert(!dz_valid(dz_add((dz_var){0}, dz_input(t, 1))));
  ck_assert_int_eq(dz_op_define(t, "f", 1, "x", NULL, &e), DZ_ERR_HANDLE);
  ck_assert_str_eq(e.message, dz_tape_error(t)->message);
}
END_TEST

/* As many as there can be: a list of one operation that often. */
START_TEST(a_tape_has_room_for_so_many) {
  static const dz__userop *many[UINT16_MAX];
  ck_assert_int_eq(dz_op_define(t, "f", 1, "2*x", NULL, &e), DZ_OK);
  dz__tape *s = dz__of(t);
  const dz__userop **own = s->users;
  for (size_t k = 0; k < UINT16_MAX; k++) many[k] = own[0];
  s->users = many, s->nusers = UINT16_MAX;
  ck_assert_int_eq(dz_op_define(t, "g", 1, "x", NULL, &e), DZ_ERR_LIMIT);
  s->users = own, s->nusers = 1;
  ck_assert_double_eq(dz_value(dz_apply(t, "f", 1, (dz_var[]){dz_num(3)})), 6);
}
END_TEST

START_TEST(applying_nothing) {
  ck_assert(!dz_valid(dz_apply(t, NULL, 1, (dz_var[]){dz_num(3)})));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_NAME);
  ck_assert_ptr_nonnull(strstr(dz_tape_error(t)->message, "NULL"));
  ck_assert_ptr_null(dz_program_parse_on(NULL, "1", 1, NULL, NULL));
}
END_TEST

/* Of numbers alone: the first becomes a node, for which there may be no memory. */
START_TEST(applied_to_numbers_without_memory) {
  bool done = false;
  for (size_t k = 1; !done; k++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *own = dz_tape_new(&a);
    ck_assert_int_eq(dz_op_define(own, "f", 2, "x*y", NULL, &e), DZ_OK);
    f.at = f.calls + k;
    dz_var z = dz_apply(own, "f", 2, ((dz_var[]){dz_num(3), dz_num(4)}));
    done = f.failed == 0;
    if (done)
      ck_assert_double_eq(dz_value(z), 12);
    else
      ck_assert(!dz_valid(z) && dz_tape_error(own)->status == DZ_ERR_MEMORY);
    dz_tape_free(own);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

/* Of what is defined the tape's count has the list alone. */
START_TEST(bytes_have_the_list) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *own = dz_tape_new(&a);
  const size_t before = dz_tape_bytes(own);
  ck_assert_uint_eq(before, f.bytes);
  ck_assert_int_eq(dz_op_define(own, "f", 2, "x*y", NULL, &e), DZ_OK);
  ck_assert_uint_ge(dz_tape_bytes(own), before + sizeof(void *));
  ck_assert_uint_lt(dz_tape_bytes(own), f.bytes);
  dz_tape_free(own);
}
END_TEST

/* ---- C functions ---- */

/* sum_k log x_k, or NaN; of vectors and matrices alone. */
typedef struct logs {
  bool nowhere, whole;
  double back;
} logs;

static bool no_scalars(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  *rank = ((const logs *)user)->whole ? 0 : x->rank;
  for (int k = 0; k < *rank; k++) dims[k] = x->dims[k];
  return x->rank > 0;
}
static void logs_value(void *user, const dz_op_array *x, size_t size, double *z) {
  const logs *l = user;
  for (size_t j = 0; j < size; j++) z[j] = 0;
  for (size_t i = 0; i < x->size; i++) z[l->whole ? 0 : i] += l->nowhere ? NAN : log(x->data[i]);
}
static void logs_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                     double *const *ga) {
  const logs *l = user;
  (void)size, (void)z;
  for (size_t i = 0; ga[0] && i < x->size; i++) ga[0][i] += l->back * g[l->whole ? 0 : i] / x->data[i];
}

static dz_status define_logs(logs *l) {
  const dz_op_calls calls = {
      .arity = 1, .shape = no_scalars, .value = logs_value, .vjp = logs_vjp, .user = l};
  return dz_op_define_c(t, "logs", &calls, &e);
}

/* Which is no check at all of a logarithm: every vector of samples has a negative number. */
START_TEST(nowhere_smooth) {
  logs l = {.nowhere = true, .back = 7};
  ck_assert_int_eq(define_logs(&l), DZ_OK);
  ck_assert_uint_eq(dz_note_count(t), 1);
  ck_assert_str_eq(dz_note_at(t, 0)->kind, "unchecked");
  ck_assert_ptr_nonnull(strstr(dz_note_at(t, 0)->message, "smooth at none"));
}
END_TEST

/* z_i = x_i^2 of vectors: the message says one element of several. */
static void squares(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = x->data[i] * x->data[i];
}
static void squares_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                        double *const *ga) {
  (void)z;
  for (size_t i = 0; ga[0] && i < size; i++) ga[0][i] += ((const logs *)user)->back * x->data[i] * g[i];
}

START_TEST(of_vectors_only) {
  logs l = {.back = 3};
  const dz_op_calls calls = {
      .arity = 1, .shape = no_scalars, .value = squares, .vjp = squares_vjp, .user = &l};
  ck_assert_int_eq(dz_op_define_c(t, "squares", &calls, &e), DZ_ERR_ARGUMENT);
  ck_assert_ptr_nonnull(strstr(e.message, "for operand 1: "));
  ck_assert_ptr_nonnull(strstr(e.message, ", ... it gives"));
  const dz_op_calls one = {.arity = 1, .value = squares, .vjp = squares_vjp, .user = &l};
  ck_assert_int_eq(dz_op_define_c(t, "squares", &one, &e), DZ_ERR_ARGUMENT); /* of scalars too */
  ck_assert_ptr_null(strstr(e.message, ", ..."));
  l.back = 2;
  ck_assert_int_eq(dz_op_define_c(t, "squares", &calls, &e), DZ_OK);
}
END_TEST

/* |x| + sqrt(x): where a sample is negative its value is NaN, and the others suffice. */
static void roots(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++)
    z[i] = sqrt(x->data[i]) + (x->data[i] < .7001 ? 0 : floor(x->data[i] * 1e3));
}
static void roots_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                      double *const *ga) {
  (void)z, (void)user;
  for (size_t i = 0; ga[0] && i < size; i++) ga[0][i] += g[i] * .5 / sqrt(x->data[i]);
}

START_TEST(smooth_at_some_of_the_points) {
  const dz_op_calls calls = {.arity = 1, .value = roots, .vjp = roots_vjp};
  ck_assert_int_eq(dz_op_define_c(t, "roots", &calls, &e), DZ_OK);
  ck_assert_uint_eq(dz_note_count(t), 0);
  const dz_op_calls half = {.arity = 1, .value = roots};
  ck_assert_int_eq(dz_op_define_c(t, "half", &half, &e), DZ_ERR_ARGUMENT);
  ck_assert_ptr_nonnull(strstr(e.message, "a value and a vjp are needed"));
}
END_TEST

/* x0 c^2 beside a NaN of another term: the careful sweeps, with an operand that does not move. */
static void times(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = x[0].data[i] * x[1].data[i];
}
static void times_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                      double *const *ga) {
  (void)z, (void)user;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; ga[k] && i < size; i++) ga[k][i] += x[1 - k].data[i] * g[i];
}

START_TEST(beside_a_nan) {
  const dz_op_calls calls = {.arity = 2, .value = times, .vjp = times_vjp};
  ck_assert_int_eq(dz_op_define_c(t, "times", &calls, &e), DZ_OK);
  dz_var x = dz_input(t, 3), y = dz_input(t, -1);
  for (int k = 0; k < 2; k++) {
    dz_var in[] = {k ? dz_num(5) : x, k ? x : dz_num(5)};
    dz_var z = dz_add(dz_apply(t, "times", 2, in), dz_sqrt(y));
    ck_assert_int_eq(dz_backward(z), DZ_OK);
    ck_assert_double_eq(dz_adjoint(x), 5);
    ck_assert(isnan(dz_adjoint(y)));
    double out;
    ck_assert_int_eq(dz_tangent(z, 2, ((dz_var[]){x, y}), ((double[]){1, 0}), &out), DZ_OK);
    ck_assert_double_eq(out, 5);
    ck_assert_int_eq(dz_tangent(z, 2, ((dz_var[]){x, y}), ((double[]){0, 1}), &out), DZ_OK);
    ck_assert(isnan(out));
  }
}
END_TEST

/* A 0 that arrives is no 0 that nothing arrives as, of any element: times an infinite slope it is NaN. */
START_TEST(zeros_through_an_operation) {
  static const double at[] = {0, 0, 0}, weights[] = {1, 0, 0};
  static const size_t three = 3;
  const dz_op_calls calls = {.arity = 1, .value = twice, .vjp = twice_back};
  ck_assert_int_eq(dz_op_define_c(t, "twice", &calls, &e), DZ_OK);
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, at), root = dz_sqrt(u);
  const dz_var w = dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &three, weights);
  ck_assert_int_eq(dz_backward(dz_sum(dz_mul(dz_apply(t, "twice", 1, &root), w), DZ_ALL, false)), DZ_OK);
  const double *g = dz_adjoints(u);
  ck_assert(isinf(g[0]) && isnan(g[1]) && isnan(g[2]));
}
END_TEST

/* The second of a longer row begins with what the first has left behind. */
START_TEST(one_after_another_without_a_jvp) {
  static const double at[] = {1, 2, 3, 4, 5};
  static const size_t two = 2, five = 5;
  const dz_op_calls calls = {.arity = 1, .value = twice, .vjp = twice_back};
  ck_assert_int_eq(dz_op_define_c(t, "twice", &calls, &e), DZ_OK);
  const dz_var x[] = {dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &two, at),
                      dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &five, at)};
  const dz_var first = dz_apply(t, "twice", 1, &x[0]), second = dz_apply(t, "twice", 1, &x[1]);
  const dz_var y = dz_add(dz_sum(first, DZ_ALL, false), dz_sum(second, DZ_ALL, false));
  double along;
  ck_assert_int_eq(dz_tangent(y, 2, x, (double[]){1, 1, 1, 1, 1, 1, 1}, &along), DZ_OK);
  ck_assert_double_eq(along, 14);
}
END_TEST

static bool no_shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  (void)user, (void)x, (void)rank, (void)dims;
  return false;
}

START_TEST(shapes_that_are_refused) {
  ck_assert_int_eq(dz_op_define_c(t, "f", NULL, &e), DZ_ERR_ARGUMENT);
  ck_assert_str_eq(e.message, "f: a value and a vjp are needed");
  static const double at[] = {1, 2, 3, 4, 5, 6};
  static const size_t dims[] = {2, 3};
  const dz_op_calls calls = {.arity = 2, .shape = no_shape, .value = twice, .vjp = twice_back};
  ck_assert_int_eq(dz_op_define_c(t, "none", &calls, &e), DZ_OK);
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, dims, at),
               y = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, dims, at);
  ck_assert(!dz_valid(dz_apply(t, "none", 2, (dz_var[]){x, y})));
  ck_assert_str_eq(dz_tape_error(t)->message, "none does not take operands of shapes [2, 3], [2]");
}
END_TEST

SUITE_BETWEEN(setup, teardown, ONCE(names_that_are_none), ONCE(a_tape_that_failed_takes_none),
              ONCE(a_tape_has_room_for_so_many), ONCE(applying_nothing),
              ONCE(applied_to_numbers_without_memory), ONCE(bytes_have_the_list), ONCE(nowhere_smooth),
              ONCE(of_vectors_only), ONCE(smooth_at_some_of_the_points), ONCE(beside_a_nan),
              ONCE(zeros_through_an_operation), ONCE(one_after_another_without_a_jvp),
              ONCE(shapes_that_are_refused))
