/* Programs with something wrong at every single place: broken off there, with a character there that is none
   of the language, or with no memory left there. */
#include "../failing.h"
#include "case.h"
#include "dz/lang.h"
#include "dz/print.h"
#include "dz/sweep.h"
#include "suite.h"

#include <math.h>

/* ---- characters ---- */

/* Line and column of a byte, as a terminal would count them; lines end at \n, \r or both. */
static void place_of(const char *text, size_t at, int *line, int *column) {
  *line = *column = 1;
  for (size_t i = 0; i < at; i++) {
    const bool end = text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
    *column = end ? 1 : *column + (((unsigned char)text[i] & 0xC0) != 0x80);
    *line += end;
  }
}

static bool in_comment(const char *text, size_t at) {
  while (at > 0 && text[at - 1] != '\n' && text[at - 1] != '\r')
    if (text[--at] == '#') return true;
  return false;
}

static dz_program *parse(const char *text, size_t size, dz_error *e) {
  char *exact = malloc(size + !size); /* nothing behind the end is looked at */
  *e = (dz_error){.status = DZ_OK};
  memcpy(exact, text, size);
  dz_program *p = dz_program_parse(exact, size, "<case>", NULL, e);
  free(exact);
  return p;
}

/* Whatever comes out, it is a program or an error with its place within the text. */
static void expect_sense(const test_case *c, const char *text, size_t size) {
  dz_error e;
  int line, column;
  dz_program *p = parse(text, size, &e);
  place_of(text, size, &line, &column);
  if ((p != NULL) == (e.status != DZ_OK) || (!p && (e.line < 1 || e.line > line || !*e.message)))
    ck_abort_msg("%s:%d: %s: of %zu bytes: status %d, line %d of %d", c->file, c->line, c->title, size,
                 e.status, e.line, line);
  dz_program_free(p);
}

static void break_off(const test_case *c) {
  size_t size;
  const char *text = case_text(c, &size);
  for (size_t n = 0; n <= size; n += EFFORT(1, 5)) expect_sense(c, text, n);
}

/* A control character makes every program wrong, there or before; in a comment it changes nothing. */
static void put_in(const test_case *c, char odd) {
  static char longer[4100];
  size_t size;
  dz_error e, before;
  const char *text = case_text(c, &size);
  dz_program_free(parse(text, size, &before));
  for (size_t at = (size_t)c->line % EFFORT(1, 5); at <= size; at += EFFORT(1, 5)) {
    int line, column;
    if (((unsigned char)text[at] & 0xC0) == 0x80 && at < size) continue; /* within a character */
    memcpy(longer, text, at);
    longer[at] = odd;
    memcpy(longer + at + 1, text + at, size - at);
    place_of(longer, at, &line, &column);
    dz_program *p = parse(longer, size + 1, &e);
    const bool there = e.line < line || (e.line == line && e.column <= column);
    if (in_comment(text, at) ? !before.status != (p != NULL) : p || !there)
      ck_abort_msg("%s:%d: %s: byte %d put in at %d:%d: status %d at %d:%d, %s", c->file, c->line, c->title,
                   odd, line, column, e.status, e.line, e.column, p ? "" : e.message);
    dz_program_free(p);
  }
}

static void put_in_control(const test_case *c) { put_in(c, 1); }

START_TEST(cut_anywhere) { each_case(case_files[_i].file, break_off); }
END_TEST

START_TEST(a_stray_byte_anywhere) { each_case(case_files[_i].file, put_in_control); }
END_TEST

/* ---- memory ---- */

/* One of everything in the language; a, b, c are numbers, A, B matrices, u a vector, f and g functions. */
static const char *const pieces[] = {
    "a ? b : c",
    "a > b && b > c || !c",
    "-a^2 * +b / c - u@u",
    "f(a)",
    "f(a, y=b)",
    "g(f(a), b)",
    "sum(unroll(gru, [A, B], A, C, D))",
    "unroll(step, u, a, b)",
    "A[0, 1]",
    "A[0, :1]",
    "A[::-1, -1][0]",
    "A[1:2:1][0, 0]",
    "A[2 - 1, 0]",
    "A' @ B",
    "[1, 2, 3]",
    "[[1, 2], [3, 4]]",
    "[a, b, 1]",
    "[[a, 1], [2, b]]",
    "[[1, 2], u[:2]]",
    "[]",
    "[[[a]]]",
    "1e-400 + a",
    "1e-400 + 1e-400 * a",
    "gather(u, [0, 2])",
    "concat(A, B)",
    "concat([A, B], axis=1)",
    "stack([u, u], axis=-1)",
    "reshape(A, [4])",
    "reshape(A, 2, -1)",
    "broadcast_to(a, 2, 2)",
    "permute(A, [1, 0])",
    "permute(A)",
    "solve(A, [1, 2])",
    "noise(A, 3)",
    "rank(A) + count(A) + extent(A, axis=0)",
    "positions(A, axis=0)",
    "cumsum(A, axis=0) + cumprod(A, axis=-1)",
    "sum(A, axis=0, keepdims=1)",
    "sum(A, axis=[0, 1])",
    "sum(A, axis=all)",
    "max(A) + max(a, b, c) + min(A, axis=1)",
    "softmax(A) + var(A, ddof=1)",
    "cross_entropy(A, [0, 1])",
    "layer_norm(A, 1, 0)",
    "d(a^2*b, a)",
    "d(a^2*b, a, b)",
    "d(f(h), h)",
    "d(g(a, b), a)",
    "stop(a) + where(a, b, c)",
    "e^a + pi + √a + σ(b) + a²",
    "clamp(a, 0, 1) + atan2(a, b) + a**b",
    "dropout(A, .5, 1)",
    "max_pool(reshape(A, 1, 1, 2, 2))",
    "sum([1, 2]\n, axis=0)",
    "concat([A, B]\n)",
    "late + 1",
};
static const char head[] =
    "f(x, y=2) = x*y + x\ng(x, y) = d(x^2*y, x)\nstep(x, h, w) = tanh(w*x + h)\n"
    "input unused[2, 3]\nparam W[2] ~ uniform(-1, +2)\nparam V ~ zeros\ndata T\nh = a*2\n";

