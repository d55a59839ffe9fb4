/* Plans while memory runs out and writers refuse: made in every way, written as C, made native. Of the
   allocations each fails in turn, once alone and once with all that follow; each time the error is that of
   memory and nothing is left behind, and what was not made before works as if nothing had been. */
#include "dz/dz.h"
#include "failing.h"
#include "plan/cache.h"
#include "suite.h"

#include <math.h>
#include <string.h>

/* ---- of what ---- */

enum { MOST = 90 };

typedef struct subject {
  dz_tape *t;
  dz_var y, x[MOST];
  int n;
} subject;

static dz_var input(subject *s, double x) { return s->x[s->n++] = dz_input(s->t, x); }

static void from_text(subject *s, const char *text) {
  static const double numbers[6] = {.5, 2, -1, .25, 1.5, 3};
  const size_t dims[] = {2, 3};
  dz_set_name(s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_INPUT, 2, dims, numbers), "A");
  dz_set_name(s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_INPUT, 1, dims + 1, numbers), "v");
  dz_set_name(s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_DATA, 1, dims + 1, numbers), "w");
  s->y = dz_expr(s->t, text);
}

/* Lanes with numbers of their own, inputs in and out of order, shared ones, a choice, and functions. */
static void loops(subject *s) {
  enum { N = 12 };
  dz_var x[2 * N + 3];
  s->y = dz_num(0);
  for (int k = 0; k < 2 * N + 3; k++) x[k] = input(s, .5 + .1 * (k * 7 % 11));
  for (int l = 0; l < N; l++) {
    const dz_var a = dz_mul(x[3 + l], x[0]), b = dz_mul(x[3 + N + l * 5 % N], x[1]),
                 most = dz_holds(dz_gt(a, b)) ? a : b;
    dz_var z = dz_add(dz_exp(dz_sub(a, most)), dz_exp(dz_sub(b, most)));
    z = dz_add(dz_log(z), dz_add(most, dz_tanh(dz_mul(x[2], .1 * l))));
    z = dz_sub(z, dz_div(dz_fmax(a, b), dz_pow(x[1], 1.5)));
    s->y = dz_add(s->y,
                  dz_mul(z, dz_add(dz_mul(dz_sin(b), dz_cos(b)), dz_where(dz_gt(z, 0), dz_sqrt(x[0]), a))));
  }
}

/* Steps with a state of two, numbers and inputs of their own, and results that are added up, or read behind.
 */
static void steps(subject *s) {
  dz_var a, b, x[6], each[40];
  for (int k = 0; k < 6; k++) x[k] = input(s, .5 + .1 * k);
  a = dz_exp(x[0]), b = dz_sin(dz_mul(x[1], a)), s->y = dz_num(0);
  for (int k = 0; k < 40; k++) {
    const dz_var next = dz_tanh(dz_add(dz_mul(a, x[2]), dz_mul(b, .01 * k)));
    b = dz_add(dz_mul(b, x[3]), dz_sin(dz_sub(next, x[4 + k * 3 % 2])));
    each[k] = a = next;
    s->y = dz_add(s->y, dz_mul(a, b));
  }
  for (int k = 1; k < 40; k++) s->y = dz_add(s->y, dz_fabs(dz_mul(each[k * 7 % 40], dz_exp(each[k - 1]))));
}

static void user_defined(subject *s) {
  ck_assert(!dz_op_define(s->t, "bump", 2, "exp(-x*x)*y", (const char *[]){"-2*x*z", NULL}, NULL));
  ck_assert(!dz_op_define(s->t, "ramp", 1, "x > 0 ? x : 0", (const char *[]){"MASK(x > 0)"}, NULL));
  from_text(
      s,
      "sum(bump(A, v)) + sum(ramp(v)) + sum(ramp(A * w)) + sum(bump(w, 3)) + sum(ramp(w)) + sum(bump(A, 2))");
}

