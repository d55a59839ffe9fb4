/* An operation of C functions when it is defined: its vjp, and jvp, beside numerical slopes of its value. */
#include "check/slope.h"
#include "check/userop.h"
#include "dz/text.h"
#include "kernels/tensor.h"

#include <math.h>
#include <stdio.h>

enum { SIDE = 3, MOST = SIDE * SIDE, MOST_RESULT = 4096, POINTS = 12 };

/* One trial: operands of one shape, the result's, and a direction in which operand k moves. */
typedef struct trial {
  const char *name;
  const dz_op_calls *c;
  size_t dims[DZ_MAX_RANK], size; /* of the result: its size */
  dz_op_array x[DZ_MAX_OPERANDS];
  double at[DZ_MAX_OPERANDS][MOST], moved[MOST], direction[MOST], back[MOST];
  double *z, *g, *out; /* of the result's size; g: weights, so that the result becomes one number */
  int k, point;
} trial;

/* Numbers of both signs and of sizes from 0.05 to 5, another for each element and point. */
static double sample(int point, int k, size_t i) {
  static const double numbers[] = {.7, -.6, 1.3, -1.9, .31, 2.7, -.17, 5.3, -3.1, .05, 1.7, -.83, .47};
  return numbers[(7 * (size_t)point + 5 * (size_t)k + 3 * i) % (sizeof numbers / sizeof *numbers)];
}

/* ---- shapes ---- */

/* All operands scalars, vectors, matrices: whatever the operation takes first. */
static bool take_shapes(trial *t, int rank) {
  static const size_t sides[] = {SIDE, SIDE};
  int of_result = rank;
  size_t n = 1;
  for (int d = 0; d < rank; d++) t->dims[d] = SIDE, n *= SIDE;
  for (int k = 0; k < t->c->arity; k++) t->x[k] = (dz_op_array){rank, sides, n, t->at[k]};
  if (t->c->shape && !t->c->shape(t->c->user, t->x, &of_result, t->dims)) return false;
  if (of_result < 0 || of_result > DZ_MAX_RANK) return false;
  t->size = 1;
  for (int d = 0; d < of_result; d++) {
    if (t->dims[d] > MOST_RESULT) return false;
    t->size *= t->dims[d];
    if (t->size > MOST_RESULT) return false;
  }
  return t->size > 0;
}

static bool fits(trial *t) {
  for (int rank = 0; rank <= 2; rank++)
    if (take_shapes(t, rank)) return true;
  return false;
}

/* ---- slopes ---- */

static void set_point(trial *t) {
  for (int k = 0; k < t->c->arity; k++)
    for (size_t i = 0; i < t->x[k].size; i++) t->at[k][i] = sample(t->point, k, i);
  for (size_t i = 0; i < MOST; i++) t->direction[i] = i % 2 ? -1 : 1;
  for (size_t j = 0; j < t->size; j++) t->g[j] = j % 3 == 0 ? 1 : j % 3 == 1 ? -.5 : .75;
}

static double weighed(const trial *t, const double *of) {
  double sum = 0;
  for (size_t j = 0; j < t->size; j++) sum += t->g[j] * of[j];
  return sum;
}

static bool along(void *user, double s, double *value) {
  trial *t = user;
  dz_op_array x[DZ_MAX_OPERANDS];
  for (int k = 0; k < t->c->arity; k++) x[k] = t->x[k];
  for (size_t i = 0; i < x[t->k].size; i++) t->moved[i] = t->at[t->k][i] + s * t->direction[i];
  x[t->k].data = t->moved;
  t->c->value(t->c->user, x, t->size, t->out);
  *value = weighed(t, t->out);
  return true;
}

/* What vjp says of the slope. */
static double by_vjp(trial *t) {
  double *ga[DZ_MAX_OPERANDS] = {NULL}, sum = 0;
  for (size_t i = 0; i < MOST; i++) t->back[i] = 0;
  ga[t->k] = t->back;
  t->c->vjp(t->c->user, t->x, t->size, t->z, t->g, ga);
  for (size_t i = 0; i < t->x[t->k].size; i++) sum += t->back[i] * t->direction[i];
  return sum;
}

static double by_jvp(trial *t) {
  const double *moves[DZ_MAX_OPERANDS] = {NULL};
  moves[t->k] = t->direction;
  t->c->jvp(t->c->user, t->x, t->size, t->z, moves, t->out);
  return weighed(t, t->out);
}

static dz_status wrong(const trial *t, const char *which, double claim, double slope, dz_error *e) {
  char claimed[32], found[32], first[32];
  dz_number_write(claim, 8, claimed);
  dz_number_write(slope, 8, found);
  dz_number_write(t->at[t->k][0], 0, first);
  return dz__fail(
      e, DZ_ERR_ARGUMENT, t->name,
      "%s: its %s is wrong for operand %d: where that is %s%s it gives %s, the value's slope is %s", t->name,
      which, t->k + 1, first, t->x[t->k].size > 1 ? ", ..." : "", claimed, found);
}

/* *clear says how many slopes could be told. */
static dz_status check_operand(trial *t, int *clear, dz_error *e) {
  static const double scales[] = {1, .05};
  for (t->point = 0; t->point < POINTS; t->point++) {
    set_point(t);
    t->c->value(t->c->user, t->x, t->size, t->z);
    if (!isfinite(weighed(t, t->z))) continue;
    for (int forward = 0; forward <= (t->c->jvp != NULL); forward++) {
      double claim = forward ? by_jvp(t) : by_vjp(t);
      dz__slope s;
      dz__slope_at(along, t, 0, scales, 2, claim, &s);
      if (s.kind != DZ__SLOPE_CLEAR) continue;
      ++*clear;
      if (!(fabs(claim - s.value) <= s.error)) return wrong(t, forward ? "jvp" : "vjp", claim, s.value, e);
    }
  }
  return DZ_OK;
}

dz_status dz__check_calls(dz_tape *tape, const char *name, const dz_op_calls *c, dz_error *e) {
  const dz_allocator *a = &dz__of(tape)->alloc;
  trial *t = dz__alloc(a, sizeof *t);
  if (!t) return dz__fail(e, DZ_ERR_MEMORY, name, "out of memory");
  *t = (trial){.name = name, .c = c};
  int clear = 0;
  bool found = fits(t);
  double *room = found ? dz__alloc(a, 3 * t->size * sizeof *room) : NULL;
  dz_status status = found && !room ? dz__fail(e, DZ_ERR_MEMORY, name, "out of memory") : DZ_OK;
  if (room) t->z = room, t->g = room + t->size, t->out = room + 2 * t->size;
  for (t->k = 0; found && !status && t->k < c->arity; t->k++) status = check_operand(t, &clear, e);
  if (!status && !clear)
    dz__note(tape, "unchecked", name, 0, 0, "%s: %s, so its vjp is not checked", name,
             found ? "its value is smooth at none of the sample points"
                   : "it takes neither scalars nor vectors or matrices of one shape");
  dz__free(a, room, 3 * t->size * sizeof *room);
  dz__free(a, t, sizeof *t);
  return status;
}
