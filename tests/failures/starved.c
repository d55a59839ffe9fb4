/* Every operation, and everything that is done with a graph of it, while memory runs out: of the allocations
   the first fails, then the second, … until none does, once alone and once with all that follow. Each time
   the answer is DZ_ERR_MEMORY or the right one; the same tape, forgiven and rewound, then gives the bits that
   a new one gives; and every block comes back.

   With DZ_LONG each allocation fails in turn, else a few of each. */
#include "dz/cost.h"
#include "dz/dz.h"
#include "dz/emit.h"
#include "dz/explain.h"
#include "dz/jacobian.h"
#include "dz/lang.h"
#include "dz/paths.h"
#include "dz/plan.h"
#include "dz/print.h"
#include "dz/show.h"
#include "dz/trace.h"
#include "dz/why.h"
#include "failing.h"
#include "suite.h"
#include "tape/tape.h"

/* What came out, as a hash. */
typedef struct work {
  dz_tape *t;
  const dz_allocator *a;
  dz_var x[3], y;
  uint64_t bits;
} work;

static void mix(uint64_t *h, const void *data, size_t size) {
  const unsigned char *s = data;
  for (size_t i = 0; i < size; i++) *h = (*h ^ s[i]) * UINT64_C(0x100000001b3);
}

static bool write(void *user, const char *text, size_t size) {
  mix(&((work *)user)->bits, text, size);
  return true;
}

static void mix_values(work *w, dz_var x) {
  if (dz_valid(x) && !dz_is_number(x)) mix(&w->bits, dz_values(x), dz_size(x) * sizeof(double));
}
static void mix_adjoints(work *w) {
  for (int k = 0; k < 3; k++) {
    const double *g = dz_adjoints(w->x[k]);
    if (g) mix(&w->bits, g, dz_size(w->x[k]) * sizeof *g);
  }
}

/* ---- what is done ---- */

typedef dz_status act(work *w);

static dz_status record(work *w) { return mix_values(w, w->y), DZ_OK; }
static dz_status sweep(work *w) {
  const dz_status s = dz_backward(w->y);
  if (!s) mix_adjoints(w);
  return s;
}
static dz_status sweep_more(work *w) {
  dz_status s = dz_backward_with(w->y, 2);
  if (!s) s = dz_backward_add(w->y, -.5);
  if (!s) mix_adjoints(w);
  return s;
}
static dz_status diagnose(work *w) {
  const size_t before = dz_note_count(w->t);
  dz_status s = dz_backward(w->y);
  if (!s) s = dz_diagnose(w->y);
  for (size_t k = before; !s && k < dz_note_count(w->t); k++)
    mix(&w->bits, dz_note_at(w->t, k)->message, strlen(dz_note_at(w->t, k)->message));
  return s;
}
static dz_status forward(work *w) {
  double v[64] = {1, .5, -1, 2, .25}, out = 0;
  const dz_status s = dz_tangent(w->y, 1, w->x, v, &out);
  mix(&w->bits, &out, s ? 0 : sizeof out);
  return s;
}
static dz_status gradient(work *w) {
  dz_var g[3], h[3];
  dz_status s = dz_grad(w->y, 3, w->x, g);
  if (!s) mix_values(w, g[0]);
  if (!s && dz_size(g[0]) == 1) s = dz_grad(g[0], 3, w->x, h);
  if (!s && dz_size(g[0]) == 1) mix_values(w, h[0]);
  return s;
}
static dz_status curvature(work *w) {
  double h[256] = {0};
  const size_t n = dz_size(w->x[0]);
  const dz_status s = dz_hessian(w->y, w->x[0], h);
  if (!s) mix(&w->bits, h, n * n * sizeof *h);
  return s;
}
static dz_status simplify(work *w) {
  const dz_var z = dz_simplify(w->y);
  if (dz_valid(z)) mix_values(w, z);
  return dz_valid(z) ? DZ_OK : dz_tape_error(w->t)->status;
}
static dz_status print(work *w) { return dz_print(w->y, NULL, write, w); }
static dz_status draw(work *w) {
  const dz_dot_options o = {.written = DZ_WRITTEN_BOTH, .partials = true, .shared = true};
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_write_dot(w->y, &o, write, w);
}
static dz_status layout(work *w) { return dz_write_svg(w->y, NULL, write, w); }
static dz_status tell(work *w) {
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_write_trace(w->y, NULL, write, w);
}
static dz_status explain(work *w) {
  const dz_explain_options o = {.format = DZ_EXPLAIN_HTML};
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_explain(w->y, &o, write, w);
}
static dz_status paths(work *w) {
  dz_paths *p = NULL;
  dz_status s = dz_paths_find(w->y, w->x[0], 0, 0, &p);
  if (!s) s = dz_paths_write(p, NULL, write, w);
  dz_paths_free(p);
  return s;
}
static dz_status ask_why(work *w) {
  dz_why_report r;
  const dz_status s = dz_why(w->y, w->x[0], NULL, &r);
  if (!s) mix(&w->bits, r.message, strlen(r.message));
  return s;
}
static dz_status plan(work *w) {
  double in[64], g[64] = {0}, y = 0;
  size_t n = 0;
  dz_error e;
  const dz_plan_options o = {.allocator = w->a, .map = true};
  for (int k = 0; k < 3; k++)
    for (size_t i = 0; i < dz_size(w->x[k]); i++) in[n++] = dz_values(w->x[k])[i];
  dz_plan *p = dz_plan_new(1, &w->y, 3, w->x, &o, &e);
  if (!p) return e.status;
  void *room = malloc(dz_plan_memory(p));
  dz_status s = dz_plan_run(p, in, &y, g, room);
  mix(&w->bits, &y, sizeof y);
  mix(&w->bits, g, n * sizeof *g);
  if (!s) s = dz_emit(p, NULL, write, w);
  free(room);
  dz_plan_free(p);
  return s;
}

