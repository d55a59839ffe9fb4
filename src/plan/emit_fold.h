/* Texts that repeat: what was recorded step by step is one loop in C. */
#ifndef DZ_PLAN_EMIT_FOLD_H
#define DZ_PLAN_EMIT_FOLD_H

#include "plan/emit.h"

/* C whose names of a letter and digits are its own, and whose numbers may be anything that is a size: one
   after another, they are the units that are folded. */
typedef struct dz__unit {
  size_t text, shape, number; /* where they begin */
  uint64_t hash;              /* of its shape */
  size_t weight;
  bool back, alone; /* of the other direction than the first ones; a function of its own begins with it, and
                       ends */
} dz__unit;

/* So many units from `first` on stand `turns` times, each time with numbers that are larger or smaller by the
   same. */
typedef struct dz__turns {
  size_t first, units, turns;
} dz__turns;

typedef struct dz__fold {
  dz_allocator alloc;
  dz_writer *write; /* of the emitter, meanwhile */
  void *user;
  char *text;     /* of all units */
  uint8_t *shape; /* the same with marks for the numbers, and names by the order in which they come */
  struct dz__literal *number;
  dz__unit *unit;
  dz__turns *turns;
  size_t n, text_cap, shapes, shape_cap, numbers, number_cap, units, unit_cap, n_turns, turn_cap;
  bool full; /* memory is out */
} dz__fold;

/* What the emitter says from now on is gathered; the units end where dz__fold_unit() says it. */
void dz__fold_begin(dz__fold *f, dz__emitter *e);
void dz__fold_unit(dz__fold *f, dz__emitter *e, size_t weight, bool back, bool alone);
/* The emitter says what it says as before; f->turns is found, all units in order. False when memory is out.
 */
bool dz__fold_end(dz__fold *f, dz__emitter *e);
/* Says some turns: a loop where they are more than one. */
void dz__fold_say(const dz__fold *f, dz__emitter *e, const dz__turns *t);
void dz__fold_free(dz__fold *f);

#endif