static void twice(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user;
  for (size_t i = 0; i < n; i++) z[i] = 2 * x[0].data[i] + x[1].data[0];
}
static void twice_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                       double *const *to) {
  (void)user, (void)x, (void)z;
  for (size_t i = 0; i < n; i++) {
    if (to[0]) to[0][i] += 2 * g[i];
    if (to[1]) to[1][0] += g[i];
  }
}

static void functions_of_c(subject *s) {
  const dz_op_calls calls = {.arity = 2, .value = twice, .vjp = twice_back};
  ck_assert(!dz_op_define_c(s->t, "twice", &calls, NULL));
  from_text(s, "sum(twice(v, 3)^2) + sum(twice(v*v, A[0, 0]))");
}

static void windows(subject *s) {
  static const double numbers[16] = {1, 2, .5, -1, 3, .25, -2, 1, 0, 4, 1, 2, -3, .5, 1, 2};
  const size_t dims[] = {1, 1, 4, 4}, few[] = {1, 1, 2, 2};
  const dz_var image = s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_INPUT, 4, dims, numbers),
               weights = s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_PARAM, 4, few, numbers);
  s->y = dz_sum(dz_max_pool(dz_conv2d(image, weights, 1, 1), 2, 0), DZ_ALL, false);
}

static const struct {
  void (*make)(subject *s);
  const char *text;
} subjects[] = {
    {loops, NULL},
    {steps, NULL},
    {user_defined, NULL},
    {functions_of_c, NULL},
    {windows, NULL},
    {NULL, "sum(softmax(A) * A) + logsumexp(A) + sum(max(A, 1) * min(A, 1)) + norm(v) + prod(A)"},
    {NULL, "sum(cumsum(A, 0) * cumprod(A, 1)) + sum(A @ A') + sum(relu(A @ v + v[:2])) + norm(v[:0])"},
    {NULL, "sum(d(sum(gather(v, [2, 2, 0])^2), v) * v) + sum(A[:, 1:] * [1, 2]) + sum(concat(v, A[0])^2)"},
    {NULL, "sum(A[:, :0] @ A'[:0]) + sum(v[:0] @ A'[:0]) + max(w - v) + sum(gather(v, [0, 2, 1]) * w)"},
    {NULL, "cross_entropy(tanh(A), [0, 1]) + sum(layer_norm(A, v, v)) + sum(dropout(v, 0.5, 7))"},
};

static subject begin(int which, const dz_allocator *a) {
  subject s = {.t = dz_tape_new(a)};
  if (subjects[which].make)
    subjects[which].make(&s);
  else
    from_text(&s, subjects[which].text);
  ck_assert_msg(dz_valid(s.y), "%s", dz_tape_error(s.t)->message);
  return s;
}

/* Sanitizers make all slower: not each allocation then. */
enum { STRIDE = EFFORT(1, 11) };

/* Where memory lacks: at the k-th allocation, and with `onwards` at all later ones. */
static void lack(failing *f, size_t k, bool onwards) {
  f->calls = f->failed = 0;
  f->at = onwards ? k : 0;
  f->only = onwards ? 0 : k;
}

/* ---- making ---- */

static const dz_plan_options ways[] = {{.values_only = true},
                                       {.unrolled = true},
                                       {.map = true, .threads = 2},
                                       {.quick = true, .tensors = DZ_TENSORS_APART},
                                       {.tensors = DZ_TENSORS_WHOLE},
                                       {.single = true},
                                       {.threads = 1}};

/* Without threads a plan runs all the same. */
static bool may_do_without(const dz_plan_options *o) { return o->threads > 1; }

static void starve_making(const subject *s, dz_plan_options o, bool onwards) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  o.allocator = &a;
  for (size_t k = 1;; k += STRIDE) {
    dz_error e;
    lack(&f, k, onwards);
    dz_plan *p = dz_plan_new(1, &s->y, s->n, s->x, &o, &e);
    const bool done = f.failed == 0;
    if (!p && e.status == DZ_ERR_ARGUMENT) break; /* no plan can do it in this way */
    if (!p) ck_assert_int_eq(e.status, DZ_ERR_MEMORY);
    ck_assert(p ? done || may_do_without(&o) : !done);
    dz_plan_free(p);
    ck_assert_uint_eq(f.blocks, 0);
    if (done) break;
  }
}

