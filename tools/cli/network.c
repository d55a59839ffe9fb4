#include "network.h"

#include "buffer.h"
#include "limits.h"
#include "suggest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the program needs ---- */

const char *const network_counters[COUNTERS] = {"step", "training"};

/* Whether it is one of them. */
static bool note_counter(network *n, const char *name) {
  for (int k = 0; k < COUNTERS; k++) {
    if (strcmp(name, network_counters[k]) != 0) continue;
    n->counts[k] = true;
    return true;
  }
  return false;
}

/* Data leaves that have no value: first the samples, then their targets. */
static void find_data(network *n, const options *o) {
  for (size_t i = 0; i < dz_program_leaf_count(n->m.program); i++) {
    dz_program_leaf leaf = dz_program_leaf_at(n->m.program, i);
    if (leaf.role != DZ_ROLE_DATA || bindings_find(&n->m.bindings, leaf.name) != NULL) continue;
    if (note_counter(n, leaf.name)) continue;
    if (n->t != NULL)
      die(STATUS_USAGE, "%s: '%s' has no value: --data fills '%s' and --target '%s'; give it as %s=...",
          n->m.source.name, leaf.name, n->x, n->t, leaf.name);
    *(n->x == NULL ? &n->x : &n->t) = take_text(leaf.name, strlen(leaf.name));
  }
  if (n->x == NULL)
    die(STATUS_USAGE, "%s: nothing takes the samples: declare `data X` in the program", n->m.source.name);
  if (n->t == NULL && o->learn.target != NULL)
    die(STATUS_USAGE, "%s: nothing takes the target: declare `data T` behind `data %s` in the program",
        n->m.source.name, n->x);
}

static void find_output(network *n, const options *o) {
  const char *name;
  char hint[128];
  suggestion near = suggest(o->learn.output != NULL ? o->learn.output : "y");
  for (size_t i = 0; (name = dz_program_definition(n->m.program, i)) != NULL; i++) {
    suggest_name(&near, name);
    if (strcmp(name, near.word) == 0) n->output = name;
  }
  if (n->output == NULL && o->learn.output != NULL)
    die(STATUS_USAGE, "--predict: the program defines no '%s'%s", o->learn.output, suggest_text(&near, hint));
}

static void place(network *n, const char *name, dz_role role, const tensor *v) {
  dz_tape *t = n->m.tape;
  dz_var x = v->rank == 0 ? dz_leaf(t, role, v->data[0]) : dz_leaf_tensor(t, role, v->rank, v->dims, v->data);
  dz_status status = dz_valid(x) ? dz_set_name(x, name) : DZ_ERR_MEMORY;
  if (status != DZ_OK) die_status(&n->m.source, dz_tape_error(t), status);
}

static void record(network *n, const dataset *d, const size_t *order, size_t count, uint64_t seed) {
  tensor x = dataset_take(&d->x, order, count);
  place(n, n->x, DZ_ROLE_DATA, &x);
  tensor_free(&x);
  if (n->t != NULL) {
    tensor t = dataset_take(&d->t, order, count);
    place(n, n->t, DZ_ROLE_DATA, &t);
    tensor_free(&t);
  }
  for (int k = 0; k < COUNTERS; k++)
    if (n->counts[k]) place(n, network_counters[k], DZ_ROLE_DATA, &(tensor){.count = 1, .data = &n->said[k]});
  if (n->before > 0) dz_tape_share(n->m.tape, n->before, count);
  n->m.result = dz_program_record(n->m.program, n->m.tape, seed);
  dz_tape_share(n->m.tape, 0, 0);
  if (dz_tape_error(n->m.tape)->status != DZ_OK || !dz_valid(n->m.result))
    die_status(&n->m.source, dz_tape_error(n->m.tape), DZ_ERR_HANDLE);
}

/* ---- parameters ---- */

static _Noreturn void wrong_shape(const tensor_file *f, const dz_program_leaf *leaf, const tensor *v) {
  buffer b = {0};
  buffer_shape(&b, v->rank, v->dims);
  buffer_text(&b, ", the program declares ");
  buffer_shape(&b, leaf->rank, leaf->dims);
  die(STATUS_FILE, "%s: '%s' has shape %.*s", f->path, leaf->name, (int)b.size, b.text);
}

