/* The graph of a trace once more, on a tape of its own, and what everything is called there. */
#include "show/symbol_work.h"

#include "dz/text.h"
#include "show/node.h"

#include <string.h>

/* ---- which leaves are numbers ---- */

static bool listed(const char *list, const char *name) {
  size_t n = strlen(name);
  for (const char *at = list; *at;) {
    const char *comma = strchr(at, ',');
    size_t size = comma ? (size_t)(comma - at) : strlen(at);
    if (size == n && memcmp(at, name, n) == 0) return true;
    at += size + (comma != NULL);
  }
  return false;
}

static bool may_fix(const dz__seen *s) { return dz__work_is_leaf(s) && s->name && s->rank == 0; }

static bool like_constant(const dz__seen *s) {
  return may_fix(s) && s->name[0] >= 'a' && s->name[0] <= 'd' && s->name[1] == 0 && s->value[0] == -1 &&
         s->uses > 1;
}

void dz__work_fix(dz__work *w, const char *constants) {
  bool others = false;
  for (size_t i = 0; i < w->of->nseen; i++)
    others = others || (dz__work_is_leaf(dz__work_seen(w, i)) && !like_constant(dz__work_seen(w, i)) &&
                        dz__work_seen(w, i)->is.active);
  for (size_t i = 0; i < w->of->nseen; i++) {
    const dz__seen *s = dz__work_seen(w, i);
    w->y->node[i].fixed = constants ? may_fix(s) && listed(constants, s->name) : others && like_constant(s);
  }
}

/* ---- the copy ---- */

static bool taken(const dz_tape *t, const char *name) { return dz_valid(dz_named((dz_tape *)t, name)); }

/* Also by a node that is still to be named. */
static bool spoken_for(const dz__work *w, const char *name) {
  return taken(w->y->tape, name) || taken(dz__work_seen(w, 0)->var.tape, name);
}

/* letter1, letter2 …: the next that no node has. */
static const char *free_name(dz__work *w, char letter, uint32_t *last, dz_var x) {
  char name[34] = {letter};
  do dz_number_write(++*last, 0, name + 1);
  while (spoken_for(w, name));
  return dz_set_name(x, name) ? NULL : dz_name(x);
}

static dz_var copy_leaf(dz__work *w, const dz__seen *s) {
  dz_var x = s->rank == 0 ? dz_leaf(w->y->tape, s->is.role, s->value[0])
                          : dz_leaf_tensor(w->y->tape, s->is.role, s->rank, s->dims, s->value);
  return s->name && dz_valid(x) && dz_set_name(x, s->name) == DZ_ERR_MEMORY ? (dz_var){0} : x;
}

/* Node i with the operands as they are copied, but `other` for operand k. */
dz_var dz__work_operation(dz__work *w, size_t i, int other_at, dz_var other) {
  const dz__seen *s = dz__work_seen(w, i);
  dz_var few[8], *in = few, x = {0};
  const int64_t *attr;
  size_t n = (size_t)s->is.nargs, nattr = dz_attributes(s->var, &attr);
  dz__fn fn = dz__node_fn(s->var);
  if (n > 8) in = dz__alloc(&w->y->alloc, n * sizeof *in);
  if (!in) return x;
  for (size_t k = 0; k < n; k++) {
    const dz__use *u = &w->of->use[s->args + k];
    in[k] = (int)k == other_at ? other : u->of == DZ__NONE ? dz_num(u->number) : w->y->handle[u->of];
    if (fn >= DZ__F_POINTWISE_END) in[k] = dz__as_node(w->y->tape, in[k]);
  }
  x = dz__record(fn, (int)n, in, (int)nattr, attr);
  if (in != few) dz__free(&w->y->alloc, in, n * sizeof *in);
  return x;
}

