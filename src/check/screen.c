/* Which nodes a wrong derivative, or a kink, may come from: all of them at once.

   A cut through the tape separates it into a part before and a part after. The sum over the values that cross
   it of adjoint times numerical slope along the row is the same at every cut, namely the slope of the output,
   as long as the rules behind the cut are right. From one cut to the next it changes by what a single node
   gets wrong: adjoint times the slope of the node, less the sum over its operands of what the reverse rule
   sends there times their slopes. So with the numerical slopes of all nodes, which four recordings give, one
   sweep tells for every cut whether it disagrees. Bisection would look at log n cuts, each by a sweep of its
   own, and could not tell the first of two wrong nodes whose errors cancel. For a kink the slopes to the two
   sides are compared, for the forward rule its tangents.

   Numerical slopes of values in the middle are rough. What is found here is a suspicion only: each is looked
   at alone, as in a short tape every node is. */
#include "check/checking.h"
#include "dz/tangent.h"
#include "tape/sweep.h"
#include "tape/tangent.h"
#include "tape/use.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct screen {
  dz__checking *c;
  uint32_t top;
  size_t total;  /* elements of all nodes up to top */
  size_t *first; /* of each node, and of one more */
  double *room, *base, *plus, *slope, *error, *bend;
  double *use; /* room for the largest operand */
  size_t most;
  double h;
  bool same; /* all recordings have these nodes */
} screen;

static bool lay(screen *s) {
  const dz_allocator *a = &s->c->alloc;
  s->first = dz__alloc(a, ((size_t)s->top + 2) * sizeof *s->first);
  if (!s->first) return false;
  for (uint32_t i = 0; i <= s->top; i++) {
    size_t n = dz_size(dz_node_at(s->c->tape, i));
    s->first[i] = s->total;
    s->total += n;
    if (n > s->most) s->most = n;
  }
  s->first[s->top + 1] = s->total;
  s->room = dz__alloc(a, (5 * s->total + s->most) * sizeof *s->room);
  if (!s->room) return false;
  s->base = s->room;
  s->plus = s->base + s->total;
  s->slope = s->plus + s->total;
  s->error = s->slope + s->total;
  s->bend = s->error + s->total;
  s->use = s->bend + s->total;
  return true;
}

static void drop(screen *s) {
  dz__free(&s->c->alloc, s->room, (5 * s->total + s->most) * sizeof *s->room);
  dz__free(&s->c->alloc, s->first, ((size_t)s->top + 2) * sizeof *s->first);
}

/* ---- slopes of all nodes ---- */

/* Where nodes are missing the output is, which had an element. */
static const double *values(screen *s, uint32_t i) {
  dz_var x = dz_node_at(s->c->tape, i);
  if (dz_size(x) != s->first[i + 1] - s->first[i]) s->same = false;
  return s->same ? dz_values(x) : NULL;
}

static void copy_values(screen *s, double *to) {
  for (uint32_t i = 0; i <= s->top && s->same; i++) {
    const double *v = values(s, i);
    size_t n = s->first[i + 1] - s->first[i];
    if (v && n) memcpy(to + s->first[i], v, n * sizeof *to);
  }
}

/* From the values at both sides at the distance h, of which those at + stand in s->plus. At 2 h what is there
   already is compared: the change of a smooth slope is its error; a bend that only doubles is no curvature.
 */
static void difference(screen *s, double h, bool again) {
  for (uint32_t i = 0; i <= s->top && s->same; i++) {
    const double *v = values(s, i);
    for (size_t e = s->first[i], end = s->first[i + 1]; v && e < end; e++, v++) {
      double slope = (s->plus[e] - *v) / (2 * h), bend = (s->plus[e] - s->base[e]) - (s->base[e] - *v);
      double noise = 8 * DBL_EPSILON * fmax(fabs(s->base[e]), fmax(fabs(*v), fabs(s->plus[e])));
      if (!again) {
        s->slope[e] = slope;
        s->bend[e] = bend;
        continue;
      }
      s->error[e] = fabs(slope - s->slope[e]) + noise / h;
      bool curved = fabs(bend) >= 3 * fabs(s->bend[e]) || fabs(bend) <= 4 * noise;
      s->bend[e] = curved ? 0 : 1;
    }
  }
}

static bool record_at(screen *s, double h, double *to) {
  double value;
  if (!dz__check_along(s->c, h, &value)) return false;
  if (to) copy_values(s, to);
  return true;
}

