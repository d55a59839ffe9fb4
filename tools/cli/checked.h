/* Checking the gradients of a model: what dz check and dz explain share. */
#ifndef DZ_CLI_CHECKED_H
#define DZ_CLI_CHECKED_H

#include "dz/check.h"
#include "model.h"

/* What became of one leaf. */
typedef struct leaf_check {
  const char *name;
  size_t checked, by[5]; /* how many of each verdict */
  dz_check_row worst;    /* the largest excess of the difference over its error, of the worst verdict */
} leaf_check;

/* Checks every wanted leaf against a numerical derivative; one result for each leaf of the program that is on
   the tape, those not wanted with checked = 0. *count says how many; free it. Ends the program when it
   cannot. */
leaf_check *check_leaves(const model *m, const wants *w, size_t *count);

/* The same; `row` is given each derivative as it is checked, its leaf by the place in the result. */
leaf_check *check_leaves_each(const model *m, const wants *w, size_t *count,
                              void (*row)(void *user, const dz_check_row *r), void *user);

/* "agrees", "wrong", "noisy", "kink", "not finite" */
const char *verdict_word(dz_verdict v);

#endif
