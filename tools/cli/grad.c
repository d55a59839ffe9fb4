#include "buffer.h"
#include "json.h"
#include "model.h"
#include "table.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* Why a name has no adjoint, in words; NULL when it has one. */
static const char *absence(dz_var x) {
  dz_adjoint_state state = dz_valid(x) ? dz_adjoint_state_of(x) : DZ_ADJOINT_INACTIVE;
  return state == DZ_ADJOINT_READY ? NULL : state == DZ_ADJOINT_INACTIVE ? "inactive" : "not computed";
}

static row row_of(dz_var x, char *label, const double *values) {
  row r = {.label = label, .rank = dz_rank(x), .values = values};
  for (int k = 0; k < r.rank; k++) r.dims[k] = dz_extent(x, k);
  return r;
}

static char *label_of(const char *f, const char *x) {
  buffer b = {0};
  buffer_text(&b, "d");
  buffer_text(&b, f);
  buffer_text(&b, "/d");
  buffer_text(&b, x);
  buffer_add(&b, "", 1);
  return b.text;
}

static void print_table(const model *m, const wants *w, int digits) {
  buffer out = {0};
  row *rows = take(NULL, w->count + 1, sizeof *rows);
  const char *f = model_name(m);
  rows[0] = row_of(m->result, take_text(f, strlen(f)), dz_values(m->result));
  for (size_t i = 0; i < w->count; i++) {
    dz_var x = w->at[i].node;
    rows[i + 1] = row_of(x, label_of(f, w->at[i].name), dz_adjoints(x));
    rows[i + 1].word = absence(x);
  }
  table_add(&out, rows, w->count + 1, digits);
  table_notes(&out, m->tape);
  output(&out);
  for (size_t i = 0; i <= w->count; i++) free((char *)rows[i].label);
  free(rows);
  buffer_free(&out);
}

static void print_json(const model *m, const wants *w) {
  cJSON *object = json_object(), *gradient = json_object();
  row y = row_of(m->result, NULL, dz_values(m->result));
  json_put(object, "value", json_tensor(y.rank, y.dims, y.values));
  for (size_t i = 0; i < w->count; i++) {
    dz_var x = w->at[i].node;
    row g = row_of(x, NULL, dz_adjoints(x));
    const char *word = absence(x);
    json_put(gradient, w->at[i].name, word != NULL ? json_text(word) : json_tensor(g.rank, g.dims, g.values));
  }
  json_put(object, "gradient", gradient);
  json_put(object, "notes", json_notes(m->tape));
  json_print(object);
}

int verb_grad(const options *o) {
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  bool swept = model_sweep(&m, o->seed);
  if (!swept && w.count > 0)
    model_no_scalar(&m, "sum it, as in sum(...), or give --seed a tensor of that shape");
  if (swept) dz_diagnose(m.result);
  if (o->json)
    print_json(&m, &w);
  else
    print_table(&m, &w, o->digits);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}
