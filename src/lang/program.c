#include "lang/program.h"

#include "lang/builtin.h"
#include "lang/prelude.h"

#include <string.h>

void *dz__vec_add(const dz_allocator *a, dz__vec *v, size_t more, size_t item) {
  if (!dz__grow(a, &v->at, &v->cap, v->n + more, item)) return NULL;
  void *first = (char *)v->at + v->n * item;
  v->n += more;
  return first;
}

void dz__vec_free(const dz_allocator *a, dz__vec *v, size_t item) {
  dz__free(a, v->at, v->cap * item);
  *v = (dz__vec){0};
}

void dz_program_free(dz_program *p) {
  if (!p) return;
  const dz_allocator a = p->alloc;
  dz__names_free(&p->names);
  dz__vec_free(&a, &p->symbols, sizeof(dz__symbol));
  dz__vec_free(&a, &p->code, sizeof(dz__instr));
  dz__vec_free(&a, &p->numbers, sizeof(double));
  dz__vec_free(&a, &p->functions, sizeof(dz__function));
  dz__vec_free(&a, &p->params, sizeof(dz__param));
  dz__vec_free(&a, &p->leaves, sizeof(dz__leaf));
  dz__vec_free(&a, &p->definitions, sizeof(uint32_t));
  dz__vec_free(&a, &p->lines, sizeof(dz__line));
  dz__vec_free(&a, &p->underflows, sizeof(dz__underflow));
  dz__vec_free(&a, &p->users, sizeof(uint32_t));
  dz__free(&a, p, sizeof *p);
}

size_t dz__intern(dz_program *p, const char *text, size_t size) {
  const dz__name *known = dz__names_find(&p->names, text, size);
  if (known) return known->value;
  size_t id = p->symbols.n;
  dz__symbol *s = dz__vec_add(&p->alloc, &p->symbols, 1, sizeof *s);
  if (!s || !dz__names_add(&p->names, text, size, (uint32_t)id)) return SIZE_MAX; /* which ends the program */
  dz__builtin b = dz__builtin_find(text, size);
  *s = (dz__symbol){.name = dz__names_find(&p->names, text, size)->text,
                    .kind = b.form ? DZ__SYM_BUILTIN : DZ__SYM_NEW,
                    .index = b.form ? dz__builtin_code(b) : 0};
  return id;
}

const dz__function *dz__program_function(const dz_program *p, const char *name) {
  const dz__name *known = dz__names_find(&p->names, name, strlen(name));
  return dz__function_at(p, dz__symbol_at(p, known->value)->index);
}

size_t dz_program_leaf_count(const dz_program *p) { return p ? p->leaves.n : 0; }

dz_program_leaf dz_program_leaf_at(const dz_program *p, size_t i) {
  if (!p || i >= p->leaves.n) return (dz_program_leaf){.role = DZ_ROLE_NONE, .rank = -1};
  return dz__leaf_at(p, i)->seen;
}

const char *dz_program_definition(const dz_program *p, size_t i) {
  if (!p || i >= p->definitions.n) return NULL;
  return dz__symbol_at(p, ((const uint32_t *)p->definitions.at)[i])->name;
}

const char *dz_program_result(const dz_program *p) {
  if (!p) return NULL; /* else it has a line, or it were none */
  uint32_t symbol = dz__line_at(p, p->lines.n - 1)->definition;
  return symbol == DZ__NO_DEFINITION ? NULL : dz__symbol_at(p, symbol)->name;
}

/* The line before the one that starts at s; not the first one, which no function's text reaches. */
static const char *line_before(const char *s) {
  for (s--; s[-1] != '\n';) s--;
  return s;
}

const char *dz_function_text(const char *name, size_t *size) {
  dz__part parts[DZ__MOST_PARTS];
  size_t n = dz__prelude_parts("", 0, parts), length = name ? strlen(name) : 0, k = 0;
  if (size) *size = 0;
  while (k < n && !(parts[k].name == length && memcmp(parts[k].at, name, length) == 0)) k++;
  if (k == n) return NULL;
  const char *s = parts[k].at;
  while (*line_before(s) == '#') s = line_before(s);
  if (size) *size = (size_t)(parts[k].at + parts[k].size - s) - 1;
  return s;
}
