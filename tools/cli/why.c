/* dz why: what made a gradient zero, tiny, huge, NaN or infinite. */
#include "dz/why.h"
#include "buffer.h"
#include "json.h"
#include "message.h"
#include "model.h"
#include "speech.h"
#include "verbs.h"

#include <string.h>

static const char *const words[] = {"ordinary", "zero", "tiny", "huge", "infinite", "not a number"};
static const char *const kinds[] = {"ordinary", "zero", "tiny", "huge", "infinite", "nan"};

static void add(buffer *b, const char *text) { buffer_text(b, text); }

/* "dz/dx[3] is 0 (and 4 more of 20 elements)" */
static void add_head(buffer *b, const model *m, const wanted *w, const dz_why_report *r, int digits) {
  add(b, "d");
  add(b, model_name(m));
  add(b, "/d");
  add(b, w->name);
  if (r->elements > 1) {
    size_t index[DZ_MAX_RANK], e = r->element;
    int rank = dz_rank(w->node);
    for (int k = rank; k-- > 0; e /= dz_extent(w->node, k)) index[k] = e % dz_extent(w->node, k);
    buffer_shape(b, rank, index);
  }
  add(b, " = ");
  buffer_number(b, r->gradient, digits);
  if (r->elements > 1) {
    add(b, "  (");
    buffer_whole(b, r->alike);
    add(b, "/");
    buffer_whole(b, r->elements);
    add(b, " ");
    add(b, speech(words[r->kind], NULL));
    add(b, ")");
  } else {
    add(b, "  (");
    add(b, speech(words[r->kind], NULL));
    add(b, ")");
  }
  add(b, "\n");
}

static void add_report(buffer *b, const model *m, const wanted *w, const dz_why_report *r, int digits) {
  add_head(b, m, w, r, digits);
  add(b, "  ");
  add(b, r->message);
  add(b, "\n");
  message_place(b, &m->source, r->line, r->column, "  ");
  if (r->suggestion[0] != '\0') {
    add(b, "  → ");
    add(b, r->suggestion);
    add(b, "\n");
  }
}

static cJSON *report_json(const wanted *w, const dz_why_report *r) {
  cJSON *object = json_object(), *index = json_array();
  size_t at[DZ_MAX_RANK], e = r->element;
  int rank = dz_valid(w->node) ? dz_rank(w->node) : 0;
  for (int k = rank; k-- > 0; e /= dz_extent(w->node, k)) at[k] = e % dz_extent(w->node, k);
  for (int k = 0; k < rank; k++) json_push(index, json_whole(at[k]));
  json_put(object, "gradient", json_number(r->gradient));
  json_put(object, "kind", json_text(kinds[r->kind]));
  json_put(object, "element", index);
  json_put(object, "alike", json_whole(r->alike));
  json_put(object, "elements", json_whole(r->elements));
  json_put(object, "cause", json_text(r->code));
  json_put(object, "what", r->what[0] != '\0' ? json_text(r->what) : json_text(NULL));
  json_put(object, "line", json_whole((size_t)r->line));
  json_put(object, "column", json_whole((size_t)r->column));
  json_put(object, "partial", json_number(r->partial));
  json_put(object, "arriving", json_number(r->arriving));
  json_put(object, "message", json_text(r->message));
  json_put(object, "suggestion", r->suggestion[0] != '\0' ? json_text(r->suggestion) : json_text(NULL));
  return object;
}

static dz_why_report ask(const model *m, const wanted *w, const options *o) {
  dz_why_report r;
  const dz_why_options how = {o->digits, speech, NULL};
  if (!dz_valid(w->node) || !dz_is_active(w->node))
    die(STATUS_USAGE, "--wrt: '%s' is constant: it has no gradient", w->name);
  if (dz_size(w->node) == 0) die(STATUS_USAGE, "--wrt: '%s' has no elements", w->name);
  dz_status status = dz_why(m->result, w->node, &how, &r);
  if (status == DZ_ERR_LIMIT)
    die(STATUS_LIMIT, "more than a million uses lie between '%s' and the result", w->name);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  return r;
}

/* Leaves that the result is not made of are asked about too: that is an answer. */
static wants names(const model *m, const char *wrt) {
  wants w = model_wants(m, wrt);
  for (size_t i = 0; wrt == NULL && dz_program_leaf_at(m->program, i).name != NULL; i++) {
    const char *name = dz_program_leaf_at(m->program, i).name;
    dz_var x = dz_named(m->tape, name);
    bool known = !dz_valid(x) || !dz_is_active(x);
    for (size_t k = 0; k < w.count; k++) known = known || strcmp(w.at[k].name, name) == 0;
    if (known) continue;
    w.at = take(w.at, w.count + 1, sizeof *w.at);
    w.at[w.count++] = (wanted){take_text(name, strlen(name)), x};
  }
  return w;
}

int verb_why(const options *o) {
  speech_in(o->lang);
  model m = model_read(o);
  wants w = names(&m, o->wrt);
  if (dz_size(m.result) != 1) model_no_scalar(&m, "sum it, as in sum(...)");
  if (w.count == 0) die(STATUS_USAGE, "there is no input to ask about");
  buffer out = {0};
  cJSON *object = json_object(), *all = json_object();
  json_put(object, "value", json_number(dz_value(m.result)));
  for (size_t i = 0; i < w.count; i++) {
    dz_why_report r = ask(&m, &w.at[i], o);
    if (i > 0) add(&out, "\n");
    add_report(&out, &m, &w.at[i], &r, o->digits);
    json_put(all, w.at[i].name, report_json(&w.at[i], &r));
  }
  json_put(object, "why", all);
  if (o->json) {
    json_print(object);
  } else {
    cJSON_Delete(object);
    output(&out);
  }
  buffer_free(&out);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}
