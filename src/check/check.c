/* dz_check: every wanted adjoint beside a numerical slope of the recorded model. */
#include "dz/check.h"

#include "base/memory.h"
#include "base/status.h"
#include "check/slope.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST_ELEMENTS = 200, DIRECTIONS = 4 };

typedef struct checking {
  dz_model *model;
  void *user;
  const dz_check_point *points;
  const dz_check_options *options;
  dz_allocator alloc;
  dz_tape *tape;
  dz_mark mark;
  dz_var *leaves;
  double **adjoints; /* per leaf, into `room`; NULL when it is not checked */
  double *room;      /* all adjoints, then the moved values of one leaf */
  double *moved;
  size_t count, room_size;
  dz_check_report *report;
  dz_error *error;
  dz_status status;
  double excess; /* of the worst row */
  /* the line along which f is taken now */
  size_t leaf, element;
  uint64_t direction;
} checking;

static dz_status fail(checking *c, dz_status status, const char *message) {
  dz__fail(c->error, status, "check", "%s", message);
  return c->status = status;
}

/* The tape's error, or the one given when the tape has none. */
static dz_status fail_as_tape(checking *c, dz_status status, const char *message) {
  const dz_error *e = dz_tape_error(c->tape);
  if (!e->status) return fail(c, status, message);
  if (c->error && !c->error->status) *c->error = *e;
  return c->status = e->status;
}

/* One recording on the rewound tape. */
static bool record(checking *c, dz_var *y) {
  dz_status status = dz_tape_rewind(c->tape, c->mark);
  if (status) return fail_as_tape(c, status, dz_status_text(status)), false;
  *y = c->model(c->tape, c->leaves, c->user);
  if (dz_is_number(*y)) return true;
  if (y->tape != c->tape || !dz_valid(*y)) {
    fail_as_tape(c, DZ_ERR_HANDLE, "the model gave no node of its tape");
    return false;
  }
  if (dz_size(*y) == 1) return true;
  fail(c, DZ_ERR_SHAPE, "the model's output is not a scalar");
  return false;
}

static double value_of(dz_var y) {
  double v;
  if (!dz_is_number(y)) return dz_value(y);
  memcpy(&v, &y.id, sizeof v);
  return v;
}

/* ---- leaves ---- */

static bool wanted(const dz_check_point *p) {
  return !p->skip && (p->role == DZ_ROLE_INPUT || p->role == DZ_ROLE_PARAM);
}

static double base_value(const checking *c, size_t leaf, size_t element) {
  const double *v = c->points[leaf].values;
  return v ? v[element] : 0;
}

static bool plant_leaves(checking *c) {
  for (size_t i = 0; i < c->count; i++) {
    const dz_check_point *p = &c->points[i];
    if (p->rank && !p->dims) return fail(c, DZ_ERR_ARGUMENT, "a point has a rank but no extents"), false;
    c->leaves[i] = p->rank ? dz_leaf_tensor(c->tape, p->role, p->rank, p->dims, p->values)
                           : dz_leaf(c->tape, p->role, p->values ? p->values[0] : 0);
    if (!dz_valid(c->leaves[i])) return fail_as_tape(c, DZ_ERR_ARGUMENT, "a point makes no leaf"), false;
    dz_status named = p->name ? dz_set_name(c->leaves[i], p->name) : DZ_OK;
    if (named) return fail_as_tape(c, named, dz_status_text(named)), false;
  }
  c->mark = dz_tape_mark(c->tape);
  return true;
}

/* Room for the adjoints of the wanted leaves and for moving the largest of them. */
static bool make_room(checking *c) {
  size_t most = 0, total = 0;
  for (size_t i = 0; i < c->count; i++) {
    size_t n = dz_size(c->leaves[i]);
    if (!wanted(&c->points[i])) continue;
    if (n > most) most = n;
    if (n > SIZE_MAX / 32 - total) return fail(c, DZ_ERR_MEMORY, "out of memory"), false;
    total += n;
  }
  c->room_size = total + most;
  c->room = dz__alloc(&c->alloc, c->room_size * sizeof *c->room);
  if (c->room_size && !c->room) return fail(c, DZ_ERR_MEMORY, "out of memory"), false;
  double *at = c->room;
  for (size_t i = 0; i < c->count; i++) {
    c->adjoints[i] = wanted(&c->points[i]) ? at : NULL;
    if (c->adjoints[i]) at += dz_size(c->leaves[i]);
  }
  c->moved = at;
  return true;
}

