/* dz check: every adjoint against a numerical derivative whose own error is estimated. */
#include "dz/check.h"
#include "buffer.h"
#include "checked.h"
#include "json.h"
#include "message.h"
#include "model.h"
#include "proof.h"
#include "table.h"
#include "verbs.h"
#include "width.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdict_words[] = {"agrees", "wrong", "noisy", "kink", "not finite"};
static const char *const verdict_keys[] = {"agrees", "wrong", "noisy", "kink", "not_finite"};
enum { VERDICTS = 5 };

/* What became of one leaf. */
typedef struct tally {
  size_t checked, by[VERDICTS];
  dz_check_row worst; /* the largest excess of the difference over its error, of the worst verdict */
} tally;

typedef struct job {
  const model *m;
  dz_check_point *points;
  tensor *values; /* of the points */
  size_t count;
  tally *tallies;
  dz_check_report report;
  void (*row)(void *user, const dz_check_row *r); /* NULL: nobody wants to see each */
  void *user;
} job;

static dz_var record(dz_tape *t, const dz_var *leaves, void *user) {
  (void)leaves; /* they are found by their names */
  return dz_program_record(((const job *)user)->m->program, t, 0);
}

/* Wrong is worse than not finite, that than noise, that than a kink. */
static int badness(dz_verdict v) {
  static const int order[VERDICTS] = {0, 4, 2, 1, 3};
  return order[v];
}

static double excess(const dz_check_row *r) {
  double d = fabs(r->analytic - r->numeric);
  return isnan(d) ? HUGE_VAL : d - r->error;
}

static void on_row(void *user, const dz_check_row *r) {
  job *j = user;
  tally *t = &j->tallies[r->leaf];
  if (j->row != NULL) j->row(j->user, r);
  bool first = t->checked++ == 0;
  t->by[r->verdict]++;
  int now = badness(r->verdict), before = badness(t->worst.verdict);
  if (first || now > before || (now == before && excess(r) > excess(&t->worst))) t->worst = *r;
}

static bool is_wanted(const wants *w, const char *name) {
  for (size_t i = 0; i < w->count; i++)
    if (strcmp(w->at[i].name, name) == 0) return true;
  return false;
}

/* Every leaf that is on the tape becomes a point: parameters that were initialised too. */
static void add_points(job *j, const wants *w) {
  size_t count = dz_program_leaf_count(j->m->program);
  j->points = take(NULL, count, sizeof *j->points);
  j->values = take(NULL, count, sizeof *j->values);
  j->tallies = take(NULL, count, sizeof *j->tallies);
  for (size_t i = 0; i < count; i++) {
    dz_program_leaf leaf = dz_program_leaf_at(j->m->program, i);
    dz_var x = dz_named(j->m->tape, leaf.name);
    if (!dz_valid(x) || (leaf.constant && !dz_is_active(x)))
      continue; /* e, pi: made anew by each recording */
    tensor *v = &j->values[j->count];
    *v = tensor_of(x);
    j->tallies[j->count] = (tally){0};
    j->points[j->count++] =
        (dz_check_point){leaf.name, dz_role_of(x), !is_wanted(w, leaf.name), v->rank, v->dims, v->data};
  }
}

static void leaves_only(const model *m, const wants *w) {
  for (size_t i = 0; i < w->count; i++)
    if (dz_role_of(w->at[i].node) == DZ_ROLE_NONE)
      die(STATUS_USAGE, "--wrt: '%s' is computed by the program: only inputs and parameters can be checked",
          w->at[i].name);
  if (dz_size(m->result) != 1) model_no_scalar(m, "sum it, as in sum(...)");
}

/* The indices of element i of a tensor. */
static void split(const tensor *v, size_t i, size_t *index) {
  for (int k = v->rank - 1; k >= 0; k--) {
    index[k] = i % v->dims[k];
    i /= v->dims[k];
  }
}

