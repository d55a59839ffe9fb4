/* Statements: definitions, functions, expressions. */
#include "lang/parse.h"

#include "base/never.h"

#include <string.h>

bool dz__is_text(const dz__token *t, const char *text) {
  return t->size == strlen(text) && memcmp(t->text, text, t->size) == 0;
}

/* To a token that a look ahead has read: it can be read once more. */
static void advance(dz__parser *q) {
  const bool done = dz__advance(q);
  (void)done;
  if (DZ__NEVER(!done)) return;
}

bool dz__ends_line(const dz__parser *q) {
  return q->tok.kind == DZ__T_END || q->tok.kind == DZ__T_NEWLINE || q->tok.kind == DZ__T_SEMICOLON;
}

bool dz__expected(dz__parser *q, const char *what) {
  const dz__token *t = &q->tok;
  bool line = dz__ends_line(q) && t->kind != DZ__T_SEMICOLON;
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column, "%s was expected, %s%s%s came", what,
                      line ? "" : "'", line ? "the end of the line" : dz__snip(t->text, t->size).text,
                      line ? "" : "'");
}

bool dz__expect(dz__parser *q, dz__token_kind kind, const char *what) {
  return q->tok.kind == kind ? dz__advance(q) : dz__expected(q, what);
}

/* ---- lines with a value ---- */

static bool line_of_code(dz__parser *q, const dz__token *t, uint32_t definition) {
  dz_program *p = q->p;
  dz__line *l = dz__vec_add(&p->alloc, &p->lines, 1, sizeof *l);
  if (!l) return dz__out_of_memory(q);
  *l = (dz__line){(uint32_t)p->code.n, definition, t->line, t->column};
  q->line = 0;
  return dz__expression(q) && dz__emit(q, DZ__S_RETURN, 0, 0, t->line, t->column);
}

/* name = expression, q->tok being the name */
static bool define(dz__parser *q) {
  dz_program *p = q->p;
  const dz__token t = q->tok;
  size_t id = dz__intern(p, t.text, t.size);
  if (id == SIZE_MAX) return dz__out_of_memory(q);
  if (dz__symbol_at(p, id)->kind != DZ__SYM_NEW) return dz__name_taken(q, &t, dz__symbol_at(p, id), true);
  q->defining = id;
  advance(q);
  if (!dz__advance(q) || !line_of_code(q, &t, (uint32_t)id)) return false;
  q->defining = SIZE_MAX;
  uint32_t *d = dz__vec_add(&p->alloc, &p->definitions, 1, sizeof *d);
  if (!d) return dz__out_of_memory(q);
  *d = (uint32_t)id;
  dz__symbol *s = dz__symbol_at(p, id);
  s->kind = DZ__SYM_DEFINITION;
  s->index = (uint32_t)p->definitions.n - 1;
  s->line = t.line;
  s->column = t.column;
  return true;
}

/* ---- functions ---- */

/* Whether what follows the name at q->tok is (x, y=1, …) = : the head of a function. False after an error of
   the lexer only. */
static bool is_head(const dz__parser *q, bool *head) {
  dz__lexer x = q->lex;
  dz__token t = q->tok;
  int depth = 0;
  *head = false;
  do {
    if (!dz__lex(&x, &t)) return false;
    depth += t.kind == DZ__T_OPEN;
    depth -= t.kind == DZ__T_CLOSE;
    bool fits = t.kind == DZ__T_OPEN || t.kind == DZ__T_CLOSE || t.kind == DZ__T_COMMA ||
                t.kind == DZ__T_NAME || t.kind == DZ__T_ASSIGN || t.kind == DZ__T_NUMBER ||
                t.kind == DZ__T_SUB || t.kind == DZ__T_ADD || t.kind == DZ__T_NEWLINE;
    if (!fits || depth > 1) return true;
  } while (depth);
  if (!dz__lex(&x, &t)) return false;
  *head = t.kind == DZ__T_ASSIGN;
  return true;
}

static void skip_newlines(dz__parser *q) {
  while (q->tok.kind == DZ__T_NEWLINE) advance(q);
}

static bool default_of(dz__parser *q, dz__param *x) {
  advance(q);
  x->kind = DZ__DEFAULT_ALL;
  if (q->tok.kind == DZ__T_NAME && dz__is_text(&q->tok, "all")) {
    advance(q);
    return true;
  }
  x->kind = DZ__DEFAULT_NUMBER;
  return dz__constant_at(q, &x->value);
}

