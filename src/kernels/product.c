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
enum { HEIGHT = 4, WIDTH = 8, DEPTH = 192, FEW_ROWS = 64, MANY_ROWS = 256, TALL = 8, LONG_SUM = 100 };

/* Multiplications from which on the library is used: measured, up to there what it does to prepare costs as
   much as it saves. */
#define LEAST_FOR_LIBRARY (1 << 18)

#ifdef DZ_LANES_X86
#include <immintrin.h>
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
/* What dz__layer_fused uses: only where dz__product_fuses. */
#define FUSED_BLOCK(type) block_fused_##type

bool dz__product_fuses(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
#ifdef DZ_CBLAS
static bool has_avx512(void) { return false; }
#endif
#define FUSED_BLOCK(type) block_##type
bool dz__product_fuses(void) { return false; }
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

static void one_thread(void) {
  if (openblas_get_num_threads() > 1) openblas_set_num_threads(1);
}
#endif

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

#define REAL double
#define MATRIX dz__matrix
#define NAME(x) x##_double
#define GEMM cblas_dgemm
#define LANES 8
#define MASK __mmask8
#define LOAD(m, p) _mm512_maskz_loadu_pd(m, p)
#define STORE(p, m, x) _mm512_mask_storeu_pd(p, m, (__m512d)(x))
#define FUSED(x, y, s) (NAME(wide)) _mm512_fmadd_pd(_mm512_set1_pd(x), (__m512d)(y), (__m512d)(s))
#define FUSED_HALF(x, y, s) _mm256_fmadd_pd(_mm256_set1_pd(x), (__m256d)(y), (__m256d)(s))
#define POSITIVE(x)                                                                                          \
  _mm512_maskz_mov_pd(_mm512_cmp_pd_mask((__m512d)(x), _mm512_setzero_pd(), _CMP_NLE_UQ), (__m512d)(x))
#define SWITCHED(z, g)                                                                                       \
  _mm512_mask_mov_pd(                                                                                        \
      _mm512_maskz_mov_pd(_mm512_cmp_pd_mask((__m512d)(z), _mm512_setzero_pd(), _CMP_GT_OQ), (__m512d)(g)),  \
      _mm512_cmp_pd_mask((__m512d)(z), (__m512d)(z), _CMP_UNORD_Q), (__m512d)(z))
#include "kernels/product.inc"
#undef LANES
#undef MASK
#undef LOAD
#undef STORE
#undef POSITIVE
#undef FUSED
#undef FUSED_HALF
#undef SWITCHED
#undef REAL
#undef MATRIX
#undef NAME
#undef GEMM

#define REAL float
#define MATRIX dz__matrixf
#define NAME(x) x##_float
#define GEMM cblas_sgemm
#define LANES 16
#define MASK __mmask16
#define LOAD(m, p) _mm512_maskz_loadu_ps(m, p)
#define STORE(p, m, x) _mm512_mask_storeu_ps(p, m, (__m512)(x))
#define FUSED(x, y, s) (NAME(wide)) _mm512_fmadd_ps(_mm512_set1_ps(x), (__m512)(y), (__m512)(s))
#define FUSED_HALF(x, y, s) _mm256_fmadd_ps(_mm256_set1_ps(x), (__m256)(y), (__m256)(s))
#define POSITIVE(x)                                                                                          \
  _mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)(x), _mm512_setzero_ps(), _CMP_NLE_UQ), (__m512)(x))
#define SWITCHED(z, g)                                                                                       \
  _mm512_mask_mov_ps(                                                                                        \
      _mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)(z), _mm512_setzero_ps(), _CMP_GT_OQ), (__m512)(g)),    \
      _mm512_cmp_ps_mask((__m512)(z), (__m512)(z), _CMP_UNORD_Q), (__m512)(z))
#include "kernels/product.inc"

void dz__product(dz__matrix a, dz__matrix b, double *c, bool add) {
  product_double(&a, &b, &(target_double){.c = c, .row = b.columns, .add = add});
}

void dz__productf(dz__matrixf a, dz__matrixf b, float *c, bool add) {
  product_float(&a, &b, &(target_float){.c = c, .row = b.columns, .add = add});
}

void dz__product_rows(dz__matrix a, dz__matrix b, double *c, ptrdiff_t row, bool add) {
  product_rows_double(&a, &b, &(target_double){.c = c, .row = row, .add = add});
}

void dz__product_rowsf(dz__matrixf a, dz__matrixf b, float *c, ptrdiff_t row, bool add) {
  product_rows_float(&a, &b, &(target_float){.c = c, .row = row, .add = add});
}

void dz__layer(dz__matrix a, dz__matrix b, const double *bias, bool relu, double *c) {
  product_double(&a, &b, &(target_double){.c = c, .row = b.columns, .bias = bias, .relu = relu});
}

void dz__layerf(dz__matrixf a, dz__matrixf b, const float *bias, bool relu, float *c) {
  product_float(&a, &b, &(target_float){.c = c, .row = b.columns, .bias = bias, .relu = relu});
}

void dz__layer_back(ptrdiff_t rows, ptrdiff_t columns, const double *z, double *g, double *bias) {
  finish_back_double(rows, columns, z, g, bias);
}

void dz__layer_backf(ptrdiff_t rows, ptrdiff_t columns, const float *z, float *g, float *bias) {
  finish_back_float(rows, columns, z, g, bias);
}

void dz__layer_plain(dz__matrix a, dz__matrix b, const double *bias, bool relu, bool add, double *c) {
  own_narrow_double(block_double, &a, &b,
                    &(target_double){.c = c, .row = b.columns, .add = add, .bias = bias, .relu = relu});
}

void dz__layer_plainf(dz__matrixf a, dz__matrixf b, const float *bias, bool relu, bool add, float *c) {
  own_narrow_float(block_float, &a, &b,
                   &(target_float){.c = c, .row = b.columns, .add = add, .bias = bias, .relu = relu});
}

void dz__layer_fused(dz__matrix a, dz__matrix b, const double *bias, bool relu, bool add, double *c) {
  own_narrow_double(FUSED_BLOCK(double), &a, &b,
                    &(target_double){.c = c, .row = b.columns, .add = add, .bias = bias, .relu = relu});
}

void dz__layer_fusedf(dz__matrixf a, dz__matrixf b, const float *bias, bool relu, bool add, float *c) {
  own_narrow_float(FUSED_BLOCK(float), &a, &b,
                   &(target_float){.c = c, .row = b.columns, .add = add, .bias = bias, .relu = relu});
}

void dz__layer_back_plain(ptrdiff_t rows, ptrdiff_t columns, const double *z, double *g, double *bias) {
  finish_back_plain_double(rows, columns, z, g, bias);
}

void dz__layer_back_plainf(ptrdiff_t rows, ptrdiff_t columns, const float *z, float *g, float *bias) {
  finish_back_plain_float(rows, columns, z, g, bias);
}

bool dz__product_add_careful(dz__matrix g, dz__matrix b, const double *reached, double *c, ptrdiff_t row,
                             ptrdiff_t column) {
  return careful_double(g, b, reached, c, row, column);
}

bool dz__product_add_carefulf(dz__matrixf g, dz__matrixf b, const float *reached, float *c, ptrdiff_t row,
                              ptrdiff_t column) {
  return careful_float(g, b, reached, c, row, column);
}
