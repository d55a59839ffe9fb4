/* What is accepted and taken exactly at a bound and what just beyond: of the line search, of options, of
   schedules. The numbers are binary, so that the bounds are met. */
#include "dz/learn.h"

#include "suite.h"

#include <math.h>
#include <string.h>

static dz_optimiser *lbfgs_of(size_t n, size_t history) {
  dz_optimiser_options how;
  ck_assert(dz_optimiser_defaults("lbfgs", &how) == DZ_OK);
  how.history = history;
  dz_optimiser *o = dz_optimiser_new(&how, n, NULL, NULL);
  ck_assert_ptr_nonnull(o);
  return o;
}

/* From 0 with the slope -1 the first length is 1. There a loss of -1/10000, what the length promises times
   what is asked of it, will do, and a slope of -.9; a loss above asks for half the length, a slope below for
   the double. Where it will do and is level the search is at its end. */
static const struct {
  double loss, slope, next;
} first[] = {{-1e-4, 0, 1}, {0, 0, .5}, {-.9999e-4, 0, .5}, {1, -2, .5}, {-1, -.91, 2}, {-1, -1, 2}};

START_TEST(the_line_search_asks_for) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){-1}) == DZ_OK);
  ck_assert(x == 1);
  ck_assert(dz_optimiser_step(o, first[_i].loss, &x, &first[_i].slope) == DZ_OK);
  ck_assert_msg(x == first[_i].next, "%.17g", x);
  ck_assert_uint_eq(dz_optimiser_steps(o), 2);
  dz_optimiser_free(o);
}
END_TEST

/* A slope of exactly -.9 is flat enough: the point is the new base, and the pair s = 1, y = .1 puts the next
   one where the slope is 0, 9 further. */
START_TEST(flat_enough) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){-1}) == DZ_OK);
  ck_assert(dz_optimiser_step(o, -.95, &x, &(double){-.9}) == DZ_OK);
  ck_assert_msg(fabs(x - 10) <= 0x1p-48, "%.17g", x);
  dz_optimiser_free(o);
}
END_TEST

/* What is asked of it is a part of the slope at the base, along the line: -4, as the direction is 2. -1 is
   flat enough then, and the pair s = 1, y = 3/2 puts the next point 1/3 further. */
START_TEST(flat_enough_along_the_line) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){-2}) == DZ_OK);
  ck_assert(x == 1);
  ck_assert(dz_optimiser_step(o, -1, &x, &(double){-.5}) == DZ_OK);
  ck_assert_msg(fabs(x - 4. / 3) <= 0x1p-51, "%.17g", x);
  dz_optimiser_free(o);
}
END_TEST

/* Lengths are halved where the loss is no number, and doubled where it falls without an end; after sixty the
   search is at its end, at its base. */
START_TEST(sixty_lengths) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0;
  const double down = -1;
  ck_assert(dz_optimiser_step(o, 0, &x, &down) == DZ_OK);
  for (int k = 0; k < 60; k++) {
    ck_assert_msg(x == ldexp(1, _i ? k : -k), "%d: %g", k, x);
    ck_assert(dz_optimiser_step(o, _i ? -x : (double)NAN, &x, &down) == DZ_OK);
  }
  ck_assert_msg(x == 0, "%g", x);
  dz_optimiser_free(o);
}
END_TEST

/* One pair, s = 1 and y = 1/2, is enough for a second line: after sixty lengths along 1, one of 1/2. */
START_TEST(a_second_line_without_one_pair) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0;
  const double down = -.5;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){-1}) == DZ_OK);
  ck_assert(dz_optimiser_step(o, -1, &x, &down) == DZ_OK);
  ck_assert(x == 2);
  for (int k = 0; k < 120; k++) {
    ck_assert_msg(k != 60 || x == 1.5, "%.17g", x);
    ck_assert(dz_optimiser_step(o, (double)NAN, &x, &down) == DZ_OK);
  }
  ck_assert(x == 1);
  dz_optimiser_free(o);
}
END_TEST

/* A search that is at its end, as the first gradient is 0, stays there whatever it is told. */
START_TEST(the_end_is_the_end) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 5;
  for (int k = 0; k < 3; k++) {
    ck_assert(dz_optimiser_step(o, -k, &x, &(double){-k}) == DZ_OK);
    ck_assert(x == 5);
  }
  dz_optimiser_free(o);
}
END_TEST

