/* A program from the input, recorded: what targets over the language share. */
#ifndef DZ_TESTS_FUZZ_TEXT_H
#define DZ_TESTS_FUZZ_TEXT_H

#include "dz/lang.h"
#include "fuzz.h"

/* Leaves are bound to numbers by turns, so that the text alone says the rest; a declared shape of up to 64
   elements is kept, a larger one is not bound. */
static inline void bind_leaf(dz_tape *t, const dz_program_leaf *leaf, size_t k) {
  static const double numbers[] = {.5, 2, -1, .75, 3, -.25, 1, 0};
  double values[64];
  size_t size = 1;
  for (int d = 0; d < leaf->rank; d++) size = leaf->dims[d] > 64 ? 65 : size * leaf->dims[d];
  if (size > 64 || leaf->has_init || leaf->constant) return;
  for (size_t i = 0; i < size; i++) values[i] = numbers[(k + i) % 8];
  dz_var x = leaf->rank > 0 ? dz_leaf_tensor(t, leaf->role, leaf->rank, leaf->dims, values)
                            : dz_leaf(t, leaf->role, values[0]);
  dz_set_name(x, leaf->name);
}

static inline void bind_leaves(dz_tape *t, const dz_program *p) {
  for (size_t k = 0; k < dz_program_leaf_count(p); k++) {
    const dz_program_leaf leaf = dz_program_leaf_at(p, k);
    bind_leaf(t, &leaf, k);
  }
}

/* An error says what and, where it is one of text, where. */
static inline void check_error(const dz_error *e, const failing *f) {
  ck_assert(e->status != DZ_OK && e->status < DZ_STATUS_COUNT);
  ck_assert(e->message[0] != '\0' && strlen(e->message) < sizeof e->message);
  if (e->status == DZ_ERR_SYNTAX) ck_assert(e->line > 0 && e->column > 0);
  if (e->status == DZ_ERR_MEMORY) ck_assert(f->failed > 0);
}

#endif
