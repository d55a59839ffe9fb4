/* Programs from texts: the prelude's functions that a text calls, the tape's user operations, and the text.
 */
#include "lang/builtin.h"
#include "lang/parse.h"
#include "lang/prelude.h"
#include "tape/tape.h"

#include <string.h>

static bool read_text(dz_program *p, const char *text, size_t size, const char *name, bool prelude,
                      dz_error *error) {
  dz__parser q = {.p = p, .defining = SIZE_MAX, .prelude = prelude};
  dz__lex_start(&q.lex, text, size, name, error);
  bool done = dz__lex(&q.lex, &q.tok) && dz__statements(&q);
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