/* A slope that is lost below the smallest number is none: by the pair s = 1, y = 2^300 it would be -2^-1300.
   By the gradient alone it is -2^-1000. */
START_TEST(a_slope_that_is_lost) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = -1;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){-0x1p300}) == DZ_OK);
  ck_assert(x == 0);
  ck_assert(dz_optimiser_step(o, -0x1p300, &x, &(double){-0x1p-500}) == DZ_OK);
  ck_assert_msg(x == 0x1p-500, "%g", x);
  dz_optimiser_free(o);
}
END_TEST

/* A step of 2^-60 from 1 leads nowhere; then the pair before it, by which the next would be 8 long, is
   dropped as well: the step is one of steepest descent, 1 long. */
START_TEST(a_step_that_is_lost) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){-1}) == DZ_OK);
  ck_assert(dz_optimiser_step(o, -1, &x, &(double){-0x1p-60}) == DZ_OK);
  ck_assert(x == 1);
  ck_assert(dz_optimiser_step(o, -2, &x, &(double){8}) == DZ_OK);
  ck_assert_msg(x == 0, "%g", x);
  dz_optimiser_free(o);
}
END_TEST

/* A pair whose y.y is lost below the smallest number gives no direction that is one: it is dropped, and the
   step is one of steepest descent, by the gradient, where the search would have ended. */
START_TEST(one_pair_without_a_way_down) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0;
  ck_assert(dz_optimiser_step(o, 0, &x, &(double){-1e-161}) == DZ_OK);
  ck_assert(x == 1e-161);
  ck_assert(dz_optimiser_step(o, -1, &x, &(double){-.85e-161}) == DZ_OK);
  ck_assert_msg(fabs(x - 1.85e-161) <= 1e-175, "%g", x);
  dz_optimiser_free(o);
}
END_TEST

/* With pairs, a line that fails is followed by one of steepest descent: the points, which came ever nearer to
   the best, are far from it once more, and only once. */
START_TEST(a_second_line_without_pairs) {
  dz_optimiser *o = lbfgs_of(2, 4);
  double x[2] = {3, 1}, best[2], before = INFINITY;
  int farther = 0;
  for (int k = 0; k < 6; k++) /* x^2 + 4 y^2 */
    ck_assert(dz_optimiser_step(o, x[0] * x[0] + 4 * x[1] * x[1], x, (double[]){2 * x[0], 8 * x[1]}) ==
              DZ_OK);
  dz_optimiser_best(o, best);
  for (int k = 0; k < 200; k++) {
    ck_assert(dz_optimiser_step(o, (double)NAN, x, x) == DZ_OK);
    double away = hypot(x[0] - best[0], x[1] - best[1]);
    farther += away > before;
    before = away;
  }
  ck_assert_int_eq(farther, 1);
  ck_assert(before == 0);
  dz_optimiser_free(o);
}
END_TEST

/* A loss that falls as far as 5/4 and is out of bounds from the next number on: the lengths 1, 2, 3/2, 5/4,
   then 5/4 + 2^-k to k = 52, and no number is left between the two. The search ends there, at its base. */
START_TEST(a_line_without_a_number_left) {
  dz_optimiser *o = lbfgs_of(1, 4);
  double x = 0, last = 0;
  int tried = 0;
  const double down = -1;
  ck_assert(dz_optimiser_step(o, 0, &x, &down) == DZ_OK);
  for (; x != 0 && tried < 100; tried++) {
    last = x;
    ck_assert(dz_optimiser_step(o, x > 1.25 ? 1000 : -x, &x, &down) == DZ_OK);
  }
  ck_assert_int_eq(tried, 4 + 50);
  ck_assert(last == 1.25 + 0x1p-52);
  dz_optimiser_free(o);
}
END_TEST

