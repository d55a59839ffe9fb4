/* Sequences of short steps as C: the loop over them with the registers of a step as variables, of which only
   those are stored that the way back reads. */
#include "plan/emit.h"

#include <string.h>

/* What becomes of a slot. */
enum {
  STATE = 1, /* values read it of the step before */
  SET = 2,   /* adjoints have written it; those of the step before it: */
  SET_LAST = 4,
  NEEDED = 8,       /* adjoints read a value of this step */
  NEEDED_LAST = 16, /* or of the step before */
  ENTERED = 32,     /* it has a value before the first step */
  LATER = 64        /* a slope: computed on the way back, for many steps at once */
};

enum { AT_ONCE = 64 }; /* steps */

/* Numbers that stand in one line of the cache; how many bytes ahead they are fetched; how many must be kept
   for that to be worth while. */
enum { LINE = 8, AHEAD = 3072, MANY = 1 << 15 };

typedef struct body {
  dz__emitter *e;
  const dz__loop *l;
  uint8_t *slot;
  dz__locals locals;
  bool quick;
  bool back, wired; /* adjoints; whether numbers are added here and there in arrays */
} body;

static void note_slot(void *user, uint32_t *place, unsigned access) {
  body *b = user;
  const unsigned where = dz__where_of(*place);
  if (where != DZ__REG && where != DZ__OUT) return;
  uint8_t *s = &b->slot[dz__place_index(*place)];
  const unsigned set = where == DZ__REG ? SET : SET_LAST, needed = where == DZ__REG ? NEEDED : NEEDED_LAST;
  if (!b->back) {
    *s |= where == DZ__OUT ? STATE : 0;
  } else {
    if (access & DZ__READ && !(*s & set)) *s |= (uint8_t)needed;
    if (access & DZ__WRITTEN) *s |= (uint8_t)set;
  }
}

/* The first state alone is written before the steps. */
static void note_entered(void *user, uint32_t *place, unsigned access) {
  body *b = user;
  if (access & DZ__WRITTEN) b->slot[dz__place_index(*place)] |= ENTERED;
}

/* Inputs, and numbers that adjoints are added to, become variables. */
static void note_local(void *user, uint32_t *place, unsigned access) {
  body *b = user;
  dz__locals *v = &b->locals;
  const unsigned where = dz__where_of(*place);
  bool added = where == DZ__GRAD && !b->wired;
  (void)access;
  for (size_t j = 0; j < v->n; j++)
    if (v->place[j] == *place) return;
  if ((where == DZ__IN || added) && v->n <= DZ__MOST_LOCALS) v->place[v->n++] = *place;
}

static void each(body *b, size_t from, size_t end, dz__visit *f) {
  const dz__routine *c = &b->l->code;
  for (size_t i = from; i < end; i++) dz__each_place(c, &c->at[i], f, b);
}

static void find_wires(body *b) {
  const dz__loop *l = b->l;
  for (size_t i = l->enter; i < l->leave; i++) {
    unsigned op = l->code.at[i].op;
    b->wired |= op == DZ__I_STORE || op == DZ__I_SCATTER;
  }
}

/* Of a part of the code: inputs that are read one by one; wires have a base only. */
static void find_locals(body *b, size_t from, size_t end) {
  const dz__routine *c = &b->l->code;
  b->locals.n = 0;
  for (size_t i = from; i < end; i++)
    if (c->at[i].op != DZ__I_LOAD && c->at[i].op != DZ__I_GATHER) dz__each_place(c, &c->at[i], note_local, b);
  if (b->locals.n > DZ__MOST_LOCALS) b->locals.n = 0;
}

static void find_slots(body *b) {
  const dz__loop *l = b->l;
  each(b, l->last, l->enter, note_entered);
  each(b, l->enter, l->code.reverse, note_slot);
  b->back = true;
  each(b, l->code.reverse, l->leave, note_slot);
}

/* Values that the way back reads: they stand in the workspace, `kept` for each step. */
static bool is_kept(const body *b, size_t k) {
  const unsigned s = b->slot[k];
  return !(s & (SET_LAST | LATER)) && s & (NEEDED | NEEDED_LAST);
}

