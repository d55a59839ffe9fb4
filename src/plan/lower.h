/* From graphs to programs. */
#ifndef DZ_PLAN_LOWER_H
#define DZ_PLAN_LOWER_H

#include "plan/program.h"
#include "plan/roll.h"

/* Adjoints that are known before the values, since only constants lie between them and the outputs, come
   first; then a loop whose adjoint is known runs forward and backward at once. */
typedef enum dz__phase { DZ__EARLY, DZ__LATE } dz__phase;

typedef struct dz__lowering {
  const dz_allocator *alloc; /* of the program, whose memory stays; the graph has one of its own */
  const dz__graph *g;
  dz__routine *to;
  dz__program *program;
  dz__loop *loop;  /* NULL: the graph around the groups */
  uint32_t *val;   /* per node the place of its value, DZ__NOWHERE before it has one */
  uint32_t *adj;   /* of its adjoint; of a uniform the accumulator */
  uint32_t *slope; /* of its slope, where that is computed with the value */
  uint32_t
      *sibling; /* of a sine the cosine of the same number, and the other way: each is the other's slope */
  uint32_t *spread; /* in a loop: of one for all, the same as a vector */
  uint8_t *fused;   /* a product that is a term of one sum: computed there */
  uint8_t *started; /* whether the adjoint holds something, so that more is added */
  uint8_t *early;   /* NULL in a loop */
  dz__phase phase;
  size_t registers;
  /* In a loop: places of what the call reads, and of their adjoints. */
  const uint32_t *reads, *flows;
  uint32_t sink; /* takes adjoints that nobody wants */
  bool failed;   /* memory is out, or a number of places is */
} dz__lowering;

bool dz__lowering_init(dz__lowering *w, const dz__graph *g);
void dz__lowering_free(dz__lowering *w);

/* A sum of so few terms, or flows, takes an instruction for each: the list's way keeps sums in registers, but
   looks at every term anew for every few lanes. */
enum { DZ__FEW_TERMS = 3 };

/* Whether places are vectors over lanes: not in the graph around, nor in a sequence. */
static inline bool dz__is_wide(const dz__lowering *w) { return w->loop && !w->loop->sequence; }

uint32_t dz__register(dz__lowering *w);
dz__instruction *dz__instruct(dz__lowering *w, dz__step_op op, uint32_t d, uint32_t a);
/* Appends to the list; where it begins. */
uint32_t dz__note_places(dz__lowering *w, size_t n, const uint32_t *items);
/* The place as a vector: itself, or a copy in every lane. */
uint32_t dz__vector(dz__lowering *w, uint32_t place);
/* The same for node i's value. */
uint32_t dz__vector_of(dz__lowering *w, uint32_t i);
unsigned dz__mode(const dz__lowering *w, uint32_t a, uint32_t b);

/* Code for the values of all nodes. */
void dz__lower_values(dz__lowering *w, bool gradient);
/* Code for the adjoints, from those that have some already. */
void dz__lower_adjoints(dz__lowering *w);
/* g, times the factor o unless that is DZ__NOWHERE, flows to node x. */
void dz__flow_to(dz__lowering *w, uint32_t x, uint32_t g, uint32_t o, bool minus);

/* What a stream reads, for its adjoint too. */
uint32_t dz__lower_stream(dz__lowering *w, uint32_t i);
void dz__lower_scatter(dz__lowering *w, uint32_t i);

/* The whole: r is not needed afterwards. */
bool dz__compile(const dz__rolled *r, bool gradient, dz__program *p);
/* Lanes at a time: registers of a tile, and the constants that it reads, stay in the first-level cache where
   that is possible. */
size_t dz__tile_of(const dz__loop *l);

/* Any number of samples side by side: values and, for each output, its gradient. g has no groups. How many
   there are is said when it runs. Its table is the constants, which stand before the registers. */
bool dz__lower_map(const dz__graph *g, size_t inputs, size_t outputs, bool gradient, dz__program *p,
                   dz__loop *loop);

/* One group: places of what its call reads and of their adjoints; of its result and the result's adjoint
   (DZ__NOWHERE: none is wanted). */
bool dz__lower_group(dz__program *p, const dz__group *group, dz__loop *loop, const uint32_t *reads,
                     const uint32_t *flows, uint32_t result, uint32_t adjoint, uint32_t sink);
/* Orders the adjoints of a loop so that sums over all lanes stand together (defer.c). */
bool dz__defer_sums(const dz_allocator *a, dz__routine *c);
bool dz__copy_tables(dz__program *p, const dz__group *group, dz__loop *l);

/* The same for what C functions compute. */
bool dz__lower_outside(dz__program *p, size_t k, const uint32_t *reads, const uint32_t *flows,
                       uint32_t result, uint32_t adjoint);

/* The same for a sequence: result and adjoint are where its first results and their adjoints begin. */
bool dz__lower_sequence(dz__program *p, const dz__group *group, dz__loop *loop, const uint32_t *reads,
                        const uint32_t *flows, uint32_t result, uint32_t adjoint, uint32_t sink);

#endif
