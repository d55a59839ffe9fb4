/* matmul, as NumPy's: the last two axes are matrices, the others a batch that broadcasts; a vector on the
   left is a row, on the right a column, and that axis is dropped from the result. */
#include "kernels/groups.h"
#include "kernels/product.h"
#include "kernels/several.h"
#include "kernels/tensor.h"

/* ---- shapes ---- */

static size_t rows_of(const dz__array *x) { return x->rank > 1 ? x->dims[x->rank - 2] : 1; }
static size_t inner_left(const dz__array *x) { return x->dims[x->rank - 1]; }
static size_t inner_right(const dz__array *y) { return y->dims[y->rank > 1 ? y->rank - 2 : 0]; }
static size_t columns_of(const dz__array *y) { return y->rank > 1 ? y->dims[y->rank - 1] : 1; }
static int batch_rank(const dz__array *x) { return x->rank > 2 ? x->rank - 2 : 0; }

/* Extent of x at axis k of a batch of `rank` axes. */
static size_t batch_extent(const dz__array *x, int rank, int k) {
  int i = k - (rank - batch_rank(x));
  return i < 0 ? 1 : x->dims[i];
}

static dz_status misfit(dz__call *call, const char *what, size_t a, size_t b) {
  char x[192], y[192];
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: %s @ %s: %s extents %zu and %zu differ", call->op,
                  dz__array_text(&call->args[0], x), dz__array_text(&call->args[1], y), what, a, b);
}

dz_status dz__shape_matmul(dz__call *call) {
  const dz__array *x = &call->args[0], *y = &call->args[1];
  dz__array *z = &call->out;
  char a[192], b[192];
  if (x->rank == 0 || y->rank == 0)
    return dz__fail(call->error, DZ_ERR_SHAPE, call->op,
                    "%s: %s @ %s: a scalar has no axis to sum over; use *", call->op, dz__array_text(x, a),
                    dz__array_text(y, b));
  if (inner_left(x) != inner_right(y)) return misfit(call, "inner", inner_left(x), inner_right(y));
  int rank = batch_rank(x) > batch_rank(y) ? batch_rank(x) : batch_rank(y);
  z->rank = rank;
  for (int k = 0; k < rank; k++) {
    size_t m = batch_extent(x, rank, k), n = batch_extent(y, rank, k);
    if (m != n && m != 1 && n != 1) return misfit(call, "batch", m, n);
    z->dims[k] = m == 1 ? n : m;
  }
  if (x->rank > 1) z->dims[z->rank++] = rows_of(x);
  if (y->rank > 1) z->dims[z->rank++] = columns_of(y);
  return dz__sized(call);
}

/* ---- the walk over the batch ---- */

typedef struct batch {
  int rank;
  ptrdiff_t dim[DZ__MAX_RANK], x_step[DZ__MAX_RANK], y_step[DZ__MAX_RANK];
  ptrdiff_t x_index[DZ__MAX_RANK], y_index[DZ__MAX_RANK];
  ptrdiff_t x, y, z; /* where the matrices of this turn begin */
  ptrdiff_t m, k, n; /* x is m × k, y is k × n */
} batch;

/* Steps over the batch of one operand, 0 along axes that it repeats; `matrix` is the size of one of its
   matrices. */
static void batch_steps(const dz__array *x, int rank, ptrdiff_t matrix, ptrdiff_t *step) {
  for (int k = rank; k-- > 0;) {
    ptrdiff_t n = (ptrdiff_t)batch_extent(x, rank, k);
    step[k] = n == 1 ? 0 : matrix;
    matrix *= n;
  }
}

/* Only for calls where both operands have elements, so that the products cannot overflow. */
static batch batch_of(const dz__call *call) {
  const dz__array *x = &call->args[0], *y = &call->args[1];
  batch b = {.m = (ptrdiff_t)rows_of(x), .k = (ptrdiff_t)inner_left(x), .n = (ptrdiff_t)columns_of(y)};
  b.rank = batch_rank(x) > batch_rank(y) ? batch_rank(x) : batch_rank(y);
  for (int k = 0; k < b.rank; k++) b.dim[k] = (ptrdiff_t)call->out.dims[k];
  batch_steps(x, b.rank, b.m * b.k, b.x_step);
  batch_steps(y, b.rank, b.k * b.n, b.y_step);
  return b;
}

static bool batch_next(batch *b) {
  b->z += b->m * b->n;
  dz__odometer(b->rank, b->dim, b->x_step, b->x_index, &b->x);
  return dz__odometer(b->rank, b->dim, b->y_step, b->y_index, &b->y);
}

/* The products under the names that the template has for them. */
#define matrix_double dz__matrix
#define matrix_single dz__matrixf
#define product_double dz__product
#define product_single dz__productf
#define careful_double dz__product_add_careful
#define careful_single dz__product_add_carefulf
static inline const double *reached_double(const dz__call *call, ptrdiff_t at) {
  return call->reached ? call->reached + at : NULL;
}
static inline const float *reached_single(const dz__call *call, ptrdiff_t at) {
  (void)call, (void)at; /* the careful sweep has doubles only */
  return NULL;
}
#define TEMPLATE "kernels/matmul.inc"
#include "kernels/twice.h"

void dz__forward_matmul(const dz__call *call) { forward_double(call); }
void dz__forward_matmul_single(const dz__call *call) { forward_single(call); }
bool dz__reverse_matmul(const dz__call *call) { return reverse_double(call); }
bool dz__reverse_matmul_single(const dz__call *call) { return reverse_single(call); }

/* Masks pass as if all elements were 1. */
static dz__matrix ones(ptrdiff_t rows, ptrdiff_t columns) {
  static const double one = 1;
  return (dz__matrix){&one, rows, columns, 0, 0};
}

bool dz__spread_matmul(const dz__call *call) {
  if (call->args[0].size == 0 || call->args[1].size == 0) return false;
  double *gx = call->ga[0], *gy = call->ga[1];
  batch b = batch_of(call);
  do {
    dz__matrix g = laid_double(call->g + b.z, b.m, b.n);
    if (gx) dz__product(g, ones(b.n, b.k), gx + b.x, true);
    if (gy) dz__product(ones(b.k, b.m), g, gy + b.y, true);
  } while (batch_next(&b));
  return false;
}
