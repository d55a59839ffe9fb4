/* Layers and the widths of labels, by themselves: what no picture of dz's asks for is answered too. */
#include "show/layout.h"

#include "show/picture.h"

#include "../failing.h"
#include "../suite.h"
#include "graph.h"

#include <float.h>
#include <math.h>

static dz__layout l;
static void setup(void) { l = (dz__layout){.alloc = dz__allocator(NULL)}; }
static void teardown(void) { dz__layout_free(&l); }

START_TEST(nothing_needs_no_room) {
  ck_assert(dz__layout_place(&l));
  ck_assert_double_eq(l.width, 0);
  ck_assert_double_eq(l.height, 0);
}
END_TEST

START_TEST(spots_without_width) {
  ck_assert(dz__layout_spot(&l, 0, 0, 5));
  ck_assert(dz__layout_place(&l));
  ck_assert_double_eq(l.spot[0].x, 0);
  ck_assert_double_eq(l.spot[0].y, 5);
  ck_assert_double_eq(l.width, 0);
  ck_assert_double_eq(l.height, 10);
}
END_TEST

/* A layer that is empty takes no room: the next stands where it would have. */
START_TEST(empty_layers_take_no_room) {
  ck_assert(dz__layout_spot(&l, 0, 30, 5) && dz__layout_spot(&l, 2, 50, 5));
  ck_assert(dz__layout_place(&l));
  const double gap = l.spot[1].x - 25 - (l.spot[0].x + 15), width = l.width;
  dz__layout_free(&l);
  ck_assert(dz__layout_spot(&l, 0, 30, 5) && dz__layout_spot(&l, 1, 50, 5));
  ck_assert(dz__layout_place(&l));
  ck_assert_double_eq(l.spot[1].x - 25 - (l.spot[0].x + 15), gap);
  ck_assert_double_eq(l.width, width);
  ck_assert_double_eq(width, 80 + gap);
  ck_assert_double_gt(gap, 0);
}
END_TEST

/* Layers are counted by what stands in them, in whatever order it comes; one beside another, middles above
   middles. */
START_TEST(layers_in_any_order) {
  ck_assert(dz__layout_spot(&l, 2, 30, 5) && dz__layout_place(&l));
  ck_assert_double_eq(l.spot[0].x, 15);
  ck_assert_double_eq(l.width, 30);
  ck_assert_double_eq(l.height, 10);
  dz__layout_free(&l);
  ck_assert(dz__layout_spot(&l, 2, 30, 5) && dz__layout_spot(&l, 1, 1, 5) && dz__layout_spot(&l, 0, 20, 7) &&
            dz__layout_spot(&l, 1, 50, 6));
  ck_assert(dz__layout_link(&l, 2, 1, 0) && dz__layout_link(&l, 2, 3, 0) && dz__layout_link(&l, 1, 0, -.5) &&
            dz__layout_link(&l, 3, 0, .5));
  ck_assert(dz__layout_place(&l));
  static const double x[] = {121, 63, 10, 63}, y[] = {15.5, 5, 15.5, 26}; /* gaps of 18 and 10 */
  for (int k = 0; k < 4; k++) {
    ck_assert_double_eq(l.spot[k].x, x[k]);
    ck_assert_double_eq(l.spot[k].y, y[k]);
  }
  ck_assert_double_eq(l.spot[1].width, 50);
  ck_assert_double_eq(l.width, 136);
  ck_assert_double_eq(l.height, 32);
  dz__layout_free(&l);
  ck_assert(dz__layout_spot(&l, 0, 10, 40) && dz__layout_spot(&l, 1, 10, 5) && dz__layout_place(&l));
  ck_assert_double_eq(l.height, 80); /* the first is the tallest */
}
END_TEST

/* What has no links keeps its place among those that have, and they theirs. */
START_TEST(spots_without_links) {
  for (uint32_t k = 0; k < 6; k++) ck_assert(dz__layout_spot(&l, k > 1, 10, 5));
  ck_assert(dz__layout_link(&l, 0, 3, 0) && dz__layout_link(&l, 1, 4, 0) && dz__layout_place(&l));
  ck_assert_double_lt(l.spot[0].y, l.spot[1].y);
  for (int k = 2; k < 5; k++) ck_assert_double_lt(l.spot[k].y, l.spot[k + 1].y);
}
END_TEST

/* ---- widths: .62 of the points for each column ---- */

static double line(const char *label, size_t points) {
  return dz__measure_line(label, strlen(label), points);
}

static void expect_columns(double width, double columns_times_points) {
  ck_assert_double_eq_tol(width, .62 * columns_times_points, 64 * DBL_EPSILON * width);
}

START_TEST(widths_of_any_text) {
  expect_columns(line("abc", 10), 30);
  expect_columns(line("a&lt;b", 10), 30);
  expect_columns(line("重", 10), 20);
  expect_columns(line("a<b", 10), 30); /* no tag */
  expect_columns(line("a&b", 10), 30); /* no entity */
  expect_columns(line("\xff"
                      "a\xe9",
                      10),
                 30); /* no character: a column for each byte */
  expect_columns(line("<I>a</I>", 10), 10);
  expect_columns(line("a<FONT POINT-SIZE=\"20\">b</FONT>c", 10), 40);
  ck_assert_double_eq(line("", 10), 0);
  /* what is behind the end is not looked at */
  expect_columns(dz__measure_line("a<b>c", 3, 10), 30);
  expect_columns(dz__measure_line("a&b;c", 3, 10), 30);
  expect_columns(dz__measure_line("a重", 2, 10), 20);
}
END_TEST

