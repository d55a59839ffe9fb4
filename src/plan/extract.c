/* The one place where a plan reads a tape: in recording order, once. What does not depend on the inputs is
   not taken along; where it is an operand its value stands as a constant, which is all of constant folding.
 */
#include "plan/extract.h"

#include "kernels/pointwise.h"
#include "tape/sweep.h"

static dz_status no_memory(dz__extraction *x) {
  return dz__fail(x->error, DZ_ERR_MEMORY, "plan", "out of memory for the graph");
}

uint32_t dz__element_node(dz__extraction *x, uint32_t i, size_t e) {
  uint32_t at = x->map[i];
  dz_var v = dz__handle(x->t, i);
  if (at != DZ__FROZEN && dz__flags(v) & DZ__TENSOR) at = x->item[at + e];
  return at == DZ__FROZEN ? dz__graph_number(x->g, dz__element_of(v, e)) : at;
}

bool dz__item_room(dz__extraction *x, size_t n) {
  if (x->items + n > DZ__MOST_NODES) return x->g->full = true, false;
  return dz__grow(&x->g->alloc, (void **)&x->item, &x->item_cap, x->items + n, sizeof *x->item);
}

/* ---- inputs ---- */

/* Each element has an item, whose number is that of the input: also those of scalars, and of leaves that no
   output can need. */
static dz_status add_input(dz__extraction *x, dz_var v, int k) {
  uint32_t i = dz__index(v), number = (uint32_t)x->items;
  if (v.tape != x->t || !dz_valid(v))
    return dz__fail(x->error, DZ_ERR_HANDLE, "plan", "input %d is not a live node of the outputs' tape", k);
  if (dz_role_of(v) == DZ_ROLE_NONE)
    return dz__fail(x->error, DZ_ERR_ARGUMENT, "plan", "input %d is no leaf of the tape", k);
  size_t size = dz_size(v);
  if (!dz__item_room(x, size)) return no_memory(x);
  x->items += size;
  if (i > x->top) return DZ_OK;
  if (x->map[i] != DZ__FROZEN) return dz__fail(x->error, DZ_ERR_ARGUMENT, "plan", "input %d stands twice", k);
  if (!dz__graph_room(x->g, size, size)) return no_memory(x);
  unsigned flags = dz_is_active(v) ? DZ__N_ACTIVE : 0;
  x->map[i] = dz__flags(v) & DZ__TENSOR ? number : (uint32_t)x->g->n;
  for (size_t e = 0; e < size; e++, number++)
    x->item[number] = dz__graph_push(x->g, DZ__P_INPUT, flags, 1, &number);
  return DZ_OK;
}

/* ---- operations ---- */

static bool frozen(const dz__extraction *x, dz_var v) {
  return dz_is_number(v) || x->map[dz__index(v)] == DZ__FROZEN;
}

/* Operand `at` of a scalar operation: of the tape's numbers where it is pooled. */
static uint32_t scalar_node(dz__extraction *x, bool pooled, uint32_t at) {
  if (pooled) return dz__graph_number(x->g, x->t->pool[at]);
  return x->map[at] == DZ__FROZEN ? dz__graph_number(x->g, x->t->cell[at].value) : x->map[at];
}

/* Nearly all nodes are of this kind, so it reads the tape's cells, not handles. */
static dz_status extract_scalar(dz__extraction *x, uint32_t i) {
  const dz__code_line code = dz__codes[dz__node_code(x->t, i)];
  const unsigned fn = code.fn, variant = code.variant;
  unsigned flags = 0;
  dz__pair in = dz__operands(x->t, i);
  size_t nargs = dz__ops[fn].arity > 1 ? 2 : 1;
  bool first = variant == DZ__CV, second = variant == DZ__VC;
  if ((first || x->map[in.a] == DZ__FROZEN) && (nargs < 2 || second || x->map[in.b] == DZ__FROZEN))
    return DZ_OK;
  uint32_t args[2] = {scalar_node(x, first, in.a), nargs > 1 ? scalar_node(x, second, in.b) : 0};
  if (args[0] == DZ__NO_NODE || args[1] == DZ__NO_NODE) return no_memory(x);
  if (dz__breaks_ties(fn) && variant == DZ__VV) flags = DZ__N_TIE;
  if (dz__has_slope(fn))
    flags |= (x->g->flags[args[0]] | (nargs > 1 ? x->g->flags[args[1]] : 0)) & DZ__N_ACTIVE;
  x->map[i] = dz__graph_add(x->g, fn, flags, nargs, args);
  return x->map[i] == DZ__NO_NODE ? no_memory(x) : DZ_OK;
}

