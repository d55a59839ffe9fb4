/* Defining operations: names and the tape's list. */
#include "dz/userop.h"

#include "check/userop.h"
#include "lang/lex.h"
#include "lang/program.h"

#include <stdio.h>
#include <string.h>

/* ---- names ---- */

/* Names that texts of operations, or calls, already give a meaning. */
static bool is_reserved(const char *name) {
  static const char *const names[] = {"x", "y", "w", "z", "e", "pi", "π", "inf", "nan", "d", "σ", "MASK"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static bool is_one_name(const char *name, dz_error *e) {
  dz__lexer lexer;
  dz__token t = {.size = 0};
  dz_error ignored = {.status = DZ_OK};
  size_t size = strlen(name);
  dz__lex_start(&lexer, name, size, name, &ignored);
  if (size <= 255 && dz__lex(&lexer, &t) && t.kind == DZ__T_NAME && t.size == size) return true;
  dz__fail(e, DZ_ERR_NAME, "", "'%.60s' cannot be called: a name is letters, digits and _, 255 bytes at most",
           name);
  return false;
}

/* The parser is asked to define a function of that name. */
static bool is_free(dz_tape *t, const char *name, dz_error *e) {
  char text[300];
  int n = snprintf(text, sizeof text, "%.255s(x) = x\n0", name);
  dz_program *p = dz__program_parse_on(t, text, (size_t)n, name, &dz__of(t)->alloc, e);
  dz_program_free(p);
  if (!p) {
    e->line = e->column = 0;
    e->file[0] = '\0';
  }
  return p != NULL;
}

static bool check_name(dz_tape *t, const char *name, dz_error *e) {
  if (is_reserved(name))
    return dz__fail(e, DZ_ERR_NAME, name, "'%s' has a meaning in texts of operations: choose another", name),
           false;
  if (!is_one_name(name, e) || !is_free(t, name, e)) return false;
  if (!dz_valid(dz_named(t, name))) return true;
  return dz__fail(e, DZ_ERR_NAME, name, "the tape has a node of the name '%s'", name), false;
}

/* ---- the list ---- */

static void free_users(dz__tape *s) {
  for (size_t i = 0; i < s->nusers; i++) s->users[i]->release(s->users[i]->own);
  dz__free(&s->alloc, s->users, s->users_cap * sizeof *s->users);
}

static bool make_room(dz_tape *t, dz_error *e) {
  dz__tape *s = dz__of(t);
  void *at = s->users;
  if (s->nusers >= UINT16_MAX)
    return dz__fail(e, DZ_ERR_LIMIT, "", "a tape has at most %d operations of its own", UINT16_MAX), false;
  if (!dz__grow(&s->alloc, &at, &s->users_cap, s->nusers + 1, sizeof *s->users))
    return dz__fail(e, DZ_ERR_MEMORY, "", "out of memory"), false;
  s->users = at;
  s->users_free = free_users;
  return true;
}

dz_status dz__user_begin(dz_tape *t, const char *name, int arity, int most, dz_error *e) {
  *e = (dz_error){.status = DZ_OK};
  if (!t || !name) return dz__fail(e, DZ_ERR_ARGUMENT, "", "a tape and a name are needed");
  if (dz_tape_error(t)->status) *e = *dz_tape_error(t);
  if (e->status) return e->status;
  if (arity < 1 || arity > most)
    return dz__fail(e, DZ_ERR_ARGUMENT, name, "%s: an operation has 1 to %d operands", name, most);
  if (check_name(t, name, e)) make_room(t, e);
  return e->status;
}

void dz__user_keep(dz_tape *t, const dz__userop *u) { dz__of(t)->users[dz__of(t)->nusers++] = u; }

/* ---- the public functions ---- */

dz_status dz_op_define(dz_tape *t, const char *name, int arity, const char *value,
                       const char *const *partials, dz_error *e) {
  dz_error ignored;
  if (!e) e = &ignored;
  if (dz__user_begin(t, name, arity, 3, e)) return e->status;
  if (!value) return dz__fail(e, DZ_ERR_ARGUMENT, name, "%s: the value's text is NULL", name);
  dz__textop *op = dz__textop_new(t, name, arity, value, partials, e);
  if (op && !dz__check_partials(t, op, partials, e))
    dz__user_keep(t, &op->shown);
  else
    dz__textop_free(op);
  return e->status;
}

dz_var(dz_apply)(dz_tape *t, const char *name, int n, const dz_var *args) {
  if (!t) return (dz_var){0};
  int64_t number = 0;
  const dz__userop *u = name ? dz__user_named(t, name, strlen(name), &number) : NULL;
  if (!u) return dz__poison(t, DZ_ERR_NAME, "apply", "no operation '%.60s' is defined", name ? name : "NULL");
  if (n != u->arity || !args)
    return dz__poison(t, DZ_ERR_ARGUMENT, name, "%s has %d operands, %d came", name, u->arity, args ? n : 0);
  dz_var in[DZ_MAX_OPERANDS];
  bool nodes = false;
  for (int k = 0; k < n; k++) {
    if (!dz__check_handle(t, args[k], name)) return (dz_var){.tape = t, .id = DZ__NONE};
    in[k] = args[k];
    nodes |= !dz_is_number(in[k]);
  }
  if (!nodes) in[0] = dz__as_node(t, in[0]);
  return dz__record(DZ__F_user, n, in, 1, &number);
}

dz_program *dz_program_parse_on(const dz_tape *t, const char *text, size_t size, const char *name,
                                dz_error *error) {
  if (t) return dz__program_parse_on(t, text, size, name, &dz__of_const(t)->alloc, error);
  if (error) *error = (dz_error){.status = DZ_OK};
  dz__fail(error, DZ_ERR_ARGUMENT, "", "the tape is NULL");
  return NULL;
}
