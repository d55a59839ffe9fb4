/* Operations that a user defines: in the language and in pictures, their lives, C functions, memory. */
#include "userop.h"

#include "failing.h"

/* ---- the language ---- */

START_TEST(in_the_language) {
  define_damped();
  named(t, "a", 2);
  dz_var y = dz_expr(t, "3*damped(a) + a");
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  expect_bits(dz_value(y), 3 * (2 * exp(-2)) + 2);
  const dz_var a = dz_named(t, "a"), called = dz_apply(t, "damped", 1, &a);
  ck_assert_uint_eq(dz_attributes(dz_expr(t, "damped(a)"), NULL), dz_attributes(called, NULL));
  dz_var twice = dz_expr(t, "d(damped(a)*a, a)");
  ck_assert(fabs(dz_value(twice) - (2 * 2 * exp(-2) - 4 * exp(-2))) <= 8 * DBL_EPSILON);
  sound();
  ck_assert(!dz_valid(dz_expr(t, "damped(a, a)")));
  ck_assert_ptr_nonnull(strstr(dz_tape_error(t)->message, "damped takes 1 argument, came 2"));
  dz_tape_forgive(t);
  ck_assert(!dz_valid(dz_expr(t, "damped = 3")));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_NAME);
  dz_tape_forgive(t);
  expect_bits(dz_value(dz_expr(t, "sum(damped([1, 2]))")), 1 * exp(-1) + 2 * exp(-2));
  expect_bits(dz_value(dz_expr(t, "damped(1)")), 1 * exp(-1));
}
END_TEST

START_TEST(programs) {
  const char text[] = "y = damped(a)";
  ck_assert_ptr_null(dz_program_parse(text, strlen(text), NULL, NULL, &e));
  define("first", 1, "x", NULL);
  define_damped();
  dz_program *p = dz_program_parse_on(t, text, strlen(text), NULL, &e);
  ck_assert_ptr_nonnull(p);
  named(t, "a", 1);
  expect_bits(dz_value(dz_program_record(p, t, 0)), exp(-1.));
  /* On another tape the operation is found by name. */
  dz_tape *other = dz_tape_new(NULL);
  named(other, "a", 1);
  ck_assert(!dz_valid(dz_program_record(p, other, 0)));
  ck_assert_int_eq(dz_tape_error(other)->status, DZ_ERR_NAME);
  dz_tape_forgive(other);
  ck_assert_int_eq(dz_op_define(other, "first", 2, "x - y", NULL, &e), DZ_OK);
  dz_program *q = dz_program_parse_on(t, "first(a)", 8, NULL, &e);
  ck_assert(!dz_valid(dz_program_record(q, other, 0)));
  ck_assert_int_eq(dz_tape_error(other)->status, DZ_ERR_NAME);
  dz_tape_forgive(other);
  dz_program_free(q);
  ck_assert_int_eq(dz_op_define(other, "damped", 1, "5*x", NULL, &e), DZ_OK);
  expect_bits(dz_value(dz_program_record(p, other, 0)), 5);
  dz_tape_free(other);
  dz_program_free(p);
  ck_assert_ptr_null(dz_program_parse_on(NULL, text, 1, NULL, &e));
}
END_TEST

typedef struct text {
  char at[20000];
  size_t n;
} text;

static bool append(void *user, const char *more, size_t size) {
  text *s = user;
  if (s->n + size >= sizeof s->at) return false;
  memcpy(s->at + s->n, more, size);
  s->at[s->n += size] = 0;
  return true;
}

START_TEST(pictures_and_formulas) {
  define_damped();
  dz_var a = named(t, "a", 2), y = dz_mul(dz_apply(t, "damped", 1, &a), a), g;
  text s = {.n = 0};
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_write_dot(y, NULL, append, &s), DZ_OK);
  ck_assert_ptr_nonnull(strstr(s.at, "label=\"damped\""));
  ck_assert_ptr_null(strstr(s.at, "exp"));
  s.n = 0;
  ck_assert_int_eq(dz_print(y, NULL, append, &s), DZ_OK);
  ck_assert_str_eq(s.at, "damped(a)*a");
  ck_assert_int_eq(dz_grad(y, 1, &a, &g), DZ_OK);
  s.n = 0;
  ck_assert_int_eq(dz_print(g, NULL, append, &s), DZ_OK);
  expect_bits(dz_value(dz_expr(t, s.at)), dz_value(g));
}
END_TEST

