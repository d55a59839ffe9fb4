/* The pieces of an explanation in plain text, LaTeX, and HTML with MathML. */
#include "show/lesson.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put(dz__lesson *l, const char *text) { dz__sheet_put(&l->s, text); }

/* One of three, by format. */
static void pick(dz__lesson *l, const char *text, const char *latex, const char *html) {
  const char *const of[] = {text, latex, html};
  put(l, of[l->how->format]);
}

static const char *told(const dz__lesson *l, const char *english) {
  const char *text = l->how->translate ? l->how->translate(english, l->how->translate_user) : NULL;
  return text ? text : english;
}

/* ---- words ---- */

static const char *html_of(char c) {
  return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : NULL;
}

static const char *latex_of(char c) {
  static const char special[] = "\\{}$&#^_%~";
  static const char *const as[] = {
      "\\textbackslash{}", "\\{", "\\}", "\\$", "\\&", "\\#", "\\textasciicircum{}", "\\_", "\\%",
      "\\textasciitilde{}"};
  const char *at = strchr(special, c);
  return at ? as[at - special] : NULL;
}

static void escaped(dz__lesson *l, const char *text) {
  for (const char *p = text; *p; p++) {
    const char *as = l->how->format == DZ_EXPLAIN_HTML ? html_of(*p) : l->how->format ? latex_of(*p) : NULL;
    if (as)
      put(l, as);
    else if ((unsigned char)*p < 0x20 || *p == 0x7F)
      put(l, " ");
    else
      dz__sheet_bytes(&l->s, p, 1);
  }
}

/* ---- the frame ---- */

static const char latex_head[] = "\\documentclass{article}\n"
                                 "\\usepackage[utf8]{inputenc}\n"
                                 "\\usepackage{amsmath,amssymb}\n"
                                 "\\usepackage[margin=2.5cm]{geometry}\n"
                                 "\\allowdisplaybreaks\\sloppy\\setlength{\\parindent}{0pt}\n";

static const char html_head[] =
    "<style>\n"
    "body{font-family:serif;max-width:60em;margin:2em auto;padding:0 "
    "1em;line-height:1.7;color:#111;background:#fff}\n"
    "h1,h2,h3{font-weight:normal}h3{margin:.8em 0 "
    ".2em;color:#555}ul{list-style:none;padding-left:1.5em;margin:0}li{margin:.4em 0}\n"
    "math{font-size:1.1em;margin-right:1em}\n"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#1c1c1c}h3{color:#aaa}}\n"
    "</style>\n";

static bool is_japanese(const dz__lesson *l) {
  return l->how->language && strcmp(l->how->language, "ja") == 0;
}

static bool beyond_latin(const char *text) {
  for (; text && *text; text++)
    if ((unsigned char)*text >= 0xE0) return true;
  return false;
}

/* LaTeX wants to be told of Japanese, be it in a name only. */
static bool wants_japanese(const dz__lesson *l) {
  bool wants = is_japanese(l) || beyond_latin(l->output);
  for (size_t i = 0; i < l->trace.nseen; i++) wants = wants || beyond_latin(l->trace.seen[i].name);
  return wants;
}

void dz__lesson_begin(dz__lesson *l) {
  if (l->how->format == DZ_EXPLAIN_LATEX) {
    put(l, latex_head);
    put(l, wants_japanese(l) ? "\\usepackage{CJKutf8}\n\\begin{document}\n\\begin{CJK}{UTF8}{min}\n"
                             : "\\begin{document}\n");
  }
  if (l->how->format == DZ_EXPLAIN_HTML) {
    put(l, "<!DOCTYPE html>\n<html lang=\"");
    put(l, is_japanese(l) ? "ja" : "en");
    put(l, "\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    escaped(l, l->output);
    put(l, "</title>\n");
    put(l, html_head);
  }
}

void dz__lesson_end(dz__lesson *l) {
  if (l->how->format == DZ_EXPLAIN_LATEX)
    put(l, wants_japanese(l) ? "\\end{CJK}\n\\end{document}\n" : "\\end{document}\n");
  if (l->how->format == DZ_EXPLAIN_HTML) put(l, "</html>\n");
}

void dz__lesson_heading(dz__lesson *l, const char *english) {
  pick(l, l->s.n ? "\n" : "", "\\section*{", "<h2>");
  escaped(l, told(l, english));
  pick(l, "\n", "}\n", "</h2>\n");
}

void dz__lesson_list(dz__lesson *l, bool open) {
  if (open)
    pick(l, "", "\\begin{itemize}\\raggedright\n", "<ul>\n");
  else
    pick(l, "", "\\end{itemize}\n", "</ul>\n");
}

void dz__lesson_wave(dz__lesson *l, size_t k) {
  char number[24];
  snprintf(number, sizeof number, "%zu", k);
  const char *args[] = {number};
  pick(l, "  ", "\\subsection*{", "<h3>");
  dz__sheet_form(&l->s, "wave {0}", args, 1);
  pick(l, "\n", "}\n", "</h3>\n");
}

void dz__lesson_line(dz__lesson *l, bool open) {
  if (open)
    pick(l, "    ", "\\item[] $\\displaystyle ", "<li><math displaystyle=\"true\">");
  else
    pick(l, "\n", "$\n", "</math></li>\n");
}

/* ---- mathematics ---- */

/* In MathML spaces at the ends of words count only when they are hard ones. */
void dz__math_words(dz__lesson *l, const char *text) {
  size_t n = strlen(text);
  bool hard = l->how->format == DZ_EXPLAIN_HTML;
  pick(l, "", "\\text{", "<mtext>");
  if (hard && text[0] == ' ') put(l, "\u00A0");
  escaped(l, text);
  if (hard && n > 1 && text[n - 1] == ' ') put(l, "\u00A0");
  pick(l, "", "}", "</mtext>");
}

void dz__math_sign(dz__lesson *l, const char *sign) {
  static const struct {
    const char *sign, *text, *latex;
  } signs[] = {{"=", " = ", "="},
               {"×", " × ", "\\times "},
               {"+", " + ", "+"},
               {"±", " ± ", "\\pm "},
               {"●", "● ", "\\bullet\\ "},
               {"✓", "  ✓", "\\quad\\checkmark"},
               {"✗", "  ✗", "\\quad\\textsf{X}"},
               {";", ";  ", ";\\allowbreak\\quad "}};
  for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
    if (strcmp(signs[k].sign, sign) != 0) continue;
    if (l->how->format == DZ_EXPLAIN_TEXT) put(l, signs[k].text);
    if (l->how->format == DZ_EXPLAIN_LATEX) put(l, signs[k].latex);
  }
  if (l->how->format != DZ_EXPLAIN_HTML) return;
  if (strcmp(sign, ";") == 0) { /* a line may be broken between two formulas, not within one */
    put(l, "<mo>;</mo></math> <math displaystyle=\"true\">");
    return;
  }
  put(l, "<mo>");
  put(l, sign);
  put(l, "</mo>");
}

