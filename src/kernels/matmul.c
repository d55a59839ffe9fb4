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

static dz__matrix matrix(const double *data, ptrdiff_t rows, ptrdiff_t columns) {
  return (dz__matrix){data, rows, columns, columns, 1};
}

/* ---- kernels ---- */

void dz__forward_matmul(const dz__call *call) {
  const dz__array *x = &call->args[0], *y = &call->args[1];
  if (x->size == 0 || y->size == 0) {
    for (size_t i = 0; i < call->out.size; i++) call->out.data[i] = 0;
    return;
  }
  batch b = batch_of(call);
  do {
    dz__product(matrix(x->data + b.x, b.m, b.k), matrix(y->data + b.y, b.k, b.n), call->out.data + b.z,
                false);
  } while (batch_next(&b));
}

SEVERAL static bool finite(const double *x, size_t n) {
  int64_t bad = 0; /* of a number's size: so the loop becomes vectors */
  for (size_t i = 0; i < n; i++) bad |= x[i] - x[i] != 0;
  return bad == 0;
}

/* Masks pass as if all elements were 1. */
static dz__matrix ones(ptrdiff_t rows, ptrdiff_t columns) {
  static const double one = 1;
  return (dz__matrix){&one, rows, columns, 0, 0};
}

/* The adjoint of x is g yᵀ, that of y is xᵀ g. Where the other operand is not all finite, the second is
   formed as the transpose of gᵀ x, since the careful product has g on the left. */
static bool reverse(const dz__call *call, bool mask) {
  const dz__array *x = &call->args[0], *y = &call->args[1];
  if (x->size == 0 || y->size == 0) return false;
  double *gx = call->ga[0], *gy = call->ga[1];
  bool tame_x = mask || !gy || finite(x->data, x->size), tame_y = mask || !gx || finite(y->data, y->size);
  bool doubt = false;
  batch b = batch_of(call);
  do {
    dz__matrix g = matrix(call->g + b.z, b.m, b.n);
    dz__matrix left = mask ? ones(b.m, b.k) : matrix(x->data + b.x, b.m, b.k);
    dz__matrix right = mask ? ones(b.k, b.n) : matrix(y->data + b.y, b.k, b.n);
    const double *reached = call->reached ? call->reached + b.z : NULL;
    if (gx && tame_y)
      dz__product_add(g, dz__transposed(right), gx + b.x);
    else if (gx)
      doubt |= dz__product_add_careful(g, dz__transposed(right), reached, gx + b.x, b.k, 1);
    if (gy && tame_x)
      dz__product_add(dz__transposed(left), g, gy + b.y);
    else if (gy)
      doubt |= dz__product_add_careful(dz__transposed(g), left, reached, gy + b.y, 1, b.n);
  } while (batch_next(&b));
  return doubt;
}

bool dz__reverse_matmul(const dz__call *call) { return reverse(call, false); }
bool dz__spread_matmul(const dz__call *call) { return reverse(call, true); }
