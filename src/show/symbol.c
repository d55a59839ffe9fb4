/* Formulas of a trace. The graph is recorded once more on a tape of its own, where gradients become nodes
   beside it; terms of these are simplified, said in terms of named results, and laid out as nodes again. */
#include "show/symbol_work.h"

#include "derive/simplify.h"
#include "dz/derive.h"
#include "tape/tape.h"

#include <string.h>

#undef dz_grad_with

enum { MOST = 60 };

/* From 1, which E multiplies at the end; of a tensor from E, whose elements differ. */
static dz_status derive(dz__work *w, int n, const dz_var *at, dz_var *g) {
  dz_var y = w->y->handle[dz__work_top(w)];
  return dz_grad_with(y, w->scalar ? dz_num(1) : w->seed, n, at, g);
}

static bool derive_all(dz__work *w) {
  size_t n = 0, count = w->of->nseen;
  dz_var *at = dz__alloc(&w->y->alloc, 2 * count * sizeof *at), *g = at ? at + count : NULL;
  if (!at) return false;
  for (size_t i = 0; i < count; i++)
    if (dz_is_active(w->y->handle[i])) at[n++] = w->y->handle[i];
  bool done = n == 0 || derive(w, (int)n, at, g) == DZ_OK;
  n = 0;
  for (size_t i = 0; i < count && done; i++)
    if (dz_is_active(w->y->handle[i])) w->gradient[i] = g[n++];
  dz__free(&w->y->alloc, at, 2 * count * sizeof *at);
  return done;
}

/* ---- terms ---- */

uint32_t dz__work_leaf(dz__work *w, dz_var x) { return dz__term_leaf(&w->terms, x); }

/* The numbers of leaves come first, E's before all: that is the order of factors. */
static void begin_terms(dz__work *w) {
  dz__terms *s = &w->terms;
  dz__work_leaf(w, w->seed);
  for (size_t i = 0; i < w->of->nseen; i++) {
    const dz__seen *x = dz__work_seen(w, i);
    if (!dz_name(w->y->handle[i])) continue; /* no operation has one yet */
    uint32_t term = dz__work_leaf(w, w->y->handle[i]);
    if (!w->y->node[i].fixed) continue;
    w->from[w->fixed] = term;
    w->by[w->fixed++] = dz__term_number(s, x->value[0]);
  }
  s->later = dz__work_leaf(w, w->alias[dz__work_top(w)]);
  for (size_t i = 0; i < w->of->nseen; i++)
    if (!dz__work_is_leaf(dz__work_seen(w, i))) dz__work_leaf(w, w->alias[i]);
}

uint32_t dz__work_term(dz__work *w, dz_var x) {
  w->terms.fuel += 4096;
  return dz__replaced(&w->terms, dz__term_of_graph(&w->terms, x), w->fixed, w->from, w->by);
}

/* Sums of data that are 1 at every place: probabilities. Known by their numbers only. */
static uint32_t with_ones(dz__work *w, uint32_t term) {
  dz__terms *s = &w->terms;
  for (uint32_t i = 0; i < s->terms.n; i++) {
    const dz__term *x = dz__term_at(s, i);
    if (x->kind != DZ__K_CALL || x->fn != DZ__F_sum) continue;
    const dz__term *of = dz__term_at(s, dz__parts_of(s, i)->term);
    if (of->kind != DZ__K_LEAF || of->flags & DZ__IS_ACTIVE) continue;
    dz_var leaf = dz__handle(w->y->tape, of->node);
    dz_var sum = dz__record(DZ__F_sum, 1, &leaf, (int)x->attrs, (const int64_t *)s->attrs.at + x->attr0);
    const double *v = dz_values(sum);
    size_t n = dz_size(sum), ones = 0;
    while (ones < n && v[ones] == 1) ones++;
    if (n == 0 || ones < n) continue;
    uint32_t before = term;
    term = dz__replaced(s, term, 1, &i, &s->one);
    s->guesses += term != before;
  }
  return term;
}

uint32_t dz__work_gradient(dz__work *w, dz_var g) {
  uint32_t term = dz__spread(&w->terms, dz__work_term(w, g));
  return with_ones(w, term);
}

uint32_t dz__work_with_seed(dz__work *w, uint32_t term) {
  if (!w->scalar) return term;
  uint32_t both[] = {dz__work_leaf(w, w->seed), term};
  return dz__with_signs_out(&w->terms, dz__term_apply(&w->terms, DZ__F_mul, 2, both, 0, NULL, 0));
}

/* The term as a node of the tape, when it is not too long. */
bool dz__work_lay_out(dz__work *w, uint32_t term, size_t guesses, dz__formal *to) {
  double times;
  size_t length = dz__term_length(&w->terms, term, w->terms.zero, &times);
  if (w->terms.failed) return false;
  if (length > w->most) return true;
  to->is = dz__emit_term(&w->terms, term);
  to->guesses = guesses;
  w->y->guesses += guesses;
  return dz_valid(to->is);
}

/* In terms of what has a name, the latest first, and of the result: inside the graph where that is a function
   itself, as tanh' = 1 - z^2. */
uint32_t dz__work_in_names(dz__work *w, uint32_t term, bool of_leaf) {
  for (size_t i = w->of->nseen; i-- > 0;) {
    const dz__seen *s = dz__work_seen(w, i);
    if (dz__work_is_leaf(s) || (i != dz__work_top(w) && !s->name)) continue;
    if (i == dz__work_top(w) && !of_leaf && dz__term_at(&w->terms, w->value[i])->kind != DZ__K_CALL) continue;
    term = dz__expressed(&w->terms, term, w->value[i], dz__work_leaf(w, w->alias[i]), i != dz__work_top(w));
  }
  return term;
}