/* The analytic gradient, copied, since the tape is about to be used again and again. */
static bool differentiate(checking *c) {
  dz_var y;
  if (!record(c, &y)) return false;
  c->report->value = value_of(y);
  bool number = dz_is_number(y);
  if (!number && dz_backward(y)) return fail_as_tape(c, DZ_ERR_MEMORY, "the sweep failed"), false;
  for (size_t i = 0; i < c->count; i++) {
    if (!c->adjoints[i]) continue;
    const double *g = number ? NULL : dz_adjoints(c->leaves[i]);
    for (size_t k = dz_size(c->leaves[i]); k-- > 0;) c->adjoints[i][k] = g ? g[k] : 0;
  }
  return true;
}

/* ---- the function along a line ---- */

/* The k-th of a stream of random 64-bit numbers (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014). */
static uint64_t random_bits(uint64_t stream, uint64_t k) {
  uint64_t z = (stream << 48 ^ k) * 0x9e3779b97f4a7c15u + 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* A direction's component: 1 or -1, so that no element is hidden by larger ones. */
static double component(const checking *c, size_t k) { return random_bits(c->direction, k) >> 63 ? 1 : -1; }

static bool along(void *user, double s, double *value) {
  checking *c = user;
  size_t n = dz_size(c->leaves[c->leaf]);
  dz_var y;
  for (size_t k = 0; k < n; k++) c->moved[k] = base_value(c, c->leaf, k);
  if (c->element < n)
    c->moved[c->element] += s;
  else
    for (size_t k = 0; k < n; k++) c->moved[k] += s * component(c, k);
  if (dz_set(c->leaves[c->leaf], c->moved, n)) return fail_as_tape(c, DZ_ERR_HANDLE, "a leaf is gone"), false;
  if (!record(c, &y)) return false;
  *value = value_of(y);
  return true;
}

static bool restore(checking *c) {
  size_t n = dz_size(c->leaves[c->leaf]);
  for (size_t k = 0; k < n; k++) c->moved[k] = base_value(c, c->leaf, k);
  if (dz_set(c->leaves[c->leaf], c->moved, n)) return fail_as_tape(c, DZ_ERR_HANDLE, "a leaf is gone"), false;
  return true;
}

/* ---- rows ---- */

/* Bad news first: which verdict the report shows. */
static int gravity(dz_verdict v) {
  static const int of[] = {[DZ_VERDICT_AGREES] = 0,
                           [DZ_VERDICT_KINK] = 1,
                           [DZ_VERDICT_NOISY] = 2,
                           [DZ_VERDICT_NOT_FINITE] = 3,
                           [DZ_VERDICT_WRONG] = 4};
  return of[v];
}

/* A derivative that is not finite is wrong where the numerical one is clear. */
static dz_verdict verdict(double analytic, const dz__slope *s) {
  if (s->kind == DZ__SLOPE_NOT_FINITE) return DZ_VERDICT_NOT_FINITE;
  if (s->kind == DZ__SLOPE_CLEAR)
    return fabs(analytic - s->value) <= s->error ? DZ_VERDICT_AGREES : DZ_VERDICT_WRONG;
  if (!isfinite(analytic)) return DZ_VERDICT_NOT_FINITE;
  return s->kind == DZ__SLOPE_KINK ? DZ_VERDICT_KINK : DZ_VERDICT_NOISY;
}

static void report_row(checking *c, const dz_check_row *row) {
  dz_check_report *r = c->report;
  size_t *counts[] = {[DZ_VERDICT_AGREES] = &r->agreed,
                      [DZ_VERDICT_WRONG] = &r->wrong,
                      [DZ_VERDICT_NOISY] = &r->noisy,
                      [DZ_VERDICT_KINK] = &r->kinks,
                      [DZ_VERDICT_NOT_FINITE] = &r->not_finite};
  double excess = fabs(row->analytic - row->numeric) - row->error;
  if (isnan(excess)) excess = INFINITY;
  int by = gravity(row->verdict) - (r->checked ? gravity(r->worst.verdict) : -1);
  if (by > 0 || (by == 0 && excess > c->excess)) {
    r->worst = *row;
    c->excess = excess;
  }
  r->checked++;
  ++*counts[row->verdict];
  if (c->options && c->options->row) c->options->row(c->options->user, row);
}

/* The size of x in general, for steps where the element's own says nothing. */
static double leaf_scale(const checking *c) {
  double most = 0;
  for (size_t k = dz_size(c->leaves[c->leaf]); k-- > 0;) most = fmax(most, fabs(base_value(c, c->leaf, k)));
  return most;
}

static bool check_line(checking *c, double at, double analytic, double slack) {
  double scales[3], candidates[] = {fabs(at), 1, leaf_scale(c)};
  int n = 0;
  for (int i = 0; i < 3; i++)
    if (candidates[i] > 0 && isfinite(candidates[i])) scales[n++] = candidates[i];
  dz__slope s;
  if (!dz__slope_at(along, c, at, scales, n, analytic, &s)) return false;
  s.error += slack;
  dz_check_row row = {c->leaf, c->element, analytic, s.value, s.error, verdict(analytic, &s)};
  report_row(c, &row);
  return true;
}

static bool check_element(checking *c, size_t element) {
  c->element = element;
  return check_line(c, base_value(c, c->leaf, element), c->adjoints[c->leaf][element], 0);
}

/* Along a direction the analytic slope is a sum; its rounding, at most n u times the sum of sizes, is allowed
   for. */
static bool check_direction(checking *c, uint64_t direction) {
  size_t n = dz_size(c->leaves[c->leaf]);
  double sum = 0, sizes = 0;
  c->element = SIZE_MAX;
  c->direction = direction;
  for (size_t k = 0; k < n; k++) {
    double g = c->adjoints[c->leaf][k] * component(c, k);
    sum += g;
    sizes += fabs(g);
  }
  return check_line(c, 0, sum, (double)n * (DBL_EPSILON / 2) * sizes);
}

static bool check_leaf(checking *c, size_t leaf) {
  size_t n = dz_size(c->leaves[leaf]);
  size_t most = c->options && c->options->max_elements ? c->options->max_elements : MOST_ELEMENTS;
  c->leaf = leaf;
  if (n == 0) return true;
  for (size_t j = 0; j < (n < most ? n : most); j++) {
    size_t k = n <= most ? j : (size_t)((double)n / (double)most * ((double)j + .5));
    if (!check_element(c, k < n ? k : n - 1)) return false;
  }
  for (uint64_t d = 0; n > most && d < DIRECTIONS; d++)
    if (!check_direction(c, d)) return false;
  return restore(c);
}

/* ---- */

static void run(checking *c) {
  c->tape = dz_tape_new(&c->alloc);
  if (c->count) {
    c->leaves = dz__alloc(&c->alloc, c->count * sizeof *c->leaves);
    c->adjoints = dz__alloc(&c->alloc, c->count * sizeof *c->adjoints);
  }
  if (!c->tape || (c->count && (!c->leaves || !c->adjoints))) {
    fail(c, DZ_ERR_MEMORY, "out of memory");
    return;
  }
  if (!plant_leaves(c) || !make_room(c) || !differentiate(c)) return;
  for (size_t i = 0; i < c->count; i++)
    if (c->adjoints[i] && !check_leaf(c, i)) return;
}

dz_status dz_check(dz_model *model, void *user, size_t count, const dz_check_point *points,
                   const dz_check_options *options, const dz_allocator *a, dz_check_report *report,
                   dz_error *error) {
  checking c = {.model = model,
                .user = user,
                .points = points,
                .options = options,
                .alloc = dz__allocator(a),
                .count = count,
                .report = report,
                .error = error};
  if (error) memset(error, 0, sizeof *error);
  if (report) memset(report, 0, sizeof *report);
  if (!model || !report || (count && !points))
    return fail(&c, DZ_ERR_ARGUMENT, "a model, points and a report are needed");
  if (count > SIZE_MAX / sizeof *c.leaves) return fail(&c, DZ_ERR_MEMORY, "out of memory");
  run(&c);
  dz__free(&c.alloc, c.room, c.room_size * sizeof *c.room);
  dz__free(&c.alloc, c.leaves, count * sizeof *c.leaves);
  dz__free(&c.alloc, c.adjoints, count * sizeof *c.adjoints);
  dz_tape_free(c.tape);
  return c.status;
}
