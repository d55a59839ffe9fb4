/* Every optimiser against five steps, and lbfgs against its first points, that a program of a few lines
   computed to 60 digits with formulas of its own (nesterov in Sutskever's form; lbfgs with the whole matrix).
   All options are exact in binary but epsilon. */
#include "dz/learn.h"
#include "dz/tensor.h"

#include "suite.h"

#include <math.h>
#include <string.h>

enum { N = 3, STEPS = 5 };
static const double start[N] = {1, -.5, .25};
static const double gradients[STEPS][N] = {
    {.5, -1, .25}, {-.75, .5, 2}, {.125, .25, -.5}, {1, -2, .5}, {-.25, .75, 1.5}};

static const struct {
  const char *method;
  double weight_decay, clip, x[N];
} cases[] = {
    {"sgd", 0, HUGE_VAL, {0.921875, -0.3125, -0.21875}},
    {"momentum", 0, HUGE_VAL, {0.842041015625, -0.01806640625, -0.6812744140625}},
    {"nesterov", 0, HUGE_VAL, {0.80340576171875, 0.0489501953125, -0.917205810546875}},
    {"adagrad", 0, HUGE_VAL, {0.8921134583750167, -0.388392004365289, -0.07003552362571262}},
    {"rmsprop", 0, HUGE_VAL, {0.6879441017825616, -0.20081427594240697, -0.686239847641951}},
    {"adam", 0, HUGE_VAL, {0.8476063592392821, -0.25782646572154866, -0.18009203805670188}},
    {"adamw", .0625, HUGE_VAL, {0.812241585597244, -0.2434837450506308, -0.18210851940607767}},
    {"sgd", .0625, HUGE_VAL, {0.8843880628410261, -0.29714558411797043, -0.22206979536713334}},
    {"adam", .0625, HUGE_VAL, {0.804578978015345, -0.24515924951033768, -0.18124330164379768}},
    {"momentum", 0, 1, {0.837247449775793, -0.18165091844253692, -0.15861321285543414}},
    {"momentum", .0625, HUGE_VAL, {0.7612180856231134, 0.013037845972576179, -0.6850727127239225}},
    {"nesterov", .0625, HUGE_VAL, {0.7081158276496637, 0.07958618498570047, -0.910146229238471}},
    {"adagrad", .0625, HUGE_VAL, {0.8695121060585668, -0.3802117949647665, -0.06983007312741694}},
    {"rmsprop", .0625, HUGE_VAL, {0.631870256418133, -0.18494672308281515, -0.6745561001938516}},
    {"sgd", .0625, 1, {0.8993351618486526, -0.3806579487750348, 0.026522229801642976}},
};

/* Five steps, each of at most twelve roundings of terms below 1 that reach x. */
static const double bound = STEPS * 12 * 0x1p-53;

static dz_optimiser_options options_of(int i) {
  dz_optimiser_options how;
  ck_assert(dz_optimiser_defaults(cases[i].method, &how) == DZ_OK);
  how.rate = .125;
  how.momentum = .75;
  how.decay = .875;
  how.weight_decay = cases[i].weight_decay;
  how.clip = cases[i].clip;
  return how;
}

static dz_optimiser *made(const dz_optimiser_options *how, size_t n) {
  dz_error error;
  dz_optimiser *o = dz_optimiser_new(how, n, NULL, &error);
  ck_assert_msg(o != NULL, "%s", error.message);
  return o;
}

static dz_optimiser_options defaults_of(const char *method) {
  dz_optimiser_options how;
  ck_assert(dz_optimiser_defaults(method, &how) == DZ_OK);
  return how;
}

static dz_optimiser *lbfgs_of(size_t n) {
  const dz_optimiser_options how = defaults_of("lbfgs");
  return made(&how, n);
}

START_TEST(five_steps) {
  dz_optimiser_options how = options_of(_i);
  dz_optimiser *o = made(&how, N);
  double x[N];
  memcpy(x, start, sizeof x);
  for (int t = 0; t < STEPS; t++) ck_assert(dz_optimiser_step(o, 0, x, gradients[t]) == DZ_OK);
  for (int i = 0; i < N; i++)
    ck_assert_msg(fabs(x[i] - cases[_i].x[i]) <= bound, "%s, %d: %.17g instead of %.17g", how.method, i, x[i],
                  cases[_i].x[i]);
  ck_assert_uint_eq(dz_optimiser_steps(o), STEPS);
  dz_optimiser_free(o);
}
END_TEST

