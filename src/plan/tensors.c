/* Tensor operations element by element: what they do to numbers they do to the numbers of nodes, so that
   their own kernels say which element becomes which. The terms come out alike, and rolling finds the loops
   again.
 */
#include "plan/extract.h"

#include "base/never.h"

#include "tape/diagnose.h"

#include <string.h>

typedef struct wide {
  dz__extraction *x;
  const dz__wide *w;
  uint32_t node, first; /* first: where its elements go in x->item */
  dz_var operand[2];
} wide;

static dz_status no_memory(const wide *o) {
  return dz__fail(o->x->error, DZ_ERR_MEMORY, "plan", "out of memory for the graph");
}

/* What the operation's numbers decide (pivots), or only its owner knows. */
static dz_status refuse(const wide *o) {
  const char *name = dz_describe(dz__handle(o->x->t, o->node)).op;
  return dz__fail(o->x->error, DZ_ERR_ARGUMENT, "plan",
                  "plans cannot do '%s', whose pivots depend on the numbers: run it on the tape",
                  strcmp(name, "lu") == 0 ? "solve" : name);
}

static dz_status user(const wide *o) {
  const int64_t *number;
  dz_attributes(dz__handle(o->x->t, o->node), &number);
  const dz__userop *u = dz__user_of(dz__of(o->x->t), DZ__F_user, number);
  uint32_t *to = o->w->rank ? &o->x->item[o->first] : &o->x->map[o->node];
  return (u->elementwise ? dz__extract_user : dz__extract_outside)(o->x, o->node, u, to) ? no_memory(o)
                                                                                         : DZ_OK;
}

static uint32_t element(const wide *o, uint32_t k, size_t e) {
  dz_var v = k < 2 ? o->operand[k] : dz_operand(dz__handle(o->x->t, o->node), (int)k);
  if (dz_is_number(v)) return dz__graph_number(o->x->g, dz__number(v));
  return dz__element_node(o->x, dz__index(v), e);
}

static void put(const wide *o, size_t e, uint32_t node) {
  if (o->w->rank)
    o->x->item[o->first + e] = node;
  else
    o->x->map[o->node] = node;
}

static uint32_t active(const wide *o, unsigned fn, size_t n, const uint32_t *args) {
  unsigned flags = 0;
  for (size_t k = 0; k < n && dz__has_slope(fn); k++) flags |= o->x->g->flags[args[k]] & DZ__N_ACTIVE;
  return flags;
}

static uint32_t apply(const wide *o, unsigned fn, unsigned flags, size_t n, const uint32_t *args) {
  for (size_t k = 0; k < n; k++)
    if (args[k] == DZ__NO_NODE) return DZ__NO_NODE;
  return dz__graph_add(o->x->g, fn, flags | active(o, fn, n, args), n, args);
}

static dz__array array_of(const dz__extraction *x, dz_var v) {
  (void)x;
  return dz_is_number(v) ? (dz__array){.size = 1} : dz__array_of(v);
}

/* ---- pointwise ---- */

static dz_status pointwise(const wide *o) {
  dz_tape *t = o->x->t;
  dz_var v = dz__handle(t, o->node), in[3];
  dz__array out = dz__array_of(v), a[3];
  int actives = 0;
  for (uint32_t k = 0; k < o->w->nargs; k++) {
    in[k] = dz_operand(v, (int)k);
    a[k] = array_of(o->x, in[k]);
    actives += k < 2 && dz_is_active(in[k]);
  }
  for (size_t e = 0; e < out.size; e++) {
    uint32_t args[3];
    for (uint32_t k = 0; k < o->w->nargs; k++) args[k] = element(o, k, dz__source(&out, &a[k], e));
    uint32_t node =
        apply(o, o->w->fn, actives == 2 && dz__breaks_ties(o->w->fn) ? DZ__N_TIE : 0, o->w->nargs, args);
    if (node == DZ__NO_NODE) return no_memory(o);
    put(o, e, node);
  }
  return DZ_OK;
}

/* ---- by the operation's own kernels ---- */

/* The numbers of an operand's nodes as doubles, which hold them exactly. */
static bool numbered(const wide *o, uint32_t k, dz__array *a, double *room) {
  for (size_t e = 0; e < a->size; e++) {
    uint32_t node = element(o, k, e);
    if (node == DZ__NO_NODE) return false;
    room[e] = node;
  }
  a->data = room;
  return true;
}