static size_t kept(const body *b, size_t slots) {
  size_t n = 0;
  for (size_t k = 0; k < slots; k++) n += is_kept(b, k);
  return n;
}

/* ---- slopes of functions, for many steps at once by the kernels of loops ---- */

typedef struct search {
  uint32_t slot;
  bool written;
} search;

static void look_for_writer(void *user, uint32_t *place, unsigned access) {
  search *f = user;
  const unsigned where = dz__where_of(*place);
  if ((where != DZ__REG && where != DZ__OUT) || dz__place_index(*place) != f->slot) return;
  f->written |= (access & DZ__WRITTEN) != 0;
}

/* Whether the values of a step leave there what it held behind instruction i. */
static bool is_left(const body *b, size_t i, uint32_t slot) {
  const dz__routine *c = &b->l->code;
  search f = {slot, false};
  while (++i < c->reverse) dz__each_place(c, &c->at[i], look_for_writer, &f);
  return !f.written;
}

/* Its operand is the state before the step, whose slots are used for nothing else, or was left by it. The
   slope, a register like the value, is read on the way back only. */
static bool is_later(const body *b, size_t at) {
  const dz__instruction *i = &b->l->code.at[at];
  if (i->op != DZ__I_FNK || !b->quick) return false;
  const uint32_t slope = dz__place_index(i->b), value = dz__place_index(i->d),
                 operand = dz__place_index(i->a);
  const unsigned s = b->slot[slope];
  bool own = s & NEEDED && !(s & (NEEDED_LAST | STATE | ENTERED | SET_LAST)) && is_left(b, at, slope),
       kept = !(b->slot[value] & SET_LAST) && is_left(b, at, value);
  return own && kept &&
         (dz__where_of(i->a) == DZ__OUT ||
          (dz__where_of(i->a) == DZ__REG && !(b->slot[operand] & SET_LAST) && is_left(b, at, operand)));
}

static void find_later(body *b) {
  const dz__routine *c = &b->l->code;
  for (size_t i = b->l->enter; i < c->reverse; i++) {
    const dz__instruction *x = &c->at[i];
    if (!is_later(b, i)) continue;
    b->slot[dz__place_index(x->b)] |= LATER;
    b->slot[dz__place_index(x->d)] |= NEEDED;
    b->slot[dz__place_index(x->a)] |= dz__where_of(x->a) == DZ__OUT ? NEEDED_LAST : NEEDED;
  }
}

static bool is_put_off(const body *b, size_t at) {
  const dz__instruction *i = &b->l->code.at[at];
  return i->op == DZ__I_FNK && b->slot[dz__place_index(i->b)] & LATER &&
         is_left(b, at, dz__place_index(i->b));
}

/* Where a value is for the step whose state before it stands at S. */
static size_t at_of(const body *b, uint32_t place) {
  const size_t slot = dz__place_index(place);
  return kept(b, slot) + (dz__where_of(place) == DZ__OUT ? 0 : kept(b, b->l->code.slots));
}

/* Of the steps from the last multiple of AT_ONCE to s, when that is the first of them on the way back. */
static void say_later(const body *b) {
  const dz__routine *c = &b->l->code;
  dz__emitter *e = b->e;
  size_t step = kept(b, c->slots), n = 0;
  for (size_t i = b->l->enter; i < c->reverse; i++) n += is_put_off(b, i);
  if (!n) return;
  dz__say(e,
          "    if (s %% %d == %d || s == %zu) {\n      const double *const B = S - s %% %d * %zu;\n"
          "      const size_t m = s %% %d + 1;\n      size_t j;\n",
          AT_ONCE, AT_ONCE - 1, b->l->lanes - 1, AT_ONCE, step, AT_ONCE);
  for (size_t i = b->l->enter; i < c->reverse; i++) {
    const dz__instruction *x = &c->at[i];
    if (!is_put_off(b, i)) continue;
    dz__say(e, "      for (j = 0; j < m; j++) Y[j] = B[j * %zu + %zu], Z[j] = B[j * %zu + %zu], G[j] = 1;\n",
            step, at_of(b, x->a), step, at_of(b, x->d));
    dz__say(e,
            "      {\n        const double *const o[] = {Y, Y, Y, Z, G};\n"
            "        q[%u].partial[0](m, o, 0, 0, D%u);\n      }\n",
            (unsigned)x->fn, (unsigned)dz__place_index(x->b));
  }
  dz__say(e, "    }\n");
  for (size_t i = b->l->enter; i < c->reverse; i++)
    if (is_put_off(b, i)) {
      unsigned slot = dz__place_index(c->at[i].b);
      dz__say(e, "    r%u = D%u[s %% %d];\n", slot, slot, AT_ONCE);
    }
}

