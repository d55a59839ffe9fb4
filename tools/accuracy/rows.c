/* The operations: how each is called, what MPFR calls it, and where it is hard. */
#include "accuracy.h"

#include <math.h>

/* ---- hard points ---- */

/* Next to multiples of pi/2. */
static void quarter_turns(source *s, double *x) {
  const long double quarter = 1.57079632679489661923132169163975144L;
  x[0] = either_sign(s, (double)(quarter * floorl((long double)size_between(s, 0, 15))));
}

/* Next to 0, -1, … -180, and sometimes far beyond. */
static double beside_pole(source *s) {
  const double n = uniform(s, 0, 8) < 1 ? size_between(s, 2, 14) : uniform(s, 0, 180);
  return -floor(n) + either_sign(s, uniform(s, 0, 2) < 1 ? size_between(s, -16, 0) : uniform(s, 0, 1));
}

static void beside_poles(source *s, double *x) { x[0] = beside_pole(s); }

/* x^y near the ends of the doubles' range, and negative x to whole powers. */
static void powers(source *s, double *x) {
  if (uniform(s, 0, 2) < 1) {
    x[0] = uniform(s, 0, 2) < 1 ? size_between(s, -5, 5) : 1 + either_sign(s, size_between(s, -15, -1));
    x[1] = either_sign(s, uniform(s, 660, 760)) / log(x[0]);
  } else {
    x[0] = -size_between(s, -30, 30);
    x[1] = floor(uniform(s, -20, 20));
  }
}

static void like_sizes(source *s, double *x) {
  x[0] = either_sign(s, size_between(s, -290, 290));
  x[1] = either_sign(s, x[0] * size_between(s, -9, 9));
}

/* Far apart by as much as counts, or with a sum near 0. */
static void logarithms(source *s, double *x) {
  if (uniform(s, 0, 2) < 1) {
    x[0] = either_sign(s, size_between(s, -3, 4));
    x[1] = x[0] + (uniform(s, 0, 8) < 1 ? either_sign(s, 800) : uniform(s, -810, 810));
  } else {
    x[0] = -size_between(s, -3, 2);
    x[1] = log1p(-exp(x[0]));
  }
}

static void orders(source *s, double *x) {
  x[0] = floor(uniform(s, 0, 12));
  x[1] = uniform(s, 0, 2) < 1 ? beside_pole(s) : size_between(s, -30 / (x[0] + 1), 2);
}

static void multiples(source *s, double *x) {
  x[1] = either_sign(s, size_between(s, -100, 100));
  x[0] = x[1] * (floor(either_sign(s, size_between(s, 0, 17))) + either_sign(s, size_between(s, -17, 0)));
}

/* ---- domains ---- */

/* Away from the poles, -1, -2, … */
static bool no_pole(double *x) { return x[0] > 0 || x[0] != floor(x[0]); }

/* The order is a whole number: up to 100, and to 12 left of 0, where the truth is dear. */
static bool whole_order(double *x) {
  x[0] = fabs(x[0]) < 1e-3 || fabs(x[0]) > 1e3 ? fmod(fabs(log(fabs(x[0]))), 30) : fmod(fabs(x[0]), 100);
  x[0] = x[1] < 0 ? fmod(floor(x[0]), 13) : floor(x[0]);
  if (x[0] == 0) x[0] = 1;
  return x[1] > 0 || x[1] != floor(x[1]);
}

/* Of negative numbers only whole powers are real; the large ones would be most of all points. */
static bool whole_power(double *x) {
  if (x[0] < 0 && (x[1] != floor(x[1]) || fabs(x[1]) > 1e3)) x[0] = -x[0];
  return true;
}

/* ---- the table ---- */

static const char beyond_digits[] =
    "for |x| > 1e8, glibc 2.36 knows multiples of pi/2 to 2^-93 or so only: at the few doubles that are "
    "within 1e-15 of one, as 3.32969637148221e303, it is off by up to some 1e5 ULP. They are not among the "
    "points.";

static const double circle_edges[] = {1.5707963267948966, 0.7853981633974483, 0};
static const double exp_edges[] = {709.782712893384, 708.3964185322641, 745.1332191019412, 36.7, 0};
static const double exp2_edges[] = {1000, 1024, 1022, 1074, 0};
/* Where gauss and erfc become subnormal and 0, and special.h's 800 = x^2. */
static const double gauss_edges[] = {26, 28, 26.5, 26.615717509251262, 27.226017111108366, 28.284271247461902,
                                     0};