static void place_from_file(network *n, const dz_program_leaf *leaf, const tensor_file *f) {
  const tensor *v = tensor_file_find(f, leaf->name);
  if (v == NULL) die(STATUS_FILE, "%s: it holds no '%s', which the program wants", f->path, leaf->name);
  bool same = leaf->rank < 0 || v->rank == leaf->rank;
  for (int k = 0; same && k < leaf->rank; k++) same = v->dims[k] == leaf->dims[k];
  if (!same) wrong_shape(f, leaf, v);
  place(n, leaf->name, DZ_ROLE_PARAM, v);
}

/* Parameters, in the program's order, and what else has a value, on an empty tape. `made` holds parameters
 * that initialisers have made; NULL: they are still to come. */
static void place_all(network *n, const tensor_file *f, const tensor *made) {
  for (size_t i = 0; i < dz_program_leaf_count(n->m.program); i++) {
    dz_program_leaf leaf = dz_program_leaf_at(n->m.program, i);
    const binding *b = bindings_find(&n->m.bindings, leaf.name);
    if (made != NULL && made[i].data != NULL)
      place(n, leaf.name, DZ_ROLE_PARAM, &made[i]);
    else if (leaf.role == DZ_ROLE_PARAM && f != NULL)
      place_from_file(n, &leaf, f);
    else if (b != NULL)
      place(n, leaf.name, leaf.role == DZ_ROLE_PARAM ? DZ_ROLE_PARAM : DZ_ROLE_DATA, &b->value);
  }
}

static void keep_params(network *n) {
  for (size_t i = 0; i < dz_program_leaf_count(n->m.program); i++) {
    dz_program_leaf leaf = dz_program_leaf_at(n->m.program, i);
    dz_var x = dz_named(n->m.tape, leaf.name);
    if (leaf.role != DZ_ROLE_PARAM || !dz_valid(x)) continue;
    n->params = take(n->params, n->count + 1, sizeof *n->params);
    n->names = take(n->names, n->count + 1, sizeof *n->names);
    n->names[n->count] = leaf.name;
    n->params[n->count++] = x;
    n->size += dz_size(x);
  }
}

/* The tape is made anew with the parameters first and nothing that depends on samples before the mark. */
static void settle_params(network *n, const tensor_file *f) {
  size_t count = dz_program_leaf_count(n->m.program);
  tensor *made = take(NULL, count, sizeof *made);
  for (size_t i = 0; i < count; i++) {
    dz_program_leaf leaf = dz_program_leaf_at(n->m.program, i);
    dz_var x = dz_named(n->m.tape, leaf.name);
    made[i] = leaf.role == DZ_ROLE_PARAM && dz_valid(x) ? tensor_of(x) : (tensor){0};
  }
  dz_tape_clear(n->m.tape);
  place_all(n, f, made);
  for (size_t i = 0; i < count; i++) tensor_free(&made[i]);
  free(made);
  keep_params(n);
  n->m.leaves = dz_tape_mark(n->m.tape);
}

void network_values(const network *n, double *x) {
  for (size_t k = 0; k < n->count; k++) {
    if (dz_size(n->params[k]) > 0) memcpy(x, dz_values(n->params[k]), dz_size(n->params[k]) * sizeof *x);
    x += dz_size(n->params[k]);
  }
}

void network_set(const network *n, const double *x) {
  for (size_t k = 0; k < n->count; k++) {
    dz_set(n->params[k], x, dz_size(n->params[k]));
    x += dz_size(n->params[k]);
  }
}

/* ---- classes ---- */

/* Whether all are a or b, and both occur. */
static bool all_of(const tensor *t, double a, double b) {
  size_t of_a = 0, of_b = 0;
  for (size_t i = 0; i < t->count; i++) {
    of_a += t->data[i] == a;
    of_b += t->data[i] == b;
  }
  return of_a > 0 && of_b > 0 && of_a + of_b == t->count;
}

static bool all_below(const tensor *t, size_t n) {
  for (size_t i = 0; i < t->count; i++)
    if (!(t->data[i] >= 0 && t->data[i] < (double)n) || floor(t->data[i]) < t->data[i]) return false;
  return true;
}

/* Of the first `rows` samples' outputs and of all targets. */
static class_form form_of(dz_var y, const dataset *d, size_t rows) {
  size_t per_row = dz_size(y) / rows, per_target = d->t.count / d->rows;
  if (!dz_valid(y) || d->t.data == NULL || dz_rank(y) < 1 || dz_extent(y, 0) != rows) return NO_CLASSES;
  if (dz_rank(y) == 2 && per_row > 1 && d->t.rank == 1)
    return all_below(&d->t, per_row) ? CLASS_NUMBERS : NO_CLASSES;
  if (per_row > 1 && d->t.rank == dz_rank(y) && per_target == per_row)
    return all_of(&d->t, 0, 1) ? ONE_OF_MANY : NO_CLASSES;
  if (per_row != 1 || per_target != 1) return NO_CLASSES;
  return all_of(&d->t, 0, 1) ? ZERO_OR_ONE : all_of(&d->t, -1, 1) ? MINUS_OR_PLUS : NO_CLASSES;
}

