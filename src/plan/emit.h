/* Writing C. */
#ifndef DZ_PLAN_EMIT_H
#define DZ_PLAN_EMIT_H

#include "base/status.h"
#include "dz/emit.h"
#include "plan/plan.h"

/* Where a loop's tables, indices, choices and lists begin in the two arrays. */
typedef struct dz__spots {
  size_t table, index, choice, list;
} dz__spots;

/* Numbers around that a function has variables for. More would not stay in registers: then there are none,
   and all numbers stay where they are. */
enum { DZ__MOST_LOCALS = 24 };
typedef struct dz__locals {
  uint32_t place[DZ__MOST_LOCALS + 1]; /* the last one tells that there are too many */
  size_t n;
} dz__locals;

typedef struct dz__emitter {
  const dz_plan *p;
  const dz__loop *steps; /* the sequence at hand, with its spots; NULL: the program around */
  dz__spots spots;
  const dz__locals *locals; /* of a sequence whose registers are variables, too; else NULL */
  const dz_emit_options *options;
  const char *name;
  bool outside; /* tables are arguments, not part of the file; w[memory] becomes 1 where a gradient has a NaN
                 */
  uint8_t *writers; /* per entry of the gradient */
  dz_writer *write;
  void *user;
  dz_status status;
  size_t n;
  char text[4096];
} dz__emitter;

/* Text; `form` may hold %s, %c, %u and %zu. */
void dz__say(dz__emitter *e, const char *form, ...) DZ__FORMAT(2, 3);
void dz__say_text(dz__emitter *e, const char *text, size_t n); /* as it is, of any length */
void dz__say_number(dz__emitter *e, double x);
void dz__say_doubles(dz__emitter *e, const char *type, const char *what, const double *x, size_t n);
bool dz__said(dz__emitter *e); /* sends what waits; false when the writer refused */

/* Loaded code is given dz's kernels. */
static inline const char *dz__kernels(const dz__emitter *e) { return e->outside ? ", const kernels *q" : ""; }
static inline const char *dz__the_kernels(const dz__emitter *e) { return e->outside ? ", q" : ""; }

/* What the formulas of the table need: definitions of all operations that the plan uses. */
void dz__emit_functions(dz__emitter *e);
/* Numbers of those definitions, from 1 on; 0: there is none. */
typedef struct dz__formulas {
  uint32_t value[DZ__F_POINTWISE_END], partial[DZ__F_POINTWISE_END][3];
} dz__formulas;
void dz__number_formulas(const dz__emitter *e, dz__formulas *f);
/* The program around as numbers; then its instructions from `from` to `end` as functions that run them,
   between calls, from number `first` on. Returns how many. */
enum { DZ__MOST_WRITTEN = 20000 }; /* instructions; of more it is numbers */
void dz__emit_code(dz__emitter *e);
size_t dz__emit_coded(dz__emitter *e, size_t from, size_t end, size_t first);
/* Tables of those definitions, NAME_values and NAME_partials, by their numbers. */
void dz__emit_formulas(dz__emitter *e);
/* Whether zeros that nothing flows to may meet infinities, which a second, careful run of the C then takes
   care of; NAME_carefully, which does; and its room behind the workspace, in doubles. */
bool dz__needs_care(const dz_plan *p);
void dz__emit_care(dz__emitter *e);
size_t dz__care_room(const dz_plan *p);
/* A place as a function of one lane has it. */
typedef struct dz__spelling {
  char text[48];
} dz__spelling;
dz__spelling dz__spelled(const dz__emitter *e, uint32_t place);
/* How C says arithmetic, by dz__step_op: d, assign, before, a, between, b where something stands between,
   after. */
typedef struct dz__form {
  const char *assign, *before, *between, *after;
} dz__form;
extern const dz__form dz__forms[];

/* An instruction of the program around, or of a sequence. */
void dz__emit_scalar(dz__emitter *e, const dz__instruction *i);
/* Instructions to a function of them. */
enum { DZ__SCALARS = 400 };
/* The functions of one loop, and NAME_loopK, which runs it. */
dz_status dz__emit_loop(dz__emitter *e, size_t k);
/* NAME_map, for a tile of samples. */
dz_status dz__emit_map(dz__emitter *e);
/* Macros and functions that they use; and maps beside. */
void dz__emit_vectors(dz__emitter *e);
void dz__emit_transposing(dz__emitter *e, bool map);
dz_status dz__emit_sequence(dz__emitter *e, size_t k);
/* One of short steps, which is e->steps; and the head of the function NAME_loopK of any. */
dz_status dz__emit_steps(dz__emitter *e, size_t k);
void dz__open_sequence(dz__emitter *e, size_t k, const dz__loop *l);
/* A main that checks the function. */
dz_status dz__emit_test(dz__emitter *e);
/* Letters, digits and _, from a letter on; no word of C and nothing that its library has. */
bool dz__is_function_name(const char *s);
/* The whole; `outside`: the function is NAME(in, out, grad, work, table, index), with arrays as dz__emit_data
   lays them out. */
dz_status dz__emit_plan(const dz_plan *p, const dz_emit_options *o, bool outside, dz_writer *write,
                        void *user);

/* Sets e->writers, which is to be freed. False when memory is out. */
bool dz__find_writers(dz__emitter *e);
/* Whether the entry is set by the run of lanes that holds it, and by nothing else. */
bool dz__writes_alone(const dz__emitter *e, uint32_t place);
/* The next run of other entries, from *end on. */
bool dz__next_shared(const dz__emitter *e, size_t *from, size_t *end);

dz__spots dz__spots_of(const dz_plan *p, size_t loop);
/* Sizes of the arrays, and filling them. */
dz__spots dz__data_size(const dz_plan *p);
void dz__emit_data(const dz_plan *p, double *table, uint32_t *index);

#endif
