/* Adjoints of what all lanes share only leave the loop: nothing in it waits for them. Several of them one
   after another are sums that native code keeps in registers, and the machine reads what they have in common
   once more from the cache. */
#include "plan/lower.h"

#include <string.h>

enum { AT_ONCE = 24 }; /* sums: as many vectors as registers hold beside what is added */

typedef struct work {
  dz__routine *c;
  dz__instruction *done, *waiting;
  size_t n, waits, sums; /* of `waiting`: how many, and sums in them */
} work;

static bool is_sum(unsigned how) {
  how &= DZ__T_MASK;
  return dz__flow_sums(how);
}

static void flush(work *w) {
  memcpy(w->done + w->n, w->waiting, w->waits * sizeof *w->done);
  w->n += w->waits;
  w->waits = w->sums = 0;
}

static void wait(work *w, const dz__instruction *i, size_t sums) {
  if (w->sums + sums > AT_ONCE) flush(w);
  w->waiting[w->waits++] = *i;
  w->sums += sums;
}

/* The flows of an instruction: first those that go on in the loop, then the sums, each kind in its order.
   Returns how many go on. `room` holds the list once more. */
static uint32_t divide(uint32_t *t, uint32_t n, uint32_t *room) {
  uint32_t on = 0, sums = 0;
  memcpy(room, t, 3 * n * sizeof *t);
  for (uint32_t k = 0; k < n; k++) on += !is_sum(room[3 * k]);
  for (uint32_t k = 0, at = 0; k < n; k++) {
    uint32_t *to = t + 3 * (is_sum(room[3 * k]) ? on + sums++ : at++);
    memcpy(to, room + 3 * k, 3 * sizeof *t);
  }
  return on;
}

/* How many of the flows at t, n at most, go to an accumulator each: what goes to one twice is added up one
   after the other, all lanes of the first before the second. */
static uint32_t apart(const uint32_t *t, uint32_t n) {
  if (n > AT_ONCE) n = AT_ONCE;
  for (uint32_t k = 1; k < n; k++)
    for (uint32_t j = 0; j < k; j++)
      if (t[3 * j + 2] == t[3 * k + 2]) return k;
  return n;
}

static void flows(work *w, const dz__instruction *i, uint32_t *room) {
  uint32_t on = divide(w->c->list + i->b, i->c, room);
  dz__instruction part = *i;
  part.c = on;
  if (on) w->done[w->n++] = part;
  for (uint32_t k = on; k < i->c; k += part.c) {
    part.b = i->b + 3 * k;
    part.c = apart(w->c->list + part.b, i->c - k);
    wait(w, &part, part.c);
  }
}

/* Values, and adjoints once they are read, do not change, so what is added up may wait. */
bool dz__defer_sums(const dz_allocator *a, dz__routine *c) {
  size_t most = 0, longest = 0, from = c->reverse;
  for (size_t k = from; k < c->n; k++) {
    bool flow = c->at[k].op == DZ__I_RSUM;
    most += flow ? 1 + c->at[k].c : 1;
    if (flow && c->at[k].c > longest) longest = c->at[k].c;
  }
  size_t bytes = (most + 1) * sizeof(dz__instruction), list = (longest + 1) * 3 * sizeof(uint32_t);
  work w = {.c = c, .done = dz__alloc(a, bytes), .waiting = dz__alloc(a, bytes)};
  uint32_t *room = dz__alloc(a, list);
  bool done =
      w.done && w.waiting && room && dz__grow(a, (void **)&c->at, &c->cap, from + most, sizeof *c->at);
  if (done) {
    for (size_t k = from; k < c->n; k++) {
      const dz__instruction *i = &c->at[k];
      if (i->op == DZ__I_RSUM)
        flows(&w, i, room);
      else if (dz__op_sums(i->op))
        wait(&w, i, 1);
      else
        w.done[w.n++] = *i;
    }
    flush(&w);
    memcpy(c->at + from, w.done, w.n * sizeof *w.done);
    c->n = from + w.n;
  }
  dz__free(a, w.done, bytes);
  dz__free(a, w.waiting, bytes);
  dz__free(a, room, list);
  return done;
}
