/* Programs line by line: definitions, functions, declarations, expressions. */
#include "lang/parse.h"

#include "base/never.h"
#include "lang/builtin.h"
#include "lang/prelude.h"
#include "tape/tape.h"

#include <limits.h>
#include <math.h>
#include <string.h>

static bool is_text(const dz__token *t, const char *text) {
  return t->size == strlen(text) && memcmp(t->text, text, t->size) == 0;
}

/* To a token that a look ahead has read: it can be read once more. */
static void advance(dz__parser *q) {
  const bool done = dz__advance(q);
  (void)done;
  if (DZ__NEVER(!done)) return;
}

static bool ends_line(const dz__parser *q) {
  return q->tok.kind == DZ__T_END || q->tok.kind == DZ__T_NEWLINE || q->tok.kind == DZ__T_SEMICOLON;
}

static bool expected(dz__parser *q, const char *what) {
  const dz__token *t = &q->tok;
  bool line = ends_line(q) && t->kind != DZ__T_SEMICOLON;
  return dz__complain(&q->lex, DZ_ERR_SYNTAX, t->line, t->column, "%s was expected, %s%s%s came", what,
                      line ? "" : "'", line ? "the end of the line" : dz__snip(t->text, t->size).text,
                      line ? "" : "'");
}

/* ---- leaves ---- */

static bool is_constant(const char *name) {
  static const char *const names[] = {"e", "pi", "π", "inf", "nan"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

bool dz__new_leaf(dz__parser *q, size_t id, const dz__token *t) {
  dz_program *p = q->p;
  dz__leaf *leaf = dz__vec_add(&p->alloc, &p->leaves, 1, sizeof *leaf);
  if (!leaf) return dz__out_of_memory(q);
  dz__symbol *s = dz__symbol_at(p, id);
  s->kind = DZ__SYM_LEAF;
  s->index = (uint32_t)p->leaves.n - 1;
  s->line = t->line;
  s->column = t->column;
  *leaf = (dz__leaf){.seen = {.name = s->name,
                              .role = DZ_ROLE_INPUT,
                              .constant = is_constant(s->name),
                              .rank = -1,
                              .line = t->line,
                              .column = t->column}};
  return true;
}

/* A number with an optional sign, as a constant of a declaration or a default. */
static bool constant(dz__parser *q, double *value) {
  double sign = 1;
  for (; q->tok.kind == DZ__T_ADD || q->tok.kind == DZ__T_SUB;) {
    if (q->tok.kind == DZ__T_SUB) sign = -sign;
    if (!dz__advance(q)) return false;
  }
  if (q->tok.kind != DZ__T_NUMBER) return expected(q, "a number");
  *value = sign * q->tok.number;
  return dz__advance(q);
}

static bool expect(dz__parser *q, dz__token_kind kind, const char *what) {
  return q->tok.kind == kind ? dz__advance(q) : expected(q, what);
}

/* [150, 2] */
static bool extents(dz__parser *q, dz__leaf *leaf) {
  leaf->seen.rank = 0;
  if (!dz__advance(q)) return false;
  while (q->tok.kind != DZ__T_CLOSE_BRACKET) {
    double n = q->tok.number;
    if (q->tok.kind != DZ__T_NUMBER || n != floor(n)) return expected(q, "an extent (a whole number)");
    if (n > 9007199254740992.)
      return dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column, "this extent is too large");
    if (leaf->seen.rank == DZ_MAX_RANK)
      return dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column, "a tensor has at most %d axes",
                          DZ_MAX_RANK);
    leaf->seen.dims[leaf->seen.rank++] = (size_t)n;
    if (!dz__advance(q)) return false;
    if (q->tok.kind == DZ__T_CLOSE_BRACKET) break;
    if (!expect(q, DZ__T_COMMA, "',' or ']'")) return false;
  }
  return dz__advance(q);
}

static bool init_args(dz__parser *q, dz__leaf *leaf, int count) {
  const char *what[] = {"'('", "','"};
  for (int k = 0; k < count; k++)
    if (!expect(q, k ? DZ__T_COMMA : DZ__T_OPEN, what[k]) || !constant(q, &leaf->init_arg[k])) return false;
  return !count || expect(q, DZ__T_CLOSE, "')'");
}

