/* dz_fixed_point and dz_root: the solution outside the tape, then Newton steps with a held Jacobian on it. */
#include "dz/implicit.h"

#include "dz/jacobian.h"
#include "dz/text.h"
#include "kernels/lu.h"
#include "tape/tensor.h"

#include <math.h>
#include <string.h>

#undef dz_fixed_point
#undef dz_root

enum {
  LAST = 3,     /* Newton steps behind a fixed point's iteration, at most */
  HALVINGS = 30 /* of one Newton step, at most */
};

typedef struct job {
  dz_tape *t;
  const char *op;
  dz_equation *equation;
  void *user;
  bool fixed; /* x = F(x), so G(x) = x - F(x) */
  dz_implicit_options o;
  int rank;
  size_t dims[DZ_MAX_RANK], n;
  dz_mark mark;          /* before anything is recorded */
  double *room, *x, *r;  /* the solution as far as it is known; G or F there, then the change */
  double *step;          /* of Newton */
  double *jacobian, *lu; /* of G */
  double change, scale;  /* the largest elements of the last change and of x */
} job;

static bool fail(const job *j, dz_status status, const char *message) {
  dz__poison(j->t, status, j->op, "%s: %s", j->op, message);
  return false;
}

static bool go_back(const job *j) {
  dz_status status = dz_tape_rewind(j->t, j->mark);
  if (status) fail(j, status, dz_status_text(status));
  return status == DZ_OK;
}

static dz_var leaf(const job *j, dz_role role) {
  return j->rank ? dz_leaf_tensor(j->t, role, j->rank, j->dims, j->x) : dz_leaf(j->t, role, *j->x);
}

/* ---- the equation at some x ---- */

static bool fits(const job *j, dz_var y) {
  if (dz_rank(y) != j->rank) return false;
  for (int k = 0; k < j->rank; k++)
    if (dz_extent(y, k) != j->dims[k]) return false;
  return true;
}

/* What the equation gives for x, as a node. */
static bool call(const job *j, dz_var x, dz_var *y) {
  if (!dz_valid(x)) return false;
  *y = j->equation(j->t, x, j->user);
  if (dz_tape_error(j->t)->status) return false;
  if (!dz_valid(*y) || (!dz_is_number(*y) && y->tape != j->t))
    return fail(j, DZ_ERR_HANDLE, "the equation gave no live handle of its tape");
  if (!fits(j, *y)) return fail(j, DZ_ERR_SHAPE, "the equation's result has another shape than x");
  *y = dz__as_node(j->t, *y);
  return dz_valid(*y);
}

/* The same from the tape's mark on, with its values in r. */
static bool evaluate(job *j, dz_role role, dz_var *x, dz_var *y) {
  if (!go_back(j)) return false;
  *x = leaf(j, role);
  if (!call(j, *x, y)) return false;
  dz__read_values(*y, j->r);
  return true;
}

/* G's Jacobian at x, and its factors; r is G there. */
static bool linearize(job *j) {
  dz_var x, y;
  size_t n = j->n;
  if (!evaluate(j, DZ_ROLE_INPUT, &x, &y)) return false;
  if (n == 0) return true;
  if (dz_jacobian(y, x, j->jacobian)) return false;
  for (size_t i = 0; j->fixed && i < n; i++) {
    for (size_t k = 0; k < n; k++) j->jacobian[i * n + k] = (i == k) - j->jacobian[i * n + k];
    j->r[i] = j->x[i] - j->r[i];
  }
  if (!isfinite(dz__largest(j->jacobian, n * n)))
    return fail(j, DZ_ERR_ARGUMENT, "the Jacobian is not finite");
  dz__lu_factor(j->jacobian, j->lu, n);
  if (dz__lu_singular(j->lu, n))
    return fail(j, DZ_ERR_ARGUMENT, "the Jacobian is singular, so x has no slope");
  return true;
}

/* ---- finding the solution ---- */

static bool near(const job *j, double scale) { return j->change <= j->o.tolerance * scale; }

/* x becomes x - r. */
static void move(job *j) {
  for (size_t i = 0; i < j->n; i++) j->x[i] -= j->r[i];
  j->change = dz__largest(j->r, j->n);
  j->scale = dz__largest(j->x, j->n);
}

/* How large G is at x. */
static bool residual(job *j, double *most) {
  dz_var x, y;
  if (!evaluate(j, DZ_ROLE_CONST, &x, &y)) return false;
  for (size_t i = 0; j->fixed && i < j->n; i++) j->r[i] = j->x[i] - j->r[i];
  *most = dz__largest(j->r, j->n);
  return true;
}

/* A Newton step, or half of it and so on while G does not get smaller: far from the solution a whole one may
   lead anywhere. What had to be shortened is no convergence. */
static bool newton(job *j) {
  dz__system s = {j->jacobian, j->lu, j->n, false};
  double *d = j->step, before, now;
  if (!linearize(j)) return false;
  before = dz__largest(j->r, j->n);
  if (j->n) memcpy(d, j->r, j->n * sizeof *d);
  dz__lu_solve(&s, d, 1);
  for (size_t i = 0; i < j->n; i++) j->x[i] -= d[i];
  j->change = dz__largest(d, j->n);
  j->scale = dz__largest(j->x, j->n);
  for (int k = 0; k < HALVINGS && !near(j, j->scale); k++) {
    if (!residual(j, &now)) return false;
    if (now < before) break;
    for (size_t i = 0; i < j->n; i++) j->x[i] += d[i] *= .5;
  }
  return true;
}

static bool iterate(job *j) {
  dz_var x, y;
  if (!evaluate(j, DZ_ROLE_CONST, &x, &y)) return false;
  for (size_t i = 0; i < j->n; i++) j->r[i] = j->x[i] - j->r[i];
  move(j);
  return true;
}

