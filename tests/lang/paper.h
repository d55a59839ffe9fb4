/* What tests of printing share: where the text goes, and graphs to print. */
#ifndef DZ_TESTS_PAPER_H
#define DZ_TESTS_PAPER_H

#include "dz/lang.h"
#include "dz/print.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

typedef struct paper {
  char text[1 << 16];
  size_t n, most; /* most: refuses beyond; 0: never */
} paper;

static inline bool on_paper(void *user, const char *text, size_t size) {
  paper *p = user;
  if ((p->most && p->n + size > p->most) || p->n + size >= sizeof p->text) return false;
  memcpy(p->text + p->n, text, size);
  p->n += size;
  p->text[p->n] = 0;
  return true;
}

/* Capitals are 2 by 2 matrices, v and w vectors of 2, all else scalars. */
static inline void bind_names(dz_tape *t, const dz_program *p) {
  static const double values[] = {1.25, -2, 3, .5};
  dz_program_leaf leaf;
  for (size_t i = 0; (leaf = dz_program_leaf_at(p, i)).name; i++) {
    const char *name = leaf.name;
    bool matrix = *name >= 'A' && *name <= 'Z', vector = strcmp(name, "v") == 0 || strcmp(name, "w") == 0;
    if (leaf.constant) continue;
    dz_var x =
        dz_leaf_tensor(t, leaf.role, matrix ? 2 : vector, (size_t[]){2, 2}, values + *name % 3 * !matrix);
    ck_assert_int_eq(dz_set_name(x, name), DZ_OK);
  }
}

static inline dz_var record(dz_tape *t, const char *text) {
  dz_error e;
  dz_program *p = dz_program_parse(text, strlen(text), "<text>", NULL, &e);
  ck_assert_msg(p != NULL, "%s: %d:%d: %s", text, e.line, e.column, e.message);
  bind_names(t, p);
  dz_var y = dz_program_record(p, t, 0);
  ck_assert_msg(!dz_tape_error(t)->status, "%s: %s", text, dz_tape_error(t)->message);
  dz_program_free(p);
  return y;
}

static inline const char *print(dz_var y, const dz_print_options *o) {
  static paper p;
  p.n = p.most = 0;
  ck_assert_int_eq(dz_print(y, o, on_paper, &p), DZ_OK);
  return p.text;
}

static inline bool count_bytes(void *user, const char *text, size_t size) {
  (void)text;
  *(size_t *)user += size;
  return true;
}

#endif
