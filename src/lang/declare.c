/* Declarations: input x, A[2, 3]; param w ~ glorot. Leaves, and numbers that stand for themselves. */
#include "lang/parse.h"

#include <math.h>
#include <string.h>

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

bool dz__constant_at(dz__parser *q, double *value) {
  double sign = 1;
  for (; q->tok.kind == DZ__T_ADD || q->tok.kind == DZ__T_SUB;) {
    if (q->tok.kind == DZ__T_SUB) sign = -sign;
    if (!dz__advance(q)) return false;
  }
  if (q->tok.kind != DZ__T_NUMBER) return dz__expected(q, "a number");
  *value = sign * q->tok.number;
  return dz__advance(q);
}

/* [150, 2] */
static bool extents(dz__parser *q, dz__leaf *leaf) {
  leaf->seen.rank = 0;
  if (!dz__advance(q)) return false;
  while (q->tok.kind != DZ__T_CLOSE_BRACKET) {
    double n = q->tok.number;
    if (q->tok.kind != DZ__T_NUMBER || n != floor(n)) return dz__expected(q, "an extent (a whole number)");
    if (n > 9007199254740992.)
      return dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column, "this extent is too large");
    if (leaf->seen.rank == DZ_MAX_RANK)
      return dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column, "a tensor has at most %d axes",
                          DZ_MAX_RANK);
    leaf->seen.dims[leaf->seen.rank++] = (size_t)n;
    if (!dz__advance(q)) return false;
    if (q->tok.kind == DZ__T_CLOSE_BRACKET) break;
    if (!dz__expect(q, DZ__T_COMMA, "',' or ']'")) return false;
  }
  return dz__advance(q);
}

static bool init_args(dz__parser *q, dz__leaf *leaf, int count) {
  const char *what[] = {"'('", "','"};
  for (int k = 0; k < count; k++)
    if (!dz__expect(q, k ? DZ__T_COMMA : DZ__T_OPEN, what[k]) || !dz__constant_at(q, &leaf->init_arg[k]))
      return false;
  return !count || dz__expect(q, DZ__T_CLOSE, "')'");
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
    if (t.kind != DZ__T_NAME || !dz__is_text(&t, inits[i].name)) continue;
    leaf->init = inits[i].init;
    leaf->seen.has_init = true;
    if (!dz__advance(q) || !init_args(q, leaf, inits[i].args)) return false;
    const double *a = leaf->init_arg;
    if (leaf->init == DZ__INIT_UNIFORM && a[0] > a[1])
      return dz__complain(&q->lex, DZ_ERR_ARGUMENT, t.line, t.column, "uniform(a, b) needs a <= b");
    return true;
  }
  return dz__expected(q, "an initialiser (zeros, ones, normal(s), uniform(a, b), glorot, he)");
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

bool dz__declare(dz__parser *q, dz_role role) {
  do {
    if (!dz__advance(q)) return false;
    if (q->tok.kind != DZ__T_NAME) return dz__expected(q, "a name");
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
  if (!dz__ends_line(q)) return dz__expected(q, "the end of the line");
  return true;
}

dz_role dz__declaring_role(const dz__token *t) {
  return dz__is_text(t, "input")   ? DZ_ROLE_INPUT
         : dz__is_text(t, "param") ? DZ_ROLE_PARAM
         : dz__is_text(t, "data")  ? DZ_ROLE_DATA
                                   : DZ_ROLE_NONE;
}
