/* Copies in the adjoints of a step: what reads one reads the original instead, as long as that stays, and the
   copy goes. So a register that only held it keeps what it had, for sums over steps (pack_late.c). */
#include "plan/pack.h"

typedef struct search {
  uint32_t copy, original;
  bool changed, needed, over; /* the original was written; the copy must be; it was written anew */
} search;

static void look(void *user, uint32_t *place, unsigned access) {
  search *s = user;
  const bool written = access & DZ__WRITTEN, read = access & DZ__READ;
  if (s->over) return;
  if (*place == s->copy) {
    s->needed |= read && (written || s->changed);
    s->over = written;
  }
  s->changed |= *place == s->original && written;
}

static void replace(void *user, uint32_t *place, unsigned access) {
  search *s = user;
  if (s->over || *place != s->copy) return;
  if (access & DZ__WRITTEN)
    s->over = true;
  else
    *place = s->original;
}

/* Looked for among so many instructions: that takes linear time. */
enum { FARTHEST = 256 };

static bool is_needed(const dz__loop *l, size_t at, search s) {
  const dz__routine *c = &l->packed;
  const size_t end = l->leave - at > FARTHEST ? at + FARTHEST : l->leave;
  for (size_t k = at + 1; k < end && !s.over; k++) dz__each_place(c, &c->at[k], look, &s);
  return s.needed || (!s.over && end < l->leave);
}

void dz__pack_copies(dz__loop *l, uint8_t *gone) {
  const dz__routine *c = &l->packed;
  for (size_t k = l->zeroed; k < l->leave; k++) {
    const dz__instruction *i = &c->at[k];
    search s = {.copy = i->d, .original = i->a};
    if (i->op != DZ__I_MOV || !dz__is_register(i->d) || !dz__is_register(i->a) || is_needed(l, k, s))
      continue;
    for (size_t j = k + 1; j < l->leave && !s.over; j++) dz__each_place(c, &c->at[j], replace, &s);
    gone[k] = 1;
  }
}
