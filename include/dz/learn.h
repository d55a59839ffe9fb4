/* Learning: optimisers, learning-rate schedules, the order of samples.

   An optimiser turns a gradient into a step. It works on plain arrays (dz_optimiser_step) or on the
   parameters of a tape (dz_optimiser_apply):

       dz_tape_rewind(t, start);                     after the parameters
       loss = …;                                     recorded anew
       dz_backward(loss);
       dz_optimiser_apply(o, dz_value(loss), n, params);

   Everything is deterministic: the same numbers give the same steps, and a state that is kept and put back
   (dz_optimiser_state, dz_optimiser_restore) goes on to the same bits. */
#ifndef DZ_LEARN_H
#define DZ_LEARN_H

#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- learning rates ---- */

typedef enum dz_schedule_kind { DZ_SCHEDULE_CONSTANT, DZ_SCHEDULE_STEP, DZ_SCHEDULE_COSINE } dz_schedule_kind;

/* What the rate is multiplied by at step k = 0, 1, …:
   constant: 1
   step:     factor^floor(k / every)
   cosine:   (1 + cos(pi min(k, total) / total)) / 2
   and that by (k + 1) / warm_up while k < warm_up. All 0 is constant. */
typedef struct dz_schedule {
  dz_schedule_kind kind;
  uint64_t every, total, warm_up; /* steps; 0 counts as 1 for every and total */
  double factor;
} dz_schedule;

/* The factor at step k; 1 for NULL. Cost O(1). */
DZ_API double dz_schedule_at(const dz_schedule *s, uint64_t k);

/* ---- optimisers ---- */

/* Methods, with g the gradient, r the rate (by its schedule), t = 1, 2, … the step:
   sgd       x <- x - r g
   momentum  v <- m v - r g, x <- x + v
   nesterov  v <- m v - r g, x <- x + m v - r g: x is where the last step's velocity has carried it already
   adagrad   s <- s + g^2, x <- x - r g / (sqrt(s) + eps)
   rmsprop   s <- d s + (1 - d) g^2, x <- x - r g / (sqrt(s) + eps)
   adam      v <- m v + (1 - m) g, s <- d s + (1 - d) g^2,
             x <- x - r (v / (1 - m^t)) / (sqrt(s / (1 - d^t)) + eps)
   adamw     x <- x - r w x, then adam without weight decay in g
   lbfgs     a quasi-Newton direction from the last `history` steps, and a line search of its own: x is the
             next point to try. It wants the loss and the gradient of the whole data set each time; the rate
             is the first length to try along a direction (the first direction of all: over the gradient's
             norm), and there is no schedule.

   Before that: the gradient is scaled to norm `clip` when it is longer, and w x is added to it (not for
   adamw). */
typedef struct dz_optimiser_options {
  const char *method;
  double rate;
  double momentum;     /* m */
  double decay;        /* d */
  double epsilon;      /* eps */
  double weight_decay; /* w */
  double clip;         /* the longest gradient; infinity: any */
  size_t history;      /* of lbfgs */
  dz_schedule schedule;
} dz_optimiser_options;

/* The names of the methods; NULL past the end. */
DZ_API const char *dz_optimiser_method(size_t i);

/* The usual options of a method: rate 0.01 (adagrad, rmsprop too), 0.001 (adam, adamw), 1 (lbfgs); m = 0.9, d
   = 0.9 (rmsprop) or 0.999, eps = 1e-8, w = 0 (adamw 0.01), no clip, history 10, a constant rate.
   DZ_ERR_NAME for an unknown method, DZ_ERR_ARGUMENT for NULL. */
DZ_API dz_status dz_optimiser_defaults(const char *method, dz_optimiser_options *options);

typedef struct dz_optimiser dz_optimiser;

/* An optimiser of `count` numbers. NULL after an error, which *error (may be NULL) holds: DZ_ERR_NAME,
   DZ_ERR_ARGUMENT (an option out of its range), DZ_ERR_LIMIT, DZ_ERR_MEMORY. `a` may be NULL; its user
   pointer must outlive the optimiser. Memory: 8 bytes for each number and one or two states of it (lbfgs: 3 +
   2 history). Free it with dz_optimiser_free. */
DZ_API dz_optimiser *dz_optimiser_new(const dz_optimiser_options *options, size_t count,
                                      const dz_allocator *a, dz_error *error);
DZ_API void dz_optimiser_free(dz_optimiser *o);

/* One step from x[0..count) with the loss and its gradient there. DZ_ERR_ARGUMENT (NULL, or an element of the
   gradient that is not finite; x and the state stay as they were. lbfgs takes such a point for one step too
   far, unless it is the first). Cost O(count); allocates nothing. */
DZ_API dz_status dz_optimiser_step(dz_optimiser *o, double loss, double *x, const double *gradient);

/* The same on leaves of a tape after dz_backward: they are set. Their elements must be `count` in all, always
   in the same order. DZ_ERR_SHAPE, DZ_ERR_HANDLE (a leaf without an adjoint), DZ_ERR_ARGUMENT, or what
   dz_set gives. */
DZ_API dz_status dz_optimiser_apply(dz_optimiser *o, double loss, size_t n, const dz_var *params);

/* The best point: that which lbfgs holds behind the point it is trying. Other methods, and lbfgs before its
   first step, leave x as it is. DZ_ERR_ARGUMENT (NULL). */
DZ_API dz_status dz_optimiser_best(const dz_optimiser *o, double *x);

/* The state, *count numbers, the first of them the steps taken; valid until the next step. To go on later,
   give it to an optimiser with the same options and count, and x (for lbfgs it becomes the point that is to
   be tried next; otherwise it is not touched). DZ_ERR_SHAPE for another count, DZ_ERR_ARGUMENT for a state
   that cannot be one. */
DZ_API const double *dz_optimiser_state(const dz_optimiser *o, size_t *count);
DZ_API dz_status dz_optimiser_restore(dz_optimiser *o, const double *state, size_t count, double *x);

/* Steps taken. 0 for NULL. */
DZ_API uint64_t dz_optimiser_steps(const dz_optimiser *o);

/* ---- samples ---- */

/* order[0..n) becomes a permutation of 0..n-1 that depends on seed and turn only (an epoch, say): Fisher and
   Yates's shuffle with numbers of splitmix64 by their place in the stream, so it is the same on every
   machine. DZ_ERR_ARGUMENT for NULL. Cost O(n). */
DZ_API dz_status dz_shuffle(uint64_t seed, uint64_t turn, size_t n, size_t *order);

#ifdef __cplusplus
}
#endif
#endif
