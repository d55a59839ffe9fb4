/* The matrix product by each of its ways: our own with and without AVX-512 and FMA, and OpenBLAS's where it
   knows the processor, which it is made to do by its environment. Whole numbers add up exactly, so that all
   must agree; of others our own ways have the bits that product.h promises. */
#define _GNU_SOURCE /* program_invocation_name */
#include "kernels/product.h"

#include "../dice.h"
#include "suite.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAYOUTS = 5, KINDS = LAYOUTS * LAYOUTS }; /* of the factors */

#define REAL double
#define MATRIX dz__matrix
#define NAME(x) x##_double
#define PRODUCT dz__product
#define PRODUCT_ROWS dz__product_rows
#define LAYER dz__layer
#define LAYER_BACK dz__layer_back
#define PLAIN dz__layer_plain
#define FUSED_PLAIN dz__layer_fused
#define FUSED fma
#define TINY 1e-300
#define BACK_PLAIN dz__layer_back_plain
#define CAREFUL dz__product_add_careful
#include "product.inc"
#undef REAL
#undef MATRIX
#undef NAME
#undef PRODUCT
#undef PRODUCT_ROWS
#undef LAYER
#undef LAYER_BACK
#undef PLAIN
#undef FUSED_PLAIN
#undef FUSED
#undef TINY
#undef BACK_PLAIN
#undef CAREFUL

#define REAL float
#define MATRIX dz__matrixf
#define NAME(x) x##_float
#define PRODUCT dz__productf
#define PRODUCT_ROWS dz__product_rowsf
#define LAYER dz__layerf
#define LAYER_BACK dz__layer_backf
#define PLAIN dz__layer_plainf
#define FUSED_PLAIN dz__layer_fusedf
#define FUSED fmaf
#define TINY 1e-30f
#define BACK_PLAIN dz__layer_back_plainf
#define CAREFUL dz__product_add_carefulf
#include "product.inc"

/* Edges of panels, strips and vectors; a row and a column; many products, for which the library is asked. */
static const size_t dims[][3] = {{2, 2, 2},     {1, 7, 1},    {1, 5, 9},    {9, 5, 1},    {3, 300, 1},
                                 {1, 300, 3},   {4, 8, 8},    {5, 3, 17},   {7, 193, 24}, {8, 192, 48},
                                 {9, 10, 49},   {66, 20, 33}, {65, 16, 16}, {258, 5, 31}, {2, 200, 130},
                                 {70, 7, 8},    {11, 31, 64}, {3, 1, 100},  {64, 64, 64}, {65, 64, 66},
                                 {64, 100, 48}, {3, 384, 20}};

/* In a process of its own (below) the tests run once more, as on the processor that this names. */
static const char other[] = "DZ_TEST_CORE";

/* Where that is slow only some layouts are tried. */
static int next_kind(void) {
  const char *core = getenv(other);
  return SANITIZED || (core && strcmp(core, "valgrind") == 0) ? LAYOUTS + 1 : 1;
}

START_TEST(whole_numbers_are_exact) {
  for (int kind = 0; kind < KINDS; kind += next_kind()) {
    exact_double(dims[_i], kind);
    exact_float(dims[_i], kind);
  }
}
END_TEST

START_TEST(every_processor_gives_its_bits) {
  for (int kind = 0; kind < KINDS && dims[_i][0] > 1 && dims[_i][2] > 1; kind += next_kind()) {
    same_bits_double(dims[_i], kind);
    same_bits_float(dims[_i], kind);
  }
}
END_TEST

/* Fused, a product that is too small for any number leaves a sum of -0, where it would be +0. */
START_TEST(sums_of_tiny_products_are_no_minus_zero) {
  tiny_double();
  tiny_float();
}
END_TEST

/* Of a matrix without columns nothing comes. */
START_TEST(nothing_to_add) {
  const double x = 0;
  double c[4] = {1, 2, 3, 4};
  const dz__matrix a = {&x, 2, 0, 0, 1}, b = {&x, 0, 2, 2, 1};
  dz__product(a, b, c, true);
  ck_assert(c[0] == 1 && c[3] == 4);
  dz__product(a, b, c, false);
  ck_assert(c[0] == 0 && c[1] == 0 && c[2] == 0 && c[3] == 0);
  double d[6] = {1, 2, 3, 4, 5, 6};
  dz__product_rows(a, b, d, 3, true);
  ck_assert(d[0] == 1 && d[5] == 6);
  dz__product_rows(a, b, d, 3, false);
  ck_assert(d[0] == 0 && d[1] == 0 && d[2] == 3 && d[3] == 0 && d[4] == 0 && d[5] == 6);
  const float y = 0;
  float f[4] = {1, 2, 3, 4};
  const dz__matrixf af = {&y, 2, 0, 0, 1}, bf = {&y, 0, 2, 2, 1};
  dz__product_rowsf(af, bf, f, 2, true);
  ck_assert(f[0] == 1 && f[3] == 4);
  dz__product_rowsf(af, bf, f, 2, false);
  ck_assert(f[0] == 0 && f[1] == 0 && f[2] == 0 && f[3] == 0);
}
END_TEST

START_TEST(rows_may_be_far_apart) {
  if (sizeof(size_t) < 8) return;
  far_apart_double();
  far_apart_float();
}
END_TEST

START_TEST(structural_zeros_meet_nothing) {
  careful_double(_i);
  careful_float(_i);
}
END_TEST

START_TEST(the_way_back) {
  static const ptrdiff_t columns[] = {1, 7, 8, 16, 33};
  for (size_t k = 0; k < COUNT(columns); k++)
    for (int way = 0; way < 4; way++) {
      back_double(5, columns[k], way & 1, way & 2);
      back_float(3, columns[k], way & 1, way & 2);
    }
}
END_TEST

/* Once more as others: OpenBLAS can be told to take the processor for another, and uses wide vectors itself
   on one that it knows; valgrind's has no AVX-512. */
static const char *const cores[] = {"Prescott", "Haswell", "SkylakeX", "valgrind"};

static void become(const char *core) {
  setenv(other, core, 1);
  setenv("OPENBLAS_CORETYPE", core, 1);
  if (strcmp(core, "valgrind")) {
    execl(program_invocation_name, "product", (char *)NULL); /* /proc/self/exe may be valgrind */
  } else {
    unsetenv("OPENBLAS_CORETYPE");
    setenv("CK_FORK", "no", 1);
    execlp(core, core, "-q", "--tool=none", program_invocation_name, (char *)NULL);
  }
  _exit(77);
}

START_TEST(other_processors) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (getenv(other) || (_i == 1 && !__builtin_cpu_supports("avx2")) ||
      (_i == 2 && !__builtin_cpu_supports("avx512vl")) || (_i == 3 && SANITIZED))
    return;
  const pid_t child = fork();
  if (child == 0) become(cores[_i]);
  int status;
  ck_assert(waitpid(child, &status, 0) == child && WIFEXITED(status));
  ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77, "as a %s: see above", cores[_i]);
#endif
}
END_TEST

SUITE(EACH(whole_numbers_are_exact, COUNT(dims)), EACH(every_processor_gives_its_bits, COUNT(dims)),
      ONCE(sums_of_tiny_products_are_no_minus_zero), ONCE(nothing_to_add), ONCE(rows_may_be_far_apart),
      EACH(structural_zeros_meet_nothing, 2), ONCE(the_way_back), EACH(other_processors, COUNT(cores)))