static void say_later_room(const body *b) {
  const dz__routine *c = &b->l->code;
  dz__say(b->e, "  double Y[%d], Z[%d], G[%d];\n  (void)Y, (void)Z, (void)G;\n", AT_ONCE, AT_ONCE, AT_ONCE);
  for (size_t i = b->l->enter; i < c->reverse; i++)
    if (is_put_off(b, i))
      dz__say(b->e, "  double D%u[%d];\n", (unsigned)dz__place_index(c->at[i].b), AT_ONCE);
}

/* Whether values, or adjoints, read or write the slot of the step before. */
static bool has_last(const body *b, size_t k, bool back) {
  return b->slot[k] & (back ? NEEDED_LAST | SET_LAST : STATE);
}

static void say_variables(body *b, bool back) {
  dz__emitter *e = b->e;
  for (size_t k = 0; k < b->l->code.slots; k++) {
    dz__say(e, "  double r%zu = 0", k);
    if (has_last(b, k, back)) dz__say(e, ", p%zu = 0", k);
    dz__say(e, ";\n");
  }
  for (size_t k = 0; k < b->locals.n; k++) {
    unsigned n = dz__place_index(b->locals.place[k]);
    if (dz__where_of(b->locals.place[k]) == DZ__IN)
      dz__say(e, "  const double i%u = in[%u];\n", n, n);
    else if (back)
      dz__say(e, "  double g%u = grad[%u];\n", n, n);
  }
}

/* Registers of the other direction are not used in this one. */
static void say_used(const body *b) {
  for (size_t k = 0; k < b->l->code.slots; k++)
    dz__say(b->e, "%s(void)r%zu%s", k % 8 ? ", " : "  ", k,
            k % 8 == 7 || k + 1 == b->l->code.slots ? ";\n" : "");
}

static void say_code(body *b, size_t from, size_t end) {
  for (size_t i = from; i < end; i++) {
    dz__instruction x = b->l->code.at[i];
    if (is_put_off(b, i)) x.op = DZ__I_FN, x.b = x.c = x.a;
    dz__emit_scalar(b->e, &x);
  }
}

/* Registers of this step or of the one before, to the workspace or from it. */
static void say_kept(body *b, bool store, unsigned which, const char *variable, size_t at) {
  for (size_t k = 0; k < b->l->code.slots; k++) {
    if (!is_kept(b, k) || !(b->slot[k] & which)) continue;
    if (store)
      dz__say(b->e, "    S[%zu] = %s%zu;\n", at + kept(b, k), variable, k);
    else
      dz__say(b->e, "    %s%zu = S[%zu];\n", variable, k, at + kept(b, k));
  }
}

static void say_moves(body *b, unsigned which, const char *to, const char *from) {
  for (size_t k = 0; k < b->l->code.slots; k++)
    if (b->slot[k] & which) dz__say(b->e, "    %s%zu = %s%zu;\n", to, k, from, k);
}

/* What many steps keep is more than a cache holds: it is fetched before it is asked for. Addresses are
   numbers here, since those near the ends lie outside the workspace. */
static void say_fetch(body *b, size_t step, char direction, const char *write) {
  for (size_t k = 0; k < step && b->l->lanes * step > MANY; k += LINE)
    dz__say(b->e, "    __builtin_prefetch((const void *)((uintptr_t)(S + %zu) %c %d)%s);\n", k, direction,
            AHEAD, write);
}

