/* What is asked of an operation while it is defined, and what is said of a wrong one, as sums as kept.c keeps
   whole checks. */
#include "dz/dz.h"
#include "dz/userop.h"
#include "listing.h"
#include "suite.h"

static void list_outcome(listing *l, const dz_tape *t, dz_status status, const dz_error *e) {
  LIST(l, "defined", (uint64_t)status, dz_note_count(t));
  list_characters(l, e->message);
  for (size_t i = 0; i < dz_note_count(t); i++) {
    const dz_note *n = dz_note_at(t, i);
    LIST(l, "note", (uint64_t)n->line, (uint64_t)n->column);
    list_characters(l, n->kind);
    list_characters(l, n->op);
    list_characters(l, n->message);
  }
}

/* ---- by C functions: weighed squares, of some shape ---- */

enum {
  ANY,
  VECTORS,
  MATRICES,
  CUBES,
  NONE,
  OF_8,
  OF_9,
  OF_LESS,
  MOST,
  MORE,
  MANY,
  AS_MANY,
  EMPTY,
  HUGE_ONE,
  SHAPES
};
enum { RIGHT, FIRST, SECOND, THIRTY_ONE, HUNDREDTH, BY_JVP, NOWHERE, ROUGH, EDGES, KINDS };

typedef struct op {
  listing *l;
  int arity, shape, kind;
} op;

static bool shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  static const struct {
    int rank;
    size_t dims[2];
  } of[SHAPES] = {[OF_9] = {9, {0}},      [OF_LESS] = {-1, {0}},
                  [MOST] = {1, {4096}},   [MORE] = {1, {4097}},
                  [MANY] = {2, {64, 65}}, [AS_MANY] = {2, {64, 64}},
                  [EMPTY] = {2, {3, 0}},  [HUGE_ONE] = {2, {SIZE_MAX / 2, 4}}};
  const op *o = user;
  LIST(o->l, "shape", (uint64_t)x->rank, x->size);
  *rank = x->rank;
  for (int k = 0; k < x->rank && k < 2; k++) dims[k] = x->dims[k];
  if (o->shape <= CUBES) return x->rank == o->shape;
  if (o->shape == NONE) return false;
  *rank = of[o->shape].rank;
  if (o->shape == OF_8) *rank = 8;
  for (int k = 0; k < 2; k++) dims[k] = of[o->shape].dims[k];
  for (int k = 0; o->shape == OF_8 && k < 8; k++) dims[k] = 1;
  return true;
}
static void list_operands(const op *o, const char *what, const dz_op_array *x) {
  for (int k = 0; k < o->arity; k++) {
    LIST(o->l, what, (uint64_t)x[k].rank, x[k].size);
    for (size_t i = 0; i < x[k].size; i++) LIST(o->l, " ", dz__bits(x[k].data[i]));
  }
}
static void list_results(const op *o, const char *what, const double *v, size_t n) {
  LIST(o->l, what, n);
  for (size_t j = 0; j < n && j < 9; j++) LIST(o->l, " ", dz__bits(v[j]));
}
static double at(const dz_op_array *x, size_t j) { return x->data[j % x->size]; }
static double slope(const op *o, int k, double x, size_t j) {
  const bool wrong = (o->kind == FIRST && k == 0) || (o->kind == SECOND && k == 1) ||
                     (o->kind == THIRTY_ONE && x == .31) || (o->kind == HUNDREDTH && x == -1.9 && j == 0);
  return 2 * (k + 1) * x + wrong;
}
static void squares(void *user, const dz_op_array *x, size_t n, double *z) {
  const op *o = user;
  list_operands(o, "value", x);
  for (size_t j = 0; j < n; j++) {
    z[j] = 0;
    for (int k = 0; k < o->arity; k++) z[j] += (k + 1) * at(&x[k], j) * at(&x[k], j);
    if (o->kind == NOWHERE) z[j] = NAN;
    if (o->kind == ROUGH) z[j] = at(x, j) * 1e6 - floor(at(x, j) * 1e6);
    if (o->kind == EDGES && at(x, j) < 0) z[j] = INFINITY;
  }
}
static void back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                 double *const *to) {
  const op *o = user;
  list_operands(o, "vjp", x);
  list_results(o, "z", z, n);
  list_results(o, "g", g, n);
  for (int k = 0; k < o->arity; k++)
    for (size_t j = 0; to[k] && j < n; j++) to[k][j % x[k].size] += g[j] * slope(o, k, at(&x[k], j), j);
}
static void forth(void *user, const dz_op_array *x, size_t n, const double *z, const double *const *t,
                  double *out) {
  const op *o = user;
  list_operands(o, "jvp", x);
  list_results(o, "z", z, n);
  for (int k = 0; k < o->arity; k++)
    if (t[k]) list_results(o, "t", t[k], x[k].size);
  for (size_t j = 0; j < n; j++) {
    out[j] = 0;
    for (int k = 0; k < o->arity; k++)
      if (t[k]) out[j] += t[k][j % x[k].size] * (slope(o, k, at(&x[k], j), j) + (o->kind == BY_JVP));
  }
}

