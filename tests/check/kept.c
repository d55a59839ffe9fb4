/* Checks of gradients as they come out: each row, the report, and the memory that they ask for, as a sum per
   model; as plan/kept.c does it. Models are of operations that round once, so that numbers are the same on
   every machine to the last bit; what is made with others (the Taylor test's logarithms) is listed shorter.
 */
#include "dz/check.h"
#include "listing.h"
#include "texts.h"

enum { LEAVES = 16 };

static void list_exact(listing *l, const char *what, double x) { LIST(l, what, isnan(x) ? 1 : dz__bits(x)); }

static void list_row(void *user, const dz_check_row *r) {
  listing *l = user;
  LIST(l, "row", r->leaf, r->element, (uint64_t)r->verdict);
  list_exact(l, " analytic", r->analytic);
  list_exact(l, " numeric", r->numeric);
  list_exact(l, " error", r->error);
  list_exact(l, " forward", r->forward);
  list_exact(l, " bound", r->bound);
}

static void list_fault(listing *l, const dz_check_fault *f) {
  LIST(l, "fault", (uint64_t)f->kind, f->node, (uint64_t)f->line, (uint64_t)f->column, (uint64_t)f->operand,
       (uint64_t)f->nargs);
  list_characters(l, f->op);
  list_characters(l, f->name);
  for (int k = 0; k < f->nargs && k < DZ_CHECK_OPERANDS; k++) {
    LIST(l, " operand", f->operands[k].node);
    list_exact(l, " value", f->operands[k].value);
    list_characters(l, f->operands[k].name);
  }
  list_exact(l, " analytic", f->analytic);
  list_exact(l, " numeric", f->numeric);
  list_exact(l, " error", f->error);
}

static void list_report(listing *l, const dz_check_report *r) {
  LIST(l, "report", r->checked, r->agreed, r->wrong, r->noisy, r->kinks, r->not_finite, r->forward_agreed,
       r->forward_wrong);
  list_exact(l, " value", r->value);
  list_row(l, &r->worst);
  LIST(l, "dot", (uint64_t)r->dot.verdict, (uint64_t)r->taylor.verdict);
  list_exact(l, " forward", r->dot.forward);
  list_exact(l, " reverse", r->dot.reverse);
  list_exact(l, " bound", r->dot.bound);
  list_double(l, " order", r->taylor.order);
  list_double(l, " odd", r->taylor.odd);
  list_double(l, " even", r->taylor.even);
  list_fault(l, &r->fault);
}

/* ---- models ---- */

/* What is recorded beside a text, which finds the leaves by their names. */
typedef struct made {
  const char *text;
  dz_var (*of)(dz_tape *t, const dz_var *leaf); /* NULL: only the text */
  int count;
} made;

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
/* Right while it is defined, since it would be refused. */
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

static dz_var model(dz_tape *t, const dz_var *leaf, void *user) {
  const made *m = user;
  return m->of ? m->of(t, leaf) : dz_expr(t, m->text);
}

static const made models[] = {
    {"x*y*y/(z + x) - 3*x", NULL, 0},
    {"sum(v*v)*x/(1 + y*y)", NULL, 0},
    {"abs(x - y) + max(x, y)*z - min(x, 3)", NULL, 0},
    {"abs(x - .25)*y", NULL, 0},
    {"relu(x - .25) + relu(.25 - x)*y", NULL, 0},
    {"floor(x*4)*y", NULL, 0},
    {"sqrt(x*x + y) + sqrt(x - .25)", NULL, 0},
    {"x/(x - .25) + y", NULL, 0},
    {"x/(y - y)", NULL, 0},
    {"stop(x)*y + x*x", NULL, 0},
    {"where(x > .25, y, 2*y) + x", NULL, 0},
    {"where(x > .2, x*x, y*y)", NULL, 0},
    {"sum((A@v)^2) + sum(A'@A)/4", NULL, 0},
    {"sum(B@B@v)*x + v@B@w", NULL, 0},
    {"norm(v)*x + prod(v)", NULL, 0},
    {"sum(cumsum(v)*v) + sum(cumprod(v))", NULL, 0},
    {"max(v)*x + sum(max(A, axis=1)*min(B, axis=0)[:2])", NULL, 0},
    {"sum(solve(B + [[9, 0, 0], [0, 9, 0], [0, 0, 9]], v))", NULL, 0},
    {"sum(gather(v, [0, 2, 2])^2) + sum(concat(v, A[0])^2) + sum(reshape(A, 3, 2)@[x, y])", NULL, 0},
    {"sum(u*u) + sum(u[1:]*u[:-1])*x", NULL, 0},
    {"sum(conv2d(image, filter, 1, 0)^2) + sum(max_pool(conv2d(image, filter, 1, 1), 2, 0))", NULL, 0},
    {"sum(layer_norm(A, v, w)*A) + var(v)", NULL, 0},
    {"x*0 + y", NULL, 0},
    {"3*z", NULL, 0},
    {"1e300*x*y*1e8*1e-300 + 1e-300*x*y*1e-9", NULL, 0},
    {"1e300*x*1e10*y", NULL, 0},
    {"(x + 1e16) - 1e16 + y", NULL, 0},
    {"sum(noise(v, 3)*v) + x", NULL, 0},
    {"sum(A)*sum(B) + x*(y + x*(y + x*(y + x*(y + x))))", NULL, 0},
    {NULL, left_tape, 0},
    {NULL, branch, 0},
    {NULL, unrepeatable, 0},
    {NULL, wrong_partial, 0},
    {NULL, wrong_partials, 0},
    {NULL, right_partial, 0},
    {NULL, far_behind, 0},
    {NULL, far_before, 0},
};

static const uint64_t sums[COUNT(models)] = {
#include "kept.sums"
};

/* Each leaf of the texts, or but for every third; the large one's elements all, or a few. */
static void list_check(listing *l, int k, int way) {
  const dz_allocator a = list_allocator(l);
  dz_check_point at[LEAVES];
  double numbers[LEAVES][TEXT_NUMBERS];
  const size_t n = text_points(at, numbers);
  for (size_t i = 0; i < n; i++) at[i].skip = way && i % 3 == 0;
  now = models[k];
  const dz_check_options o = {.max_elements = way ? 4 : 0, .row = list_row, .user = l};
  dz_check_report r;
  dz_error e;
  const dz_status status = dz_check(model, &now, n, at, &o, &a, &r, &e);
  LIST(l, "check", (uint64_t)status);
  if (status) list_characters(l, e.message);
  list_report(l, &r);
}

START_TEST(kept) {
  listing l = list_begin();
  for (int way = 0; way < 2; way++) list_check(&l, _i, way);
  list_end(&l, "kept.sums", _i, COUNT(models), sums[_i]);
}
END_TEST

SUITE(EACH(kept, COUNT(models)))
