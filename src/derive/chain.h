/* A chain of steps with one of its states at hand: what the schedule of src/derive/checkpoint.c drives. */
#ifndef DZ_DERIVE_CHAIN_H
#define DZ_DERIVE_CHAIN_H

#include "base/memory.h"
#include "base/status.h"
#include "dz/checkpoint.h"

#include <stdint.h>

/* Counts what is held, and refuses to go beyond `most`. */
typedef struct dz__meter {
  dz_allocator alloc;
  size_t held, peak, most;
  bool refused;
} dz__meter;

dz_allocator dz__metered(dz__meter *m);

typedef struct dz__run {
  const dz_chain *chain;
  size_t steps; /* those that are run: all, or when measuring the first few */
  dz_allocator alloc;
  dz_tape *tape;
  dz_mark mark; /* behind the parameters */
  dz_error *error;
  dz_status status;
  size_t at;               /* the step that the state at hand begins */
  size_t elements, shared; /* of a state; of the parameters that are wanted */
  dz_var *handles, *state, *next, *param;
  double *room;
  double *values; /* the state at hand */
  double *adjoint,
      *mask;    /* of the state behind the step that comes next in reverse; mask: 0 at structural zeros */
  double *sums; /* the wanted parameters' adjoints so far */
  bool *active; /* per array of the state at hand: whether gradients flow to it */
  size_t reversed;
  bool settled; /* the last step left all arrays as active, or not, as they were */
  double value; /* of the loss */
} dz__run;

/* How large a state is, before anything is allocated. False after reporting, as all below. */
bool dz__run_size(dz__run *r);
/* The tape with the parameters, and the first state. Then dz__run_end in any case. */
bool dz__run_begin(dz__run *r);
void dz__run_end(dz__run *r);

/* The bytes that one state takes when it is kept; keeping it, and going back to it or to the first. */
size_t dz__run_state_bytes(const dz__run *r);
void dz__run_keep(const dz__run *r, double *values, bool *active);
void dz__run_return(dz__run *r, size_t at, const double *values, const bool *active);
void dz__run_restart(dz__run *r);

/* The state at hand becomes the next one. */
bool dz__run_advance(dz__run *r);
/* The reverse sweep of the step that the state at hand begins, those behind it having been reversed. It takes
   the loss with it when it is the last one, or when there are no steps. */
bool dz__run_reverse(dz__run *r);
/* Copies the gradients out. */
void dz__run_finish(const dz__run *r);

/* Keeps the tape's error, or else the one given, with the step in its message. */
bool dz__run_fail(dz__run *r, dz_status status, const char *message);

#endif
