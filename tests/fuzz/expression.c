/* Expressions as text against the exact answer. */
#include "exact.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  failing f = {.most = (size_t)8 << 20};
  const dz_allocator a = failing_allocator(&f);
  const bool plans = take_byte(&in) % 2;
  dz_program *p = dz_program_parse((const char *)in.at, in.left, "<fuzz>", &a, NULL);
  dz_tape *t = p ? dz_tape_new(&a) : NULL;
  if (t) {
    bind_leaves(t, p);
    const dz_var y = dz_program_record(p, t, 7);
    if (dz_tape_error(t)->status == DZ_OK) expect_exact(t, y, plans, NULL, 0);
  }
  dz_tape_free(t);
  dz_program_free(p);
  ck_assert(f.blocks == 0 && f.bytes == 0);
  return 0;
}