/* "W[2, 1]", or "W along a direction". */
static void add_element(buffer *b, const job *j, const dz_check_row *r) {
  const tensor *v = &j->values[r->leaf];
  size_t index[DZ_MAX_RANK] = {0};
  buffer_text(b, j->points[r->leaf].name);
  if (r->element == SIZE_MAX) {
    buffer_text(b, " along a direction");
    return;
  }
  split(v, r->element, index);
  if (v->rank > 0) buffer_shape(b, v->rank, index);
}

static void add_worst(buffer *b, const job *j, const tally *t, int digits) {
  const dz_check_row *r = &t->worst;
  buffer_text(b, "; at worst d/d");
  add_element(b, j, r);
  buffer_text(b, " is ");
  buffer_number(b, r->analytic, digits);
  buffer_text(b, ", numerically ");
  buffer_number(b, r->numeric, digits);
  buffer_text(b, " +- ");
  buffer_number(b, r->error, 2);
  if (r->verdict == DZ_VERDICT_AGREES) return;
  buffer_text(b, " (");
  buffer_text(b, verdict_words[r->verdict]);
  buffer_text(b, ")");
}

/* The sweeps at odds, or a model that is not the same twice, are as bad as a wrong derivative. */
static bool is_wrong(const dz_check_report *r) {
  return r->wrong > 0 || r->forward_wrong > 0 || r->dot.verdict == DZ_VERDICT_WRONG ||
         r->fault.kind == DZ_FAULT_UNREPEATABLE;
}

static void add_verdict(buffer *b, const dz_check_report *r) {
  const size_t by[VERDICTS] = {r->agreed, r->wrong, r->noisy, r->kinks, r->not_finite};
  static const char *const words[VERDICTS] = {"agree", "wrong", "too noisy to tell", "at a kink",
                                              "not finite"};
  if (r->checked == 0) {
    buffer_text(b, "nothing to check\n");
    return;
  }
  buffer_text(b, is_wrong(r) ? "WRONG: of " : r->agreed == r->checked ? "ok: of " : "nothing wrong: of ");
  buffer_whole(b, r->checked);
  buffer_text(b, r->checked == 1 ? " derivative" : " derivatives");
  for (int k = 0, before = 0; k < VERDICTS; k++) {
    if (by[k] == 0 && k > 0) continue;
    buffer_text(b, before++ > 0 ? ", " : " ");
    buffer_whole(b, by[k]);
    buffer_text(b, " ");
    buffer_text(b, words[k]);
  }
  buffer_text(b, "\n");
}

static void print_table(const job *j, int digits) {
  buffer out = {0};
  size_t label = 0;
  for (size_t i = 0; i < j->count; i++) {
    size_t n = text_width(j->points[i].name, strlen(j->points[i].name));
    if (j->tallies[i].checked > 0 && n > label) label = n;
  }
  for (size_t i = 0; i < j->count; i++) {
    const tally *t = &j->tallies[i];
    const char *name = j->points[i].name;
    if (t->checked == 0) continue;
    buffer_text(&out, name);
    buffer_pad(&out, label + 2 - text_width(name, strlen(name)));
    buffer_whole(&out, t->by[DZ_VERDICT_AGREES]);
    buffer_text(&out, " of ");
    buffer_whole(&out, t->checked);
    buffer_text(&out, t->checked == 1 ? " agrees" : " agree");
    add_worst(&out, j, t, digits);
    buffer_text(&out, "\n");
  }
  proof_text(&out, &j->report, digits);
  add_verdict(&out, &j->report);
  table_notes(&out, j->m->tape);
  output(&out);
  buffer_free(&out);
}

static void put_counts(cJSON *object, size_t checked, const size_t *by) {
  static const char *const keys[VERDICTS] = {"agreed", "wrong", "noisy", "kinks", "not_finite"};
  json_put(object, "checked", json_whole(checked));
  for (int k = 0; k < VERDICTS; k++) json_put(object, keys[k], json_whole(by[k]));
}

