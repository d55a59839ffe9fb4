/* Whether two recordings are the same: what each node of the first was is kept. */
#include "check/checking.h"

#include "base/hash.h"

static uint64_t mix_values(uint64_t h, const double *v, size_t n) {
  for (size_t e = 0; e < n; e++) h = dz__mix(h, dz__bits(v[e]));
  return h;
}

/* What node i is now. */
static dz__print print_of(const dz_tape *t, uint32_t i) {
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
  size_t n = dz_tape_size(c->tape);
  if (!dz__grow(&c->alloc, (void **)&c->prints, &c->prints_cap, n, sizeof *c->prints))
    return dz__check_fail_as(c, c->tape, DZ_ERR_MEMORY, "out of memory"), false;
  for (uint32_t i = 0; i < n; i++) c->prints[i] = print_of(c->tape, i);
  c->nprints = n;
  return true;
}

bool dz__check_differs(const dz__checking *c, bool values, size_t *node, bool *shape) {
  size_t n = dz_tape_size(c->tape);
  for (*node = 0; *node < n && *node < c->nprints; ++*node) {
    const dz__print now = print_of(c->tape, (uint32_t)*node), *was = &c->prints[*node];
    *shape = now.shape != was->shape;
    if (*shape || now.fixed != was->fixed || (values && now.value != was->value)) return true;
  }
  *shape = true;
  return n != c->nprints;
}

bool dz__check_repeat(dz__checking *c) {
  dz_var y;
  size_t node;
  bool shape;
  if (!dz__check_record(c, &y)) return false;
  if (dz__check_differs(c, true, &node, &shape)) dz__check_name(c, DZ_FAULT_UNREPEATABLE, node, -1);
  return true;
}
