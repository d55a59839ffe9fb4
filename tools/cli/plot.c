/* dz plot: curves of expressions and of their derivatives over a range of one name. */
#include "figure.h"
#include "file.h"
#include "graphviz.h"
#include "model.h"
#include "range.h"
#include "verbs.h"
#include "width.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 480, MOST_POINTS = 200000, MOST_LINES = 24, LONGEST_LABEL = 44 };

/* The command line: expressions, the name that runs, and what the other names are bound to. */
typedef struct request {
  const char **expressions, **others;
  size_t count, other_count;
  char *name; /* that runs */
  range range;
} request;

/* One expression, recorded again for each point. */
typedef struct subject {
  model model;
  const char *name;
  dz_var x;
} subject;

/* Whether a program has leaves: of what follows NAME= on the command line only an expression does. */
static bool is_expression(const char *word) {
  dz_program *p = dz_program_parse(word, strlen(word), "", NULL, NULL);
  bool free_names = false;
  for (size_t i = 0; i < dz_program_leaf_count(p); i++)
    free_names = free_names || !dz_program_leaf_at(p, i).constant;
  dz_program_free(p);
  return free_names;
}

static void take_word(request *r, const char *word) {
  const char *text;
  char *name = binding_name(word, &text);
  if (name == NULL || r->count == 0 || is_expression(word)) {
    if (r->count == MOST_LINES)
      die(STATUS_LIMIT, "more than %d expressions make no readable plot", MOST_LINES);
    r->expressions[r->count++] = word;
  } else if (*text != '@' && range_is(text)) {
    if (r->name != NULL) die(STATUS_USAGE, "two ranges, %s and %s: a plot has one axis", r->name, name);
    r->range = range_read(name, text);
    r->name = name;
    return;
  } else {
    r->others[r->other_count++] = word;
  }
  free(name);
}

static request request_read(const options *o) {
  request r = {.expressions = take(NULL, o->count, sizeof(char *)),
               .others = take(NULL, o->count, sizeof(char *))};
  for (size_t i = 0; i < o->count; i++) take_word(&r, o->words[i]);
  if (r.count == 0)
    die(STATUS_USAGE, "dz plot needs an expression and a range: dz plot 'sigmoid(x)' x=-6:6 --derivative");
  if (r.name == NULL) die(STATUS_USAGE, "dz plot needs a range for one name, such as x=-6:6");
  return r;
}

static bool has_leaf(const dz_program *p, const char *name) {
  for (size_t i = 0; i < dz_program_leaf_count(p); i++)
    if (strcmp(dz_program_leaf_at(p, i).name, name) == 0) return true;
  return false;
}

/* Whether expression i wants the binding: one that none wants goes to the first, which complains of it. */
static bool wants_binding(const request *r, size_t i, const char *name) {
  bool found = false, own = false;
  for (size_t k = 0; k < r->count && !own; k++) {
    dz_program *p = dz_program_parse(r->expressions[k], strlen(r->expressions[k]), "", NULL, NULL);
    bool has = p != NULL && has_leaf(p, name);
    found = found || has;
    own = has && k == i;
    dz_program_free(p);
  }
  return own || (!found && i == 0);
}

static bool is_file(const char *word) { return strcmp(word, "-") == 0 || ends_with(word, ".dz"); }

/* The words of `dz grad` for expression i at the start of the range. */
static void subject_read(subject *s, const options *o, const request *r, size_t i) {
  options one = *o;
  buffer start = {0};
  bool file = is_file(r->expressions[i]); /* its names are not known yet, so it is given all */
  one.words = take(NULL, r->other_count + 2, sizeof *one.words);
  one.words[0] = r->expressions[i];
  one.count = 1;
  buffer_text(&start, r->name);
  buffer_text(&start, "=");
  buffer_number(&start, r->range.low, 0);
  buffer_add(&start, "", 1);
  if (file || wants_binding(r, i, r->name)) one.words[one.count++] = start.text;
  for (size_t k = 0; k < r->other_count; k++) {
    const char *text;
    char *name = binding_name(r->others[k], &text);
    if (file || name == NULL || wants_binding(r, i, name)) one.words[one.count++] = r->others[k];
    free(name);
  }
  *s = (subject){.model = model_read(&one), .name = r->name};
  s->x = dz_named(s->model.tape, r->name);
  free(one.words);
  buffer_free(&start);
  if (dz_size(s->model.result) != 1) model_no_scalar(&s->model, "index it, or sum it, as in sum(...)");
}

/* The expression at x; a number that cannot be had there is NaN. */
static bool record_at(subject *s, double x) {
  model *m = &s->model;
  dz_tape_rewind(m->tape, m->leaves);
  if (dz_valid(s->x)) dz_set(s->x, &x, 1);
  m->result = dz_program_record(m->program, m->tape, 0);
  if (dz_valid(m->result)) return true;
  const dz_error *e = dz_tape_error(m->tape);
  if (e->status == DZ_ERR_MEMORY || e->status == DZ_ERR_LIMIT) die_status(&m->source, e, e->status);
  dz_tape_forgive(m->tape);
  return false;
}

