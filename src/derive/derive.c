/* Derivatives as graphs: the reverse sweep, writing nodes. */
#include "dz/derive.h"

#include "derive/rule.h"
#include "lang/machine.h"
#include "tape/tensor.h"

#include <string.h>

#undef dz_grad_with

/* Nodes low..top. adjoint[i - low] is node i's, its g {0} while nothing has arrived; needed says that node i
   depends on one of xs, and careful that on the way there is a partial that a structural zero must not meet.
 */
enum { NEEDED = 1, CAREFUL = 2 };
typedef struct job {
  dz_tape *t;
  uint32_t low, top;
  dz__flow *adjoint;
  uint8_t *flags;
  dz_var *in; /* room for the operands of one node */
  size_t in_cap;
} job;

static dz__flow *adjoint_of(const job *j, dz_var x) { return &j->adjoint[dz__index(x) - j->low]; }

/* Of an operand of a node up to the top. */
static uint8_t flags(const job *j, dz_var x) {
  if (dz_is_number(x) || !dz_is_active(x)) return 0;
  uint32_t i = dz__index(x);
  return i >= j->low ? j->flags[i - j->low] : 0;
}

/* The operands of node z into j->in: their number, or -1 when memory is out. */
static int read_operands(job *j, dz_var z) {
  int n = dz_describe(z).nargs;
  void *in = j->in;
  if (!dz__grow(&dz__of(j->t)->alloc, &in, &j->in_cap, (size_t)n + 1, sizeof *j->in)) return -1;
  j->in = in;
  for (int k = 0; k < n; k++) j->in[k] = dz_operand(z, k);
  return n;
}

static bool mark(job *j, int count, const dz_var *xs) {
  for (int k = 0; k < count; k++)
    if (dz__index(xs[k]) <= j->top) j->flags[dz__index(xs[k]) - j->low] = NEEDED;
  for (uint32_t i = j->low; i <= j->top; i++) {
    dz_var z = dz__handle(j->t, i);
    if (!dz_is_active(z)) continue;
    int n = read_operands(j, z);
    if (n < 0) return false;
    for (int k = 0; k < n; k++) {
      uint8_t below = flags(j, j->in[k]);
      if (below && dz__rule_varies(dz__fn_of(z), k, j->in)) below |= CAREFUL;
      j->flags[i - j->low] |= below;
    }
  }
  return true;
}

static dz__flow user_contribution(const job *j, dz_var z, int k, dz__flow f, bool careful) {
  const int64_t *attr;
  dz_attributes(z, &attr);
  const dz__userop *u = dz__user_of(dz__of(j->t), DZ__F_user, attr);
  const dz__user_rule *rule = u->own;
  return dz__flow_through(rule->partial(u, k, j->in, z), rule->mask[k], f, careful);
}

/* What flows to operand k. */
static dz__flow contribution(job *j, dz__fn fn, dz_var z, int n, int k, dz__flow f) {
  bool careful = flags(j, j->in[k]) & CAREFUL;
  if (fn >= DZ__F_POINTWISE_END && fn != DZ__F_user) return dz__rule_tensor(fn, k, j->in, z, f, careful);
  bool both = n >= 2 && dz_is_active(j->in[0]) && dz_is_active(j->in[1]);
  dz__flow c = fn == DZ__F_user ? user_contribution(j, z, k, f, careful)
                                : dz__rule_pointwise(j->t, fn, k, j->in, z, both ? .5 : 0, f, careful);
  if (!c.g.tape) return c;
  if (!careful) c.reach = (dz_var){0};
  if (c.reach.tape) c.reach = dz__sum_to(dz__spread_to(c.reach, z), j->in[k]);
  return (dz__flow){dz__sum_to(c.g, j->in[k]), c.reach};
}

/* The later use comes first: so a sum is in the order in which the uses are written. */
static void arrive(job *j, dz_var x, dz__flow c) {
  dz__flow *sum = adjoint_of(j, x);
  if (!c.g.tape) return;
  if (!sum->g.tape) {
    *sum = c;
    return;
  }
  sum->g = dz__record(DZ__F_add, 2, (dz_var[]){c.g, sum->g}, 0, NULL);
  if (c.reach.tape && sum->reach.tape)
    sum->reach = dz__record(DZ__F_or, 2, (dz_var[]){c.reach, sum->reach}, 0, NULL);
  else
    sum->reach = (dz_var){0};
}

/* False when the tape failed, which knows why. The operands were read before: there is room for them. */
static bool pull(job *j, uint32_t i) {
  dz_var z = dz__handle(j->t, i);
  dz__flow f = j->adjoint[i - j->low];
  if (!f.g.tape || !j->flags[i - j->low]) return true;
  int n = read_operands(j, z);
  dz__place at = dz__place_of(j->t, i);
  dz_tape_at(j->t, at.line, at.column);
  for (int k = 0; k < n; k++) {
    if (!flags(j, j->in[k])) continue;
    z = dz__handle(j->t, i);
    arrive(j, j->in[k], contribution(j, dz__fn_of(z), z, n, k, f));
    if (dz_tape_error(j->t)->status) return false;
  }
  return true;
}

