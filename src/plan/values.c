/* Code for values. */
#include "plan/lower.h"

#include <string.h>

/* ---- what both directions use ---- */

/* Products that are used once, as a term of a sum: it multiplies them itself. */
static void find_fused(dz__lowering *w) {
  const dz__graph *g = w->g;
  uint8_t *uses = w->started; /* up to 2; cleared again below */
  for (uint32_t i = 0; i < g->n; i++) {
    const uint32_t *args = dz__graph_args(g, i);
    for (size_t k = dz__first_node(g->kind[i]); k < dz__end_node(g->kind[i], dz__graph_nargs(g, i)); k++) {
      uint32_t x = dz__node_of(args[k]);
      uses[x] = (uint8_t)(uses[x] ? 2 : 1);
      w->fused[x] = g->kind[i] == DZ__P_SUM && g->kind[x] == DZ__F_mul;
    }
  }
  for (size_t k = 0; k < g->outs; k++) uses[g->out[k]] = 2;
  for (uint32_t i = 0; i < g->n; i++) w->fused[i] &= uses[i] == 1;
  memset(uses, 0, g->n);
}

/* spread[x] serves as the list of sines and cosines seen of x: the last one. */
static void find_siblings(dz__lowering *w) {
  const dz__graph *g = w->g;
  for (uint32_t i = 0; i < g->n; i++) {
    if (g->kind[i] != DZ__F_sin && g->kind[i] != DZ__F_cos) continue;
    uint32_t *seen = &w->spread[dz__graph_args(g, i)[0]];
    if (*seen != DZ__NOWHERE && g->kind[*seen] != g->kind[i]) w->sibling[i] = *seen, w->sibling[*seen] = i;
    *seen = i;
  }
  memset(w->spread, 0xff, g->n * sizeof *w->spread);
}

bool dz__lowering_init(dz__lowering *w, const dz__graph *g) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  uint32_t **lists[] = {&w->val, &w->adj, &w->slope, &w->sibling, &w->spread};
  bool done = true;
  w->g = g;
  w->alloc = &w->program->alloc;
  for (size_t k = 0; k < 5; k++) {
    *lists[k] = dz__alloc(a, bytes);
    if (*lists[k])
      memset(*lists[k], 0xff, bytes);
    else
      done = false;
  }
  w->fused = dz__alloc(a, g->n + 1);
  w->started = dz__alloc(a, g->n + 1);
  if (w->fused) memset(w->fused, 0, g->n + 1);
  if (w->started) memset(w->started, 0, g->n + 1);
  if (!done || !w->fused || !w->started) return false;
  find_fused(w);
  find_siblings(w);
  return true;
}

void dz__lowering_free(dz__lowering *w) {
  const dz_allocator *a = &w->g->alloc;
  size_t n = w->g->n + 1, bytes = n * sizeof(uint32_t);
  dz__free(a, w->val, bytes);
  dz__free(a, w->adj, bytes);
  dz__free(a, w->slope, bytes);
  dz__free(a, w->sibling, bytes);
  dz__free(a, w->spread, bytes);
  dz__free(a, w->fused, n);
  dz__free(a, w->started, n);
  dz__free(a, w->early, n);
}

uint32_t dz__register(dz__lowering *w) {
  if (w->registers >= DZ__MOST_PLACES) w->failed = w->program->full = true;
  return dz__place_at(DZ__REG, w->registers++ % DZ__MOST_PLACES);
}

dz__instruction *dz__instruct(dz__lowering *w, dz__step_op op, uint32_t d, uint32_t a) {
  dz__routine *c = w->to;
  if (!dz__grow(w->alloc, (void **)&c->at, &c->cap, c->n + 1, sizeof *c->at)) {
    w->failed = true;
    return NULL;
  }
  c->at[c->n] = (dz__instruction){.op = (uint8_t)op, .d = d, .a = a};
  return &c->at[c->n++];
}

uint32_t dz__note_places(dz__lowering *w, size_t n, const uint32_t *items) {
  dz__routine *c = w->to;
  uint32_t at = (uint32_t)c->lists;
  if (!dz__list_room(w->alloc, c, n)) {
    w->failed = true;
    return 0;
  }
  for (size_t k = 0; k < n; k++) c->list[c->lists++] = items[k];
  return at;
}

