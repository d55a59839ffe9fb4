/* Sweeps, and what is asked of them, while each allocation in turn fails: DZ_ERR_MEMORY, nothing lost of what
   was there before, and right numbers once there is memory. What is right is worked out by hand, in numbers
   that floats hold as well (starved_floats.c). */
#include "dz/holds.h"
#include "dz/jacobian.h"
#include "dz/sweep.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "on_tape.h"
#include "tape/use.h"

#include <math.h>

enum { MOST = 4 };

/* One allocation alone that fails may be made good: an arena then asks for less. */
static bool as_it_should(dz_status s, const failing *f) {
  return s == DZ_ERR_MEMORY ? f->failed > 0 : s == DZ_OK && (f->failed == 0 || f->only);
}

/* A graph: its leaves' values are fixed, and so are the gradient and what flows through one use. */
typedef struct graph {
  dz_var x, y; /* the leaf, the output */
  dz_var use;  /* an operation on x, of which the share in the gradient is known */
  dz_var part; /* a scalar on the way */
} graph;

/* 0 * inf from a branch that is not taken: the careful sweep must come. */
static graph branch(dz_tape *t) {
  const dz_var x = dz_input(t, 0), root = dz_sqrt(x), three = dz_mul(x, 3);
  return (graph){x, dz_where(1, three, root), root, three};
}
static graph lanes(dz_tape *t) {
  const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(3), V(0, 4, 16)), roots = dz_sqrt(v);
  const dz_var sum = dz_sum(dz_where(dz_gt(v, 1), roots, 0), DZ_ALL, false), y = dz_mul(sum, 2);
  return (graph){v, y, roots, sum};
}
/* Through a tensor operation: the row with an infinity is not taken. */
static graph rows(dz_tape *t) {
  const dz_var A = dz_leaf_tensor(t, DZ_ROLE_DATA, DIMS(2, 2), V(2, 3, INFINITY, 1));
  const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), V(1, 1)), z = dz_matmul(A, v);
  const dz_var c = dz_leaf_tensor(t, DZ_ROLE_DATA, DIMS(2), V(1, 0));
  const dz_var y = dz_sum(dz_where(c, z, 0), DZ_ALL, false);
  return (graph){v, y, z, y};
}
/* Only an adjoint on the way is doubtful: floor passes nothing on to the leaf. */
static graph masked(dz_tape *t) {
  const dz_var x = dz_input(t, .5), f = dz_floor(x), root = dz_sqrt(f);
  return (graph){x, dz_where(1, dz_mul(x, 3), root), root, f};
}
/* An output that is a tensor keeps all adjoints at once. */
static graph lane(dz_tape *t) {
  const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(1), V(0)), root = dz_sqrt(v);
  return (graph){v, dz_where(dz_gt(v, 1), root, dz_mul(v, 4)), root, dz_node_at(t, 0)};
}
/* Work space for the reverse kernel. */
static graph product(dz_tape *t) {
  const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(3), V(2, 3, 4)), p = dz_prod(v, DZ_ALL, false);
  return (graph){v, dz_mul(p, 5), p, p};
}

static const struct {
  const char *name;
  graph (*make)(dz_tape *t);
  double gradient[MOST], share[MOST], part; /* part: the adjoint of graph.part */
  size_t notes;
} graphs[] = {{"branch", branch, {3}, {0}, 1, 0},   {"lanes", lanes, {0, .5, .25}, {0, .5, .25}, 2, 0},
              {"rows", rows, {2, 3}, {2, 3}, 1, 0}, {"masked", masked, {3}, {0}, 0, 0},
              {"lane", lane, {4}, {0}, 4, 0},       {"product", product, {60, 40, 30}, {60, 40, 30}, 5, 0}};

/* What is asked; the values come to out. */
static dz_status ask_sweep(const graph *g, double *out) {
  const dz_status s = dz_backward(g->y);
  const double *x = s ? NULL : dz_adjoints(g->x);
  if (x) memcpy(out, x, dz_size(g->x) * sizeof *out);
  return x ? DZ_OK : DZ_ERR_MEMORY;
}
static dz_status ask_part(const graph *g, double *out) {
  *out = dz_adjoint(g->part);
  if (isnan(*out)) return DZ_ERR_MEMORY;
  ck_assert_int_eq(dz_adjoint_state_of(g->part), DZ_ADJOINT_READY);
  return DZ_OK;
}
static dz_status ask_state(const graph *g, double *out) {
  if (dz_adjoint_state_of(g->part) != DZ_ADJOINT_READY) return DZ_ERR_MEMORY;
  *out = dz_adjoint(g->part);
  return DZ_OK;
}
static dz_status ask_use(const graph *g, double *out) {
  return dz__use_adjoint(g->use, dz_describe(g->use).nargs - 1, out) ? DZ_OK : DZ_ERR_MEMORY;
}
static dz_status ask_diagnose(const graph *g, double *out) {
  const size_t before = dz_note_count(g->y.tape);
  const dz_status s = dz_diagnose(g->y);
  *out = (double)(dz_note_count(g->y.tape) - before);
  if (s) ck_assert(*out == 0);
  return s;
}
/* Along the unit vectors: the gradient again. */
static dz_status ask_tangent(const graph *g, double *out) {
  const size_t n = dz_size(g->x);
  dz_status s = DZ_OK;
  for (size_t k = 0; k < n && !s; k++) {
    double v[MOST] = {0};
    v[k] = 1;
    s = dz_tangent(g->y, 1, &g->x, v, &out[k]);
  }
  return s;
}

