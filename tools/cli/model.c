#include "model.h"

#include "buffer.h"
#include "limits.h"
#include "suggest.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

static const char *leaf_name(const model *m, size_t i) { return dz_program_leaf_at(m->program, i).name; }

/* Most often a misspelt name. */
void model_check_unused(const model *m) {
  char hint[128];
  for (size_t k = 0; k < m->bindings.count; k++) {
    const char *name = m->bindings.at[k].name, *leaf;
    suggestion near = suggest(name);
    bool found = false;
    for (size_t i = 0; (leaf = leaf_name(m, i)) != NULL; i++) {
      found = found || strcmp(leaf, name) == 0;
      if (bindings_find(&m->bindings, leaf) == NULL && !dz_program_leaf_at(m->program, i).constant)
        suggest_name(&near, leaf);
    }
    if (found) continue;
    for (size_t i = 0; dz_program_definition(m->program, i) != NULL; i++)
      if (strcmp(dz_program_definition(m->program, i), name) == 0)
        die(STATUS_USAGE, "'%s' is defined by the program: it cannot be given a value too", name);
    die(STATUS_USAGE, "unused value '%s'%s", name,
        near.best != NULL ? suggest_text(&near, hint) : ": the expression has no such name");
  }
}

static bool word_like(const char *s) {
  size_t n = 0;
  while (s[n] >= 'a' && s[n] <= 'z') n++;
  return n > 2 && s[n] == '\0';
}

/* `dz chek 'x^2' x=1`: the first word looks like a verb, and what follows cannot be a value. */
static void check_verb(const options *o) {
  char hint[128];
  if (o->verb_given || o->count < 2 || !word_like(o->words[0]) || strchr(o->words[1], '=') != NULL) return;
  suggestion s = suggest(o->words[0]);
  for (size_t i = 0; verb_at(i) != NULL; i++) suggest_name(&s, verb_at(i)->name);
  die(STATUS_USAGE, "unknown verb '%s'%s", o->words[0],
      s.best != NULL ? suggest_text(&s, hint) : ": dz help lists them");
}

static void place_leaf(const model *m, const dz_program_leaf *leaf, const tensor *v) {
  dz_role role = leaf->constant ? DZ_ROLE_INPUT : leaf->role;
  dz_var x = v->rank == 0 ? dz_leaf(m->tape, role, v->data[0])
                          : dz_leaf_tensor(m->tape, role, v->rank, v->dims, v->data);
  dz_status status = dz_valid(x) ? dz_set_name(x, leaf->name) : DZ_ERR_MEMORY;
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
}

/* Any point will do, best one that lies inside the domain of most functions. */
static void place_generic(model *m, size_t i) {
  dz_program_leaf leaf = dz_program_leaf_at(m->program, i);
  tensor v = {.rank = leaf.rank > 0 ? leaf.rank : 0, .count = 1};
  for (int k = 0; k < v.rank; k++) v.count *= v.dims[k] = leaf.dims[k];
  v.data = take(NULL, v.count, sizeof *v.data);
  for (size_t k = 0; k < v.count; k++) v.data[k] = .3 + .37 * (double)i + .11 * (double)k;
  place_leaf(m, &leaf, &v);
  tensor_free(&v);
  m->generic = true;
}

model model_read(const options *o) {
  dz_error error;
  model m = {0};
  if (o->count == 0)
    die(STATUS_USAGE, "dz %s needs an expression, a file that ends in .dz, or '-': see dz help %s",
        o->verb->name, o->verb->name);
  check_verb(o);
  m.source = source_read(o->words[0]);
  m.program = dz_program_parse(m.source.text, m.source.size, m.source.name, NULL, &error);
  if (m.program == NULL) die_at(&m.source, &error);
  m.bindings = bindings_read(o->words + 1, o->count - 1);
  model_check_unused(&m);
  m.tape = limits_tape();
  for (size_t i = 0; i < dz_program_leaf_count(m.program); i++) {
    dz_program_leaf leaf = dz_program_leaf_at(m.program, i);
    const binding *b = bindings_find(&m.bindings, leaf.name);
    if (b != NULL)
      place_leaf(&m, &leaf, &b->value);
    else if (o->verb->bit & (FOR_DERIVE | FOR_EMIT | FOR_COST) && leaf.used && !leaf.constant &&
             !leaf.has_init)
      place_generic(&m, i);
  }
  m.leaves = dz_tape_mark(m.tape);
  m.result = dz_program_record(m.program, m.tape, 0);
  if (dz_tape_error(m.tape)->status != DZ_OK || !dz_valid(m.result))
    die_status(&m.source, dz_tape_error(m.tape), DZ_ERR_HANDLE);
  return m;
}

void model_free(model *m) {
  dz_tape_free(m->tape);
  dz_program_free(m->program);
  bindings_free(&m->bindings);
  source_free(&m->source);
}

const char *model_name(const model *m) {
  const char *name = dz_program_result(m->program);
  return name != NULL ? name : "f";
}

