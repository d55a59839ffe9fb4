/* What the parser says of mistakes: what came, and what to write. */
#include "lang/builtin.h"
#include "lang/parse.h"
#include "lang/prelude.h"

#include <stdio.h>
#include <string.h>

static bool complain_at(dz__parser *q, const dz__token *t, const char *message) {
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column, "%s", message);
}

bool dz__out_of_memory(dz__parser *q) {
  return dz__complain(&q->lex, DZ_ERR_MEMORY, q->tok.line, q->tok.column, "out of memory");
}

/* A token as a message names it; not the end of a line, which never stands where it would matter. */
static dz__snippet token_text(const dz__token *t) {
  if (t->kind == DZ__T_END) return dz__snip("the end", 7);
  dz__snippet s = dz__snip(t->text, t->size), quoted = s;
  size_t n = strlen(s.text); /* of 48 a snippet leaves a few */
  quoted.text[0] = '\'';
  memcpy(quoted.text + 1, s.text, n);
  memcpy(quoted.text + 1 + n, "'", 2);
  return quoted;
}

bool dz__expected_operand(dz__parser *q) {
  const dz__open *o = dz__top(q);
  const dz__token *t = &q->tok;
  if (!o && (t->kind == DZ__T_CLOSE || t->kind == DZ__T_CLOSE_BRACKET)) return dz__stray(q);
  if (o && t->kind == DZ__T_END && o->kind >= DZ__O_GROUP && q->before.kind != DZ__T_COMMA)
    return dz__unclosed(q, o);
  if (o && o->kind == DZ__O_GROUP && t->kind == DZ__T_CLOSE && q->before.kind == DZ__T_OPEN)
    return complain_at(q, t, "an expression was expected in the parentheses, none came");
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column, "a name or number was expected, %s came",
                      token_text(t).text);
}

/* ---- multiplication signs that are not there ---- */

/* "(1+y)" as it stands after a name, or "(…)" where it is long. */
static dz__snippet argument_text(const dz__parser *q, const dz__token *open) {
  size_t rest = (size_t)(q->lex.text + q->lex.size - open->text), depth = 0;
  for (size_t i = 0; i < rest && i < 32 && open->text[i] != '\n'; i++) {
    depth += open->text[i] == '(';
    depth -= open->text[i] == ')';
    if (depth == 0) return dz__snip(open->text, i + 1);
  }
  return dz__snip("(…)", strlen("(…)"));
}

static bool is_word(const dz__token *t) {
  return (t->kind == DZ__T_NUMBER || t->kind == DZ__T_NAME) && (unsigned char)*t->text != 0xC2;
}

bool dz__no_operator(dz__parser *q) {
  const dz__token *x = &q->before, *y = &q->tok;
  if (y->kind == DZ__T_ASSIGN)
    return complain_at(q, y, "'=' defines a name at the start of a line: to compare write ==");
  if (y->kind == DZ__T_TILDE) return complain_at(q, y, "'~' gives a param its initialiser");
  if (y->kind == DZ__T_NOT) return complain_at(q, y, "an operator was expected, '!' came: unequal is !=");
  if (!is_word(x) || (!is_word(y) && y->kind != DZ__T_OPEN))
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, y->line, y->column,
                        "no implicit multiplication: write * before %s", token_text(y).text);
  dz__snippet right = y->kind == DZ__T_OPEN ? argument_text(q, y) : dz__snip(y->text, y->size);
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, y->line, y->column, "no implicit multiplication: write %s*%s",
                      dz__snip(x->text, x->size).text, right.text);
}

bool dz__variable_called(dz__parser *q, const dz__token *t) {
  dz__snippet s = dz__snip(t->text, t->size);
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column,
                      "'%s' is a variable, not a function: to multiply write %s*%s", s.text, s.text,
                      argument_text(q, &q->tok).text);
}

/* ---- names ---- */

const char *dz__callable(void *program, size_t i) {
  const dz_program *p = program;
  for (size_t k = 0; dz__prelude_name(k); k++)
    if (i-- == 0) return dz__prelude_name(k);
  for (size_t f = 0; f < p->functions.n; f++) {
    const dz__function *g = dz__function_at(p, f);
    if (!g->prelude && i-- == 0) return dz__symbol_at(p, g->symbol)->name;
  }
  return dz__builtin_name(i);
}

bool dz__unknown_function(dz__parser *q, const dz__token *t) {
  dz__snippet s = dz__snip(t->text, t->size);
  const char *near = dz__nearest(t->text, t->size, dz__callable, q->p);
  if (near)
    return dz__complain(&q->lex, DZ_ERR_NAME, t->line, t->column, "unknown name '%s': did you mean '%s'?",
                        s.text, near);
  return dz__complain(&q->lex, DZ_ERR_NAME, t->line, t->column,
                      "unknown function '%s' (to multiply write %s*%s)", s.text, s.text,
                      argument_text(q, &q->tok).text);
}

