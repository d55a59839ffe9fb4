/* Runs the cases of *.test: a program, what its names are bound to, and what must come out.

   == title
   program, several lines; \xNN is a byte, \n a newline within a line, \r a carriage return
   bind: x = [1, 2]       an input leaf; param: and data: likewise
   value: 0.5 ~2          the result, to 2 ULP; exactly without ~
   grad x: [1, 0]         the gradient; of a tensor result, that of the sum of its elements; or: inactive
   error: name 1:7 text   the status, the place, and the message that must come (all of it)
   note: underflow 1:3    a note that must be there; a case without this line must have none */
#include "dz/lang.h"
#include "dz/sweep.h"
#include "plan/every.h"
#include "suite.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef DZ_SOURCE
#define DZ_SOURCE "."
#endif

enum { MOST_TEXT = 1 << 17, MOST_NUMBERS = 64, MOST_LINES = 64 };

typedef struct number_list {
  int rank;
  size_t dims[DZ_MAX_RANK], n;
  double x[MOST_NUMBERS];
  double ulps;
} number_list;

typedef struct test_case {
  const char *file;
  int line;
  char title[100];
  char program[4000];
  char *facts[MOST_LINES]; /* "value: 3" and so on */
  int nfacts;
} test_case;

static int failures;

static void blame(const test_case *c, const char *what, const char *came, const char *expected) {
  fprintf(stderr, "%s:%d: %s: %s\n  came     %s\n  expected %s\n", c->file, c->line, c->title, what, came,
          expected);
  failures++;
}

/* ---- reading ---- */

static const char *skip(const char *s) { return s + strspn(s, " "); }

/* A number or nested lists of them. strtod reads the expectation, so dz's own reader is not its own judge. */
static const char *read_numbers(const char *s, number_list *l, int depth) {
  s = skip(s);
  if (*s != '[') {
    char *end;
    if (l->n >= MOST_NUMBERS) abort();
    l->x[l->n++] = strtod(s, &end);
    if (depth > l->rank) l->rank = depth;
    return end == s ? NULL : end;
  }
  size_t items = 0;
  for (s = skip(s + 1); s && *s && *s != ']'; items++) {
    s = read_numbers(s, l, depth + 1);
    if (s && *(s = skip(s)) == ',') s = skip(s + 1);
  }
  if (depth + 1 > l->rank) l->rank = depth + 1;
  l->dims[depth] = items;
  return s && *s ? s + 1 : NULL;
}

static number_list numbers(const char *s) {
  number_list l = {0};
  s = read_numbers(s, &l, 0);
  if (s && *(s = skip(s)) == '~') l.ulps = strtod(s + 1, NULL);
  return l;
}

static void unescape(char *to, size_t *size, const char *from) {
  size_t n = 0;
  for (; *from; from++) {
    if (from[0] != '\\') {
      to[n++] = *from;
    } else if (from[1] == 'x') {
      char hex[3] = {from[2], from[3], 0};
      to[n++] = (char)strtol(hex, NULL, 16);
      from += 3;
    } else {
      to[n++] = from[1] == 'n' ? '\n' : '\r';
      from++;
    }
  }
  *size = n;
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

static bool starts(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

static void bind_name(const test_case *c, dz_tape *t, const char *fact) {
  dz_role role = *fact == 'b' ? DZ_ROLE_INPUT : *fact == 'p' ? DZ_ROLE_PARAM : DZ_ROLE_DATA;
  char name[64];
  const char *s = skip(strchr(fact, ':') + 1), *equals = strchr(s, '=');
  snprintf(name, sizeof name, "%.*s", (int)(strcspn(s, " =")), s);
  number_list l = numbers(equals + 1);
  dz_var leaf = dz_leaf_tensor(t, role, l.rank, l.dims, l.x);
  if (dz_set_name(leaf, name)) blame(c, "binding", name, "a name");
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
  static char text[4000];
  size_t size;
  unescape(text, &size, c->program);
  dz_tape *t = dz_tape_new(NULL);
  dz_error e;
  for (int k = 0; k < c->nfacts; k++)
    if (starts(c->facts[k], "bind: ") || starts(c->facts[k], "param: ") || starts(c->facts[k], "data: "))
      bind_name(c, t, c->facts[k]);
  char *exact = malloc(size + 1); /* the parser must not look beyond the end */
  memcpy(exact, text, size);
  exact = realloc(exact, size ? size : 1);
  dz_program *p = dz_program_parse(exact, size, "<case>", NULL, &e);
  free(exact);
  dz_var y = p ? dz_program_record(p, t, 7) : (dz_var){0};
  expect_error(c, p ? dz_tape_error(t) : &e);
  if (p && !dz_tape_error(t)->status) expect_results(c, t, y);
  dz_program_free(p);
  dz_tape_free(t);
}

/* ---- files ---- */

static bool is_fact(const char *s) {
  return starts(s, "bind: ") || starts(s, "param: ") || starts(s, "data: ") || starts(s, "value: ") ||
         starts(s, "grad ") || starts(s, "error: ") || starts(s, "note: ");
}

static int run_file(const char *file) {
  static char text[MOST_TEXT];
  char path[1000];
  snprintf(path, sizeof path, "%s/tests/lang/%s", DZ_SOURCE, file);
  FILE *f = fopen(path, "rb");
  ck_assert_msg(f != NULL, "cannot open %s", path);
  size_t n = fread(text, 1, sizeof text - 1, f);
  ck_assert_msg(n < sizeof text - 1, "%s is too long for this test", file);
  text[n] = 0;
  fclose(f);
  int cases = 0, line = 0;
  static test_case c;
  c.title[0] = 0;
  for (char *s = text, *end; *s; s = end + 1) {
    end = strchr(s, '\n');
    *end = 0;
    line++;
    if (starts(s, "== ")) {
      if (c.title[0]) run_case(&c);
      c = (test_case){.file = file, .line = line};
      snprintf(c.title, sizeof c.title, "%.90s", s + 3);
      cases++;
    } else if (is_fact(s) && c.nfacts < MOST_LINES) {
      c.facts[c.nfacts++] = s;
    } else if (c.title[0] && (*s || c.program[0])) {
      size_t at = strlen(c.program);
      snprintf(c.program + at, sizeof c.program - at, "%s%s", at ? "\n" : "", s);
    }
  }
  if (c.title[0]) run_case(&c);
  return cases;
}

static const struct {
  const char *file;
  int least; /* cases: so that a file that is not read is noticed */
} files[] = {{"syntax.test", 60}, {"names.test", 30},   {"tensors.test", 50},
             {"errors.test", 70}, {"prelude.test", 30}, {"derivative.test", 35}};

START_TEST(cases) {
  failures = 0;
  int n = run_file(files[_i].file);
  printf("%s: %d cases\n", files[_i].file, n);
  ck_assert_int_ge(n, files[_i].least);
  ck_assert_int_eq(failures, 0);
}
END_TEST

SUITE(EACH(cases, COUNT(files)))