static cJSON *worst_json(const job *j, const dz_check_row *r) {
  const tensor *v = &j->values[r->leaf];
  cJSON *object = json_object(), *element = r->element == SIZE_MAX ? json_text(NULL) : json_array();
  size_t index[DZ_MAX_RANK] = {0};
  if (r->element != SIZE_MAX) split(v, r->element, index);
  for (int k = 0; k < v->rank && r->element != SIZE_MAX; k++) json_push(element, json_whole(index[k]));
  json_put(object, "element", element);
  json_put(object, "analytic", json_number(r->analytic));
  json_put(object, "numeric", json_number(r->numeric));
  json_put(object, "error", json_number(r->error));
  json_put(object, "forward", json_number(r->forward));
  json_put(object, "bound", json_number(r->bound));
  json_put(object, "verdict", json_text(verdict_keys[r->verdict]));
  return object;
}

static void print_json(const job *j) {
  const dz_check_report *r = &j->report;
  const size_t by[VERDICTS] = {r->agreed, r->wrong, r->noisy, r->kinks, r->not_finite};
  cJSON *object = json_object(), *leaves = json_array();
  json_put(object, "value", json_number(dz_value(j->m->result)));
  put_counts(object, r->checked, by);
  for (size_t i = 0; i < j->count; i++) {
    const tally *t = &j->tallies[i];
    if (t->checked == 0) continue;
    cJSON *leaf = json_object();
    json_put(leaf, "name", json_text(j->points[i].name));
    put_counts(leaf, t->checked, t->by);
    json_put(leaf, "worst", worst_json(j, &t->worst));
    json_push(leaves, leaf);
  }
  json_put(object, "leaves", leaves);
  proof_json(object, r);
  json_put(object, "notes", json_notes(j->m->tape));
  json_print(object);
}

static void job_free(job *j) {
  for (size_t i = 0; i < j->count; i++) tensor_free(&j->values[i]);
  free(j->values);
  free(j->points);
  free(j->tallies);
}

leaf_check *check_leaves(const model *m, const wants *w, size_t *count) {
  return check_leaves_each(m, w, count, NULL, NULL);
}

leaf_check *check_leaves_each(const model *m, const wants *w, size_t *count,
                              void (*each)(void *user, const dz_check_row *r), void *user) {
  job j = {.m = m, .row = each, .user = user};
  dz_error error = {DZ_OK, 0, 0, "", "", ""};
  add_points(&j, w);
  dz_check_options how = {0, on_row, &j};
  dz_status status = dz_check(record, &j, j.count, j.points, &how, NULL, &j.report, &error);
  if (status != DZ_OK) die_status(&m->source, &error, status);
  leaf_check *all = take(NULL, j.count, sizeof *all);
  for (size_t i = 0; i < j.count; i++) {
    all[i] =
        (leaf_check){.name = j.points[i].name, .checked = j.tallies[i].checked, .worst = j.tallies[i].worst};
    memcpy(all[i].by, j.tallies[i].by, sizeof all[i].by);
  }
  *count = j.count;
  job_free(&j);
  return all;
}

const char *verdict_word(dz_verdict v) { return verdict_words[v]; }

int verb_check(const options *o) {
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  job j = {.m = &m};
  dz_error error = {DZ_OK, 0, 0, "", "", ""};
  leaves_only(&m, &w);
  add_points(&j, &w);
  dz_check_options how = {0, on_row, &j};
  dz_status status = dz_check(record, &j, j.count, j.points, &how, NULL, &j.report, &error);
  if (status != DZ_OK) die_status(&m.source, &error, status);
  model_sweep(&m, NULL);
  dz_diagnose(m.result);
  if (o->json)
    print_json(&j);
  else
    print_table(&j, o->digits);
  bool wrong = is_wrong(&j.report);
  job_free(&j);
  wants_free(&w);
  model_free(&m);
  return wrong ? STATUS_NO : STATUS_DONE;
}
