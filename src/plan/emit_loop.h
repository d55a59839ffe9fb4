/* Loops as C: what the parts of their writer share. */
#ifndef DZ_PLAN_EMIT_LOOP_H
#define DZ_PLAN_EMIT_LOOP_H

#include "plan/emit.h"

/* Terms to a block, to one of a map, and to a function. */
enum { DZ__BLOCK = 120, DZ__LONG_BLOCK = 600, DZ__PIECE = 240 };

typedef struct dz__operand_text {
  char text[64];
} dz__operand_text;

/* Sums that are made of others behind a loop: accumulator `acc` is that of its parts, each a factor
   (DZ__NOWHERE: 1) times a source. */
typedef struct dz__part {
  uint32_t factor, source, next;
  bool minus;
} dz__part;

typedef struct dz__hoisted_sum {
  uint32_t part, acc;
  bool minus;
} dz__hoisted_sum;

typedef struct dz__hoisted {
  dz__loop loop; /* without what is done behind it */
  dz__hoisted_sum *sum;
  dz__part *part;
  uint32_t *acc; /* per source the accumulator that it has meanwhile */
  size_t sums, parts, part_cap, sources, room;
} dz__hoisted;

typedef struct dz__loop_emitter {
  dz__emitter *e;
  const dz__loop *l;
  dz__spots spots;
  size_t loop;
  uint32_t block;                /* the number of the block at hand, from 1 */
  uint32_t *local;               /* per slot the last block in which it has a variable */
  uint32_t *changed;             /* per slot the last block whose end has been looked at; */
  uint8_t *live, *at_end;        /* whether it is read later, now and there: by blocks (1), by others (2) */
  const dz__instruction **maker; /* per slot what made it, where blocks make it again; else NULL */
  bool again;                    /* they do */
  uint32_t *store;               /* slots that a block has to store */
  size_t stores, store_cap;
  size_t at;     /* the instruction at hand, while they are looked for */
  size_t *first; /* per block: where its stores begin; and their number */
  size_t *count, *begin;
  size_t blocks,
      joint;        /* joint: the block that goes on from values to adjoints; none: as many as there are */
  size_t runs;      /* the first of the last instructions, which add runs of lanes to the gradient */
  size_t sums;      /* at most so many in a block */
  uint32_t *summed; /* per accumulator the last block that adds to it, by a number of their own; NULL: the
                       plan is quick, whose sums may be in any order */
  uint32_t summing;
  bool twice; /* some accumulator is added to in that block already */
  uint32_t
      uniform[3 * DZ__BLOCK + 64]; /* what the block has variables for: numbers for all lanes, accumulators */
  size_t uniforms;
  /* What the block puts into rows of samples, in the order of the columns: instructions. */
  size_t put[DZ__LONG_BLOCK + 1], puts;
  bool map, failed;    /* map: lanes are samples */
  dz__hoisted hoisted; /* no sums: there are none */
} dz__loop_emitter;

static inline bool dz__is_slot(uint32_t place) { return dz__where_of(place) == DZ__REG; }

/* A vector's first element for the lanes at hand; of numbers for all, where they stand. */
dz__operand_text dz__operand_at(const dz__loop_emitter *k, uint32_t place);

/* Calls f for every accumulator that instruction i adds to. */
typedef void dz__visit_sum(dz__loop_emitter *k, uint32_t acc);
void dz__each_sum(dz__loop_emitter *k, const dz__instruction *i, dz__visit_sum *f);

/* Whether blocks of such a loop make some things again; whether of what instruction i gives; and what that is
   for the slots behind an instruction, or behind the first `end`. */
bool dz__makes_again(const dz__loop *l, bool map);
bool dz__is_made_again(const dz__loop_emitter *k, const dz__instruction *i);
void dz__note_maker(dz__loop_emitter *k, dz__instruction *i);
void dz__note_makers(dz__loop_emitter *k, size_t end);

/* NAME_loopK, which runs the tiles and takes the sums. */
void dz__say_around(dz__loop_emitter *k);

/* Fills h, where there is something for it; false when there is nothing, or memory is out. */
bool dz__hoist(const dz_allocator *a, const dz__loop *l, dz__hoisted *h);
void dz__hoisted_free(const dz_allocator *a, dz__hoisted *h);
/* NAME_loopK_hoist. */
void dz__say_hoisted(dz__loop_emitter *k, const dz__hoisted *h);

/* Whether instruction i is a block by itself: a function of the table, or wiring. */
bool dz__is_loose(const dz__loop_emitter *k, size_t i);
/* Sets k->runs. */
void dz__find_runs(dz__loop_emitter *k);
/* Block b up to instruction `end`, which is arithmetic; an instruction that is a block by itself. */
void dz__say_block(dz__loop_emitter *k, size_t b, size_t end);
/* Returns how many instructions that was, each a block. */
size_t dz__say_loose(dz__loop_emitter *k, size_t at);
/* Numbers that go to rows of samples: what they need before a block's loop, where they are computed, at the
   end of the loop's body and behind it. `x` is the number, as a vector. */
void dz__before_puts(dz__loop_emitter *k, size_t from, size_t end);
void dz__say_put(dz__loop_emitter *k, size_t i, const char *x);
void dz__say_puts(dz__loop_emitter *k, bool last);
void dz__after_puts(dz__loop_emitter *k);
/* The first of those that overlap with i. */
size_t dz__head_of_runs(const dz__loop_emitter *k, size_t i);
/* What the last instructions, from `runs` on, need before a block's loop, in it and behind it. */
void dz__before_runs(dz__loop_emitter *k);
void dz__say_runs(dz__loop_emitter *k);
void dz__after_runs(dz__loop_emitter *k);

#endif
