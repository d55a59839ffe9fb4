/* Packing: the same numbers from less code. What a loop does to full vectors is written once more for the
   machine: gradients are added up where they are wanted instead of where they arise, copies and equal
   operations go, and chains of additions become one instruction. No addition changes its place, so that every
   bit stays. The code that was packed remains, for the last lanes, for careful runs, and to be written as C.

   This works because registers are written, by one instruction or by several that each add something, and
   only then read. */
#ifndef DZ_PLAN_PACK_H
#define DZ_PLAN_PACK_H

#include "plan/formulas.h"
#include "plan/program.h"

/* l->packed from l->code, whose registers have no slots yet; those of l->packed do. `one` is a place of the
   number 1, or DZ__NOWHERE. l->packed stays empty where the code is not of that kind. False when memory is
   out. */
bool dz__pack(const dz_allocator *a, dz__loop *l, size_t registers, uint32_t one);

/* The same of a sequence, whose code has its slots (pack_steps.c). */
bool dz__pack_sequence(const dz_allocator *a, dz__loop *l);
/* Of its packed code, adjoints read no copies where the original is there, too: copies are marked as gone.
   False when memory is out. */
bool dz__pack_copies(const dz_allocator *a, dz__loop *l, uint8_t *gone);
/* Of its packed code, sums over steps go behind the adjoints of many steps. False when memory is out. */
bool dz__pack_late(const dz_allocator *a, dz__loop *l);
/* In its lists, products that go on evenly are marked (pack_runs.c). */
void dz__pack_runs(dz__routine *c);

/* ---- inside ---- */

/* Of a sum: how, with DZ__SUBTRACT, and its places. Of other lists: a place. */
typedef struct dz__term {
  uint32_t how, a, b, next; /* next: in a chain, counted from 1 */
} dz__term;

/* An instruction; where it has a list, that is a chain of terms. */
typedef struct dz__item {
  dz__instruction i;
  uint32_t first, last; /* of the chain; 0: it has none */
  bool dropped;
} dz__item;

typedef struct dz__made {
  uint32_t writes, last_write, first_read; /* counting instructions; first_read DZ__NOWHERE: none */
  uint32_t first, last;                    /* the chain of what was added so far */
  uint32_t instead;                        /* the place that holds the same */
  uint32_t everywhere; /* the one number that stands in all lanes; DZ__NOWHERE: it is none */
  uint32_t uses, by;   /* the item that makes it */
  bool lone;           /* the same stands in all lanes, and nobody reads it as a vector: one is enough */
  bool pulled;         /* all that is written to it is terms of one sum */
} dz__made;

typedef struct dz__packing {
  const dz_allocator *alloc;
  const dz__routine *from;
  dz__routine *to;
  uint32_t one;
  size_t registers, made_cap, reverse; /* reverse: items before those of the adjoints */
  dz__made *made;                      /* per register */
  dz__item *item;
  dz__term *term;
  size_t items, item_cap, terms, term_cap;
  dz__item none; /* stands for one that memory was out for */
  bool failed;
} dz__packing;

static inline bool dz__is_register(uint32_t place) { return dz__where_of(place) == DZ__REG; }
static inline dz__made *dz__made_of(const dz__packing *k, uint32_t place) {
  return &k->made[dz__place_index(place)];
}
/* Whether one item alone makes the register. */
static inline bool dz__is_sole(const dz__packing *k, uint32_t place) {
  return dz__is_register(place) && (dz__made_of(k, place)->pulled || dz__made_of(k, place)->writes == 1);
}

/* Calls f for every place of an item, results last. */
void dz__each_of_item(dz__packing *k, dz__item *item, dz__visit *f, void *user);

/* Equal operations and copies go. */
bool dz__pack_equal(dz__packing *k);
/* What nobody reads goes; sums go into the sums that they begin, or that they are a single term of. */
void dz__pack_merge(dz__packing *k);
/* Neighbouring columns go together. */
bool dz__pack_columns(dz__packing *k);
/* Writes k->to, with slots for registers. */
bool dz__pack_write(dz__packing *k);

#endif
