/* What a matrix product does on the side: transposes of its operands, and of its result a row that is added
   and a relu. */
#include "plan/whole.h"

#include <string.h>

/* ---- transposes ---- */

static bool is_transpose(const dz__whole *p, uint32_t i) {
  const dz__tensor *x = &p->node[i];
  return x->fn == DZ__F_permute && x->shape.rank == 2 && p->attr[x->attr0] == 1;
}

bool dz__is_product(const dz__whole *p, const dz__tensor *x) {
  return x->fn == DZ__F_matmul && p->node[p->arg[x->arg0]].shape.rank <= 2 &&
         p->node[p->arg[x->arg0 + 1]].shape.rank <= 2;
}

/* A product reads what was transposed, the other way round. */
static void fold_transposes(dz__whole *p) {
  for (size_t j = 0; j < p->ops; j++) {
    dz__tensor *x = &p->node[p->op[j]];
    if (!dz__is_product(p, x)) continue;
    for (uint32_t k = 0; k < 2; k++)
      while (is_transpose(p, p->arg[x->arg0 + k])) {
        p->arg[x->arg0 + k] = p->arg[p->node[p->arg[x->arg0 + k]].arg0];
        x->turned[k] = !x->turned[k];
      }
  }
}

/* Steps that were dropped go. */
static void close_up(dz__whole *p) {
  size_t kept = 0;
  for (size_t j = 0; j < p->ops; j++)
    if (!p->node[p->op[j]].dropped) p->op[kept++] = p->op[j];
  p->ops = kept;
}

/* Transposes that nothing reads any more go. */
static void drop_unread(dz__whole *p, uint32_t *readers) {
  memset(readers, 0, p->nodes * sizeof *readers);
  for (size_t k = 0; k < p->outs; k++) readers[p->output[k]]++;
  for (size_t j = 0; j < p->ops; j++) {
    const dz__tensor *x = &p->node[p->op[j]];
    for (uint32_t k = 0; k < x->nargs; k++) readers[p->arg[x->arg0 + k]]++;
  }
  for (size_t j = p->ops; j-- > 0;) {
    dz__tensor *x = &p->node[p->op[j]];
    x->dropped = readers[p->op[j]] == 0;
    for (uint32_t k = 0; x->dropped && k < x->nargs; k++) readers[p->arg[x->arg0 + k]]--;
  }
  close_up(p);
}

/* ---- layers ---- */

/* Which operand of x is a product of matrices that nothing else reads, and has nothing on its side yet; -1
 * for none. */
static int lone_product(const dz__whole *p, const dz__tensor *x, const uint32_t *readers) {
  for (uint32_t k = 0; k < x->nargs; k++) {
    const dz__tensor *z = &p->node[p->arg[x->arg0 + k]];
    if (readers[p->arg[x->arg0 + k]] == 1 && dz__is_product(p, z) && z->shape.rank == 2 && !z->relu &&
        x->shape.rank == 2 && memcmp(x->shape.dims, z->shape.dims, 2 * sizeof *x->shape.dims) == 0)
      return (int)k;
  }
  return -1;
}

static bool is_row_of(const dz__array *a, const dz__array *z) {
  return a->size == z->dims[1] && a->rank > 0 && a->dims[a->rank - 1] == a->size && a->size > 1;
}

/* The sum x becomes the product itself, its row a third operand. */
static bool add_row(dz__whole *p, dz__tensor *x, uint32_t k) {
  dz__tensor *z = &p->node[p->arg[x->arg0 + k]];
  const uint32_t row = p->arg[x->arg0 + 1 - k];
  if (z->nargs > 2 || !is_row_of(&p->node[row].shape, &z->shape)) return true;
  const uint32_t own[] = {p->arg[z->arg0], p->arg[z->arg0 + 1], row};
  if (!dz__whole_operands(p, x, 3, own)) return false;
  x->fn = DZ__F_matmul;
  x->turned[0] = z->turned[0], x->turned[1] = z->turned[1];
  z->dropped = true;
  return true;
}

static void add_relu(dz__whole *p, dz__tensor *x) {
  dz__tensor *z = &p->node[p->arg[x->arg0]];
  x->fn = DZ__F_matmul;
  x->turned[0] = z->turned[0], x->turned[1] = z->turned[1];
  x->arg0 = z->arg0, x->nargs = z->nargs;
  x->relu = z->dropped = true;
}

static bool fold_layers(dz__whole *p, const uint32_t *readers) {
  for (size_t j = 0; j < p->ops; j++) {
    dz__tensor *x = &p->node[p->op[j]];
    int k = x->fn == DZ__F_add || x->fn == DZ__F_relu ? lone_product(p, x, readers) : -1;
    if (k < 0) continue;
    if (x->fn == DZ__F_relu)
      add_relu(p, x);
    else if (!add_row(p, x, (uint32_t)k))
      return false;
  }
  close_up(p);
  return true;
}

/* What has the place of an input or a number, and through which nothing flows back, is no step. A view of a
   result stays one: it stands between the chain that makes the result and those that read it. */
static void drop_views(dz__whole *p) {
  size_t kept = 0;
  for (size_t j = 0; j < p->ops; j++) {
    const dz__tensor *x = &p->node[p->op[j]], *of = x;
    while (dz__is_view(of)) of = &p->node[p->arg[of->arg0]];
    if (x->active || !dz__is_view(x) || of->home == DZ__HOME_WORK) p->op[kept++] = p->op[j];
  }
  p->ops = kept;
}

bool dz__whole_fold(dz__whole *p, uint32_t *readers) {
  fold_transposes(p);
  drop_unread(p, readers);
  if (!dz__whole_windows(p, readers)) return false;
  drop_unread(p, readers);
  if (!p->plain && !fold_layers(p, readers)) return false;
  drop_views(p);
  return true;
}
