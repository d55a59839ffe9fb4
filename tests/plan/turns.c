/* Texts that repeat are said once, in a loop: what the loop says, turn by turn, is what was there. */
#include "plan/emit_fold.h"

#include "dice.h"
#include "effort.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

typedef struct page {
  char text[1 << 16];
  size_t n;
} page;

static bool write_page(void *user, const char *text, size_t n) {
  page *p = user;
  ck_assert_uint_lt(p->n + n, sizeof p->text);
  memcpy(p->text + p->n, text, n);
  p->n += n;
  p->text[p->n] = 0;
  return true;
}

/* The units as the fold says them. `back` and `alone` are bits by the unit's number; how many turns there are
   in all goes to *turns. */
static void fold(page *to, size_t n, const char *const *units, uint64_t back, uint64_t alone, size_t *turns) {
  dz_plan plan = {.alloc = dz__allocator(NULL)};
  dz__emitter e = {.p = &plan, .name = "f", .write = write_page, .user = to};
  dz__fold f;
  to->n = 0, to->text[0] = 0, *turns = 0;
  dz__fold_begin(&f, &e);
  for (size_t k = 0; k < n; k++) {
    dz__say(&e, "%s", units[k]);
    dz__fold_unit(&f, &e, 1, back >> k & 1, alone >> k & 1);
  }
  ck_assert(dz__fold_end(&f, &e));
  ck_assert_uint_eq(to->n, 0); /* nothing is said before it is asked for */
  size_t next = 0;
  for (size_t k = 0; k < f.n_turns; k++) {
    ck_assert_uint_eq(f.turns[k].first, next);
    next += f.turns[k].units * f.turns[k].turns;
    *turns += f.turns[k].turns > 1;
    dz__fold_say(&f, &e, &f.turns[k]);
  }
  ck_assert_uint_eq(next, n);
  ck_assert(dz__said(&e));
  dz__fold_free(&f);
}

#define UNITS(...)                                                                                           \
  (sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]) { __VA_ARGS__ }

#define LOOP(n) "  for (size_t turn = 0; turn < " #n "; turn++) {\n"

static page said;

static void expect(const char *text, size_t n, const char *const *units) {
  size_t turns;
  fold(&said, n, units, 0, 0, &turns);
  ck_assert_str_eq(said.text, text);
}

static void expect_as_it_is(size_t n, const char *const *units) {
  page all = {.n = 0};
  for (size_t k = 0; k < n; k++) write_page(&all, units[k], strlen(units[k]));
  expect(all.text, n, units);
}

START_TEST(numbers_that_grow) {
  expect(LOOP(4) "a[(1 + 1 * turn)] = b[(30 - 10 * turn)] + c[7];\n  }\n",
         UNITS("a[1] = b[30] + c[7];\n", "a[2] = b[20] + c[7];\n", "a[3] = b[10] + c[7];\n",
               "a[4] = b[0] + c[7];\n"));
  expect("x;\n" LOOP(4) "in + (18446744073 - 2 * turn);\n  }\ny;\n",
         UNITS("x;\n", "in + 18446744073;\n", "in + 18446744071;\n", "in + 18446744069;\n",
               "in + 18446744067;\n", "y;\n"));
  expect(LOOP(5) "same;\n  }\n", UNITS("same;\n", "same;\n", "same;\n", "same;\n", "same;\n"));
}
END_TEST

START_TEST(no_turns) {
  expect_as_it_is(UNITS("a[1];\n", "a[2];\n", "a[3];\n"));            /* too few */
  expect_as_it_is(UNITS("a[1];\n", "a[2];\n", "a[4];\n", "a[8];\n")); /* not evenly */
  expect_as_it_is(UNITS("a[1];\n", "a[2];\n", "a[3];\n", "a[2];\n"));
  expect_as_it_is(UNITS("a[1];\n", "b[2];\n", "a[3];\n", "b[4];\n", "a[5];\n")); /* two and a half */
  expect_as_it_is(UNITS("1.5;\n", "2.5;\n", "3.5;\n", "4.5;\n")); /* parts of numbers, and of names */
  expect_as_it_is(UNITS(".1;\n", ".2;\n", ".3;\n", ".4;\n"));
  expect_as_it_is(UNITS("1e-1;\n", "1e-2;\n", "1e-3;\n", "1e-4;\n"));
  expect_as_it_is(UNITS("1E+1;\n", "1E+2;\n", "1E+3;\n", "1E+4;\n"));
  expect_as_it_is(UNITS("0x1;\n", "0x2;\n", "0x3;\n", "0x4;\n"));
  expect_as_it_is(UNITS("f_d1(x);\n", "f_d2(x);\n", "f_d3(x);\n", "f_d4(x);\n"));
  expect_as_it_is(UNITS("1u;\n", "2u;\n", "3u;\n", "4u;\n"));
  expect_as_it_is(UNITS("ab1;\n", "ab2;\n", "ab3;\n", "ab4;\n"));
  expect_as_it_is(UNITS("1234567890123456780;\n", "1234567890123456781;\n", "1234567890123456782;\n",
                        "1234567890123456783;\n")); /* more digits than are read */
  expect("", 0, NULL);
}
END_TEST

/* Names of a letter and digits are a unit's own. */
START_TEST(names) {
  expect(LOOP(4) "r5 = r7 + r5 + i5;\n  }\n", UNITS("r5 = r7 + r5 + i5;\n", "r9 = r2 + r9 + i0;\n",
                                                    "r1 = r70 + r1 + i7;\n", "r5 = r1 + r5 + i1;\n"));
  expect_as_it_is(
      UNITS("r5 = r7 + r5;\n", "r9 = r2 + r2;\n", "r5 = r7 + r5;\n", "r9 = r2 + r2;\n", "r9 = r2 + r9;\n"));
  expect_as_it_is(UNITS("r5 = a1;\n", "r5 = b1;\n", "r5 = a1;\n", "r5 = c1;\n"));
}
END_TEST

