#include "gnuplot.h"

#include "filter.h"
#include "speech.h"
#include "width.h"

#include <stdbool.h>
#include <string.h>

/* Told apart by people with any colour vision, on white; after Okabe and Ito. */
static const char *const hues[] = {"#0072B2", "#D55E00", "#007A5A", "#AA3377", "#8C6D00", "#444444"};
enum { HUES = sizeof hues / sizeof hues[0] };

const char *gnuplot_hue(size_t i) { return hues[i % HUES]; }

void gnuplot_quoted(buffer *b, const char *text) {
  buffer clean = {0};
  buffer_clean(&clean, text, strlen(text));
  buffer_text(b, "'");
  for (size_t i = 0; i < clean.size; i++) {
    if (clean.text[i] == '\'') buffer_text(b, "'");
    buffer_add(b, clean.text + i, 1);
  }
  buffer_text(b, "'");
  buffer_free(&clean);
}

void gnuplot_said(buffer *b, const char *english) { gnuplot_quoted(b, speech(english, NULL)); }

void gnuplot_pair(buffer *b, double x, const char *between, double y) {
  buffer_number(b, x, 0);
  buffer_text(b, between);
  buffer_number(b, y, 0);
}

void gnuplot_put(buffer *b, const char *before, double x, const char *after) {
  buffer_text(b, before);
  buffer_number(b, x, 9);
  buffer_text(b, after);
}

void gnuplot_terminal(buffer *b, const char *format, double wide, double high) {
  bool inches = strcmp(format, "pdf") == 0;
  buffer_text(b, strcmp(format, "svg") == 0   ? "set terminal svg dynamic"
                 : strcmp(format, "png") == 0 ? "set terminal pngcairo"
                                              : "set terminal pdfcairo fontscale .75");
  buffer_text(b, " noenhanced rounded background rgb '#FFFFFF' font 'DejaVu Sans,13' size ");
  if (strcmp(format, "png") == 0) buffer_text(b, "1.5*");
  gnuplot_put(b, "", inches ? wide / 96 : wide, inches ? "in," : ",");
  if (strcmp(format, "png") == 0) buffer_text(b, "1.5*");
  gnuplot_put(b, "", inches ? high / 96 : high, inches ? "in" : "");
  buffer_text(b, strcmp(format, "png") == 0 ? " fontscale 1.125 linewidth 1.5 pointscale 1.5\n" : "\n");
}

static void put_markup(buffer *b, const buffer *text) {
  buffer clean = {0};
  buffer_clean(&clean, text->text, text->size);
  for (size_t i = 0; i < clean.size; i++) {
    char c = clean.text[i];
    if (c == '<' || c == '>' || c == '&')
      buffer_text(b, c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;");
    else
      buffer_add(b, &c, 1);
  }
  buffer_free(&clean);
}

/* Puts what the lines are where gnuplot names itself and its version: a reader of the screen tells it, and
   the same plot is the same text whatever gnuplot drew it. */
static buffer titled(const buffer *title, buffer *svg) {
  static const char start[] = "<title>", end[] = "</desc>";
  buffer b = {0};
  buffer_add(svg, "", 1);
  const char *from = strstr(svg->text, start), *to = from != NULL ? strstr(from, end) : NULL;
  size_t head = to != NULL ? (size_t)(from - svg->text) : 0;
  if (to != NULL) {
    buffer_add(&b, svg->text, head);
    buffer_text(&b, start);
    put_markup(&b, title);
    buffer_text(&b, "</title>");
    head = (size_t)(to - svg->text) + sizeof end - 1;
  }
  buffer_add(&b, svg->text + head, svg->size - 1 - head);
  buffer_free(svg);
  return b;
}

static const char missing[] =
    "plots need gnuplot, which is not found: install gnuplot "
    "(apt install gnuplot-nox, dnf install gnuplot, pacman -S gnuplot, brew install gnuplot)";

void gnuplot_check(void) {
  char *const argv[] = {(char[]){"gnuplot"}, (char[]){"--version"}, NULL};
  filter gnuplot = {argv, missing};
  buffer nothing = {0}, version = filter_run(&gnuplot, &nothing, 20);
  buffer_free(&version);
}

buffer gnuplot_picture(const buffer *script, const char *format, const buffer *title, double seconds) {
  char *const argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, NULL};
  filter gnuplot = {argv, missing};
  buffer picture = filter_run(&gnuplot, script, seconds);
  return strcmp(format, "svg") == 0 ? titled(title, &picture) : picture;
}