/* Kept after two steps and put into another optimiser, the rest is the same to the bit. */
START_TEST(goes_on_to_the_same_bits) {
  dz_optimiser_options how = options_of(_i);
  dz_optimiser *o = made(&how, N), *other = made(&how, N);
  double x[N], y[N], kept[DZ_MAX_RANK + 64];
  memcpy(x, start, sizeof x);
  for (int t = 0; t < 2; t++) dz_optimiser_step(o, 0, x, gradients[t]);
  size_t n;
  const double *state = dz_optimiser_state(o, &n);
  memcpy(kept, state, n * sizeof *kept);
  memcpy(y, x, sizeof y);
  for (int t = 2; t < STEPS; t++) dz_optimiser_step(o, 0, x, gradients[t]);
  ck_assert(dz_optimiser_restore(other, kept, n - 1, y) == DZ_ERR_SHAPE);
  ck_assert(dz_optimiser_restore(other, kept, n, y) == DZ_OK);
  for (int t = 2; t < STEPS; t++) dz_optimiser_step(other, 0, y, gradients[t]);
  ck_assert(memcmp(x, y, sizeof x) == 0);
  kept[0] = -1;
  ck_assert(dz_optimiser_restore(other, kept, n, y) == DZ_ERR_ARGUMENT);
  kept[0] = NAN;
  ck_assert(dz_optimiser_restore(other, kept, n, y) == DZ_ERR_ARGUMENT);
  dz_optimiser_free(o);
  dz_optimiser_free(other);
}
END_TEST

/* Wherever it stands. lbfgs, last, does not begin there. */
START_TEST(not_finite_is_refused) {
  dz_optimiser_options how = _i < (int)COUNT(cases) ? options_of(_i) : defaults_of("lbfgs");
  dz_optimiser *o = made(&how, N);
  double x[N];
  memcpy(x, start, sizeof x);
  for (int k = 0; k < 2 * N; k++) {
    double g[N] = {1, 2, 0};
    g[k / 2] = k % 2 ? INFINITY : NAN;
    ck_assert(dz_optimiser_step(o, 0, x, g) == DZ_ERR_ARGUMENT);
    ck_assert(memcmp(x, start, sizeof x) == 0 && dz_optimiser_steps(o) == 0);
  }
  dz_optimiser_free(o);
}
END_TEST

/* Squares of these neither over- nor underflow in a clip: x goes by rate * clip * g/|g|, |g| = 5 * 2^k. */
START_TEST(clips_any_size) {
  const double scale = _i ? 0x1p-1000 : 0x1p1000;
  dz_optimiser_options how = defaults_of("sgd");
  how.rate = 1;
  how.clip = scale;
  dz_optimiser *o = made(&how, 2);
  double x[2] = {0, 0}, g[2] = {3 * scale, 4 * scale};
  ck_assert(dz_optimiser_step(o, 0, x, g) == DZ_OK);
  ck_assert(fabs(x[0] / scale + .6) <= 0x1p-51 && fabs(x[1] / scale + .8) <= 0x1p-51);
  dz_optimiser_free(o);
}
END_TEST

/* An element that is far longer than the others is the norm, to the last bit; x goes by g/|g|. On the heap,
   so that a sanitizer sees an element too many. */
START_TEST(clips_by_the_longest_element) {
  static const double most = 0x1p700, g[3][2] = {{most, 1}, {1, most}, {most}};
  const size_t n = _i < 2 ? 2 : 1, bytes = n * sizeof(double);
  dz_optimiser_options how = defaults_of("sgd");
  how.rate = how.clip = 1;
  dz_optimiser *o = made(&how, n);
  double *x = calloc(n, sizeof *x), *given = malloc(bytes);
  memcpy(given, g[_i], bytes);
  ck_assert(dz_optimiser_step(o, 0, x, given) == DZ_OK);
  for (size_t i = 0; i < n; i++) ck_assert_msg(x[i] == -g[_i][i] / most, "%zu: %g", i, x[i]);
  free(x);
  free(given);
  dz_optimiser_free(o);
}
END_TEST

