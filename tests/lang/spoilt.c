/* Programs of every construct with a NUL at every place, which must be told there, and with no memory left at
   every allocation, wherever arrays grow. And limits that no text of a test's length reaches. */
#include "../failing.h"
#include "dz/lang.h"
#include "dz/tape.h"
#include "lang/machine.h"
#include "lang/parse.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

/* a and b are numbers, u a vector of 3, A a matrix of 2 by 2. */
static const struct {
  const char *text;
  double value; /* of the first element, for a = 2, b = 3, u = 1, 2, 3, A = 1, 2, 3, 4 */
} programs[] = {
    {"a + b*2 - -a/4", 8.5},
    {"1 ? a : b", 2},
    {"0 ? a : b", 3},
    {"a > b ? a : b", 3},
    {"e^a + e^0 - e^a", 1},
    {"[1, 2]\n", 1},
    {"[a, 1, b]", 2},
    {"[[1, 2], [a, b]][1, 0]", 2},
    {"sum([1, 2 # two\n, 3\n]\n)", 6},
    {"concat([u, u]\n, axis=0)[4]", 2},
    {"concat([u, [5]], 0)[3]", 5},
    {"A[1, 0] + A[:, 1][0] + A[::-1][0, 0]", 8},
    {"A[0:1:1, -1][0]", 2},
    {"sum(A, axis=[0, 1], keepdims=1)[0, 0]", 10},
    {"sum(A', axis=all)", 10},
    {"f(x, y=2, z=-1) = (x*y\n  + z)\nf(a) + f(b, z=+4)", 13},
    {"f(\n x\n,\n s=all\n) = sum(x, axis=s)\nf(u)", 6},
    {"g(x) = d(x^3, x)\ng(a)", 12},
    {"d(a^2*b, a, b)", 4},
    {"d(3, a)", 0},
    {"s(x, h, w) = w*h + x\nunroll(s, u, 0, a)", 11},
    {"s(x, h) = h + x\nunroll(s, [1, 2], a)", 5},
    {"s(x, h) = h + 1\nunroll(s, u, a)", 5},
    {"（a＋b）", 5},
    {"a + 1\ninput k[2, 3], l; param P[2] ~ uniform(-1, +2), Q ~ normal(1), R ~ he", 3},
    {"input k ~ ones", 0},
    {"param P ~ ones, Q ~ ones\nP + Q", 2},
    {"ab = a; ab^2", 4},
    {"param W[2, 2] ~ uniform(-1, +1)\nparam V ~ ones; data a\nV + 0*sum(W)", 1},
    {"reshape(u, 3)[0] + reshape(u, [3, 1])[1, 0]", 3},
    {"max(a, b, 1) + max(u) - min(u, axis=0)", 5},
    {"gather(u, [2, 0])[0]", 3},
    {"cumsum(A)[3]", 10},
    {"rank(A) + extent(A, axis=1) + positions(u)[2]", 6},
    {"y = 2*a; y = 3", 0},
    {"y = 2*a\ny @ y", 0},
    {"1e-400 + a", 2},
    {"√(a*2) + a² - (a)³", -2},
    {"stack([a, b], axis=0)[1] + solve([[2, 0], [0, 4]], [1, 2])[0]", 3.5},
    {"k(x) = [x, [3, 4]]\nk([1, 2])[0, 1]", 2},
    {"!(a < b) || a == 2 && b != 2", 1},
    {"log_base(a, a*a)", 2},
    {"A[1][0] - 3[:]", 0},
};

static dz_status leaves(dz_tape *t) {
  static const double v[] = {1, 2, 3, 4}, a = 2, b = 3;
  static const size_t three[] = {3}, two[] = {2, 2};
  dz_status s = dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 0, NULL, &a), "a");
  if (!s) s = dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 0, NULL, &b), "b");
  if (!s) s = dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, three, v), "u");
  return s ? s : dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, two, v), "A");
}

/* ---- a NUL ---- */

/* Between the characters of one number or operator: the first of them may be wrong alone. */
static bool within_token(const char *text, size_t at) {
  return at > 0 && text[at] && strchr("e|&=!<>-", text[at - 1]) && strchr("|&=-0123456789", text[at]);
}