/* ---- lives ---- */

START_TEST(rewind_and_clear) {
  dz_mark start = dz_tape_mark(t);
  define_damped();
  dz_var x = dz_input(t, 1);
  dz_mark mark = dz_tape_mark(t);
  for (int i = 0; i < 5; i++) {
    dz_var y = dz_apply(t, "damped", 1, &x);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    expect_bits(dz_value(y), exp(-1.));
    ck_assert_int_eq(dz_tape_rewind(t, mark), DZ_OK);
  }
  ck_assert_int_eq(dz_tape_rewind(t, start), DZ_OK);
  ck_assert(dz_valid(dz_apply(t, "damped", 1, (dz_var[]){dz_num(1)})));
  dz_tape_clear(t);
  ck_assert(!dz_valid(dz_apply(t, "damped", 1, (dz_var[]){dz_num(1)})));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_NAME);
  dz_tape_clear(t);
  define_damped();
}
END_TEST

START_TEST(two_tapes) {
  dz_tape *other = dz_tape_new(NULL);
  define("op", 1, "x + 1", NULL);
  ck_assert_int_eq(dz_op_define(other, "op", 1, "x*10", NULL, NULL), DZ_OK);
  dz_var x = dz_input(t, 3), y = dz_input(other, 3);
  expect_bits(dz_value(dz_apply(t, "op", 1, &x)), 4);
  expect_bits(dz_value(dz_apply(other, "op", 1, &y)), 30);
  ck_assert(!dz_valid(dz_apply(t, "op", 1, &y)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_HANDLE);
  dz_tape_free(other);
}
END_TEST

/* ---- C functions ---- */

/* The dot product of two vectors of one length. */
static int freed;
static void on_free(void *user) { ++*(int *)user; }

static bool dot_shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  (void)user, (void)dims;
  *rank = 0;
  return x[0].rank == 1 && x[1].rank == 1 && x[0].size == x[1].size;
}

static void dot_value(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user, (void)size;
  *z = 0;
  for (size_t i = 0; i < x[0].size; i++) *z += x[0].data[i] * x[1].data[i];
}

static void dot_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                    double *const *ga) {
  (void)user, (void)size, (void)z;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; ga[k] && i < x[k].size; i++) ga[k][i] += *g * x[1 - k].data[i];
}

static void dot_jvp(void *user, const dz_op_array *x, size_t size, const double *z, const double *const *d,
                    double *out) {
  (void)user, (void)size, (void)z;
  *out = 0;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; d[k] && i < x[k].size; i++) *out += d[k][i] * x[1 - k].data[i];
}

static const dz_op_calls dot = {2, dot_shape, dot_value, dot_vjp, NULL, &freed, on_free};