/* ~ glorot */
static bool initialiser(dz__parser *q, dz__leaf *leaf) {
  static const struct {
    const char *name;
    dz__init init;
    int args;
  } inits[] = {{"zeros", DZ__INIT_ZEROS, 0},   {"ones", DZ__INIT_ONES, 0},
               {"normal", DZ__INIT_NORMAL, 1}, {"uniform", DZ__INIT_UNIFORM, 2},
               {"glorot", DZ__INIT_GLOROT, 0}, {"he", DZ__INIT_HE, 0}};
  if (!dz__advance(q)) return false;
  const dz__token t = q->tok;
  for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
    if (t.kind != DZ__T_NAME || !is_text(&t, inits[i].name)) continue;
    leaf->init = inits[i].init;
    leaf->seen.has_init = true;
    if (!dz__advance(q) || !init_args(q, leaf, inits[i].args)) return false;
    const double *a = leaf->init_arg;
    if (leaf->init == DZ__INIT_UNIFORM && a[0] > a[1])
      return dz__complain(&q->lex, DZ_ERR_ARGUMENT, t.line, t.column, "uniform(a, b) needs a <= b");
    return true;
  }
  return expected(q, "an initialiser (zeros, ones, normal(s), uniform(a, b), glorot, he)");
}

/* The leaf that is declared at q->tok: a new one, or one that was used above. */
static dz__leaf *declared_leaf(dz__parser *q, size_t id) {
  const dz__symbol *s = dz__symbol_at(q->p, id);
  dz__leaf *leaf = s->kind == DZ__SYM_LEAF ? dz__leaf_at(q->p, s->index) : NULL;
  if (leaf && !leaf->seen.declared && !leaf->seen.constant) return leaf;
  if (s->kind != DZ__SYM_NEW) return dz__name_taken(q, &q->tok, s, false), NULL;
  if (!dz__new_leaf(q, id, &q->tok)) return NULL;
  return dz__leaf_at(q->p, dz__symbol_at(q->p, id)->index);
}

static bool declare(dz__parser *q, dz_role role) {
  do {
    if (!dz__advance(q)) return false;
    if (q->tok.kind != DZ__T_NAME) return expected(q, "a name");
    size_t id = dz__intern(q->p, q->tok.text, q->tok.size);
    if (id == SIZE_MAX) return dz__out_of_memory(q);
    dz__leaf *leaf = declared_leaf(q, id);
    if (!leaf) return false;
    leaf->seen.declared = true;
    leaf->seen.constant = false;
    leaf->seen.role = role;
    if (!dz__advance(q)) return false;
    if (q->tok.kind == DZ__T_OPEN_BRACKET && !extents(q, leaf)) return false;
    if (q->tok.kind == DZ__T_TILDE && role != DZ_ROLE_PARAM)
      return dz__complain(&q->lex, DZ_ERR_SYNTAX, q->tok.line, q->tok.column,
                          "only a param has an initialiser");
    if (q->tok.kind == DZ__T_TILDE && !initialiser(q, leaf)) return false;
  } while (q->tok.kind == DZ__T_COMMA);
  if (!ends_line(q)) return expected(q, "the end of the line");
  return true;
}

static dz_role declaring_role(const dz__token *t) {
  return is_text(t, "input")   ? DZ_ROLE_INPUT
         : is_text(t, "param") ? DZ_ROLE_PARAM
         : is_text(t, "data")  ? DZ_ROLE_DATA
                               : DZ_ROLE_NONE;
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
  if (q->tok.kind == DZ__T_NAME && is_text(&q->tok, "all")) {
    advance(q);
    return true;
  }
  x->kind = DZ__DEFAULT_NUMBER;
  return constant(q, &x->value);
}