static bool slopes(screen *s) {
  double x = s->c->element == SIZE_MAX ? 0 : dz__check_base(s->c, s->c->leaf, s->c->element);
  double h = 0x1p-17 * (x != 0 ? fabs(x) : 1), at = s->c->element == SIZE_MAX ? 0 : x;
  h = (at + h) - at;
  copy_values(s, s->base);
  for (int k = 0; k < 2 && s->same; k++, h *= 2) {
    if (!record_at(s, h, s->plus) || !record_at(s, -h, NULL)) return false;
    if (s->same) difference(s, h, k > 0);
  }
  return dz__check_restore(s->c, s->c->leaf);
}

/* ---- what disagrees ---- */

typedef struct balance {
  double sum, error, size;
} balance;

static void weigh(const screen *s, balance *b, const double *g, uint32_t node, double sign) {
  for (size_t e = s->first[node], end = s->first[node + 1]; e < end; e++, g++) {
    if (*g == 0) continue;
    b->sum += sign * *g * s->slope[e];
    b->error += fabs(*g) * s->error[e];
    b->size += fabs(*g * s->slope[e]);
  }
}

/* What crosses the cut before node i, less what crosses it behind. */
static bool reverse_disagrees(screen *s, dz_var x, bool *out) {
  uint32_t i = dz__index(x);
  balance b = {0, 0, 0};
  weigh(s, &b, dz_adjoints(x), i, 1);
  for (int k = dz_describe(x).nargs; k-- > 0;) {
    dz_var o = dz_operand(x, k);
    if (!dz_is_active(o)) continue;
    if (!dz__use_adjoint(x, k, s->use)) return false;
    weigh(s, &b, s->use, dz__index(o), -1);
  }
  *out = !(fabs(b.sum) <= b.error + 0x1p-46 * b.size);
  return true;
}

static bool any_bend(const screen *s, uint32_t i) {
  for (size_t e = s->first[i]; e < s->first[i + 1]; e++)
    if (s->bend[e] != 0) return true;
  return false;
}

/* The tangent, which is 0 where no gradient comes back, is not the slope. */
static bool forward_disagrees(const screen *s, dz_var x) {
  uint32_t i = dz__index(x);
  dz__tape *t = dz__of(s->c->tape);
  const double *tangent = dz_is_active(x) ? dz__tangent_slot(t, &t->tangent, i) : NULL;
  for (size_t e = s->first[i]; e < s->first[i + 1]; e++) {
    double z = tangent ? tangent[e - s->first[i]] : 0;
    if (!(fabs(z - s->slope[e]) <= s->error[e] + 0x1p-46 * fabs(z))) return true;
  }
  return false;
}

static bool is_operation(dz_var x) { return dz_describe(x).nargs > 0; }

/* The tangents are asked last: they go wrong from the first fault on, and by rounding on a long way. */
static bool suspect_wrong(screen *s, dz_var y, uint8_t *suspects) {
  bool any = false;
  if (dz_backward(y)) return false;
  for (uint32_t i = 0; i <= s->top; i++) {
    dz_var x = dz_node_at(s->c->tape, i);
    bool disagrees = false;
    if (!is_operation(x)) continue;
    if (dz_is_active(x) && !reverse_disagrees(s, x, &disagrees)) return false;
    suspects[i] = dz_is_active(x) ? disagrees : forward_disagrees(s, x);
    any |= suspects[i];
  }
  if (any) return true;
  if (!dz__check_push(s->c, y)) return false;
  for (uint32_t i = 0; i <= s->top; i++) {
    dz_var x = dz_node_at(s->c->tape, i);
    suspects[i] = is_operation(x) && forward_disagrees(s, x);
  }
  return true;
}

bool dz__check_screen(dz__checking *c, dz_var *y, bool wrong, uint8_t *suspects) {
  screen s = {.c = c, .top = dz__index(*y), .same = true};
  bool done = lay(&s) && slopes(&s) && dz__check_record(c, y);
  memset(suspects, 0, (size_t)s.top + 1);
  s.same = s.same && done && dz_node_index(*y) == s.top;
  if (s.same && wrong && dz_is_active(*y)) done = suspect_wrong(&s, *y, suspects);
  for (uint32_t i = 0; s.same && !wrong && i <= s.top; i++) suspects[i] = any_bend(&s, i);
  drop(&s);
  return done;
}