START_TEST(c_functions) {
  freed = 0;
  ck_assert_int_eq(dz_op_define_c(t, "inner", &dot, &e), DZ_OK);
  dz_op_calls with_jvp = dot;
  with_jvp.jvp = dot_jvp;
  ck_assert_int_eq(dz_op_define_c(t, "inner2", &with_jvp, &e), DZ_OK);
  double a[] = {1, 2, 3}, b[] = {4, 5, 6}, v[] = {1, 0, 2};
  for (int i = 0; i < 2; i++) {
    const char *name = i ? "inner2" : "inner";
    dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, a);
    dz_var y = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, (size_t[]){3}, b), g;
    dz_var z = dz_mul(dz_apply(t, name, 2, (dz_var[]){x, y}), 2);
    double along;
    expect_bits(dz_value(z), 64);
    ck_assert_int_eq(dz_backward(z), DZ_OK);
    for (int k = 0; k < 3; k++) expect_bits(dz_adjoints(x)[k], 2 * b[k]);
    ck_assert_int_eq(dz_tangent(z, 1, &x, v, &along), DZ_OK);
    expect_bits(along, 2 * (4 + 12));
    z = dz_apply(t, name, 2, (dz_var[]){x, x});
    ck_assert_int_eq(dz_backward(z), DZ_OK);
    for (int k = 0; k < 3; k++) expect_bits(dz_adjoints(x)[k], 2 * a[k]);
    ck_assert_int_eq(dz_grad(z, 1, &x, &g), DZ_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(
        strstr(dz_tape_error(t)->message, "has no derivative graph: give its partials as text"));
    dz_tape_forgive(t);
    dz_pattern *p;
    ck_assert_int_eq(dz_jacobian_pattern(1, &z, 1, &x, 0, NULL, &p), DZ_OK);
    ck_assert_uint_eq(p->starts[1], 3);
    dz_pattern_free(p);
    ck_assert(!dz_valid(dz_apply(t, name, 2, (dz_var[]){x, dz_num(1)})));
    ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(dz_tape_error(t)->message, "shapes [3], []"));
    dz_tape_forgive(t);
  }
  expect_bits(dz_value(dz_expr(t, "inner([1, 2], [3, 4])")), 11);
  dz_tape_clear(t);
  ck_assert_int_eq(freed, 2);
  ck_assert_int_eq(dz_op_define_c(t, "sin", &dot, &e), DZ_ERR_NAME);
  ck_assert_int_eq(dz_op_define_c(t, "inner", NULL, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_op_define_c(t, "inner", &(dz_op_calls){.arity = 1}, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_op_define_c(t, "inner", &(dz_op_calls){.arity = 9}, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(freed, 2);
}
END_TEST

/* Both are off by a relative error, and refused where they are defined. */
static double off;
static void off_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                    double *const *ga) {
  double own[9] = {0}, *one[2] = {NULL, ga[1] ? own : NULL};
  dot_vjp(user, x, size, z, g, one);
  for (size_t i = 0; ga[1] && i < x[1].size; i++) ga[1][i] += own[i] * (1 + off);
  dot_vjp(user, x, size, z, g, (double *[]){ga[0], NULL});
}

static void off_jvp(void *user, const dz_op_array *x, size_t size, const double *z, const double *const *d,
                    double *out) {
  dot_jvp(user, x, size, z, d, out);
  *out *= 1 + off;
}

static bool no_shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  (void)user, (void)x, (void)rank, (void)dims;
  return false;
}

/* ---- shapes that are none ---- */

static int given_rank;
static size_t given_extent;
static bool given_shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  (void)user, (void)x;
  *rank = given_rank;
  for (int k = 0; k < *rank && k < DZ_MAX_RANK; k++) dims[k] = given_extent;
  return true;
}
static void twice(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size && i < x->size; i++) z[i] = 2 * x->data[i];
}
static void twice_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                       double *const *ga) {
  (void)user, (void)z;
  for (size_t i = 0; i < size && i < x->size; i++) ga[0][i] += 2 * g[i];
}
static void twice_forth(void *user, const dz_op_array *x, size_t size, const double *z,
                        const double *const *d, double *out) {
  (void)user, (void)x, (void)z;
  for (size_t i = 0; i < size; i++) out[i] = 2 * d[0][i];
}