/* Without decay, and with nothing to clip, x has no part in the gradient: 0 times infinity would be NaN. */
START_TEST(gradients_are_taken_as_they_are) {
  const dz_optimiser_options how = defaults_of("sgd");
  dz_optimiser *o = made(&how, 1);
  double x = INFINITY;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){1}) == DZ_OK);
  ck_assert(x == HUGE_VAL);
  dz_optimiser_free(o);
}
END_TEST

/* By 1/4, 1/8 and 1/16. */
START_TEST(the_rate_is_by_the_schedule) {
  dz_optimiser_options how = defaults_of("sgd");
  how.rate = .25;
  how.schedule = (dz_schedule){.kind = DZ_SCHEDULE_STEP, .every = 1, .factor = .5};
  dz_optimiser *o = made(&how, 1);
  double x = 0;
  for (int k = 0; k < 3; k++) ck_assert(dz_optimiser_step(o, 0, &x, &(double){-1}) == DZ_OK);
  ck_assert(x == .4375);
  dz_optimiser_free(o);
}
END_TEST

/* ---- lbfgs ---- */

/* x^T A x / 2 + sum x_i^4 / 4 */
static double bowl(const double *x, double *g) {
  static const double A[N][N] = {{4, 1, 0}, {1, 3, 1}, {0, 1, 8}};
  double f = 0;
  for (int i = 0; i < N; i++) {
    double z = 0;
    for (int j = 0; j < N; j++) z += A[i][j] * x[j];
    f += x[i] * z / 2 + x[i] * x[i] * x[i] * x[i] / 4;
    g[i] = z + x[i] * x[i] * x[i];
  }
  return f;
}

START_TEST(lbfgs_points) {
  static const struct {
    int k;
    double x[N];
  } points[] = {{1, {0.0552500972756253, -0.42127084143963545, -0.06819701584814009}},
                {2, {0.020092692359369526, -0.1952250576072466, 0.0666897532624792}},
                {3, {0.016108278195086215, -0.05876961444101058, 0.0282097986716315}},
                {5, {-3.76847866048676e-06, 0.0005949784478841706, 0.00045272027798107993}},
                {7, {-3.900997481035639e-06, 5.084707723485347e-06, -2.1131084227765577e-06}}};
  dz_optimiser_options how = defaults_of("lbfgs");
  how.history = 2;
  dz_optimiser *o = made(&how, N);
  double x[N], g[N];
  memcpy(x, start, sizeof x);
  for (size_t p = 0, k = 1; p < COUNT(points); k++) {
    double f = bowl(x, g);
    ck_assert(dz_optimiser_step(o, f, x, g) == DZ_OK);
    if ((int)k < points[p].k) continue;
    /* Some hundred roundings of terms up to 8 a step; a pair too many or too few shows at 1e-4. */
    for (int i = 0; i < N; i++)
      ck_assert_msg(fabs(x[i] - points[p].x[i]) <= (double)k * 800 * 0x1p-53, "point %zu, %d: %.17g", k, i,
                    x[i]);
    p++;
  }
  dz_optimiser_free(o);
}
END_TEST

static double rosenbrock(const double *x, double *g) {
  double a = 1 - x[0], b = x[1] - x[0] * x[0];
  g[0] = -2 * a - 400 * x[0] * b;
  g[1] = 200 * b;
  return a * a + 100 * b * b;
}

/* The valley's end is (1, 1), with the value 0; plain descent needs thousands of steps. Kept and put back in
 * the middle of it all, the points are the same to the bit. */
START_TEST(lbfgs_valley) {
  dz_optimiser *o = lbfgs_of(2), *other = lbfgs_of(2);
  double x[2] = {-1.2, 1}, y[2] = {0, 0}, g[2], kept[200];
  for (int k = 0; k < 80; k++) {
    double f = rosenbrock(x, g);
    ck_assert(dz_optimiser_step(o, f, x, g) == DZ_OK);
    if (k == 20) {
      size_t n;
      const double *state = dz_optimiser_state(o, &n);
      memcpy(kept, state, n * sizeof *kept);
      ck_assert(dz_optimiser_restore(other, kept, n, y) == DZ_OK);
      kept[3] = 1e9; /* not a pair's number */
      dz_optimiser *third = lbfgs_of(2);
      ck_assert(dz_optimiser_restore(third, kept, n, g) == DZ_ERR_ARGUMENT);
      dz_optimiser_free(third);
    }
    if (k > 20) {
      f = rosenbrock(y, g);
      dz_optimiser_step(other, f, y, g);
    }
    if (k >= 20) ck_assert(memcmp(x, y, sizeof x) == 0);
  }
  dz_optimiser_best(o, x);
  ck_assert(rosenbrock(x, g) < 0x1p-60);
  dz_optimiser_free(o);
  dz_optimiser_free(other);
}
END_TEST

