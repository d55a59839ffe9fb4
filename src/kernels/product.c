#include "kernels/product.h"

#include "kernels/several.h"

#ifdef DZ_CBLAS
#include <cblas.h>
#include <limits.h>
#include <string.h>
#endif

/* A panel is DEPTH rows of WIDTH columns of b, packed, which stays in the first cache while every row of a
   passes by HEIGHT at a time; with wide vectors TALL at a time by three vectors of columns. Where only few
   rows pass, packing costs more than it saves. */
enum { HEIGHT = 4, WIDTH = 8, DEPTH = 192, FEW_ROWS = 64, MANY_ROWS = 256, TALL = 8 };

/* Multiplications from which on the library is used: measured, up to there what it does to prepare costs as
   much as it saves. */
#define LEAST_FOR_LIBRARY (1 << 18)

#ifdef DZ_LANES_X86
#define AVX512 __attribute__((target("avx512f")))
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif
static bool has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f");
}
#elif defined(DZ_CBLAS)
static bool has_avx512(void) { return false; }
#endif

#ifdef DZ_CBLAS
/* OpenBLAS knows processors by name, and takes those that it does not know for older ones: where it does not
   use the vectors that there are, we do. */
static bool library_is_slower(void) {
  static const char *const wide[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
  const char *name = openblas_get_corename();
  for (size_t k = 0; k < sizeof wide / sizeof *wide; k++)
    if (strcmp(name, wide[k]) == 0) return false;
  return has_avx512();
}
#endif

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

#define REAL double
#define MATRIX dz__matrix
#define NAME(x) x##_double
#define GEMM cblas_dgemm
#define LANES 8
#include "kernels/product.inc"
#undef LANES
#undef REAL
#undef MATRIX
#undef NAME
#undef GEMM

#define REAL float
#define MATRIX dz__matrixf
#define NAME(x) x##_float
#define GEMM cblas_sgemm
#define LANES 16
#include "kernels/product.inc"

void dz__product(dz__matrix a, dz__matrix b, double *c, bool add) { product_double(a, b, c, add); }
void dz__productf(dz__matrixf a, dz__matrixf b, float *c, bool add) { product_float(a, b, c, add); }

bool dz__product_add_careful(dz__matrix g, dz__matrix b, const double *reached, double *c, ptrdiff_t row,
                             ptrdiff_t column) {
  bool doubt = false;
  for (ptrdiff_t i = 0; i < g.rows; i++)
    for (ptrdiff_t k = 0; k < g.columns; k++) {
      ptrdiff_t at = i * g.row + k * g.column;
      if (reached && reached[at] == 0) continue;
      for (ptrdiff_t j = 0; j < b.columns; j++) {
        double z = g.data[at] * b.data[k * b.row + j * b.column];
        doubt |= (z != z) & (g.data[at] == 0);
        c[i * row + j * column] += z;
      }
    }
  return doubt;
}