static bool all_frozen(const dz__extraction *x, dz_var v, uint32_t nargs) {
  for (uint32_t k = 0; k < nargs; k++)
    if (!frozen(x, dz_operand(v, (int)k))) return false;
  return true;
}

static dz_status extract_node(dz__extraction *x, uint32_t i) {
  unsigned code = dz__node_code(x->t, i);
  if (code > DZ__WIDE) return extract_scalar(x, i);
  dz_var v = dz__handle(x->t, i);
  if (dz_role_of(v) != DZ_ROLE_NONE) return DZ_OK;
  const dz__wide *w = dz__wide_of(x->t, i);
  return all_frozen(x, v, w->nargs) ? DZ_OK : dz__extract_wide(x, i, w);
}

static dz_status extract_outputs(dz__extraction *x, const dz__wanted *w) {
  for (int k = 0; k < w->outputs; k++)
    for (size_t e = 0; e < dz_size(w->ys[k]); e++)
      if (!dz__graph_output(x->g, dz__element_node(x, dz__index(w->ys[k]), e))) return no_memory(x);
  return DZ_OK;
}

static dz_status extract_branches(dz__extraction *x, dz__guards *guards) {
  const dz__tape *s = dz__of_const(x->t);
  for (size_t k = 0; k < s->nbranches; k++) {
    const dz__held *b = &s->branches[k];
    uint32_t i = dz__index(b->condition);
    if (!dz_valid(b->condition) || i > x->top || x->map[i] == DZ__FROZEN) continue;
    if (!dz__grow(&guards->alloc, (void **)&guards->at, &guards->cap, guards->n + 1, sizeof *guards->at) ||
        !dz__graph_output(x->g, x->map[i]))
      return no_memory(x);
    guards->at[guards->n++] = (dz__guard){b->file, b->line, b->held};
  }
  return DZ_OK;
}

static dz_status extract_all(dz__extraction *x, const dz__wanted *w, dz__guards *guards) {
  dz_status status = DZ_OK;
  for (uint32_t i = 0; i <= x->top; i++) x->map[i] = DZ__FROZEN;
  if (dz__graph_number(x->g, 0) != 0) return no_memory(x); /* node 0: what tensor operations fill up with */
  for (int k = 0; k < w->inputs && !status; k++) status = add_input(x, w->xs[k], k);
  for (uint32_t i = 0; i <= x->top && !status; i++) status = extract_node(x, i);
  if (!status) status = extract_outputs(x, w);
  return status ? status : extract_branches(x, guards);
}

dz_status dz__extract(const dz__wanted *w, dz__graph *g, dz__guards *guards, dz__program *p,
                      dz_error *error) {
  dz_tape *t = w->ys[0].tape;
  dz__extraction x = {.t = t, .g = g, .program = p, .error = error};
  for (int k = 0; k < w->outputs; k++) {
    if ((uintptr_t)w->ys[k].tape <= 1 || w->ys[k].tape != t || !dz_valid(w->ys[k]))
      return dz__fail(error, DZ_ERR_HANDLE, "plan", "output %d is not a live node", k);
    if (dz__index(w->ys[k]) > x.top) x.top = dz__index(w->ys[k]);
  }
  size_t bytes = ((size_t)x.top + 1) * sizeof *x.map;
  x.map = dz__alloc(&g->alloc, bytes);
  dz_status status = x.map ? extract_all(&x, w, guards) : no_memory(&x);
  dz__free(&g->alloc, x.map, bytes);
  dz__free(&g->alloc, x.item, x.item_cap * sizeof *x.item);
  return status;
}