static double value_at(void *user, double x) {
  subject *s = user;
  return record_at(s, x) ? dz_value(s->model.result) : nan("");
}

static double slope_at(void *user, double x) {
  subject *s = user;
  if (!record_at(s, x)) return nan("");
  dz_status status = dz_backward(s->model.result);
  if (status != DZ_OK) die_status(&s->model.source, dz_tape_error(s->model.tape), status);
  return dz_valid(s->x) && dz_is_active(s->x) ? dz_adjoint(s->x) : 0;
}

/* ---- labels ---- */

/* What the expression is called: its name when it has one, else its text, cut where it is long. */
static void put_name(buffer *b, const model *m, const char *word) {
  const char *name = dz_program_result(m->program);
  if (name == NULL) name = is_file(word) ? "f" : word;
  buffer_cut(b, name, strlen(name), LONGEST_LABEL);
}

static char *label_of(const subject *s, const char *word, bool slope) {
  buffer b = {0};
  bool named = dz_program_result(s->model.program) != NULL || is_file(word);
  if (slope && !named) {
    buffer_text(&b, "d/d");
    buffer_text(&b, s->name);
    buffer_text(&b, " ");
  }
  buffer_text(&b, slope && named ? "d" : "");
  put_name(&b, &s->model, word);
  if (slope && named) {
    buffer_text(&b, "/d");
    buffer_text(&b, s->name);
  }
  buffer_add(&b, "", 1);
  return b.text;
}

/* ---- the figure ---- */

static void add_line(figure *f, subject *s, const char *word, size_t i, bool slope) {
  drawn *l = &f->lines[f->count++];
  *l = (drawn){.label = label_of(s, word, slope), .hue = (int)i, .slope = slope};
  l->curve = (curve){.f = slope ? slope_at : value_at, .user = s};
}

static size_t points_of(const range *r) {
  double count = r->step > 0 ? ceil((r->high - r->low) / r->step) : POINTS;
  if (count > MOST_POINTS) die(STATUS_LIMIT, "more than %d steps in a range", MOST_POINTS);
  return count < POINTS ? POINTS : (size_t)count;
}

/* Room above and below; a flat line gets some of its own. */
static void widen(window *w) {
  if (!(w->y0 <= w->y1)) die(STATUS_USAGE, "nothing to plot: there is no finite value in that range");
  if (!isfinite(16 * fabs(w->y0)) || !isfinite(16 * fabs(w->y1)))
    die(STATUS_USAGE, "the values are too large to be plotted");
  double tall = w->y1 - w->y0;
  if (!(tall > 1e-12 * fmax(fabs(w->y0), fabs(w->y1)))) tall = fmax(fabs(w->y1), 1);
  w->y0 -= .06 * tall;
  w->y1 += .06 * tall;
}

static figure figure_of(const request *r, subject *subjects, bool derivative) {
  figure f = {.axis = r->name, .lines = take(NULL, 2 * r->count, sizeof *f.lines)};
  f.window = (window){r->range.low, r->range.high, HUGE_VAL, -HUGE_VAL, FIGURE_WIDE, FIGURE_HIGH};
  for (size_t i = 0; i < r->count; i++) {
    add_line(&f, &subjects[i], r->expressions[i], i, false);
    if (derivative) add_line(&f, &subjects[i], r->expressions[i], i, true);
  }
  for (size_t i = 0; i < f.count; i++) {
    curve_sample(&f.lines[i].curve, &f.window, points_of(&r->range));
    curve_fit(&f.lines[i].curve, &f.window);
  }
  widen(&f.window);
  for (size_t i = 0; i < f.count; i++) curve_refine(&f.lines[i].curve, &f.window);
  figure_place(&f);
  return f;
}

static void figure_free(figure *f) {
  for (size_t i = 0; i < f->count; i++) {
    curve_free(&f->lines[i].curve);
    free(f->lines[i].label);
  }
  free(f->lines);
}

int verb_plot(const options *o) {
  request r = request_read(o);
  const char *format = o->output != NULL ? graphviz_format(o->output) : "svg";
  if (o->output != NULL) file_check(o->output);
  subject *subjects = take(NULL, r.count, sizeof *subjects);
  for (size_t i = 0; i < r.count; i++) subject_read(&subjects[i], o, &r, i);
  figure f = figure_of(&r, subjects, o->derivative);
  buffer picture = figure_picture(&f, format, o->timeout);
  if (o->output != NULL)
    file_write(o->output, &picture);
  else
    output(&picture);
  buffer_free(&picture);
  figure_free(&f);
  for (size_t i = 0; i < r.count; i++) model_free(&subjects[i].model);
  free(subjects);
  free(r.name);
  free(r.expressions);
  free(r.others);
  return STATUS_DONE;
}