/* With the names of results before it in place of what they are. */
static uint32_t over_names(dz__work *w, size_t i) {
  uint32_t term = w->value[i];
  for (size_t j = i; j-- > 0;) {
    const dz__seen *s = dz__work_seen(w, j);
    uint32_t kind = dz__term_at(&w->terms, w->value[j])->kind;
    if (dz__work_is_leaf(s) || !s->name || kind == DZ__K_NUMBER || kind == DZ__K_LEAF) continue;
    uint32_t name = dz__work_leaf(w, w->alias[j]);
    term = dz__replaced(&w->terms, term, 1, &w->value[j], &name);
  }
  return term;
}

/* A maximum is equal to one of its operands, by its name too. */
static void name_as(dz__work *w, dz_var alias, uint32_t value) {
  const uint32_t term = dz__work_leaf(w, alias);
  if (w->terms.failed) return;
  dz__term *name = dz__term_at(&w->terms, term);
  if (!(dz__term_at(&w->terms, value)->flags & DZ__IS_SMOOTH)) name->flags &= (uint8_t)~DZ__IS_SMOOTH;
}

static bool values(dz__work *w) {
  for (size_t i = 0; i < w->of->nseen; i++) {
    size_t before = w->terms.guesses;
    w->value[i] = dz__work_term(w, w->y->handle[i]);
    if (!dz__work_is_leaf(dz__work_seen(w, i))) name_as(w, w->alias[i], w->value[i]);
    if (!dz__work_lay_out(w, over_names(w, i), w->terms.guesses - before, &w->y->node[i].value)) return false;
  }
  return true;
}

static bool gradients(dz__work *w) {
  for (size_t i = 0; i < w->of->nseen; i++) {
    if (!w->gradient[i].tape) continue;
    size_t before = w->terms.guesses;
    uint32_t term = dz__work_gradient(w, w->gradient[i]);
    term = dz__work_in_names(w, term, dz__work_is_leaf(dz__work_seen(w, i)));
    if (!dz__work_lay_out(w, dz__work_with_seed(w, term), w->terms.guesses - before, &w->y->node[i].gradient))
      return false;
  }
  return true;
}

/* ---- the whole ---- */

static bool work_all(dz__work *w, const dz__symbol_options *o) {
  dz__work_fix(w, o->constants);
  w->scalar = dz__work_seen(w, dz__work_top(w))->size == 1;
  w->seed = dz__work_seed(w);
  if (!dz_valid(w->seed) || !dz__work_copy(w) || !dz__work_name(w, o->result) || !derive_all(w)) return false;
  begin_terms(w);
  if (!values(w) || !gradients(w) || !dz__work_uses(w) || !dz__work_locals(w)) return false;
  dz__work_check(w);
  return true;
}

static bool begin(dz__work *w) {
  size_t n = w->of->nseen;
  w->y->node = dz__alloc(&w->y->alloc, n * sizeof *w->y->node);
  w->y->use = dz__alloc(&w->y->alloc, w->of->nuse * sizeof *w->y->use);
  w->y->handle = dz__alloc(&w->y->alloc, n * sizeof *w->y->handle);
  w->gradient = dz__alloc(&w->y->alloc, n * sizeof *w->gradient);
  w->alias = dz__alloc(&w->y->alloc, n * sizeof *w->alias);
  w->value = dz__alloc(&w->y->alloc, 3 * n * sizeof *w->value);
  w->y->tape = dz_tape_new(&w->y->alloc);
  if (!w->y->node || (w->of->nuse && !w->y->use) || !w->y->handle || !w->gradient || !w->alias || !w->value ||
      !w->y->tape)
    return false;
  memset(w->y->node, 0, n * sizeof *w->y->node);
  if (w->of->nuse) memset(w->y->use, 0, w->of->nuse * sizeof *w->y->use);
  memset(w->gradient, 0, n * sizeof *w->gradient);
  w->from = w->value + n;
  w->by = w->from + n;
  dz__lend_users(w->y->tape, w->of->seen[0].var.tape);
  return true;
}

static void end(dz__work *w) {
  size_t n = w->of->nseen;
  dz__terms_free(&w->terms);
  dz__free(&w->y->alloc, w->gradient, n * sizeof *w->gradient);
  dz__free(&w->y->alloc, w->alias, n * sizeof *w->alias);
  dz__free(&w->y->alloc, w->value, 3 * n * sizeof *w->value);
}

dz_status dz__symbols_make(const dz__trace *trace, const dz__symbol_options *o, dz__symbols *symbols) {
  dz__rules rules;
  *symbols = (dz__symbols){.alloc = trace->alloc, .of = trace};
  dz__work w = {.y = symbols, .of = trace, .most = o->most ? o->most : MOST, .names = o->names};
  dz_status status = dz__rules_read(&trace->alloc, &rules);
  if (status) return status;
  bool done = begin(&w) && dz__terms_init(&w.terms, symbols->tape, &rules);
  if (done) {
    w.terms.book = true;
    done = work_all(&w, o);
  }
  if (!done && symbols->tape) status = dz_tape_error(symbols->tape)->status;
  if (!done && !status) status = DZ_ERR_MEMORY;
  end(&w);
  dz__rules_free(&rules);
  if (status) dz__symbols_free(symbols);
  return status;
}

void dz__symbols_free(dz__symbols *y) {
  if (y->tape) dz__lend_users(y->tape, NULL);
  dz_tape_free(y->tape);
  if (y->of) {
    dz__free(&y->alloc, y->node, y->of->nseen * sizeof *y->node);
    dz__free(&y->alloc, y->handle, y->of->nseen * sizeof *y->handle);
    dz__free(&y->alloc, y->use, y->of->nuse * sizeof *y->use);
  }
  *y = (dz__symbols){.alloc = y->alloc};
}