START_TEST(a_nul_anywhere) {
  const char *text = programs[_i].text;
  const size_t size = strlen(text);
  int line = 1, column = 1;
  dz_program *whole = dz_program_parse(text, size, "spoilt", NULL, NULL);
  for (size_t at = 0; whole && at <= size; at++) {
    char spoilt[200];
    dz_error e = {.status = DZ_OK};
    if (((unsigned char)text[at] & 0xC0) == 0x80) continue; /* within a character */
    memcpy(spoilt, text, at);
    spoilt[at] = 0;
    memcpy(spoilt + at + 1, text + at, size - at);
    ck_assert_ptr_null(dz_program_parse(spoilt, size + 1, "spoilt", NULL, &e));
    const bool there = e.line == line && e.column == column && strstr(e.message, "NUL");
    if (e.status != DZ_ERR_SYNTAX || (!there && !within_token(text, at)))
      ck_abort_msg("%s: NUL at %d:%d: status %d at %d:%d: %s", text, line, column, e.status, e.line, e.column,
                   e.message);
    column = text[at] == '\n' ? 1 : column + 1;
    line += text[at] == '\n';
  }
  dz_program_free(whole);
}
END_TEST

/* Broken off anywhere it is a program or an error, never both. */
START_TEST(cut_anywhere) {
  const char *text = programs[_i].text;
  for (size_t n = 0; n < strlen(text); n++) {
    dz_error e = {.status = DZ_OK};
    dz_program *p = dz_program_parse(text, n, "cut", NULL, &e);
    ck_assert_msg((p != NULL) == !e.status, "%.*s: status %d", (int)n, text, e.status);
    dz_program_free(p);
  }
}
END_TEST

/* ---- no memory ---- */

/* Behind so many operators that are open, whose operands are on the machine's stack already; on a tape that
   has room for so many nodes more. */
typedef struct place {
  int before;
  bool nested; /* in parentheses too */
  int room;    /* one less than so many; 0: plenty */
} place;

static dz_status run(const char *program, place at, failing *f, size_t only, double *value) {
  char text[600] = "";
  const dz_allocator a = failing_allocator(f);
  const char *end = strrchr(program, '\n'), *last = end && end[1] ? end + 1 : program;
  snprintf(text, sizeof text, "%.*s", (int)(last - program), program);
  for (int k = 0; k < at.before; k++) strcat(text, at.nested ? "0+(" : "-");
  strcat(text, last);
  for (int k = 0; k < at.before && at.nested; k++) strcat(text, ")");
  dz_tape *t = dz_tape_new(&a);
  ck_assert(t && leaves(t) == DZ_OK);
  while (at.room && dz_tape_size(t) + (size_t)at.room <= 256) (void)dz_const(t, 0);
  f->calls = 0, f->only = only;
  dz_error e = {.status = DZ_OK};
  dz_program *p = dz_program_parse(text, strlen(text), "starved", &a, &e);
  ck_assert_msg((p != NULL) == !e.status, "%s: status %d", text, e.status);
  const dz_var y = p ? dz_program_record(p, t, 3) : (dz_var){0};
  if (p) e = *dz_tape_error(t);
  ck_assert_msg(dz_valid(y) == !e.status, "%s: status %d", text, e.status);
  *value = !dz_valid(y) ? 0 : dz_rank(y) ? dz_values(y)[0] : dz_value(y);
  dz_program_free(p);
  dz_tape_free(t);
  ck_assert_msg(f->blocks == 0 && f->bytes == 0, "%s: %zu blocks are left", text, f->blocks);
  return e.status;
}

static void starve(const char *program, place at) {
  failing plenty = {0};
  double right, value;
  const dz_status status = run(program, at, &plenty, 0, &right);
  for (size_t k = 1; k <= plenty.calls; k++) {
    failing f = {0};
    const dz_status s = run(program, at, &f, k, &value);
    const bool as_before = s == status && memcmp(&value, &right, sizeof value) == 0;
    if (!as_before && !(s == DZ_ERR_MEMORY && f.failed))
      ck_abort_msg("%s behind %d: allocation %zu fails: status %d, %g", program, at.before, k, s, value);
  }
}

START_TEST(values_are_right) {
  failing f = {0};
  double value;
  const dz_status s = run(programs[_i].text, (place){0}, &f, 0, &value);
  if (s != DZ_OK) ck_assert_msg(programs[_i].value == 0, "%s: status %d", programs[_i].text, s);
  ck_assert_double_eq(value, programs[_i].value);
}
END_TEST

START_TEST(memory_runs_out) {
  const int step = EFFORT(_i < 4 ? 1 : 2, 8); /* the first push what a branch leaves out */
  for (int k = _i % step; k <= 16; k += step) {
    starve(programs[_i].text, (place){.before = k});
    starve(programs[_i].text, (place){.before = k, .nested = true});
  }
  for (int k = 1; k <= 5; k++) starve(programs[_i].text, (place){.room = k});
}
END_TEST

