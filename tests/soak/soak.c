/* Mixed work for as long as is asked, in memory that is to stay flat.

       soak SECONDS

   Turn after turn: one long-lived tape is recorded, swept and rewound; one long-lived plan is run; new tapes,
   programs, plans, derivative graphs, pictures, checks and optimisers come and go, wrong programs among them.
   Turns differ in their numbers and go through the same sizes every PERIOD turns, so that after the first
   period nothing is larger than before. Every minute, and at the end, a line: seconds, turns, bytes held
   through the allocator, resident KiB.

   The status is 1 when bytes are held between turns that were not before, or when the resident memory of the
   second half exceeds that of the first by more than SLACK. */
#include "dz/check.h"
#include "dz/dz.h"
#include "dz/emit.h"
#include "dz/explain.h"
#include "dz/learn.h"
#include "dz/paths.h"
#include "dz/plan.h"
#include "dz/print.h"
#include "dz/show.h"
#include "dz/trace.h"
#include "failing.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD = 64, SLACK = 1024 /* KiB: what malloc itself keeps at hand */, WEIGHTS = 12 };

static const char *const texts[] = {
    "1/(1+exp(-(w*x+b)))",
    "sum(softmax([x, w, b])^2)",
    "x^2*w + w/(b+x)",
    "f(u) = tanh(u*w+b); sum(f([x, 2*x, 3*x]))",
    "sum([[x,w],[b,1]] @ [[1,2],[3,x]])",
    "where(x > w, log(x*x+1), sqrt(b*b+1))",
    "norm([x,w,b]) + logsumexp([x,w,b]) + prod([x,w,b])",
    "d(sin(x*w)^3, x) + b",
    "cross_entropy([[x,w,b]], [1])",
    "x +* w",
    "sgmoid(x)",
    "[1,2,3] @ [[x,w]]",
};

typedef struct soak {
  failing memory;
  dz_allocator a;
  dz_tape *tape;
  dz_mark start;
  dz_var w[WEIGHTS];
  dz_plan *plan;
  void *room;
  dz_optimiser *optimiser;
  uint64_t turn;
  double sum; /* of everything computed: so that nothing is left out */
} soak;

static bool count(void *user, const char *text, size_t size) {
  (void)text;
  *(double *)user += (double)size;
  return true;
}

static double number(const soak *s, uint64_t k) {
  return .125 + (double)((s->turn * 2654435761u + k * 40503u) % 1024) / 512;
}

/* ---- what lives long ---- */

static dz_var loss(const soak *s, dz_tape *t, const dz_var *w, int samples) {
  dz_var y = dz_num(0);
  (void)t;
  for (int i = 0; i < samples; i++) {
    dz_var z = dz_num(0);
    for (int j = 0; j < WEIGHTS; j++) z = dz_add(z, dz_mul(w[j], number(s, (uint64_t)(i * WEIGHTS + j))));
    y = dz_add(y, dz_log1p(dz_exp(dz_neg(z))));
  }
  return y;
}

static void begin(soak *s) {
  const dz_optimiser_options how = {
      .method = "adam", .rate = 1e-3, .momentum = .9, .decay = .999, .epsilon = 1e-8, .clip = INFINITY};
  s->a = failing_allocator(&s->memory);
  s->tape = dz_tape_new(&s->a);
  for (int j = 0; j < WEIGHTS; j++) s->w[j] = dz_param(s->tape, .1 * j);
  s->start = dz_tape_mark(s->tape);
  dz_var y = loss(s, s->tape, s->w, 40);
  s->plan = dz_plan_new(1, &y, WEIGHTS, s->w, &(dz_plan_options){.allocator = &s->a, .map = true}, NULL);
  s->room = malloc(dz_plan_memory(s->plan));
  s->optimiser = dz_optimiser_new(&how, WEIGHTS, &s->a, NULL);
  ck_assert(s->plan && s->room && s->optimiser);
}

static void end(soak *s) {
  dz_optimiser_free(s->optimiser);
  free(s->room);
  dz_plan_free(s->plan);
  dz_tape_free(s->tape);
  if (s->memory.blocks != 0) ck_abort_msg("%zu blocks are left", s->memory.blocks);
}

/* A training step: rewound, recorded, swept, applied. Every eighth is larger. */
static void train(soak *s) {
  ck_assert(dz_tape_rewind(s->tape, s->start) == DZ_OK);
  dz_var y = loss(s, s->tape, s->w, s->turn % 8 ? 50 : 2000);
  ck_assert(dz_backward(y) == DZ_OK);
  ck_assert(dz_optimiser_apply(s->optimiser, dz_value(y), WEIGHTS, s->w) == DZ_OK);
  s->sum += dz_value(y);
}

