/* The careful machine: number by number, for the rare runs in which a zero adjoint met an infinite slope. */
#include "kernels/pointwise.h"
#include "plan/machine.h"

/* The mark beside a number of the workspace. The caller's gradient has none, and needs none: nothing reads
 * it. */
static uint8_t *mark_of(const dz__view *v, const double *p) {
  uintptr_t at = (uintptr_t)p - (uintptr_t)v->work;
  return at < v->memory * sizeof *p ? &v->marks[at / sizeof *p] : NULL;
}

static double *lane_of(const dz__view *v, uint32_t place, size_t l) {
  return dz__at(v, place) + (dz__one_for_all(place) ? 0 : l);
}

/* A seed that the caller gives stands among the inputs, and always flows. */
static bool arrives(const dz__view *v, const double *g) {
  const uint8_t *mark = mark_of(v, g);
  return !mark || *mark;
}

/* c flows to d, if anything does: `set` where it is the first. */
static void put(const dz__view *v, double *d, double c, bool flows, bool set) {
  uint8_t *mark = mark_of(v, d);
  if (set) {
    *d = flows ? c : 0;
    if (mark) *mark = flows;
  } else if (flows) {
    *d += c;
    if (mark) *mark = 1;
  }
}

static double *accumulator(const dz__view *v, uint32_t k, size_t l) {
  return v->acc + (size_t)k * DZ__W + l % DZ__W;
}

static void move(const dz__view *v, const dz__instruction *i, size_t l) {
  const double *g = lane_of(v, i->a, l);
  double *d = dz__op_sums(i->op) ? accumulator(v, i->d, l) : lane_of(v, i->d, l);
  put(v, d, dz__op_subtracts(i->op) ? -*g : *g, arrives(v, g), dz__op_sets(i->op));
}

static void multiply(const dz__view *v, const dz__instruction *i, size_t l) {
  const double *g = lane_of(v, i->a, l), *o = lane_of(v, i->b, l);
  double *d = dz__op_sums(i->op) ? accumulator(v, i->d, l) : lane_of(v, i->d, l);
  put(v, d, dz__op_subtracts(i->op) ? -(*g * *o) : *g * *o, arrives(v, g), dz__op_sets(i->op));
}

static void flow(const dz__view *v, const dz__instruction *i, size_t l) {
  const uint32_t *t = v->list + i->b;
  const double *g = lane_of(v, i->a, l);
  double h = *g;
  bool flows = arrives(v, g);
  for (uint32_t j = 0; j < i->c; j++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    double c = t[0] & DZ__SUBTRACT ? -h : h;
    bool red = dz__flow_sums(how);
    bool set = dz__flow_sets(how);
    if (t[1] != DZ__NOWHERE) c *= *lane_of(v, t[1], l);
    put(v, red ? accumulator(v, t[2], l) : lane_of(v, t[2], l), c, flows, set);
  }
}

static void sum(const dz__view *v, const dz__instruction *i, size_t l) {
  const uint32_t *t = v->list + i->a;
  double *d = lane_of(v, i->d, l);
  if (i->flags) put(v, d, 0, false, true);
  for (uint32_t j = 0; j < i->b; j++, t += 3) {
    const double *g = lane_of(v, t[1], l);
    double c = (t[0] & DZ__T_MASK) >= DZ__T_VV ? *g * *lane_of(v, t[2], l) : *g;
    put(v, d, t[0] & DZ__SUBTRACT ? -c : c, arrives(v, g), j == 0 && !i->flags);
  }
}

static void partial(const dz__view *v, const dz__instruction *i, size_t l) {
  double in[5];
  const double *g = NULL;
  for (int k = 0; k < 5; k++) in[k] = *(g = lane_of(v, v->list[i->a + (uint32_t)k], l));
  const dz__kernel *f = &dz__pointwise[i->fn];
  double p = f->partial[i->mode](in[0], in[1], in[2], in[3], i->flags ? .5 : 0);
  bool flows = arrives(v, g) && !(f->mask[i->mode] && p == 0);
  put(v, lane_of(v, i->d, l), p * in[4], flows, i->op == DZ__I_PART);
}

static void wire(const dz__view *v, const dz__instruction *i, size_t l) {
  const uint32_t choice = i->op == DZ__I_RSELECT ? (v->choice + (size_t)i->b * v->lanes)[l] : 0;
  double *g = lane_of(v, i->op == DZ__I_RSELECT ? i->d : i->a, l), *d = dz__at(v, i->d);
  if (i->op == DZ__I_RSELECT)
    d = lane_of(v, v->list[i->a + choice], l);
  else
    d += i->op == DZ__I_SCATTER ? v->index[i->b + l] : (v->first + l) * i->c;
  put(v, d, *g, arrives(v, g), i->op == DZ__I_PUT);
}

static void one(const dz__view *v, const dz__instruction *i, size_t l) {
  switch ((dz__step_op)i->op) {
  case DZ__I_ZERO:
    put(v, lane_of(v, i->d, l), 0, false, true);
    break;
  case DZ__I_SPREAD:
  case DZ__I_MOV:
  case DZ__I_NEG:
  case DZ__I_ACC:
  case DZ__I_DEC:
  case DZ__I_RED:
  case DZ__I_DECRED:
    move(v, i, l);
    break;
  case DZ__I_RSUM:
    flow(v, i, l);
    break;
  case DZ__I_SUM:
    sum(v, i, l);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    partial(v, i, l);
    break;
  case DZ__I_RSELECT:
  case DZ__I_STORE:
  case DZ__I_PUT:
  case DZ__I_SCATTER:
    wire(v, i, l);
    break;
  default:
    multiply(v, i, l);
  }
}

const dz__instruction *dz__run_careful(const dz__view *v, const dz__instruction *i,
                                       const dz__instruction *end, size_t n) {
  for (; i < end && i->op != DZ__I_CALL; i++)
    for (size_t l = 0; l < n; l++) one(v, i, l);
  return i;
}
