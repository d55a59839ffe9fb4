/* Checkpointing: the gradient of a loss after n steps without the tape of all n. Some states on the way are
   kept; the tape holds one step at a time, which is recorded again when the reverse sweep needs it. Peak
   memory is told before anything is computed, and what is told is kept.

   1. dz_checkpoint_measure runs two steps or so and says what one kept state costs, and what is needed
   beside.
   2. dz_checkpoint_plan says from this, n and a budget how many states to keep, the peak and the work.
   3. dz_checkpoint_run computes the value and the gradients.

   Bytes are those asked of the allocator and not yet given back, over everything that the run holds: tape,
   adjoints, kept states. (An allocator that grows a block by copying may hold both copies for a moment.)

   The gradients are those of the whole tape, bit for bit: an adjoint arrives at a step's tape as the first
   summand of its sum, where it would stand on the whole tape, and a parameter's so far likewise; later steps
   come first, as in a reverse sweep. What the whole tape knows of structural zeros and of inactive states is
   carried from step to step. What may still differ is the order of a sum, in its last bit, where a sweep adds
   up three or more uses of one scalar that stand within three nodes of it, and where one node is given as the
   next state twice. */
#ifndef DZ_CHECKPOINT_H
#define DZ_CHECKPOINT_H

#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the first step begins with, or what all steps share. */
typedef struct dz_chain_leaf {
  int rank;
  const size_t *dims;   /* NULL for rank 0 */
  const double *values; /* row-major; NULL: all 0 */
  double *gradient; /* out: d loss / d this, by dz_checkpoint_run; NULL: not wanted, no adjoint is computed */
} dz_chain_leaf;

/* n steps and a loss. The functions record on t from the handles that they are given, and from what else they
   find, which must be the same each time: a step is recorded several times, in no particular order. They must
   not rewind or clear t. A handle that is not valid ends the run with the tape's error. */
typedef struct dz_chain {
  size_t steps;
  size_t states, params; /* how many arrays the state consists of, and how many parameters there are */
  const dz_chain_leaf *state, *param;
  /* Called once, before anything is on the tape, for operations of your own (dz_op_define). NULL: none. */
  void (*begin)(dz_tape *t, void *user);
  /* Step k: next[i] from state[] and param[]. next[i] has the shape of state[i]. */
  void (*step)(dz_tape *t, size_t k, const dz_var *state, const dz_var *param, dz_var *next, void *user);
  /* A scalar from the last state. */
  dz_var (*loss)(dz_tape *t, const dz_var *state, const dz_var *param, void *user);
  void *user;
} dz_chain;

typedef struct dz_checkpoint_cost {
  size_t state; /* bytes that one kept state takes */
  size_t work;  /* bytes that are needed when none is kept: one step with its sweep, and the loss */
} dz_checkpoint_cost;

/* Measures the first steps of the chain with the loss behind them: two, or as many as it takes until no more
   state becomes one that gradients flow through. The gradient arrays are not written. `a` and `error` may be
   NULL. DZ_ERR_ARGUMENT (NULL), DZ_ERR_HANDLE, DZ_ERR_SHAPE (a next state of another shape; a loss of several
   elements), DZ_ERR_MEMORY, or the error of the tape in a step, with the step in the message. Cost: some six
   recordings of a step, four sweeps. */
DZ_API dz_status dz_checkpoint_measure(const dz_chain *chain, const dz_allocator *a, dz_checkpoint_cost *cost,
                                       dz_error *error);

typedef struct dz_checkpoint_schedule {
  size_t steps;
  size_t kept;        /* states kept at once, the first not counted, which is yours */
  size_t peak;        /* bytes */
  size_t evaluations; /* steps recorded in all; SIZE_MAX when that many cannot be counted */
  size_t least;       /* the smallest budget, with which no state is kept */
} dz_checkpoint_schedule;

/* The plan with the fewest step evaluations whose peak is within the budget (SIZE_MAX: keep what is useful):
   binomial checkpointing, which is optimal when all steps cost the same (A. Griewank and A. Walther,
   Algorithm 799: Revolve, ACM TOMS 26, 2000). With c = kept + 1 and r the least number for which n <= C(c +
   r, c) it takes n + r n - C(c + r, r - 1) of them; n (n + 1) / 2 when nothing is kept, 2 n - 1 when all is.
   DZ_ERR_LIMIT when the budget is too small; the message, and plan->least, say what is needed.
   DZ_ERR_ARGUMENT (NULL). Cost: O(r). */
DZ_API dz_status dz_checkpoint_plan(size_t steps, const dz_checkpoint_cost *cost, size_t budget,
                                    dz_checkpoint_schedule *plan, dz_error *error);

/* *value is the loss, and the gradient arrays are filled. It holds plan->peak bytes at its peak when the
   steps are as large as the measured ones, and never more: a step that would need more ends the run with
   DZ_ERR_LIMIT, and the message names it. Other errors as of dz_checkpoint_measure, and DZ_ERR_ARGUMENT (the
   plan is for another number of steps). After an error value and gradients are unspecified. Cost:
   plan->evaluations recordings of a step; for each of the n steps one reverse sweep, and a second one where
   an element of the state's adjoint is 0, to tell structural zeros from others. */
DZ_API dz_status dz_checkpoint_run(const dz_chain *chain, const dz_checkpoint_schedule *plan,
                                   const dz_allocator *a, double *value, dz_error *error);

#ifdef __cplusplus
}
#endif
#endif
