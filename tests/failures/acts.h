/* What can be done with a graph, each as one function that says its status and adds what came out to a hash:
   for tests in which something fails while it is done, and which then compare. */
#ifndef DZ_TESTS_ACTS_H
#define DZ_TESTS_ACTS_H

#include "dz/check.h"
#include "dz/cost.h"
#include "dz/dz.h"
#include "dz/explain.h"
#include "dz/jacobian.h"
#include "dz/lang.h"
#include "dz/paths.h"
#include "dz/plan.h"
#include "dz/print.h"
#include "dz/show.h"
#include "dz/sparse.h"
#include "dz/trace.h"
#include "dz/why.h"
#include "failing.h"
#include "suite.h"

enum { MOST_LEAVES = 8, MOST_ELEMENTS = 64 };

typedef struct work {
  dz_tape *t;
  const dz_allocator *a;
  int n; /* active leaves */
  dz_var x[MOST_LEAVES], y;
  const char *text; /* the program that y is of, NULL when there is none; and its bytes */
  size_t size;
  uint64_t bits;         /* what came out, as a hash */
  bool lost;             /* a tape of floats had no memory for a copy as doubles */
  size_t writes, refuse; /* the refuse-th write is refused; 0: none */
} work;

static inline void mix(uint64_t *h, const void *data, size_t size) {
  const unsigned char *s = data;
  for (size_t i = 0; i < size; i++) *h = (*h ^ s[i]) * UINT64_C(0x100000001b3);
}

static inline bool write(void *user, const char *text, size_t size) {
  work *w = user;
  if (w->refuse && w->writes >= w->refuse) ck_abort_msg("written to after it refused");
  if (++w->writes == w->refuse) return false;
  mix(&w->bits, text, size);
  return true;
}

/* The elements of a live node; of one whose copy was lost, zeros. */
static inline const double *values_of(work *w, dz_var x) {
  static const double zeros[MOST_ELEMENTS * MOST_ELEMENTS];
  const double *v = dz_values(x);
  w->lost = w->lost || !v;
  return v ? v : zeros;
}
static inline void mix_values(work *w, dz_var x) {
  const double *v = dz_valid(x) && !dz_is_number(x) ? dz_values(x) : NULL;
  if (v) mix(&w->bits, v, dz_size(x) * sizeof *v);
  w->lost = w->lost || (dz_valid(x) && !dz_is_number(x) && !v);
}
static inline void mix_adjoints(work *w) {
  for (int k = 0; k < w->n; k++) {
    const double *g = dz_adjoints(w->x[k]);
    if (g) mix(&w->bits, g, dz_size(w->x[k]) * sizeof *g);
    w->lost = w->lost || (!g && dz_adjoint_state_of(w->x[k]) == DZ_ADJOINT_READY);
  }
}
static inline size_t elements(const work *w) {
  size_t n = 0;
  for (int k = 0; k < w->n; k++) n += dz_size(w->x[k]);
  return n;
}

typedef dz_status act(work *w);

/* ---- numbers ---- */

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
  double v[MOST_LEAVES * MOST_ELEMENTS] = {1, .5, -1, 2, .25}, out[MOST_ELEMENTS] = {0};
  const dz_status s = dz_tangent(w->y, w->n, w->x, v, out);
  mix(&w->bits, out, s ? 0 : dz_size(w->y) * sizeof *out);
  return s;
}
static dz_status gradient(work *w) {
  dz_var g[MOST_LEAVES], h[MOST_LEAVES];
  dz_status s = dz_grad(w->y, w->n, w->x, g);
  if (!s) mix_values(w, g[0]);
  if (!s && dz_size(g[0]) == 1) s = dz_grad(g[0], w->n, w->x, h);
  if (!s && dz_size(g[0]) == 1) mix_values(w, h[0]);
  return s;
}
static dz_status curvature(work *w) {
  static double h[MOST_ELEMENTS * MOST_ELEMENTS];
  const size_t n = dz_size(w->x[0]);
  const dz_status s = dz_hessian(w->y, w->x[0], h);
  if (!s) mix(&w->bits, h, n * n * sizeof *h);
  return s;
}
static dz_status slopes(work *w) {
  static double j[MOST_ELEMENTS * MOST_ELEMENTS];
  const dz_var twice[] = {w->y, w->y};
  dz_status s = dz_jacobian(w->y, w->x[0], j);
  if (!s) mix(&w->bits, j, dz_size(w->y) * dz_size(w->x[0]) * sizeof *j);
  if (!s && dz_size(w->y) == 1) s = dz_jacobians(2, twice, w->n, w->x, j);
  if (!s && dz_size(w->y) == 1) mix(&w->bits, j, 2 * elements(w) * sizeof *j);
  return s;
}
static dz_status along(work *w) {
  static double v[MOST_LEAVES * MOST_ELEMENTS], out[MOST_LEAVES * MOST_ELEMENTS];
  for (size_t k = 0; k < elements(w); k++) v[k] = (double)(k % 3) - 1;
  const dz_status s = dz_hvp(w->y, w->n, w->x, v, out);
  if (!s) mix(&w->bits, out, elements(w) * sizeof *out);
  return s;
}

