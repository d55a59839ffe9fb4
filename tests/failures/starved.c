/* Every operation, and everything that is done with a graph of it, while memory runs out: of the allocations
   the first fails, then the second, … until none does, once alone and once with all that follow. Each time
   the answer is DZ_ERR_MEMORY or the right one; the same tape, forgiven and rewound, then gives the bits that
   a new one gives; and every block comes back.

   With DZ_LONG each allocation fails in turn, else a few of each. */
#include "../lang/case.h"
#include "acts.h"
#include "tape/tape.h"

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
  w->n = 3;
  for (int k = 0; k < 3; k++) {
    w->x[k] = of < POINTWISE ? dz_input(w->t, numbers[k])
                             : dz_leaf_tensor(w->t, DZ_ROLE_INPUT, k < 2 ? 2 : 1, dims, numbers);
    if (!dz_valid(w->x[k]) || dz_set_name(w->x[k], names[k])) return false;
  }
  return true;
}

static dz_status once(work *w, int of, act *f) {
  w->bits = 1;
  w->lost = false;
  w->y = of < POINTWISE
             ? dz_add(dz__record((dz__fn)of, dz__ops[of].arity, w->x, 0, NULL), dz_mul(w->x[0], w->x[1]))
             : dz_expr(w->t, texts[of - POINTWISE]);
  if (!dz_valid(w->y)) return dz_tape_error(w->t)->status;
  const dz_status s = f(w);
  return s ? s : w->lost ? DZ_ERR_MEMORY : dz_tape_error(w->t)->status;
}

/* The status of a run in which f says what fails; *bits is what came out then, *again what the same tape
   gives afterwards. */
