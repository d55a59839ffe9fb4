/* Which entries of the gradient are written by one loop alone, in runs of lanes: these are set there, not
   emptied before and added to, and looked at for NaN while they are at hand. */
#include "plan/emit_loop.h"

#include <string.h>

enum { MANY = 254, ALONE = 255 };

typedef struct work {
  uint8_t *writers;
  const dz__loop *l;
} work;

static void note(work *w, size_t k) { w->writers[k] = (uint8_t)(w->writers[k] + (w->writers[k] < MANY)); }

static void note_place(void *user, uint32_t *place, unsigned access) {
  if (access & DZ__WRITTEN && dz__where_of(*place) == DZ__GRAD) note(user, dz__place_index(*place));
}

static void note_wire(work *w, const dz__instruction *i) {
  size_t at = dz__place_index(i->d);
  if (dz__where_of(i->d) != DZ__GRAD) return;
  for (size_t lane = 0; lane < w->l->lanes; lane++)
    note(w, at + (i->op == DZ__I_STORE ? lane * i->c : w->l->index[i->b + lane]));
}

static void note_code(work *w, const dz__routine *c, size_t end) {
  for (size_t k = 0; k < end; k++)
    if (c->at[k].op == DZ__I_STORE || c->at[k].op == DZ__I_SCATTER)
      note_wire(w, &c->at[k]);
    else
      dz__each_place(c, &c->at[k], note_place, w);
}

/* Runs that overlap are one writer. */
static void each_cluster(const dz__loop_emitter *k, void (*f)(work *w, size_t from, size_t end), work *w) {
  const dz__routine *c = &k->l->code;
  for (size_t head = k->runs; head < c->n; head++) {
    size_t from = dz__place_index(c->at[head].d), end = from;
    if (dz__head_of_runs(k, head) != head || dz__where_of(c->at[head].d) != DZ__GRAD) continue;
    for (size_t i = k->runs; i < c->n; i++)
      if (dz__head_of_runs(k, i) == head && dz__place_index(c->at[i].d) > end)
        end = dz__place_index(c->at[i].d);
    f(w, from, end + k->l->lanes);
  }
}

static void note_cluster(work *w, size_t from, size_t end) {
  for (size_t k = from; k < end; k++) note(w, k);
}

/* Not those behind the last full vector: they are few. */
static void settle_cluster(work *w, size_t from, size_t end) {
  bool alone = true;
  for (size_t k = from; k < end; k++) alone &= w->writers[k] == 1;
  if (alone) memset(w->writers + from, ALONE, w->l->lanes / DZ__W * DZ__W);
}

static void each_loop(const dz__emitter *e, void (*f)(work *w, size_t from, size_t end), work *w) {
  const dz__program *p = &e->p->program;
  for (size_t j = 0; j < p->loops; j++) {
    dz__loop_emitter k = {.l = &p->loop[j]};
    w->l = k.l;
    if (!k.l->tile || k.l->sequence) continue;
    dz__find_runs(&k);
    each_cluster(&k, f, w);
  }
}

bool dz__find_writers(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  work w = {.writers = dz__alloc(&e->p->alloc, p->inputs + 1)};
  e->writers = w.writers;
  if (!w.writers) return false;
  memset(w.writers, 0, p->inputs + 1);
  note_code(&w, &p->code, p->code.n);
  for (size_t j = 0; j < p->loops; j++) {
    dz__loop_emitter k = {.l = &p->loop[j]};
    w.l = k.l;
    if (!k.l->tile) continue;
    k.runs = k.l->code.n;
    if (!k.l->sequence) dz__find_runs(&k);
    note_code(&w, &k.l->code, k.runs);
    for (size_t a = 0; a < k.l->accs; a++)
      if (dz__where_of(k.l->acc[a]) == DZ__GRAD) note(&w, dz__place_index(k.l->acc[a]));
  }
  each_loop(e, note_cluster, &w);
  each_loop(e, settle_cluster, &w);
  return true;
}

bool dz__writes_alone(const dz__emitter *e, uint32_t place) {
  return dz__where_of(place) == DZ__GRAD && e->writers[dz__place_index(place)] == ALONE;
}

/* The other entries, as runs. */
bool dz__next_shared(const dz__emitter *e, size_t *from, size_t *end) {
  size_t n = e->p->program.inputs, k = *end;
  while (k < n && e->writers[k] == ALONE) k++;
  for (*from = k; k < n && e->writers[k] != ALONE;) k++;
  *end = k;
  return *from < n;
}