uint32_t dz__vector(dz__lowering *w, uint32_t place) {
  if (!dz__is_wide(w) || !dz__one_for_all(place)) return place;
  uint32_t d = dz__register(w);
  dz__instruct(w, DZ__I_SPREAD, d, place);
  return d;
}

uint32_t dz__vector_of(dz__lowering *w, uint32_t i) {
  if (w->spread[i] == DZ__NOWHERE) w->spread[i] = dz__vector(w, w->val[i]);
  return w->spread[i];
}

unsigned dz__mode(const dz__lowering *w, uint32_t a, uint32_t b) {
  if (!dz__is_wide(w)) return DZ__MODE_VV;
  return dz__one_for_all(b) ? DZ__MODE_VS : dz__one_for_all(a) ? DZ__MODE_SV : DZ__MODE_VV;
}
/* ---- values ---- */

static void binary(dz__lowering *w, dz__step_op op, uint32_t d, uint32_t a, uint32_t b) {
  if (dz__is_wide(w) && dz__one_for_all(a) && dz__one_for_all(b)) a = dz__vector(w, a);
  dz__instruction *i = dz__instruct(w, op, d, a);
  if (!i) return;
  i->b = b;
  i->mode = (uint8_t)dz__mode(w, a, b);
}

static void term(dz__lowering *w, uint32_t operand, uint32_t t[3]) {
  uint32_t x = dz__node_of(operand), a = w->val[x];
  t[0] = operand & DZ__MINUS ? DZ__SUBTRACT : 0;
  if (w->fused[x]) {
    const uint32_t *args = dz__graph_args(w->g, x);
    a = w->val[args[0]], t[2] = w->val[args[1]];
    if (dz__is_wide(w) && dz__one_for_all(a)) {
      uint32_t swapped = t[2];
      t[2] = a, a = dz__one_for_all(swapped) ? dz__vector_of(w, args[1]) : swapped;
    }
    t[0] |= dz__is_wide(w) && dz__one_for_all(t[2]) ? DZ__T_VS : DZ__T_VV;
  } else {
    t[0] |= dz__is_wide(w) && dz__one_for_all(a) ? DZ__T_S : DZ__T_V;
    t[2] = DZ__NOWHERE;
  }
  t[1] = a;
}

/* One term after another. The first of a sum is never subtracted. */
static void short_sum(dz__lowering *w, uint32_t i) {
  const uint32_t *args = dz__graph_args(w->g, i);
  for (size_t k = 0; k < dz__graph_nargs(w->g, i); k++) {
    uint32_t t[3];
    bool minus = args[k] & DZ__MINUS;
    term(w, args[k], t);
    if ((t[0] & DZ__T_MASK) >= DZ__T_VV)
      binary(w, minus ? DZ__I_MULSUB : k ? DZ__I_MULADD : DZ__I_MUL, w->val[i], t[1], t[2]);
    else
      dz__instruct(w, minus ? DZ__I_DEC : k ? DZ__I_ACC : DZ__I_MOV, w->val[i], dz__vector(w, t[1]));
  }
}

/* The terms of a sum stand together in the list, so what they need is computed first. */
static void sum(dz__lowering *w, uint32_t i) {
  const uint32_t *args = dz__graph_args(w->g, i);
  size_t n = dz__graph_nargs(w->g, i);
  bool plain = n <= 2 && !w->fused[dz__node_of(args[0])] && !w->fused[dz__node_of(args[n - 1])];
  if (plain) {
    uint32_t d = w->val[i], a = w->val[args[0]];
    if (n == 2)
      binary(w, args[1] & DZ__MINUS ? DZ__I_SUB : DZ__I_ADD, d, a, w->val[dz__node_of(args[1])]);
    else
      dz__instruct(w, DZ__I_MOV, d, dz__vector(w, a));
    return;
  }
  if (n <= DZ__FEW_TERMS) {
    short_sum(w, i);
    return;
  }
  uint32_t t[3], at = (uint32_t)w->to->lists;
  for (size_t k = 0; k < n; k++) {
    term(w, args[k], t);
    dz__note_places(w, 3, t);
  }
  dz__instruction *s = dz__instruct(w, DZ__I_SUM, w->val[i], at);
  if (s) s->b = (uint32_t)n;
}