/* Nothing is checked then, and the first use is told. */
START_TEST(shapes_that_cannot_be) {
  static const struct {
    int rank;
    size_t extent;
    dz_status status;
  } shapes[] = {{9, 1, DZ_ERR_SHAPE}, {-1, 1, DZ_ERR_SHAPE}, {2, SIZE_MAX / 4, DZ_ERR_SHAPE},
                {8, 1, DZ_OK},        {1, 1 << 20, DZ_OK},   {3, 200, DZ_OK},
                {1, 0, DZ_OK}};
  const dz_op_calls calls = {.arity = 1, .shape = given_shape, .value = twice, .vjp = twice_back};
  for (size_t k = 0; k < COUNT(shapes); k++) {
    char name[16];
    given_rank = shapes[k].rank, given_extent = shapes[k].extent;
    snprintf(name, sizeof name, "given%zu", k);
    const size_t notes = dz_note_count(t);
    ck_assert_int_eq(dz_op_define_c(t, name, &calls, &e), DZ_OK);
    const bool fits = shapes[k].rank == 8; /* the most, and of one element: checked */
    ck_assert_uint_eq(dz_note_count(t), notes + !fits);
    if (!fits) ck_assert_str_eq(dz_note_at(t, notes)->kind, "unchecked");
    const dz_var x = dz_input(t, 1), z = dz_apply(t, name, 1, &x);
    ck_assert_int_eq(dz_tape_error(t)->status, shapes[k].status);
    ck_assert(dz_valid(z) == (shapes[k].status == DZ_OK));
    dz_tape_forgive(t);
  }
}
END_TEST

/* sqrt(0) has an infinite slope. Nothing is selected there, and nothing moves there: backward the operation
   passes the 0 on as a number, so 0 * inf is none; forward it is not reached, and carries nothing. */
START_TEST(zeros_through_c_functions) {
  for (int forth = 0; forth < 2; forth++) {
    const dz_op_calls calls = {
        .arity = 1, .value = twice, .vjp = twice_back, .jvp = forth ? twice_forth : NULL};
    ck_assert_int_eq(dz_op_define_c(t, forth ? "twice_forth" : "twice", &calls, &e), DZ_OK);
    const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, (double[]){0, .25});
    const dz_var mask = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, (size_t[]){2}, (double[]){0, 1});
    const dz_var root = dz_sqrt(x), z = dz_apply(t, forth ? "twice_forth" : "twice", 1, &root);
    const dz_var y = dz_sum(dz_where(mask, z, 0), DZ_ALL, false);
    double along;
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    ck_assert(isnan(dz_adjoints(x)[0]));
    expect_bits(dz_adjoints(x)[1], 2);
    ck_assert_int_eq(dz_tangent(y, 1, &x, (double[]){0, 1}, &along), DZ_OK);
    expect_bits(along, 2);
    ck_assert_int_eq(dz_tangent(y, 1, &x, (double[]){0, 0}, &along), DZ_OK);
    expect_bits(along, 0);
    double both[2]; /* what does not move is 0, whatever moved before */
    ck_assert_int_eq(dz_tangent(z, 1, &x, (double[]){1, 1}, both), DZ_OK);
    ck_assert_int_eq(dz_tangent(z, 1, &x, (double[]){0, 0}, both), DZ_OK);
    ck_assert(both[0] == 0 && both[1] == 0);
  }
}
END_TEST

START_TEST(wrong_c_functions_are_refused) {
  dz_op_calls backward = dot, forward = dot, neither = dot;
  freed = 0;
  backward.vjp = off_vjp;
  forward.jvp = off_jvp;
  neither.shape = no_shape;
  for (off = -2; fabs(off) > 1e-7; off *= -.1) {
    ck_assert_int_eq(dz_op_define_c(t, "inner", &backward, &e), DZ_ERR_ARGUMENT);
    ck_assert_msg(strstr(e.message, "its vjp is wrong for operand 2"), "%s", e.message);
    ck_assert_int_eq(dz_op_define_c(t, "inner", &forward, &e), DZ_ERR_ARGUMENT);
    ck_assert_msg(strstr(e.message, "its jvp is wrong for operand 1"), "%s", e.message);
  }
  ck_assert_int_eq(freed, 0);
  off = 0;
  ck_assert_int_eq(dz_op_define_c(t, "inner", &backward, &e), DZ_OK);
  ck_assert_int_eq(dz_op_define_c(t, "inner2", &forward, &e), DZ_OK);
  ck_assert_uint_eq(dz_note_count(t), 0);
  ck_assert_int_eq(dz_op_define_c(t, "none", &neither, &e), DZ_OK);
  ck_assert_uint_eq(dz_note_count(t), 1);
  ck_assert_str_eq(dz_note_at(t, 0)->kind, "unchecked");
}
END_TEST

