/* Whether two recordings are the same: what each node of the first was is kept. */
#include "check/checking.h"

#include "base/hash.h"

static uint64_t mix_values(uint64_t h, const double *v, size_t n) {
  for (size_t e = 0; e < n; e++) h = dz__mix(h, dz__bits(v[e]));
  return h;
}

dz__print dz__check_print_of(const dz_tape *t, uint32_t i) {
  dz_var x = dz__handle(t, i);
  dz_node d = dz_describe(x);
  const int64_t *attr;
  size_t nattr = dz_attributes(x, &attr), n = dz_size(x);
  dz__print p = {dz__mix(dz__mix((uintptr_t)d.op, d.role), (uint64_t)dz_rank(x)), 0,
                 mix_values(1, dz_values(x), n)};
  for (int k = 0; k < dz_rank(x); k++) p.shape = dz__mix(p.shape, dz_extent(x, k));
  for (size_t k = 0; k < nattr; k++) p.shape = dz__mix(p.shape, (uint64_t)attr[k]);
  for (int k = 0; k < d.nargs; k++) {
    dz_var o = dz_operand(x, k);
    bool number = dz_is_number(o);
    p.shape = dz__mix(p.shape, number ? UINT64_MAX : dz__index(o));
    if (number) p.fixed = mix_values(p.fixed, &o.value, 1);
  }
  if (d.role == DZ_ROLE_CONST || d.role == DZ_ROLE_DATA) p.fixed = dz__mix(p.fixed, p.value);
  return p;
}

bool dz__check_print(dz__checking *c) {
  size_t n = c->tape->n;
  if (!dz__grow(&c->alloc, (void **)&c->prints, &c->prints_cap, n, sizeof *c->prints))
    return dz__check_fail_as(c, c->tape, DZ_ERR_MEMORY, "out of memory"), false;
  for (uint32_t i = 0; i < n; i++) c->prints[i] = dz__check_print_of(c->tape, i);
  c->nprints = n;
  return true;
}

static bool same(const dz__print *a, const dz__print *b) {
  return a->shape == b->shape && a->fixed == b->fixed && a->value == b->value;
}

bool dz__check_repeat(dz__checking *c) {
  dz_var y;
  if (!dz__check_record(c, &y)) return false;
  size_t n = c->tape->n, both = n < c->nprints ? n : c->nprints, i = 0;
  for (; i < both; i++) {
    dz__print now = dz__check_print_of(c->tape, (uint32_t)i);
    if (!same(&now, &c->prints[i])) break;
  }
  if (i == both && n == c->nprints) return true;
  dz__check_name(c, DZ_FAULT_UNREPEATABLE, i, -1);
  return true;
}