static size_t largest(const double *x, size_t n) {
  size_t best = 0;
  for (size_t k = 1; k < n; k++)
    if (x[k] > x[best]) best = k;
  return best;
}

double network_class(class_form form, const double *y, size_t n) {
  if (form == ZERO_OR_ONE) return y[0] > .5;
  if (form == MINUS_OR_PLUS) return y[0] > 0 ? 1 : -1;
  return (double)largest(y, n);
}

double network_truth(const network *n, const dataset *d, size_t i) {
  if (n->form == NO_CLASSES) return 0;
  size_t each = d->t.count / d->rows;
  const double *t = d->t.data + i * each;
  return n->form == ONE_OF_MANY ? (double)largest(t, each) : t[0];
}

size_t network_hits(const network *n, const dataset *d, const size_t *order, size_t count, const double *y,
                    size_t width) {
  if (n->form == NO_CLASSES) return 0;
  size_t hits = 0;
  for (size_t i = 0; i < count; i++)
    hits += network_class(n->form, y + i * width, width) == network_truth(n, d, order[i]);
  return hits;
}

/* ---- all of it ---- */

void network_record(network *n, const dataset *d, const size_t *order, size_t count) {
  dz_tape_rewind(n->m.tape, n->m.leaves);
  record(n, d, order, count, 0);
}

double *network_ask(network *n, const dataset *d, const double *samples, size_t count, size_t *width) {
  size_t rows = d->rows, each = d->x.count / rows, *order = take(NULL, rows, sizeof *order);
  n->said[COUNTER_TRAINING] = 0;
  dataset asked = {.rows = rows, .x = d->x, .t = d->t};
  double *z = NULL;
  asked.x.data = take(NULL, d->x.count, sizeof(double));
  for (size_t i = 0; i < rows; i++) order[i] = i;
  for (size_t from = 0; from < count; from += rows) {
    for (size_t i = 0; i < rows; i++)
      memcpy(asked.x.data + i * each, samples + (from + i) % count * each, each * sizeof(double));
    network_record(n, &asked, order, rows);
    dz_var y = dz_named(n->m.tape, n->output);
    *width = dz_size(y) / rows;
    if (z == NULL) z = take(NULL, count * *width, sizeof *z);
    memcpy(z + from * *width, dz_values(y), (count - from < rows ? count - from : rows) * *width * sizeof *z);
  }
  free(asked.x.data);
  free(order);
  return z;
}

network network_read(const options *o, const dataset *d, size_t count, uint64_t seed,
                     const tensor_file *file) {
  dz_error error;
  network n = {.single = o->single};
  if (o->count == 0) die(STATUS_USAGE, "dz %s needs a program: MODEL.dz", o->verb->name);
  n.m.source = source_read(o->words[0]);
  n.m.program = dz_program_parse(n.m.source.text, n.m.source.size, n.m.source.name, NULL, &error);
  if (n.m.program == NULL) die_at(&n.m.source, &error);
  n.m.bindings = bindings_read(o->words + 1, o->count - 1);
  model_check_unused(&n.m);
  find_data(&n, o);
  find_output(&n, o);
  if (n.t != NULL && d->t.data == NULL)
    die(STATUS_USAGE, "'%s' has no value: --target says which column it is", n.t);
  n.m.tape = limits_tape();
  place_all(&n, file, NULL);
  size_t *order = take(NULL, count, sizeof *order);
  for (size_t i = 0; i < count; i++) order[i] = i;
  record(&n, d, order, count, seed);
  free(order);
  n.form = n.output != NULL ? form_of(dz_named(n.m.tape, n.output), d, count) : NO_CLASSES;
  if (dz_size(n.m.result) != 1) model_no_scalar(&n.m, "the last line must be the loss, as mean(...)");
  settle_params(&n, file);
  return n;
}

void network_free(network *n) {
  free(n->x);
  free(n->t);
  network_plans_free(n);
  free(n->params);
  free(n->names);
  model_free(&n->m);
}
