/* Chains of pointwise operations, and what of their values is kept; where gradients arrive. */
#include "plan/whole.h"

#include "kernels/tensor.h"
#include "plan/formulas.h"

#include <string.h>

/* ---- chains ---- */

/* Members and loads of a chain at most: each has registers. */
enum { MOST_SLOTS = DZ__MOST_SLOTS };

static bool same_shape(const dz__array *a, const dz__array *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

static dz__does does_alone(const dz__whole *p, const dz__tensor *x) {
  if (x->fn < DZ__F_POINTWISE_END) return DZ__DOES_CHAIN;
  if (x->fn >= DZ__W_CONV) return DZ__DOES_WINDOWS;
  if (dz__is_view(x)) return DZ__DOES_VIEW;
  if (dz__is_product(p, x)) return DZ__DOES_PRODUCT;
  return x->fn == DZ__F_sum && x->shape.size == 1 ? DZ__DOES_TOTAL : DZ__DOES_OTHER;
}

static bool joins(const dz__whole *p, const dz__stage *s, const dz__tensor *x) {
  return s->does == DZ__DOES_CHAIN && x->fn < DZ__F_POINTWISE_END && 4 * (s->n + 1) <= MOST_SLOTS &&
         same_shape(&p->node[p->op[s->first]].shape, &x->shape);
}

static bool push_stage(dz__whole *p, dz__stage t) {
  if (!dz__grow(&p->alloc, (void **)&p->stage, &p->stage_cap, p->stages + 1, sizeof *p->stage)) return false;
  p->stage[p->stages++] = t;
  return true;
}

/* stage_of[node] becomes its stage. */
static bool find_stages(dz__whole *p, uint32_t *stage_of) {
  memset(stage_of, 0xff, p->nodes * sizeof *stage_of);
  for (size_t j = 0; j < p->ops;) {
    const dz__tensor *x = &p->node[p->op[j]];
    dz__stage *last = p->stages ? &p->stage[p->stages - 1] : NULL, band;
    uint32_t n = p->plain ? 0 : dz__find_band(p, j, &band);
    if (n) {
      if (!push_stage(p, band)) return false;
      for (uint32_t k = 0; k < n; k++) {
        dz__tensor *y = &p->node[p->op[j + k]];
        y->row = y->shape.size < p->node[band.like].shape.size;
      }
    } else if (last && joins(p, last, x)) {
      last->n++;
    } else if (!push_stage(p, (dz__stage){.first = (uint32_t)j,
                                          .n = 1,
                                          .does = (uint8_t)does_alone(p, x),
                                          .like = p->op[j]})) {
      return false;
    }
    for (const size_t end = j + (n ? n : 1); j < end; j++) stage_of[p->op[j]] = (uint32_t)p->stages - 1;
  }
  return true;
}

static void find_outside(dz__whole *p, const uint32_t *stage_of) {
  for (size_t k = 0; k < p->outs; k++) p->node[p->output[k]].outside = true;
  for (size_t i = 0; i < p->nodes; i++)
    if (dz__is_view(&p->node[i])) p->node[p->arg[p->node[i].arg0]].outside = true;
  for (size_t s = 0; s < p->stages; s++)
    for (uint32_t j = 0; j < p->stage[s].n; j++) {
      const dz__tensor *x = &p->node[p->op[p->stage[s].first + j]];
      for (uint32_t k = 0; k < x->nargs; k++)
        if (stage_of[p->arg[x->arg0 + k]] != s) p->node[p->arg[x->arg0 + k]].outside = true;
      if (!dz__is_chain(&p->stage[s])) p->node[p->op[p->stage[s].first + j]].outside = true;
    }
}

void dz__steps_along(const dz__array *out, const dz__array *a, size_t *step) {
  size_t inner = 1;
  for (int k = out->rank; k-- > 0;) {
    int own = k - (out->rank - a->rank);
    size_t n = own < 0 ? 1 : a->dims[own];
    step[k] = n == 1 ? 0 : inner;
    inner *= n;
  }
}

/* Axes of extent 1 are left out. */
dz__load dz__meet(const dz__array *out, const dz__array *a) {
  dz__load l = {.period = 1};
  size_t step[DZ__MAX_RANK], changes = 0, last = 1;
  int before = -1;
  dz__steps_along(out, a, step);
  for (int k = 0; k < out->rank; k++) {
    if (out->dims[k] == 1) continue;
    int has = step[k] != 0;
    if (before >= 0 && has != before) changes++, last = 1;
    last *= out->dims[k];
    before = has;
  }
  l.period = last;
  l.meets = a->size == out->size ? DZ__MEETS_EACH
            : a->size == 1       ? DZ__MEETS_ONE
            : changes > 1        ? DZ__MEETS_ANY
            : before             ? DZ__MEETS_ROW
                                 : DZ__MEETS_COLUMN;
  return l;
}

static bool same_load(const dz__load *a, const dz__load *b) {
  return a->node == b->node && a->meets == b->meets && a->row == b->row;
}

/* Which operands of a member of a band stay while the columns go by. */
static void find_still(dz__whole *p, const dz__stage *t, dz__tensor *x) {
  for (uint32_t k = 0; k < x->nargs; k++) {
    const uint32_t slot = p->slot[x->arg0 + k];
    const bool row = slot < t->n ? p->node[p->op[t->first + slot]].row : dz__loads_of(p, t)[slot - t->n].row;
    x->still |= (uint8_t)(row << k);
  }
}

static bool find_loads(dz__whole *p, uint32_t s, const uint32_t *stage_of) {
  dz__stage *t = &p->stage[s];
  t->load0 = (uint32_t)p->loads;
  if (!dz__grow(&p->alloc, (void **)&p->load, &p->load_cap, p->loads + 3 * (size_t)t->n, sizeof *p->load))
    return false;
  for (uint32_t j = 0; j < t->n; j++) {
    dz__tensor *x = &p->node[p->op[t->first + j]];
    for (uint32_t k = 0; k < x->nargs; k++) {
      uint32_t from = p->arg[x->arg0 + k], slot = 0;
      if (stage_of[from] == s) {
        while (p->op[t->first + slot] != from) slot++;
      } else {
        dz__load l =
            t->width ? dz__meet_band(p, t, x, k) : dz__meet(&p->node[t->like].shape, &p->node[from].shape);
        l.node = from;
        while (slot < t->loads && !same_load(&dz__loads_of(p, t)[slot], &l)) slot++;
        if (slot == t->loads) p->load[p->loads++] = l, t->loads++;
        slot += t->n;
      }
      p->slot[x->arg0 + k] = slot;
    }
    if (t->width) find_still(p, t, x);
  }
  return true;
}

/* ---- what the way back needs ---- */

bool dz__is_cheap(unsigned fn) {
  switch (fn) {
  case DZ__F_neg:
  case DZ__F_add:
  case DZ__F_sub:
  case DZ__F_mul:
  case DZ__F_relu:
  case DZ__F_fabs:
  case DZ__F_stop:
  case DZ__F_where:
  case DZ__F_lt:
  case DZ__F_le:
  case DZ__F_gt:
  case DZ__F_ge:
  case DZ__F_eq:
  case DZ__F_ne:
  case DZ__F_and:
  case DZ__F_or:
  case DZ__F_not:
  case DZ__F_sum:
  case DZ__F_max:
  case DZ__F_min:
    return true;
  default:
    return false;
  }
}

static void recall(dz__whole *p, dz__stage *t, const dz__tensor *x, uint32_t k) {
  uint32_t slot = p->slot[x->arg0 + k];
  if (slot < t->n)
    p->node[p->op[t->first + slot]].recalled = true;
  else
    dz__loads_of(p, t)[slot - t->n].back = true;
}

/* Whether what flows to operand k is computed from `what`: x, y, w, the operands, or z, the result. */
static bool flow_reads(const dz__tensor *x, uint32_t k, char what) {
  if (!dz__is_fold(x)) return dz__partial_reads(x->fn, k, what);
  return x->fn != DZ__F_sum && (what == 'x' || (what == 'z' && x->fn != DZ__F_logsumexp));
}

/* From the last member to the first: flows ask for operands and results, and what is computed again asks for
   its own operands. */
static void find_recalled(dz__whole *p, dz__stage *t) {
  for (uint32_t j = t->n; j-- > 0;) {
    dz__tensor *x = &p->node[p->op[t->first + j]];
    bool asked[3] = {false};
    for (uint32_t k = 0; k < x->nargs; k++) {
      if (!p->node[p->arg[x->arg0 + k]].active) continue;
      for (uint32_t o = 0; o < x->nargs; o++) asked[o] |= flow_reads(x, k, "xyw"[o]);
      x->recalled |= flow_reads(x, k, 'z');
    }
    bool again = x->recalled && dz__is_cheap(x->fn) && !x->outside;
    for (uint32_t k = 0; k < x->nargs; k++)
      if (asked[k] || again) recall(p, t, x, k);
  }
}

/* ---- where gradients arrive ---- */

/* has[node]: something is in its adjoint. */
static void flow_through_chain(dz__whole *p, dz__stage *t, bool *has) {
  bool arrived[MOST_SLOTS] = {false};
  for (uint32_t j = t->n; j-- > 0;) {
    uint32_t i = p->op[t->first + j];
    dz__tensor *x = &p->node[i];
    x->reached = x->active && (arrived[j] || has[i]);
    x->arrives = x->active && has[i];
    t->active |= x->reached;
    for (uint32_t k = 0; x->reached && k < x->nargs; k++)
      if (p->node[p->arg[x->arg0 + k]].active) arrived[p->slot[x->arg0 + k]] = true;
  }
  for (uint32_t l = 0; l < t->loads; l++) {
    dz__load *load = &dz__loads_of(p, t)[l];
    load->flows = arrived[t->n + l];
    load->first = load->flows && !has[load->node];
    has[load->node] |= load->flows;
  }
}

static void flow_through(dz__whole *p, dz__stage *t, bool *has) {
  uint32_t i = p->op[t->first];
  dz__tensor *x = &p->node[i];
  t->active = x->reached = x->arrives = x->active && has[i];
  for (uint32_t k = 0; t->active && k < x->nargs; k++) {
    uint32_t from = p->arg[x->arg0 + k];
    p->fresh[x->arg0 + k] = p->node[from].active && !has[from];
    has[from] |= p->node[from].active;
  }
}

static void find_flows(dz__whole *p, bool *has) {
  memset(has, 0, p->nodes * sizeof *has);
  for (size_t k = 0; k < p->out_nodes; k++) has[p->output[k]] = p->node[p->output[k]].active;
  for (size_t s = p->stages; s-- > 0;)
    (dz__is_chain(&p->stage[s]) ? flow_through_chain : flow_through)(p, &p->stage[s], has);
  for (size_t i = 0; i < p->in_nodes; i++) p->node[i].reached = has[i];
}

/* ---- pieces of chains ---- */

/* Numbers that the registers of a piece hold; of bands more, so that columns are long enough to be quick. */
enum { BUDGET = 3072, BAND = 16384, LEAST = 64, MOST = 512 };

static void choose_tile(const dz__whole *p, dz__stage *t) {
  size_t size = p->node[t->like].shape.size, tile = (t->width ? BAND : BUDGET) / (t->n + t->loads);
  if (t->width) {
    tile = tile / t->width / 8 * 8 * t->width;
    t->tile = tile == 0 ? 8 * t->width : tile;
    if (t->tile > size) t->tile = size;
    return;
  }
  tile = tile < LEAST ? LEAST : tile > MOST ? MOST : tile / 8 * 8;
  for (uint32_t l = 0; l < t->loads; l++) {
    const dz__load *load = &dz__loads_of(p, t)[l];
    if (load->meets == DZ__MEETS_ROW && load->period <= tile) {
      tile = tile / load->period * load->period;
      break;
    }
  }
  t->tile = tile < size ? tile : size ? size : 1;
}

bool dz__whole_arrange(dz__whole *p) {
  const dz_allocator *a = &p->alloc;
  size_t bytes = (p->nodes + 1) * sizeof(uint32_t);
  uint32_t *room = dz__alloc(a, bytes);
  bool *has = dz__alloc(a, p->nodes + 1), done = room && has;
  if (done) {
    done = dz__whole_fold(p, room) && find_stages(p, room);
  }
  if (done) find_outside(p, room);
  for (uint32_t s = 0; s < p->stages && done; s++)
    if (dz__is_chain(&p->stage[s])) done = find_loads(p, s, room);
  if (done) {
    for (size_t s = 0; s < p->stages; s++)
      if (dz__is_chain(&p->stage[s])) find_recalled(p, &p->stage[s]), choose_tile(p, &p->stage[s]);
    find_flows(p, has);
    dz__whole_needed(p, has);
    done = dz__whole_place(p, room);
  }
  dz__free(a, room, bytes);
  dz__free(a, has, p->nodes + 1);
  return done;
}
