/* Values and gradients within chains in bands, in registers of doubles: column j of a piece of n rows is what
   stands from j * n on, and what has one number per row is one column. */
#include "plan/whole_flow.h"

/* ---- folds over the columns ---- */

SEVERAL static void add_up(double *restrict z, const double *restrict x, size_t rows, size_t n) {
  for (size_t i = 0; i < rows; i++) z[i] = 0;
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < rows; i++) z[i] += x[j * rows + i];
}

/* The largest by `sign`; NaN if there is one. */
SEVERAL static void peaks(double *restrict z, const double *restrict x, size_t rows, size_t n, double sign) {
  for (size_t i = 0; i < rows; i++) z[i] = x[i];
  for (size_t j = 1; j < n; j++)
    for (size_t i = 0; i < rows; i++) {
      double y = x[j * rows + i];
      z[i] = ((y * sign > z[i] * sign) | (y != y)) ? y : z[i];
    }
}

SEVERAL static void less(double *restrict z, const double *restrict x, const double *restrict by, size_t rows,
                         size_t n) {
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < rows; i++) z[j * rows + i] = x[j * rows + i] - by[i];
}

/* e^(x - by), of which the largest ones are 1: their number, and the sum of the others. */
SEVERAL static void part_ties(const double *restrict x, const double *restrict by, double *restrict e,
                              double *restrict ties, double *restrict others, size_t rows, size_t n) {
  for (size_t i = 0; i < rows; i++) ties[i] = others[i] = 0;
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < rows; i++) {
      const bool tie = x[j * rows + i] == by[i];
      const double y = e[j * rows + i];
      e[j * rows + i] = tie ? 1 : y;
      ties[i] += tie ? 1 : 0;
      others[i] += tie ? 0 : y;
    }
}

/* The room: e^(x - by) of every element, then by, ties and the sum of the others, one of each per row. */
typedef struct shifted {
  double *e, *by, *ties, *others;
} shifted;

static shifted shift(const dz__band *b, const double *x) {
  const size_t rows = b->rows, n = b->t->width;
  shifted s = {b->room, b->room + rows * n, b->room + rows * (n + 1), b->room + rows * (n + 2)};
  peaks(s.by, x, rows, n, 1);
  less(s.e, x, s.by, rows, n);
  b->p->rows[DZ__F_exp].value(rows * n, s.e, s.e, s.e, s.e);
  part_ties(x, s.by, s.e, s.ties, s.others, rows, n);
  return s;
}

static void logsumexp(const dz__band *b, const double *x, double *z) {
  shifted s = shift(b, x);
  for (size_t i = 0; i < b->rows; i++) s.others[i] += s.ties[i] - 1;
  b->p->rows[DZ__F_log1p].value(b->rows, s.others, s.others, s.others, s.others);
  for (size_t i = 0; i < b->rows; i++) z[i] = s.by[i] + s.others[i];
}

/* ---- values ---- */

/* From one column of operand k to the next: 0 where there is but one. */
static size_t step_of(const dz__band *b, const dz__tensor *x, uint32_t k) {
  return x->still >> k & 1 ? 0 : b->rows;
}

/* How many numbers of x go by at a time, and how many times: all at once, where each operand has all columns
   or x has one. */
static size_t numbers_of(const dz__band *b, const dz__tensor *x) {
  return x->row || x->still ? b->rows : b->rows * b->t->width;
}
static size_t turns(const dz__band *b, const dz__tensor *x) { return x->row || !x->still ? 1 : b->t->width; }

void dz__band_value(const dz__band *b, const dz__tensor *x, const double *const *v, double *to) {
  const uint32_t *slot = b->p->slot + x->arg0;
  const double *in[3] = {v[slot[0]], v[slot[x->nargs > 1 ? 1 : 0]], v[slot[x->nargs > 2 ? 2 : 0]]};
  const size_t n = numbers_of(b, x);
  size_t step[3];
  switch (x->fn) {
  case DZ__F_sum:
    add_up(to, in[0], b->rows, b->t->width);
    return;
  case DZ__F_max:
  case DZ__F_min:
    peaks(to, in[0], b->rows, b->t->width, x->fn == DZ__F_max ? 1 : -1);
    return;
  case DZ__F_logsumexp:
    logsumexp(b, in[0], to);
    return;
  default:
    break;
  }
  for (uint32_t k = 0; k < 3; k++) step[k] = step_of(b, x, x->nargs > k ? k : 0);
  for (size_t j = 0; j < turns(b, x); j++)
    b->p->rows[x->fn].value(n, in[0] + j * step[0], in[1] + j * step[1], in[2] + j * step[2], to + j * n);
}

