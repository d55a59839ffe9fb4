/* Plans: what was recorded once, compiled to run many times with other numbers.

   A plan is a program of its own: it takes from the tape what its outputs need and keeps nothing of it, so
   the tape may go on, be rewound or freed. A loop of C that recorded the same few operations again and again
   is found and becomes a loop again, over vectors; a recurrence becomes a loop that carries state from step
   to step. A plan never changes once it is made, and many threads may run it, each with a workspace.

   Values and derivatives are the tape's: the same operations by the same table. What differs is the order of
   additions, in long sums and where three or more gradients meet, and so the rounding there; nothing else is
   reassociated, no two roundings become one.

   A branch of C that was taken while recording is taken in every run. Ask dz_holds instead of comparing
   values, and the plan knows the comparison, checks it in every run, and says so when it turns out otherwise.
   A branch on a plain double (dz_value(x) > 0) cannot be seen. */
#ifndef DZ_PLAN_H
#define DZ_PLAN_H

#include "dz/holds.h"
#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_plan dz_plan;

/* Tensors element by element, among which loops are found again; emitted C, native code and maps are made of
   these. Or whole, an operation at a time: pointwise ones of one shape that follow one another as one pass in
   pieces that stay in the first cache, with the sums and largest elements of rows of up to 64 where there are
   any (softmax, cross-entropy, normalisation); matrix products as the tape does them, a transpose in front of
   one not copied, a row that is added and a relu behind it done on the way; convolutions and pools of the
   prelude without copies of their windows; every value and adjoint in a place that others have before and
   after. That is quicker where tensors are large, and can do more (solve, positions of gather that depend on
   an input, where one that does not exist gives NaN, seeds of noise), but not what users defined. Both answer
   as the tape does at every hard point. */
typedef enum dz_tensors {
  DZ_TENSORS_AUTO, /* whole where operations of tensors take 131072 steps or more together, or matrix products
                      8192: measured */
  DZ_TENSORS_WHOLE,
  DZ_TENSORS_APART
} dz_tensors;

enum { DZ_MOST_THREADS = 256 };

typedef struct dz_plan_options {
  const dz_allocator *allocator; /* NULL: malloc */
  bool values_only;              /* no derivatives are wanted: less memory, quicker to make */
  bool unrolled;                 /* no loops are looked for: for comparison */
  bool map;                      /* dz_plan_map will be used: some more memory and time */
  bool quick;  /* loops take exp, log, sin and their like from SLEEF, several numbers at a time: within 1.5
                  ULP, where libm's, which the tape has, are within 1 or so; native code also rounds a product
                  and the sum that it goes into once instead of twice, and takes factors that all lanes share
                  out of sums over lanes. No difference where dz was built
                  without SLEEF */
  int threads; /* 1 to DZ_MOST_THREADS: that many share the lanes of long loops and the samples of
                  dz_plan_map, the caller's among them. Each number is the same for any of them, to the last
                  bit; in sums over many lanes it differs from that for 0, which is the caller's thread alone,
                  since lanes are added up in blocks. The others live as long as the plan, look for work a
                  fraction of a millisecond and then sleep. Where the system has no more threads, fewer share
                  the work. They serve one caller at a time: others meanwhile work alone. Loops whose lanes
                  add to the same numbers, sequences and whole tensors are not shared */
  dz_tensors tensors;
  bool single; /* floats instead of doubles: tensors and matrix products have a float's precision, functions
                  and sums within a pass are computed with doubles. Always of whole tensors. Plans of whole
                  tensors made from a tape of floats are so in any case; element by element, plans compute
                  with doubles whatever the tape's numbers are, and round less */
} dz_plan_options;

/* The function from the leaves xs to the nodes ys of one tape, whose other leaves keep the values that they
   have now. Tensors count element by element, row-major, one x or y after another. Gradients flow to the
   leaves among xs that are active; to data and constants they are 0. `o` may be NULL. NULL after an error,
   which *e holds (e may be NULL): DZ_ERR_ARGUMENT (a count that is not positive for ys, NULL, an x that is no
   leaf or stands twice, an operation that plans cannot do: solve, positions of gather and scatter that depend
   on an x), DZ_ERR_HANDLE, DZ_ERR_LIMIT (2^29 numbers), DZ_ERR_MEMORY. The plan's own memory is the
   allocator's, and all of it is here: nothing is allocated later. Operations of C functions (dz/userop.h) are
   called as they are, value and vjp, by each thread that runs the plan; the plan holds their definitions as
   the tape does. They are no part of native and emitted code, of maps, and of plans of whole tensors
   (DZ_ERR_ARGUMENT). Cost: linear in the nodes recorded up to the last y. Free it with dz_plan_free. */
