/* Running a sequence: step after step, and back, a block at a time. The registers of its steps stand side by
   side, behind those of the step before it; what the way back reads of them is held for all steps. */
#include "plan/machine.h"

#include <string.h>

typedef struct steps {
  const dz__view *around;
  const dz__loop *l;
  const dz__row *rows;
  double *held, *record; /* of step s, from -1 on, held[(s + 1) * helds ..]; of a block, and one before it */
  dz__view view;
} steps;

static double *record(const steps *x, size_t k) { return x->record + k * x->l->packed.slots; }

/* Registers, tables and streams of step s, which is number k of its block. */
static void to_step(steps *x, size_t s, size_t k) {
  dz__view *v = &x->view;
  const dz__loop *l = x->l;
  v->first = s;
  v->index = l->index ? l->index + s : NULL;
  v->base[DZ__OUT] = record(x, k);
  v->base[DZ__REG] = record(x, k + 1);
  v->base[DZ__DIRECT] = x->around->base[DZ__DIRECT] + s;
  v->base[DZ__ROW] = dz__lined(l->table) + s;
  v->base[DZ__INS] = x->around->base[DZ__INS] + s;
}

/* Held numbers of n records from number k on, the first of them that of the step behind `s` steps. */
static void hold(const steps *x, size_t s, size_t k, size_t n) {
  const dz__loop *l = x->l;
  for (size_t j = 0; j < l->helds; j++) {
    double *to = x->held + s * l->helds + j, *from = record(x, k) + l->held[j];
    for (size_t i = 0; i < n; i++) to[i * l->helds] = from[i * l->packed.slots];
  }
}

static void recall(const steps *x, size_t s, size_t k, size_t n) {
  const dz__loop *l = x->l;
  for (size_t j = 0; j < l->helds; j++) {
    double *from = x->held + s * l->helds + j, *to = record(x, k) + l->held[j];
    for (size_t i = 0; i < n; i++) to[i * l->packed.slots] = from[i * l->helds];
  }
}

/* Asks for the block before step s: what all steps hold is more than a cache does. */
static void fetch(const steps *x, size_t s) {
  const dz__loop *l = x->l;
  const size_t from = s < l->block ? 0 : s - l->block;
  const double *at = x->held + from * l->helds, *end = x->held + s * l->helds;
  for (; at < end; at += DZ__LINE / sizeof *at) __builtin_prefetch(at);
}

/* With the marks of a careful run. */
static void move(const steps *x, size_t from, size_t to) {
  const dz__view *v = &x->view;
  const size_t n = x->l->packed.slots;
  memmove(record(x, to), record(x, from), n * sizeof(double));
  memmove(v->marks + (record(x, to) - v->work), v->marks + (record(x, from) - v->work), n);
}

/* ---- slopes ---- */

/* From one step to the next. */
static size_t stride_of(const dz__loop *l, uint32_t place) {
  switch ((dz__where)dz__where_of(place)) {
  case DZ__REG:
  case DZ__OUT:
    return l->packed.slots;
  case DZ__DIRECT:
  case DZ__ROW:
  case DZ__INS:
    return 1;
  default:
    return 0;
  }
}

/* Of n steps from the one at hand. */
static void run_slopes(const steps *x, size_t n) {
  const dz__loop *l = x->l;
  const dz__view *v = &x->view;
  double room[4][DZ__LONGEST_TILE], ones[DZ__LONGEST_TILE], slope[DZ__LONGEST_TILE];
  for (size_t s = 0; s < n; s++) ones[s] = 1;
  for (size_t j = l->parts.arrive; j < l->packed.n; j++) {
    const dz__instruction *i = &l->packed.at[j];
    const uint32_t *from = v->list + i->a;
    const double *in[5] = {room[0], room[0], room[0], room[0], ones};
    for (int k = 0; k < 4; k++) {
      if (k && from[k] == from[0]) continue; /* what the formula does not read is one that it does */
      const double *a = dz__at(v, from[k]);
      size_t stride = stride_of(l, from[k]);
      for (size_t s = 0; s < n; s++) room[k][s] = a[s * stride];
      in[k] = room[k];
    }
    x->rows[i->fn].partial[i->mode](n, in, 0, false, slope); /* ties are masks' alone */
    double *d = dz__at(v, i->d);
    for (size_t s = 0; s < n; s++) d[s * l->packed.slots] = slope[s];
  }
}

/* ---- sums ---- */

typedef struct operand {
  const double *at; /* of the last step */
  size_t stride;
} operand;

static operand operand_of(const steps *x, uint32_t place) {
  return (operand){dz__at(&x->view, place), stride_of(x->l, place)};
}

static double added(double s, operand a, size_t n) {
  for (; n > 0; n--, a.at -= a.stride) s += *a.at;
  return s;
}

static double subtracted(double s, operand a, size_t n) {
  for (; n > 0; n--, a.at -= a.stride) s -= *a.at;
  return s;
}

static double products_added(double s, operand a, operand b, size_t n) {
  for (; n > 0; n--, a.at -= a.stride, b.at -= b.stride) s += *a.at * *b.at;
  return s;
}

static double products_subtracted(double s, operand a, operand b, size_t n) {
  for (; n > 0; n--, a.at -= a.stride, b.at -= b.stride) s -= *a.at * *b.at;
  return s;
}

/* As many at once: a processor adds to several numbers in the time that it adds to one. */
enum { TOGETHER = 4 };

