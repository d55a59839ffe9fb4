/* Expressions by precedence: operands are emitted as they come, operators wait on the stack until one that
   binds less, or a closing bracket, lets them go. */
#include "lang/builtin.h"
#include "lang/parse.h"
#include "lang/power.h"

#include <string.h>

/* ---- what ends ---- */

/* c, BRANCH else; a; JUMP end; else: b; end: CHOOSE. After a target the line is not known. */
static bool end_choice(dz__parser *q, const dz__open *o) {
  dz__code_at(q->p, o->what)->arg = (uint32_t)q->p->code.n;
  q->line = 0;
  return dz__emit(q, DZ__S_CHOOSE, 3, 0, o->line, o->column);
}

/* Lets go of the operators on top that bind more than `power`, or as much where operators go left to right.
 */
static bool reduce(dz__parser *q, int power, bool left) {
  for (const dz__open *o; (o = dz__top(q)) != NULL;) {
    if (o->kind > DZ__O_BRANCHES || o->power < power || (o->power == power && !left)) return true;
    bool done = o->kind == DZ__O_BRANCHES
                    ? end_choice(q, o)
                    : dz__emit(q, (dz__step)o->step, o->operands, o->what, o->line, o->column);
    if (!done) return false;
    dz__close(q);
  }
  return true;
}

static bool reduce_all(dz__parser *q) { return reduce(q, POWER_NONE, false); }

/* ---- operators ---- */

typedef struct binary {
  uint8_t power;
  uint16_t fn;
} binary;

static binary binary_of(dz__token_kind kind) {
  static const binary of[] = {
      [DZ__T_ADD] = {POWER_ADD, DZ__F_add},       [DZ__T_SUB] = {POWER_ADD, DZ__F_sub},
      [DZ__T_MUL] = {POWER_MUL, DZ__F_mul},       [DZ__T_DIV] = {POWER_MUL, DZ__F_div},
      [DZ__T_MATMUL] = {POWER_MUL, DZ__F_matmul}, [DZ__T_POWER] = {POWER_POWER, DZ__F_pow},
      [DZ__T_OR] = {POWER_OR, DZ__F_or},          [DZ__T_AND] = {POWER_AND, DZ__F_and},
      [DZ__T_EQ] = {POWER_COMPARE, DZ__F_eq},     [DZ__T_NE] = {POWER_COMPARE, DZ__F_ne},
      [DZ__T_LT] = {POWER_COMPARE, DZ__F_lt},     [DZ__T_LE] = {POWER_COMPARE, DZ__F_le},
      [DZ__T_GT] = {POWER_COMPARE, DZ__F_gt},     [DZ__T_GE] = {POWER_COMPARE, DZ__F_ge}};
  return of[kind];
}

/* Whether the operand just read is the constant e by name: no other constant's begins so. */
static bool was_e(const dz__parser *q) {
  const dz_program *p = q->p;
  if (q->before.kind != DZ__T_NAME || *q->before.text != 'e') return false;
  const dz__instr *i = dz__code_at(p, p->code.n - 1);
  return dz__instr_step(*i) == DZ__S_LEAF && dz__leaf_at(p, i->arg)->seen.constant;
}

static bool begin_binary(dz__parser *q) {
  binary b = binary_of(q->tok.kind);
  bool compares = b.power == POWER_COMPARE;
  if (!reduce(q, b.power, b.power != POWER_POWER && !compares)) return false;
  const dz__open *last = dz__top(q);
  if (compares && last && last->kind == DZ__O_OPERATOR && last->power == POWER_COMPARE)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, q->tok.line, q->tok.column,
                        "comparisons do not chain: write a < b && b < c");
  bool e = q->tok.kind == DZ__T_POWER && was_e(q);
  dz__open *o = dz__open_at(q, DZ__O_OPERATOR, b.power);
  if (!o) return false;
  bool matmul = b.fn == DZ__F_matmul;
  o->step = matmul ? DZ__S_BUILTIN : e ? DZ__S_POWER_E : DZ__S_APPLY;
  o->operands = 2;
  o->what = matmul ? (uint32_t)DZ__FORM_MATMUL << 8 | b.fn : b.fn;
  return dz__advance(q);
}