static const op ops[] = {
    {NULL, 1, ANY, RIGHT},      {NULL, 2, ANY, RIGHT},          {NULL, 3, VECTORS, RIGHT},
    {NULL, 2, MATRICES, RIGHT}, {NULL, 1, CUBES, RIGHT},        {NULL, 1, NONE, RIGHT},
    {NULL, 1, OF_8, RIGHT},     {NULL, 1, OF_9, RIGHT},         {NULL, 1, OF_LESS, RIGHT},
    {NULL, 1, MOST, RIGHT},     {NULL, 1, MORE, RIGHT},         {NULL, 1, MANY, RIGHT},
    {NULL, 1, AS_MANY, RIGHT},  {NULL, 1, EMPTY, RIGHT},        {NULL, 1, HUGE_ONE, RIGHT},
    {NULL, 2, ANY, FIRST},      {NULL, 2, VECTORS, SECOND},     {NULL, 8, ANY, SECOND},
    {NULL, 1, ANY, THIRTY_ONE}, {NULL, 1, VECTORS, THIRTY_ONE}, {NULL, 2, MATRICES, HUNDREDTH},
    {NULL, 2, ANY, BY_JVP},     {NULL, 1, VECTORS, BY_JVP},     {NULL, 1, ANY, NOWHERE},
    {NULL, 1, VECTORS, ROUGH},  {NULL, 2, MATRICES, ROUGH},     {NULL, 1, ANY, EDGES},
    {NULL, 2, VECTORS, EDGES},
};

/* With a jvp and without. */
static void list_calls(listing *l, op o) {
  for (int forward = 0; forward < 2; forward++) {
    o.l = l;
    const dz_op_calls c = {.arity = o.arity,
                           .shape = o.shape == ANY && forward ? NULL : shape,
                           .value = squares,
                           .vjp = back,
                           .jvp = forward ? forth : NULL,
                           .user = &o};
    const dz_allocator a = list_allocator(l);
    dz_tape *t = dz_tape_new(&a);
    dz_error e;
    const dz_status status = dz_op_define_c(t, "squares", &c, &e);
    list_outcome(l, t, status, &e);
    dz_tape_free(t);
  }
}

/* ---- by texts: wrong at some of the points alone ---- */

static const struct {
  int arity;
  const char *value, *partials[3];
} texts[] = {
    {1, "x*x", {"2*x"}},
    {1, "x*x", {"2*x + (x > 22 ? 1 : 0)"}},
    {1, "x*x", {"2*x + (x > .3 && x < .4 ? 1/3 : 0)"}},
    {1, "x*x", {"2*x + (x < -40 ? 1 : 0)"}},
    {2, "x*y", {"y", "x"}},
    {2, "x*y", {"z/x", "z/y"}},
    {2, "x*y", {"z/x", "z/x"}},
    {2, "x*y", {NULL, "x + (x > .6 && x < .8 && y > 5 ? 1 : 0)"}},
    {2, "x*y", {"y + (x > 2.6 && x < 2.8 && y < -.5 && y > -1 ? 1 : 0)"}},
    {2, "x*y", {"y + (x > 5 && x < 6 && y < -.5 && y > -1 ? 1 : 0)", "x"}},
    {2, "x*y", {"y", "x + (x > .6 && x < .8 && y > 2.6 && y < 2.8 ? 1 : 0)"}},
    {3, "x*y*w", {"y*w + (x > .6 && x < .8 && y > 5 && y < 6 ? 1 : 0)"}},
    {3, "x*y*w", {NULL, "x*w + (x > 5 && x < 6 && y < -.5 && y > -1 ? 1 : 0)"}},
    {3, "x*y*w", {NULL, NULL, "x*y + (x > 2.6 && x < 2.8 && y < -.5 && y > -1 ? 1 : 0)"}},
    {3, "x*y + w*w*w", {"y", "x", "3*w*w + (w < -40 ? 1 : 0)"}},
    {3, "x*y + w*w*w", {"y", "x", "3*w*w + (w < .06 && w > 0 ? 1 : 0)"}},
    {1, "sqrt(x - 100)", {"1"}},
    {2, "sqrt(x - 100)*y", {"1", "sqrt(x - 100)"}},
    {1, "(x + 1e16) - 1e16", {"1"}},
    {1, "(x + 1e10) - 1e10", {"1 + (x < .06 && x > 0 ? 1 : 0)"}},
    {1, "(x + 1e11) - 1e11", {"1 + (x < .06 && x > 0 ? 1 : 0)"}},
    {1, "(x + 1e12) - 1e12", {"1 + (x < .06 && x > 0 ? 1 : 0)"}},
    {1, "sqrt(x)", {"1/(2*z)"}},
    {1, "sqrt(x)", {"1/(2*z) + (x > 20 ? 1e-6 : 0)"}},
    {1, "0*x + 3", {"0"}},
    {1, "0*x + 3", {"1e-9"}},
    {1, "(x > 0 ? x : 0)", {"MASK(x > 0)"}},
    {1, "(x > 0 ? x : 0)", {"MASK(x > 1)"}},
};

static void list_definition(listing *l, int k) {
  const dz_allocator a = list_allocator(l);
  dz_tape *t = dz_tape_new(&a);
  dz_error e;
  const dz_status status = dz_op_define(t, "by_text", texts[k].arity, texts[k].value, texts[k].partials, &e);
  list_outcome(l, t, status, &e);
  dz_tape_free(t);
}

enum { ALL = COUNT(ops) + COUNT(texts) };

static const uint64_t sums[ALL] = {
#include "kept_define.sums"
};

START_TEST(defined) {
  listing l = list_begin();
  if (_i < (int)COUNT(ops))
    list_calls(&l, ops[_i]);
  else
    list_definition(&l, _i - (int)COUNT(ops));
  list_end(&l, "kept_define.sums", _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(defined, ALL))
