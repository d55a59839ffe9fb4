/* dz_check: every wanted adjoint beside a numerical slope of the recorded model. */
#include "dz/check.h"

#include "base/memory.h"
#include "base/status.h"
#include "check/checking.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

enum { MOST_ELEMENTS = 200, DIRECTIONS = 4 };

dz_status dz__check_fail(dz__checking *c, dz_status status, const char *message) {
  dz__fail(c->error, status, "check", "%s", message);
  return c->status = status;
}

dz_status dz__check_fail_as(dz__checking *c, const dz_tape *t, dz_status status, const char *message) {
  const dz_error *e = dz_tape_error(t);
  if (!e->status) return dz__check_fail(c, status, message);
  if (c->error && !c->error->status) *c->error = *e;
  return c->status = e->status;
}

static dz_status fail(dz__checking *c, dz_status status, const char *message) {
  return dz__check_fail(c, status, message);
}
static dz_status fail_as_tape(dz__checking *c, dz_status status, const char *message) {
  return dz__check_fail_as(c, c->tape, status, message);
}

bool dz__check_record(dz__checking *c, dz_var *y) {
  dz_status status = dz_tape_rewind(c->tape, c->mark);
  if (status) return fail_as_tape(c, status, dz_status_text(status)), false;
  *y = c->model(c->tape, c->leaves, c->user);
  const bool failed = dz_tape_error(c->tape)->status != DZ_OK;
  if (dz_is_number(*y) && !failed) return true;
  if (failed || y->tape != c->tape || !dz_valid(*y)) {
    fail_as_tape(c, DZ_ERR_HANDLE, "the model gave no node of its tape");
    return false;
  }
  if (dz_size(*y) == 1) return true;
  fail(c, DZ_ERR_SHAPE, "the model's output is not a scalar");
  return false;
}

double dz__check_value(dz_var y) { return dz_is_number(y) ? dz__number(y) : dz_value(y); }

/* ---- leaves ---- */

static bool wanted(const dz_check_point *p) {
  return !p->skip && (p->role == DZ_ROLE_INPUT || p->role == DZ_ROLE_PARAM);
}

double dz__check_base(const dz__checking *c, size_t leaf, size_t element) {
  const double *v = c->points[leaf].values;
  return v ? v[element] : 0;
}