static dz_status packed(work *w, dz_pattern *pattern, dz_coloring_kind kind, bool curved) {
  static double values[MOST_ELEMENTS * MOST_ELEMENTS];
  dz_coloring *c = NULL;
  dz_status s = dz_coloring_new(pattern, kind, w->a, &c);
  if (!s && pattern->starts[pattern->rows] <= COUNT(values)) {
    s = curved ? dz_sparse_hessian(c, w->y, w->n, w->x, values)
               : dz_sparse_jacobian(c, 1, &w->y, w->n, w->x, values);
    if (!s) mix(&w->bits, values, pattern->starts[pattern->rows] * sizeof *values);
  }
  dz_coloring_free(c);
  return s;
}
static dz_status sparse(work *w) {
  dz_pattern *p = NULL;
  dz_status s = dz_jacobian_pattern(1, &w->y, w->n, w->x, 0, w->a, &p);
  if (!s) s = packed(w, p, DZ_COLORING_FEWEST, false);
  if (!s) s = packed(w, p, DZ_COLORING_COLUMNS, false);
  dz_pattern_free(p);
  return s;
}
static dz_status sparse_curvature(work *w) {
  dz_pattern *p = NULL;
  dz_status s = dz_hessian_pattern(w->y, w->n, w->x, 0, w->a, &p);
  if (!s) s = packed(w, p, DZ_COLORING_STAR, true);
  if (!s) s = packed(w, p, DZ_COLORING_ROWS, true);
  dz_pattern_free(p);
  return s;
}

typedef struct model_text {
  dz_program *p;
} model_text;

static dz_var model(dz_tape *t, const dz_var *leaves, void *user) {
  (void)leaves;
  return dz_program_record(((model_text *)user)->p, t, 7);
}
static dz_status check(work *w) {
  dz_check_point points[MOST_LEAVES];
  size_t dims[MOST_LEAVES][DZ_MAX_RANK];
  dz_check_report r;
  dz_error e = {DZ_OK, 0, 0, "", "", ""};
  const dz_check_options few = {.max_elements = 2};
  if (!w->text || dz_size(w->y) != 1) return DZ_OK;
  model_text m = {dz_program_parse(w->text, w->size, "model", w->a, &e)};
  if (!m.p) return e.status;
  size_t n = 0;
  for (size_t i = 0; i < dz_tape_size(w->t) && n < MOST_LEAVES; i++) {
    const dz_var x = dz_node_at(w->t, i);
    if (dz_role_of(x) == DZ_ROLE_NONE || !dz_name(x)) continue;
    for (int k = 0; k < dz_rank(x); k++) dims[n][k] = dz_extent(x, k);
    points[n] = (dz_check_point){dz_name(x), dz_role_of(x), false, dz_rank(x), dims[n], values_of(w, x)};
    n++;
  }
  const dz_status s = dz_check(model, &m, n, points, &few, w->a, &r, &e);
  if (!s) mix(&w->bits, &r.worst.analytic, sizeof r.worst.analytic);
  if (!s) mix(&w->bits, &r.fault.kind, sizeof r.fault.kind);
  dz_program_free(m.p);
  return s;
}

/* ---- graphs and texts ---- */