/* ---- memory ---- */

static dz_status whole_story(const dz_allocator *a) {
  dz_tape *own = dz_tape_new(a);
  if (!own) return DZ_ERR_MEMORY;
  dz_error failed = {.status = DZ_OK};
  dz_status status =
      dz_op_define(own, "damped", 1, "x*exp(-x)", (const char *[]){"exp(-x)*(1 - x)"}, &failed);
  if (!status) status = dz_op_define(own, "pair", 2, "damped(x)*y", NULL, &failed);
  if (!status) status = dz_op_define_c(own, "inner", &dot, &failed);
  ck_assert_int_eq(failed.status, status);
  if (!status) {
    dz_var x = dz_input(own, 1), g;
    dz_var y = dz_apply(own, "pair", 2, (dz_var[]){x, dz_apply(own, "damped", 1, &x)});
    if (!dz_tape_error(own)->status) status = dz_grad(y, 1, &x, &g);
    if (!status && !dz_tape_error(own)->status) status = dz_backward(g);
    if (!status) status = dz_tape_error(own)->status;
    if (!status) ck_assert(dz_value(g) == dz_value(g));
  }
  dz_tape_free(own);
  return status;
}

START_TEST(memory_runs_out) {
  dz_status status = DZ_ERR_MEMORY;
  size_t at = 0;
  while (status) {
    failing f = {.at = ++at};
    dz_allocator a = failing_allocator(&f);
    status = whole_story(&a);
    if (status && status != DZ_ERR_MEMORY) ck_abort_msg("at %zu: %s", at, dz_status_text(status));
    ck_assert_uint_eq(f.blocks, 0);
    ck_assert_uint_eq(f.bytes, 0);
    if (!status) ck_assert_uint_eq(f.failed, 0);
  }
  ck_assert_uint_gt(at, 50);
}
END_TEST

/* Twice its operand; counts the ways back. */
static int ways_back;
static void counted(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                    double *const *ga) {
  (void)user, (void)x, (void)z;
  ways_back++;
  for (size_t i = 0; i < size; i++) ga[0][i] += 2 * g[i];
}

/* What is beside the output, or stopped on its way, is not swept, whichever sweep came before. */
START_TEST(only_what_is_reached_is_swept) {
  const dz_op_calls calls = {.arity = 1, .value = twice, .vjp = counted};
  ck_assert_int_eq(dz_op_define_c(t, "counted", &calls, &e), DZ_OK);
  const size_t two = 2;
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &two, (double[]){1, 2});
  const dz_var beside = dz_apply(t, "counted", 1, &x), stopped = dz_stop(beside),
               through = dz_mul(x, stopped);
  const dz_var seed = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &two, (double[]){3, 5});
  for (int turn = 0; turn < 2; turn++) {
    ways_back = 0;
    ck_assert_int_eq(dz_backward(dz_sum(through, DZ_ALL, false)), DZ_OK);
    ck_assert_int_eq(ways_back, 0);
    expect_bits(dz_adjoints(x)[1], 4);
    expect_bits(dz_adjoints(beside)[1], 0);
    ck_assert_int_eq(dz_backward_with(through, seed), DZ_OK);
    ck_assert_int_eq(ways_back, 0);
    expect_bits(dz_adjoints(x)[1], 20);
    ck_assert_int_eq(dz_backward_with(beside, seed), DZ_OK);
    ck_assert_int_eq(ways_back, 1);
    expect_bits(dz_adjoints(x)[0], 6);
    expect_bits(dz_adjoints(x)[1], 10);
  }
}
END_TEST

SUITE_BETWEEN(setup, teardown, ONCE(in_the_language), ONCE(programs), ONCE(pictures_and_formulas),
              ONCE(rewind_and_clear), ONCE(two_tapes), ONCE(c_functions), ONCE(shapes_that_cannot_be),
              ONCE(zeros_through_c_functions), ONCE(only_what_is_reached_is_swept),
              ONCE(wrong_c_functions_are_refused), ONCE(memory_runs_out))