/* More names than are told by their order: what they are called counts then. */
START_TEST(many_names) {
  enum { NAMES = 600 };
  static char text[5][NAMES * 8];
  size_t turns;
  for (int differ = 0; differ < 2; differ++) {
    const char *units[5];
    for (int u = 0; u < 5; u++) {
      size_t n = 0;
      for (int k = 0; k < NAMES; k++)
        n += (size_t)snprintf(text[u] + n, sizeof text[u] - n, "r%d;\n", k + (differ && u == 1 && k > 550));
      units[u] = text[u];
    }
    fold(&said, 5, units, 0, 0, &turns);
    ck_assert_uint_eq(turns, differ ? 0 : 1);
  }
}
END_TEST

/* Rows of several units; a longer row that saves more than a short one at its beginning. */
START_TEST(rows) {
  expect(LOOP(4) "a[(1 + 1 * turn)];\nb;\nb;\n  }\n",
         UNITS("a[1];\n", "b;\n", "b;\n", "a[2];\n", "b;\n", "b;\n", "a[3];\n", "b;\n", "b;\n", "a[4];\n",
               "b;\n", "b;\n"));
  expect(LOOP(4) "b;\nb;\nb;\nb;\na;\n  }\n",
         UNITS("b;\n", "b;\n", "b;\n", "b;\n", "a;\n", "b;\n", "b;\n", "b;\n", "b;\n", "a;\n", "b;\n", "b;\n",
               "b;\n", "b;\n", "a;\n", "b;\n", "b;\n", "b;\n", "b;\n", "a;\n"));
}
END_TEST

START_TEST(kinds_of_units) {
  size_t turns;
  const char *const same[] = {"a;\n", "a;\n", "a;\n", "a;\n", "a;\n", "a;\n", "a;\n"};
  fold(&said, 7, same, 0, 0, &turns);
  ck_assert_uint_eq(turns, 1);
  fold(&said, 7, same, 0x70, 0, &turns); /* four and three */
  ck_assert_uint_eq(turns, 1);
  ck_assert_str_eq(said.text, LOOP(4) "a;\n  }\na;\na;\na;\n");
  fold(&said, 7, same, 0x78, 0, &turns); /* three and four */
  ck_assert_str_eq(said.text, "a;\na;\na;\n" LOOP(4) "a;\n  }\n");
  fold(&said, 7, same, 0, 8, &turns); /* one by itself in the midst */
  ck_assert_uint_eq(turns, 0);
  fold(&said, 7, same, 0, 1, &turns); /* or as the first */
  ck_assert_str_eq(said.text, "a;\n" LOOP(6) "a;\n  }\n");
}
END_TEST

/* ---- any texts ---- */

/* What a program makes of the text: every loop turn by turn. */
static void unfold(const char *at, page *to) {
  to->n = 0, to->text[0] = 0;
  while (*at) {
    size_t turns;
    if (*at != ' ' || sscanf(at, "  for (size_t turn = 0; turn < %zu; turn++) {", &turns) != 1) {
      write_page(to, at++, 1);
      continue;
    }
    const char *body = strchr(at, '\n') + 1, *end = strstr(body, "  }\n");
    for (size_t t = 0; t < turns; t++)
      for (const char *s = body; s < end;) {
        size_t base, by;
        char sign, number[32];
        int used = 0;
        if (sscanf(s, "(%zu %c %zu * turn)%n", &base, &sign, &by, &used) == 3 && used) {
          snprintf(number, sizeof number, "%zu", sign == '+' ? base + by * t : base - by * t);
          write_page(to, number, strlen(number));
          s += used;
        } else
          write_page(to, s++, 1);
      }
    at = end + 4;
  }
}

/* Rows of one to three units, each a few times, with numbers that grow evenly nearly always. */
START_TEST(any_texts) {
  static char unit[64][64];
  static page all, back;
  size_t folded = 0, turns;
  for (uint64_t seed = 1; seed <= EFFORT(3000, 300); seed++) {
    dice d = {seed};
    const char *units[64];
    size_t n = 0;
    while (n < 50) {
      const size_t row = 1 + roll(&d) % 3, times = 1 + roll(&d) % 7, odd = roll(&d) % 12;
      const size_t base = 100 + roll(&d) % 900, by = roll(&d) % 30;
      const bool down = roll(&d) % 2;
      for (size_t t = 0; t < times && n < 60; t++)
        for (size_t j = 0; j < row && n < 60; j++, n++) {
          const size_t at = (down ? base + 300 - by * t : base + by * t) + (t == odd);
          snprintf(unit[n], sizeof unit[n], "%c[%zu] = %zu;\n", "abc"[j], at, j * t);
          units[n] = unit[n];
        }
    }
    all.n = 0;
    for (size_t k = 0; k < n; k++) write_page(&all, units[k], strlen(units[k]));
    fold(&said, n, units, 0, 0, &turns);
    unfold(said.text, &back);
    ck_assert_msg(!strcmp(back.text, all.text), "seed %d:\n%s", (int)seed, said.text);
    folded += turns;
  }
  printf("%zu loops\n", folded);
  ck_assert_uint_ge(folded, EFFORT(3000, 300));
}
END_TEST

SUITE(ONCE(numbers_that_grow), ONCE(no_turns), ONCE(names), ONCE(many_names), ONCE(rows),
      ONCE(kinds_of_units), ONCE(any_texts))