static void run(soak *s) {
  double in[WEIGHTS], g[WEIGHTS], y;
  for (int j = 0; j < WEIGHTS; j++) in[j] = number(s, (uint64_t)j);
  ck_assert(dz_plan_run(s->plan, in, &y, g, s->room) == DZ_OK);
  s->sum += y + g[0];
}

/* ---- what comes and goes ---- */

static void draw(soak *s, dz_var y, dz_var x) {
  const dz_dot_options look = {.partials = true, .shared = true, .written = DZ_WRITTEN_BOTH};
  const dz_explain_options page = {.format = DZ_EXPLAIN_HTML};
  dz_paths *p = NULL;
  dz_write_dot(y, &look, count, &s->sum);
  dz_write_svg(y, &look, count, &s->sum);
  dz_write_trace(y, NULL, count, &s->sum);
  dz_explain(y, &page, count, &s->sum);
  dz_print(y, NULL, count, &s->sum);
  if (dz_paths_find(y, x, 0, 0, &p) == DZ_OK) dz_paths_write(p, NULL, count, &s->sum);
  dz_paths_free(p);
}

static void derive(soak *s, dz_var y, const dz_var *x) {
  dz_var g[3], h[3];
  if (dz_grad(y, 3, x, g) != DZ_OK || dz_grad(g[0], 3, x, h) != DZ_OK) return;
  s->sum += dz_valid(dz_simplify(h[0]));
  dz_plan *p = dz_plan_new(3, g, 3, x, &(dz_plan_options){.allocator = &s->a}, NULL);
  if (!p) return;
  double in[3] = {number(s, 1), number(s, 2), number(s, 3)}, out[3], slopes[9];
  void *room = malloc(dz_plan_memory(p));
  ck_assert(room && dz_plan_run(p, in, out, slopes, room) == DZ_OK);
  dz_emit(p, NULL, count, &s->sum);
  free(room);
  dz_plan_free(p);
}

static void text(soak *s) {
  const char *said = texts[s->turn % (sizeof texts / sizeof *texts)];
  dz_error e;
  dz_program *p = dz_program_parse(said, strlen(said), "soak", &s->a, &e);
  dz_tape *t = dz_tape_new(&s->a);
  const dz_var x[] = {dz_input(t, number(s, 1)), dz_param(t, number(s, 2)), dz_param(t, number(s, 3))};
  static const char *const names[] = {"x", "w", "b"};
  for (int k = 0; k < 3; k++) dz_set_name(x[k], names[k]);
  const dz_var y = p ? dz_program_record(p, t, s->turn) : dz_expr(t, said);
  if (dz_valid(y) && dz_backward(y) == DZ_OK) {
    s->sum += dz_adjoint(x[0]);
    dz_diagnose(y);
    draw(s, y, x[0]);
    derive(s, y, x);
  }
  dz_tape_free(t);
  dz_program_free(p);
}

/* ---- what it holds ---- */

static size_t resident(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  size_t pages = 0;
  if (!f || fscanf(f, "%*s %zu", &pages) != 1) ck_abort_msg("no /proc/self/statm here");
  fclose(f);
  return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct flat {
  double begun, told;
  size_t held, first, second; /* bytes held behind each period; the most that was resident in each half */
} flat;

static void tell(const soak *s, const flat *f) {
  printf("%6.0f s %10llu turns %10zu bytes held %8zu KiB resident\n", now() - f->begun,
         (unsigned long long)s->turn, s->memory.bytes, resident());
  fflush(stdout);
}

/* Behind a period. The first fills what is kept for reuse. */
static void watch(const soak *s, flat *f, double seconds) {
  const size_t kib = resident();
  size_t *most = f->first == 0 || now() - f->begun < seconds / 2 ? &f->first : &f->second;
  if (s->turn == PERIOD) f->held = s->memory.bytes;
  if (s->memory.bytes != f->held) ck_abort_msg("%zu bytes are held, not %zu", s->memory.bytes, f->held);
  if (kib > *most) *most = kib;
  if (now() - f->told >= 60) {
    tell(s, f);
    f->told = now();
  }
}

int main(int argc, char **argv) {
  static soak s;
  const double seconds = argc > 1 ? atof(argv[1]) : 2;
  flat f = {.begun = now(), .told = now()};
  begin(&s);
  do {
    train(&s);
    run(&s);
    text(&s);
    if (++s.turn % PERIOD == 0) watch(&s, &f, seconds);
  } while (now() - f.begun < seconds || s.turn < 4 * PERIOD);
  tell(&s, &f);
  end(&s);
  if (f.second > f.first + SLACK) ck_abort_msg("resident memory grew from %zu to %zu KiB", f.first, f.second);
  return isnan(s.sum);
}
