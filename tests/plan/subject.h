/* A function that is recorded on a tape, with its inputs: what plans are tried with. */
#ifndef DZ_TESTS_PLAN_SUBJECT_H
#define DZ_TESTS_PLAN_SUBJECT_H

#include "dz/dz.h"

enum { MOST = 9000 };

typedef struct subject {
  dz_tape *t;
  dz_var x[MOST], y;
  int n;
} subject;

static inline dz_var input(subject *s, double x) { return s->x[s->n++] = dz_input(s->t, x); }

/* n inputs from s->x[at] on. */
static inline dz_var *inputs(subject *s, int n) {
  dz_var *x = &s->x[s->n];
  for (int k = 0; k < n; k++) input(s, .3 + .01 * (k * 37 % 101));
  return x;
}

/* The same, to which no gradient flows. */
static inline dz_var *data(subject *s, int n) {
  dz_var *x = &s->x[s->n];
  for (int k = 0; k < n; k++) s->x[s->n++] = dz_data(s->t, .3 + .01 * (k * 37 % 101));
  return x;
}

static inline void add_to(subject *s, dz_var z) { s->y = dz_add(s->y, z); }

#endif
