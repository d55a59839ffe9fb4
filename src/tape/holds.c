/* Branches of C code on recorded comparisons. */
#include "dz/holds.h"

#include "tape/tape.h"

#undef dz_holds

bool dz__holds_at(dz_var condition, const char *file, int line) {
  if (dz_is_number(condition)) return dz__number(condition) != 0;
  dz_tape *t = condition.tape;
  if (!t || !dz__check_handle(t, condition, "holds")) return false;
  if (dz_rank(condition) > 0)
    return dz__poison(t, DZ_ERR_SHAPE, "holds", "a branch needs a scalar; this is a tensor"), false;
  dz__tape *s = dz__of(t);
  while (s->nbranches > 0 && !dz_valid(s->branches[s->nbranches - 1].condition)) s->nbranches--;
  if (!dz__grow(&s->alloc, (void **)&s->branches, &s->branches_cap, s->nbranches + 1, sizeof *s->branches))
    return dz__poison(t, DZ_ERR_MEMORY, "holds", "out of memory for a branch"), false;
  bool held = dz_value(condition) != 0;
  s->branches[s->nbranches++] = (dz__held){condition, file, line, held};
  return held;
}

bool dz_holds(dz_var condition) { return dz__holds_at(condition, NULL, 0); }
