/* Which recurrences become loops over steps. One that lanes have to themselves, such as the steps of each of
   many samples, stays as it is: its lanes are a loop already, over vectors. */
#include "plan/sequence.h"

enum { MOST_SEQUENCES = 16 };
/* Operations to a lane: of more, the loop over steps is so much shorter that it pays without vectors. */
enum { MOST_OF_LANE = 1 << 16 };

/* Whether most operations belong to a lane that has them in the step behind, too. */
static bool lanes_own(const dz__steps *s, const dz__graph *g, const dz__owners *o) {
  const size_t end = s->first + s->period * (s->steps - 1);
  size_t owned = 0, of_one = 0;
  uint32_t one = DZ__ROOT;
  for (size_t k = s->first; k < end; k++) {
    const uint32_t owner = o->owner[s->op[k]];
    if (owner < DZ__FIRST_LANE || owner != o->owner[s->op[k + s->period]]) continue;
    owned++;
    one = owner;
  }
  for (size_t i = 0; i < g->n && owned; i++) of_one += !dz__is_leaf(g->kind[i]) && o->owner[i] == one;
  return 2 * owned > end - s->first && of_one <= MOST_OF_LANE;
}

static bool look_within(const dz__graph *g, const dz__steps *s, bool *within) {
  dz__shapes shapes;
  dz__owners owners;
  bool done = dz__shapes_of(g, &shapes);
  if (!done) return dz__shapes_free(g, &shapes), false;
  done = dz__owners_of(g, &shapes, &owners);
  *within = done && lanes_own(s, g, &owners);
  dz__owners_free(g, &owners);
  dz__shapes_free(g, &shapes);
  return done;
}

bool dz__roll_sequences(dz__graph *g, dz__rolled *r) {
  bool done = true, found = true;
  for (int k = 0; k < MOST_SEQUENCES && done && found; k++) {
    dz__steps s;
    bool within = false;
    size_t nodes = g->n;
    const dz_allocator a = g->alloc;
    done = dz__find_steps(g, &s);
    found = done && s.steps;
    if (found) done = look_within(g, &s, &within);
    found = found && !within;
    if (found && done) done = dz__contract(g, &s, r);
    dz__free(&a, s.op, (nodes + 1) * sizeof *s.op);
    dz__free(&a, s.number, (nodes + 1) * sizeof *s.number);
  }
  return done;
}