/* One parameter of function f, the last one of the program. */
static bool parameter(dz__parser *q, uint32_t f) {
  dz_program *p = q->p;
  const dz__token t = q->tok;
  if (t.kind != DZ__T_NAME) return expected(q, "a parameter's name");
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
  return expect(q, DZ__T_CLOSE, "',' or ')'") && expect(q, DZ__T_ASSIGN, "'='");
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

/* ---- programs ---- */

static bool statement(dz__parser *q) {
  const dz__token t = q->tok;
  if (t.kind != DZ__T_NAME) return line_of_code(q, &t, DZ__NO_DEFINITION);
  dz__lexer x = q->lex;
  dz__token next = t;
  if (!dz__lex(&x, &next)) return false;
  if (next.kind == DZ__T_ASSIGN) return define(q);
  dz_role role = declaring_role(&t);
  if (next.kind == DZ__T_NAME && role != DZ_ROLE_NONE) return declare(q, role);
  bool function = false;
  if (next.kind == DZ__T_OPEN && !is_head(q, &function)) return false;
  return function ? define_function(q) : line_of_code(q, &t, DZ__NO_DEFINITION);
}

static bool statements(dz__parser *q) {
  for (;;) {
    while (q->tok.kind == DZ__T_NEWLINE || q->tok.kind == DZ__T_SEMICOLON)
      if (!dz__advance(q)) return false;
    if (q->tok.kind == DZ__T_END) return true;
    if (!statement(q)) return false;
  }
}

static bool read_text(dz_program *p, const char *text, size_t size, const char *name, bool prelude,
                      dz_error *error) {
  dz__parser q = {.p = p, .defining = SIZE_MAX, .prelude = prelude};
  dz__lex_start(&q.lex, text, size, name, error);
  bool done = dz__lex(&q.lex, &q.tok) && statements(&q);
  dz__vec_free(&p->alloc, &q.stack, sizeof(dz__open));
  if (!done || prelude || p->lines.n) return done;
  return dz__complain(&q.lex, DZ_ERR_SYNTAX, q.tok.line, q.tok.column,
                      "nothing to compute: an expression was expected");
}

/* Reads those functions of the prelude that the text may call; all where it is NULL. */
static bool read_prelude(dz_program *p, const char *text, size_t size, dz_error *error) {
  dz__part parts[DZ__MOST_PARTS];
  size_t n = dz__prelude_parts(text, size, parts);
  for (size_t k = 0; k < n; k++)
    if (parts[k].wanted && !read_text(p, parts[k].at, parts[k].size, "prelude.dz", true, error)) return false;
  return true;
}

static dz_program *program_new(const dz_allocator *a, dz_error *error) {
  dz_program *p = dz__alloc(a, sizeof *p);
  if (!p) {
    dz__fail(error, DZ_ERR_MEMORY, "", "out of memory");
    return NULL;
  }
  *p = (dz_program){.alloc = *a};
  dz__names_init(&p->names, a);
  return p;
}

dz_program *dz__prelude_parse(const dz_allocator *a, dz_error *error) {
  dz_program *p = program_new(a, error);
  if (!p || read_prelude(p, NULL, 0, error)) return p;
  dz_program_free(p);
  return NULL;
}

/* After the prelude, so that a name which is only a parameter there is free. */
static bool know_users(dz_program *p, const dz_tape *t, dz_error *error) {
  const dz__tape *s = t ? dz__of_const(t) : NULL;
  for (size_t i = 0; s && i < s->nusers; i++) {
    const dz__userop *u = s->users[i];
    size_t id = dz__intern(p, u->name, strlen(u->name));
    uint32_t *symbol = id == SIZE_MAX ? NULL : dz__vec_add(&p->alloc, &p->users, 1, sizeof *symbol);
    if (!symbol) return dz__fail(error, DZ_ERR_MEMORY, "", "out of memory"), false;
    *symbol = (uint32_t)id;
    dz__symbol *known = dz__symbol_at(p, id);
    known->kind = DZ__SYM_BUILTIN;
    known->index = dz__builtin_user((uint32_t)i, u->arity);
  }
  return true;
}

static bool read_program(dz_program *p, const dz_tape *t, const char *text, size_t size, const char *name,
                         dz_error *error) {
  dz_error place = {.status = DZ_ERR_SYNTAX};
  dz__fail_at(&place, name ? name : "<text>", 1, 1);
  memcpy(p->name, place.file, sizeof p->name);
  const char *plain;
  size_t plain_size, cap;
  if (!dz__fold(&p->alloc, text, size, &plain, &plain_size, &cap)) {
    dz__fail(error, DZ_ERR_MEMORY, "", "out of memory");
    return false;
  }
  bool done = read_prelude(p, plain, plain_size, error) && know_users(p, t, error) &&
              read_text(p, plain, plain_size, p->name, false, error);
  if (cap) dz__free(&p->alloc, (void *)(uintptr_t)plain, cap);
  return done;
}

dz_program *dz_program_parse(const char *text, size_t size, const char *name, const dz_allocator *given,
                             dz_error *error) {
  return dz__program_parse_on(NULL, text, size, name, given, error);
}

dz_program *dz__program_parse_on(const dz_tape *t, const char *text, size_t size, const char *name,
                                 const dz_allocator *given, dz_error *error) {
  dz_error ignored;
  if (!error) error = &ignored;
  *error = (dz_error){.status = DZ_OK};
  if (!text) {
    dz__fail(error, DZ_ERR_ARGUMENT, "", "the text is NULL");
    return NULL;
  }
  if (size > DZ__MOST_TEXT) {
    dz__fail(error, DZ_ERR_LIMIT, "", "a text of %zu bytes: at most %d are allowed", size, DZ__MOST_TEXT);
    dz__fail_at(error, name, 1, 1);
    return NULL;
  }
  dz_allocator a = dz__allocator(given);
  dz_program *p = program_new(&a, error);
  if (!p || read_program(p, t, text, size, name, error)) return p;
  dz_program_free(p);
  return NULL;
}