DZ_API dz_plan *dz_plan_new(int ycount, const dz_var *ys, int xcount, const dz_var *xs,
                            const dz_plan_options *o, dz_error *e);
DZ_API void dz_plan_free(dz_plan *p);

/* Elements of all xs, and of all ys. 0 for NULL. */
DZ_API size_t dz_plan_inputs(const dz_plan *p);
DZ_API size_t dz_plan_outputs(const dz_plan *p);

/* Bytes of the workspace that a run needs: exactly what it uses at most, all threads together. */
DZ_API size_t dz_plan_memory(const dz_plan *p);

/* Values of the outputs at `in`, and gradient[i] = d(sum of the outputs)/d in[i]: of a plan with one output
   its gradient. `values` or `gradient` may be NULL; without a gradient only values are computed, and a plan
   of whole tensors that is asked for the gradient alone leaves out what only the values need. `work` is
   dz_plan_memory bytes, aligned as malloc does it, with any contents; the arrays must not overlap. Nothing is
   allocated. DZ_ERR_ARGUMENT (NULL, a gradient of a plan made for values only). Safe in several threads at
   once, each with arrays of its own. DZ_ERR_BRANCH when a branch goes another way than recorded: the numbers
   are then those of the recorded way, which may mean nothing. */
DZ_API dz_status dz_plan_run(const dz_plan *p, const double *in, double *values, double *gradient,
                             void *work);

/* The same of a plan of floats, with nothing converted: dz_plan_run of such a plan converts what it is given
   and gives. */
DZ_API dz_status dz_plan_run_single(const dz_plan *p, const float *in, float *values, float *gradient,
                                    void *work);

/* The same with gradient[i] = sum over outputs k of seeds[k] d(output k)/d in[i]. */
DZ_API dz_status dz_plan_pull(const dz_plan *p, const double *in, const double *seeds, double *values,
                              double *gradient, void *work);

/* The same for n samples at once: in is n rows of dz_plan_inputs numbers, values n rows of dz_plan_outputs,
   and jacobians n times dz_plan_outputs rows of dz_plan_inputs: row k of a sample is the gradient of its
   output k. `values` or `jacobians` may be NULL. `work` is dz_plan_map_memory bytes. Only for a plan made
   with `map`. Each number is what dz_plan_run gives for the sample alone, bit for bit where that has no
   loops. Branches are not checked. DZ_ERR_ARGUMENT. Cost: that of n runs without what lies between the
   operations: for small plans a fraction of it. */
DZ_API dz_status dz_plan_map(const dz_plan *p, size_t n, const double *in, double *values, double *jacobians,
                             void *work);
DZ_API size_t dz_plan_map_memory(const dz_plan *p);

/* A branch that would go the other way. */
typedef struct dz_branch {
  const char *file; /* of the call of dz_holds; NULL when that is not known */
  int line;
  bool recorded; /* the answer while recording */
  size_t number; /* among those that the plan checks, from 0 */
} dz_branch;

/* How many of the branches of the run that left this workspace go another way than recorded; *first, if not
   NULL, is the first of them. Branches count that were recorded up to the last y and depend on the inputs.
   Cost: linear in the branches. */
DZ_API size_t dz_plan_flips(const dz_plan *p, const void *work, dz_branch *first);

/* What became of what was recorded. */
typedef struct dz_plan_facts {
  size_t operations;   /* that the outputs need, and that depend on the inputs: of scalars, or of whole
                          tensors, where the passes are `loops` and their elements `lanes` */
  size_t loops, lanes; /* loops found, over vectors and over steps, and how often their bodies run in all */
  size_t instructions; /* of the machine, those in loops counted once */
  size_t branches;     /* that are checked */
  size_t bytes;        /* of the plan itself */
} dz_plan_facts;

/* All zeros for NULL. Cost: constant. */
DZ_API dz_plan_facts dz_plan_facts_of(const dz_plan *p);

#ifdef __cplusplus
}
#endif
#endif