static _Noreturn void wrong_seed(const model *m, const tensor *seed) {
  buffer b = {0};
  tensor y = tensor_of(m->result);
  buffer_text(&b, "--seed has shape ");
  buffer_shape(&b, seed->rank, seed->dims);
  buffer_text(&b, ", the result has ");
  buffer_shape(&b, y.rank, y.dims);
  die(STATUS_USAGE, "%.*s", (int)b.size, b.text);
}

bool model_sweep(model *m, const char *seed) {
  dz_var by = dz_num(1);
  if (seed != NULL) {
    tensor v = tensor_read("--seed", seed);
    bool same = v.rank == dz_rank(m->result);
    for (int k = 0; same && k < v.rank; k++) same = v.dims[k] == dz_extent(m->result, k);
    if (!same) wrong_seed(m, &v);
    by = v.rank == 0 ? dz_num(v.data[0]) : dz_leaf_tensor(m->tape, DZ_ROLE_CONST, v.rank, v.dims, v.data);
    tensor_free(&v);
    data_free();
  } else if (dz_size(m->result) != 1) {
    return false;
  }
  dz_status status = dz_backward_with(m->result, by);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  return true;
}

_Noreturn void model_no_scalar(const model *m, const char *advice) {
  buffer b = {0};
  tensor y = tensor_of(m->result);
  buffer_shape(&b, y.rank, y.dims);
  die(STATUS_USAGE, "the result has shape %.*s, and a gradient is that of a number: %s", (int)b.size, b.text,
      advice);
}

/* Marks the nodes that the result depends on: operands have smaller numbers, so one pass down is enough. */
static unsigned char *reach(const model *m) {
  size_t top = dz_node_index(m->result);
  unsigned char *reached = take(NULL, top + 1, 1);
  memset(reached, 0, top + 1);
  reached[top] = 1;
  for (size_t i = top + 1; i-- > 0;) {
    if (!reached[i]) continue;
    dz_var x = dz_node_at(m->tape, i);
    int n = dz_describe(x).nargs;
    for (int k = 0; k < n; k++) {
      size_t j = dz_node_index(dz_operand(x, k));
      if (j < i) reached[j] = 1;
    }
  }
  return reached;
}

static void add_want(wants *w, const char *name, dz_var node) {
  w->at = take(w->at, w->count + 1, sizeof *w->at);
  w->at[w->count++] = (wanted){take_text(name, strlen(name)), node};
}

static _Noreturn void unknown_want(const model *m, const char *name) {
  char hint[128];
  suggestion s = suggest(name);
  for (size_t i = 0; leaf_name(m, i) != NULL; i++) suggest_name(&s, leaf_name(m, i));
  for (size_t i = 0; dz_program_definition(m->program, i) != NULL; i++)
    suggest_name(&s, dz_program_definition(m->program, i));
  die(STATUS_USAGE, "--wrt: the program has no name '%s'%s", name, suggest_text(&s, hint));
}

static bool program_has(const model *m, const char *name) {
  for (size_t i = 0; leaf_name(m, i) != NULL; i++)
    if (strcmp(leaf_name(m, i), name) == 0) return true;
  for (size_t i = 0; dz_program_definition(m->program, i) != NULL; i++)
    if (strcmp(dz_program_definition(m->program, i), name) == 0) return true;
  return false;
}

static wants chosen_wants(const model *m, const char *wrt) {
  wants w = {0};
  while (wrt != NULL) {
    const char *comma = strchr(wrt, ',');
    size_t size = comma != NULL ? (size_t)(comma - wrt) : strlen(wrt);
    char *name = name_read(wrt, size);
    if (name == NULL)
      die(STATUS_USAGE, "--wrt: '%.*s' is no name: --wrt a,b", (int)(size < 60 ? size : 60), wrt);
    if (!program_has(m, name)) unknown_want(m, name);
    for (size_t i = 0; i < w.count; i++)
      if (strcmp(w.at[i].name, name) == 0) die(STATUS_USAGE, "--wrt: '%s' comes twice", name);
    add_want(&w, name, dz_named(m->tape, name));
    free(name);
    wrt = comma != NULL ? comma + 1 : NULL;
  }
  return w;
}

wants model_wants(const model *m, const char *wrt) {
  wants w = {0};
  if (wrt != NULL) return chosen_wants(m, wrt);
  unsigned char *reached = reach(m);
  for (size_t i = 0; leaf_name(m, i) != NULL; i++) {
    dz_var x = dz_named(m->tape, leaf_name(m, i));
    size_t at = dz_node_index(x);
    if (at <= dz_node_index(m->result) && reached[at] && dz_is_active(x)) add_want(&w, leaf_name(m, i), x);
  }
  free(reached);
  return w;
}

void wants_free(wants *w) {
  for (size_t i = 0; i < w->count; i++) free(w->at[i].name);
  free(w->at);
}
