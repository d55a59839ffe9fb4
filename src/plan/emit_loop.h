/* Loops as C: what their two halves share. */
#ifndef DZ_PLAN_EMIT_LOOP_H
#define DZ_PLAN_EMIT_LOOP_H

#include "plan/emit.h"

enum { DZ__BLOCK = 120, DZ__PIECE = 240 }; /* terms to a block, and to a function */

typedef struct dz__loop_emitter {
  dz__emitter *e;
  const dz__loop *l;
  dz__spots spots;
  size_t loop;
  uint32_t block;         /* the number of the block at hand, from 1 */
  uint32_t *local;        /* per slot the last block in which it has a variable */
  uint32_t *changed;      /* per slot the last block whose end has been looked at; */
  uint8_t *live, *at_end; /* whether it is read later, now and there */
  uint32_t *store;        /* slots that a block has to store */
  size_t stores, store_cap;
  size_t *first; /* per instruction that begins a block: where its stores begin; and their number */
  size_t *count, *begin;
  size_t blocks;
  uint32_t
      uniform[3 * DZ__BLOCK + 64]; /* what the block has variables for: numbers for all lanes, accumulators */
  size_t uniforms;
  bool failed;
} dz__loop_emitter;

static inline bool dz__is_slot(uint32_t place) { return dz__where_of(place) == DZ__REG; }

/* Block b, which is arithmetic; an instruction that is a block by itself. */
void dz__say_block(dz__loop_emitter *k, size_t b);
void dz__say_loose(dz__loop_emitter *k, const dz__instruction *i);

#endif
