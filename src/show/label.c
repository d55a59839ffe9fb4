#include "show/label.h"

#include "dz/derive.h"
#include "dz/print.h"
#include "show/node.h"

#include <stdio.h>
#include <string.h>

dz_status dz__labels_make(dz_var y, const dz_allocator *a, dz__labels *l) {
  *l = (dz__labels){.alloc = dz__allocator(a), .tape = y.tape, .n = dz_node_index(y) + 1};
  l->own = dz_tape_new(&l->alloc);
  l->number = dz__alloc(&l->alloc, l->n * sizeof *l->number);
  if (l->number) memset(l->number, 0, l->n * sizeof *l->number);
  if (l->number && l->own) return DZ_OK;
  dz__labels_free(l);
  return DZ_ERR_MEMORY;
}

void dz__labels_free(dz__labels *l) {
  dz__free(&l->alloc, l->number, l->number ? l->n * sizeof *l->number : 0);
  if (l->own) dz__lend_users(l->own, NULL);
  dz_tape_free(l->own);
  *l = (dz__labels){.alloc = l->alloc};
}

static bool labelled(const dz__labels *l, dz_var x) { return dz_name(x) || l->number[dz_node_index(x)]; }

static void numbered(char out[24], dz_var x, uint32_t number) {
  snprintf(out, 24, "%c%u", dz_role_of(x) == DZ_ROLE_NONE ? 'v' : 'x', (unsigned)number);
}

void dz__label_give(dz__labels *l, dz_var x) {
  char text[24];
  if (labelled(l, x)) return;
  uint32_t *count = dz_role_of(x) == DZ_ROLE_NONE ? &l->operations : &l->leaves;
  do numbered(text, x, ++*count);
  while (dz_valid(dz_named(l->tape, text)));
  l->number[dz_node_index(x)] = *count;
}

void dz__label_put(const dz__labels *l, dz__sheet *s, dz_var x) {
  char text[24];
  if (dz_name(x)) {
    dz__sheet_put(s, dz_name(x));
  } else if (labelled(l, x)) {
    numbered(text, x, l->number[dz_node_index(x)]);
    dz__sheet_put(s, text);
  } else if (dz_rank(x) == 0 && dz_role_of(x) != DZ_ROLE_NONE) {
    dz__sheet_number(s, dz_value(x));
  } else {
    dz__sheet_put(s, dz_describe(x).op);
  }
}

void dz__label_index(dz__sheet *s, dz_var x, size_t element) {
  size_t block = dz_size(x);
  for (int k = 0; k < dz_rank(x); k++) {
    block /= dz_extent(x, k);
    dz__sheet_put(s, k ? ", " : "[");
    dz__sheet_whole(s, element / block % dz_extent(x, k));
  }
  if (dz_rank(x) > 0) dz__sheet_put(s, "]");
}

void dz__label_element(const dz__labels *l, dz__sheet *s, dz_var x, size_t element) {
  dz__label_put(l, s, x);
  dz__label_index(s, x, element);
}

enum { OPERANDS = 16, DEPTH = 4 };

static dz_var copied(dz__labels *l, dz_var x, int depth);

/* A leaf on the own tape that prints as x's label; an operation that has no label is written out, down to a
   few levels. */
static dz_var stand_in(dz__labels *l, dz_var x, int depth) {
  dz__sheet name = {.alloc = l->alloc};
  size_t dims[DZ_MAX_RANK];
  if (dz_is_number(x)) return x;
  if (!labelled(l, x)) {
    if (dz_role_of(x) == DZ_ROLE_CONST && dz_rank(x) == 0) return dz_const(l->own, dz_value(x));
    if (dz_role_of(x) == DZ_ROLE_NONE && depth < DEPTH) return copied(l, x, depth + 1);
  }
  dz__label_put(l, &name, x);
  dz_var known = dz_named(l->own, name.text);
  if (!dz_valid(known)) {
    for (int k = 0; k < dz_rank(x); k++) dims[k] = dz_extent(x, k);
    known = dz_leaf_tensor(l->own, DZ_ROLE_INPUT, dz_rank(x), dims, dz_values(x));
    if (name.failed || dz_set_name(known, name.text) == DZ_ERR_MEMORY)
      known = dz__poison(l->own, DZ_ERR_MEMORY, "label", "out of memory");
  }
  dz__sheet_free(&name);
  return known;
}

/* The depth is bounded, and so is the recursion. */
static dz_var copied(dz__labels *l, dz_var x, int depth) {
  dz_var in[OPERANDS];
  const int64_t *attr;
  dz_node is = dz_describe(x);
  if (is.nargs > OPERANDS) return (dz_var){0};
  for (int k = 0; k < is.nargs; k++) in[k] = stand_in(l, dz_operand(x, k), depth);
  int nattr = (int)dz_attributes(x, &attr);
  return dz__record(dz__node_fn(x), is.nargs, in, nattr, attr);
}

static void begin(dz__labels *l) {
  dz_tape_clear(l->own);
  dz__lend_users(l->own, l->tape);
}

static bool starved(const dz__labels *l) { return dz_tape_error(l->own)->status == DZ_ERR_MEMORY; }

/* False when z cannot be written; for want of memory the sheet has failed. */
static bool put(const dz__labels *l, dz__sheet *s, dz_var z) {
  static const dz_print_options how = {.most = 4096};
  size_t before = s->n;
  dz_status status = dz_valid(z) ? dz_print(z, &how, dz__sheet_writer, s) : DZ_ERR_ARGUMENT;
  s->failed = s->failed || status == DZ_ERR_MEMORY || starved(l);
  if (status) s->n = before;
  return status == DZ_OK;
}

void dz__label_formula(dz__labels *l, dz__sheet *s, dz_var x) {
  dz_node is = dz_describe(x);
  if (is.role != DZ_ROLE_NONE) return;
  begin(l);
  if (!put(l, s, copied(l, x, 0))) dz__sheet_put(s, is.op);
}

void dz__label_partial(dz__labels *l, dz__sheet *s, dz_var x, int k) {
  dz_node is = dz_describe(x);
  dz_var operand = dz_operand(x, k);
  int times = 0;
  if (dz_rank(x) > 0) return;
  for (int j = 0; j < is.nargs; j++) {
    dz_var o = dz_operand(x, j);
    if (dz_is_number(o)) continue;
    if (dz_rank(o) > 0) return;
    times += dz_node_index(o) == dz_node_index(operand);
  }
  begin(l);
  dz_var z = times == 1 ? copied(l, x, 0) : (dz_var){0};
  if (dz_valid(z)) put(l, s, dz_simplify(dz_derivative(z, dz_operand(z, k))));
  s->failed = s->failed || starved(l);
}