/* Where the search has not begun no length and no direction in a state moves anything. */
START_TEST(a_state_before_the_first_step) {
  dz_optimiser *o = lbfgs_of(1, 1);
  size_t n;
  (void)dz_optimiser_state(o, &n);
  double kept[64], x = 5;
  ck_assert_uint_lt(n, COUNT(kept));
  for (size_t k = 0; k < n; k++) kept[k] = k < 4 ? 0 : 1;
  for (size_t k = 10; k < 16; k++) kept[k] = 0;
  ck_assert(dz_optimiser_restore(o, kept, n, &x) == DZ_OK);
  ck_assert(x == 5);
  dz_optimiser_free(o);
}
END_TEST

/* So many steps are counted without a gap. */
START_TEST(most_steps) {
  dz_optimiser_options how;
  ck_assert(dz_optimiser_defaults("sgd", &how) == DZ_OK);
  dz_optimiser *o = dz_optimiser_new(&how, 1, NULL, NULL);
  double kept[16] = {0x1p53}, x = 0;
  ck_assert(dz_optimiser_restore(o, kept, COUNT(kept), &x) == DZ_OK);
  ck_assert_uint_eq(dz_optimiser_steps(o), UINT64_C(1) << 53);
  kept[0] = nextafter(0x1p53, INFINITY);
  ck_assert(dz_optimiser_restore(o, kept, COUNT(kept), &x) == DZ_ERR_ARGUMENT);
  dz_optimiser_free(o);
  size_t n = 1;
  ck_assert_ptr_null(dz_optimiser_state(NULL, &n));
  ck_assert_uint_eq(n, 0);
}
END_TEST

static void *no_memory(void *user, void *block, size_t old_size, size_t new_size) { return NULL; }

/* The most parameters are too many for this allocator; one more are too many for any. */
START_TEST(most_parameters) {
  const dz_allocator a = {.resize = no_memory};
  const size_t most = SIZE_MAX / 64 / 4;
  dz_optimiser_options how;
  dz_error error;
  ck_assert(dz_optimiser_defaults("sgd", &how) == DZ_OK);
  for (size_t k = 0; k < 2; k++) {
    ck_assert_ptr_null(dz_optimiser_new(&how, most + k, &a, &error));
    ck_assert_int_eq(error.status, k ? DZ_ERR_LIMIT : DZ_ERR_MEMORY);
  }
}
END_TEST

/* What dz/learn.h says of each method. */
static const struct {
  const char *method;
  size_t slots; /* numbers kept for each parameter */
  double rate, decay, weight_decay;
} methods[] = {{"sgd", 0, .01, .999, 0},      {"momentum", 1, .01, .999, 0},    {"nesterov", 1, .01, .999, 0},
               {"adagrad", 1, .01, .999, 0},  {"rmsprop", 1, .01, .9, 0},       {"adam", 2, .001, .999, 0},
               {"adamw", 2, .001, .999, .01}, {"lbfgs", 3 + 2 * 10, 1, .999, 0}};

START_TEST(numbers_kept) {
  dz_optimiser_options how;
  size_t none, five;
  ck_assert(dz_optimiser_defaults(methods[_i].method, &how) == DZ_OK);
  dz_optimiser *o = dz_optimiser_new(&how, 0, NULL, NULL), *p = dz_optimiser_new(&how, 5, NULL, NULL);
  (void)dz_optimiser_state(o, &none);
  (void)dz_optimiser_state(p, &five);
  ck_assert_msg(five - none == 5 * methods[_i].slots, "%s: %zu", how.method, five - none);
  dz_optimiser_free(o);
  dz_optimiser_free(p);
}
END_TEST

START_TEST(usual_options) {
  dz_optimiser_options how;
  ck_assert(dz_optimiser_defaults(methods[_i].method, &how) == DZ_OK);
  ck_assert_str_eq(how.method, methods[_i].method);
  ck_assert(how.rate == methods[_i].rate && how.decay == methods[_i].decay &&
            how.weight_decay == methods[_i].weight_decay);
  ck_assert(how.momentum == .9 && how.epsilon == 1e-8 && how.clip == HUGE_VAL && how.history == 10);
  ck_assert(how.schedule.kind == DZ_SCHEDULE_CONSTANT && how.schedule.warm_up == 0);
}
END_TEST

START_TEST(names) {
  for (size_t k = 0; k < COUNT(methods); k++) ck_assert_str_eq(dz_optimiser_method(k), methods[k].method);
  ck_assert_ptr_null(dz_optimiser_method(COUNT(methods)));
  ck_assert_ptr_null(dz_optimiser_method(SIZE_MAX));
}
END_TEST

