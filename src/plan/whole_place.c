/* Where values and adjoints stand in the workspace: each from the first time that it is written to the last
   that it is read, lower places first. Stage s runs forward at time s, the outputs are read and seeded at
   time S, the number of stages, and stage s runs back at 2 S - s. */
#include "plan/whole.h"

#include <string.h>

typedef struct span {
  size_t birth, death, size;
  size_t *at;
} span;

typedef struct work {
  dz__whole *p;
  span *all, *live; /* live: ordered by place */
  size_t n, cap, lives;
  size_t *death;  /* per node, of its value */
  uint32_t *root; /* per node: the node whose value this one's is */
} work;

static void extend(work *w, uint32_t node, size_t time) {
  size_t *death = &w->death[w->root[node]];
  if (time > *death) *death = time;
}

/* ---- how long values live ---- */

static void read_by_chain(work *w, size_t s) {
  dz__whole *p = w->p;
  const dz__stage *t = &p->stage[s];
  for (uint32_t l = 0; l < t->loads; l++) {
    const dz__load *load = &dz__loads_of(p, t)[l];
    extend(w, load->node, load->back && t->active ? 2 * p->stages - s : s);
  }
  for (uint32_t j = 0; j < t->n; j++) {
    uint32_t i = p->op[t->first + j];
    extend(w, i, p->node[i].recalled && t->active ? 2 * p->stages - s : s);
  }
}

static void read_by_operation(work *w, size_t s) {
  dz__whole *p = w->p;
  const dz__stage *t = &p->stage[s];
  uint32_t i = p->op[t->first];
  const dz__tensor *x = &p->node[i];
  size_t last = t->active ? 2 * p->stages - s : s;
  extend(w, i, last);
  for (uint32_t k = 0; k < x->nargs; k++) extend(w, p->arg[x->arg0 + k], last);
}

static void find_deaths(work *w) {
  dz__whole *p = w->p;
  memset(w->death, 0, p->nodes * sizeof *w->death);
  for (uint32_t i = 0; i < p->nodes; i++) {
    const dz__tensor *x = &p->node[i];
    w->root[i] = dz__is_view(x) ? w->root[p->arg[x->arg0]] : i;
  }
  for (size_t s = 0; s < p->stages; s++)
    (dz__is_chain(&p->stage[s]) ? read_by_chain : read_by_operation)(w, s);
  for (size_t k = 0; k < p->outs; k++)
    extend(w, p->output[k], k < p->out_nodes ? p->stages : 2 * p->stages + 1);
}

/* ---- the spans ---- */

static bool add(work *w, size_t birth, size_t death, size_t size, size_t *at) {
  if (!dz__grow(&w->p->alloc, (void **)&w->all, &w->cap, w->n + 1, sizeof *w->all)) return false;
  w->all[w->n++] = (span){birth, death, (size + 15) / 16 * 16, at};
  return true;
}

static bool add_values(work *w) {
  dz__whole *p = w->p;
  for (size_t s = 0; s < p->stages; s++)
    for (uint32_t j = 0; j < p->stage[s].n; j++) {
      uint32_t i = p->op[p->stage[s].first + j];
      dz__tensor *x = &p->node[i];
      bool kept = x->outside || (x->recalled && p->stage[s].active && !dz__is_cheap(x->fn));
      if (kept && w->root[i] == i && !add(w, s, w->death[i], x->shape.size, &x->at)) return false;
    }
  return true;
}

/* The adjoint of a node that computes something, when the first gradient gets there. */
static bool begin(work *w, uint32_t node, size_t time, size_t own) {
  dz__tensor *x = &w->p->node[node];
  if (x->fn == DZ__F_END || x->adjoint != DZ__NO_PLACE || !x->active) return true;
  x->adjoint = 0;
  return add(w, time, 2 * w->p->stages - own, x->shape.size, &x->adjoint);
}

static bool add_adjoints(work *w, const uint32_t *stage_of) {
  dz__whole *p = w->p;
  bool done = true;
  for (size_t k = 0; k < p->out_nodes; k++)
    done = done && begin(w, p->output[k], p->stages, stage_of[p->output[k]]);
  for (size_t s = p->stages; s-- > 0 && done;) {
    const dz__stage *t = &p->stage[s];
    const dz__tensor *x = &p->node[p->op[t->first]];
    for (uint32_t l = 0; dz__is_chain(t) && l < t->loads && done; l++) {
      const dz__load *load = &dz__loads_of(p, t)[l];
      if (load->flows) done = begin(w, load->node, 2 * p->stages - s, stage_of[load->node]);
    }
    for (uint32_t k = 0; !dz__is_chain(t) && t->active && k < x->nargs && done; k++)
      done = begin(w, p->arg[x->arg0 + k], 2 * p->stages - s, stage_of[p->arg[x->arg0 + k]]);
  }
  return done;
}

