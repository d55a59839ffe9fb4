/* What a tape holds against the exact answer, by the oracle: values, adjoints, tangents, derivative graphs,
   and plans in every way that they can be run. */
#ifndef DZ_TESTS_FUZZ_EXACT_H
#define DZ_TESTS_FUZZ_EXACT_H

#include "fuzz.h"
#include "oracle/compare.h"

/* Plans refuse positions that are computed from their inputs. */
static inline bool computes_positions(dz_tape *t) {
  for (size_t i = 0; i < dz_tape_size(t); i++) {
    const dz_var x = dz_node_at(t, i);
    const char *name = dz_describe(x).op;
    if (strcmp(name, "gather") != 0 && strcmp(name, "scatter") != 0) continue;
    if (!dz_is_number(dz_operand(x, 1)) && dz_role_of(dz_operand(x, 1)) == DZ_ROLE_NONE) return true;
  }
  return false;
}

/* With `plans`, plans too. The oracle's draws (seeds, directions) are these bytes, then others. */
static inline void expect_exact(dz_tape *t, dz_var y, bool plans, const uint8_t *draws, size_t count) {
  static mirror m;
  static score s;
  check c = {&m.g, &s, stderr, plans && !computes_positions(t) ? 8 : 1, false};
  if (dz_is_number(y) || !dz_valid(y) || dz_tape_size(t) > MOST_NODES) return;
  m.g.draws = draws;
  m.g.draw_count = count;
  mirror_clear(&m);
  m.original = SIZE_MAX;
  if (!mirror_read(&m, t)) return;
  m.g.tape = t;
  compare_built(&c, m.of[dz_node_index(y)]);
  if (!c.failed) return;
  graph_print(stderr, &m.g);
  ck_abort_msg("not what it should be");
}

#endif
