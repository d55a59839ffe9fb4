/* Tensor operations called directly, with what a tape would not pass on: shapes that cannot be, adjoints that
   nobody wants, systems with more unknowns than fit on a stack. */
#include "kernels/lu.h"
#include "kernels/pointwise.h"
#include "kernels/tensor.h"
#include "suite.h"

#include <math.h>
#include <string.h>

static const dz__tensor_op *op(dz__fn fn) { return &dz__tensor_ops[fn - DZ__F_POINTWISE_END]; }

/* ---- shapes ---- */

enum { FOUR = 4 };
static const size_t FAR = (size_t)1 << 31;

static const struct {
  dz__fn fn;
  int nargs;
  dz__array args[3]; /* without data */
  int nattr;
  int64_t attr[9];
  dz_status status;
} wrong[] = {
    {DZ__F_index, 1, {{.rank = 1, .dims = {4}, .size = 4}}, 4, {-1, 1, 1, 0}, DZ_ERR_ARGUMENT},
    {DZ__F_index, 1, {{.rank = 1, .dims = {4}, .size = 4}}, 4, {1, 3, -1, 0}, DZ_ERR_ARGUMENT},
    {DZ__F_index, 1, {{.rank = 1, .dims = {4}, .size = 4}}, 4, {4, 2, -1, 0}, DZ_ERR_ARGUMENT},
    {DZ__F_index, 1, {{.rank = 1, .dims = {4}, .size = 4}}, 4, {-1, 2, 1, 0}, DZ_ERR_ARGUMENT},
    {DZ__F_index, 1, {{.rank = 1, .dims = {4}, .size = 4}}, 4, {4, 1, 1, 1}, DZ_ERR_ARGUMENT},
    {DZ__F_index, 1, {{.rank = 1, .dims = {4}, .size = 4}}, 4, {2, 3, 1, 0}, DZ_ERR_ARGUMENT},
    {DZ__F_index, 1, {{.rank = 1, .dims = {4}, .size = 4}}, 4, {9, 0, 1, 0}, DZ_OK},
    {DZ__F_permute, 1, {{.rank = 2, .dims = {2, 3}, .size = 6}}, 1, {0}, DZ_ERR_ARGUMENT},
    {DZ__F_permute, 1, {{.rank = 2, .dims = {2, 3}, .size = 6}}, 2, {0, 2}, DZ_ERR_ARGUMENT},
    {DZ__F_permute, 1, {{.rank = 2, .dims = {2, 3}, .size = 6}}, 2, {0, -1}, DZ_ERR_ARGUMENT},
    {DZ__F_permute, 1, {{.rank = 2, .dims = {2, 3}, .size = 6}}, 2, {1, 1}, DZ_ERR_ARGUMENT},
    {DZ__F_permute, 1, {{.rank = 2, .dims = {2, 3}, .size = 6}}, 2, {1, 0}, DZ_OK},
    {DZ__F_reshape, 1, {{.rank = 0, .size = 1}}, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, DZ_ERR_SHAPE},
    {DZ__F_broadcast_to, 1, {{.rank = 0, .size = 1}}, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, DZ_ERR_SHAPE},
    {DZ__F_solve,
     3,
     {{.rank = 1, .dims = {2}, .size = 2},
      {.rank = 1, .dims = {2}, .size = 2},
      {.rank = 2, .dims = {3, 2}, .size = 6}},
     1,
     {0},
     DZ_ERR_SHAPE},
    {DZ__F_solve,
     3,
     {{.rank = 2, .dims = {0, 0}}, {.rank = 0, .size = 1}, {.rank = 2, .dims = {1, 0}}},
     1,
     {0},
     DZ_ERR_SHAPE},
    {DZ__F_solve,
     3,
     {{.rank = 2, .dims = {2, 3}, .size = 6},
      {.rank = 1, .dims = {2}, .size = 2},
      {.rank = 2, .dims = {3, 2}, .size = 6}},
     1,
     {0},
     DZ_ERR_SHAPE},
    {DZ__F_solve,
     3,
     {{.rank = 2, .dims = {2, 2}, .size = 4},
      {.rank = 1, .dims = {2}, .size = 2},
      {.rank = 1, .dims = {6}, .size = 6}},
     1,
     {0},
     DZ_ERR_SHAPE},
    {DZ__F_solve,
     3,
     {{.rank = 2, .dims = {2, 2}, .size = 4},
      {.rank = 1, .dims = {2}, .size = 2},
      {.rank = 2, .dims = {2, 2}, .size = 4}},
     1,
     {0},
     DZ_ERR_SHAPE},
    {DZ__F_solve,
     3,
     {{.rank = 2, .dims = {2, 2}, .size = 4},
      {.rank = 1, .dims = {2}, .size = 2},
      {.rank = 2, .dims = {3, 3}, .size = 9}},
     1,
     {0},
     DZ_ERR_SHAPE},
    {DZ__F_solve,
     3,
     {{.rank = 2, .dims = {2, 2}, .size = 4},
      {.rank = 1, .dims = {2}, .size = 2},
      {.rank = 2, .dims = {3, 2}, .size = 6}},
     1,
     {0},
     DZ_OK},
};