/* A node of x's shape, also where the adjoint is a plain number or nothing arrived. */
static dz_var as_gradient(const job *j, dz_var x) {
  bool covered = dz__index(x) <= j->top;
  dz_var g = covered ? adjoint_of(j, x)->g : (dz_var){0};
  if (!g.tape) g = dz_num(0);
  if (dz_is_number(g)) g = dz_const(j->t, dz__number(g));
  dz__array a = dz__array_of(x);
  int64_t dims[DZ__MAX_RANK];
  for (int k = 0; k < a.rank; k++) dims[k] = (int64_t)a.dims[k];
  return dz_rank(g) == a.rank ? g : dz__shaped(DZ__F_broadcast_to, g, a.rank, dims);
}

static dz_status run(job *j, dz_var y, dz_var seed, int count, const dz_var *xs, dz_var *gradients) {
  if (!mark(j, count, xs)) return DZ_ERR_MEMORY;
  *adjoint_of(j, y) = (dz__flow){seed, {0}};
  for (uint32_t i = j->top + 1; i-- > j->low;)
    if (!pull(j, i)) return dz_tape_error(j->t)->status;
  for (int k = 0; k < count; k++) {
    gradients[k] = as_gradient(j, xs[k]);
    if (!dz_valid(gradients[k])) return dz_tape_error(j->t)->status;
  }
  return DZ_OK;
}

static dz_status check(dz_var y, dz_var seed, int count, const dz_var *xs, dz_var *gradients) {
  if (count < 0 || (count > 0 && (!xs || !gradients))) return DZ_ERR_ARGUMENT;
  for (int k = 0; k < count; k++) gradients[k] = (dz_var){.tape = y.tape, .id = DZ__NONE};
  if (dz_is_number(y) || !y.tape) return DZ_ERR_HANDLE;
  if (dz_tape_error(y.tape)->status) return dz_tape_error(y.tape)->status;
  bool live = dz__check_handle(y.tape, y, "derive") && dz__check_handle(y.tape, seed, "derive");
  for (int k = 0; live && k < count; k++) {
    live = dz__check_handle(y.tape, xs[k], "derive");
    if (live && dz_is_number(xs[k]))
      return dz__poison(y.tape, DZ_ERR_HANDLE, "derive", "a plain number has no derivative by it"),
             DZ_ERR_HANDLE;
  }
  if (!live) return DZ_ERR_HANDLE;
  if (dz_is_number(seed) ? dz_size(y) == 1 : dz_rank(seed) == dz_rank(y) && dz_size(seed) == dz_size(y))
    return DZ_OK;
  dz__poison(y.tape, DZ_ERR_SHAPE, "derive",
             "the result has %zu elements: sum it, or give a seed of its shape", dz_size(y));
  return DZ_ERR_SHAPE;
}

dz_status dz_grad_with(dz_var y, dz_var seed, int count, const dz_var *xs, dz_var *gradients) {
  dz_status status = check(y, seed, count, xs, gradients);
  if (status) return status;
  dz__tape *s = dz__of(y.tape);
  job j = {.t = y.tape, .top = dz__index(y), .low = dz__index(y)};
  for (int k = 0; k < count; k++)
    if (dz__index(xs[k]) < j.low) j.low = dz__index(xs[k]);
  size_t nodes = (size_t)(j.top - j.low) + 1;
  j.adjoint = dz__alloc(&s->alloc, nodes * sizeof *j.adjoint);
  j.flags = dz__alloc(&s->alloc, nodes);
  int line = s->line, column = s->column;
  status = DZ_ERR_MEMORY;
  if (j.adjoint && j.flags) {
    memset(j.adjoint, 0, nodes * sizeof *j.adjoint);
    memset(j.flags, 0, nodes);
    status = run(&j, y, seed, count, xs, gradients);
  }
  dz_tape_at(y.tape, line, column);
  dz__free(&s->alloc, j.adjoint, nodes * sizeof *j.adjoint);
  dz__free(&s->alloc, j.flags, nodes);
  dz__free(&s->alloc, j.in, j.in_cap * sizeof *j.in);
  if (status == DZ_ERR_MEMORY) dz__poison(y.tape, status, "derive", "out of memory");
  for (int k = 0; status && k < count; k++) gradients[k] = (dz_var){.tape = y.tape, .id = DZ__NONE};
  return status;
}

dz_status dz_grad(dz_var y, int count, const dz_var *xs, dz_var *gradients) {
  return dz_grad_with(y, dz_num(1), count, xs, gradients);
}

dz_var dz__derivative(dz_var f, dz_var x) {
  dz_var g;
  return dz_grad(f, 1, &x, &g) == DZ_OK ? g : (dz_var){.tape = f.tape, .id = DZ__NONE};
}

dz_var dz_derivative(dz_var y, dz_var x) { return dz__derivative(y, x); }
