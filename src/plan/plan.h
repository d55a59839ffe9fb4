/* A plan inside. */
#ifndef DZ_PLAN_PLAN_H
#define DZ_PLAN_PLAN_H

#include "dz/plan.h"
#include "plan/extract.h"
#include "plan/machine.h"

struct dz_plan {
  dz_allocator alloc;
  dz__program program;
  dz__machine *lanes; /* the machine for loops */
  bool gradient;
  dz__guards guards; /* of the outputs behind those of the caller */
  dz_plan_facts facts;
  struct dz__crew *crew;     /* NULL: the caller's thread runs it alone */
  struct dz__whole *whole;   /* not NULL: it is one of whole tensors, and `program` has only counts */
  struct dz__native *native; /* NULL: the virtual machine runs it */
};

/* Who shares the blocks of native loops. */
typedef struct dz__team {
  struct dz__crew *crew;
  void (*share)(struct dz__crew *crew, size_t n, void (*f)(void *work, size_t block, size_t who), void *work);
} dz__team;

/* A plan as a function of a library that is loaded. */
typedef struct dz__native {
  void *library;
  int (*run)(const double *in, double *out, double *grad, double *work, const double *table,
             const uint32_t *index, const dz__row *rows, const dz__team *team);
  /* A tile of samples of a map: NULL where none was asked for. */
  void (*map)(const double *in, double *grad, double *work, double *out, size_t lane, size_t n,
              const dz__row *rows);
  double *table;
  uint32_t *index;
  size_t tables, indexes;
} dz__native;

void dz__native_free(dz_plan *p);

#endif