static void append(char **to, const char *text) {
  const size_t n = strlen(text);
  memcpy(*to, text, n + 1);
  *to += n;
}

/* The piece behind so many lines, in so many parentheses. */
static size_t compose(char *text, const char *piece, int lines, int depth) {
  char *at = text;
  append(&at, head);
  for (int k = 0; k < lines; k++) {
    char line[40];
    snprintf(line, sizeof line, "line%d = a + %d\n", k, k);
    append(&at, line);
  }
  for (int k = 0; k < depth; k++) append(&at, "a*(");
  append(&at, piece);
  for (int k = 0; k < depth; k++) append(&at, ")");
  return (size_t)(at - text);
}

static dz_status leaves(dz_tape *t) {
  static const double v[] = {.5, .25, 2, 1};
  static const struct {
    const char *name;
    int rank;
    size_t dims[3];
  } leaf[] = {{"a", 0, {0}}, {"b", 0, {0}}, {"c", 0, {0}},       {"A", 2, {2, 2}}, {"B", 2, {2, 2}},
              {"u", 1, {3}}, {"T", 0, {0}}, {"C", 3, {3, 4, 2}}, {"D", 2, {3, 2}}, {"late", 0, {0}}};
  for (size_t k = 0; k < COUNT(leaf); k++) {
    const bool filled = leaf[k].rank < 3 && k != 8;
    const dz_var x = dz_leaf_tensor(t, leaf[k].name[0] == 'T' ? DZ_ROLE_DATA : DZ_ROLE_INPUT, leaf[k].rank,
                                    leaf[k].dims, filled ? v : NULL);
    const dz_status s = dz_set_name(x, leaf[k].name);
    if (s) return s;
  }
  return DZ_OK;
}

/* The status, and the sum of the result's elements; f is armed once the leaves stand. */
static dz_status run(const char *text, size_t size, failing *f, size_t only, double *sum, dz_error *e) {
  const dz_allocator a = failing_allocator(f);
  dz_tape *t = dz_tape_new(&a);
  ck_assert(t && leaves(t) == DZ_OK);
  f->calls = 0, f->only = only;
  *e = (dz_error){.status = DZ_OK};
  dz_program *p = dz_program_parse(text, size, "piece", &a, e);
  ck_assert_msg((p != NULL) == (e->status == DZ_OK), "%s: status %d", text, (int)e->status);
  const dz_var y = p ? dz_program_record(p, t, 3) : (dz_var){0};
  if (p) *e = *dz_tape_error(t);
  ck_assert_msg(dz_valid(y) == !e->status, "%s: status %d", text, (int)e->status);
  *sum = 0;
  for (size_t i = 0; dz_valid(y) && i < dz_size(y); i++) *sum += dz_values(y)[i];
  dz_program_free(p);
  dz_tape_free(t);
  ck_assert(f->blocks == 0 && f->bytes == 0);
  return e->status;
}

static void starve(const char *piece, int lines, int depth) {
  static char text[8000];
  const size_t size = compose(text, piece, lines, depth);
  failing plenty = {0};
  double right, sum;
  dz_error told, e;
  const dz_status status = run(text, size, &plenty, 0, &right, &told);
  for (size_t k = 1; k <= plenty.calls; k++) {
    failing f = {0};
    const dz_status s = run(text, size, &f, k, &sum, &e);
    const bool as_before =
        s == status && (sum == right || isnan(right)) && strcmp(e.message, told.message) == 0;
    if (!as_before && !(s == DZ_ERR_MEMORY && f.failed))
      ck_abort_msg("%s, %d lines, %d deep: allocation %zu fails: status %d, %s", piece, lines, depth, k, s,
                   e.message);
  }
}

