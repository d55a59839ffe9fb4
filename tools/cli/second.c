/* dz jacobian and dz hessian: tables of derivatives. */
#include "buffer.h"
#include "dz/derive.h"
#include "dz/jacobian.h"
#include "json.h"
#include "model.h"
#include "table.h"
#include "verbs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* d y / d x with y's axes before x's; as a matrix where that would be too many axes. */
static row block(const model *m, dz_var y, dz_var x) {
  row r = {.rank = dz_rank(y) + dz_rank(x)};
  size_t rows = dz_size(y), columns = dz_size(x);
  double *values = take(NULL, rows * columns + 1, sizeof *values);
  dz_status status = dz_jacobian(y, x, values);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  for (int k = 0; k < r.rank && r.rank <= DZ_MAX_RANK; k++)
    r.dims[k] = k < dz_rank(y) ? dz_extent(y, k) : dz_extent(x, k - dz_rank(y));
  if (r.rank > DZ_MAX_RANK) {
    r.rank = 2;
    r.dims[0] = rows;
    r.dims[1] = columns;
  }
  r.values = values;
  return r;
}

static char *label(const char *before, const char *f, const char *x, const char *y) {
  buffer b = {0};
  const char *parts[] = {before, f, "/d", x, y ? " d" : "", y ? y : ""};
  for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) buffer_text(&b, parts[k]);
  buffer_add(&b, "", 1);
  return b.text;
}

/* Only what a gradient flows to has a column. */
static void check_wants(const wants *w) {
  if (w->count == 0)
    die(STATUS_USAGE, "the result depends on no input or parameter: there is nothing to differentiate by");
  for (size_t i = 0; i < w->count; i++)
    if (!dz_valid(w->at[i].node) || !dz_is_active(w->at[i].node))
      die(STATUS_USAGE, "--wrt: no gradient flows to '%s'", w->at[i].name);
}

static row value_row(const model *m) {
  row r = {.rank = dz_rank(m->result), .values = dz_values(m->result)};
  const char *f = model_name(m);
  for (int k = 0; k < r.rank; k++) r.dims[k] = dz_extent(m->result, k);
  r.label = take_text(f, strlen(f));
  return r;
}

static void print_rows(const model *m, row *rows, size_t count, int digits) {
  buffer out = {0};
  rows[0].values = dz_values(m->result); /* recording may have moved it */
  table_add(&out, rows, count, digits);
  table_notes(&out, m->tape);
  output(&out);
  buffer_free(&out);
}

static void free_rows(row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free((char *)(size_t)rows[i].label);
    if (i > 0) free((double *)(size_t)rows[i].values);
  }
  free(rows);
}

static cJSON *block_json(const row *r) { return json_tensor(r->rank, r->dims, r->values); }

static cJSON *head_json(const model *m) {
  cJSON *object = json_object();
  row y = value_row(m);
  json_put(object, "value", block_json(&y));
  free((char *)(size_t)y.label);
  return object;
}

static bool all_finite(const double *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* Notes on y and its slopes: a sweep from all of its elements. */
static void diagnose(const model *m, dz_var y) {
  size_t n = dz_size(y), dims[DZ_MAX_RANK];
  double *ones = take(NULL, n + 1, sizeof *ones);
  for (size_t i = 0; i < n; i++) ones[i] = 1;
  for (int k = 0; k < dz_rank(y); k++) dims[k] = dz_extent(y, k);
  dz_var seed = dz_rank(y) ? dz_leaf_tensor(m->tape, DZ_ROLE_DATA, dz_rank(y), dims, ones) : dz_num(1);
  if (dz_backward_with(y, seed) == DZ_OK) dz_diagnose(y);
  free(ones);
}

int verb_jacobian(const options *o) {
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  check_wants(&w);
  row *rows = take(NULL, w.count + 1, sizeof *rows);
  rows[0] = value_row(&m);
  for (size_t i = 0; i < w.count; i++) {
    rows[i + 1] = block(&m, m.result, w.at[i].node);
    rows[i + 1].label = label("d", model_name(&m), w.at[i].name, NULL);
  }
  diagnose(&m, m.result);
  if (o->json) {
    cJSON *object = head_json(&m), *blocks = json_object();
    for (size_t i = 0; i < w.count; i++) json_put(blocks, w.at[i].name, block_json(&rows[i + 1]));
    json_put(object, "jacobian", blocks);
    json_put(object, "notes", json_notes(m.tape));
    json_print(object);
  } else {
    print_rows(&m, rows, w.count + 1, o->digits);
  }
  free_rows(rows, w.count + 1);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}

/* The gradients as nodes, one per name. */
static dz_var *gradients(const model *m, const wants *w) {
  dz_var *xs = take(NULL, w->count, sizeof *xs), *g = take(NULL, w->count, sizeof *g);
  for (size_t i = 0; i < w->count; i++) xs[i] = w->at[i].node;
  dz_status status = dz_grad(m->result, (int)w->count, xs, g);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  free(xs);
  return g;
}

int verb_hessian(const options *o) {
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  check_wants(&w);
  if (dz_size(m.result) != 1) model_no_scalar(&m, "sum it, as in sum(...)");
  size_t n = w.count;
  row *rows = take(NULL, n * n + 1, sizeof *rows);
  rows[0] = value_row(&m);
  dz_var *g = gradients(&m, &w);
  diagnose(&m, m.result);
  for (size_t i = 0; i < n; i++) {
    bool finite = true;
    for (size_t j = 0; j < n; j++) {
      row *r = &rows[1 + i * n + j];
      *r = block(&m, g[i], w.at[j].node);
      r->label = label("d2", model_name(&m), w.at[i].name, w.at[j].name);
      finite = finite && all_finite(r->values, dz_size(g[i]) * dz_size(w.at[j].node));
    }
    if (!finite && dz_is_active(g[i])) diagnose(&m, g[i]);
  }
  if (o->json) {
    cJSON *object = head_json(&m), *outer = json_object();
    for (size_t i = 0; i < n; i++) {
      cJSON *inner = json_object();
      for (size_t j = 0; j < n; j++) json_put(inner, w.at[j].name, block_json(&rows[1 + i * n + j]));
      json_put(outer, w.at[i].name, inner);
    }
    json_put(object, "hessian", outer);
    json_put(object, "notes", json_notes(m.tape));
    json_print(object);
  } else {
    print_rows(&m, rows, n * n + 1, o->digits);
  }
  free(g);
  free_rows(rows, n * n + 1);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}
