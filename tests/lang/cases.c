/* Runs the cases of *.test, as case.h describes them. */
#include "case.h"
#include "dz/lang.h"
#include "dz/sweep.h"
#include "plan/every.h"
#include "suite.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void blame(const test_case *c, const char *what, const char *came, const char *expected) {
  fprintf(stderr, "%s:%d: %s: %s\n  came     %s\n  expected %s\n", c->file, c->line, c->title, what, came,
          expected);
  failures++;
}

/* ---- comparing ---- */

static uint64_t rank_of(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

static bool within(double x, double y, double ulps) {
  if (x != x || y != y) return x != x && y != y;
  if (x == y) return true;
  if (isinf(x) || isinf(y)) return false;
  uint64_t a = rank_of(x), b = rank_of(y);
  return (double)(a > b ? a - b : b - a) <= ulps;
}

static void print_numbers(char *out, size_t size, int rank, const size_t *dims, size_t n, const double *x) {
  size_t at = 0;
  for (int k = 0; k < rank && at < size; k++) at += (size_t)snprintf(out + at, size - at, "[%zu]", dims[k]);
  for (size_t k = 0; k < n && at < size; k++) at += (size_t)snprintf(out + at, size - at, " %.17g", x[k]);
}

static void compare(const test_case *c, const char *what, dz_var v, const double *x, const char *text) {
  number_list l = numbers(text);
  char came[2000] = "", expected[2000] = "";
  size_t dims[DZ_MAX_RANK];
  bool same = dz_rank(v) == l.rank && dz_size(v) == l.n;
  for (int k = 0; k < dz_rank(v); k++) dims[k] = dz_extent(v, k);
  for (int k = 0; same && k < l.rank; k++) same = dims[k] == l.dims[k];
  for (size_t k = 0; same && x && k < l.n; k++) same = within(x[k], l.x[k], l.ulps);
  if (same && (x || !l.n)) return;
  if (x) print_numbers(came, sizeof came, dz_rank(v), dims, dz_size(v), x);
  print_numbers(expected, sizeof expected, l.rank, l.dims, l.n, l.x);
  blame(c, what, x ? came : "nothing", expected);
}

/* ---- one case ---- */

static const char *status_word(dz_status status) {
  static const char *const words[] = {"ok",   "memory", "limit",   "argument", "handle", "shape",
                                      "name", "syntax", "missing", "file",     "write"};
  return words[status];
}

static void expect_error(const test_case *c, const dz_error *e) {
  const char *expected = "none";
  char came[700];
  for (int k = 0; k < c->nfacts; k++)
    if (starts(c->facts[k], "error: ")) expected = c->facts[k] + 7;
  if (!e->status)
    snprintf(came, sizeof came, "none");
  else
    snprintf(came, sizeof came, "%s %d:%d %s", status_word(e->status), e->line, e->column, e->message);
  if (strcmp(came, expected) != 0) blame(c, "error", came, expected);
  if (e->status && strcmp(e->file, "<case>") != 0) blame(c, "file of the error", e->file, "<case>");
}

static void expect_gradient(const test_case *c, dz_tape *t, const char *fact) {
  char name[64];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(fact + 5, ":"), fact + 5);
  const char *text = skip(strchr(fact, ':') + 1);
  dz_var x = dz_named(t, name);
  if (strcmp(text, "inactive") != 0)
    compare(c, fact, x, dz_adjoints(x), text);
  else if (dz_adjoint_state_of(x) != DZ_ADJOINT_INACTIVE)
    blame(c, fact, "active", "inactive");
}

static void sweep(const test_case *c, dz_tape *t, dz_var y) {
  double ones[MOST_NUMBERS];
  size_t dims[DZ_MAX_RANK];
  for (int k = 0; k < MOST_NUMBERS; k++) ones[k] = 1;
  for (int k = 0; k < dz_rank(y); k++) dims[k] = dz_extent(y, k);
  dz_var seed = dz_leaf_tensor(t, DZ_ROLE_CONST, dz_rank(y), dims, ones);
  if (dz_backward_with(y, seed)) blame(c, "the sweep", dz_tape_error(t)->message, "success");
}

/* The same by plans. */
typedef struct planned {
  const test_case *c;
  dz_tape *t;
  dz_var y, x[MOST_LINES];
  int n;
} planned;

