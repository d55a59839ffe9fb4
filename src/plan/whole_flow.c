#include "plan/whole_flow.h"

double dz__total(const double *x, size_t n) {
  double s[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) s[j] += x[i + j];
  for (; i < n; i++) s[0] += x[i];
  return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

/* g and one more, in `room`; without a g before, that one itself. */
static const double *flow_more(const dz__row *rows, const double *g, const double *more, size_t n,
                               double *room) {
  if (!g) return more;
  rows[DZ__F_add].value(n, g, more, more, room);
  return room;
}

/* -g */
static void flow_less(const dz__row *rows, const double **to, const double *g, size_t n, double *room) {
  if (*to)
    rows[DZ__F_sub].value(n, *to, g, g, room);
  else
    rows[DZ__F_neg].value(n, g, g, g, room);
  *to = room;
}

void dz__flow_from(const dz__whole *p, const dz__tensor *x, uint32_t j, const double *const *v,
                   const double **g, size_t n, double *const *room) {
  const uint32_t *slot = p->slot + x->arg0;
  const double *own = g[j], *in[5] = {own, own, own, v[j] ? v[j] : own, own}; /* what is not read: anything */
  for (uint32_t k = 0; k < x->nargs; k++)
    if (v[slot[k]]) in[k] = v[slot[k]];
  for (uint32_t k = 0; k < x->nargs; k++) {
    const uint32_t to = slot[k];
    if (!p->node[p->arg[x->arg0 + k]].active) continue;
    if (x->fn == DZ__F_add || (x->fn == DZ__F_sub && k == 0)) {
      g[to] = flow_more(p->rows, g[to], own, n, room[to]);
    } else if (x->fn == DZ__F_sub || x->fn == DZ__F_neg) {
      flow_less(p->rows, &g[to], own, n, room[to]);
    } else {
      bool more = g[to];
      if (more && g[to] != room[to]) memcpy(room[to], g[to], n * sizeof **room);
      p->rows[x->fn].partial[k](n, in, x->tie ? .5 : 0, more, room[to]);
      g[to] = room[to];
    }
  }
}

/* ---- logsumexp ---- */

/* e^(x - by), which is 1 for the largest; the sum of the others, and how many are the largest. */
static double shifted(const dz__row *rows, const double *x, size_t n, double by, double *e, double *ties) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) e[i] = x[i] - by;
  rows[DZ__F_exp].value(n, e, e, e, e);
  *ties = 0;
  for (size_t i = 0; i < n; i++) {
    *ties += x[i] == by;
    sum += x[i] == by ? 0 : e[i];
  }
  return sum;
}

/* Whether all rows are short, with a largest element that is finite. */
static bool are_tame(const dz__groups *p, const double *x) {
  if (!dz__rows(p)) return false;
  for (size_t r = 0; r < p->results; r++, x += p->n) {
    double by = dz__peak_of_row(x, p->n);
    if (by - by != 0) return false;
  }
  return true;
}

bool dz__logsumexp_rows(const dz__row *rows, const dz__call *call) {
  dz__groups p = dz__reduction(call);
  const double *x = call->args[0].data;
  double e[DZ__SHORT_ROW], ties;
  if (!are_tame(&p, x)) return false;
  for (size_t r = 0; r < p.results; r++, x += p.n) {
    double by = dz__peak_of_row(x, p.n), others = shifted(rows, x, (size_t)p.n, by, e, &ties);
    call->out.data[r] = by + log1p(others + (ties - 1));
  }
  return true;
}

bool dz__logsumexp_rows_back(const dz__row *rows, const dz__call *call) {
  dz__groups p = dz__reduction(call);
  const double *x = call->args[0].data;
  double e[DZ__SHORT_ROW], ties, *ga = call->ga[0];
  if (!are_tame(&p, x)) return false;
  for (size_t r = 0; r < p.results; r++, x += p.n, ga += p.n) {
    double whole = shifted(rows, x, (size_t)p.n, dz__peak_of_row(x, p.n), e, &ties) + ties;
    for (ptrdiff_t i = 0; i < p.n; i++) ga[i] += e[i] / whole * call->g[r];
  }
  return true;
}