static const double sinh_edges[] = {710.4758600739439, 22, 0.34657359027997264, 355, 372.5, 0};
static const double sigmoid_edges[] = {709.782712893384, 745.1332191019412, 36.7, 0.6931471805599453, 0};
static const double gamma_edges[] = {1.4616321449683622,
                                     2,
                                     10,
                                     171.6243769563027,
                                     170,
                                     184,
                                     2.4570247382208006,
                                     2.7476826467274127,
                                     3.1435808883499797,
                                     3.9552942848585979,
                                     4.0393618397405370,
                                     0.5040830082644554,
                                     1.5734984731623904,
                                     0.25,
                                     0.5,
                                     0};
static const double log_edges[] = {0.7071067811865476, 1.4142135623730951, 2, 0};
static const double unit_edges[] = {0.5, 0.9, 0};
static const double asinh_edges[] = {268435456, 2, 9.5367431640625e-7, 1.3407807929942597e154, 0};

#define POSITIVE .low = {0, 0, 0}, .high = {INFINITY, INFINITY, INFINITY}
#define BETWEEN(a, b) .low = {a}, .high = {b}

const row accuracy_rows[] = {
    {"neg", .one = dz_neg, .mpfr_one = mpfr_neg},
    {"add", .two = dz_add, .mpfr_two = mpfr_add},
    {"sub", .two = dz_sub, .mpfr_two = mpfr_sub},
    {"mul", .two = dz_mul, .mpfr_two = mpfr_mul},
    {"div", .two = dz_div, .mpfr_two = mpfr_div, .hard = like_sizes},
    {"pow", .two = dz_pow, .mpfr_two = mpfr_pow, .slope = slope_pow, .hard = powers, .mend = whole_power},

    {"exp", .one = dz_exp, .mpfr_one = mpfr_exp, .edges = exp_edges},
    {"exp2", .one = dz_exp2, .mpfr_one = mpfr_exp2, .edges = exp2_edges},
    {"expm1", .one = dz_expm1, .mpfr_one = mpfr_expm1, .edges = exp_edges},
    {"gauss", .one = dz_gauss, .value = ref_gauss, .edges = gauss_edges},
    {"log", .one = dz_log, .mpfr_one = mpfr_log, POSITIVE, .edges = log_edges},
    {"log2", .one = dz_log2, .mpfr_one = mpfr_log2, POSITIVE, .edges = log_edges},
    {"log10", .one = dz_log10, .mpfr_one = mpfr_log10, POSITIVE, .edges = log_edges},
    {"log1p", .one = dz_log1p, .mpfr_one = mpfr_log1p, BETWEEN(-1, INFINITY), .edges = log_edges},
    {"xlogy", .two = dz_xlogy, .value = ref_xlogy, .low = {-INFINITY, 0}, .high = {INFINITY, INFINITY}},
    {"logaddexp", .two = dz_logaddexp, .value = ref_logaddexp, .scale = scale_logaddexp, .hard = logarithms},

    {"sqrt", .one = dz_sqrt, .mpfr_one = mpfr_sqrt, POSITIVE},
    {"cbrt", .one = dz_cbrt, .mpfr_one = mpfr_cbrt},
    {"hypot", .two = dz_hypot, .mpfr_two = mpfr_hypot, .hard = like_sizes},

    {"sin", .one = dz_sin, .mpfr_one = mpfr_sin, .edges = circle_edges, .hard = quarter_turns,
     .note = beyond_digits},
    {"cos", .one = dz_cos, .mpfr_one = mpfr_cos, .edges = circle_edges, .hard = quarter_turns,
     .note = beyond_digits},
    {"tan", .one = dz_tan, .mpfr_one = mpfr_tan, .edges = circle_edges, .hard = quarter_turns,
     .note = beyond_digits},
    {"asin", .one = dz_asin, .mpfr_one = mpfr_asin, BETWEEN(-1, 1), .edges = unit_edges},
    {"acos", .one = dz_acos, .mpfr_one = mpfr_acos, BETWEEN(-1, 1), .edges = unit_edges},
    {"atan", .one = dz_atan, .mpfr_one = mpfr_atan, .edges = asinh_edges},
    {"atan2", .two = dz_atan2, .mpfr_two = mpfr_atan2, .hard = like_sizes},

    {"sinh", .one = dz_sinh, .mpfr_one = mpfr_sinh, .edges = sinh_edges},
    {"cosh", .one = dz_cosh, .mpfr_one = mpfr_cosh, .edges = sinh_edges},
    {"tanh", .one = dz_tanh, .mpfr_one = mpfr_tanh, .edges = sinh_edges},
    {"asinh", .one = dz_asinh, .mpfr_one = mpfr_asinh, .edges = asinh_edges},
    {"acosh", .one = dz_acosh, .mpfr_one = mpfr_acosh, BETWEEN(1, INFINITY), .edges = asinh_edges},
    {"atanh", .one = dz_atanh, .mpfr_one = mpfr_atanh, BETWEEN(-1, 1), .edges = unit_edges},

    {"erf", .one = dz_erf, .mpfr_one = mpfr_erf, .shifted = ref_erf_shifted, .edges = gauss_edges},
    {"erfc", .one = dz_erfc, .mpfr_one = mpfr_erfc, .shifted = ref_erfc_shifted, .edges = gauss_edges},
    {"lgamma", .one = dz_lgamma, .value = ref_lgamma, .scale = scale_lgamma, .edges = gamma_edges,
     .hard = beside_poles, .mend = no_pole, .gamma = true, .whole_period = true},
    {"tgamma", .one = dz_tgamma, .mpfr_one = mpfr_gamma, .scale = scale_tgamma, .edges = gamma_edges,
     .hard = beside_poles, .mend = no_pole, .gamma = true, .whole_period = true},
    {"digamma", .one = dz_digamma, .mpfr_one = mpfr_digamma, .scale = scale_digamma, .edges = gamma_edges,
     .hard = beside_poles, .mend = no_pole, .gamma = true, .whole_period = true},
    {"polygamma", .two = dz_polygamma, .value = ref_polygamma, .slope = slope_polygamma,
     .scale = scale_polygamma, .edges = gamma_edges, .hard = orders, .mend = whole_order, .gamma = true,
     .whole_period = true},

    {"sigmoid", .one = dz_sigmoid, .value = ref_sigmoid, .edges = sigmoid_edges},
    {"log_sigmoid", .one = dz_log_sigmoid, .value = ref_log_sigmoid, .edges = sigmoid_edges},
    {"softplus", .one = dz_softplus, .value = ref_softplus, .edges = sigmoid_edges},
    {"relu", .one = dz_relu, .value = value_relu, .slope = slope_relu},

    {"fabs", .one = dz_fabs, .mpfr_one = mpfr_abs, .slope = slope_fabs},
    {"sign", .one = dz_sign, .value = value_sign, .slope = slope_flat},
    {"floor", .one = dz_floor, .mpfr_one = mpfr_rint_floor, .slope = slope_flat},
    {"ceil", .one = dz_ceil, .mpfr_one = mpfr_rint_ceil, .slope = slope_flat},
    {"round", .one = dz_round, .mpfr_one = mpfr_rint_round, .slope = slope_flat},
    {"trunc", .one = dz_trunc, .mpfr_one = mpfr_rint_trunc, .slope = slope_flat},
    {"fmod", .two = dz_fmod, .mpfr_two = mpfr_fmod, .slope = slope_fmod, .hard = multiples},
    {"mod", .two = dz_mod, .value = value_mod, .slope = slope_mod, .hard = multiples},
    {"copysign", .two = dz_copysign, .value = value_copysign, .slope = slope_copysign},
    {"fmin", .two = dz_fmin, .mpfr_two = mpfr_min, .slope = slope_fmin},
    {"fmax", .two = dz_fmax, .mpfr_two = mpfr_max, .slope = slope_fmax},
    {"clamp", .three = dz_clamp, .value = value_clamp, .slope = slope_clamp},
    {"lt", .two = dz_lt, .value = value_lt, .slope = slope_flat},
    {"le", .two = dz_le, .value = value_le, .slope = slope_flat},
    {"gt", .two = dz_gt, .value = value_gt, .slope = slope_flat},
    {"ge", .two = dz_ge, .value = value_ge, .slope = slope_flat},
    {"eq", .two = dz_eq, .value = value_eq, .slope = slope_flat},
    {"ne", .two = dz_ne, .value = value_ne, .slope = slope_flat},
    {"and", .two = dz_and, .value = value_and, .slope = slope_flat},
    {"or", .two = dz_or, .value = value_or, .slope = slope_flat},
    {"not", .one = dz_not, .value = value_not, .slope = slope_flat},
    {"where", .three = dz_where, .value = value_where, .slope = slope_where},
    {"stop", .one = dz_stop, .mpfr_one = mpfr_set, .slope = slope_flat},
};

const size_t accuracy_row_count = sizeof accuracy_rows / sizeof *accuracy_rows;

double allowed_for(const row *r) { return r->gamma ? 8 : 4; }