static dz_status shape(dz__fn fn, int nargs, const dz__array *args, int nattr, const int64_t *attr,
                       dz__call *call) {
  static dz_error e;
  e = (dz_error){.status = DZ_OK};
  *call = (dz__call){
      .op = dz__ops[fn].name, .nargs = nargs, .args = args, .nattr = nattr, .attr = attr, .error = &e};
  const dz_status s = op(fn)->shape(call);
  ck_assert(s == e.status && (s == DZ_OK) == (e.message[0] == 0));
  return s;
}

START_TEST(shapes_that_cannot_be) {
  dz__call call;
  ck_assert_msg(shape(wrong[_i].fn, wrong[_i].nargs, wrong[_i].args, wrong[_i].nattr, wrong[_i].attr,
                      &call) == wrong[_i].status,
                "row %d", _i);
}
END_TEST

/* Of an operand without elements the result may be too large to count. */
START_TEST(results_too_large) {
  const dz__array x = {.rank = 4, .dims = {0, FAR, FAR, FOUR}}, one = {.rank = 1, .dims = {1}, .size = 1};
  dz__call call;
  ck_assert_int_eq(shape(DZ__F_max, 1, &x, 2, (int64_t[]){0, 0}, &call), DZ_ERR_SHAPE);
  ck_assert_int_eq(shape(DZ__F_sum, 1, &x, 2, (int64_t[]){0, 0}, &call), DZ_ERR_SHAPE);
  ck_assert_int_eq(shape(DZ__F_count, 1, &x, 3, (int64_t[]){0, 0, 0}, &call), DZ_ERR_SHAPE);
  ck_assert_int_eq(shape(DZ__F_gather, 2, (dz__array[]){x, one}, 1, (int64_t[]){0}, &call), DZ_ERR_SHAPE);
  ck_assert_int_eq(shape(DZ__F_max, 1, &x, 2, (int64_t[]){0, 3}, &call), DZ_OK); /* no result at all */
  ck_assert_int_eq(shape(DZ__F_count, 1, &x, 3, (int64_t[]){0, 3, FOUR}, &call), DZ_OK);
}
END_TEST

/* ---- adjoints that nobody wants ---- */