static const struct {
  const char *name;
  dz_status (*ask)(const graph *g, double *out);
  bool swept; /* a sweep comes first */
} asks[] = {{"sweep", ask_sweep, false},      {"part", ask_part, true},        {"use", ask_use, true},
            {"diagnose", ask_diagnose, true}, {"tangent", ask_tangent, false}, {"state", ask_state, true}};

static void expect_right(int of, int what, const double *out, size_t n) {
  const double notes = (double)graphs[of].notes;
  const bool part = asks[what].ask == ask_part || asks[what].ask == ask_state;
  const double *right = part ? &graphs[of].part : what == 2 ? graphs[of].share : graphs[of].gradient;
  if (what == 3) right = &notes;
  for (size_t k = 0; k < (part || what == 3 ? 1 : n); k++)
    if (out[k] != right[k])
      ck_abort_msg("%s of %s: [%zu] is %g, not %g", asks[what].name, graphs[of].name, k, out[k], right[k]);
}

START_TEST(each_allocation_of_a_sweep) {
  const int of = _i / (int)COUNT(asks), what = _i % (int)COUNT(asks);
  bool done = false;
  for (size_t k = 1; !done; k++)
    for (int onwards = 0; onwards < 2; onwards++) {
      failing f = {0};
      const dz_allocator a = failing_allocator(&f);
      dz_tape *t = NEW_TAPE(&a);
      const graph g = graphs[of].make(t);
      double out[MOST] = {0};
      ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
      if (asks[what].swept) ck_assert_int_eq(dz_backward(g.y), DZ_OK);
      f.calls = 0;
      *(onwards ? &f.at : &f.only) = k;
      dz_status s = asks[what].ask(&g, out);
      ck_assert_msg(as_it_should(s, &f), "%s of %s, %zu: status %d", asks[what].name, graphs[of].name, k, s);
      done = f.failed == 0;
      f.at = f.only = 0;
      dz_tape_forgive(t);
      if (s) s = asks[what].ask(&g, out);
      ck_assert_int_eq(s, DZ_OK);
      expect_right(of, what, out, dz_size(g.x));
      dz_tape_free(t);
      ck_assert(f.blocks == 0 && f.bytes == 0);
    }
}
END_TEST

/* ---- accumulation ---- */

static void expect_times(int of, const graph *g, double times) {
  for (size_t k = 0; k < dz_size(g->x); k++)
    ck_assert_double_eq(dz_adjoints(g->x)[k], times * graphs[of].gradient[k]);
}

/* After a failure the leaves have what they had. */
START_TEST(each_allocation_of_an_accumulation) {
  bool done = false;
  for (size_t k = 1; !done; k++)
    for (int onwards = 0; onwards < 2; onwards++) {
      failing f = {0};
      const dz_allocator a = failing_allocator(&f);
      dz_tape *t = NEW_TAPE(&a);
      const dz_var s = dz_input(t, 7), plain = dz_mul(s, 2);
      const graph g = graphs[_i].make(t);
      /* From a sweep of an output that needs neither tensors nor care. */
      ck_assert_int_eq(dz_backward(plain), DZ_OK);
      const bool earlier = k % 2;
      if (earlier) ck_assert_int_eq(dz_backward(dz_add(g.y, plain)), DZ_OK);
      f.calls = 0;
      *(onwards ? &f.at : &f.only) = (k + 1) / 2;
      const dz_status status = dz_backward_add(g.y, 2);
      ck_assert(as_it_should(status, &f));
      done = !earlier && !f.failed;
      ck_assert_double_eq(dz_adjoint(s), 2);
      f.at = f.only = 0;
      if (status) {
        if (earlier) expect_times(_i, &g, 1);
        if (!earlier) ck_assert_int_eq(dz_adjoint_state_of(g.x), DZ_ADJOINT_NOT_COMPUTED);
        dz_tape_forgive(t);
        ck_assert_int_eq(dz_backward_add(g.y, 2), DZ_OK);
      }
      expect_times(_i, &g, earlier ? 3 : 2);
      ck_assert_double_eq(dz_adjoint(s), 2);
      dz_tape_free(t);
      ck_assert_uint_eq(f.blocks, 0);
    }
}
END_TEST

