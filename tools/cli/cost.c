/* dz cost: operations and memory of the value, of its gradient, and of a plan. */
#include "dz/cost.h"

#include "buffer.h"
#include "dz/text.h"
#include "json.h"
#include "message.h"
#include "model.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

typedef struct costs {
  dz_cost c;
  dz_plan_facts facts;
  dz_error refused; /* why there is no plan, when its status is not DZ_OK */
} costs;

/* With every input and parameter that is a leaf of the tape. */
static dz_plan *plan_of(const model *m, const wants *w, costs *k) {
  dz_var *xs = take(NULL, w->count + 1, sizeof *xs);
  int n = 0;
  for (size_t i = 0; i < w->count; i++)
    if (dz_valid(w->at[i].node) && dz_role_of(w->at[i].node) != DZ_ROLE_NONE) xs[n++] = w->at[i].node;
  dz_plan *p =
      dz_plan_new(1, &m->result, n, xs, &(dz_plan_options){.tensors = DZ_TENSORS_APART}, &k->refused);
  free(xs);
  return p;
}

static costs costs_of(const model *m, const wants *w) {
  costs k = {.c = {.nodes = 0}};
  dz_plan *p = plan_of(m, w, &k);
  k.facts = dz_plan_facts_of(p);
  dz_status status = dz_cost_of(m->result, p, &k.c);
  if (!p && k.refused.status == DZ_ERR_MEMORY) status = DZ_ERR_MEMORY;
  dz_plan_free(p);
  if (status) die_status(&m->source, dz_tape_error(m->tape), status);
  return k;
}

/* ---- for people ---- */

/* 12 kB; three digits. */
static void add_bytes(buffer *b, double bytes) {
  static const char *const units[] = {" B", " kB", " MB", " GB", " TB"};
  size_t u = 0;
  for (; bytes >= 999.5 && u + 1 < sizeof units / sizeof *units; u++) bytes /= 1000;
  buffer_number(b, bytes, 3);
  buffer_text(b, units[u]);
}

enum { COLUMNS = 5, WIDTH = 17 };

/* Right-aligned but for the first. */
static void add_row(buffer *out, buffer cells[COLUMNS]) {
  for (int k = 0; k < COLUMNS; k++) {
    size_t width = k ? WIDTH : 9, n = cells[k].size;
    if (k) buffer_pad(out, n < width ? width - n : 1);
    buffer_add(out, cells[k].text, n);
    if (!k) buffer_pad(out, n < width ? width - n : 1);
    buffer_free(&cells[k]);
    cells[k] = (buffer){0};
  }
  buffer_text(out, "\n");
}

static void add_work(buffer *out, const char *name, const dz_work *w) {
  buffer cells[COLUMNS] = {{0}};
  buffer_text(&cells[0], name);
  buffer_number(&cells[1], w->operations, 0);
  buffer_number(&cells[2], w->transcendentals, 0);
  add_bytes(&cells[3], w->bytes);
  add_bytes(&cells[4], w->memory);
  add_row(out, cells);
}

static void print_table(const costs *k) {
  static const char *const head[] = {"", "operations", "transcendentals", "read and written", "memory"};
  buffer out = {0}, cells[COLUMNS] = {{0}};
  for (int i = 0; i < COLUMNS; i++) buffer_text(&cells[i], head[i]);
  add_row(&out, cells);
  add_work(&out, "value", &k->c.value);
  add_work(&out, "gradient", &k->c.gradient);
  if (!k->refused.status) add_work(&out, "plan", &k->c.plan);
  if (k->c.value.operations > 0) {
    buffer_text(&out, "\nThe gradient, with its value, takes ");
    buffer_number(&out, k->c.ratio, 3);
    buffer_text(&out, " times the operations of the value.\n");
  }
  if (k->refused.status) {
    buffer_text(&out, "There is no plan: ");
    buffer_text(&out, k->refused.message);
    buffer_text(&out, ".\n");
  } else if (k->facts.loops) {
    buffer_text(&out, "The plan found ");
    buffer_whole(&out, k->facts.loops);
    buffer_text(&out, k->facts.loops == 1 ? " loop, whose body runs " : " loops, whose bodies run ");
    buffer_whole(&out, k->facts.lanes);
    buffer_text(&out, " times.\n");
  }
  output(&out);
  buffer_free(&out);
}

/* ---- for scripts ---- */

static cJSON *work_json(const dz_work *w) {
  cJSON *o = json_object();
  json_put(o, "operations", json_number(w->operations));
  json_put(o, "transcendentals", json_number(w->transcendentals));
  json_put(o, "bytes", json_number(w->bytes));
  json_put(o, "memory", json_number(w->memory));
  return o;
}

static void print_json(const costs *k) {
  cJSON *object = json_object(), *cost = json_object(), *plan;
  json_put(cost, "value", work_json(&k->c.value));
  json_put(cost, "gradient", work_json(&k->c.gradient));
  if (k->refused.status) {
    plan = json_object();
    json_put(plan, "refused", json_text(k->refused.message));
  } else {
    plan = work_json(&k->c.plan);
    json_put(plan, "loops", json_whole(k->facts.loops));
    json_put(plan, "lanes", json_whole(k->facts.lanes));
  }
  json_put(cost, "plan", plan);
  json_put(cost, "ratio", json_number(k->c.ratio));
  json_put(cost, "nodes", json_whole(k->c.nodes));
  json_put(object, "cost", cost);
  json_print(object);
}

int verb_cost(const options *o) {
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  costs k = costs_of(&m, &w);
  if (o->json)
    print_json(&k);
  else
    print_table(&k);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}
