/* Calls: what a function takes is checked where the call is written. */
#include "lang/builtin.h"
#include "lang/parse.h"

#include <stdio.h>
#include <string.h>

/* What the call on top of the stack calls. */
typedef struct callee {
  const dz__symbol *symbol;
  const dz__function *function; /* NULL for the engine's own */
  dz__builtin builtin;
} callee;

static callee callee_of(const dz__parser *q, const dz__open *o) {
  callee c = {dz__symbol_at(q->p, o->what), NULL, {.form = DZ__FORM_NONE}};
  if (c.symbol->kind == DZ__SYM_FUNCTION)
    c.function = dz__function_at(q->p, c.symbol->index);
  else
    c.builtin = dz__builtin_of(c.symbol->index);
  return c;
}

/* What a name that nothing else has claimed stands for when it is called; NULL: nothing. */
static const char *called_as(const dz__token *t) {
  if (t->size == 2 && memcmp(t->text, "σ", 2) == 0) return "sigmoid";
  return t->size == 1 && *t->text == 'd' ? DZ__DERIVATIVE_NAME : NULL;
}

/* unroll(f, X, s, …): behind its parenthesis comes the name of f, which the call then is a call of. */
static bool begin_unroll(dz__parser *q, dz__open *o) {
  const dz__token t = q->tok;
  bool named = t.kind == DZ__T_NAME;
  size_t id = named ? dz__intern(q->p, t.text, t.size) : SIZE_MAX;
  if (named && id == SIZE_MAX) return dz__out_of_memory(q);
  const dz__symbol *s = named ? dz__symbol_at(q->p, id) : NULL;
  if (!named || s->kind != DZ__SYM_FUNCTION) /* no parameter has a function's name */
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, t.line, t.column,
                        "unroll wants the name of a function first, as in unroll(gru, X, h, w, b)");
  if (s->index + 1 == q->function)
    return dz__complain(&q->lex, DZ_ERR_NAME, t.line, t.column, "'%s' cannot call itself", s->name);
  o->what = (uint32_t)id;
  o->bits = 1;
  if (!dz__advance(q)) return false;
  if (q->tok.kind != DZ__T_COMMA)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, q->tok.line, q->tok.column,
                        "unroll(f, X, s, …) calls f for each X[k], with the state s: a comma is missing");
  return dz__advance(q);
}

bool dz__begin_call(dz__parser *q, const dz__token *t, size_t id) {
  const dz__symbol *s = dz__symbol_at(q->p, id);
  if (q->function && s->owner == q->function) return dz__variable_called(q, t);
  const char *other = s->kind == DZ__SYM_NEW ? called_as(t) : NULL;
  if (other) {
    id = dz__intern(q->p, other, strlen(other));
    if (id == SIZE_MAX) return dz__out_of_memory(q);
    s = dz__symbol_at(q->p, id);
  }
  if (s->kind == DZ__SYM_FUNCTION && s->index + 1 == q->function)
    return dz__complain(&q->lex, DZ_ERR_NAME, t->line, t->column, "'%s' cannot call itself", s->name);
  if (s->kind == DZ__SYM_NEW && id != q->defining) return dz__unknown_function(q, t);
  if (s->kind != DZ__SYM_FUNCTION && s->kind != DZ__SYM_BUILTIN) return dz__variable_called(q, t);
  dz__open *o = dz__open_at(q, DZ__O_CALL, 0);
  if (!o) return false;
  o->what = (uint32_t)id;
  o->line = t->line;
  o->column = t->column;
  bool unroll = s->kind == DZ__SYM_BUILTIN && dz__builtin_of(s->index).form == DZ__FORM_UNROLL;
  return dz__advance(q) && (!unroll || begin_unroll(q, o));
}

/* ---- keywords ---- */

typedef struct keywords {
  const dz__parser *q;
  callee c;
} keywords;

/* The k-th keyword that the callee knows, NULL past the last. */
static const char *keyword(void *user, size_t k) {
  const keywords *w = user;
  if (!w->c.function) return k < (size_t)w->c.builtin.keys ? dz__key_name((int)k + 1) : NULL;
  if (k >= w->c.function->nparams) return NULL;
  return dz__symbol_at(w->q->p, dz__param_at(w->q->p, w->c.function->param0 + k)->symbol)->name;
}

static int slot_of(const dz__parser *q, callee c, const dz__token *t) {
  keywords w = {q, c};
  const char *name;
  for (int k = 0; (name = keyword(&w, (size_t)k)) != NULL; k++)
    if (strlen(name) == t->size && memcmp(name, t->text, t->size) == 0) return k + 1;
  return 0;
}

static bool no_such_keyword(dz__parser *q, callee c, const dz__token *t) {
  keywords w = {q, c};
  const char *near = dz__nearest(t->text, t->size, keyword, &w);
  dz__snippet text = dz__snip(t->text, t->size);
  return dz__complain(&q->lex, DZ_ERR_NAME, t->line, t->column, "%s has no argument '%s'%s%s%s",
                      c.symbol->name, text.text, near ? ": did you mean '" : "", near ? near : "",
                      near ? "'?" : "");
}

static bool given_twice(dz__parser *q, callee c, int slot, int line, int column) {
  keywords w = {q, c};
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, line, column, "%s is given its argument '%s' twice",
                      c.symbol->name, keyword(&w, (size_t)slot - 1));
}

