/* More than a plan has numbers for, and lanes that only look alike: each is refused or done in another way,
   and nothing is lost. */
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "dz/dz.h"
#include "failing.h"
#include "plan/lower.h"
#include "suite.h"

#include <stdint.h>
#include <string.h>
#if defined(__linux__)
#define FOLDS 1
#include <sys/mman.h>
#include <unistd.h>
#else
#define FOLDS 0
#endif

static failing held;
static dz_allocator alloc;

static void set_up(void) {
  held = (failing){0};
  alloc = failing_allocator(&held);
}
static void tear_down(void) { ck_assert_uint_eq(held.blocks, 0); }

/* ---- inside ---- */

START_TEST(graphs_are_not_too_large) {
  dz__graph g;
  dz__graph_init(&g, &alloc);
  ck_assert(dz__graph_room(&g, 10, 10) && !g.full);
  ck_assert(!dz__graph_room(&g, DZ__MOST_NODES, 1 + DZ__MOST_NODES) && g.full);
  g.full = false;
  ck_assert(!dz__graph_room(&g, 1 + DZ__MOST_NODES, 0) && g.full);
  dz__graph_free(&g);
}
END_TEST

START_TEST(places_run_out) {
  dz__program p = {.alloc = alloc};
  dz__routine c = {.lists = UINT32_MAX / 2};
  dz__lowering w = {.alloc = &p.alloc, .program = &p, .to = &c};
  ck_assert_uint_eq(dz__register(&w), dz__place_at(DZ__REG, 0));
  w.registers = DZ__MOST_PLACES - 1;
  dz__register(&w);
  ck_assert(!w.failed && !p.full);
  dz__register(&w);
  ck_assert(w.failed && p.full);
  w.failed = false;
  dz__note_places(&w, 1, (uint32_t[]){0});
  ck_assert(w.failed && c.lists == UINT32_MAX / 2);
}
END_TEST

/* Results of functions of C: more than the workspace has places. */
START_TEST(results_run_out_of_places) {
  static const uint32_t group[] = {0, 0};
  dz__rolled r = {.alloc = alloc};
  dz__program p = {.alloc = alloc};
  dz__graph_init(&r.root, &alloc);
  r.group = dz__alloc(&alloc, sizeof *r.group);
  r.groups = r.group_cap = 1;
  r.group[0] = (dz__group){.lanes = DZ__MOST_PLACES, .outside = true};
  dz__graph_init(&r.group[0].body, &alloc);
  const uint32_t call = dz__graph_add(&r.root, DZ__P_CALL, 0, 1, group);
  ck_assert(dz__graph_output(&r.root, dz__graph_add(&r.root, DZ__P_ELEMENT, 0, 2, (uint32_t[]){call, 3})));
  ck_assert(!dz__compile(&r, false, &p) && p.full);
  dz__program_free(&p);
  dz__rolled_free(&r);
}
END_TEST

/* ---- lanes that only look alike ---- */

enum { LANES = 8 };

/* Of eight lanes one is another operation, or subtracts, or is a leaf: as if their hashes were the same. */
START_TEST(lanes_of_other_shapes) {
  dz__graph g;
  dz__rolled out = {.alloc = alloc};
  uint32_t leaf[2], top[2 + LANES], owner[64] = {0}, map[64], *call = NULL;
  size_t calls = 0, call_cap = 0;
  bool mixed = false;
  dz__graph_init(&g, &alloc);
  dz__graph_init(&out.root, &alloc);
  for (uint32_t k = 0; k < 2; k++) leaf[k] = dz__graph_add(&g, DZ__P_INPUT, 0, 1, &k);
  for (int l = 0; l < LANES; l++) {
    const bool odd = l == 5;
    const uint32_t args[] = {leaf[0], leaf[1] | (odd && _i == 1 ? DZ__MINUS : 0), leaf[0]};
    const unsigned kind = odd && _i == 0 ? DZ__F_mul : DZ__P_SUM;
    top[2 + l] = odd && _i == 2 ? leaf[0] : dz__graph_add(&g, kind, 0, odd && _i == 3 ? 3 : 2, args);
  }
  memset(map, 0xff, sizeof map);
  dz__rolling r = {.g = &g, .owners = {.owner = owner, .top = top}, .out = &out, .map = map};
  dz__group group = {.lanes = 0};
  ck_assert(
      !dz__walk(&r, &(dz__bundle){.first = 2, .lanes = LANES}, &group, &call, &calls, &call_cap, &mixed));
  ck_assert(mixed);
  dz__free(&alloc, call, call_cap * sizeof *call);
  dz__graph_free(&group.body);
  dz__rolled_free(&out);
  dz__graph_free(&g);
}
END_TEST