static bool lost(const job *j, int turns) {
  char number[32];
  dz_number_write(j->change, 3, number);
  dz__poison(j->t, DZ_ERR_LIMIT, j->op, "%s: no convergence in %d iterations: x still changes by %s", j->op,
             turns, number);
  return false;
}

/* An iteration that creeps up on 0 is measured by where it came from. It may stop some way before the
   solution, and leaves the rest to Newton. */
static bool find(job *j) {
  double scale = dz__largest(j->x, j->n);
  bool done = j->o.solved;
  for (int turn = 0; !done; turn++) {
    if (turn == j->o.limit) return lost(j, turn);
    if (!(j->fixed ? iterate(j) : newton(j))) return false;
    if (!isfinite(j->change)) return fail(j, DZ_ERR_LIMIT, "no convergence: x is not finite any more");
    scale = j->fixed && scale > j->scale ? scale : j->scale;
    done = near(j, scale);
  }
  done = j->o.solved || !j->fixed;
  for (int turn = 0; !done && turn < LAST; turn++) {
    if (!newton(j)) return false;
    done = near(j, j->scale);
  }
  return true;
}

/* ---- recording ---- */

/* x - J^-1 G(x) */
static bool step(const job *j, dz_var jacobian, dz_var lu, dz_var *x) {
  dz_var r, f;
  int64_t n = (int64_t)j->n, dims[DZ_MAX_RANK], plain = 0;
  if (!call(j, *x, &f)) return false;
  r = j->fixed ? dz__record(DZ__F_sub, 2, (dz_var[]){*x, f}, 0, NULL) : f;
  for (int k = 0; k < j->rank; k++) dims[k] = (int64_t)j->dims[k];
  if (j->rank == 0) {
    r = dz__record(DZ__F_div, 2, (dz_var[]){r, jacobian}, 0, NULL);
  } else {
    if (j->rank > 1) r = dz__shaped(DZ__F_reshape, r, 1, &n);
    r = dz__record(DZ__F_solve, 3, (dz_var[]){jacobian, r, lu}, 1, &plain);
    if (j->rank > 1) r = dz__shaped(DZ__F_reshape, r, j->rank, dims);
  }
  *x = dz__record(DZ__F_sub, 2, (dz_var[]){*x, r}, 0, NULL);
  return dz_valid(*x);
}

static bool record(const job *j, dz_var *x) {
  dz_var jacobian, lu = {0};
  if (!go_back(j)) return false;
  *x = leaf(j, DZ_ROLE_CONST);
  if (j->rank == 0) {
    jacobian = dz_num(*j->jacobian);
  } else {
    jacobian = dz_leaf_tensor(j->t, DZ_ROLE_CONST, 2, (size_t[]){j->n, j->n}, j->jacobian);
    lu = dz__record(DZ__F_lu, 1, &jacobian, 0, NULL);
  }
  for (int k = 0; k < j->o.order; k++)
    if (!step(j, jacobian, lu, x)) return false;
  return true;
}

/* ---- */

/* 0 when they are more than can be. */
static size_t numbers(const job *j) { return j->n * (2 * j->n + 4) * (j->n <= (size_t)1 << 28); }

static bool take_start(job *j, dz_var start) {
  if (!dz_is_number(start) && !dz__check_handle(j->t, start, j->op)) return false;
  j->rank = dz_rank(start);
  j->n = dz_is_number(start) ? 1 : dz_size(start);
  for (int k = 0; k < j->rank; k++) j->dims[k] = dz_extent(start, k);
  j->room = dz__alloc(&dz__of(j->t)->alloc, numbers(j) * sizeof *j->room);
  if (!j->n) return true;
  if (!j->room) return fail(j, DZ_ERR_MEMORY, "out of memory");
  j->x = j->room;
  j->r = j->x + j->n;
  j->step = j->r + j->n;
  j->jacobian = j->step + j->n;
  j->lu = j->jacobian + j->n * j->n;
  dz__read_values(start, j->x);
  return true;
}

static dz_var implicit(job *j, dz_var start, const dz_implicit_options *options) {
  dz_var x = {.tape = j->t, .id = DZ__NONE};
  if (!j->t || dz_tape_error(j->t)->status) return x;
  if (options) j->o = *options;
  if (j->o.limit == 0) j->o.limit = j->fixed ? 1000 : 50;
  if (j->o.tolerance == 0) j->o.tolerance = dz_tape_is_single(j->t) ? 0x1p-18 : 0x1p-40;
  if (j->o.order == 0) j->o.order = 1;
  if (!j->equation || j->o.limit < 0 || j->o.order < 0 || !(j->o.tolerance >= 0)) {
    fail(j, DZ_ERR_ARGUMENT, "an equation, and options that are not negative, are needed");
    return x;
  }
  j->mark = dz_tape_mark(j->t);
  bool done = take_start(j, start) && find(j) && linearize(j) && record(j, &x);
  dz__free(&dz__of(j->t)->alloc, j->room, numbers(j) * sizeof *j->room);
  if (done) return x;
  dz_tape_rewind(j->t, j->mark);
  return (dz_var){.tape = j->t, .id = DZ__NONE};
}

dz_var dz_fixed_point(dz_tape *t, dz_equation *f, void *user, dz_var start,
                      const dz_implicit_options *options) {
  job j = {.t = t, .op = "fixed_point", .equation = f, .user = user, .fixed = true};
  return implicit(&j, start, options);
}

dz_var dz_root(dz_tape *t, dz_equation *g, void *user, dz_var start, const dz_implicit_options *options) {
  job j = {.t = t, .op = "root", .equation = g, .user = user};
  return implicit(&j, start, options);
}