/* ---- places ---- */

enum { MOST_LIVE = 512 }; /* with more at once, gaps are not looked for */

static size_t gap_for(work *w, const span *x, size_t *after) {
  size_t at = 0;
  for (*after = 0; *after < w->lives && w->lives <= MOST_LIVE; ++*after) {
    const span *y = &w->live[*after];
    if (*y->at >= at + x->size) return at;
    if (*y->at + y->size > at) at = *y->at + y->size;
  }
  *after = w->lives;
  return w->lives <= MOST_LIVE ? at : w->p->room;
}

static void place(work *w, const span *x) {
  size_t kept = 0, after;
  for (size_t k = 0; k < w->lives; k++)
    if (w->live[k].death >= x->birth) w->live[kept++] = w->live[k];
  w->lives = kept;
  *x->at = gap_for(w, x, &after);
  memmove(w->live + after + 1, w->live + after, (w->lives - after) * sizeof *w->live);
  w->live[after] = *x;
  w->lives++;
  if (*x->at + x->size > w->p->room) w->p->room = *x->at + x->size;
}

static void share_values(work *w) {
  dz__whole *p = w->p;
  for (uint32_t i = 0; i < p->nodes; i++) {
    const dz__tensor *root = &p->node[w->root[i]];
    if (w->root[i] != i) p->node[i].at = root->at, p->node[i].home = root->home;
    if (p->node[i].home == DZ__HOME_INPUT && p->node[i].fn == DZ__F_END) p->node[i].adjoint = p->node[i].at;
  }
}

/* ---- what stages need beside ---- */

static void measure_stage(dz__whole *p, const dz__stage *t) {
  const dz__tensor *x = &p->node[p->op[t->first]];
  size_t n = x->shape.size;
  if (dz__is_chain(t)) {
    size_t slots = 3 * ((size_t)t->n + t->loads), each = (t->tile + 7) / 8 * 8;
    if (slots * each > p->registers) p->registers = slots * each;
    return;
  }
  if (x->fn == DZ__W_CONV) {
    const dz__windows windows = dz__windows_of(p, x);
    const size_t room = dz__conv_room(&windows);
    if (room > p->scratch) p->scratch = room;
    return;
  }
  for (uint32_t k = 0; k < x->nargs; k++) n += p->node[p->arg[x->arg0 + k]].shape.size;
  /* Of floats: operands, result, and their adjoints as doubles; then what the kernel asks for. */
  if (3 * n > p->scratch) p->scratch = 3 * n;
}

static bool float_numbers(dz__whole *p) {
  if (!p->single) return true;
  p->numberf_size = p->numbers + 1;
  p->numberf = dz__alloc(&p->alloc, p->numberf_size * sizeof *p->numberf);
  for (size_t k = 0; p->numberf && k < p->numbers; k++) p->numberf[k] = (float)p->number[k];
  return p->numberf;
}

bool dz__whole_place(dz__whole *p, const uint32_t *stage_of) {
  const dz_allocator *a = &p->alloc;
  size_t n = p->nodes + 1;
  work w = {.p = p, .death = dz__alloc(a, n * sizeof *w.death), .root = dz__alloc(a, n * sizeof *w.root)};
  bool done = w.death && w.root;
  if (done) {
    find_deaths(&w);
    done = add_values(&w) && add_adjoints(&w, stage_of);
  }
  w.live = dz__alloc(a, (w.n + 1) * sizeof *w.live);
  done = done && w.live;
  for (size_t k = 0; done && k < w.n; k++) place(&w, &w.all[k]);
  if (done) {
    share_values(&w);
    for (size_t s = 0; s < p->stages; s++) measure_stage(p, &p->stage[s]);
    done = float_numbers(p);
  }
  dz__free(a, w.live, (w.n + 1) * sizeof *w.live);
  dz__free(a, w.all, w.cap * sizeof *w.all);
  dz__free(a, w.death, n * sizeof *w.death);
  dz__free(a, w.root, n * sizeof *w.root);
  return done;
}