static bool give(dz__parser *q, dz__open *o, int slot, const dz__token *t) {
  uint64_t bit = (uint64_t)1 << (slot - 1);
  if (o->given & bit) return given_twice(q, callee_of(q, o), slot, t->line, t->column);
  o->given |= bit;
  o->slot = (uint8_t)slot;
  o->keys++;
  return true;
}

bool dz__begin_keyword(dz__parser *q, const dz__token *t) {
  dz__open *o = dz__top(q);
  callee c = callee_of(q, o);
  int slot = slot_of(q, c, t);
  if (!slot) return no_such_keyword(q, c, t);
  return give(q, o, slot, t) && dz__advance(q);
}

bool dz__end_argument(dz__parser *q) {
  dz__open *o = dz__top(q);
  if (o->slot == DZ__SLOT_JOINED) return o->slot = 0, true;
  /* concat([a, b], 0): after the list of operands comes the axis. */
  if (o->joins && !o->slot && !give(q, o, DZ__KEY_AXIS, &q->tok)) return false;
  if (!o->slot && o->keys)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, q->before.line, q->before.column,
                        "an argument without a name cannot follow one with a name");
  if (++o->n > DZ__MOST_OPERANDS)
    return dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column, "at most %d arguments are allowed",
                        DZ__MOST_OPERANDS);
  uint8_t slot = o->slot;
  o->slot = 0;
  return !slot || dz__emit(q, DZ__S_KEY, 0, slot, q->tok.line, q->tok.column);
}

/* ---- counts ---- */

static bool wrong_count(dz__parser *q, const dz__open *o, const char *name, int least, int most,
                        uint32_t came) {
  char takes[48];
  if (most < 0)
    snprintf(takes, sizeof takes, "at least %d argument%s", least, least == 1 ? "" : "s");
  else if (least == most)
    snprintf(takes, sizeof takes, "%d argument%s", most, most == 1 ? "" : "s");
  else
    snprintf(takes, sizeof takes, "%d to %d arguments", least, most);
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, o->line, o->column, "%s takes %s, came %u", name, takes, came);
}

static bool check_function(dz__parser *q, const dz__open *o, callee c) {
  uint32_t plain = o->n - o->keys, n = c.function->nparams;
  if (plain > n) return wrong_count(q, o, c.symbol->name, (int)c.function->required, (int)n, plain);
  uint64_t filled = plain < 64 ? ((uint64_t)1 << plain) - 1 : UINT64_MAX;
  for (uint32_t k = 0; k < n; k++) {
    uint64_t bit = (uint64_t)1 << k;
    if (filled & o->given & bit) return given_twice(q, c, (int)k + 1, o->line, o->column);
    if (k < c.function->required && !((filled | o->given) & bit))
      return wrong_count(q, o, c.symbol->name, (int)c.function->required, (int)n, o->n);
  }
  return true;
}

/* Values after the operands fill the keyword slots in order, as in NumPy: sum(x, 0). */
static bool check_builtin(dz__parser *q, const dz__open *o, callee c) {
  uint32_t plain = o->n - o->keys;
  int least = c.builtin.least, most = c.builtin.most;
  if (c.builtin.form == DZ__FORM_EXTREME && o->keys && plain > 1)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, o->line, o->column,
                        "%s of several values goes element by element: it takes no axis or keepdims",
                        c.symbol->name);
  if (most >= 0) most += c.builtin.keys;
  if (plain < (uint32_t)least || (most >= 0 && plain > (uint32_t)most))
    return wrong_count(q, o, c.symbol->name, least, most, plain);
  for (int slot = 1; most >= 0 && slot <= c.builtin.keys; slot++)
    if (plain >= (uint32_t)(c.builtin.most + slot) && o->given >> (slot - 1) & 1)
      return given_twice(q, c, slot, o->line, o->column);
  return true;
}

static bool end_unroll(dz__parser *q, const dz__open *o, callee c) {
  if (o->n - o->keys < 2)
    return dz__complain(
        &q->lex, DZ_ERR_SYNTAX, o->line, o->column,
        "unroll(f, X, s, …) needs X, what it goes through, and s, the state before the first turn");
  if (!check_function(q, o, c)) return false;
  dz__close(q);
  return dz__emit_number(q, 0, o->line, o->column) &&
         dz__emit(q, DZ__S_TURN, o->n, c.symbol->index, o->line, o->column) &&
         dz__emit(q, DZ__S_NEXT, o->n, 0, o->line, o->column) && dz__advance(q);
}

/* d(f, t): of the operands behind f, those that are parameters of the function being defined. An operand
   whose code ends with a parameter is nothing but that. */
static void note_derived_by(dz__parser *q, uint32_t n) {
  const dz__function *f = dz__function_at(q->p, q->function - 1);
  const dz__instr *code = q->p->code.at;
  for (size_t at = q->p->code.n - 1; n-- > 1 && dz__instr_step(code[at]) == DZ__S_PARAM; at--)
    dz__param_at(q->p, f->param0 + code[at].arg)->derived_by = true;
}

bool dz__end_call(dz__parser *q) {
  const dz__open o = *dz__top(q);
  callee c = callee_of(q, &o);
  if (o.bits) return end_unroll(q, &o, c);
  if (!(c.function ? check_function(q, &o, c) : check_builtin(q, &o, c))) return false;
  dz__close(q);
  if (!c.function && c.builtin.form == DZ__FORM_DERIVATIVE && q->function) note_derived_by(q, o.n);
  return dz__emit(q, c.function ? DZ__S_CALL : DZ__S_BUILTIN, o.n, c.symbol->index, o.line, o.column) &&
         dz__advance(q);
}