/* Two values at each of many levels, taken from the two below in another way in every lane: along all lanes
   there are more and more combinations. Maxima and minima of whole numbers are exact. */
START_TEST(lanes_without_an_order) {
  enum { N = 16, LEVELS = 16 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[2 * N], y = dz_num(0);
  double in[2 * N], g[2 * N], value;
  uint64_t bits = 88172645463325252u;
  for (int k = 0; k < 2 * N; k++) x[k] = dz_input(t, in[k] = (double)(k * 7 % 31));
  for (int l = 0; l < N; l++) {
    dz_var pair[2] = {dz_mul(x[l], x[l]), dz_mul(x[N + l], x[N + l])};
    for (int k = 0; k < LEVELS; k++) {
      bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
      const unsigned a = bits >> 20 & 1, b = bits >> 21 & 1;
      const dz_var from[2] = {pair[0], pair[1]};
      for (int j = 0; j < 2; j++)
        pair[j] = k % 2 ? dz_fmax(from[a ^ (unsigned)j], dz_neg(from[b ^ (unsigned)j]))
                        : dz_fmin(from[a ^ (unsigned)j], from[b ^ (unsigned)j]);
    }
    y = dz_add(y, dz_fmax(pair[0], pair[1]));
  }
  dz_plan *p = dz_plan_new(1, &y, 2 * N, x, &(dz_plan_options){.allocator = &alloc}, NULL);
  ck_assert(p != NULL && dz_plan_facts_of(p).loops == 0);
  void *work = malloc(dz_plan_memory(p));
  ck_assert(!dz_plan_run(p, in, &value, g, work) && !dz_backward(y));
  ck_assert(value == dz_value(y));
  for (int k = 0; k < 2 * N; k++) ck_assert(g[k] == dz_adjoint(x[k]));
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* ---- what is refused ---- */

static void expect_limit(dz_var y, int n, const dz_var *xs, bool map) {
  dz_error e;
  ck_assert(!dz_plan_new(1, &y, n, xs, &(dz_plan_options){.allocator = &alloc, .map = map}, &e));
  ck_assert_int_eq(e.status, DZ_ERR_LIMIT);
  ck_assert_str_eq(e.message, "a plan has at most 2^29 numbers");
}

/* A Jacobian of 2^14 rows of 2^15 numbers. */
START_TEST(jacobians) {
  const size_t n = 1 << 15;
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &n, NULL);
  expect_limit(dz_slice(x, 0, 0, (int64_t)n / 2, 1), 1, &x, true);
  dz_tape_free(t);
}
END_TEST

#if FOLDS
/* Much memory in little: of a large block every FOLD bytes but the first are the same ones. */
enum { FOLD = 1 << 21 };

static bool fold(char *p, size_t size, int file) {
  bool done = file >= 0 && ftruncate(file, (off_t)2 * FOLD) == 0;
  for (size_t at = 0; done && at < size; at += FOLD)
    done = mmap(p + at, FOLD, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
                at > 0 ? (off_t)FOLD : 0) != MAP_FAILED;
  return done;
}

static void *folded(void *user, void *block, size_t old_size, size_t size) {
  if (old_size <= FOLD && size <= FOLD) return failing_resize(user, block, old_size, size);
  const size_t bytes = (old_size + size + FOLD - 1) / FOLD * FOLD;
  if (block) return size ? NULL : (munmap(block, bytes), NULL);
  const int file = memfd_create("folded", 0);
  char *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const bool done = p != MAP_FAILED && fold(p, bytes, file);
  close(file);
  return done ? p : NULL;
}

/* 2^29 inputs, 4 GiB of which are 2 MiB. */
START_TEST(inputs) {
  const size_t n = (size_t)1 << 29;
  if (SIZE_MAX >> 32 == 0) return;
  const dz_allocator large = {folded, &held};
  dz_tape *t = dz_tape_new(&large);
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &n, NULL), one = dz_input(t, 1), xs[] = {one, x};
  if (dz_valid(x)) expect_limit(dz_mul(one, one), 2, xs, false);
  dz_tape_free(t);
}
END_TEST
#else
START_TEST(inputs) {}
END_TEST
#endif

SUITE_BETWEEN(set_up, tear_down, ONCE(graphs_are_not_too_large), ONCE(places_run_out),
              ONCE(results_run_out_of_places), EACH(lanes_of_other_shapes, 4), ONCE(lanes_without_an_order),
              ONCE(jacobians), ONCE(inputs))
