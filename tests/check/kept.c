/* Checks of gradients as they come out: each row, the report, and the memory that they ask for, as a sum per
   model; as plan/kept.c does it. Models are of operations that round once, so that numbers are the same on
   every machine to the last bit; what is made with others (the Taylor test's logarithms) is listed shorter.
 */
#include "handed.h"
#include "listed.h"
#include "texts.h"

enum { LEAVES = 16 };

/* ---- models ---- */

/* What is recorded beside a text, which finds the leaves by their names. */
typedef struct made {
  const char *text;
  dz_var (*of)(dz_tape *t, const dz_var *leaf); /* NULL: only the text */
  int count;                                    /* of recordings */
  int kind, way, leaf, with;                    /* or of which kind it is instead */
} made;

enum { SAID, PAIRS, VECTORS };

static made now;

static dz_var left_tape(dz_tape *t, const dz_var *leaf) {
  return dz_mul(leaf[1], dz_const(t, dz_value(leaf[0])));
}
static dz_var branch(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return dz_value(leaf[0]) > .25 ? dz_mul(leaf[0], leaf[0]) : dz_mul(leaf[0], 5);
}
static dz_var unrepeatable(dz_tape *t, const dz_var *leaf) {
  (void)t;
  return ++now.count % 3 ? dz_mul(leaf[0], leaf[1]) : dz_add(leaf[0], leaf[1]);
}
static void half(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user;
  for (size_t i = 0; i < n; i++) z[i] = x[0].data[i] / 2;
}
/* Without a jvp, so that forward sweeps take this too. Right while it is defined, since it would be refused.
 */
static void half_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                      double *const *to) {
  (void)x, (void)z;
  for (size_t i = 0; to[0] && i < n; i++) to[0][i] += g[i] / (*(const bool *)user ? 3 : 2);
}
static dz_var halved(dz_tape *t, dz_var x, bool wrongly) {
  static bool wrong;
  const dz_op_calls calls = {.arity = 1, .value = half, .vjp = half_back, .user = &wrong};
  wrong = false;
  dz_op_define_c(t, "half", &calls, NULL); /* refused when it is there already */
  wrong = wrongly;
  return dz_apply(t, "half", 1, &x);
}
static dz_var wrong_partial(dz_tape *t, const dz_var *leaf) {
  return dz_mul(halved(t, dz_mul(leaf[0], leaf[1]), true), leaf[0]);
}
static dz_var wrong_partials(dz_tape *t, const dz_var *leaf) {
  return dz_dot(halved(t, leaf[4], true), leaf[4]);
}
static dz_var right_partial(dz_tape *t, const dz_var *leaf) {
  dz_op_define(t, "part", 2, "x*y/2", (const char *[]){"y/2", "x/2"}, NULL);
  const dz_var part = dz_apply(t, "part", 2, (dz_var[]){leaf[4], dz_num(3)});
  return dz_dot(part, halved(t, leaf[4], false));
}
/* Wrong behind thousands, and wrong before them. */
static dz_var far(dz_tape *t, const dz_var *leaf, bool first) {
  dz_var z = dz_mul(leaf[0], leaf[1]);
  if (first) z = halved(t, z, true);
  for (int k = 0; k < 3000; k++) z = dz_add(dz_mul(z, leaf[2]), leaf[k % 2]);
  return first ? z : halved(t, z, true);
}
static dz_var far_behind(dz_tape *t, const dz_var *leaf) { return far(t, leaf, false); }
static dz_var far_before(dz_tape *t, const dz_var *leaf) { return far(t, leaf, true); }

/* ---- an operation of two operands that is wrong in some way ---- */

enum { RIGHT, SECOND, LAST, SIGN, NOT_A_NUMBER, NOTHING, SLIGHTLY, FORWARD, WAYS_OF_WRONG };

static int wrong_way; /* right while it is defined, since it would be refused */