/* One parameter of function f, the last one of the program. */
static bool parameter(dz__parser *q, uint32_t f) {
  dz_program *p = q->p;
  const dz__token t = q->tok;
  if (t.kind != DZ__T_NAME) return dz__expected(q, "a parameter's name");
  size_t id = dz__intern(p, t.text, t.size);
  if (id == SIZE_MAX) return dz__out_of_memory(q);
  dz__symbol *s = dz__symbol_at(p, id);
  if (s->kind == DZ__SYM_BUILTIN || s->kind == DZ__SYM_FUNCTION) return dz__name_taken(q, &t, s, true);
  if (s->owner == f + 1)
    return dz__complain(&q->lex, DZ_ERR_NAME, t.line, t.column, "two parameters are named '%s'", s->name);
  if (dz__function_at(p, f)->nparams >= DZ__MOST_PARAMS)
    return dz__complain(&q->lex, DZ_ERR_LIMIT, t.line, t.column, "a function has at most %d parameters",
                        DZ__MOST_PARAMS);
  s->owner = f + 1;
  s->param = dz__function_at(p, f)->nparams++;
  dz__param x = {.symbol = (uint32_t)id, .kind = DZ__REQUIRED};
  advance(q);
  if (q->tok.kind == DZ__T_ASSIGN && !default_of(q, &x)) return false;
  dz__function *fn = dz__function_at(p, f);
  if (x.kind == DZ__REQUIRED && fn->required + 1 < fn->nparams)
    return dz__complain(&q->lex, DZ_ERR_SYNTAX, t.line, t.column,
                        "a parameter without a default cannot follow one with a default");
  fn->required += x.kind == DZ__REQUIRED;
  dz__param *kept = dz__vec_add(&p->alloc, &p->params, 1, sizeof *kept);
  if (!kept) return dz__out_of_memory(q);
  *kept = x;
  return true;
}

/* (x, y=1) = , q->tok being the parenthesis; is_head has read all that. */
static bool head(dz__parser *q, uint32_t f) {
  do {
    advance(q);
    skip_newlines(q);
    if (q->tok.kind == DZ__T_CLOSE && !dz__function_at(q->p, f)->nparams) break;
    if (!parameter(q, f)) return false;
    skip_newlines(q);
  } while (q->tok.kind == DZ__T_COMMA);
  return dz__expect(q, DZ__T_CLOSE, "',' or ')'") && dz__expect(q, DZ__T_ASSIGN, "'='");
}

static bool define_function(dz__parser *q) {
  dz_program *p = q->p;
  const dz__token t = q->tok;
  size_t id = dz__intern(p, t.text, t.size);
  if (id == SIZE_MAX) return dz__out_of_memory(q);
  dz__symbol *s = dz__symbol_at(p, id);
  if (s->kind != DZ__SYM_NEW) return dz__name_taken(q, &t, s, true);
  dz__function *f = dz__vec_add(&p->alloc, &p->functions, 1, sizeof *f);
  if (!f) return dz__out_of_memory(q);
  *f = (dz__function){.symbol = (uint32_t)id, .param0 = (uint32_t)p->params.n, .prelude = q->prelude};
  s->kind = DZ__SYM_FUNCTION;
  s->index = (uint32_t)p->functions.n - 1;
  s->line = t.line;
  s->column = t.column;
  uint32_t index = s->index;
  advance(q);
  if (!head(q, index)) return false;
  dz__function_at(p, index)->code = (uint32_t)p->code.n;
  q->function = index + 1;
  q->line = 0;
  if (!dz__expression(q) || !dz__emit(q, DZ__S_RETURN, 0, 0, t.line, t.column)) return false;
  q->function = 0;
  return true;
}

/* ---- statements ---- */

static bool statement(dz__parser *q) {
  const dz__token t = q->tok;
  if (t.kind != DZ__T_NAME) return line_of_code(q, &t, DZ__NO_DEFINITION);
  dz__lexer x = q->lex;
  dz__token next = t;
  if (!dz__lex(&x, &next)) return false;
  if (next.kind == DZ__T_ASSIGN) return define(q);
  dz_role role = dz__declaring_role(&t);
  if (next.kind == DZ__T_NAME && role != DZ_ROLE_NONE) return dz__declare(q, role);
  bool function = false;
  if (next.kind == DZ__T_OPEN && !is_head(q, &function)) return false;
  return function ? define_function(q) : line_of_code(q, &t, DZ__NO_DEFINITION);
}

bool dz__statements(dz__parser *q) {
  for (;;) {
    while (q->tok.kind == DZ__T_NEWLINE || q->tok.kind == DZ__T_SEMICOLON)
      if (!dz__advance(q)) return false;
    if (q->tok.kind == DZ__T_END) return true;
    if (!statement(q)) return false;
  }
}