/* Arrays of the parser and of the machine grow at certain lengths: behind other lines, and at other depths,
   each piece meets every growth. */
START_TEST(memory_runs_out_in_every_piece) {
  const int step = EFFORT(3, 24);
  for (int k = _i % step; k < 48; k += step) {
    starve(pieces[_i], k, 0);
    starve(pieces[_i], 0, k);
  }
}
END_TEST

/* Where a constant whole number stands, no variable can. */
static const char *const misuses[] = {"cumsum(A, axis=a)",
                                      "cumprod(A, axis=5)",
                                      "sum(A, keepdims=a)",
                                      "var(A, ddof=a)",
                                      "gather(u, [0], axis=a)",
                                      "gather(u, [0], axis=3)",
                                      "concat(A, B, axis=a)",
                                      "concat([A, B], axis=7)",
                                      "stack([u, u], axis=a)",
                                      "stack(u, u, axis=-4)",
                                      "reshape(A, a)",
                                      "reshape(A, [a])",
                                      "broadcast_to(a, b)",
                                      "permute(A, a)",
                                      "permute(A, [0, a])",
                                      "extent(A, axis=a)",
                                      "extent(A, axis=5)",
                                      "extent(A, axis=-3)",
                                      "positions(A, axis=a)",
                                      "positions(A, axis=9)",
                                      "A[a]",
                                      "A[0:a]",
                                      "A[0:1:a]",
                                      "A[a:1]",
                                      "A[0:1:0]",
                                      "A[7]",
                                      "A[.5]",
                                      "sum(A, axis=[0, a])",
                                      "sum(A, axis=.5)",
                                      "max(A, axis=a)",
                                      "d(a, 3)",
                                      "d(a*b, a*b)",
                                      "softmax(A, axis=a)",
                                      "count(A, axis=4)",
                                      "logsumexp(A, axis=[0, 0])",
                                      "sum(A, axis=nan)"};

static dz_status run_one(const char *piece, dz_error *e) {
  static char text[8000];
  failing f = {0};
  double sum;
  return run(text, compose(text, piece, 0, 0), &f, 0, &sum, e);
}

START_TEST(misuses_are_told) {
  dz_error e;
  const dz_status s = run_one(misuses[_i], &e);
  ck_assert_msg(s == DZ_ERR_ARGUMENT && e.line == 9 && e.column > 0, "%s: status %d at %d:%d: %s",
                misuses[_i], s, e.line, e.column, e.message);
  starve(misuses[_i], 0, 0);
}
END_TEST

/* Characters that show as nothing: spaces stand between tokens, others are told by their place. */
static const struct {
  const char *bytes;
  bool space;
} unseen[] = {{" ", true},
              {"\t", true},
              {"\v", true},
              {"\f", true},
              {"\xc2\xa0", true},
              {"\xe2\x80\x80", true},
              {"\xe2\x80\x8b", true},
              {"\xe2\x80\xaf", true},
              {"\xe2\x81\x9f", true},
              {"\xe3\x80\x80", true},
              {"\xef\xbb\xbf", true},
              {"\xc2\xad", false},
              {"\xe2\x80\x8c", false},
              {"\xe2\x80\x8f", false},
              {"\xe2\x80\x90", false},
              {"\xe2\x80\xa8", false},
              {"\xe2\x80\xae", false},
              {"\xe2\x81\xa0", false},
              {"\xe2\x81\xaf", false},
              {"\xe3\x80\x81", false},
              {"\xe3\x81\x80", false},
              {"\xef\xbc\x80", false},
              {"\xef\xbd\x9f", false},
              {"\x7f", false},
              {"\x01", false},
              {"\xe2\x80\x9f", false}};

START_TEST(what_does_not_show) {
  char text[40];
  dz_error e;
  snprintf(text, sizeof text, "a%s+ b", unseen[_i].bytes);
  dz_program *p = parse(text, strlen(text), &e);
  if (unseen[_i].space)
    ck_assert_msg(p && dz_program_leaf_count(p) == 2, "%s", e.message);
  else
    ck_assert_msg(!p && e.status == DZ_ERR_SYNTAX && e.line == 1 && e.column == 2, "status %d at %d:%d: %s",
                  e.status, e.line, e.column, e.message);
  dz_program_free(p);
}
END_TEST

/* Without that, every piece is a program. */
START_TEST(every_piece_is_a_program) {
  dz_error e;
  ck_assert_msg(run_one(pieces[_i], &e) == DZ_OK, "%s: %s", pieces[_i], e.message);
}
END_TEST

SUITE(EACH(cut_anywhere, COUNT(case_files)), EACH(a_stray_byte_anywhere, COUNT(case_files)),
      EACH(every_piece_is_a_program, COUNT(pieces)), EACH(misuses_are_told, COUNT(misuses)),
      EACH(what_does_not_show, COUNT(unseen)), EACH(memory_runs_out_in_every_piece, COUNT(pieces)))
