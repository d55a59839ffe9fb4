/* Writing marked-up text: buffered, escaped, with numbers as a textbook sets them. */
#ifndef DZ_SHOW_PEN_H
#define DZ_SHOW_PEN_H

#include "dz/show.h"

typedef struct dz__pen {
  dz_writer *write;
  void *user;
  int digits;
  bool refused; /* the writer said no: nothing more is sent */
  size_t n;
  char buf[1024];
} dz__pen;

/* Text as it is. */
void dz__pen_put(dz__pen *p, const char *text);
void dz__pen_bytes(dz__pen *p, const char *text, size_t size);
/* The same, where each % stands for a whole number: an argument of type size_t. */
void dz__pen_form(dz__pen *p, const char *form, ...);
/* Text of a user's, fit for HTML and XML: & < > " escaped, a backslash and ] too (Graphviz would read them),
   line ends and tabs as spaces, and whatever is no character of XML, or no UTF-8, as U+FFFD. */
void dz__pen_escaped(dz__pen *p, const char *text);
/* A number with U+2212 for minus, zero without a sign, ∞; with an exponent, as 1.5×10 and a superscript of
 * `size` points. */
void dz__pen_number(dz__pen *p, double value, size_t size);
/* Sends what is held back. False when the writer refused anything. */
bool dz__pen_flush(dz__pen *p);

#endif