static void expect_run(void *user, const char *way, const double *values, const double *gradient) {
  const planned *p = user;
  const test_case *c = p->c;
  char what[200];
  for (int k = 0; k < c->nfacts; k++) {
    snprintf(what, sizeof what, "%s, by %s", c->facts[k], way);
    if (starts(c->facts[k], "value: ")) compare(c, what, p->y, values, c->facts[k] + 7);
    if (!starts(c->facts[k], "grad ")) continue;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(c->facts[k] + 5, ":"), c->facts[k] + 5);
    const char *text = skip(strchr(c->facts[k], ':') + 1);
    dz_var x = dz_named(p->t, name);
    const double *g = gradient;
    int j = 0;
    while (j < p->n && dz_node_index(p->x[j]) != dz_node_index(x)) g += dz_size(p->x[j++]);
    if (j < p->n && strcmp(text, "inactive") != 0) compare(c, what, x, g, text);
  }
}

static void expect_plans(const test_case *c, dz_tape *t, dz_var y) {
  planned p = {.c = c, .t = t, .y = y};
  dz_error e;
  for (size_t i = 0; i < dz_tape_size(t) && p.n < MOST_LINES; i++) {
    dz_var x = dz_node_at(t, i);
    if (dz_role_of(x) == DZ_ROLE_INPUT || dz_role_of(x) == DZ_ROLE_PARAM) p.x[p.n++] = x;
  }
  if (every_plan(y, p.n, p.x, NULL, NULL, expect_run, &p, &e) &&
      !strstr(e.message, "plans cannot do 'solve'"))
    blame(c, "plans", e.message, "none refused");
}

static void expect_notes(const test_case *c, const dz_tape *t) {
  char came[200], all[2000] = "";
  int expected = 0;
  for (size_t i = 0; i < dz_note_count(t); i++) {
    const dz_note *n = dz_note_at(t, i);
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s %d:%d; ", n->kind, n->line, n->column);
  }
  for (int k = 0; k < c->nfacts; k++) {
    if (!starts(c->facts[k], "note: ")) continue;
    snprintf(came, sizeof came, "%s; ", c->facts[k] + 6);
    if (!strstr(all, came)) blame(c, "note", all, c->facts[k] + 6);
    expected++;
  }
  if (dz_note_count(t) != (size_t)expected) blame(c, "notes", all, "those listed only");
}

static void expect_results(const test_case *c, dz_tape *t, dz_var y) {
  bool gradients = false;
  for (int k = 0; k < c->nfacts; k++) {
    gradients |= starts(c->facts[k], "grad ");
    if (starts(c->facts[k], "value: ")) compare(c, "value", y, dz_values(y), c->facts[k] + 7);
  }
  expect_notes(c, t);
  if (!dz_is_number(y)) expect_plans(c, t, y);
  if (!gradients) return;
  sweep(c, t, y);
  for (int k = 0; k < c->nfacts; k++)
    if (starts(c->facts[k], "grad ")) expect_gradient(c, t, c->facts[k]);
}

static void run_case(const test_case *c) {
  dz_tape *t = dz_tape_new(NULL);
  dz_error e;
  size_t size;
  const char *text = case_text(c, &size);
  if (bind_names(c, t)) blame(c, "binding", dz_tape_error(t)->message, "leaves");
  char *exact = malloc(size + 1); /* the parser must not look beyond the end */
  memcpy(exact, text, size);
  exact = realloc(exact, size ? size : 1);
  dz_program *p = dz_program_parse(exact, size, "<case>", NULL, &e);
  free(exact);
  dz_var y = p ? dz_program_record(p, t, 7) : (dz_var){0};
  expect_error(c, p ? dz_tape_error(t) : &e);
  if (p && dz_valid(y) != !dz_tape_error(t)->status) blame(c, "result", "a node beside an error", "either");
  if (p && !dz_tape_error(t)->status) expect_results(c, t, y);
  dz_program_free(p);
  dz_tape_free(t);
}

START_TEST(cases) {
  failures = 0;
  int n = each_case(case_files[_i].file, run_case);
  printf("%s: %d cases\n", case_files[_i].file, n);
  ck_assert_int_ge(n, case_files[_i].least);
  ck_assert_int_eq(failures, 0);
}
END_TEST

SUITE(EACH(cases, COUNT(case_files)))