static dz__call call_of(const wide *o, dz__array *args) {
  dz_tape *t = o->x->t;
  dz_var v = dz__handle(t, o->node);
  const int64_t *attr;
  size_t nattr = dz_attributes(v, &attr);
  for (uint32_t k = 0; k < o->w->nargs; k++) args[k] = array_of(o->x, dz_operand(v, (int)k));
  return (dz__call){.op = dz_describe(v).op,
                    .nargs = (int)o->w->nargs,
                    .args = args,
                    .nattr = (int)nattr,
                    .attr = attr,
                    .out = dz__array_of(v)};
}

/* Positions that gather and scatter read are numbers; they must not depend on the inputs. */
static bool positions_are_held(const wide *o) {
  return dz_is_number(o->operand[1]) || o->x->map[dz__index(o->operand[1])] == DZ__FROZEN;
}

/* The positions where a kernel reads them; false when memory is out. */
static bool positions_at(const wide *o, dz__array *a, double *place) {
  if (dz_is_number(o->operand[1])) {
    *place = dz__number(o->operand[1]);
    a->data = place;
  } else {
    a->data = (double *)(uintptr_t)dz_values(o->operand[1]);
  }
  return a->data != NULL;
}

static dz_status moving_positions(const wide *o, const char *op) {
  return dz__fail(o->x->error, DZ_ERR_ARGUMENT, "plan", "positions of '%s' depend on an input", op);
}

static dz_status moved_in(const wide *o, double *room, dz__array *args) {
  dz__call call = call_of(o, args);
  bool positions = o->w->fn == DZ__F_gather;
  if (positions && !positions_are_held(o)) return moving_positions(o, call.op);
  for (uint32_t k = 0; k < (positions ? 1 : o->w->nargs); k++) {
    if (!numbered(o, k, &args[k], room)) return no_memory(o);
    room += args[k].size;
  }
  double place = 0;
  if (positions && !positions_at(o, &args[1], &place)) return no_memory(o);
  call.out.data = room;
  dz__tensor_ops[o->w->fn - DZ__F_POINTWISE_END].forward(&call);
  for (size_t e = 0; e < call.out.size; e++) put(o, e, (uint32_t)room[e]);
  return DZ_OK;
}

/* Which element of the result each of the operand's goes to: what sum's reverse kernel does to their numbers.
   The operation is then done element by element. */
static dz_status reduced_in(const wide *o, double *room, dz__array *args) {
  dz__call call = call_of(o, args);
  double *to = room + call.out.size, *ga[1] = {to};
  for (size_t e = 0; e < call.out.size; e++) room[e] = (double)e;
  for (size_t e = 0; e < args[0].size; e++) to[e] = 0;
  call.g = room;
  call.ga = ga;
  dz__tensor_ops[DZ__F_sum - DZ__F_POINTWISE_END].reverse(&call);
  for (size_t e = 0; e < args[0].size; e++) to[e] = (double)(size_t)to[e];
  return dz__extract_reduction(o->x, o->node, o->w, to, call.out.size, args[0].size) ? DZ_OK : no_memory(o);
}

/* The same of scatter, whose own reverse kernel says it. Only derivatives of a gather record one, with the
   same positions: those that move were refused there. */
static dz_status scattered(const wide *o, double *room, dz__array *args) {
  dz__call call = call_of(o, args);
  double *to = room + call.out.size, *ga[2] = {to, NULL}, place = 0;
  if (DZ__NEVER(!positions_are_held(o))) return moving_positions(o, call.op);
  if (!positions_at(o, &args[1], &place)) return no_memory(o);
  for (size_t e = 0; e < call.out.size; e++) room[e] = (double)e, put(o, e, 0);
  for (size_t e = 0; e < args[0].size; e++) to[e] = 0;
  call.g = room;
  call.ga = ga;
  call.scratch = to + args[0].size;
  dz__tensor_ops[DZ__F_scatter - DZ__F_POINTWISE_END].reverse(&call);
  for (size_t e = 0; e < args[0].size; e++) {
    uint32_t *sum = &o->x->item[o->first + (size_t)to[e]]; /* it has an axis */
    *sum = apply(o, DZ__F_add, 0, 2, (uint32_t[]){*sum, element(o, 0, e)});
    if (*sum == DZ__NO_NODE) return no_memory(o);
  }
  return DZ_OK;
}

/* Running sums and products: each is made from the one before. */
static dz_status scan(const wide *o) {
  dz_var v = dz__handle(o->x->t, o->node);
  dz__array out = dz__array_of(v);
  const int64_t *axis;
  size_t inner = 1;
  dz_attributes(v, &axis);
  for (int k = (int)*axis + 1; k < out.rank; k++) inner *= out.dims[k];
  for (size_t e = 0; e < out.size; e++) {
    uint32_t node = element(o, 0, e);
    if (e / inner % out.dims[*axis])
      node = apply(o, o->w->fn == DZ__F_cumsum ? DZ__F_add : DZ__F_mul, 0, 2,
                   (uint32_t[]){o->x->item[o->first + e - inner], node});
    if (node == DZ__NO_NODE) return no_memory(o);
    put(o, e, node);
  }
  return DZ_OK;
}

