/* Layers and the widths of labels, by themselves: what no picture of dz's asks for is answered too. */
#include "show/layout.h"

#include "show/picture.h"
#include "suite.h"

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

static double line(const char *text, size_t points) { return dz__measure_line(text, strlen(text), points); }

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
}
END_TEST

/* Of fonts within each other the innermost counts, down to a depth; more ends than beginnings do no harm. */
START_TEST(fonts_within_fonts) {
  char text[2000] = "";
  for (int k = 0; k < 40; k++) strcat(text, "<FONT POINT-SIZE=\"20\">");
  strcat(text, "a");
  expect_columns(line(text, 10), 20);
  for (int k = 0; k < 60; k++) strcat(text, "</FONT>");
  strcat(text, "b");
  expect_columns(line(text, 10), 20 + 14); /* a usual size where there is none */
}
END_TEST

/* More rows than are kept are as one. */
START_TEST(rows_beyond_counting) {
  char text[2000] = "";
  for (int k = 0; k < 40; k++) strcat(text, "ab</TR>");
  strcat(text, "c");
  expect_columns(line(text, 10), 20);
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
              ONCE(links_that_need_not_cross))
