/* What a block makes again rather than reads what another one has stored: one operation on a row of the
   tables and a number for all, where the registers of a tile are more than the first cache holds. */
#include "plan/emit_loop.h"

enum { FIRST_CACHE = 32 << 10 };

bool dz__makes_again(const dz__loop *l, bool map) {
  return !map && l->code.slots * l->tile * sizeof(double) > FIRST_CACHE;
}

/* Both stand as they are in every block: tables and inputs are not written. */
static bool stays(uint32_t place) {
  const unsigned where = dz__where_of(place);
  return where == DZ__ROW || where == DZ__IN;
}

bool dz__is_made_again(const dz__loop_emitter *k, const dz__instruction *i) {
  if (!k->again || (i->op != DZ__I_ADD && i->op != DZ__I_SUB && i->op != DZ__I_MUL)) return false;
  return dz__is_slot(i->d) && stays(i->a) && stays(i->b) &&
         (dz__where_of(i->a) == DZ__ROW || dz__where_of(i->b) == DZ__ROW);
}

static void unmake(void *user, uint32_t *place, unsigned access) {
  dz__loop_emitter *k = user;
  if (dz__is_slot(*place) && access & DZ__WRITTEN) k->maker[dz__place_index(*place)] = NULL;
}

void dz__note_maker(dz__loop_emitter *k, dz__instruction *i) {
  if (!k->again) return;
  dz__each_place(&k->l->code, i, unmake, k);
  if (dz__is_made_again(k, i)) k->maker[dz__place_index(i->d)] = i;
}

void dz__note_makers(dz__loop_emitter *k, size_t end) {
  for (size_t i = 0; i < end; i++) dz__note_maker(k, &k->l->code.at[i]);
}
