/* The rules of tensor operations: for a linear one its transpose, for the others their partials, in
   operations that exist. Each function is named after a line of tensor.def. */
#include "derive/transpose.h"

#include "base/never.h"

#include <math.h>
#include <string.h>

static bool same_dims(const dz__array *a, const dz__array *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

dz_var dz__shaped_as(dz__fn fn, dz_var x, const dz__array *like) {
  if (!dz_valid(x)) return x;
  dz__array own = dz__array_of(x);
  if (same_dims(&own, like)) return x;
  int64_t to[DZ__MAX_RANK];
  for (int k = 0; k < like->rank; k++) to[k] = (int64_t)like->dims[k];
  return dz__shaped(fn, x, like->rank, to);
}

dz_var dz__reshaped(dz_var x, int rank, const size_t *dims) {
  dz__array like = {.rank = rank};
  for (int k = 0; k < rank; k++) like.dims[k] = dims[k];
  return dz__shaped_as(DZ__F_reshape, x, &like);
}

dz_var dz__slice(dz_var x, int axis, dz__range r) {
  dz__range ranges[DZ__MAX_RANK] = {{0}};
  for (int k = 0; k < axis; k++) ranges[k].step = 1;
  ranges[axis] = r;
  return dz__indexed(x, axis + 1, ranges);
}

dz_var dz__spread_to(dz_var x, dz_var like) {
  dz__array a = dz__array_of(like);
  return dz__shaped_as(DZ__F_broadcast_to, x, &a);
}

dz_var dz__sum_to(dz_var c, dz_var like) {
  if (dz_is_number(c) || !dz_valid(c)) return c;
  dz__array from = dz__array_of(c), to = dz__array_of(like);
  if (same_dims(&from, &to)) return c;
  int64_t axes[DZ__MAX_RANK];
  int n = 0, extra = from.rank - to.rank;
  for (int k = 0; k < from.rank; k++)
    if (k < extra || (to.dims[k - extra] == 1 && from.dims[k] != 1)) axes[n++] = k;
  dz_var sum = dz__reduce(DZ__F_sum, c, n, axes, true, 0);
  return dz__reshaped(sum, to.rank, to.dims);
}

dz_var dz__ones_like(dz_tape *t, const dz__array *a) {
  dz_var one = dz_const(t, 1);
  int64_t to[DZ__MAX_RANK];
  for (int k = 0; k < a->rank; k++) to[k] = (int64_t)a->dims[k];
  return dz__shaped(DZ__F_broadcast_to, one, a->rank, to);
}

dz_var dz__ones(dz_var like) {
  dz__array a = dz__array_of(like);
  return a.rank ? dz__ones_like(like.tape, &a) : dz_const(like.tape, 1);
}

/* ---- shapes and places ---- */

static dz_var dz__pull_reshape(const dz__site *s) {
  dz__array a = dz__array_of(s->in[0]);
  return dz__reshaped(s->g, a.rank, a.dims);
}

static dz_var dz__pull_broadcast_to(const dz__site *s) { return dz__sum_to(s->g, s->in[0]); }

static dz_var dz__pull_permute(const dz__site *s) {
  int64_t back[DZ__MAX_RANK];
  for (int k = 0; k < s->nattr; k++) back[s->attr[k]] = k;
  return dz__permuted(s->g, s->nattr, back);
}

static dz_var dz__pull_index(const dz__site *s) {
  dz__array a = dz__array_of(s->in[0]);
  int64_t attr[5 * DZ__MAX_RANK];
  memcpy(attr, s->attr, (size_t)s->nattr * sizeof *attr);
  for (int k = 0; k < a.rank; k++) attr[4 * a.rank + k] = (int64_t)a.dims[k];
  return dz__record(DZ__F_place, 1, &s->g, 5 * a.rank, attr);
}

static dz_var dz__pull_place(const dz__site *s) {
  dz__array a = dz__array_of(s->in[0]);
  dz_var read = dz__record(DZ__F_index, 1, &s->g, s->nattr / 5 * 4, s->attr);
  return dz_valid(read) ? dz__reshaped(read, a.rank, a.dims) : read;
}

static dz_var dz__pull_gather(const dz__site *s) {
  dz__array a = dz__array_of(s->in[0]);
  int64_t attr[] = {s->attr[0], (int64_t)a.dims[s->attr[0]]};
  return dz__record(DZ__F_scatter, 2, (dz_var[]){s->g, s->in[1]}, 2, attr);
}

static dz_var dz__pull_scatter(const dz__site *s) {
  return dz__record(DZ__F_gather, 2, (dz_var[]){s->g, s->in[1]}, 1, s->attr);
}

static dz_var dz__pull_concat(const dz__site *s) {
  int axis = (int)s->attr[0];
  int64_t start = 0;
  for (int k = 0; k < s->k; k++) start += (int64_t)dz_extent(s->in[k], axis);
  int64_t stop = start + (int64_t)dz_extent(s->in[s->k], axis);
  return dz__slice(s->g, axis,
                   (dz__range){.has_start = true, .has_stop = true, .start = start, .stop = stop, .step = 1});
}

static dz_var dz__pull_stack(const dz__site *s) {
  return dz__slice(s->g, (int)s->attr[0], (dz__range){.position = true, .start = s->k});
}

/* ---- the reach: structural zeros and what they spread to ---- */

/* How a reach goes through the operations that are not linear; the others take it as they take g. */
static dz__rule *const reaches[DZ__F_END - DZ__F_POINTWISE_END] = {
    [DZ__F_max - DZ__F_POINTWISE_END] = dz__reach_extreme,
    [DZ__F_min - DZ__F_POINTWISE_END] = dz__reach_extreme,
    [DZ__F_prod - DZ__F_POINTWISE_END] = dz__pull_sum,
    [DZ__F_norm - DZ__F_POINTWISE_END] = dz__pull_sum,
    [DZ__F_logsumexp - DZ__F_POINTWISE_END] = dz__pull_sum,
    [DZ__F_cumprod - DZ__F_POINTWISE_END] = dz__pull_cumsum,
    [DZ__F_matmul - DZ__F_POINTWISE_END] = dz__reach_matmul,
    [DZ__F_solve - DZ__F_POINTWISE_END] = dz__reach_solve};

static bool all_finite(dz_var x) {
  const double *v = dz_values(x);
  if (!v) return false; /* no memory for doubles: the careful way is always right */
  for (size_t i = 0; i < dz_size(x); i++)
    if (!isfinite(v[i])) return false;
  return true;
}

bool dz__tensor_varies(dz__fn fn, const dz_var *in) {
  return fn == DZ__F_matmul ? !all_finite(in[0]) || !all_finite(in[1])
                            : reaches[fn - DZ__F_POINTWISE_END] != NULL;
}

/* Those whose gradient has elements that nothing reaches, even when all of g is reached. */
static bool selects(dz__fn fn) {
  return fn == DZ__F_index || fn == DZ__F_gather || fn == DZ__F_max || fn == DZ__F_min;
}

/* ---- the table ---- */

/* These have no slope: never called. */
#define dz__pull_count NULL
#define dz__pull_lu NULL
#define dz__pull_noise NULL

dz__flow dz__rule_tensor(dz__fn fn, int k, const dz_var *in, dz_var z, dz__flow f, bool careful) {
  static dz__rule *const rules[] = {
#define TENSOR(name, ...) dz__pull_##name,
#include "ops/tensor.def"
#undef TENSOR
  };
  /* Nothing flows to the positions that a gather or a scatter goes by. */
  if (k == 1 && (fn == DZ__F_gather || fn == DZ__F_scatter)) return (dz__flow){{0}, {0}};
  dz__site s = {.in = in, .z = z, .k = k};
  s.nattr = (int)dz_attributes(z, &s.attr);
  /* The integers are copied: recording may move them. */
  int64_t attr[DZ__MAX_ATTRS];
  if (DZ__NEVER(s.nattr > DZ__MAX_ATTRS)) return (dz__flow){{0}, {0}};
  if (s.nattr) memcpy(attr, s.attr, (size_t)s.nattr * sizeof *attr);
  s.attr = attr;
  s.g = dz__spread_to(dz__as_node(z.tape, f.g), z);
  if (!dz_valid(s.g)) return (dz__flow){s.g, {0}};
  bool varies = dz__tensor_varies(fn, in);
  if (varies && f.reach.tape) s.reach = dz__spread_to(f.reach, z);
  dz__flow out = {rules[fn - DZ__F_POINTWISE_END](&s), {0}};
  if (!dz_valid(out.g) || !(f.reach.tape ? careful || varies : careful && selects(fn))) return out;
  s.g = f.reach.tape ? dz__spread_to(f.reach, z) : dz__ones(z);
  dz__rule *const reach = reaches[fn - DZ__F_POINTWISE_END];
  out.reach = dz_valid(s.g) ? (reach ? reach : rules[fn - DZ__F_POINTWISE_END])(&s) : s.g;
  if (f.reach.tape && varies) out.g = dz__choose(out.reach, out.g, dz_num(0));
  return out;
}