/* Where an array grows at what is rare in a program: the line before its first operator, a turn of unroll. */
START_TEST(memory_runs_out_at_rare_places) {
  for (int k = 0; k <= 16; k++) {
    starve("a + b", (place){.before = k, .nested = true});
    starve("s(x, h) = h + 1\nu*unroll(s, u, a)", (place){.before = k, .nested = true});
  }
}
END_TEST

/* ---- limits ---- */

static dz_error error;

static dz__parser parser_on(dz_program *p) {
  error = (dz_error){.status = DZ_OK};
  dz__parser q = {.p = p, .defining = SIZE_MAX, .tok = {.line = 4, .column = 2}};
  dz__lex_start(&q.lex, "", 0, "limits", &error);
  return q;
}

static void expect_limit(const char *message) {
  ck_assert_int_eq(error.status, DZ_ERR_LIMIT);
  ck_assert_str_eq(error.message, message);
  ck_assert(error.line == 4 && error.column == 2);
}

/* Before anything is written: the program is said to be that long, and is not. */
START_TEST(a_program_too_long) {
  dz_program *p = dz_program_parse("1", 1, "limits", NULL, NULL);
  dz__parser q = parser_on(p);
  const size_t n = p->code.n;
  p->code.n = DZ__MOST_CODE;
  ck_assert(!dz__emit(&q, DZ__S_RETURN, 0, 0, 1, 1));
  p->code.n = n;
  expect_limit("the program is too long: at most 134217728 operands and operators");
  dz_program_free(p);
}
END_TEST

START_TEST(too_many_arguments) {
  dz_program *p = dz_program_parse("max(1, 2)", 9, "limits", NULL, NULL);
  dz__parser q = parser_on(p);
  dz__open *o = dz__open_at(&q, DZ__O_CALL, 0);
  o->n = DZ__MOST_OPERANDS - 1;
  ck_assert(dz__end_argument(&q) && o->n == DZ__MOST_OPERANDS);
  ck_assert(!dz__end_argument(&q));
  expect_limit("at most 16777215 arguments are allowed");
  dz__vec_free(&p->alloc, &q.stack, sizeof(dz__open));
  dz_program_free(p);
}
END_TEST

/* A list of literals with more elements than can be counted. */
START_TEST(a_list_too_large) {
  dz_tape *t = dz_tape_new(NULL);
  dz__machine *m = dz__machine_of(t);
  dz__literal *l = dz__vec_add(&m->alloc, &m->literals, 1, sizeof *l);
  *l = (dz__literal){.rank = 1, .dims = {SIZE_MAX / 32}, .size = SIZE_MAX / 32};
  dz__value list;
  for (int k = 0; k < 3; k++) ck_assert(dz__push_value(m, (dz__value){.literal = 0, .shared = true}));
  ck_assert(!dz__make_list(m, 3, &list));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_MEMORY);
  dz_tape_free(t);
}
END_TEST

/* A tape keeps 64 notes; the numbers are 0 all the same. */
START_TEST(many_underflows) {
  char text[2000] = "2 # not used, which is the first note\n";
  char *line = strchr(text, '\n') + 1;
  for (int k = 0; k < 70; k++) strcat(text, "1e-400 + \n");
  for (char *s = line; *s; s++)
    if (*s == '\n') *s = ' ';
  strcat(text, "1");
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_double_eq(dz_value(dz_expr(t, text)), 1);
  ck_assert_uint_eq(dz_note_count(t), 64);
  ck_assert_str_eq(dz_note_at(t, 0)->kind, "unused");
  for (size_t k = 1; k < 64; k++) ck_assert_int_eq(dz_note_at(t, k)->column, (int)(1 + 10 * (k - 1)));
  dz_tape_free(t);
}
END_TEST

/* The first error of a tape stays, also where a text is wrong. */
START_TEST(the_first_error_stays) {
  dz_tape *t = dz_tape_new(NULL);
  ck_assert(!dz_valid(dz_expr(t, "nobody")));
  ck_assert(!dz_valid(dz_expr(t, "1 +")));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_MISSING);
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(values_are_right, COUNT(programs)), EACH(a_nul_anywhere, COUNT(programs)),
      EACH(cut_anywhere, COUNT(programs)), EACH(memory_runs_out, COUNT(programs)),
      ONCE(memory_runs_out_at_rare_places), ONCE(a_program_too_long), ONCE(too_many_arguments),
      ONCE(a_list_too_large), ONCE(many_underflows), ONCE(the_first_error_stays))
