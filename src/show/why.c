/* dz_why: which element of the gradient to look at, and the order of the inquiry. */
#include "show/why.h"

#include "tape/tape.h"

#include <math.h>
#include <string.h>

static dz_why_kind kind_of(double g) {
  const double tiny = 0x1p-20, huge = 0x1p20;
  if (isnan(g)) return DZ_WHY_NAN;
  if (isinf(g)) return DZ_WHY_INFINITE;
  if (g == 0) return DZ_WHY_ZERO;
  return fabs(g) < tiny ? DZ_WHY_TINY : fabs(g) > huge ? DZ_WHY_HUGE : DZ_WHY_ORDINARY;
}

static int badness(dz_why_kind kind) {
  static const int of[] = {0, 3, 2, 1, 4, 5};
  return of[kind];
}

/* The first element of the worst kind. */
static void choose(dz__inquiry *q) {
  dz_why_report *r = q->r;
  r->elements = q->g.xs;
  for (uint32_t e = 0; e < q->g.xs; e++) {
    double g = q->adjoint[q->g.x0 + e];
    dz_why_kind kind = kind_of(g);
    if (e == 0 || badness(kind) > badness(r->kind)) {
      r->kind = kind;
      r->element = e;
      r->gradient = g;
      r->alike = 0;
    }
    r->alike += kind == r->kind;
  }
  q->x = q->g.x0 + (uint32_t)r->element;
}

static void follow(dz__inquiry *q) {
  memset(q->leads, 0, q->g.vertices);
  q->leads[q->x] = true;
  for (size_t i = 0; i < q->g.edges; i++)
    if (q->leads[q->g.edge[i].from]) q->leads[q->g.edge[i].to] = true;
}

static dz_status inquire(dz__inquiry *q) {
  size_t n = q->g.vertices;
  const dz_allocator *a = &q->g.alloc;
  if (n == 0) {
    *q->r = (dz_why_report){
        .kind = DZ_WHY_ZERO, .cause = DZ_WHY_UNREACHABLE, .elements = 1, .alike = 1, .operand = -1};
    return dz__why_tell(q) ? DZ_OK : DZ_ERR_MEMORY;
  }
  q->adjoint = dz__alloc(a, n * sizeof *q->adjoint);
  q->reached = dz__alloc(a, n);
  q->leads = dz__alloc(a, n);
  if (!q->adjoint || !q->reached || !q->leads) return DZ_ERR_MEMORY;
  dz__linearized_sweep(&q->g, q->adjoint, q->reached);
  choose(q);
  follow(q);
  return dz__why_find(q) && dz__why_tell(q) ? DZ_OK : DZ_ERR_MEMORY;
}

dz_status dz_why(dz_var y, dz_var x, const dz_why_options *options, dz_why_report *report) {
  static const dz_why_options none = {0};
  if (!report) return DZ_ERR_ARGUMENT;
  *report = (dz_why_report){.operand = -1};
  if (dz_is_number(y) || dz_is_number(x) || !dz_valid(y) || !dz_valid(x) || x.tape != y.tape)
    return DZ_ERR_HANDLE;
  if (dz_size(y) != 1 || dz_size(x) == 0) return DZ_ERR_SHAPE;
  dz_allocator a = dz__of(y.tape)->alloc;
  dz__inquiry q = {.options = options ? options : &none, .r = report, .y = y};
  dz_status status = dz__linearize(y, x, &a, &q.g);
  if (status) return status;
  size_t n = q.g.vertices;
  status = dz__labels_make(y, &a, &q.labels);
  if (!status) status = inquire(&q);
  dz__free(&a, q.adjoint, n * sizeof *q.adjoint);
  dz__free(&a, q.reached, n);
  dz__free(&a, q.leads, n);
  dz__labels_free(&q.labels);
  dz__linearized_free(&q.g);
  return status;
}