/* ---- gradients ---- */

SEVERAL static void flow_sum(double *restrict to, const double *restrict g, size_t rows, size_t n,
                             bool more) {
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < rows; i++) to[j * rows + i] = more ? to[j * rows + i] + g[i] : g[i];
}

/* Shared equally among those that are the result; a NaN goes to all. */
SEVERAL static void flow_peak(double *restrict to, const double *restrict g, const double *restrict x,
                              const double *restrict z, double *restrict ties, size_t rows, size_t n) {
  for (size_t i = 0; i < rows; i++) ties[i] = 0;
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < rows; i++) ties[i] += x[j * rows + i] == z[i] ? 1 : 0;
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < rows; i++) {
      const double share = z[i] == z[i] ? 1 / ties[i] : z[i];
      to[j * rows + i] += ((x[j * rows + i] == z[i]) | (z[i] != z[i])) ? share * g[i] : 0;
    }
}

SEVERAL static void flow_weights(double *restrict to, const double *restrict g, const double *restrict e,
                                 const double *restrict whole, size_t rows, size_t n, bool more) {
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < rows; i++) {
      const double part = e[j * rows + i] / whole[i] * g[i];
      to[j * rows + i] = more ? to[j * rows + i] + part : part;
    }
}

static void flow_fold(const dz__band *b, const dz__tensor *x, const double *z, const double *own,
                      const double *of, double *to, bool more) {
  const size_t rows = b->rows, n = b->t->width;
  if (x->fn == DZ__F_sum) {
    flow_sum(to, own, rows, n, more);
  } else if (x->fn == DZ__F_logsumexp) {
    shifted s = shift(b, of);
    for (size_t i = 0; i < rows; i++) s.others[i] += s.ties[i];
    flow_weights(to, own, s.e, s.others, rows, n, more);
  } else {
    if (!more) memset(to, 0, rows * n * sizeof *to);
    flow_peak(to, own, of, z, b->room, rows, n);
  }
}

static void flow_columns(const dz__band *b, const dz__tensor *x, uint32_t k, const double *const *in,
                         const size_t *step, bool more, double *to) {
  const size_t n = numbers_of(b, x), count = turns(b, x), next = step_of(b, x, k);
  const double tie = x->tie ? .5 : 0;
  if (count == 1) {
    b->p->rows[x->fn].partial[k](n, in, tie, more, to);
    return;
  }
  for (size_t c = 0; c < count; c++) {
    const double *at[5];
    for (int i = 0; i < 5; i++) at[i] = in[i] + c * step[i];
    b->p->rows[x->fn].partial[k](n, at, tie, more || (c && !next), to + c * next);
  }
}

/* Whether what arrives flows on to operand k as it is. */
static bool passes(const dz__tensor *x, uint32_t k) {
  return (x->fn == DZ__F_add || (x->fn == DZ__F_sub && k == 0)) && (x->row || !(x->still >> k & 1));
}

void dz__band_flow(const dz__band *b, uint32_t j, const double *const *v, const double **g,
                   double *const *room) {
  const dz__whole *p = b->p;
  const dz__tensor *x = &p->node[p->op[b->t->first + j]];
  const uint32_t *slot = p->slot + x->arg0;
  const double *own = g[j], *in[5] = {own, own, own, v[j] ? v[j] : own, own}; /* what is not read: anything */
  const size_t n = numbers_of(b, x);
  size_t step[5] = {n, n, n, n, n};
  for (uint32_t k = 0; k < x->nargs; k++)
    if (v[slot[k]]) in[k] = v[slot[k]], step[k] = step_of(b, x, k);
  for (uint32_t k = 0; k < x->nargs; k++) {
    const uint32_t to = slot[k];
    if (!p->node[p->arg[x->arg0 + k]].active) continue;
    if (passes(x, k) && !g[to]) {
      g[to] = own;
      continue;
    }
    const bool more = g[to], one = !dz__is_fold(x) && (x->row || (x->still >> k & 1));
    if (more && g[to] != room[to])
      memcpy(room[to], g[to], (one ? b->rows : b->rows * b->t->width) * sizeof **room);
    if (dz__is_fold(x))
      flow_fold(b, x, v[j], own, v[to], room[to], more);
    else
      flow_columns(b, x, k, in, step, more, room[to]);
    g[to] = room[to];
  }
}