static dz_status starved(int of, act *done, bool floats, failing *f, uint64_t *bits, uint64_t *again) {
  const dz_allocator a = failing_allocator(f);
  work w = {.t = floats ? dz_tape_new_single(&a) : dz_tape_new(&a), .a = &a};
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

static void starve(int of, size_t which, bool floats) {
  const char *name = of < POINTWISE ? dz__ops[of].name : texts[of - POINTWISE];
  uint64_t right = 0, bits = 0, again = 0;
  failing plenty = {0};
  const dz_status status = starved(of, acts[which].act, floats, &plenty, &right, &again);
  ck_assert_msg(right == again, "%s, %s: another result the second time", name, acts[which].name);
  const size_t some = EFFORT(2, 1), step = getenv("DZ_LONG") ? 1 : 1 + plenty.calls / 2 / some;
  for (int onwards = 0; onwards < 2; onwards++)
    for (size_t at = 1; at <= plenty.calls / 2 + 1; at += step) {
      failing f = {.at = onwards ? at : 0, .only = onwards ? 0 : at};
      again = right;
      const dz_status s = starved(of, acts[which].act, floats, &f, &bits, &again);
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
    for (int of = _i % 8; of < POINTWISE + (int)TEXTS; of += 8) starve(of, k, _i >= 8);
}
END_TEST

/* ---- programs: of what is done, and of nothing before it ---- */

/* A tape on which a case stands, and what fails from now on. */
typedef struct stage {
  failing f;
  dz_allocator a;
  work w;
  dz_mark mark;
} stage;

static dz_status parse_and_record(stage *s, const test_case *c) {
  size_t size;
  const char *text = case_text(c, &size);
  dz_error e = {DZ_OK, 0, 0, "", "", ""};
  dz_program *p = dz_program_parse(text, size, "<case>", &s->a, &e);
  s->w.y = p ? dz_program_record(p, s->w.t, 7) : (dz_var){0};
  if (p) e = *dz_tape_error(s->w.t);
  dz_program_free(p);
  mix(&s->w.bits, e.message, strlen(e.message));
  mix_values(&s->w, s->w.y);
  return e.status;
}

/* False when the case is none for this act. */
static bool set_the_stage(stage *s, const test_case *c, act *f) {
  *s = (stage){.f = {0}};
  s->a = failing_allocator(&s->f);
  s->w = (work){.t = dz_tape_new(&s->a), .a = &s->a, .bits = 1};
  s->w.text = case_text(c, &s->w.size);
  ck_assert_int_eq(bind_names(c, s->w.t), DZ_OK);
  s->mark = dz_tape_mark(s->w.t);
  if (!f) return true;
  if (parse_and_record(s, c) || dz_size(s->w.y) > MOST_ELEMENTS) return false;
  s->mark = dz_tape_mark(s->w.t);
  for (size_t i = 0; i < dz_tape_size(s->w.t) && s->w.n < MOST_LEAVES; i++) {
    const dz_var x = dz_node_at(s->w.t, i);
    if (!dz_is_active(x) || dz_role_of(x) > DZ_ROLE_PARAM) continue;
    if (dz_size(x) > MOST_ELEMENTS) return false;
    s->w.x[s->w.n++] = x;
  }
  return s->w.n > 0;
}

static void clear_the_stage(stage *s) {
  dz_tape_free(s->w.t);
  ck_assert(s->f.blocks == 0 && s->f.bytes == 0);
}

static dz_status perform(stage *s, const test_case *c, act *f) {
  s->w.bits = 1;
  s->w.writes = 0;
  if (!f) return parse_and_record(s, c);
  const dz_status status = f(&s->w);
  return status ? status : dz_tape_error(s->w.t)->status;
}

typedef struct outcome {
  dz_status status;
  uint64_t bits;
  size_t calls, writes;
} outcome;

static void expect_again(stage *s, const test_case *c, act *f, const outcome *right, const char *what) {
  s->f.only = s->f.at = s->w.refuse = 0;
  dz_tape_forgive(s->w.t);
  ck_assert_int_eq(dz_tape_rewind(s->w.t, s->mark), DZ_OK);
  const dz_status status = perform(s, c, f);
  if (status != right->status || s->w.bits != right->bits)
    ck_abort_msg("%s:%d: %s, %s: status %d and another result afterwards", c->file, c->line, c->title, what,
                 status);
}

/* Allocation k fails, and with `onwards` all later ones. */
static void lack(const test_case *c, act *f, const outcome *right, size_t k, bool onwards, const char *what) {
  stage s;
  set_the_stage(&s, c, f);
  s.f.calls = 0;
  *(onwards ? &s.f.at : &s.f.only) = k;
  const dz_status status = perform(&s, c, f);
  if (status == DZ_ERR_MEMORY ? s.f.failed == 0 : status != right->status || s.w.bits != right->bits)
    ck_abort_msg("%s:%d: %s, %s: allocation %zu%s fails: status %d", c->file, c->line, c->title, what, k,
                 onwards ? " and all later" : "", status);
  expect_again(&s, c, f, right, what);
  clear_the_stage(&s);
}

/* Write k is refused. */
static void refuse(const test_case *c, act *f, const outcome *right, size_t k, const char *what) {
  stage s;
  set_the_stage(&s, c, f);
  s.w.refuse = k;
  const dz_status status = perform(&s, c, f);
  if (status != DZ_ERR_WRITE)
    ck_abort_msg("%s:%d: %s, %s: write %zu refused: status %d", c->file, c->line, c->title, what, k, status);
  expect_again(&s, c, f, right, what);
  clear_the_stage(&s);
}

/* Every how many allocations one fails; which they are changes from case to case. */
static size_t stride(size_t n, size_t most) { return 1 + n / (getenv("DZ_LONG") ? 16 * most : most); }

static void hinder(const test_case *c, act *f, const char *what, size_t most) {
  stage s;
  const bool one = set_the_stage(&s, c, f);
  if (one) {
    s.f.calls = 0;
    outcome right = {.status = perform(&s, c, f)};
    right.bits = s.w.bits, right.calls = s.f.calls, right.writes = s.w.writes;
    expect_again(&s, c, f, &right, what);
    size_t step = stride(right.calls, most);
    for (size_t k = 1 + (size_t)c->line % step; k <= right.calls; k += step) {
      lack(c, f, &right, k, false, what);
      lack(c, f, &right, k, true, what);
    }
    step = stride(right.writes, most);
    for (size_t k = 1 + (size_t)c->line % step; k <= right.writes; k += step) refuse(c, f, &right, k, what);
  }
  clear_the_stage(&s);
}

static void hinder_program(const test_case *c) { hinder(c, NULL, "parse and record", EFFORT(16, 2)); }

/* One act in turn for each case. */
static void hinder_act(const test_case *c) {
  static size_t turn;
  const bool all = getenv("DZ_LONG");
  for (size_t k = 0; k < (all ? COUNT(acts) : 1); k++, turn++) {
    const size_t which = turn % COUNT(acts);
    hinder(c, acts[which].act, acts[which].name, EFFORT(12, 1));
  }
}

/* Formulas are rewritten in a store of terms, in which every step may be the one that finds no room. */
static void hinder_simplify(const test_case *c) {
  hinder(c, simplify_slope, "simplify the gradient", EFFORT(24, 1));
}

START_TEST(every_program_survives) { each_case(case_files[_i].file, hinder_program); }
END_TEST

START_TEST(every_act_survives) { each_case(case_files[_i].file, hinder_act); }
END_TEST

START_TEST(every_formula_survives) { each_case(case_files[_i].file, hinder_simplify); }
END_TEST

SUITE(EACH(every_operation_survives, 16), EACH(every_formula_survives, COUNT(case_files)),
      EACH(every_program_survives, COUNT(case_files)), EACH(every_act_survives, COUNT(case_files)))