START_TEST(plans_are_made) {
  const subject s = begin(_i, NULL);
  for (size_t k = 0; k < COUNT(ways); k++)
    for (int onwards = 0; onwards < 2; onwards++) starve_making(&s, ways[k], onwards);
  dz_tape_free(s.t);
}
END_TEST

/* Arrays grow where they are full: at any of their users, when there is more or less before. */
static void sized(subject *s, int k) {
  enum { LANES = 9 };
  dz_var x[LANES + 4], z, w, more = input(s, .3), held = dz_data(s->t, 4);
  for (int l = 0; l < LANES + 4; l++) x[l] = input(s, .5 + .1 * (l * 7 % 11));
  for (int j = 0; j < k; j++) /* no two alike */
    more = j % 3 ? dz_sub(j % 2 ? dz_sin(more) : dz_exp(more), x[j * j % 11])
                 : dz_div(x[j % 7], dz_add(more, j));
  const size_t three = 3;
  const dz_var v = s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_INPUT, 1, &three, (double[]){1, 2, 3});
  dz_set_name(v, "v"), dz_set_name(x[0], "x"), dz_set_name(held, "c");
  s->y = dz_holds(dz_gt(more, 1000)) ? x[0] : more;
  for (int l = 0; l < LANES; l++) {
    const dz_var a = dz_mul(x[l * 5 % LANES], x[LANES]), b = dz_mul(x[l], x[LANES + 1]);
    w = dz_add(dz_exp(a), dz_exp(b));
    z = dz_sin(dz_add(dz_mul(l % 3 ? a : b, .25 * l), dz_mul(w, x[LANES + 2])));
    s->y = dz_add(s->y, dz_mul(z, dz_add(w, x[LANES + 3])));
  }
  s->y = dz_add(
      s->y,
      dz_expr(s->t,
              "max(v*x) + logsumexp(v)*c + prod(v) + sum(twice(v, c)) + bump(x, c) + sum(v[:0] @ v[:0])"));
  z = dz_mul(x[0], held);
  for (int l = 0; l < 12; l++) {
    z = dz_tanh(dz_mul(z, dz_add(x[1], l == 4 ? x[2] : dz_num(.5))));
    for (int j = 0; j < k / 3; j++) z = j % 3 ? dz_sub(z, x[j % 11]) : dz_mul(z, x[(j + l) % 11]);
  }
  s->y = dz_add(s->y, z);
}

/* Functions of C cannot be written. */
static subject of_size(int k, bool written) {
  const dz_op_calls calls = {.arity = 2, .value = twice, .vjp = twice_back};
  subject s = {.t = dz_tape_new(NULL)};
  ck_assert(!dz_op_define(s.t, "bump", 2, "exp(-x*x)*y", (const char *[]){"-2*x*z", NULL}, NULL));
  ck_assert(!(written ? dz_op_define(s.t, "twice", 2, "2*x + y", NULL, NULL)
                      : dz_op_define_c(s.t, "twice", &calls, NULL)));
  sized(&s, k);
  ck_assert_msg(dz_valid(s.y), "%s", dz_tape_error(s.t)->message);
  return s;
}

START_TEST(plans_of_all_sizes_are_made) {
  const subject s = of_size(_i * EFFORT(1, 5), false);
  for (size_t k = 0; k < 2; k++) starve_making(&s, (dz_plan_options){.map = k}, false);
  dz_tape_free(s.t);
}
END_TEST

/* ---- writing ---- */

typedef struct paper {
  uint64_t hash;
  size_t writes, refuse; /* the refuse-th write, counted from 1; 0: none */
} paper;