static void function(dz__lowering *w, uint32_t i, bool slope) {
  unsigned kind = w->g->kind[i];
  const uint32_t *args = dz__graph_args(w->g, i);
  size_t n = dz__graph_nargs(w->g, i);
  uint32_t x = dz__vector_of(w, args[0]), in[3] = {x, x, x};
  for (size_t k = 1; k < n; k++) in[k] = dz__vector_of(w, args[k]);
  dz__instruction *f = dz__instruct(w, slope ? DZ__I_FNK : DZ__I_FN, w->val[i], in[0]);
  if (!f) return;
  f->fn = (uint8_t)kind;
  f->b = slope ? w->slope[i] : in[1];
  f->c = in[2];
}

/* Whether value and slope have their work in common: the lines OP1K. */
static bool with_slope(unsigned kind) {
  switch (kind) {
#define OP1(name, ...)
#define OP1K(name, ...) case DZ__F_##name:
#define OP2(name, ...)
#define OP3(name, ...)
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
    return true;
  default:
    return false;
  }
}

/* Those to choose from are operations of the loop, or around it and spread: in registers. */
static void select(dz__lowering *w, uint32_t i) {
  const uint32_t *args = dz__graph_args(w->g, i);
  size_t n = dz__graph_nargs(w->g, i) - 1;
  for (size_t k = 0; k < n; k++) dz__vector_of(w, args[k + 1]);
  uint32_t at = (uint32_t)w->to->lists;
  for (size_t k = 0; k < n; k++) dz__note_places(w, 1, &w->spread[args[k + 1]]);
  dz__instruction *s = dz__instruct(w, DZ__I_SELECT, w->val[i], at);
  if (!s) return;
  s->b = args[0];
  s->c = (uint32_t)n;
}

static void operation(dz__lowering *w, uint32_t i, bool gradient) {
  unsigned kind = w->g->kind[i];
  const uint32_t *args = dz__graph_args(w->g, i);
  if (w->fused[i]) return;
  if (w->val[i] == DZ__NOWHERE) w->val[i] = dz__register(w);
  switch (kind) {
  case DZ__P_SUM:
    sum(w, i);
    break;
  case DZ__F_neg:
    dz__instruct(w, DZ__I_NEG, w->val[i], dz__vector_of(w, args[0]));
    break;
  case DZ__F_stop:
  case DZ__P_GIVEN:
    dz__instruct(w, DZ__I_MOV, w->val[i], dz__vector_of(w, args[0]));
    break;
  case DZ__F_mul:
  case DZ__F_div:
    binary(w, kind == DZ__F_mul ? DZ__I_MUL : DZ__I_DIV, w->val[i], w->val[args[0]], w->val[args[1]]);
    break;
  default: {
    bool slope =
        gradient && w->g->flags[i] & DZ__N_ACTIVE && with_slope(kind) && w->sibling[i] == DZ__NOWHERE;
    if (slope) w->slope[i] = dz__register(w);
    function(w, i, slope);
  }
  }
}

void dz__lower_values(dz__lowering *w, bool gradient) {
  const dz__graph *g = w->g;
  for (uint32_t i = 0; i < g->n && !w->failed; i++) switch (g->kind[i]) {
    case DZ__P_INPUT:
    case DZ__P_CONST:
    case DZ__P_REDUCED:
    case DZ__P_ELEMENT:
    case DZ__P_CARRY: /* placed before */
      break;
    case DZ__P_CALL:
      dz__instruct(w, DZ__I_CALL, 0, dz__graph_args(g, i)[0]);
      break;
    case DZ__P_UNIFORM:
      w->val[i] = w->reads[dz__graph_args(g, i)[0]];
      break;
    case DZ__P_TABLE:
      w->val[i] = dz__place_at(DZ__ROW, dz__graph_args(g, i)[0]);
      break;
    case DZ__P_STREAM:
      w->val[i] = dz__lower_stream(w, i);
      break;
    case DZ__P_SELECT:
      w->val[i] = dz__register(w);
      select(w, i);
      break;
    default:
      operation(w, i, gradient);
    }
}