static void say_values(body *b, size_t k) {
  const dz__loop *l = b->l;
  dz__emitter *e = b->e;
  size_t step = kept(b, l->code.slots);
  dz__say(
      e,
      "static void %s_loop%zu_values(const double *in, double *w, const double *t, const uint32_t *x, double "
      "*S) {\n  size_t s = 0;\n",
      e->name, k);
  find_locals(b, l->enter, l->code.reverse);
  say_variables(b, false);
  dz__say(e, "  (void)in, (void)w, (void)t, (void)x;\n");
  say_code(b, l->last, l->enter);
  say_kept(b, true, ENTERED, "r", 0);
  say_moves(b, STATE, "p", "r");
  dz__say(e, "  for (s = 0; s < %zu; s++) {\n    S += %zu;\n", l->lanes, step);
  say_fetch(b, step, '+', ", 1");
  say_code(b, l->enter, l->code.reverse);
  say_kept(b, true, NEEDED | NEEDED_LAST, "r", 0);
  say_moves(b, STATE, "p", "r");
  dz__say(e, "  }\n");
  say_code(b, 0, l->last);
  say_used(b);
  dz__say(e, "}\n");
}

static void say_adjoints(body *b, size_t k) {
  const dz__loop *l = b->l;
  dz__emitter *e = b->e;
  size_t step = kept(b, l->code.slots);
  dz__say(e,
          "static void %s_loop%zu_adjoints(const double *in, double *grad, double *w, const double *t, const "
          "uint32_t *x, double *S%s) {\n  size_t s = 0;\n",
          e->name, k, dz__kernels(e));
  find_locals(b, l->code.reverse, l->leave);
  say_variables(b, true);
  if (b->quick) say_later_room(b);
  dz__say(e, "  (void)in, (void)grad, (void)w, (void)t, (void)x%s;\n", e->outside ? ", (void)q" : "");
  say_code(b, l->code.reverse, l->zeroed);
  say_moves(b, SET_LAST, "r", "p");
  say_code(b, l->passed, l->code.n);
  dz__say(e, "  S += %zu;\n  for (s = %zu; s-- > 0;) {\n    S -= %zu;\n", l->lanes * step, l->lanes, step);
  say_fetch(b, step, '-', "");
  if (b->quick) say_later(b);
  say_kept(b, false, NEEDED, "r", step);
  say_kept(b, false, NEEDED_LAST, "p", 0);
  say_code(b, l->code.reverse, l->leave);
  say_moves(b, SET_LAST, "r", "p");
  dz__say(e, "  }\n");
  for (size_t j = 0; j < b->locals.n; j++) {
    unsigned n = dz__place_index(b->locals.place[j]);
    if (dz__where_of(b->locals.place[j]) == DZ__GRAD) dz__say(e, "  grad[%u] = g%u;\n", n, n);
  }
  say_used(b);
  e->locals = &(dz__locals){.n = 0};
  say_code(b, l->leave, l->passed);
  e->locals = &b->locals;
  dz__say(e, "}\n");
}

static void say_steps(body *b, size_t k) {
  const dz__loop *l = b->l;
  dz__emitter *e = b->e;
  find_wires(b);
  find_slots(b);
  find_later(b);
  e->locals = &b->locals;
  say_values(b, k);
  bool back = l->leave > l->code.reverse;
  if (back) say_adjoints(b, k);
  e->locals = NULL;
  dz__open_sequence(e, k, l);
  dz__say(e, "  if (mode != %u) %s_loop%zu_values(in, w, t, x, S);\n", DZ__CALL_BACKWARD, e->name, k);
  if (back)
    dz__say(e, "  if (mode != %u) %s_loop%zu_adjoints(in, grad, w, t, x, S%s);\n", DZ__CALL_FORWARD, e->name,
            k, dz__the_kernels(e));
  dz__say(e, "  (void)s;\n}\n\n");
}

dz_status dz__emit_steps(dz__emitter *e, size_t k) {
  const dz__loop *l = e->steps;
  body b = {.e = e, .l = l, .quick = e->outside && dz__machine_is_quick(e->p->lanes)};
  size_t slots = l->code.slots + 1;
  b.slot = dz__alloc(&e->p->alloc, slots);
  if (!b.slot) return DZ_ERR_MEMORY;
  memset(b.slot, 0, slots);
  say_steps(&b, k);
  dz__free(&e->p->alloc, b.slot, slots);
  return DZ_OK;
}
