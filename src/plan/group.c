/* The program of one loop. */
#include "plan/lower.h"
#include "plan/machine.h"
#include "plan/pack.h"

#include <string.h>

_Static_assert((int)DZ__LEAST_LANES >= (int)DZ__W, "every loop fills a vector, for those who run it");

/* Registers of a tile, and the constants that it reads, stay in the first-level cache of 32 kB where that is
   possible. */
size_t dz__tile_of(const dz__loop *l) {
  enum { ROOM = 28 << 10, LEAST = 64, MOST = DZ__LONGEST_TILE };
  size_t rows = (l->packed.n ? l->packed : l->code).slots + l->tables,
         tile = rows ? ROOM / sizeof(double) / rows / LEAST * LEAST : MOST;
  tile = tile < LEAST ? LEAST : tile > MOST ? MOST : tile;
  return dz__padded(l->lanes) < tile ? dz__padded(l->lanes) : tile;
}

bool dz__copy_tables(dz__program *p, const dz__group *group, dz__loop *l) {
  size_t row = dz__padded(group->lanes), numbers = group->tables * row,
         choices = group->choices * group->lanes;
  if (!dz__grow(&p->alloc, (void **)&l->table, &l->table_cap, numbers + DZ__LINE / sizeof *l->table,
                sizeof *l->table) ||
      !dz__grow(&p->alloc, (void **)&l->choice, &l->choice_cap, choices + 1, sizeof *l->choice))
    return false;
  double *to = dz__lined(l->table);
  for (size_t k = 0; k < group->tables; k++) {
    memset(to + k * row, 0, row * sizeof *to); /* also what is read beyond the last lane */
    memcpy(to + k * row, group->table + k * group->lanes, group->lanes * sizeof *l->table);
  }
  l->tables = group->tables;
  l->choices = group->choices;
  if (choices) memcpy(l->choice, group->choice, choices * sizeof *l->choice);
  return true;
}

static void code(dz__lowering *w, const dz__group *group, uint32_t result, uint32_t adjoint) {
  uint32_t out = group->body.out[0];
  dz__lower_values(w, adjoint != DZ__NOWHERE);
  uint32_t value = dz__vector_of(w, out);
  if (group->reduced)
    dz__instruct(w, DZ__I_RED, 0, value);
  else
    dz__instruct(w, DZ__I_MOV, result, value);
  w->to->reverse = w->to->n;
  if (adjoint == DZ__NOWHERE) return;
  dz__flow_to(w, out, adjoint, DZ__NOWHERE, false);
  dz__lower_adjoints(w);
}

bool dz__lower_group(dz__program *p, const dz__group *group, dz__loop *loop, const uint32_t *reads,
                     const uint32_t *flows, uint32_t result, uint32_t adjoint, uint32_t sink) {
  dz__lowering w = {
      .to = &loop->code, .program = p, .loop = loop, .reads = reads, .flows = flows, .sink = sink};
  bool done = dz__lowering_init(&w, &group->body);
  loop->lanes = group->lanes;
  loop->reduced = group->reduced;
  if (done && group->reduced) {
    done = dz__grow(&p->alloc, (void **)&loop->acc, &loop->acc_cap, 1, sizeof *loop->acc);
    if (done) loop->acc[loop->accs++] = result;
  }
  done = done && dz__copy_tables(p, group, loop);
  if (done) {
    code(&w, group, result, adjoint);
    done = !w.failed && dz__defer_sums(&p->alloc, &loop->code) &&
           dz__pack(&p->alloc, loop, w.registers, DZ__NOWHERE) &&
           dz__schedule(&p->alloc, &loop->code, w.registers, dz__place_at(DZ__REG, 0), false);
  }
  if (done) loop->tile = dz__tile_of(loop);
  dz__lowering_free(&w);
  return done;
}
