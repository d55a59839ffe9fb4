/* Loops as C: what the parts of their writer share. */
#ifndef DZ_PLAN_EMIT_LOOP_H
#define DZ_PLAN_EMIT_LOOP_H

#include "plan/emit.h"

enum { DZ__BLOCK = 120, DZ__PIECE = 240 }; /* terms to a block, and to a function */

typedef struct dz__operand_text {
  char text[64];
} dz__operand_text;

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
  size_t *first; /* per block: where its stores begin; and their number */
  size_t *count, *begin;
  size_t blocks,
      joint;   /* joint: the block that goes on from values to adjoints; none: as many as there are */
  size_t runs; /* the first of the last instructions, which add runs of lanes to the gradient */
  size_t sums; /* at most so many in a block */
  uint32_t
      uniform[3 * DZ__BLOCK + 64]; /* what the block has variables for: numbers for all lanes, accumulators */
  size_t uniforms;
  bool map, failed; /* map: lanes are samples */
} dz__loop_emitter;

static inline bool dz__is_slot(uint32_t place) { return dz__where_of(place) == DZ__REG; }

/* A vector's first element for the lanes at hand; of numbers for all, where they stand. */
dz__operand_text dz__operand_at(const dz__loop_emitter *k, uint32_t place);

/* Whether instruction i is a block by itself: a function of the table, or wiring. */
bool dz__is_loose(const dz__loop_emitter *k, size_t i);
/* Sets k->runs. */
void dz__find_runs(dz__loop_emitter *k);
/* Block b up to instruction `end`, which is arithmetic; an instruction that is a block by itself. */
void dz__say_block(dz__loop_emitter *k, size_t b, size_t end);
/* Returns how many instructions that was, each a block. */
size_t dz__say_loose(dz__loop_emitter *k, size_t at);
/* The first of those that overlap with i. */
size_t dz__head_of_runs(const dz__loop_emitter *k, size_t i);
/* What the last instructions, from `runs` on, need before a block's loop, in it and behind it. */
void dz__before_runs(dz__loop_emitter *k);
void dz__say_runs(dz__loop_emitter *k);
void dz__after_runs(dz__loop_emitter *k);

#endif