/* Blocks of an arena are so large that only large tensors take several of them. */
enum { LARGE = 5000 };

START_TEST(large_adjoints_are_held) {
  bool done = false;
  for (size_t k = 1; !done; k++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = NEW_TAPE(&a);
    const dz_var u = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(LARGE), NULL), s = dz_input(t, 1);
    const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(LARGE), NULL);
    const dz_var y = dz_add(dz_sum(u, DZ_ALL, false), dz_add(s, dz_sum(v, DZ_ALL, false)));
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    const dz_var z = dz_sum(dz_mul(dz_add(u, v), 2), DZ_ALL, false);
    f.calls = 0, f.at = k;
    const dz_status status = dz_backward_add(z, 1);
    ck_assert_int_eq(status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
    done = !f.failed;
    const double right = status ? 1 : 3;
    f.at = 0;
    ck_assert(dz_adjoints(u)[LARGE - 1] == right && dz_adjoints(v)[0] == right && dz_adjoint(s) == 1);
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

/* Notes on many nodes and large tensors: of sums of infinities, and of infinite slopes, one of a tensor. */
START_TEST(large_tensors_are_diagnosed) {
  static double w[LARGE] = {INFINITY};
  static const double v[LARGE] = {1, INFINITY, -INFINITY, 1};
  bool done = false;
  for (size_t k = 1; !done; k++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = NEW_TAPE(&a);
    const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(LARGE), v);
    const dz_var c = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(LARGE), NULL);
    const dz_var A = dz_leaf_tensor(t, DZ_ROLE_DATA, DIMS(1, LARGE), w);
    dz_var many = dz_input(t, 0);
    for (int i = 0; i < 3000; i++) many = dz_add(many, many);
    const dz_var scan = dz_at(dz_cumsum(x, 0), 0, 2), steep = dz_at(dz_matmul(A, dz_add(c, 1)), 0, 0);
    const dz_var far = dz_sqrt(dz_at(dz_cumsum(c, 0), 0, 1));
    const dz_var y = dz_add(dz_add(scan, steep), dz_add(many, far));
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    f.calls = 0, f.at = k;
    const dz_status status = dz_diagnose(y);
    ck_assert_int_eq(status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
    done = !f.failed;
    ck_assert_uint_eq(dz_note_count(t), done ? 3 : 0);
    f.at = 0;
    if (status) ck_assert_int_eq(dz_diagnose(y), DZ_OK);
    ck_assert_uint_eq(dz_note_count(t), 3);
    ck_assert_str_eq(dz_note_at(t, 0)->kind, "domain");
    for (size_t i = 1; i < 3; i++) ck_assert_str_eq(dz_note_at(t, i)->kind, "infinite slope");
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

/* ---- recording ---- */

/* At the end of the room for nodes and constants each of these may be the one that finds none. */
static dz_var from_constant(dz_var c, dz_var x) {
  (void)x;
  return dz_add(c, 1);
}
static dz_var to_constant(dz_var c, dz_var x) {
  (void)x;
  return dz_atan2(2, c);
}
static dz_var from_leaf(dz_var c, dz_var x) { return dz_mul(x, c); }
static dz_var choice(dz_var c, dz_var x) { return dz_where(x, c, 7); }
static dz_var many(dz_var c, dz_var x) { return dz_concat(9, (dz_var[]){x, c, x, c, x, c, x, c, x}, 0); }
static dz_var stack(dz_var c, dz_var x) { return dz_stack(9, (dz_var[]){x, c, x, c, x, c, x, c, x}, 0); }

static const struct {
  dz_var (*record)(dz_var c, dz_var x);
  double value; /* of element 0, for c = 3 and x = .5 */
} recorded[] = {{from_constant, 4}, {to_constant, 0.5880026035475675},
                {from_leaf, 1.5},   {choice, 3},
                {many, .5},         {stack, .5}};

/* As numbers of the tape's kind. */
static double held(const dz_tape *t, double x) { return dz_tape_is_single(t) ? (double)(float)x : x; }

START_TEST(each_allocation_of_a_record) {
  for (int fill = 0; fill < 260; fill += fill < 250 ? 50 : 1)
    for (int onwards = 0; onwards < 2; onwards++)
      for (size_t k = 1;; k++) {
        failing f = {0};
        const dz_allocator a = failing_allocator(&f);
        dz_tape *t = NEW_TAPE(&a);
        const dz_var c = dz_const(t, 3), x = dz_input(t, .5);
        for (int i = 0; i < fill; i++) (void)dz_const(t, i);
        ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
        f.calls = 0;
        *(onwards ? &f.at : &f.only) = k;
        dz_var y = recorded[_i].record(c, x);
        const bool shaped = recorded[_i].record != many; /* scalars are joined along no axis */
        if (f.failed && !(f.only && dz_valid(y))) {
          ck_assert(!dz_valid(y) && dz_tape_error(t)->status == DZ_ERR_MEMORY);
          f.at = f.only = 0;
          dz_tape_forgive(t);
          y = recorded[_i].record(c, x);
        }
        const bool done = k > f.calls;
        f.at = f.only = 0;
        ck_assert_int_eq(dz_valid(y), shaped);
        if (shaped)
          ck_assert_double_eq(dz_rank(y) ? dz_values(y)[0] : dz_value(y), held(t, recorded[_i].value));
        dz_tape_free(t);
        ck_assert_uint_eq(f.blocks, 0);
        if (done) break;
      }
}
END_TEST

/* ---- marks and branches ---- */

/* Without room for a rewind the tape stays as it is. */
START_TEST(rewinds) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = NEW_TAPE(&a);
  const dz_var x = dz_mul(dz_input(t, 2), 1); /* then there is room for more */
  f.at = f.calls + 1;
  const dz_mark mark = dz_tape_mark(t);
  const dz_var y = dz_mul(x, x);
  ck_assert_int_eq(dz_tape_rewind(t, mark), DZ_ERR_MEMORY);
  ck_assert(dz_value(y) == 4 && dz_tape_size(t) == 3);
  f.at = 0;
  ck_assert_int_eq(dz_tape_rewind(t, mark), DZ_OK);
  ck_assert(!dz_valid(y) && dz_value(x) == 2);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(branches) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = NEW_TAPE(&a);
  const dz_var x = dz_input(t, 2), more = dz_gt(x, 1), less = dz_lt(x, 1);
  f.at = f.calls + 1;
  ck_assert(!dz_holds(more) && dz_tape_error(t)->status == DZ_ERR_MEMORY);
  f.at = 0;
  dz_tape_forgive(t);
  ck_assert(dz_holds(more) && !dz_holds(less) && dz_tape_error(t)->status == DZ_OK);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

/* The tape's own count of its bytes is the allocator's, whatever it has done. */
START_TEST(bytes_are_counted) {
  for (size_t of = 0; of < COUNT(graphs); of++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = NEW_TAPE(&a);
    const graph g = graphs[of].make(t);
    const dz_var pole = dz_log(dz_input(t, 0));
    double out[MOST];
    ck_assert_uint_eq(dz_tape_bytes(t), f.bytes);
    ck_assert_int_eq(ask_sweep(&g, out), DZ_OK);
    ck_assert_int_eq(ask_part(&g, out), DZ_OK);
    ck_assert_int_eq(ask_tangent(&g, out), DZ_OK);
    ck_assert_int_eq(dz_backward_add(g.y, 1), DZ_OK);
    ck_assert_uint_eq(dz_tape_bytes(t), f.bytes);
    ck_assert_int_eq(dz_backward(pole), DZ_OK);
    ck_assert_int_eq(dz_diagnose(pole), DZ_OK);
    ck_assert_uint_eq(dz_note_count(t), 1);
    ck_assert_uint_eq(dz_tape_bytes(t), f.bytes);
    dz_tape_at(t, 1, 2);
    const dz_mark mark = dz_tape_mark(t);
    ck_assert(!dz_holds(dz_gt(pole, 0)) && dz_set_name(g.x, "x") == DZ_OK);
    ck_assert_int_eq(dz_tape_rewind(t, mark), DZ_OK);
    ck_assert_uint_eq(dz_tape_bytes(t), f.bytes);
    dz_tape_free(t);
  }
}
END_TEST

/* Two rows of a Jacobian at once have room of their own. */
START_TEST(bytes_of_rows) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = NEW_TAPE(&a);
  const dz_var xs[] = {dz_input(t, 2), dz_input(t, 3), dz_input(t, 5)};
  const dz_var ys[] = {dz_mul(xs[0], xs[1]), dz_mul(xs[1], xs[2])};
  static const double right[] = {3, 2, 0, 0, 5, 3};
  double out[6];
  ck_assert_int_eq(dz_jacobians(2, ys, 3, xs, out), DZ_OK);
  for (int k = 0; k < 6; k++) ck_assert(out[k] == right[k]);
  ck_assert_uint_eq(dz_tape_bytes(t), f.bytes);
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(each_allocation_of_a_sweep, COUNT(graphs) * COUNT(asks)),
      EACH(each_allocation_of_an_accumulation, COUNT(graphs)),
      EACH(each_allocation_of_a_record, COUNT(recorded)), ONCE(large_adjoints_are_held),
      ONCE(large_tensors_are_diagnosed), ONCE(rewinds), ONCE(branches), ONCE(bytes_are_counted),
      ONCE(bytes_of_rows))