static bool begin_prefix(dz__parser *q, dz__fn fn, int power) {
  dz__open *o = dz__open_at(q, DZ__O_OPERATOR, power);
  if (!o) return false;
  o->step = DZ__S_APPLY;
  o->operands = 1;
  o->what = (uint32_t)fn;
  return dz__advance(q);
}

static bool begin_choice(dz__parser *q) {
  if (!reduce(q, POWER_CHOICE, false)) return false;
  dz__open *o = dz__open_at(q, DZ__O_QUESTION, POWER_CHOICE);
  if (!o) return false;
  if (!dz__emit(q, DZ__S_BRANCH, 1, 0, o->line, o->column)) return false;
  o->what = (uint32_t)q->p->code.n - 1;
  return dz__advance(q);
}

static bool other_branch(dz__parser *q, dz__open *o) {
  if (!dz__emit(q, DZ__S_JUMP, 2, 0, o->line, o->column)) return false;
  dz__code_at(q->p, o->what)->arg = (uint32_t)q->p->code.n;
  o->kind = DZ__O_BRANCHES;
  o->what = (uint32_t)q->p->code.n - 1;
  q->line = 0;
  return dz__advance(q);
}

/* ---- names and numbers ---- */

/* ---- names and numbers ---- */

/* A tape keeps few notes, so a few are enough here. */
static bool note_underflow(dz__parser *q, const dz__token *t) {
  if (q->p->underflows.n >= 64) return true;
  dz__underflow *u = dz__vec_add(&q->p->alloc, &q->p->underflows, 1, sizeof *u);
  if (!u) return dz__out_of_memory(q);
  *u = (dz__underflow){.line = t->line, .column = t->column};
  memcpy(u->text, dz__snip(t->text, t->size).text, sizeof u->text);
  return true;
}

static bool number(dz__parser *q) {
  const dz__token t = q->tok;
  return (!t.underflow || note_underflow(q, &t)) && dz__emit_number(q, t.number, t.line, t.column) &&
         dz__advance(q);
}

/* A name that is not called. */
static bool variable(dz__parser *q, const dz__token *t, size_t id) {
  const dz__symbol *s = dz__symbol_at(q->p, id);
  const dz__open *o = dz__top(q);
  if (q->function && s->owner == q->function)
    return dz__emit(q, DZ__S_PARAM, 0, s->param, t->line, t->column);
  if (id == q->defining)
    return dz__complain(&q->lex, DZ_ERR_NAME, t->line, t->column, "'%s' is used in its own definition",
                        s->name);
  if (s->kind == DZ__SYM_FUNCTION || s->kind == DZ__SYM_BUILTIN) return dz__function_alone(q, t);
  if (s->kind == DZ__SYM_DEFINITION) return dz__emit(q, DZ__S_DEFINITION, 0, s->index, t->line, t->column);
  if (s->kind == DZ__SYM_NEW && o && o->kind == DZ__O_CALL && o->slot && dz__is_text(t, "all"))
    return dz__emit(q, DZ__S_ALL, 0, 0, t->line, t->column);
  if (s->kind == DZ__SYM_NEW && !dz__new_leaf(q, id, t)) return false;
  uint32_t leaf = dz__symbol_at(q->p, id)->index;
  dz__leaf_at(q->p, leaf)->seen.used = true;
  return dz__emit(q, DZ__S_LEAF, 0, leaf, t->line, t->column);
}

/* A name where an operand is expected. *whole tells whether it is one: a call has only begun. */
static bool name(dz__parser *q, bool *whole) {
  const dz__token t = q->tok;
  const dz__open *o = dz__top(q);
  if (!dz__advance(q)) return false;
  *whole = false;
  if (q->tok.kind == DZ__T_ASSIGN && o && o->kind == DZ__O_CALL && !o->slot) return dz__begin_keyword(q, &t);
  size_t id = dz__intern(q->p, t.text, t.size);
  if (id == SIZE_MAX) return dz__out_of_memory(q);
  if (q->tok.kind == DZ__T_OPEN) return dz__begin_call(q, &t, id);
  *whole = true;
  return variable(q, &t, id);
}

/* ---- brackets ---- */