/* Of fonts within each other the innermost counts, down to a depth; more ends than beginnings do no harm. */
START_TEST(fonts_within_fonts) {
  char label[2000] = "";
  for (int k = 0; k < 40; k++) strcat(label, "<FONT POINT-SIZE=\"20\">");
  strcat(label, "a");
  expect_columns(line(label, 10), 20);
  for (int k = 0; k < 60; k++) strcat(label, "</FONT>");
  strcat(label, "b");
  expect_columns(line(label, 10), 20 + 14); /* a usual size where there is none */
}
END_TEST

/* More rows than are kept are as one. */
START_TEST(rows_beyond_counting) {
  char label[2000] = "";
  for (int k = 0; k < 40; k++) strcat(label, "ab</TR>");
  strcat(label, "c");
  expect_columns(line(label, 10), 20);
}
END_TEST

/* ---- circles around rows: 1.2 of the points high each ---- */

typedef struct rows {
  const char *text;
  double columns, points, rows; /* of the widest row; in all */
} rows;

static void put_rows(dz__picture *p, void *user, uint32_t i) {
  dz__pen_put(&p->pen, ((const rows *)user)[i].text);
}

/* Rows of 14 points where there is no font. The outer rows are as far from the middle as can be; of a row the
   largest font counts, wherever it is. Eight rows are kept: what is beyond is of the eighth. */
START_TEST(circles_around_rows) {
  static const rows cases[] = {
      {"", 0, 0, 0},
      {"ab", 2, 14, 1},
      {"ab</TR>", 2, 14, 1},
      {"a</TR>bcd", 3, 14, 2},
      {"abc</TR>d</TR></TR>", 3, 14, 2},
      {"<FONT POINT-SIZE=\"10\">a</FONT><FONT POINT-SIZE=\"20\">b</FONT>", 1.5, 20, 1},
      {"<FONT POINT-SIZE=\"20\">b</FONT><FONT POINT-SIZE=\"10\">a</FONT>", 1.5, 20, 1},
      {"a</TR>a</TR>a</TR>a</TR>a</TR>a</TR>a</TR>a", 1, 14, 8},
      {"a</TR>a</TR>a</TR>a</TR>a</TR>a</TR>a</TR>a</TR>ab", 3, 14, 8},
  };
  dz__picture p = {.full.alloc = dz__allocator(NULL)};
  for (uint32_t k = 0; k < COUNT(cases); k++) {
    const rows *c = &cases[k];
    const double want = hypot(.62 * c->columns * c->points, 1.2 * c->points * c->rows) + 4;
    ck_assert_double_eq_tol(dz__measure(&p, put_rows, (void *)cases, k), want, 64 * DBL_EPSILON * want);
  }
  ck_assert(!p.failed);
}
END_TEST

START_TEST(labels_for_which_there_is_no_memory) {
  failing f = {.at = 1};
  dz__picture p = {.full.alloc = failing_allocator(&f)};
  static rows one = {"a", 0, 0, 0};
  dz__measure(&p, put_rows, &one, 0);
  ck_assert(p.failed);
}
END_TEST

/* An inch is 72 points. Small circles are an inch wide; large ones fit what they hold. */
START_TEST(sizes_of_circles) {
  static const struct {
    double points;
    const char *want;
  } cases[] = {{0, " fixedsize=true width=1"},      {72, " fixedsize=true width=1"},
               {108, " fixedsize=true width=1.5"},  {108.1, " fixedsize=true width=1.51"},
               {150, " fixedsize=true width=2.09"}, {150.1, " width=1"}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    text t = {0};
    dz__picture p = {.pen = {.write = append, .user = &t}};
    dz__mark_circle(&p, cases[k].points);
    dz__pen_flush(&p.pen);
    ck_assert_str_eq(t.at, cases[k].want);
    free(t.at);
  }
}
END_TEST

/* Three links, each to the other end of the next layer: in the end none crosses another. */
START_TEST(links_that_need_not_cross) {
  enum { N = 3 };
  for (uint32_t k = 0; k < 2 * N; k++) ck_assert(dz__layout_spot(&l, k / N, 10, 5));
  for (uint32_t k = 0; k < N; k++) ck_assert(dz__layout_link(&l, k, 2 * N - 1 - k, 0));
  ck_assert(dz__layout_place(&l));
  for (int a = 0; a < N; a++)
    for (int b = 0; b < a; b++)
      ck_assert_double_gt((l.spot[a].y - l.spot[b].y) * (l.spot[2 * N - 1 - a].y - l.spot[2 * N - 1 - b].y),
                          0);
}
END_TEST

SUITE_BETWEEN(setup, teardown, ONCE(nothing_needs_no_room), ONCE(spots_without_width),
              ONCE(empty_layers_take_no_room), ONCE(layers_in_any_order), ONCE(spots_without_links),
              ONCE(widths_of_any_text), ONCE(fonts_within_fonts), ONCE(rows_beyond_counting),
              ONCE(circles_around_rows), ONCE(labels_for_which_there_is_no_memory), ONCE(sizes_of_circles),
              ONCE(links_that_need_not_cross))
