/* A tape built by a random program of bytes: every operation, shapes that fit and do not, loops of C that
   record one body again and again, marks and rewinds, sweeps and derivative graphs in between, stale handles.
   Memory runs out where the input says; the same program on the same tape then gives the same bits as on a
   new one. What the program leaves is compared with the exact answer: tape, derivative graph, plans without
   loops and with. */
#include "exact.h"

#include "dz/derive.h"
#include "dz/holds.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "tape/tape.h"

enum { SLOTS = 16, MARKS = 4, STEPS = 240, MOST_TIMES = 24, MOST_LEVELS = 2 };

typedef struct machine {
  dz_tape *t;
  dz_var slot[SLOTS];
  unsigned next;
  dz_mark mark[MARKS];
  unsigned marks;
  int steps, leaves;
  bool set; /* a leaf was set after others were recorded: values are of several points */
} machine;

static void put(machine *m, dz_var x) {
  m->slot[m->next++ % SLOTS] = x;
  if (dz_tape_error(m->t)->status != DZ_ERR_MEMORY) dz_tape_forgive(m->t);
}

/* Mostly what was made last. */
static dz_var get(machine *m, input *in) {
  const unsigned b = take_byte(in);
  if (b >= 250) return dz_num(take_number(in));
  return m->slot[(m->next - 1 - b % (b < 128 ? 4 : SLOTS)) % SLOTS];
}

static int take_axis(input *in) {
  const unsigned b = take_byte(in);
  return b % 8 == 7 ? DZ_ALL : (int)(b % 8) - 3;
}

/* In a loop every turn gives other numbers. */
static double leaf_value(machine *m, input *in) {
  const double x = take_number(in);
  return m->leaves++ % 3 ? x : x + .125 * m->leaves;
}

static void make_leaf(machine *m, input *in) {
  const dz_role role = (dz_role)take_below(in, 4);
  put(m, dz_leaf(m->t, role, leaf_value(m, in)));
}

static void make_tensor(machine *m, input *in) {
  const unsigned b = take_byte(in);
  const int rank = (int)(b % 4);
  size_t dims[4] = {0}, size = 1;
  double values[64];
  for (int d = 0; d < rank; d++) size *= dims[d] = take_below(in, 5);
  if (size > 64) return;
  for (size_t i = 0; i < size; i++) values[i] = i < 6 ? leaf_value(m, in) : values[i % 6] * .5;
  put(m, dz_leaf_tensor(m->t, b & 64 ? DZ_ROLE_DATA : DZ_ROLE_INPUT, rank, dims, values));
}

static void make_pointwise(machine *m, input *in) {
  const dz__fn fn = (dz__fn)take_below(in, DZ__F_POINTWISE_END);
  dz_var args[3];
  for (unsigned k = 0; k < dz__ops[fn].arity; k++) args[k] = get(m, in);
  put(m, dz__record(fn, dz__ops[fn].arity, args, 0, NULL));
}

static void make_arithmetic(machine *m, input *in) {
  const unsigned which = take_below(in, 4);
  const dz_var x = get(m, in), y = get(m, in);
  put(m, which == 0 ? dz_add(x, y) : which == 1 ? dz_mul(x, y) : which == 2 ? dz_sub(x, y) : dz_div(x, y));
}

static void make_reduction(machine *m, input *in) {
  static const char *const names[] = {"sum", "prod", "max", "min", "norm", "logsumexp"};
  const unsigned which = take_below(in, 8);
  const dz_var x = get(m, in);
  const int axes[] = {take_axis(in), take_axis(in)};
  if (which == 6)
    put(m, dz_cumsum(x, axes[0]));
  else if (which == 7)
    put(m, dz_cumprod(x, axes[0]));
  else if (axes[0] == DZ_ALL)
    put(m, dz_reduce(names[which], x, -1, NULL, false));
  else
    put(m, dz_reduce(names[which], x, axes[1] == DZ_ALL ? 1 : 2, axes, take_byte(in) % 2));
}

static void make_shape(machine *m, input *in) {
  const unsigned which = take_below(in, 4);
  const dz_var x = get(m, in);
  const unsigned b = take_byte(in);
  size_t dims[4];
  int axes[4];
  for (unsigned k = 0; k < b % 5 && k < 4; k++) {
    const unsigned c = take_byte(in);
    dims[k] = c % 8 == 7 ? SIZE_MAX : c % 8;
    axes[k] = (int)(c % 6) - 2;
  }
  const int n = b % 5 > 4 ? 4 : (int)(b % 5);
  put(m, which == 0   ? dz_reshape(x, n, dims)
         : which == 1 ? dz_broadcast_to(x, n, dims)
         : which == 2 ? dz_permute(x, n, axes)
                      : dz_transpose(x));
}

static void make_part(machine *m, input *in) {
  const unsigned which = take_below(in, 5);
  const dz_var x = get(m, in), xs[] = {x, get(m, in), get(m, in)};
  const int axis = take_axis(in), n = (int)take_below(in, 4);
  const int64_t from = (int64_t)take_byte(in) - 128, to = (int64_t)take_byte(in) - 128;
  put(m, which == 0   ? dz_slice(x, axis, from / 16, to, n - 1)
         : which == 1 ? dz_at(x, axis, from / 16)
         : which == 2 ? dz_gather(x, xs[1], axis)
         : which == 3 ? dz_concat(n, xs, axis)
                      : dz_stack(n, xs, axis));
}

