/* Plans as C, and as native code. */
#ifndef DZ_EMIT_H
#define DZ_EMIT_H

#include "dz/plan.h"
#include "dz/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_emit_options {
  const char *name; /* of the function, and the prefix of all other names; NULL: "f" */
  bool test;        /* with a main that checks the function against numbers of this plan */
  const double *at; /* where it checks: dz_plan_inputs numbers; NULL: at 0.5, 0.75, 1, 0.5, … */
  bool single;      /* in, out and grad are arrays of float; what is between is computed in double */
  bool batch;       /* with NAME_batch, for many inputs */
} dz_emit_options;

/* Writes the plan as one file of C99 that needs nothing but a compiler that knows GNU vectors (gcc, clang)
   and its libm: no dz, no allocation. It holds size_t NAME_inputs(void), NAME_outputs(void), NAME_work(void);
       int NAME(const double *in, double *out, double *grad, double *work);
   `work` is NAME_work() doubles; grad may be NULL, and is left alone by a plan made for values only. Returned
   is how many branches (dz_holds) go another way than recorded. With `batch` also
       int NAME_batch(size_t n, const double *in, double *out, double *grad, double *work);
   n times the same, on one row of each array after another. Numbers are those of dz_plan_run, bit for bit
   where both are compiled for the same libm without contraction (-ffp-contract=off). A gradient with a NaN is
   computed once more, number by number, so that a structural zero that met an infinite slope carries nothing;
   the program stands in the file a second time for that, as numbers, where it has such zeros. What was
   recorded as a loop is a loop; long programs are cut into functions of a size that compilers like, and where
   more than 20000 instructions stand outside loops they are numbers and a function that runs them: so
   compiling takes time linear in the plan, a few seconds for 10^5 different operations. DZ_ERR_ARGUMENT
   (NULL, a plan of whole tensors or with operations of C functions, a name that cannot be a function's: no
   identifier of C, a word of C, a name that C's library has, or one begun by _), DZ_ERR_MEMORY, DZ_ERR_WRITE.
   Cost: linear in the plan. */
DZ_API dz_status dz_emit(const dz_plan *p, const dz_emit_options *o, dz_writer *write, void *user);

typedef struct dz_native_options {
  const char *compiler; /* NULL: the environment's CC, else cc */
  const char *cache;    /* a directory for what was compiled; NULL: dz in XDG_CACHE_HOME, else in ~/.cache */
} dz_native_options;

/* Makes the plan run as native code: its C is compiled and loaded, or taken from the cache, which is found by
   the text and the flags. Call it before other threads run the plan. The numbers stay those of the virtual
   machine, bit for bit unless the plan is `quick`; dz_plan_map runs native code too. The cache directory is
   made if need be; it and what is in it must belong to the user and be writable by nobody else. When it fails
   the plan is as it was, and runs on the virtual machine: DZ_ERR_FILE (no compiler, it refuses, no such
   directory, or one that others can write to), DZ_ERR_LIMIT (more than 300000 different instructions),
   DZ_ERR_MEMORY, DZ_ERR_ARGUMENT (NULL, a plan of whole tensors or with operations of C
   functions). `o` and e may be NULL. dz_plan_pull with
   seeds stays on the virtual machine. Cost: the compiler's, 0.1 to some seconds. */
DZ_API dz_status dz_plan_native(dz_plan *p, const dz_native_options *o, dz_error *e);
/* Whether it does. */
DZ_API bool dz_plan_is_native(const dz_plan *p);

#ifdef __cplusplus
}
#endif
#endif