static dz_status in_room(const wide *o, dz_status (*how)(const wide *, double *, dz__array *)) {
  dz_tape *t = o->x->t;
  const dz_allocator *a = &o->x->g->alloc;
  size_t size = dz_size(dz__handle(t, o->node)), bytes = o->w->nargs * sizeof(dz__array);
  for (uint32_t k = 0; k < o->w->nargs; k++)
    size += array_of(o->x, dz_operand(dz__handle(t, o->node), (int)k)).size;
  size *= 2; /* the kernel's own as well */
  double *room = dz__alloc(a, (size + 1) * sizeof *room);
  dz__array *args = dz__alloc(a, bytes);
  dz_status status = room && args ? how(o, room, args) : no_memory(o);
  dz__free(a, room, (size + 1) * sizeof *room);
  dz__free(a, args, bytes);
  return status;
}

/* ---- products ---- */

/* Of the last two axes; a vector is a row on the left and a column on the right. The rest broadcasts. */
typedef struct side {
  dz__array batch;
  size_t row, column, size;
} side;

static side side_of(const dz__array *a, bool left) {
  side s = {.batch = *a};
  bool vector = a->rank == 1;
  size_t rows = vector ? (left ? 1 : a->dims[0]) : a->dims[a->rank - 2];
  size_t columns = vector ? (left ? a->dims[0] : 1) : a->dims[a->rank - 1];
  s.batch.rank = vector ? 0 : a->rank - 2;
  s.size = rows * columns;
  s.row = columns;
  s.column = columns;
  return s;
}

static dz_status product(const wide *o) {
  dz__array a = dz__array_of(o->operand[0]), b = dz__array_of(o->operand[1]);
  dz__array out = dz__array_of(dz__handle(o->x->t, o->node));
  side x = side_of(&a, true), y = side_of(&b, false);
  size_t inner = x.column, columns = y.column,
         rows = inner         ? x.size / inner
                : a.rank == 1 ? 1
                              : a.dims[a.rank - 2];
  dz__array batch = out;
  batch.rank = out.rank - (a.rank > 1) - (b.rank > 1);
  for (size_t e = 0; e < out.size; e++) {
    size_t group = e / (rows * columns), i = e / columns % rows, j = e % columns;
    size_t at = dz__source(&batch, &x.batch, group) * x.size,
           bt = dz__source(&batch, &y.batch, group) * y.size;
    uint32_t sum = 0;
    for (size_t k = 0; k < inner; k++) {
      uint32_t args[] = {element(o, 0, at + i * inner + k), element(o, 1, bt + k * columns + j)};
      uint32_t term = apply(o, DZ__F_mul, 0, 2, args);
      sum = k ? apply(o, DZ__F_add, 0, 2, (uint32_t[]){sum, term}) : term;
      if (sum == DZ__NO_NODE) return no_memory(o);
    }
    put(o, e, sum);
  }
  return DZ_OK;
}

dz_status dz__extract_wide(dz__extraction *x, uint32_t i, const dz__wide *w) {
  dz_var v = dz__handle(x->t, i);
  wide o = {x, w, i, (uint32_t)x->items, {dz_operand(v, 0), w->nargs > 1 ? dz_operand(v, 1) : dz_num(0)}};
  size_t size = dz_size(v);
  if (w->fn == DZ__F_count) return DZ_OK;
  if (w->fn == DZ__F_noise && (dz_is_number(o.operand[1]) || x->map[dz__index(o.operand[1])] == DZ__FROZEN))
    return DZ_OK; /* the other operand gives a shape only */
  if (w->rank) {
    if (!dz__item_room(x, size)) return no_memory(&o);
    x->items += size;
    x->map[i] = o.first;
  }
  if (w->fn < DZ__F_POINTWISE_END) return pointwise(&o);
  if (w->fn == DZ__F_user) return user(&o);
  if (dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].carries == DZ__MOVES) return in_room(&o, moved_in);
  if (dz__can_reduce(w->fn)) return in_room(&o, reduced_in);
  if (w->fn == DZ__F_scatter) return in_room(&o, scattered);
  if (w->fn == DZ__F_cumsum || w->fn == DZ__F_cumprod) return scan(&o);
  if (w->fn == DZ__F_matmul) return product(&o);
  return refuse(&o);
}
