/* Where the operations are tried: half of the points anywhere, half where it hurts. */
#include "accuracy.h"

#include <math.h>
#include <string.h>

/* xorshift: the points are the same on every machine. */
double uniform(source *s, double low, double high) {
  s->state ^= s->state << 13;
  s->state ^= s->state >> 7;
  s->state ^= s->state << 17;
  return low + (high - low) * ((double)(s->state >> 11) * 0x1p-53);
}

double size_between(source *s, double low, double high) { return pow(10, uniform(s, low, high)); }
double either_sign(source *s, double x) { return uniform(s, -1, 1) < 0 ? -x : x; }

/* ---- edges ---- */

enum { EDGES = 64 };

typedef struct edges {
  int count;
  double at[EDGES];
} edges;

static void add_edge(edges *e, double x) {
  if (e->count < EDGES && x != 0 && isfinite(x)) e->at[e->count++] = fabs(x);
}

static bool in_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }

/* Every number that a formula of the table mentions is a threshold, or at least a place to look at. */
static void add_numbers(edges *e, const char *text) {
  for (const char *c = text; c && *c;) {
    double value = 0;
    size_t size = 0;
    if (in_word(*c)) {
      while (in_word(*c) || digit(*c)) c++;
      continue;
    }
    if (digit(*c) || *c == '.') size = dz_number_read(c, strlen(c), &value, NULL);
    add_edge(e, value);
    c += size ? size : 1;
  }
}

static edges edges_of(const row *r) {
  const dz_op_info info = dz_op_at(dz_op_find(r->name));
  edges e = {.count = 0};
  add_edge(&e, 1);
  for (const double *x = r->edges; x && *x != 0; x++) add_edge(&e, *x);
  for (int k = 0; k < OPERANDS; k++) {
    add_edge(&e, r->low[k]);
    add_edge(&e, r->high[k]);
    add_numbers(&e, info.partial[k]);
  }
  add_numbers(&e, info.value);
  return e;
}

/* On both sides of an edge: some ULPs off, or by up to a tenth. */
static double beside(source *s, const edges *e) {
  const double at = e->at[(int)uniform(s, 0, e->count)];
  const double off = uniform(s, 0, 2) < 1 ? floor(uniform(s, 0, 9)) * 0x1p-52 : size_between(s, -16, -1);
  return either_sign(s, at * (1 + either_sign(s, off)));
}

/* ---- points ---- */

static bool inside(const row *r, int k, double x) {
  const bool all = r->low[k] == 0 && r->high[k] == 0;
  return isfinite(x) && x != 0 && (all || (x > r->low[k] && x < r->high[k]));
}

/* x, -x, 1/x or -1/x: the first that is in the domain, so that no size is preferred. 0 when none is. */
static double folded(const row *r, int k, double x) {
  const double tries[] = {x, -x, 1 / x, -1 / x};
  for (int i = 0; i < 4; i++)
    if (inside(r, k, tries[i])) return tries[i];
  return 0;
}

static double anywhere(source *s) { return either_sign(s, size_between(s, -300, 300)); }

/* Of four points: two anywhere, of all sizes; one beside an edge, or a hard one where the row has such; one
   of moderate size. Then operands are also likened to each other. */
static void draw(const row *r, source *s, const edges *e, int arity, size_t turn, double *x) {
  if (turn % 4 == 2 && r->hard && turn % 8 < 4) {
    r->hard(s, x);
    return;
  }
  for (int k = 0; k < arity; k++) {
    x[k] = turn % 4 < 2 ? anywhere(s) : turn % 4 == 2 ? beside(s, e) : either_sign(s, size_between(s, -3, 3));
    x[k] = folded(r, k, x[k]);
    if (k > 0 && turn % 8 == 3) x[k] = folded(r, k, x[0] * (1 + either_sign(s, size_between(s, -16, 0))));
    if (k > 0 && turn % 8 == 6) x[k] = folded(r, k, either_sign(s, x[0] * size_between(s, -3, 3)));
  }
}

static bool fit(const row *r, int arity, double *x) {
  if (r->mend && !r->mend(x)) return false;
  for (int k = 0; k < arity; k++)
    if (!inside(r, k, x[k])) return false;
  return true;
}

void draw_points(const row *r, source *s, size_t n, double *const *x) {
  const edges e = edges_of(r);
  const int arity = r->one ? 1 : r->two ? 2 : 3;
  for (size_t i = 0; i < n; i++) {
    double p[OPERANDS] = {0};
    do draw(r, s, &e, arity, i, p);
    while (!fit(r, arity, p));
    for (int k = 0; k < arity; k++) x[k][i] = p[k];
  }
}
