#include "kernels/groups.h"

/* Axes that act as one, outermost first; unit axes are left out. */
typedef struct axes {
  int n;
  bool reduced[DZ__MAX_RANK];
  size_t dim[DZ__MAX_RANK], step[DZ__MAX_RANK];
} axes;

static bool listed(int axis, int naxes, const int64_t *list) {
  for (int k = 0; k < naxes; k++)
    if (list[k] == axis) return true;
  return false;
}

static axes merged(const dz__array *x, int naxes, const int64_t *list) {
  axes a = {0};
  for (int k = 0; k < x->rank; k++) {
    bool reduced = listed(k, naxes, list);
    if (x->dims[k] == 1) continue;
    if (a.n > 0 && a.reduced[a.n - 1] == reduced) {
      a.dim[a.n - 1] *= x->dims[k];
    } else {
      a.reduced[a.n] = reduced;
      a.dim[a.n++] = x->dims[k];
    }
  }
  size_t step = 1;
  for (int k = a.n; k-- > 0;) {
    a.step[k] = step;
    step *= a.dim[k];
  }
  return a;
}

/* A result or a group without elements has no tile or no run, so its extents and steps are never used: they
   may be products that wrapped round beside an extent 0. */
dz__groups dz__groups_of(const dz__array *x, int naxes, const int64_t *list) {
  axes a = merged(x, naxes, list);
  dz__groups p = {.results = 1, .count = 1, .lanes = 1, .n = 1, .step = 1};
  for (int k = 0; k < a.n; k++) {
    ptrdiff_t dim = (ptrdiff_t)a.dim[k], step = (ptrdiff_t)a.step[k];
    if (a.reduced[k]) {
      p.count *= a.dim[k];
      p.reduced_dim[p.reduced] = dim;
      p.reduced_step[p.reduced++] = step;
    } else {
      p.results *= a.dim[k];
      p.kept_dim[p.kept] = dim;
      p.kept_step[p.kept++] = step;
    }
  }
  if (a.n > 0 && !a.reduced[a.n - 1]) p.lanes = p.kept_dim[--p.kept];
  if (p.reduced > 0) {
    p.n = p.reduced_dim[--p.reduced];
    p.step = p.reduced_step[p.reduced];
  }
  return p;
}

dz__groups dz__groups_reversed(const dz__groups *p) {
  dz__groups q = *p;
  if (p->count == 0 || p->results == 0) return q;
  q.first += (p->n - 1) * p->step;
  q.step = -p->step;
  for (int k = 0; k < p->reduced; k++) {
    q.first += (p->reduced_dim[k] - 1) * p->reduced_step[k];
    q.reduced_step[k] = -p->reduced_step[k];
  }
  return q;
}

bool dz__odometer(int n, const ptrdiff_t *dim, const ptrdiff_t *step, ptrdiff_t *index, ptrdiff_t *at) {
  for (int k = n; k-- > 0;) {
    if (++index[k] < dim[k]) {
      *at += step[k];
      return true;
    }
    *at -= (dim[k] - 1) * step[k];
    index[k] = 0;
  }
  return false;
}

bool dz__tile_next(const dz__groups *p, dz__tile *t) {
  if (p->results == 0) return false;
  if (t->lanes == 0) {
    t->at = p->first;
  } else {
    t->at += t->lanes;
    t->out += t->lanes;
    t->lane += t->lanes;
    if (t->lane == p->lanes) {
      t->at -= p->lanes;
      t->lane = 0;
      if (!dz__odometer(p->kept, p->kept_dim, p->kept_step, t->index, &t->at)) return false;
    }
  }
  ptrdiff_t left = p->lanes - t->lane;
  t->lanes = left < DZ__LANES ? left : DZ__LANES;
  return true;
}

bool dz__run_next(const dz__groups *p, const dz__tile *t, dz__run *r) {
  if (p->count == 0) return false;
  if (r->begun) return dz__odometer(p->reduced, p->reduced_dim, p->reduced_step, r->index, &r->at);
  r->begun = true;
  r->at = t->at;
  return true;
}