static bool plant_leaves(dz__checking *c) {
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

/* Counts the wanted elements; the most that one leaf has. No overflow: each of them has 8 bytes in its leaf.
 */
static size_t measure(dz__checking *c) {
  size_t most = 0;
  for (size_t i = 0; i < c->count; i++) {
    size_t n = dz_size(c->leaves[i]);
    if (!wanted(&c->points[i])) continue;
    if (n > most) most = n;
    c->total += n;
    c->wanted[c->nwanted++] = c->leaves[i];
  }
  return most;
}

static bool make_room(dz__checking *c) {
  size_t most = measure(c);
  if (!dz__grow(&c->alloc, (void **)&c->room, &c->room_size, 2 * c->total + most, sizeof *c->room))
    return fail(c, DZ_ERR_MEMORY, "out of memory"), false;
  double *at = c->room;
  for (size_t i = 0; i < c->count; i++) {
    c->adjoints[i] = wanted(&c->points[i]) ? at : NULL;
    if (c->adjoints[i]) at += dz_size(c->leaves[i]);
  }
  c->direction = at;
  c->moved = c->total ? at + c->total : at;
  for (size_t i = 0; i < c->count; i++) c->rows += dz__check_rows(c, i);
  c->duals = dz__alloc(&c->alloc, c->rows * sizeof *c->duals);
  if (c->rows && !c->duals) return fail(c, DZ_ERR_MEMORY, "out of memory"), false;
  return true;
}

/* The gradient by both sweeps, copied, since the tape is about to be used again and again. */
static bool differentiate(dz__checking *c) {
  dz_var y;
  if (!dz__check_record(c, &y)) return false;
  c->report->value = dz__check_value(y);
  bool number = dz_is_number(y);
  if (!number && dz_backward(y)) return fail_as_tape(c, DZ_ERR_MEMORY, "the sweep failed"), false;
  for (size_t i = 0; i < c->count; i++) {
    if (!c->adjoints[i]) continue;
    if (!dz_valid(c->leaves[i])) return fail_as_tape(c, DZ_ERR_HANDLE, "a leaf is gone"), false;
    const double *g = number ? NULL : dz_adjoints(c->leaves[i]);
    for (size_t k = dz_size(c->leaves[i]); k-- > 0;) c->adjoints[i][k] = g ? g[k] : 0;
  }
  return dz__check_duals(c, y) && dz__check_print(c);
}

/* ---- the function along a line ---- */

/* The k-th of a stream of random 64-bit numbers (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014). */
uint64_t dz__check_bits(uint64_t stream, uint64_t k) {
  uint64_t z = (stream << 48 ^ k) * 0x9e3779b97f4a7c15u + 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

double dz__check_sign(uint64_t stream, uint64_t k) { return dz__check_bits(stream, k) >> 63 ? 1 : -1; }

bool dz__check_move(dz__checking *c, size_t leaf) {
  if (!dz_set(c->leaves[leaf], c->moved, dz_size(c->leaves[leaf]))) return true;
  fail_as_tape(c, DZ_ERR_HANDLE, "a leaf is gone");
  return false;
}

bool dz__check_restore(dz__checking *c, size_t leaf) {
  for (size_t k = dz_size(c->leaves[leaf]); k-- > 0;) c->moved[k] = dz__check_base(c, leaf, k);
  return dz__check_move(c, leaf);
}

/* Along a direction each component is 1 or -1, so that no element is hidden by larger ones. */
bool dz__check_along(void *user, double s, double *value) {
  dz__checking *c = user;
  size_t n = dz_size(c->leaves[c->leaf]);
  dz_var y;
  for (size_t k = 0; k < n; k++) c->moved[k] = dz__check_base(c, c->leaf, k);
  if (c->element < n)
    c->moved[c->element] += s;
  else
    for (size_t k = 0; k < n; k++) c->moved[k] += s * dz__check_sign(c->ray, k);
  if (!dz__check_move(c, c->leaf) || !dz__check_record(c, &y)) return false;
  *value = dz__check_value(y);
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

static void report_row(dz__checking *c, const dz_check_row *row) {
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
  r->forward_agreed += fabs(row->analytic - row->forward) <= row->bound;
  r->forward_wrong += fabs(row->analytic - row->forward) > row->bound;
  ++*counts[row->verdict];
  if (c->options && c->options->row) c->options->row(c->options->user, row);
}

double dz__check_scale(const dz__checking *c, size_t leaf) {
  double most = 0;
  for (size_t k = dz_size(c->leaves[leaf]); k-- > 0;) most = fmax(most, fabs(dz__check_base(c, leaf, k)));
  return most;
}

static bool check_line(dz__checking *c, double at, double analytic, double slack) {
  double scales[3], candidates[] = {fabs(at), 1, dz__check_scale(c, c->leaf)};
  int n = 0;
  for (int i = 0; i < 3; i++)
    if (candidates[i] > 0 && isfinite(candidates[i])) scales[n++] = candidates[i];
  dz__slope s;
  if (!dz__slope_at(dz__check_along, c, at, scales, n, analytic, &s)) return false;
  s.error += slack;
  dz__dual d = c->duals[c->report->checked];
  dz_check_row row = {.leaf = c->leaf,
                      .element = c->element,
                      .analytic = analytic,
                      .numeric = s.value,
                      .error = s.error,
                      .verdict = verdict(analytic, &s),
                      .forward = d.forward,
                      .bound = d.bound + slack};
  report_row(c, &row);
  return true;
}

static bool check_element(dz__checking *c) {
  return check_line(c, dz__check_base(c, c->leaf, c->element), c->adjoints[c->leaf][c->element], 0);
}

/* Along a direction the analytic slope is a sum; its rounding, at most n u times the sum of sizes, is allowed
   for. */
static bool check_direction(dz__checking *c) {
  size_t n = dz_size(c->leaves[c->leaf]);
  double sum = 0, sizes = 0;
  for (size_t k = 0; k < n; k++) {
    double g = c->adjoints[c->leaf][k] * dz__check_sign(c->ray, k);
    sum += g;
    sizes += fabs(g);
  }
  return check_line(c, 0, sum, (double)n * (DBL_EPSILON / 2) * sizes);
}

static size_t most_elements(const dz__checking *c) {
  return c->options && c->options->max_elements ? c->options->max_elements : MOST_ELEMENTS;
}

size_t dz__check_rows(const dz__checking *c, size_t leaf) {
  size_t n = dz_size(c->leaves[leaf]), most = most_elements(c);
  if (!c->adjoints[leaf]) return 0;
  return n <= most ? n : most + DIRECTIONS;
}

size_t dz__check_row(const dz__checking *c, size_t leaf, size_t j, uint64_t *ray) {
  size_t n = dz_size(c->leaves[leaf]), most = most_elements(c);
  *ray = 0;
  if (n <= most) return j;
  if (j >= most) return *ray = j - most, SIZE_MAX;
  /* Below n, which has far fewer than 53 bits. */
  return (size_t)((double)n / (double)most * ((double)j + .5));
}

static bool check_leaf(dz__checking *c, size_t leaf) {
  size_t rows = dz__check_rows(c, leaf);
  c->leaf = leaf;
  for (size_t j = 0; j < rows; j++) {
    c->element = dz__check_row(c, leaf, j, &c->ray);
    if (!(c->element == SIZE_MAX ? check_direction(c) : check_element(c))) return false;
  }
  return rows == 0 || dz__check_restore(c, leaf);
}

/* ---- */

static void run(dz__checking *c) {
  c->tape = dz_tape_new(&c->alloc);
  if (c->count) {
    c->leaves = dz__alloc(&c->alloc, c->count * sizeof *c->leaves);
    c->adjoints = dz__alloc(&c->alloc, c->count * sizeof *c->adjoints);
    c->wanted = dz__alloc(&c->alloc, c->count * sizeof *c->wanted);
  }
  if (!c->tape || (c->count && (!c->leaves || !c->adjoints || !c->wanted))) {
    fail(c, DZ_ERR_MEMORY, "out of memory");
    return;
  }
  if (!plant_leaves(c) || !make_room(c) || !differentiate(c) || c->total == 0) return;
  if (!dz__check_repeat(c) || !dz__check_taylor(c)) return;
  for (size_t i = 0; i < c->count; i++)
    if (c->adjoints[i] && !check_leaf(c, i)) return;
  dz__check_blame(c);
}

dz_status dz_check(dz_model *model, void *user, size_t count, const dz_check_point *points,
                   const dz_check_options *options, const dz_allocator *a, dz_check_report *report,
                   dz_error *error) {
  dz__checking c = {.model = model,
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
  if (count > SIZE_MAX / 2 / sizeof *c.leaves || count > INT_MAX)
    return fail(&c, DZ_ERR_MEMORY, "out of memory");
  run(&c);
  dz__free(&c.alloc, c.room, c.room_size * sizeof *c.room);
  dz__free(&c.alloc, c.leaves, count * sizeof *c.leaves);
  dz__free(&c.alloc, c.adjoints, count * sizeof *c.adjoints);
  dz__free(&c.alloc, c.wanted, count * sizeof *c.wanted);
  dz__free(&c.alloc, c.duals, c.rows * sizeof *c.duals);
  dz__free(&c.alloc, c.prints, c.prints_cap * sizeof *c.prints);
  dz_tape_free(c.tape);
  return c.status;
}