static void make_product(machine *m, input *in) {
  const unsigned which = take_below(in, 4);
  const dz_var x = get(m, in), y = get(m, in);
  put(m, which == 0 ? dz_solve(x, y) : which == 1 ? dz_dot(x, y) : dz_matmul(x, y));
}

static void go_back(machine *m, input *in) {
  const unsigned b = take_byte(in);
  if (b % 2) {
    m->mark[m->marks++ % MARKS] = dz_tape_mark(m->t);
  } else if (m->marks > 0) {
    const dz_status status = dz_tape_rewind(m->t, m->mark[b / 2 % (m->marks < MARKS ? m->marks : MARKS)]);
    ck_assert(status == DZ_OK || status == DZ_ERR_HANDLE);
  }
}

static void sweep(machine *m, input *in) {
  const unsigned which = take_below(in, 5);
  const dz_var y = get(m, in), x = get(m, in);
  const double direction[64] = {1, -.5, .25};
  double out[64];
  if (which == 0) dz_backward(y);
  if (which == 1) dz_backward_with(y, x);
  if (which == 2) dz_backward_add(y, x);
  if (which == 3 && dz_size(y) <= 64 && dz_size(x) <= 64) dz_tangent(y, 1, &x, direction, out);
  if (which == 4 && dz_backward(y) == DZ_OK) dz_diagnose(y);
  (void)dz_adjoint(x);
  put(m, y);
}

static void derive(machine *m, input *in) {
  const dz_var y = get(m, in), xs[] = {get(m, in), get(m, in)};
  dz_var g[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
  if (dz_tape_size(m->t) > 120) return;
  dz_grad(y, 2, xs, g);
  put(m, g[0]);
  put(m, g[1]);
}

static void change(machine *m, input *in) {
  const unsigned which = take_below(in, 3);
  const dz_var x = get(m, in);
  const double value = take_number(in);
  char name[3] = {(char)take_byte(in), (char)take_byte(in), 0};
  if (which == 0) m->set |= dz_set(x, &value, 1) == DZ_OK;
  if (which == 1) dz_set_name(x, name);
  if (which == 2) (void)dz_holds(x);
  put(m, x);
}

typedef void step(machine *m, input *in);

static void run(machine *m, input *in, int level);

/* The next bytes again and again, as a loop of C records its body. */
static void loop(machine *m, input *in, int level) {
  const unsigned times = take_below(in, MOST_TIMES);
  size_t length = take_byte(in);
  if (length > in->left) length = in->left;
  for (unsigned k = 0; k < times && level < MOST_LEVELS; k++) {
    input body = {in->at, length};
    run(m, &body, level + 1);
  }
  in->at += length;
  in->left -= length;
}

static void run(machine *m, input *in, int level) {
  static step *const steps[] = {make_leaf,      make_leaf,      make_tensor,     make_pointwise,
                                make_pointwise, make_pointwise, make_arithmetic, make_arithmetic,
                                make_reduction, make_shape,     make_part,       make_product,
                                go_back,        sweep,          derive,          change};
  while (in->left > 0 && m->steps++ < STEPS) {
    const unsigned b = take_below(in, 18);
    if (b < 16)
      steps[b](m, in);
    else
      loop(m, in, level);
    if (dz_tape_error(m->t)->status == DZ_ERR_MEMORY) return;
  }
}

static machine built(dz_tape *t, input in) {
  machine m = {.t = t};
  run(&m, &in, 0);
  return m;
}

static void expect_same(const machine *x, const machine *y) {
  for (int k = 0; k < SLOTS; k++) {
    ck_assert(dz_valid(x->slot[k]) == dz_valid(y->slot[k]));
    if (!dz_valid(x->slot[k])) continue;
    ck_assert(dz_size(x->slot[k]) == dz_size(y->slot[k]));
    for (size_t i = 0; !dz_is_number(x->slot[k]) && i < dz_size(x->slot[k]); i++)
      ck_assert(same_number(dz_values(x->slot[k])[i], dz_values(y->slot[k])[i]));
  }
}

/* The program while memory runs out, and again on the same tape when it does not. */
static void starve(failing *f, input in, const machine *clean, bool enough) {
  const dz_allocator a = failing_allocator(f);
  dz_tape *t = dz_tape_new(&a);
  if (!t) return;
  const dz_mark start = dz_tape_mark(t);
  built(t, in);
  if (dz_tape_error(t)->status == DZ_ERR_MEMORY) ck_assert(f->failed > 0);
  f->at = f->only = 0;
  const size_t failed = f->failed;
  dz_tape_forgive(t);
  if (dz_tape_rewind(t, start) != DZ_OK) ck_abort_msg("no way back");
  const machine again = built(t, in);
  if (enough && f->failed == failed) expect_same(clean, &again);
  dz_tape_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  failing f = take_failing(&in), plenty = {.most = f.most};
  const dz_allocator a = failing_allocator(&plenty);
  const bool plans = take_byte(&in) % 2;
  dz_tape *t = dz_tape_new(&a);
  const machine m = built(t, in);
  const bool enough = plenty.failed == 0;
  starve(&f, in, &m, enough);
  if (enough && !m.set && dz_tape_error(t)->status == DZ_OK)
    expect_exact(t, m.slot[(m.next - 1) % SLOTS], plans, data, size < 16 ? size : 16);
  dz_tape_free(t);
  ck_assert(f.blocks == 0 && plenty.blocks == 0);
  return 0;
}
