/* dz explain: both sweeps in words. */
#include "dz/explain.h"
#include "buffer.h"
#include "checked.h"
#include "dz/trace.h"
#include "json.h"
#include "message.h"
#include "model.h"
#include "speech.h"
#include "table.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { READABLE = 1000 };

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

static _Noreturn void too_many(void) {
  die(STATUS_LIMIT, "more than %d operations make no readable explanation: --force tells them all the same",
      READABLE);
}

static cJSON *check_json(const leaf_check *c) {
  cJSON *object = json_object();
  json_put(object, "checked", json_whole(c->checked));
  json_put(object, "agreed", json_whole(c->by[DZ_VERDICT_AGREES]));
  json_put(object, "analytic", json_number(c->worst.analytic));
  json_put(object, "numeric", json_number(c->worst.numeric));
  json_put(object, "error", json_number(c->worst.error));
  json_put(object, "verdict", json_text(verdict_word(c->worst.verdict)));
  return object;
}

/* "trace" as in the page of dz page; see dz/trace.h. */
static void print_json(const model *m, const options *o, const leaf_check *checks, size_t count) {
  buffer trace = {0};
  const dz_trace_options how = {model_name(m), o->force ? SIZE_MAX : READABLE, 0};
  dz_status status = dz_write_trace(m->result, &how, append, &trace);
  if (status == DZ_ERR_LIMIT) too_many();
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  while (trace.size > 0 && trace.text[trace.size - 1] == '\n') trace.size--;
  buffer_add(&trace, "", 1);
  cJSON *object = json_object(), *gradient = json_object(), *check = json_object();
  wants w = model_wants(m, NULL);
  for (size_t i = 0; i < w.count; i++) {
    size_t dims[DZ_MAX_RANK];
    for (int k = 0; k < dz_rank(w.at[i].node); k++) dims[k] = dz_extent(w.at[i].node, k);
    json_put(gradient, w.at[i].name, json_tensor(dz_rank(w.at[i].node), dims, dz_adjoints(w.at[i].node)));
  }
  for (size_t i = 0; i < count; i++)
    if (checks[i].checked > 0) json_put(check, checks[i].name, check_json(&checks[i]));
  json_put(object, "value", json_number(dz_value(m->result)));
  json_put(object, "gradient", gradient);
  json_put(object, "check", check);
  json_put(object, "trace", cJSON_CreateRaw(trace.text));
  json_put(object, "notes", json_notes(m->tape));
  json_print(object);
  wants_free(&w);
  buffer_free(&trace);
}

static dz_explain_check *told_checks(const model *m, const leaf_check *c, size_t count) {
  dz_explain_check *all = take(NULL, count, sizeof *all);
  for (size_t i = 0; i < count; i++) {
    const dz_check_row *r = &c[i].worst;
    bool agrees = c[i].by[DZ_VERDICT_AGREES] == c[i].checked;
    all[i] = (dz_explain_check){dz_named(m->tape, c[i].name),
                                c[i].checked,
                                c[i].by[DZ_VERDICT_AGREES],
                                r->analytic,
                                r->numeric,
                                r->error,
                                agrees ? NULL : verdict_word(r->verdict)};
  }
  return all;
}

static void print_words(const model *m, const options *o, const leaf_check *checks, size_t count) {
  buffer out = {0};
  dz_explain_check *told = told_checks(m, checks, count);
  const dz_explain_options how = {
      .output = dz_program_result(m->program),
      .format = o->latex  ? DZ_EXPLAIN_LATEX
                : o->html ? DZ_EXPLAIN_HTML
                          : DZ_EXPLAIN_TEXT,
      .digits = o->digits,
      .max_ops = o->force ? SIZE_MAX : READABLE,
      .checks = told,
      .check_count = count,
      .translate = speech,
      .language = speech_language(),
  };
  dz_status status = dz_explain(m->result, &how, append, &out);
  if (status == DZ_ERR_LIMIT) too_many();
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  if (how.format == DZ_EXPLAIN_TEXT) table_notes(&out, m->tape);
  output(&out);
  buffer_free(&out);
  free(told);
}

int verb_explain(const options *o) {
  speech_in(o->lang);
  if (o->json + o->latex + o->html > 1) die(STATUS_USAGE, "one of --json, --latex and --html is enough");
  model m = model_read(o);
  if (dz_size(m.result) != 1) model_no_scalar(&m, "sum it, as in sum(...)");
  wants w = model_wants(&m, NULL);
  size_t count;
  leaf_check *checks = check_leaves(&m, &w, &count);
  bool wrong = false;
  for (size_t i = 0; i < count; i++) wrong = wrong || checks[i].by[DZ_VERDICT_WRONG] > 0;
  model_sweep(&m, NULL);
  dz_diagnose(m.result);
  if (o->json)
    print_json(&m, o, checks, count);
  else
    print_words(&m, o, checks, count);
  free(checks);
  wants_free(&w);
  model_free(&m);
  return wrong ? STATUS_NO : STATUS_DONE;
}