bool dz__function_alone(dz__parser *q, const dz__token *t) {
  dz__snippet s = dz__snip(t->text, t->size), x = dz__snip(q->tok.text, q->tok.size);
  bool word = q->tok.kind == DZ__T_NUMBER || q->tok.kind == DZ__T_NAME;
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column, "'%s' is a function: write %s(%s)", s.text,
                      s.text, word ? x.text : "x");
}

/* `t` wants a name that s has already. */
bool dz__name_taken(dz__parser *q, const dz__token *t, const dz__symbol *s, bool defines) {
  const char *was = "is defined", *now = defines ? ": a name is defined once" : "";
  if (s->kind == DZ__SYM_BUILTIN || (s->kind == DZ__SYM_FUNCTION && dz__function_at(q->p, s->index)->prelude))
    return dz__complain(&q->lex, DZ_ERR_NAME, t->line, t->column,
                        "'%s' is the name of a function of dz: choose another", s->name);
  if (s->kind == DZ__SYM_LEAF) {
    const dz_program_leaf *leaf = &dz__leaf_at(q->p, s->index)->seen;
    was = leaf->declared ? "is declared" : leaf->constant ? "stands for the constant" : "is used";
    now = leaf->declared ? "" : defines ? ", before it is defined here" : ", before it is declared here";
  }
  return dz__complain(&q->lex, DZ_ERR_NAME, t->line, t->column, "'%s' %s on line %d already%s", s->name, was,
                      s->line, now);
}

/* ---- brackets, commas, colons ---- */

/* The number that a comma was written in: 1,5 is 1.5; 1,234.5, 1,234,567 and 1.234,5 have thousands. */
static bool decimal_comma(const dz__parser *q, dz__snippet *as_point) {
  const dz__token *x = &q->before;
  const char *rest = x->text + x->size + 1, *stop = q->lex.text + q->lex.size;
  size_t n = 0, size = 0;
  while (rest + n < stop && rest[n] >= '0' && rest[n] <= '9') n++;
  if (x->kind != DZ__T_NUMBER || q->tok.text != x->text + x->size || n == 0 || n > 15 || x->size > 15)
    return false;
  bool thousands = n == 3 && rest + n < stop && (rest[n] == '.' || rest[n] == ',');
  for (size_t i = 0; i < x->size; i++)
    if (x->text[i] != '.') as_point->text[size++] = x->text[i];
  if (!thousands) as_point->text[size++] = '.';
  for (size_t i = 0; rest + i < stop; i++) {
    if (size + 1 == sizeof as_point->text) return false; /* no part of it is worth telling */
    bool digit = rest[i] >= '0' && rest[i] <= '9', mark = thousands && (rest[i] == '.' || rest[i] == ',');
    if (!digit && !mark) break;
    if (rest[i] != ',') as_point->text[size++] = rest[i];
  }
  as_point->text[size] = '\0';
  return true;
}

bool dz__unclosed(dz__parser *q, const dz__open *o) {
  if (o->kind == DZ__O_QUESTION)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, o->line, o->column, "'?' without ':' (c ? a : b)");
  bool round = o->kind == DZ__O_GROUP || o->kind == DZ__O_CALL;
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, o->open_line, o->open_column, "'%c' is never closed",
                      round ? '(' : '[');
}

/* A comma, colon or closing bracket that fits nothing open. */
bool dz__stray(dz__parser *q) {
  const dz__open *o = dz__top(q);
  const dz__token *t = &q->tok;
  dz__snippet point;
  if (o && o->kind == DZ__O_QUESTION) return dz__unclosed(q, o);
  if (t->kind == DZ__T_COLON) return complain_at(q, t, "':' without '?' (c ? a : b)");
  if (t->kind == DZ__T_COMMA && decimal_comma(q, &point))
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column,
                        "a comma separates arguments: a number is written with a point, %s", point.text);
  if (t->kind == DZ__T_COMMA)
    return complain_at(q, t,
                       "unexpected ',': a comma separates the arguments of a function and the items of [ ]");
  char came = t->kind == DZ__T_CLOSE ? ')' : ']', other = t->kind == DZ__T_CLOSE ? '(' : '[';
  if (!o)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column, "'%c' without '%c' before it", came,
                        other);
  bool round = o->kind == DZ__O_GROUP || o->kind == DZ__O_CALL;
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column,
                      "'%c' was expected to close the '%c' of line %d, column %d; '%c' came",
                      round ? ')' : ']', round ? '(' : '[', o->open_line, o->open_column, came);
}