static bool open_bracket(dz__parser *q, dz__open_kind kind) {
  const dz__open *outer = dz__top(q);
  bool joins = false;
  if (kind == DZ__O_LIST && outer && outer->kind == DZ__O_CALL && outer->n == 0 && !outer->slot) {
    const dz__symbol *s = dz__symbol_at(q->p, outer->what);
    dz__form form = s->kind == DZ__SYM_BUILTIN ? dz__builtin_of(s->index).form : DZ__FORM_NONE;
    joins = form == DZ__FORM_CONCAT || form == DZ__FORM_STACK;
  }
  dz__open *o = dz__open_at(q, kind, POWER_NONE);
  if (!o) return false;
  o->joins = joins;
  return dz__advance(q);
}

static bool skip_newlines(dz__parser *q) {
  while (q->depth && q->tok.kind == DZ__T_NEWLINE)
    if (!dz__advance(q)) return false;
  return true;
}

/* At the bracket that closes it; o->n items have been read. */
static bool end_list(dz__parser *q) {
  const dz__open o = *dz__top(q);
  dz__close(q);
  if (!dz__advance(q) || !skip_newlines(q)) return false;
  if (o.joins && (q->tok.kind == DZ__T_COMMA || q->tok.kind == DZ__T_CLOSE)) {
    dz__open *call = dz__top(q);
    call->joins = true;
    call->n = o.n;
    call->slot = DZ__SLOT_JOINED;
    return true;
  }
  return dz__emit(q, DZ__S_LIST, 0, o.n, o.line, o.column);
}

static bool end_place(dz__parser *q, dz__open *o) {
  if (o->n >= DZ_MAX_RANK)
    return dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column, "a tensor has at most %d axes",
                        DZ_MAX_RANK);
  if (o->part == 0) o->bits = DZ__INDEX_POSITION;
  o->what |= (uint32_t)o->bits << 4 * o->n;
  o->n++;
  o->bits = o->part = 0;
  return true;
}

static bool end_index(dz__parser *q) {
  dz__open *o = dz__top(q);
  if (!end_place(q, o)) return false;
  const dz__open last = *o;
  dz__close(q);
  return dz__emit(q, DZ__S_INDEX, last.n, last.what, last.line, last.column) && dz__advance(q);
}

static bool colon_in_index(dz__parser *q, dz__open *o, bool after_operand) {
  if (after_operand) o->bits |= (uint8_t)(o->part ? DZ__INDEX_STOP : DZ__INDEX_START);
  if (++o->part > 2)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, q->tok.line, q->tok.column,
                        "a range has at most start:stop:step");
  return dz__advance(q);
}

/* A bracket, comma or colon where an operand is expected. *whole: an operand is complete after it. */
static bool empty_place(dz__parser *q, bool *whole) {
  dz__open *o = dz__top(q);
  dz__token_kind kind = q->tok.kind;
  *whole = true;
  if (!o || q->before.kind == DZ__T_ADD) return dz__expected_operand(q);
  if (o->kind == DZ__O_CALL && kind == DZ__T_CLOSE && o->n == 0 && !o->slot) return dz__end_call(q);
  if (o->kind == DZ__O_LIST && kind == DZ__T_CLOSE_BRACKET && o->n == 0) return end_list(q);
  if (o->kind == DZ__O_INDEX && o->part && kind == DZ__T_CLOSE_BRACKET) return end_index(q);
  *whole = false;
  if (o->kind == DZ__O_INDEX && kind == DZ__T_COLON) return colon_in_index(q, o, false);
  if (o->kind == DZ__O_INDEX && o->part && kind == DZ__T_COMMA) return end_place(q, o) && dz__advance(q);
  return dz__expected_operand(q);
}

/* ---- the two states ---- */