static void pair_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                      double *const *to) {
  (void)user, (void)z;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; to[k] && i < n; i++) {
      double d = x[1 - k].data[at_of(&x[1 - k], i)];
      if (wrong_way == SECOND && k == 1) d *= 2;
      if (wrong_way == LAST && i == n - 1) d += 1;
      if (wrong_way == SIGN && i == n / 2) d = -d;
      if (wrong_way == NOT_A_NUMBER && i == 0) d = NAN;
      if (wrong_way == NOTHING) d = 0;
      if (wrong_way == SLIGHTLY) d *= 1 + 0x1p-20;
      to[k][at_of(&x[k], i)] += g[i] * d;
    }
}
static void pair_forth(void *user, const dz_op_array *x, size_t n, const double *z, const double *const *t,
                       double *out) {
  (void)user, (void)z;
  for (size_t i = 0; i < n; i++) out[i] = wrong_way == FORWARD ? 1 : 0;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; t[k] && i < n; i++)
      out[i] += x[1 - k].data[at_of(&x[1 - k], i)] * t[k][at_of(&x[k], i)];
}
static dz_var paired(dz_tape *t, dz_var x, dz_var y, int wrong) {
  const dz_op_calls calls = {.arity = 2, .value = product, .vjp = pair_back, .jvp = pair_forth};
  wrong_way = RIGHT;
  dz_op_define_c(t, "a_pair_whose_name_is_long", &calls, NULL); /* refused when it is there already */
  wrong_way = wrong;
  return dz_apply(t, "a_pair_whose_name_is_long", 2, (dz_var[]){x, y});
}

/* Of leaf k with itself, or v with w; with a number; or of its square, which has a long name, with it. */
static dz_var pairs(dz_tape *t, const dz_var *leaf, int wrong, int k, int with) {
  const dz_var x = with == 2 ? dz_mul(leaf[k], leaf[k]) : leaf[k];
  if (with == 2)
    dz_set_name(x,
                "a name of more than sixty-four letters, which is cut where the report has no room for more");
  const dz_var z = paired(t, x, with == 1 ? dz_num(3) : leaf[k == 4 ? 5 : k], wrong);
  return dz_sum(dz_mul(z, z), DZ_ALL, false);
}

/* ---- vectors that are left, chosen by and not repeated; at the third of v ---- */

static const double THIRD = .25 + (2 * 7 + 4 * 3) % 11 / 8.;

static dz_var vectors(dz_tape *t, const dz_var *leaf, int how) {
  const size_t three = 3;
  const double *v = dz_values(leaf[4]);
  if (how == 0) return dz_dot(dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &three, v), leaf[4]);
  if (how == 1) return v[2] > THIRD ? dz_dot(leaf[4], leaf[4]) : dz_sum(leaf[4], DZ_ALL, false);
  if (how == 2) return ++now.count % 4 ? dz_dot(leaf[4], leaf[4]) : dz_dot(leaf[4], leaf[5]);
  if (how == 3) return dz_dot(dz_stop(leaf[4]), leaf[4]);
  const dz_var off = dz_sub(leaf[4], dz_const(t, THIRD));
  if (how == 4) return dz_dot(dz_relu(off), leaf[5]);
  if (how == 5) return dz_sum(dz_sqrt(off), DZ_ALL, false);
  const dz_var size = dz_fabs(off);
  if (how == 6) return dz_dot(dz_fmax(off, 0), size);
  return dz_num(3);
}

static dz_var model(dz_tape *t, const dz_var *leaf, void *user) {
  const made *m = user;
  if (m->kind == PAIRS) return pairs(t, leaf, m->way, m->leaf, m->with);
  if (m->kind == VECTORS) return vectors(t, leaf, m->way);
  return m->of ? m->of(t, leaf) : dz_expr(t, m->text);
}