static dz_status simplify(work *w) {
  const dz_var z = dz_simplify(w->y);
  if (dz_valid(z)) mix_values(w, z);
  return dz_valid(z) ? DZ_OK : dz_tape_error(w->t)->status;
}
static dz_status simplify_slope(work *w) {
  dz_var g[MOST_LEAVES];
  dz_status s = dz_grad(w->y, w->n, w->x, g);
  for (int k = 0; !s && k < w->n; k++) {
    const dz_var z = dz_simplify(g[k]);
    if (dz_valid(z))
      mix_values(w, z);
    else
      s = dz_tape_error(w->t)->status;
  }
  return s;
}
static dz_status print(work *w) {
  const dz_print_options defined = {.names = DZ_PRINT_DEFINE, .digits = 3, .inlined = 2};
  dz_status s = dz_print(w->y, NULL, write, w);
  if (!s) s = dz_print(w->y, &defined, write, w);
  return s;
}
static dz_status print_slope(work *w) {
  dz_var g[MOST_LEAVES];
  dz_status s = dz_grad(w->y, w->n, w->x, g);
  const dz_print_options called = {.names = DZ_PRINT_CALL, .inlined = 1};
  for (int k = 0; !s && k < w->n; k++) s = dz_print(g[k], k ? &called : NULL, write, w);
  return s;
}
static dz_status draw(work *w) {
  const dz_dot_options o = {.written = DZ_WRITTEN_BOTH, .partials = true, .shared = true};
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_write_dot(w->y, &o, write, w);
}
static dz_status draw_in(work *w, dz_picture style) {
  const dz_dot_options o = {
      .style = style, .written = DZ_WRITTEN_SYM, .theme = DZ_THEME_MONO, .waves_told = true};
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_write_dot(w->y, &o, write, w);
}
/* Some texts have a translation. */
static const char *in_another_language(const char *english, void *user) {
  (void)user;
  return strlen(english) % 2 ? english : NULL;
}
static dz_status draw_part(work *w) {
  const dz_dot_options o = {.output = "out",
                            .sweeps = DZ_SWEEPS_BACKWARD,
                            .digits = 3,
                            .wrt = w->x,
                            .wrt_count = 1,
                            .wave = 2,
                            .depth = 1,
                            .constants = "a,x",
                            .source = w->text,
                            .translate = in_another_language};
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_write_dot(w->y, &o, write, w);
}
static dz_status draw_boxes(work *w) {
  const dz_dot_options o = {.sweeps = DZ_SWEEPS_FORWARD, .collapse = "h,s,f", .partials = true};
  return dz_write_dot(w->y, &o, write, w);
}
static dz_status draw_vars(work *w) { return draw_in(w, DZ_PICTURE_VARS); }
static dz_status draw_layers(work *w) { return draw_in(w, DZ_PICTURE_LAYERS); }
static dz_status draw_neurons(work *w) { return draw_in(w, DZ_PICTURE_NEURONS); }
static dz_status layout(work *w) { return dz_write_svg(w->y, NULL, write, w); }
static dz_status layout_swept(work *w) {
  const dz_dot_options o = {.written = DZ_WRITTEN_BOTH, .theme = DZ_THEME_DARK, .shared = true};
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_write_svg(w->y, &o, write, w);
}
static dz_status tell(work *w) {
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_write_trace(w->y, NULL, write, w);
}
static dz_status explain_as(work *w, dz_explain_format format) {
  const dz_explain_options o = {.format = format,
                                .translate = format == DZ_EXPLAIN_HTML ? NULL : in_another_language,
                                .language = "la"};
  const dz_status s = dz_backward(w->y);
  return s ? s : dz_explain(w->y, &o, write, w);
}
static dz_status explain(work *w) { return explain_as(w, DZ_EXPLAIN_HTML); }
static dz_status explain_text(work *w) { return explain_as(w, DZ_EXPLAIN_TEXT); }
static dz_status explain_latex(work *w) { return explain_as(w, DZ_EXPLAIN_LATEX); }
static dz_status paths(work *w) {
  dz_paths *p = NULL;
  dz_status s = dz_paths_find(w->y, w->x[0], 0, 0, &p);
  const dz_paths_style style = {.output = "out", .digits = 3, .translate = in_another_language};
  if (!s) s = dz_paths_write(p, NULL, write, w);
  if (!s) s = dz_paths_write(p, &style, write, w);
  if (!s) s = dz_paths_dot(p, NULL, 0, write, w);
  dz_paths_free(p);
  return s;
}
static dz_status ask_why(work *w) {
  dz_why_report r;
  const dz_why_options o = {.digits = 3, .translate = in_another_language};
  dz_status s = dz_why(w->y, w->x[0], NULL, &r);
  if (!s) mix(&w->bits, r.message, strlen(r.message));
  if (!s) s = dz_why(w->y, w->x[w->n - 1], &o, &r);
  if (!s) mix(&w->bits, r.message, strlen(r.message));
  return s;
}
static dz_status plan(work *w) {
  double in[MOST_LEAVES * MOST_ELEMENTS], g[MOST_LEAVES * MOST_ELEMENTS] = {0}, y[MOST_ELEMENTS] = {0};
  size_t n = 0;
  dz_error e;
  const dz_plan_options o = {.allocator = w->a, .map = true};
  for (int k = 0; k < w->n; k++)
    for (size_t i = 0; i < dz_size(w->x[k]); i++) in[n++] = values_of(w, w->x[k])[i];
  dz_plan *p = dz_plan_new(1, &w->y, w->n, w->x, &o, &e);
  if (!p) return e.status;
  void *room = malloc(dz_plan_memory(p));
  dz_status s = dz_plan_run(p, in, y, g, room);
  mix(&w->bits, y, dz_size(w->y) * sizeof *y);
  mix(&w->bits, g, n * sizeof *g);
  if (!s) s = dz_emit(p, NULL, write, w);
  free(room);
  dz_plan_free(p);
  return s;
}

static const struct {
  const char *name;
  act *act;
} acts[] = {{"record", record},
            {"sweep", sweep},
            {"sweep again", sweep_more},
            {"diagnose", diagnose},
            {"tangent", forward},
            {"gradient", gradient},
            {"hessian", curvature},
            {"jacobian", slopes},
            {"hessian times vector", along},
            {"sparse", sparse},
            {"sparse hessian", sparse_curvature},
            {"simplify", simplify},
            {"simplify the gradient", simplify_slope},
            {"print", print},
            {"print the gradient", print_slope},
            {"dot", draw},
            {"dot, vars", draw_vars},
            {"dot, layers", draw_layers},
            {"dot, neurons", draw_neurons},
            {"svg", layout},
            {"svg, swept", layout_swept},
            {"trace", tell},
            {"explain", explain},
            {"explain, text", explain_text},
            {"explain, LaTeX", explain_latex},
            {"paths", paths},
            {"why", ask_why},
            {"check", check},
            {"dot, a part", draw_part},
            {"dot, boxes", draw_boxes},
            {"plan, emit", plan}};

#endif
