/* A program becomes nodes: leaves are found, then line after line runs. */
#include "lang/machine.h"
#include "lang/parse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static dz_var *leaves_of(const dz__machine *m) { return m->leaves.at; }

/* ---- leaves ---- */

static double constant_value(const char *name) {
  if (strcmp(name, "e") == 0) return 2.718281828459045;
  if (strcmp(name, "inf") == 0) return INFINITY;
  if (strcmp(name, "nan") == 0) return NAN;
  return 3.141592653589793;
}

static bool fits(dz__machine *m, const dz_program_leaf *leaf, dz_var x) {
  if (leaf->rank < 0) return true;
  dz__array a = dz__array_of(x);
  bool same = a.rank == leaf->rank;
  for (int k = 0; same && k < a.rank; k++) same = a.dims[k] == leaf->dims[k];
  if (same) return true;
  char declared[192], came[192];
  dz_tape_at(m->t, leaf->line, leaf->column);
  dz__poison(m->t, DZ_ERR_SHAPE, "", "'%s' is declared with shape %s, its value has %s", leaf->name,
             dz__shape_text(leaf->rank, leaf->dims, declared), dz__shape_text(a.rank, a.dims, came));
  return false;
}

/* Finds or makes the leaf. A missing one stays {0}: they are reported together. */
static bool find_leaf(dz__machine *m, const dz__leaf *leaf, uint64_t seed, dz_var *x, size_t *missing) {
  const dz_program_leaf *seen = &leaf->seen;
  *x = dz_named(m->t, seen->name);
  if (dz_valid(*x)) return fits(m, seen, *x);
  *x = (dz_var){0};
  if (leaf->init) return *x = dz__initial(m, leaf, seed), dz__good(*x);
  if (seen->constant)
    *x = dz_num(constant_value(seen->name));
  else
    *missing += seen->used;
  return true;
}

/* What may have been meant by a name that has no value. */
static const char *known_name(void *program, size_t i) {
  const dz_program *p = program;
  return i < p->definitions.n ? dz_program_definition(p, i) : dz__callable(program, i - p->definitions.n);
}

static bool report_missing(dz__machine *m, size_t missing) {
  dz_program *p = (dz_program *)(uintptr_t)m->p;
  char names[300] = "";
  size_t at = 0, listed = 0;
  const dz_program_leaf *first = NULL;
  for (size_t i = 0; i < p->leaves.n; i++) {
    const dz_program_leaf *leaf = &dz__leaf_at(p, i)->seen;
    if (leaves_of(m)[i].tape || !leaf->used) continue;
    if (!first) first = leaf;
    size_t n = strlen(leaf->name);
    if (at + n + 2 >= sizeof names) continue;
    at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", leaf->name);
    listed++;
  }
  const char *near = missing == 1 ? dz__nearest(names, at, known_name, p) : NULL;
  dz_tape_at(m->t, first->line, first->column);
  if (listed < missing)
    dz__poison(m->t, DZ_ERR_MISSING, "", "no value for %s and %zu more", names, missing - listed);
  else
    dz__poison(m->t, DZ_ERR_MISSING, "", "no value for %s%s%s%s", names, near ? ": did you mean '" : "",
               near ? near : "", near ? "'?" : "");
  return false;
}

static bool find_leaves(dz__machine *m, uint64_t seed) {
  size_t n = m->p->leaves.n, missing = 0;
  if (n && !dz__vec_add(&m->alloc, &m->leaves, n, sizeof(dz_var)))
    return dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory for %zu names", n), false;
  for (size_t i = 0; i < n; i++)
    if (!find_leaf(m, dz__leaf_at(m->p, i), seed, &leaves_of(m)[i], &missing)) return false;
  if (missing) return report_missing(m, missing);
  return true;
}

/* ---- lines ---- */

static bool define(dz__machine *m, uint32_t symbol, dz_var x) {
  const char *name = dz__symbol_at(m->p, symbol)->name;
  dz_var *kept = dz__vec_add(&m->alloc, &m->definitions, 1, sizeof *kept);
  dz_status status = kept ? dz_set_name(x, name) : DZ_ERR_MEMORY;
  if (kept) *kept = x;
  /* u = x names the leaf x, which keeps that name when the rest is rewound and recorded again */
  if (status == DZ_ERR_NAME && dz_node_index(dz_named(m->t, name)) == dz_node_index(x)) status = DZ_OK;
  if (status == DZ_ERR_NAME)
    dz__poison(m->t, status, "", "'%s' is defined here, but the tape has a node of that name already", name);
  else if (status)
    dz__poison(m->t, status, "", "out of memory for the name '%s'", name);
  return status == DZ_OK;
}

static bool run_line(dz__machine *m, const dz__line *l, dz_var *x) {
  m->pc = l->code;
  m->line = l->line;
  m->values.n = m->literals.n = m->numbers.n = 0;
  dz_tape_at(m->t, l->line, l->column);
  if (!dz__run(m) || !dz__settle(m, dz__values_from_top(m, 1), x)) return false;
  dz_tape_at(m->t, l->line, l->column);
  *x = dz__as_node(m->t, *x);
  return dz__good(*x) && (l->definition == DZ__NO_DEFINITION || define(m, l->definition, *x));
}

static bool run_lines(dz__machine *m, dz_var *x) {
  for (size_t i = 0; i < m->p->lines.n; i++) {
    const dz__line *l = dz__line_at(m->p, i);
    if (!run_line(m, l, x)) return false;
    if (i + 1 < m->p->lines.n && l->definition == DZ__NO_DEFINITION)
      dz__note(m->t, "unused", "", l->line, l->column,
               "the value of this line is not used: the result is the last line's");
  }
  return true;
}

static void note_underflows(dz__machine *m) {
  for (size_t i = 0; i < m->p->underflows.n; i++) {
    const dz__underflow *u = (const dz__underflow *)m->p->underflows.at + i;
    dz__note(m->t, "underflow", "", u->line, u->column, "%s is nearer to 0 than any double: it is 0 here",
             u->text);
  }
}

/* An error of this recording says in which program it arose. */
static void name_program(const dz__machine *m, dz_error *e) {
  if (e->line) memcpy(e->file, m->p->name, sizeof e->file);
}

dz_var dz_program_record(const dz_program *p, dz_tape *t, uint64_t seed) {
  if (!t) return (dz_var){0};
  if (!p) return dz__poison(t, DZ_ERR_ARGUMENT, "", "the program is NULL");
  dz__tape *s = dz__of(t);
  dz__machine *m = dz__machine_of(t);
  if (!m) return (dz_var){.tape = t, .id = DZ__NONE};
  int line = s->line, column = s->column;
  bool sound = !s->error.status;
  dz_var x = {.tape = t, .id = DZ__NONE};
  m->p = p;
  if (!find_leaves(m, seed) || !run_lines(m, &x)) x = (dz_var){.tape = t, .id = DZ__NONE};
  note_underflows(m);
  if (sound && s->error.status) name_program(m, &s->error);
  m->p = NULL;
  dz_tape_at(t, line, column);
  return x;
}

dz_var dz_expr(dz_tape *t, const char *text) {
  if (!t) return (dz_var){0};
  dz__tape *s = dz__of(t);
  dz_error e;
  dz_program *p = dz__program_parse_on(t, text, text ? strlen(text) : 0, "<text>", &s->alloc, &e);
  if (!p) {
    if (!s->error.status) s->error = e;
    return (dz_var){.tape = t, .id = DZ__NONE};
  }
  dz_var x = dz_program_record(p, t, 0);
  dz_program_free(p);
  return x;
}
