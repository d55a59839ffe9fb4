#include "ops/boundary.h"

#include "dz/ops.h"

#include <math.h>
#include <string.h>

/* Each condition is a function of its own, told apart by its line. */
#define NAMED(op, line) at_##op##_##line
#define NAME(op, line) NAMED(op, line)
#define POINT(op, kind, condition, answer)                                                                   \
  static bool NAME(op, __LINE__)(double x, double y, double w) {                                             \
    (void)x, (void)y, (void)w;                                                                               \
    return condition;                                                                                        \
  }
#define WHEN(op, kind, words, answer)
#define OF(name, kind, words, answer)
#include "ops/boundaries.def"
#undef POINT
#undef WHEN
#undef OF

/* Stringised at the first level, as in op.c. */
#define POINT(op, kind, condition, answer) {#op, kind, #condition, answer, DZ__F_##op, NAME(op, __LINE__)},
#define WHEN(op, kind, words, answer) {#op, kind, words, answer, DZ__F_##op, NULL},
#define OF(name, kind, words, answer) {#name, kind, words, answer, DZ__F_END, NULL},
const dz__boundary dz__boundaries[] = {
#include "ops/boundaries.def"
};
const size_t dz__boundary_total = sizeof dz__boundaries / sizeof *dz__boundaries;

/* The first row whose operation is fn or a later one. */
static size_t first_row(dz__fn fn) {
  size_t low = 0, high = dz__boundary_total;
  while (low < high) {
    size_t mid = (low + high) / 2;
    if (dz__boundaries[mid].fn < fn)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

/* fn is pointwise: rows of tensor operations, which have no function `at`, stand behind its own. */
bool dz__at_boundary(dz__fn fn, const char *kind, double x, double y, double w) {
  for (const dz__boundary *b = &dz__boundaries[first_row(fn)]; b->fn == fn; b++)
    if (strcmp(b->kind, kind) == 0 && b->at(x, y, w)) return true;
  return false;
}

size_t dz_boundary_count(void) { return dz__boundary_total; }

dz_boundary dz_boundary_at(size_t i) {
  if (i >= dz__boundary_total) return (dz_boundary){0};
  const dz__boundary *b = &dz__boundaries[i];
  return (dz_boundary){.op = b->op, .kind = b->kind, .point = b->point, .answer = b->answer};
}
