/* Convolutions and pools, found again in what the prelude records for them: windows are two gathers by
   constant places, whose elements nothing else reads, so that they need not be laid out. */
#include "plan/whole.h"

#include <string.h>

enum { GEOMETRY = 4 }; /* attributes of such a node: high, wide, down, along */

typedef struct found {
  uint32_t x; /* the images */
  int64_t geometry[GEOMETRY];
} found;

static const dz__tensor *operand(const dz__whole *p, const dz__tensor *x, uint32_t k) {
  return &p->node[p->arg[x->arg0 + k]];
}

static bool has_axes(const dz__whole *p, const dz__tensor *x, int n, const int64_t *axes) {
  return x->shape.rank == n && memcmp(p->attr + x->attr0, axes, (size_t)n * sizeof *axes) == 0;
}

/* Operand k of x, if it is the operation fn and nothing else reads it. */
static const dz__tensor *lone(const dz__whole *p, const dz__tensor *x, uint32_t k, unsigned fn,
                              const uint32_t *readers) {
  const uint32_t i = p->arg[x->arg0 + k];
  return p->node[i].fn == fn && readers[i] == 1 ? &p->node[i] : NULL;
}

/* Whether a gather along the axis takes [which window, where in it] of it, some of each: step is how far
   windows are apart. */
static bool is_windows(const dz__whole *p, const dz__tensor *x, int axis, int64_t *size, int64_t *step) {
  const dz__tensor *places = operand(p, x, 1);
  if (p->attr[x->attr0] != axis || places->home != DZ__HOME_NUMBER || places->shape.rank != 2) return false;
  const double *at = p->number + places->at;
  const size_t n = places->shape.dims[0], m = places->shape.dims[1];
  const double apart = n > 1 ? at[m] : 1;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++)
      if (at[i * m + j] != (double)i * apart + (double)j) return false;
  *size = (int64_t)m, *step = (int64_t)apart;
  return apart >= 1;
}

/* Operand k of x as the patches [images, channels, row, place in it, column, place in it]. */
static bool find_patches(const dz__whole *p, const dz__tensor *x, uint32_t k, const uint32_t *readers,
                         found *f) {
  const dz__tensor *columns = lone(p, x, k, DZ__F_gather, readers);
  const dz__tensor *rows = columns ? lone(p, columns, 0, DZ__F_gather, readers) : NULL;
  if (!rows || operand(p, rows, 0)->shape.rank != 4 || columns->shape.size == 0) return false;
  f->x = p->arg[rows->arg0];
  return is_windows(p, rows, 2, &f->geometry[0], &f->geometry[2]) &&
         is_windows(p, columns, 4, &f->geometry[1], &f->geometry[3]);
}

static bool become(dz__whole *p, dz__tensor *x, unsigned fn, const found *f, uint32_t nargs,
                   const uint32_t *args) {
  if (!dz__whole_operands(p, x, nargs, args) || !dz__whole_attributes(p, x, GEOMETRY, f->geometry))
    return false;
  x->fn = (uint16_t)fn;
  return true;
}

/* The images of a product of patches and filters, with channels in their place again. */
static bool fold_conv(dz__whole *p, dz__tensor *x, const uint32_t *readers) {
  static const int64_t last[] = {0, 3, 1, 2}, first[] = {0, 2, 4, 1, 3, 5};
  found f;
  const dz__tensor *apart = lone(p, x, 0, DZ__F_reshape, readers);
  const dz__tensor *z = apart ? lone(p, apart, 0, DZ__F_matmul, readers) : NULL;
  if (!z || !has_axes(p, x, 4, last) || z->turned[0] || !z->turned[1] || z->shape.rank != 2) return true;
  const dz__tensor *left = lone(p, z, 0, DZ__F_reshape, readers), *right = operand(p, z, 1);
  const dz__tensor *order = left ? lone(p, left, 0, DZ__F_permute, readers) : NULL;
  if (!order || !has_axes(p, order, 6, first) || !find_patches(p, order, 0, readers, &f)) return true;
  if (right->fn != DZ__F_reshape || operand(p, right, 0)->shape.rank != 4) return true;
  const dz__array *w = &operand(p, right, 0)->shape, *q = &operand(p, order, 0)->shape;
  if (w->dims[1] != q->dims[1] || w->dims[2] != q->dims[3] || w->dims[3] != q->dims[5] ||
      x->shape.dims[0] != q->dims[0] || x->shape.dims[1] != w->dims[0] || x->shape.dims[2] != q->dims[2])
    return true;
  return become(p, x, DZ__W_CONV, &f, 2, (uint32_t[]){f.x, p->arg[right->arg0]});
}

static bool fold_pool(dz__whole *p, dz__tensor *x, const uint32_t *readers) {
  found f;
  const int64_t *attr = p->attr + x->attr0;
  if (x->nattr != 3 || attr[0] || attr[1] != 3 || attr[2] != 5 || x->shape.rank != 4) return true;
  if (!find_patches(p, x, 0, readers, &f)) return true;
  return become(p, x, x->fn == DZ__F_max ? DZ__W_MAX_POOL : DZ__W_SUM_POOL, &f, 1, &f.x);
}

bool dz__whole_windows(dz__whole *p, const uint32_t *readers) {
  for (size_t j = 0; j < p->ops; j++) {
    dz__tensor *x = &p->node[p->op[j]];
    bool done = true;
    if (x->fn == DZ__F_permute)
      done = fold_conv(p, x, readers);
    else if (x->fn == DZ__F_max || x->fn == DZ__F_sum)
      done = fold_pool(p, x, readers);
    if (!done) return false;
  }
  return true;
}

dz__windows dz__windows_of(const dz__whole *p, const dz__tensor *x) {
  const size_t *d = operand(p, x, 0)->shape.dims, *z = x->shape.dims;
  const int64_t *a = p->attr + x->attr0;
  return (dz__windows){.images = d[0],
                       .channels = d[1],
                       .height = d[2],
                       .width = d[3],
                       .high = (size_t)a[0],
                       .wide = (size_t)a[1],
                       .down = (size_t)a[2],
                       .along = (size_t)a[3],
                       .rows = z[2],
                       .columns = z[3]};
}