START_TEST(nothing_is_wanted) {
  double x[4] = {1, -2, 3, 4}, y[4] = {2, 1, 0, 1}, g[6] = {1, 1, 1, 1, 1, 1};
  double z[6] = {1, 2, 3, 4, 0, 1}; /* the last two are the order of rows, of a system that was solved */
  const double zeros[6] = {0};
  double room[64], *ga[3] = {NULL, NULL, NULL};
  const dz__array args[3] = {{.rank = 2, .dims = {2, 2}, .size = 4, .data = x},
                             {.rank = 2, .dims = {2, 2}, .size = 4, .data = y},
                             {.rank = 2, .dims = {3, 2}, .size = 6, .data = z}};
  for (int fn = 0; fn < DZ__F_END; fn++) {
    const int64_t attr[] = {0, 0}; /* of a reduction: no dimensions kept, the first axis */
    dz__call call = {
        .op = dz__ops[fn].name, .nargs = dz__ops[fn].arity, .args = args, .nattr = 2, .attr = attr};
    call.out = args[0], call.g = g, call.ga = ga, call.scratch = room;
    if (fn < DZ__F_POINTWISE_END) {
      ck_assert(!dz__pointwise_reverse((dz__fn)fn, &call));
      continue;
    }
    const dz__signature signature = dz__ops[fn].signature;
    if (fn == DZ__F_scatter || fn == DZ__F_place || fn == DZ__F_index || signature == DZ__SHAPE) continue;
    call.nattr = signature == DZ__REDUCE ? 2 : signature == DZ__AXIS;
    if (signature == DZ__REDUCE) call.out = (dz__array){.rank = 1, .dims = {2}, .size = 2, .data = z};
    ck_assert_msg(!op((dz__fn)fn)->reverse(&call), "%s", call.op);
    for (int reached = 1; reached >= 0 && op((dz__fn)fn)->spread; reached--) {
      call.g = reached ? g : zeros;
      ck_assert(!op((dz__fn)fn)->spread(&call));
    }
  }
}
END_TEST

/* Of numbers below 1 rounded to floats; the array ends where it is said to end. */
START_TEST(below_one) {
  const float most = 0x1.fffffep-1f, numbers[] = {1, 0, most, 1};
  float *x = malloc(sizeof numbers);
  memcpy(x, numbers, sizeof numbers);
  dz__keep_below_one(x, 4);
  ck_assert(x[0] == most && x[1] == 0 && x[2] == most && x[3] == most);
  free(x);
}
END_TEST

/* ---- large systems ---- */

/* As many unknowns as the forward sweep has room for on the stack, and one more, which are not refined. The
   matrix is 1, its factors are said to be of 2: so half of the right-hand side solves it, refined once three
   quarters; and so it is with what arrives, and with tangents. */
START_TEST(many_unknowns) {
  enum { MOST = 4096 };
  const size_t N = MOST + (size_t)_i;
  const double part = N > MOST ? .5 : .75;
  double *a = calloc(N * N, sizeof *a), *lu = calloc((N + 1) * N, sizeof *lu);
  double *b = malloc(N * sizeof *b), *x = malloc(N * sizeof *x), *g = malloc(N * sizeof *g);
  double *gb = calloc(N, sizeof *gb), *t = malloc(N * sizeof *t), *room = malloc(8 * N * sizeof *room);
  for (size_t i = 0; i < N; i++) {
    a[i * N + i] = 1, lu[i * N + i] = 2;
    b[i] = (double)(i % 100), g[i] = (double)(i % 7), t[i] = (double)(i % 13);
    lu[N * N + i] = (double)i; /* no rows are exchanged */
  }
  const dz__array args[3] = {{.rank = 2, .dims = {N, N}, .size = N * N, .data = a},
                             {.rank = 1, .dims = {N}, .size = N, .data = b},
                             {.rank = 2, .dims = {N + 1, N}, .size = (N + 1) * N, .data = lu}};
  const int64_t attr = 0;
  dz__call call = {
      .op = "solve", .nargs = 3, .args = args, .nattr = 1, .attr = &attr, .g = g, .scratch = room};
  call.out = (dz__array){.rank = 1, .dims = {N}, .size = N, .data = x};
  call.ga = (double *[]){NULL, gb, NULL};
  op(DZ__F_solve)->forward(&call);
  ck_assert(!op(DZ__F_solve)->reverse(&call));
  for (size_t i = 0; i < N; i++) ck_assert(x[i] == part * b[i] && gb[i] == part * g[i]);
  double *tangents[3] = {NULL, t, NULL}, *out = gb;
  const dz__tangent_call p = {.op = op(DZ__F_solve), .call = call, .t = tangents, .out = out};
  op(DZ__F_solve)->tangent(&p);
  for (size_t i = 0; i < N; i++) ck_assert(out[i] == part * t[i]);
  free(a), free(lu), free(b), free(x), free(g), free(gb), free(t), free(room);
}
END_TEST

SUITE(EACH(shapes_that_cannot_be, COUNT(wrong)), ONCE(results_too_large), ONCE(nothing_is_wanted),
      ONCE(below_one), EACH(many_unknowns, 2))