static const struct {
  const char *name;
  act *act;
} acts[] = {{"record", record},     {"sweep", sweep},       {"sweep again", sweep_more},
            {"diagnose", diagnose}, {"tangent", forward},   {"gradient", gradient},
            {"hessian", curvature}, {"simplify", simplify}, {"print", print},
            {"dot", draw},          {"svg", layout},        {"trace", tell},
            {"explain", explain},   {"paths", paths},       {"why", ask_why},
            {"plan, emit", plan}};

/* ---- of what ---- */

static const char *const texts[] = {
    "sum(A)",
    "prod(A)",
    "max(A)",
    "min(A)",
    "norm(A)",
    "logsumexp(A)",
    "mean(A)",
    "sum(cumsum(A))",
    "sum(cumprod(A))",
    "sum(A @ B)",
    "sum(A' * 2)",
    "sum(A[0, :])",
    "sum(A[:, 1:])",
    "sum(A[-1] * u)",
    "sum(softmax(A))",
    "sum(A * u)",
    "sum(where(A > 0, A, 0))",
    "mse(A, B)",
    "var(A)",
    "cross_entropy(A, [0, 1])",
    "u @ u",
    "sum(layer_norm(A))",
    "d(sum(A^3), A)[0, 0]",
    "sum(concat(A, B))",
    "sum(reshape(A, [4]))",
};
enum { POINTWISE = DZ__F_POINTWISE_END, TEXTS = COUNT(texts) };

static bool leaves(work *w, int of) {
  static const double numbers[] = {.75, .5, 2, 1.25};
  static const char *const names[] = {"A", "B", "u"};
  const size_t dims[] = {2, 2};
  for (int k = 0; k < 3; k++) {
    w->x[k] = of < POINTWISE ? dz_input(w->t, numbers[k])
                             : dz_leaf_tensor(w->t, DZ_ROLE_INPUT, k < 2 ? 2 : 1, dims, numbers);
    if (!dz_valid(w->x[k]) || dz_set_name(w->x[k], names[k])) return false;
  }
  return true;
}

static dz_status once(work *w, int of, act *f) {
  w->bits = 1;
  w->y = of < POINTWISE
             ? dz_add(dz__record((dz__fn)of, dz__ops[of].arity, w->x, 0, NULL), dz_mul(w->x[0], w->x[1]))
             : dz_expr(w->t, texts[of - POINTWISE]);
  if (!dz_valid(w->y)) return dz_tape_error(w->t)->status;
  const dz_status s = f(w);
  return s ? s : dz_tape_error(w->t)->status;
}

/* The status of a run in which f says what fails; *bits is what came out then, *again what the same tape
   gives afterwards. */
static dz_status starved(int of, act *done, failing *f, uint64_t *bits, uint64_t *again) {
  const dz_allocator a = failing_allocator(f);
  work w = {.t = dz_tape_new(&a), .a = &a};
  if (!w.t) return DZ_ERR_MEMORY;
  dz_status s = DZ_ERR_MEMORY;
  if (leaves(&w, of)) {
    const dz_mark mark = dz_tape_mark(w.t);
    s = once(&w, of, done);
    *bits = w.bits;
    f->at = f->only = 0;
    dz_tape_forgive(w.t);
    ck_assert_int_eq(dz_tape_rewind(w.t, mark), DZ_OK);
    const dz_status t = once(&w, of, done);
    ck_assert(t == s || s == DZ_ERR_MEMORY);
    *again = w.bits;
  }
  dz_tape_free(w.t);
  ck_assert_uint_eq(f->blocks, 0);
  return s;
}

static void starve(int of, size_t which) {
  const char *name = of < POINTWISE ? dz__ops[of].name : texts[of - POINTWISE];
  uint64_t right = 0, bits = 0, again = 0;
  failing plenty = {0};
  const dz_status status = starved(of, acts[which].act, &plenty, &right, &again);
  ck_assert_msg(right == again, "%s, %s: another result the second time", name, acts[which].name);
  const size_t some = EFFORT(2, 1), step = getenv("DZ_LONG") ? 1 : 1 + plenty.calls / 2 / some;
  for (int onwards = 0; onwards < 2; onwards++)
    for (size_t at = 1; at <= plenty.calls / 2 + 1; at += step) {
      failing f = {.at = onwards ? at : 0, .only = onwards ? 0 : at};
      again = right;
      const dz_status s = starved(of, acts[which].act, &f, &bits, &again);
      if (s != DZ_ERR_MEMORY && (s != status || bits != right))
        ck_abort_msg("%s, %s: allocation %zu%s fails: status %d, another result", name, acts[which].name, at,
                     onwards ? " and all later" : "", s);
      if (s == DZ_ERR_MEMORY && f.failed == 0)
        ck_abort_msg("%s, %s: memory was there", name, acts[which].name);
      if (again != right)
        ck_abort_msg("%s, %s: after allocation %zu%s failed, another result", name, acts[which].name, at,
                     onwards ? " and all later" : "");
    }
}

START_TEST(every_operation_survives) {
  for (size_t k = 0; k < COUNT(acts); k++)
    for (int of = _i; of < POINTWISE + (int)TEXTS; of += 8) starve(of, k);
}
END_TEST

SUITE(EACH(every_operation_survives, 8))
