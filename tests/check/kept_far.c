/* Faults among thousands of nodes, as kept.c keeps those of short tapes: what is blamed, and the room that it
   takes, in which one sees the nodes that were looked at alone. Where nothing explains the fault those are
   all that the screen suspects, and then all there are. */
#include "dz/dz.h"
#include "dz/userop.h"
#include "handed.h"
#include "listed.h"
#include "suite.h"

enum { LINKS = 520 }; /* of four nodes and more each: beyond what is looked at one by one */

typedef enum plant {
  PARTIAL,  /* wrong by its reverse rule */
  SLIGHTLY, /* so little that the screen misses it */
  LAST,     /* in the last element alone */
  NO_NUMBER,
  FORWARD, /* by its forward rule */
  STOP,
  LEFT,   /* a constant that moves */
  KINK,   /* in one element */
  UNSEEN, /* a kink that is not on the tape */
  SHORTER,
  OTHER, /* of other shapes, as many */
  TWO,   /* and together right */
  NO_GRADIENT,
  PLANTS
} plant;

typedef struct chain {
  plant kind;
  bool tensor, late;
  double middle; /* the element that bends, where it does */
  bool begun;
  double factor; /* of the operation's reverse rule; 1 while it is defined */
} chain;

static chain now;

static void product_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                         double *const *to) {
  (void)user, (void)z;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; to[k] && i < n; i++) {
      double d = x[1 - k].data[at_of(&x[1 - k], i)];
      if (k == 0 && (now.kind != LAST || i == n - 1)) d *= now.factor;
      to[k][at_of(&x[k], i)] += g[i] * d;
    }
}
static void product_forth(void *user, const dz_op_array *x, size_t n, const double *z, const double *const *t,
                          double *out) {
  (void)user, (void)z;
  for (size_t i = 0; i < n; i++) out[i] = now.kind == FORWARD && now.factor == 1.5 ? .5 : 0;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; t[k] && i < n; i++)
      out[i] += x[1 - k].data[at_of(&x[1 - k], i)] * t[k][at_of(&x[k], i)];
}
static dz_var times(dz_tape *t, dz_var x, dz_var y, double factor) {
  const dz_op_calls calls = {.arity = 2, .value = product, .vjp = product_back, .jvp = product_forth};
  now.factor = 1;
  dz_op_define_c(t, "times", &calls, NULL); /* refused when it is there already */
  now.factor = factor;
  return dz_apply(t, "times", 2, (dz_var[]){x, y});
}

static dz_var constant(dz_tape *t, dz_var x, const double *v) {
  const size_t n = dz_size(x);
  return dz_rank(x) ? dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &n, v) : dz_const(t, *v);
}

static dz_var planted(dz_tape *t, dz_var x, dz_var y, bool again) {
  const double *v = dz_values(x);
  double bent[3] = {0};
  if (!now.begun) now.middle = v[dz_size(x) / 2];
  now.begun = true;
  switch (now.kind) {
  case PARTIAL:
  case LAST:
    return times(t, x, y, 1.5);
  case SLIGHTLY:
    return times(t, x, y, 1 + 0x1p-32);
  case NO_NUMBER:
    return times(t, x, y, NAN);
  case FORWARD:
    return dz_div(times(t, x, y, again ? 1 : 1.5), y);
  case STOP:
    return dz_mul(dz_stop(x), y);
  case LEFT:
    return dz_mul(constant(t, x, v), y);
  case KINK:
    return dz_fabs(dz_sub(x, dz_num(now.middle)));
  case UNSEEN:
    for (size_t k = 0; k < dz_size(x); k++) bent[k] = fabs(v[k] - now.middle);
    return dz_add(x, constant(t, x, bent));
  case TWO:
    return times(t, x, y, again ? .75 : 1.25);
  default:
    return dz_mul(x, y);
  }
}

/* a x + b x y, again and again, with a sum now and then. At a step of the screen, or always, what
   is planted stands near the end, or near the beginning. */
static dz_var long_way(dz_tape *t, const dz_var *leaf, void *user) {
  (void)user;
  const dz_var y = leaf[now.tensor ? 3 : 1];
  dz_var x = leaf[now.tensor ? 2 : 0];
  const double moved = fabs(dz_values(x)[0] - .75);
  const bool screened =
      moved == .75 * 0x1p-17 || moved == .75 * 0x1p-16 || moved == 0x1p-17 || moved == 0x1p-16;
  const int at = now.late ? LINKS - 9 : 9;
  for (int k = 0; k < LINKS - (now.kind == SHORTER && screened); k++) {
    if (k == at || (now.kind == TWO && k == LINKS / 2)) x = planted(t, x, y, k != at);
    const dz_var most = dz_mul(x, leaf[4]), rest = dz_mul(x, y);
    x = dz_add(most, dz_mul(rest, leaf[5]));
    if (k % 64 == 0) x = dz_add(x, dz_mul(dz_sum(x, DZ_ALL, false), leaf[6]));
  }
  if (now.kind == SHORTER || now.kind == OTHER) {
    const dz_var row = dz_reshape(x, 1, (size_t[]){dz_size(x)});
    x = dz_mul(now.kind == OTHER && screened ? dz_at(row, 0, 0) : dz_stop(row), x);
  }
  if (now.kind == NO_GRADIENT) x = dz_stop(x);
  return dz_sum(x, DZ_ALL, false);
}

enum { ALL = PLANTS * 4 };

static const uint64_t sums[ALL] = {
#include "kept_far.sums"
};

/* Numbers, or tensors of three at each element, or at one and in directions. */
START_TEST(kept) {
  static const double numbers[] = {.75, .5, 1.25}, a = 1 - 0x1p-8, b = 0x1p-8, c = 0x1p-4;
  const size_t three = 3;
  now = (chain){.kind = (plant)(_i / 4), .tensor = _i % 2, .late = _i / 2 % 2};
  const dz_check_point at[] = {
      {.role = DZ_ROLE_INPUT, .values = numbers, .skip = now.tensor},
      {.role = DZ_ROLE_DATA, .values = numbers + 1},
      {.role = DZ_ROLE_PARAM, .rank = 1, .dims = &three, .values = numbers, .skip = !now.tensor},
      {.role = DZ_ROLE_DATA, .rank = 1, .dims = &three, .values = numbers},
      {.role = DZ_ROLE_DATA, .values = &a},
      {.role = DZ_ROLE_DATA, .values = &b},
      {.role = DZ_ROLE_DATA, .values = &c}};
  const dz_check_options o = {.max_elements = now.late ? 1 : 0};
  listing l = list_begin();
  const dz_allocator room = list_allocator(&l);
  dz_check_report r;
  LIST(&l, "check", (uint64_t)dz_check(long_way, NULL, COUNT(at), at, &o, &room, &r, NULL));
  list_report(&l, &r);
  list_end(&l, "kept_far.sums", _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL))