static bool note(void *user, const char *text, size_t n) {
  paper *p = user;
  for (size_t i = 0; i < n; i++) p->hash = (p->hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
  return ++p->writes != p->refuse;
}

static dz_plan *plan_of(const subject *s, dz_plan_options o, const dz_allocator *a) {
  o.allocator = a;
  return dz_plan_new(1, &s->y, s->n, s->x, &o, NULL);
}

/* What it is when nothing lacks. */
static paper starve_writing(const dz_plan *p, failing *f, const dz_emit_options *o) {
  paper right = {0};
  lack(f, 0, false);
  ck_assert_int_eq(dz_emit(p, o, note, &right), DZ_OK);
  const size_t calls = f->calls, blocks = f->blocks;
  for (size_t k = 1; k <= calls; k += STRIDE) {
    paper other = {0};
    lack(f, k, false);
    ck_assert_int_eq(dz_emit(p, o, note, &other), DZ_ERR_MEMORY);
    ck_assert_uint_eq(f->blocks, blocks);
  }
  lack(f, 0, false);
  return right;
}

static void hinder_writing(const dz_plan *p, failing *f, const dz_emit_options *o) {
  const paper right = starve_writing(p, f, o);
  const size_t blocks = f->blocks;
  for (size_t k = 1; k <= right.writes; k += STRIDE) {
    paper other = {.refuse = k};
    ck_assert_int_eq(dz_emit(p, o, note, &other), DZ_ERR_WRITE);
    ck_assert_uint_eq(other.writes, k);
    ck_assert_uint_eq(f->blocks, blocks);
  }
  paper again = {0};
  ck_assert_int_eq(dz_emit(p, o, note, &again), DZ_OK);
  ck_assert(again.hash == right.hash);
}

START_TEST(plans_are_written) {
  static const dz_emit_options forms[] = {
      {.name = "f"}, {.test = true}, {.single = true, .test = true, .batch = true}, {.batch = true}};
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  const subject s = begin(_i, NULL);
  for (size_t k = 0; k < COUNT(ways); k++) {
    dz_plan *p = plan_of(&s, ways[k], &a);
    if (p && dz_emit(p, NULL, note, &(paper){0}) != DZ_ERR_ARGUMENT)
      hinder_writing(p, &f, &forms[k % COUNT(forms)]);
    lack(&f, 0, false);
    dz_plan_free(p);
    ck_assert_uint_eq(f.blocks, 0);
  }
  dz_tape_free(s.t);
}
END_TEST

START_TEST(plans_of_all_sizes_are_written) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  const subject s = of_size(_i * EFFORT(2, 10), true);
  dz_plan *p = plan_of(&s, (dz_plan_options){.map = _i % 2}, &a);
  starve_writing(p, &f, NULL);
  dz_plan_free(p);
  dz_tape_free(s.t);
}
END_TEST

/* ---- native code ---- */

/* The first is compiled, the others come from the cache. */
static void starve_native(const subject *s, const dz_plan_options *o) {
  const dz_native_options native = {.cache = cache};
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  for (size_t k = 0;; k += k ? STRIDE : 1) {
    dz_error e;
    dz_plan *p = plan_of(s, *o, &a);
    if (!p) return;
    const size_t blocks = f.blocks;
    lack(&f, k, true);
    const dz_status status = dz_plan_native(p, &native, &e);
    const bool done = k && f.failed == 0, refused = status == DZ_ERR_ARGUMENT;
    if (!refused) ck_assert_int_eq(status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
    ck_assert(dz_plan_is_native(p) == !status && (!status || f.blocks == blocks));
    lack(&f, 0, false);
    if (done) ck_assert_int_eq(dz_plan_native(p, &native, &e), DZ_OK); /* again */
    dz_plan_free(p);
    ck_assert_uint_eq(f.blocks, 0);
    if (done || refused) return;
  }
}

START_TEST(plans_become_native) {
  const subject s = begin(_i, NULL);
  starve_native(&s, &ways[1 + _i % 3]);
  dz_tape_free(s.t);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(plans_are_made, COUNT(subjects)),
              EACH(plans_of_all_sizes_are_made, EFFORT(40, 8)), EACH(plans_are_written, COUNT(subjects)),
              EACH(plans_of_all_sizes_are_written, EFFORT(20, 4)),
              EACH(plans_become_native, EFFORT(COUNT(subjects), 2)))