bool dz__work_copy(dz__work *w) {
  uint32_t inputs = 0, others = 0;
  for (size_t i = 0; i < w->of->nseen; i++) {
    const dz__seen *s = dz__work_seen(w, i);
    dz_var x = dz__work_is_leaf(s) ? copy_leaf(w, s) : dz__work_operation(w, i, -1, (dz_var){0});
    if (!dz_valid(x)) return false;
    w->y->handle[i] = x;
    w->y->node[i].name = dz__work_is_leaf(s) ? dz_name(x) : NULL;
  }
  for (size_t i = 0; i < w->of->nseen; i++) {
    const dz__seen *s = dz__work_seen(w, i);
    bool constant = s->is.role == DZ_ROLE_CONST || s->is.role == DZ_ROLE_DATA;
    if (dz__work_is_leaf(s) && !s->name && !(constant && s->rank == 0) &&
        !(w->y->node[i].name =
              free_name(w, constant ? 'c' : 'x', constant ? &others : &inputs, w->y->handle[i])))
      return false;
  }
  return true;
}

/* A leaf of node i's shape and value, under a name of its own where one is free. */
dz_var dz__work_stand_in(dz__work *w, size_t i) {
  const dz__seen *s = dz__work_seen(w, i);
  dz__fn fn = dz__fn_by_name(s->is.op, strlen(s->is.op));
  bool truth = fn >= DZ__F_lt && fn <= DZ__F_not; /* it may well be 0: no generic point is without that */
  dz_role role = s->is.active && !truth ? DZ_ROLE_INPUT : DZ_ROLE_DATA;
  if (s->rank == 0) return dz_leaf(w->y->tape, role, s->value[0]);
  return dz_leaf_tensor(w->y->tape, role, s->rank, s->dims, s->value);
}

/* E, with the adjoint that the last sweep began with; 1 where there is none. */
dz_var dz__work_seed(dz__work *w) {
  const dz__seen *s = dz__work_seen(w, dz__work_top(w));
  if (s->rank == 0 || !s->adjoint) return dz_input(w->y->tape, s->adjoint ? s->adjoint[0] : 1);
  return dz_leaf_tensor(w->y->tape, DZ_ROLE_INPUT, s->rank, s->dims, s->adjoint);
}

static bool name_result(dz__work *w, const char *wanted) {
  dz_var x = w->alias[dz__work_top(w)];
  const char *own = dz__work_seen(w, dz__work_top(w))->name,
             *tries[] = {wanted && *wanted ? wanted : own, own, "z", "f", "y"};
  for (size_t k = 0; k < sizeof tries / sizeof *tries; k++) {
    if (!tries[k] || taken(w->y->tape, tries[k])) continue;
    const dz_status status = dz_set_name(x, tries[k]);
    if (status == DZ_ERR_MEMORY) return false;
    if (status) continue; /* no name: too long, or no UTF-8 */
    w->y->result = dz_name(x);
    break;
  }
  uint32_t last = 0;
  if (!w->y->result) w->y->result = free_name(w, 'z', &last, x);
  return w->y->result != NULL;
}

/* Operations get aliases, named as they are or v1, v2 …; E is found a letter that is free. */
bool dz__work_name(dz__work *w, const char *result) {
  uint32_t last = 0;
  for (size_t i = 0; i < w->of->nseen; i++)
    if (!dz__work_is_leaf(dz__work_seen(w, i)) && !dz_valid(w->alias[i] = dz__work_stand_in(w, i)))
      return false;
  for (size_t i = 0; i < dz__work_top(w); i++)
    if (!dz__work_is_leaf(dz__work_seen(w, i)) && dz__work_seen(w, i)->name &&
        dz_set_name(w->alias[i], dz__work_seen(w, i)->name))
      return false;
  if (dz__work_is_leaf(dz__work_seen(w, dz__work_top(w))))
    w->alias[dz__work_top(w)] = dz__work_stand_in(w, dz__work_top(w));
  if (!name_result(w, result)) return false;
  for (size_t i = 0; i < w->of->nseen; i++) {
    if (dz__work_is_leaf(dz__work_seen(w, i))) continue;
    const char *name = dz_name(w->alias[i]);
    w->y->node[i].name = name ? name : free_name(w, 'v', &last, w->alias[i]);
    if (!w->y->node[i].name) return false;
  }
  for (const char *letter = "E\0G\0H\0J\0"; *letter; letter += 2)
    if (!taken(w->y->tape, letter)) {
      if (dz_set_name(w->seed, letter)) return false;
      break;
    }
  if (!dz_name(w->seed)) free_name(w, 'E', &last, w->seed);
  w->y->seed = dz_name(w->seed);
  return w->y->seed != NULL;
}
