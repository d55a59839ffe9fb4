/* The cases of *.test: a program, what its names are bound to, and what must come out.

   == title
   program, several lines; \xNN is a byte, \n a newline within a line, \r a carriage return
   bind: x = [1, 2]       an input leaf; param: and data: likewise
   value: 0.5 ~2          the result, to 2 ULP; exactly without ~
   grad x: [1, 0]         the gradient; of a tensor result, that of the sum of its elements; or: inactive
   error: name 1:7 text   the status, the place, and the message that must come (all of it)
   note: underflow 1:3    a note that must be there; a case without this line must have none */
#ifndef DZ_TESTS_CASE_H
#define DZ_TESTS_CASE_H

#include "dz/tape.h"

#include <check.h>
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

static inline bool starts(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

/* ---- reading ---- */

static inline const char *skip(const char *s) { return s + strspn(s, " "); }

/* A number or nested lists of them. strtod reads the expectation, so dz's own reader is not its own judge. */
static inline const char *read_numbers(const char *s, number_list *l, int depth) {
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

static inline number_list numbers(const char *s) {
  number_list l = {0};
  s = read_numbers(s, &l, 0);
  if (s && *(s = skip(s)) == '~') l.ulps = strtod(s + 1, NULL);
  return l;
}

/* The program's text as it is meant: with the bytes that \x and the like stand for. */
static inline const char *case_text(const test_case *c, size_t *size) {
  static char text[4000];
  size_t n = 0;
  for (const char *from = c->program; *from; from++) {
    if (from[0] != '\\') {
      text[n++] = *from;
    } else if (from[1] == 'x') {
      char hex[3] = {from[2], from[3], 0};
      text[n++] = (char)strtol(hex, NULL, 16);
      from += 3;
    } else {
      text[n++] = from[1] == 'n' ? '\n' : '\r';
      from++;
    }
  }
  text[ *size = n] = 0;
  return text;
}

static inline dz_status bind_name(dz_tape *t, const char *fact) {
  dz_role role = *fact == 'b' ? DZ_ROLE_INPUT : *fact == 'p' ? DZ_ROLE_PARAM : DZ_ROLE_DATA;
  char name[64];
  const char *s = skip(strchr(fact, ':') + 1), *equals = strchr(s, '=');
  snprintf(name, sizeof name, "%.*s", (int)(strcspn(s, " =")), s);
  number_list l = numbers(equals + 1);
  return dz_set_name(dz_leaf_tensor(t, role, l.rank, l.dims, l.x), name);
}

/* All that the program's names are bound to, as leaves of the tape. */
static inline dz_status bind_names(const test_case *c, dz_tape *t) {
  for (int k = 0; k < c->nfacts; k++) {
    const char *fact = c->facts[k];
    if (!starts(fact, "bind: ") && !starts(fact, "param: ") && !starts(fact, "data: ")) continue;
    const dz_status status = bind_name(t, fact);
    if (status) return status;
  }
  return DZ_OK;
}

/* ---- files ---- */

static inline bool is_fact(const char *s) {
  return starts(s, "bind: ") || starts(s, "param: ") || starts(s, "data: ") || starts(s, "value: ") ||
         starts(s, "grad ") || starts(s, "error: ") || starts(s, "note: ");
}

/* Calls run for every case of a file, and says how many there are. */
static inline int each_case(const char *file, void (*run)(const test_case *c)) {
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
      if (c.title[0]) run(&c);
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
  if (c.title[0]) run(&c);
  return cases;
}

static const struct {
  const char *file;
  int least; /* cases: so that a file that is not read is noticed */
} case_files[] = {{"syntax.test", 60}, {"names.test", 30},   {"tensors.test", 50},
                  {"errors.test", 70}, {"prelude.test", 30}, {"derivative.test", 35}};

#endif