static void set_text(dz__lesson *l, dz__text t) {
  if (t.at)
    dz__sheet_bytes(&l->s, t.at, t.size);
  else
    l->s.failed = true;
  dz__text_free(&t, &l->s.alloc);
}

void dz__math_formula(dz__lesson *l, dz_var x) {
  if (l->how->format == DZ_EXPLAIN_HTML) put(l, "<mrow>");
  set_text(l, dz__set(x, &l->set, &l->s.alloc));
  if (l->how->format == DZ_EXPLAIN_HTML) put(l, "</mrow>");
}

void dz__math_number(dz__lesson *l, double x, bool factor) {
  bool bracket = factor && (x < 0 || (x == 0 && signbit(x)));
  if (bracket) pick(l, "(", "(", "<mrow><mo>(</mo>");
  dz__math_formula(l, dz_num(x));
  if (bracket) pick(l, ")", ")", "<mo>)</mo></mrow>");
}

void dz__math_digits(dz__lesson *l, double x, int digits) {
  int before = l->set.digits;
  l->set.digits = digits;
  dz__math_formula(l, dz_num(x));
  l->set.digits = before;
}

void dz__math_letter(dz__lesson *l, const char *name) {
  set_text(l, dz__set_name(name, &l->set, &l->s.alloc));
}

static const char *name_of(const dz__lesson *l, const dz__seen *s) {
  size_t i = (size_t)(s - l->trace.seen);
  if (i + 1 == l->trace.nseen) return l->output;
  if (l->symbols.node)
    return l->symbols.node[i].name; /* only plain numbers, which are told as such, have none */
  return s->name ? s->name : s->is.op;
}

void dz__math_name(dz__lesson *l, const dz__seen *s) {
  set_text(l, dz__set_name(name_of(l, s), &l->set, &l->s.alloc));
}

void dz__math_gradient(dz__lesson *l, const dz__seen *s) {
  pick(l, "g(", "g(", "<mrow><mi>g</mi><mo>(</mo>");
  dz__math_name(l, s);
  pick(l, ")", ")", "<mo>)</mo></mrow>");
}

void dz__math_slope(dz__lesson *l, const dz__seen *z, const dz__seen *x, const char *d) {
  bool round = strcmp(d, "d") != 0;
  const char *latex = round ? "\\partial " : "d ", *html = round ? "<mi>∂</mi>" : "<mi>d</mi>";
  pick(l, d, "\\dfrac{", "<mfrac><mrow>");
  pick(l, "", latex, html);
  dz__math_name(l, z);
  pick(l, "/", "}{", "</mrow><mrow>");
  pick(l, d, latex, html);
  dz__math_name(l, x);
  pick(l, "", "}", "</mrow></mfrac>");
}

/* Brackets at each end of each axis. */
static void put_elements(dz__lesson *l, const dz__seen *s, const double *v) {
  for (size_t e = 0; e < s->size; e++) {
    size_t block = s->size;
    if (e) pick(l, ", ", ", ", "<mo>,</mo>");
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if (e % block == 0) pick(l, "[", "[", "<mo>[</mo>");
    dz__math_number(l, v[e], false);
    block = s->size;
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if ((e + 1) % block == 0) pick(l, "]", "]", "<mo>]</mo>");
  }
}

void dz__math_value(dz__lesson *l, const dz__seen *s, const double *v, bool factor) {
  char text[24];
  if (s->rank == 0) {
    dz__math_number(l, *v, factor);
  } else if (s->size > 0 && s->size <= DZ__SHOWN_ELEMENTS) {
    put_elements(l, s, v);
  } else {
    pick(l, "[", "[\\text{", "<mtext>[");
    for (int k = 0; k < s->rank; k++) {
      snprintf(text, sizeof text, "%zu", s->dims[k]);
      put(l, k ? (l->how->format == DZ_EXPLAIN_LATEX ? "$\\times$" : "×") : "");
      put(l, text);
    }
    put(l, " ");
    escaped(l, told(l, "numbers"));
    pick(l, "]", "}]", "]</mtext>");
  }
}
