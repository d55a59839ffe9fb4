/* The numbers that go with a plan's C: constants by lane, and wiring. */
#include "plan/emit.h"

#include <string.h>

/* Lists are the candidates of choices, as offsets into a tile; other entries of a loop's list are not used.
 */
static dz__spots size_of(const dz__loop *l) {
  return (dz__spots){l->tables * dz__padded(l->lanes), l->indexes, l->choices * l->lanes,
                     l->choices ? l->code.lists : 0};
}

dz__spots dz__spots_of(const dz_plan *p, size_t loop) {
  dz__spots at = {0, 0, 0, 0};
  size_t next = 0;
  for (size_t k = 0; k <= loop; k++) {
    dz__spots size = size_of(&p->program.loop[k]);
    at.index = next;
    at.choice = at.index + size.index;
    at.list = at.choice + size.choice;
    next = at.list + size.list;
    if (k < loop) at.table += size.table;
  }
  return at;
}

dz__spots dz__data_size(const dz_plan *p) {
  dz__spots all = {0, 0, 0, 0};
  for (size_t k = 0; k < p->program.loops; k++) {
    dz__spots size = size_of(&p->program.loop[k]);
    all.table += size.table;
    all.index += size.index + size.choice + size.list;
  }
  return all;
}

void dz__emit_data(const dz_plan *p, double *table, uint32_t *index) {
  for (size_t k = 0; k < p->program.loops; k++) {
    const dz__loop *l = &p->program.loop[k];
    dz__spots size = size_of(l);
    if (size.table) memcpy(table, dz__lined(l->table), size.table * sizeof *table);
    if (size.index) memcpy(index, l->index, size.index * sizeof *index);
    if (size.choice) memcpy(index + size.index, l->choice, size.choice * sizeof *index);
    index += size.index + size.choice;
    for (size_t j = 0; j < size.list; j++) *index++ = (uint32_t)(dz__place_index(l->code.list[j]) * l->tile);
    table += size.table;
  }
}
