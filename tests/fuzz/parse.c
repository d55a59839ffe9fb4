/* Any text is parsed, recorded, swept and diagnosed, or refused with one error, while memory runs out where
   the input says. What failed for want of memory gives the same bits when it is done again; at the end every
   block has come back. */
#include "dz/sweep.h"
#include "text.h"

typedef struct outcome {
  dz_status status;
  double value, slopes;
} outcome;

static outcome record(const dz_program *p, dz_tape *t) {
  outcome o = {DZ_OK, NAN, 0};
  const dz_var y = dz_program_record(p, t, 7);
  o.status = dz_tape_error(t)->status;
  ck_assert(dz_valid(y) == (o.status == DZ_OK));
  if (o.status) return o;
  o.value = dz_value(y);
  if (dz_size(y) == 1 && (o.status = dz_backward(y)) == DZ_OK) {
    for (size_t k = 0; k < dz_program_leaf_count(p); k++) {
      const dz_var x = dz_named(t, dz_program_leaf_at(p, k).name);
      const double *g = dz_adjoints(x);
      for (size_t i = 0; g && i < dz_size(x); i++) o.slopes = 31 * o.slopes + g[i];
    }
    o.status = dz_diagnose(y);
  }
  return o;
}

static void run(const dz_program *p, failing *f) {
  const dz_allocator a = failing_allocator(f);
  dz_tape *t = dz_tape_new(&a);
  if (!t) return;
  bind_leaves(t, p);
  if (dz_tape_error(t)->status == DZ_OK) {
    const dz_mark mark = dz_tape_mark(t);
    const outcome first = record(p, t);
    if (first.status && dz_tape_error(t)->status) check_error(dz_tape_error(t), f);
    f->at = f->only = 0;
    dz_tape_forgive(t);
    ck_assert(dz_tape_rewind(t, mark) == DZ_OK);
    const size_t failed = f->failed; /* more may be held the second time than may be in all */
    const outcome again = record(p, t);
    if (first.status != DZ_ERR_MEMORY && f->failed == failed) {
      ck_assert(first.status == again.status);
      ck_assert(same_number(first.value, again.value) && same_number(first.slopes, again.slopes));
    }
  }
  dz_tape_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  failing f = take_failing(&in);
  const dz_allocator a = failing_allocator(&f);
  dz_error e = {.status = DZ_OK};
  dz_program *p = dz_program_parse((const char *)in.at, in.left, "<fuzz>", &a, &e);
  if (!p) check_error(&e, &f);
  if (p) run(p, &f);
  dz_program_free(p);
  ck_assert(f.blocks == 0 && f.bytes == 0);
  return 0;
}