/* -ln(1 - x) - 2x has its least value at x = .5 and is no number from 1 on: what lies beyond is too far. */
START_TEST(lbfgs_comes_back_from_nan) {
  dz_optimiser_options how = defaults_of("lbfgs");
  how.rate = 64;
  dz_optimiser *o = made(&how, 1);
  double x = 0;
  int outside = 0;
  for (int k = 0; k < 100; k++) {
    double g = x < 1 ? 1 / (1 - x) - 2 : (double)NAN, f = x < 1 ? -log1p(-x) - 2 * x : (double)NAN;
    outside += !(x < 1);
    ck_assert(dz_optimiser_step(o, f, &x, &g) == DZ_OK);
  }
  dz_optimiser_best(o, &x);
  ck_assert_int_gt(outside, 0);
  ck_assert(fabs(x - .5) < 0x1p-24); /* where f no longer changes: (x - .5)^2 * 2 is half an ULP of it */
  dz_optimiser_free(o);
}
END_TEST

/* Where no length along a line will do, the pairs are dropped, then the search ends; x stays at the best
 * point. */
START_TEST(lbfgs_gives_up) {
  dz_optimiser *o = lbfgs_of(2);
  double x[2] = {-1.2, 1}, best[2], g[2];
  for (int k = 0; k < 20; k++) {
    const double f = rosenbrock(x, g);
    ck_assert(dz_optimiser_step(o, f, x, g) == DZ_OK);
  }
  dz_optimiser_best(o, best);
  for (int k = 0; k < 300; k++) ck_assert(dz_optimiser_step(o, (double)NAN, x, g) == DZ_OK);
  ck_assert(memcmp(x, best, sizeof x) == 0);
  dz_optimiser_best(o, x);
  ck_assert(memcmp(x, best, sizeof x) == 0);
  dz_optimiser_free(o);
}
END_TEST

/* -x has no least value: steps double, and after sixty of them the line is given up, with the last point
   still finite. */
START_TEST(lbfgs_without_a_bottom) {
  dz_optimiser *o = lbfgs_of(1);
  double x = 0, slope = -1;
  for (int k = 0; k < 200; k++) ck_assert(dz_optimiser_step(o, -x, &x, &slope) == DZ_OK);
  ck_assert(isfinite(x));
  dz_optimiser_free(o);
}
END_TEST

/* At 1e17 a step of 1 leads nowhere: such a pair says nothing about the curvature, and is dropped. */
START_TEST(lbfgs_steps_below_rounding) {
  dz_optimiser *o = lbfgs_of(1);
  double x = 1e17;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){1}) == DZ_OK);
  ck_assert(x == 1e17);
  ck_assert(dz_optimiser_step(o, -1, &x, &(double){-1}) == DZ_OK);
  size_t n;
  ck_assert(dz_optimiser_state(o, &n)[2] == 0); /* pairs */
  ck_assert(isfinite(x));
  dz_optimiser_free(o);
}
END_TEST

/* A number that says how many pairs there are, or which is the newest, is a whole one within the history. */
START_TEST(lbfgs_refuses_states_that_are_none) {
  static const double wrong[] = {-1, .5, 11, (double)NAN};
  dz_optimiser *o = lbfgs_of(1);
  size_t n;
  double kept[64], x = 0;
  const double *state = dz_optimiser_state(o, &n);
  memcpy(kept, state, n * sizeof *kept);
  for (int which = 2; which <= 3; which++) {
    for (size_t k = 0; k < COUNT(wrong); k++) {
      kept[which] = wrong[k];
      ck_assert(dz_optimiser_restore(o, kept, n, &x) == DZ_ERR_ARGUMENT);
    }
    kept[which] = 0;
  }
  kept[3] = 10; /* places count from 0 */
  ck_assert(dz_optimiser_restore(o, kept, n, &x) == DZ_ERR_ARGUMENT);
  kept[3] = 9;
  ck_assert(dz_optimiser_restore(o, kept, n, &x) == DZ_OK);
  dz_optimiser_free(o);
}
END_TEST

