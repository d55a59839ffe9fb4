/* Walking the tape as data, and notes. */
#include "tape/tape.h"

#include <stdarg.h>
#include <stdio.h>

dz_var dz_node_at(dz_tape *t, size_t i) {
  return t && i < dz__count(t) ? dz__handle(t, (uint32_t)i) : (dz_var){.tape = t, .id = DZ__NONE};
}

static bool node(dz_var x) { return !dz_is_number(x) && dz_valid(x); }

size_t dz_node_index(dz_var x) { return node(x) ? dz__index(x) : SIZE_MAX; }

/* Places are in node order: the last that begins at or before i. */
dz__place dz__place_of(const dz_tape *t, uint32_t i) {
  const dz__tape *s = dz__of_const(t);
  size_t low = 0, high = s->places;
  while (low < high) {
    size_t mid = (low + high) / 2;
    if (s->place[mid].first <= i)
      low = mid + 1;
    else
      high = mid;
  }
  return low ? s->place[low - 1] : (dz__place){0, 0, 0};
}

dz__fn dz__fn_of(dz_var x) {
  const dz__wide *w = dz__wide_of(x.tape, dz__index(x));
  return w ? (dz__fn)w->fn : dz__fn_of_code(dz__node_code(x.tape, dz__index(x)));
}

dz_node dz_describe(dz_var x) {
  static const char *const leaf[] = {"input", "param", "const", "data"};
  if (!node(x)) return (dz_node){.role = DZ_ROLE_NONE};
  uint32_t i = dz__index(x);
  unsigned code = dz__node_code(x.tape, i);
  const dz__wide *w = dz__wide_of(x.tape, i);
  dz__place place = dz__place_of(x.tape, i);
  dz_node d = {.role = dz_role_of(x), .active = dz_is_active(x), .line = place.line, .column = place.column};
  if (code < DZ__WIDE) {
    d.op = leaf[code];
    return d;
  }
  const dz__op *op = &dz__ops[w ? w->fn : dz__fn_of_code(code)];
  d.op = w ? dz__op_name(dz__of(x.tape), w->fn, dz__attr_of(dz__of(x.tape), w)) : op->name;
  d.nargs = w ? (int)w->nargs : op->arity;
  return d;
}

static dz_var of_ref(dz_tape *t, dz__ref ref) {
  return ref.flags & DZ__POOLED ? dz_num(t->pool[ref.index]) : dz__handle(t, ref.index);
}

dz_var dz_operand(dz_var x, int k) {
  dz_node d = dz_describe(x);
  if (k < 0 || k >= d.nargs) return (dz_var){0};
  dz_tape *t = x.tape;
  uint32_t i = dz__index(x);
  const dz__wide *w = dz__wide_of(t, i);
  if (w) return of_ref(t, dz__of(t)->wide_args[w->arg0 + (uint32_t)k]);
  unsigned variant = dz__variant(dz__node_code(t, i));
  bool pooled = (variant == DZ__VC && k == 1) || (variant == DZ__CV && k == 0);
  return of_ref(t, (dz__ref){k ? dz__operands(t, i).b : dz__operands(t, i).a, pooled ? DZ__POOLED : 0});
}

const dz__userop *dz__user_named(const dz_tape *t, const char *name, size_t size, int64_t *number) {
  const dz__tape *s = dz__of_const(t);
  for (size_t i = 0; i < s->nusers; i++)
    if (strncmp(s->users[i]->name, name, size) == 0 && s->users[i]->name[size] == 0)
      return *number = (int64_t)i, s->users[i];
  return NULL;
}

size_t dz_attributes(dz_var x, const int64_t **values) {
  const dz__wide *w = node(x) ? dz__wide_of(x.tape, dz__index(x)) : NULL;
  if (values) *values = w ? dz__attr_of(dz__of(x.tape), w) : NULL;
  return w ? w->nattr : 0;
}

/* ---- notes ---- */

bool dz__notes_begin(dz_tape *t) {
  dz__tape *s = dz__of(t);
  if (!s->notes) s->notes = dz__alloc(&s->alloc, DZ__MAX_NOTES * sizeof *s->notes);
  return s->notes != NULL;
}

void dz__note(dz_tape *t, const char *kind, const char *op, int line, int column, const char *format, ...) {
  dz__tape *s = dz__of(t);
  if (s->nnotes >= DZ__MAX_NOTES || !dz__notes_begin(t)) return;
  dz_note *n = &s->notes[s->nnotes++];
  *n = (dz_note){.line = line, .column = column};
  snprintf(n->kind, sizeof n->kind, "%s", kind);
  snprintf(n->op, sizeof n->op, "%s", op);
  va_list args;
  va_start(args, format);
  vsnprintf(n->message, sizeof n->message, format, args);
  va_end(args);
}

size_t dz_note_count(const dz_tape *t) { return t ? dz__of_const(t)->nnotes : 0; }

const dz_note *dz_note_at(const dz_tape *t, size_t i) {
  return i < dz_note_count(t) ? &dz__of_const(t)->notes[i] : NULL;
}