static const made models[] = {
    {.text = "x*y*y/(z + x) - 3*x"},
    {.text = "sum(v*v)*x/(1 + y*y)"},
    {.text = "abs(x - y) + max(x, y)*z - min(x, 3)"},
    {.text = "abs(x - .25)*y"},
    {.text = "relu(x - .25) + relu(.25 - x)*y"},
    {.text = "floor(x*4)*y"},
    {.text = "sqrt(x*x + y) + sqrt(x - .25)"},
    {.text = "x/(x - .25) + y"},
    {.text = "x/(y - y)"},
    {.text = "stop(x)*y + x*x"},
    {.text = "where(x > .25, y, 2*y) + x"},
    {.text = "where(x > .2, x*x, y*y)"},
    {.text = "sum((A@v)^2) + sum(A'@A)/4"},
    {.text = "sum(B@B@v)*x + v@B@w"},
    {.text = "norm(v)*x + prod(v)"},
    {.text = "sum(cumsum(v)*v) + sum(cumprod(v))"},
    {.text = "max(v)*x + sum(max(A, axis=1)*min(B, axis=0)[:2])"},
    {.text = "sum(solve(B + [[9, 0, 0], [0, 9, 0], [0, 0, 9]], v))"},
    {.text = "sum(gather(v, [0, 2, 2])^2) + sum(concat(v, A[0])^2) + sum(reshape(A, 3, 2)@[x, y])"},
    {.text = "sum(u*u) + sum(u[1:]*u[:-1])*x"},
    {.text = "sum(conv2d(image, filter, 1, 0)^2) + 3*sum(max_pool(conv2d(image, filter, 1, 1), 2, 0)^2)"},
    {.text = "sum(layer_norm(A, v, w)*A) + var(v)"},
    {.text = "x*0 + y"},
    {.text = "3*z"},
    {.text = "1e300*x*y*1e8*1e-300 + 1e-300*x*y*1e-9"},
    {.text = "1e300*x*1e10*y"},
    {.text = "(x + 1e16) - 1e16 + y"},
    {.text = "sum(noise(v, 3)*v) + x"},
    {.text = "sum(A)*sum(B) + x*(y + x*(y + x*(y + x*(y + x))))"},
    {.of = left_tape},
    {.of = branch},
    {.of = unrepeatable},
    {.of = wrong_partial},
    {.of = wrong_partials},
    {.of = right_partial},
    {.of = far_behind},
    {.of = far_before},
};

enum { SAYINGS = COUNT(models), LEAVES_OF_PAIRS = 3, WITHS = 3, WAYS_OF_VECTORS = 8 };
enum { OF_PAIRS = WAYS_OF_WRONG * LEAVES_OF_PAIRS * WITHS, ALL = SAYINGS + OF_PAIRS + WAYS_OF_VECTORS };

static made made_of(int k) {
  static const int leaf[LEAVES_OF_PAIRS] = {0, 4, 3};
  if (k < SAYINGS) return models[k];
  k -= SAYINGS;
  if (k >= OF_PAIRS) return (made){.kind = VECTORS, .way = k - OF_PAIRS};
  return (made){.kind = PAIRS,
                .way = k / WITHS / LEAVES_OF_PAIRS,
                .leaf = leaf[k / WITHS % LEAVES_OF_PAIRS],
                .with = k % WITHS};
}

static const uint64_t sums[ALL] = {
#include "kept.sums"
};

/* Each leaf of the texts, or but for every third; the large one's elements all, or a few. */
static void list_check(listing *l, int k, int way) {
  const dz_allocator a = list_allocator(l);
  dz_check_point at[LEAVES];
  double numbers[LEAVES][TEXT_NUMBERS];
  const size_t n = text_points(at, numbers);
  for (size_t i = 0; i < n; i++) at[i].skip = way && i % 3 == 0;
  now = made_of(k);
  const dz_check_options o = {.max_elements = way ? 4 : 0, .row = list_row, .user = l};
  dz_check_report r;
  dz_error e;
  const dz_status status = dz_check(model, &now, n, at, &o, &a, &r, &e);
  LIST(l, "check", (uint64_t)status);
  if (status) list_characters(l, e.message);
  list_report(l, &r);
}

START_TEST(kept) {
  const char *text = made_of(_i).text;
  if (text && list_rounds_otherwise(text)) return;
  listing l = list_begin();
  for (int way = 0; way < 2; way++) list_check(&l, _i, way);
  list_end(&l, "kept.sums", _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL))