/* Reads until an operand is complete. */
static bool operand(dz__parser *q) {
  for (bool whole = false; !whole;) {
    bool done;
    switch (q->tok.kind) {
    case DZ__T_NEWLINE:
    case DZ__T_ADD: /* a plus sign before an operand says nothing */
      done = dz__advance(q);
      break;
    case DZ__T_NUMBER:
      return number(q);
    case DZ__T_NAME:
      done = name(q, &whole);
      break;
    case DZ__T_SUB:
      done = begin_prefix(q, DZ__F_neg, POWER_PREFIX);
      break;
    case DZ__T_NOT:
      done = begin_prefix(q, DZ__F_not, POWER_PREFIX);
      break;
    case DZ__T_ROOT:
      done = begin_prefix(q, DZ__F_sqrt, POWER_ATOM);
      break;
    case DZ__T_OPEN:
      done = open_bracket(q, DZ__O_GROUP);
      break;
    case DZ__T_OPEN_BRACKET:
      done = open_bracket(q, DZ__O_LIST);
      break;
    default:
      done = empty_place(q, &whole);
    }
    if (!done) return false;
  }
  return true;
}

static bool comma(dz__parser *q) {
  if (!reduce_all(q)) return false;
  dz__open *o = dz__top(q);
  if (!o || o->kind < DZ__O_LIST) return dz__stray(q);
  if (o->kind == DZ__O_CALL) return dz__end_argument(q) && dz__advance(q);
  if (o->kind == DZ__O_LIST) return o->n++, dz__advance(q);
  if (o->part) o->bits |= (uint8_t)(o->part == 1 ? DZ__INDEX_STOP : DZ__INDEX_STEP);
  return end_place(q, o) && dz__advance(q);
}

static bool colon(dz__parser *q) {
  if (!reduce_all(q)) return false;
  dz__open *o = dz__top(q);
  if (o && o->kind == DZ__O_QUESTION) return other_branch(q, o);
  if (o && o->kind == DZ__O_INDEX) return colon_in_index(q, o, true);
  return dz__stray(q);
}

static bool closing(dz__parser *q) {
  if (!reduce_all(q)) return false;
  dz__open *o = dz__top(q);
  bool round = q->tok.kind == DZ__T_CLOSE;
  if (!o || o->kind == DZ__O_QUESTION) return dz__stray(q);
  if (round != (o->kind == DZ__O_GROUP || o->kind == DZ__O_CALL)) return dz__stray(q);
  if (o->kind == DZ__O_GROUP) return dz__close(q), dz__advance(q);
  if (o->kind == DZ__O_CALL) return dz__end_argument(q) && dz__end_call(q);
  if (o->kind == DZ__O_LIST) return o->n++, end_list(q);
  if (o->part) o->bits |= (uint8_t)(o->part == 1 ? DZ__INDEX_STOP : DZ__INDEX_STEP);
  return end_index(q);
}

static bool end(dz__parser *q, bool *more) {
  *more = false;
  if (!reduce_all(q)) return false;
  if (dz__top(q)) return dz__unclosed(q, dz__top(q));
  return true;
}

/* After an operand: reads until the next is due (*more) or the expression is over. */
static bool after_operand(dz__parser *q, bool *more) {
  for (;;) {
    bool done;
    *more = true;
    switch (q->tok.kind) {
    case DZ__T_NEWLINE:
      if (!q->depth) return end(q, more);
      done = dz__advance(q);
      break;
    case DZ__T_END:
    case DZ__T_SEMICOLON:
      return end(q, more);
    case DZ__T_CLOSE:
    case DZ__T_CLOSE_BRACKET:
      done = closing(q);
      break;
    case DZ__T_TRANSPOSE:
      done = dz__emit(q, DZ__S_BUILTIN, 1, (uint32_t)DZ__FORM_PERMUTED << 8 | DZ__F_permute, q->tok.line,
                      q->tok.column) &&
             dz__advance(q);
      break;
    case DZ__T_OPEN_BRACKET:
      return open_bracket(q, DZ__O_INDEX);
    case DZ__T_COMMA:
      return comma(q);
    case DZ__T_COLON:
      return colon(q);
    case DZ__T_QUESTION:
      return begin_choice(q);
    default:
      return q->tok.kind >= DZ__T_ADD ? begin_binary(q) : dz__no_operator(q);
    }
    if (!done) return false;
  }
}

bool dz__expression(dz__parser *q) {
  q->stack.n = 0;
  q->depth = 0;
  for (bool more = true; more;)
    if (!operand(q) || !after_operand(q, &more)) return false;
  return true;
}
