/* What is simplified holds almost everywhere: where two operands are equal, at a kink, it may say another
   number than the sweep. A formula that does is left out, so that no label contradicts the number beside it.
 */
#include "show/symbol_work.h"

#include <math.h>

/* Rounding in two orders differs by far less than RELATIVE of a value, or, where terms cancel, than ABSOLUTE
   of the largest; another branch of a choice, by far more. */
static const double RELATIVE = 1e-3, ABSOLUTE = 1e-9;

static void widen(double *scale, const double *v, size_t n) {
  for (size_t k = 0; v && k < n; k++)
    if (isfinite(v[k]) && fabs(v[k]) > *scale) *scale = fabs(v[k]);
}

static double scale_of(const dz__work *w) {
  double scale = 0;
  for (size_t i = 0; i < w->of->nseen; i++) {
    const dz__seen *s = dz__work_seen(w, i);
    widen(&scale, s->value, s->size);
    widen(&scale, s->adjoint, s->size);
  }
  return scale;
}

static bool agree(double a, double b, double scale) {
  double off = fabs(a - b);
  if (!isfinite(a) || !isfinite(b)) return true;
  return off <= RELATIVE * fmax(fabs(a), fabs(b)) || off <= ABSOLUTE * scale;
}

static void check(dz__formal *f, const double *v, size_t n, double scale) {
  if (!f->is.tape || !v) return;
  const double *own = dz_values(f->is);
  size_t m = dz_size(f->is);
  bool all = m == n || m == 1;
  for (size_t k = 0; all && k < n; k++)
    if (!agree(own[m == 1 ? 0 : k], v[k], scale)) {
      *f = (dz__formal){{0}, 0};
      return;
    }
}

/* A local partial, which scalars alone have, times what arrives is what the use adds: with its user an active
   operand has been swept too. */
static void check_partial(dz__work *w, const dz__use *u, dz__formal *f, double scale) {
  const dz__seen *user = dz__work_seen(w, u->user);
  if (!f->is.tape || !user->adjoint) return;
  double arrives = user->adjoint[0], adds = dz_value(f->is) * arrives;
  if (arrives != 0 && !agree(adds, u->share[0], scale)) *f = (dz__formal){{0}, 0};
}

void dz__work_check(dz__work *w) {
  double scale = scale_of(w);
  for (size_t i = 0; i < w->of->nseen; i++) {
    const dz__seen *s = dz__work_seen(w, i);
    check(&w->y->node[i].value, s->value, s->size, scale);
    check(&w->y->node[i].gradient, s->adjoint, s->size, scale);
  }
  for (size_t j = 0; j < w->of->nuse; j++) {
    const dz__use *u = &w->of->use[j];
    if (u->of == DZ__NONE) continue;
    check(&w->y->use[j].share, u->share, dz__work_seen(w, u->of)->size, scale);
    check_partial(w, u, &w->y->use[j].partial, scale);
  }
}