static void products_together(double *const *d, const operand *a, const operand *b, size_t n) {
  double s0 = *d[0], s1 = *d[1], s2 = *d[2], s3 = *d[3];
  for (size_t k = 0; k < n; k++) {
    s0 += a[0].at[-(ptrdiff_t)(k * a[0].stride)] * b[0].at[-(ptrdiff_t)(k * b[0].stride)];
    s1 += a[1].at[-(ptrdiff_t)(k * a[1].stride)] * b[1].at[-(ptrdiff_t)(k * b[1].stride)];
    s2 += a[2].at[-(ptrdiff_t)(k * a[2].stride)] * b[2].at[-(ptrdiff_t)(k * b[2].stride)];
    s3 += a[3].at[-(ptrdiff_t)(k * a[3].stride)] * b[3].at[-(ptrdiff_t)(k * b[3].stride)];
  }
  *d[0] = s0, *d[1] = s1, *d[2] = s2, *d[3] = s3;
}

/* Whether that many sums of products stand there. */
static bool are_products(const dz__instruction *i, size_t left) {
  if (left < TOGETHER) return false;
  for (int k = 0; k < TOGETHER; k++)
    if (i[k].op != DZ__I_MULADD) return false;
  return true;
}

static void add_products(const steps *x, const dz__instruction *i, size_t n) {
  operand a[TOGETHER], b[TOGETHER];
  double *d[TOGETHER];
  for (int k = 0; k < TOGETHER; k++) {
    a[k] = operand_of(x, i[k].a), b[k] = operand_of(x, i[k].b);
    d[k] = dz__at(&x->view, i[k].d);
  }
  products_together(d, a, b, n);
}

static void add_one(const steps *x, const dz__instruction *i, size_t n) {
  const operand a = operand_of(x, i->a);
  double *d = dz__at(&x->view, i->d);
  if (!dz__op_multiplies(i->op))
    *d = (dz__op_subtracts(i->op) ? subtracted : added)(*d, a, n);
  else
    *d = (dz__op_subtracts(i->op) ? products_subtracted : products_added)(*d, a, operand_of(x, i->b), n);
}

/* What n steps from step `from` on add to numbers outside, the last step first. */
static void add_up(steps *x, size_t from, size_t n) {
  const dz__parts *p = &x->l->parts;
  to_step(x, from + n - 1, n - 1);
  const dz__instruction *i = x->l->packed.at + p->adjoints, *end = x->l->packed.at + p->sums;
  while (i < end)
    if (are_products(i, (size_t)(end - i)))
      add_products(x, i, n), i += TOGETHER;
    else
      add_one(x, i++, n);
}

/* ---- both directions ---- */

static void forward(steps *x) {
  const dz__loop *l = x->l;
  const dz__instruction *at = l->packed.at, *values = at + l->parts.enter, *end = at + l->parts.values;
  x->view.base[DZ__REG] = record(x, 0);
  dz__run_one(&x->view, at + l->parts.last, values, 1);
  hold(x, 0, 0, 1);
  for (size_t from = 0, n; from < l->lanes; from += n) {
    n = l->lanes - from < l->block ? l->lanes - from : l->block;
    to_step(x, from, 0);
    dz__run_steps(&x->view, values, end, n, 1, (ptrdiff_t)l->packed.slots);
    hold(x, from + 1, 1, n);
    move(x, n, 0);
  }
  x->view.base[DZ__REG] = record(x, 0);
  dz__run_one(&x->view, at, at + l->parts.last, 1);
}

static void adjoints(steps *x, size_t from, size_t n, bool careful) {
  const dz__loop *l = x->l;
  const size_t first = l->parts.covered ? l->parts.zeros : l->parts.values;
  const dz__instruction *at = l->packed.at + first,
                        *end = l->packed.at + (careful ? l->parts.sums : l->parts.adjoints);
  to_step(x, from + n - 1, n - 1);
  if (!careful) dz__run_steps(&x->view, at, end, n, -1, -(ptrdiff_t)l->packed.slots);
  for (size_t k = n; careful && k-- > 0;) {
    to_step(x, from + k, k);
    dz__run_careful(&x->view, at, end, 1);
  }
}

static void backward(steps *x, bool careful) {
  const dz__loop *l = x->l;
  const dz__instruction *at = l->packed.at;
  dz__machine *machine = careful ? dz__run_careful : dz__run_one;
  size_t from = (l->lanes - 1) / l->block * l->block, n = l->lanes - from;
  recall(x, l->lanes, n, 1);
  x->view.base[DZ__OUT] = record(x, n);
  machine(&x->view, at + l->parts.values, at + l->parts.zeros, 1);
  x->view.base[DZ__REG] = record(x, n);
  machine(&x->view, at + l->parts.leave, at + l->parts.arrive, 1);
  for (;; from -= l->block, n = l->block) {
    recall(x, from, 0, n);
    fetch(x, from);
    to_step(x, from, 0);
    run_slopes(x, n);
    adjoints(x, from, n, careful);
    if (!careful) add_up(x, from, n);
    if (from == 0) break;
    move(x, 0, l->block);
  }
  x->view.base[DZ__REG] = record(x, 0);
  machine(&x->view, at + l->parts.sums, at + l->parts.leave, 1);
}

void dz__run_sequence(const dz__view *around, const dz__loop *l, unsigned mode, const dz__row *rows,
                      bool careful) {
  steps x = {.around = around, .l = l, .rows = rows, .view = *around};
  x.held = around->work + l->spot;
  x.record = x.held + (l->lanes + 1) * l->helds;
  x.view.list = l->packed.list;
  x.view.lanes = l->lanes;
  x.view.scale[DZ__ROW] = 1; /* packed code counts its numbers, not its rows */
  if (mode != DZ__CALL_BACKWARD) forward(&x);
  if (mode != DZ__CALL_FORWARD) backward(&x, careful);
}