/* There is no direction in a gradient of 0, and nothing to clip. */
START_TEST(no_gradient_no_step) {
  dz_optimiser_options how = defaults_of("sgd");
  how.clip = 1;
  dz_optimiser *o = made(&how, N);
  double x[N] = {1, 2, 3};
  ck_assert(dz_optimiser_step(o, 0, x, (double[N]){0}) == DZ_OK);
  ck_assert(x[0] == 1 && x[1] == 2 && x[2] == 3);
  dz_optimiser_free(o);
}
END_TEST

/* ---- on a tape, and what is refused ---- */

START_TEST(on_a_tape) {
  dz_tape *t = dz_tape_new(NULL);
  const size_t two[] = {2};
  dz_var w = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, two, (double[]){1, 2}), b = dz_param(t, 4);
  dz_mark begin = dz_tape_mark(t);
  dz_backward(dz_add(dz_sum(dz_mul(w, w), DZ_ALL, false), dz_mul(3, b)));
  dz_optimiser_options how = defaults_of("sgd");
  how.rate = .25;
  dz_optimiser *o = made(&how, 3);
  ck_assert(dz_optimiser_apply(o, 0, 1, &w) == DZ_ERR_SHAPE);
  ck_assert(dz_optimiser_apply(o, 0, 2, (dz_var[]){w, b}) == DZ_OK);
  dz_tape_rewind(t, begin);
  ck_assert(dz_values(w)[0] == .5 && dz_values(w)[1] == 1 && dz_value(b) == 3.25);
  ck_assert(dz_optimiser_apply(NULL, 0, 1, &w) == DZ_ERR_ARGUMENT);
  const dz_var nothing = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){0}, NULL),
               z = dz_add(b, dz_sum(w, 0, false));
  dz_backward(z);
  ck_assert(dz_optimiser_apply(o, 0, 2, (dz_var[]){w, z}) == DZ_ERR_ARGUMENT); /* z is no leaf */
  ck_assert(dz_optimiser_apply(o, 0, 3, (dz_var[]){w, nothing, b}) == DZ_OK);
  ck_assert(dz_optimiser_apply(o, 0, 2, (dz_var[]){w, dz_num(1)}) == DZ_ERR_HANDLE);
  dz_optimiser_free(o);
  dz_tape_free(t);
}
END_TEST

/* Leaves of several sizes, clipped and with decay: |g| = 4, so that x becomes x - (g/2 + x/4)/2. */
START_TEST(on_a_tape_by_parts) {
  static const double x[] = {8, 16, 24, 32, 40, 48}, g[] = {3, 1, 1, 1, 2, 0};
  dz_tape *t = dz_tape_new(NULL);
  dz_var w[3], loss = dz_num(0);
  for (size_t k = 0, at = 0; k < 3; at += (size_t[]){2, 1, 3}[k++]) {
    const size_t size = (size_t[]){2, 1, 3}[k];
    w[k] = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, &size, x + at);
    const dz_var slopes = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &size, g + at);
    loss = dz_add(loss, dz_sum(dz_mul(w[k], slopes), DZ_ALL, false));
  }
  dz_backward(loss);
  dz_optimiser_options how = defaults_of("sgd");
  how.rate = .5, how.clip = 2, how.weight_decay = .25;
  dz_optimiser *o = made(&how, COUNT(x));
  ck_assert(dz_optimiser_apply(o, 0, 3, w) == DZ_OK);
  for (size_t k = 0, at = 0; k < 3; k++)
    for (size_t i = 0; i < dz_size(w[k]); i++, at++)
      ck_assert_msg(dz_values(w[k])[i] == x[at] - (g[at] / 2 + x[at] / 4) / 2, "%zu, %zu: %g", k, i,
                    dz_values(w[k])[i]);
  dz_optimiser_free(o);
  dz_tape_free(t);
}
END_TEST