static bool accepted(const dz_optimiser_options *how) {
  dz_error error;
  dz_optimiser *o = dz_optimiser_new(how, 1, NULL, &error);
  ck_assert((o != NULL) == (error.status == DZ_OK));
  dz_optimiser_free(o);
  return o != NULL;
}

static dz_optimiser_options of(const char *method) {
  dz_optimiser_options how;
  ck_assert(dz_optimiser_defaults(method, &how) == DZ_OK);
  return how;
}

START_TEST(options_at_their_bounds) {
  dz_optimiser_options how = of("lbfgs");
  for (int k = 0; k < 4; k++) {
    how.history = (size_t[]){0, 1, 1000, 1001}[k];
    ck_assert_int_eq(accepted(&how), k == 1 || k == 2);
  }
  how = of("adam");
  how.schedule = (dz_schedule){.kind = DZ_SCHEDULE_STEP, .every = 1, .factor = 1};
  ck_assert(accepted(&how));
  how.schedule.factor = 0;
  ck_assert(!accepted(&how));
  how.schedule.factor = nextafter(1, 2);
  ck_assert(!accepted(&how));
  how.schedule.kind = DZ_SCHEDULE_CONSTANT; /* which has none */
  ck_assert(accepted(&how));
  how = of("adam"), how.epsilon = 0, how.momentum = 0, how.decay = 0, how.weight_decay = 0;
  ck_assert(accepted(&how));
  how = of("adam"), how.epsilon = -0x1p-1074;
  ck_assert(!accepted(&how));
  how = of("adam"), how.momentum = 1;
  ck_assert(!accepted(&how));
  how = of("adam"), how.decay = 1;
  ck_assert(!accepted(&how));
  how = of("adam"), how.decay = -.5;
  ck_assert(!accepted(&how));
  how = of("adam"), how.weight_decay = -0x1p-1074;
  ck_assert(!accepted(&how));
  how = of("adam"), how.clip = 0;
  ck_assert(!accepted(&how));
  how = of("adam"), how.rate = 0;
  ck_assert(!accepted(&how));
  how = of("adam"), how.rate = 0x1p-1074, how.clip = 0x1p-1074;
  ck_assert(accepted(&how));
}
END_TEST

/* .5^0 to .5^5, each for ten steps; a schedule without a length is at its end after the first step. */
START_TEST(schedules_step_by_step) {
  dz_schedule s = {DZ_SCHEDULE_STEP, 10, 0, 0, .5};
  for (uint64_t k = 0; k < 60; k++) ck_assert(dz_schedule_at(&s, k) == ldexp(1, -(int)(k / 10)));
  s.every = 0; /* as 1 */
  for (uint64_t k = 0; k < 60; k++) ck_assert(dz_schedule_at(&s, k) == ldexp(1, -(int)k));
  s = (dz_schedule){DZ_SCHEDULE_COSINE, 0, 0, 0, 0};
  ck_assert(dz_schedule_at(&s, 0) == 1 && dz_schedule_at(&s, 1) == 0);
  s = (dz_schedule){DZ_SCHEDULE_COSINE, 0, 8, 4, 0};
  ck_assert(dz_schedule_at(&s, 0) == .25);
  ck_assert(fabs(dz_schedule_at(&s, 2) - .75 * (2 + sqrt(2)) / 4) <= 0x1p-52);
}
END_TEST

SUITE(EACH(the_line_search_asks_for, COUNT(first)), ONCE(flat_enough), ONCE(flat_enough_along_the_line),
      EACH(sixty_lengths, 2), ONCE(a_second_line_without_one_pair), ONCE(the_end_is_the_end),
      ONCE(a_slope_that_is_lost), ONCE(a_step_that_is_lost), ONCE(one_pair_without_a_way_down),
      ONCE(a_line_without_a_number_left), ONCE(a_second_line_without_pairs),
      ONCE(a_state_before_the_first_step), ONCE(most_steps), ONCE(most_parameters),
      EACH(numbers_kept, COUNT(methods)), EACH(usual_options, COUNT(methods)), ONCE(names),
      ONCE(options_at_their_bounds), ONCE(schedules_step_by_step))