START_TEST(bad_options) {
  dz_optimiser_options how;
  dz_error error;
  ck_assert(dz_optimiser_defaults("adamm", &how) == DZ_ERR_NAME);
  ck_assert(dz_optimiser_defaults(NULL, &how) == DZ_ERR_ARGUMENT);
  for (int k = 0; k < 8; k++) {
    dz_optimiser_defaults(k < 5 ? "adam" : "lbfgs", &how);
    *(k == 0   ? &how.rate
      : k == 1 ? &how.momentum
      : k == 2 ? &how.epsilon
      : k == 3 ? &how.clip
      : k == 4 ? &how.schedule.factor
      : k == 5 ? &how.weight_decay
      : k == 6 ? &how.clip
               : &how.rate) = k == 1 || k == 5 || k == 6 ? 1 : (double)NAN;
    if (k == 4) how.schedule.kind = DZ_SCHEDULE_STEP;
    ck_assert_msg(dz_optimiser_new(&how, 1, NULL, &error) == NULL && error.status == DZ_ERR_ARGUMENT, "%d",
                  k);
  }
  for (int k = 0; k < 7; k++) {
    dz_optimiser_defaults(k < 4 ? "adam" : "lbfgs", &how);
    if (k == 0) how.epsilon = HUGE_VAL;
    if (k == 1) how.weight_decay = HUGE_VAL;
    if (k == 2) how.rate = HUGE_VAL;
    if (k == 3) how.schedule = (dz_schedule){.kind = DZ_SCHEDULE_STEP, .factor = 2};
    if (k == 4) how.history = 0;
    if (k == 5) how.history = 1001;
    if (k == 6) how.schedule = (dz_schedule){.warm_up = 3};
    ck_assert_msg(dz_optimiser_new(&how, 1, NULL, &error) == NULL && error.status == DZ_ERR_ARGUMENT, "%d",
                  k);
  }
  dz_optimiser_defaults("lbfgs", &how);
  how.schedule.kind = DZ_SCHEDULE_COSINE;
  ck_assert(dz_optimiser_new(&how, 1, NULL, &error) == NULL && error.status == DZ_ERR_ARGUMENT);
  dz_optimiser_defaults("adam", &how);
  ck_assert(dz_optimiser_new(&how, SIZE_MAX / 8, NULL, &error) == NULL && error.status == DZ_ERR_LIMIT);
  how.method = "none";
  ck_assert(dz_optimiser_new(&how, 1, NULL, &error) == NULL && error.status == DZ_ERR_NAME);
  ck_assert(dz_optimiser_new(NULL, 1, NULL, &error) == NULL && error.status == DZ_ERR_ARGUMENT);
  dz_optimiser_free(NULL);
}
END_TEST

START_TEST(schedules) {
  dz_schedule s = {DZ_SCHEDULE_STEP, 10, 0, 0, .5};
  ck_assert(dz_schedule_at(NULL, 7) == 1 && dz_schedule_at(&s, 9) == 1);
  ck_assert(dz_schedule_at(&s, 10) == .5 && dz_schedule_at(&s, 35) == .125);
  s = (dz_schedule){DZ_SCHEDULE_COSINE, 0, 8, 0, 0};
  ck_assert(dz_schedule_at(&s, 0) == 1 && dz_schedule_at(&s, 8) == 0 && dz_schedule_at(&s, 9) == 0);
  ck_assert(fabs(dz_schedule_at(&s, 4) - .5) <= 0x1p-53);
  ck_assert(fabs(dz_schedule_at(&s, 2) - (2 + sqrt(2)) / 4) <= 0x1p-52);
  s = (dz_schedule){DZ_SCHEDULE_CONSTANT, 0, 0, 4, 0};
  ck_assert(dz_schedule_at(&s, 0) == .25 && dz_schedule_at(&s, 2) == .75 && dz_schedule_at(&s, 4) == 1);
}
END_TEST

SUITE(EACH(five_steps, COUNT(cases)), EACH(goes_on_to_the_same_bits, COUNT(cases)),
      EACH(not_finite_is_refused, COUNT(cases) + 1), EACH(clips_any_size, 2),
      EACH(clips_by_the_longest_element, 3), ONCE(gradients_are_taken_as_they_are),
      ONCE(the_rate_is_by_the_schedule), ONCE(lbfgs_points), ONCE(lbfgs_valley),
      ONCE(lbfgs_comes_back_from_nan), ONCE(lbfgs_gives_up), ONCE(lbfgs_without_a_bottom),
      ONCE(lbfgs_steps_below_rounding), ONCE(lbfgs_refuses_states_that_are_none), ONCE(no_gradient_no_step),
      ONCE(on_a_tape), ONCE(on_a_tape_by_parts), ONCE(bad_options), ONCE(schedules))
