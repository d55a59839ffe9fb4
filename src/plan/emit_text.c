/* Text of emitted C: gathered, and sent piece by piece. */
#include "plan/emit.h"

#include "base/never.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool dz__said(dz__emitter *e) {
  if (!e->status && e->n && !e->write(e->user, e->text, e->n)) e->status = DZ_ERR_WRITE;
  e->n = 0;
  return !e->status;
}

/* Whether there was room. */
static bool put(dz__emitter *e, const char *form, va_list args) {
  const size_t room = sizeof e->text - e->n;
  const int n = vsnprintf(e->text + e->n, room, form, args);
  const bool fits = (size_t)n < room; /* no error is one */
  if (fits) e->n += (size_t)n;
  return fits;
}

void dz__say(dz__emitter *e, const char *form, ...) {
  va_list args, again;
  va_start(args, form);
  va_copy(again, args);
  if (!put(e, form, args)) {
    dz__said(e);
    const bool fits = put(e, form, again);
    (void)fits, (void)DZ__NEVER(!fits); /* no text is that long */
  }
  va_end(again);
  va_end(args);
}

void dz__say_text(dz__emitter *e, const char *text, size_t n) {
  for (size_t some; n > 0; text += some, n -= some) {
    some = n < sizeof e->text / 2 ? n : sizeof e->text / 2;
    dz__say(e, "%.*s", (int)some, text);
  }
}

/* As C reads it; a whole number with a point, so that it is a double. */
void dz__say_number(dz__emitter *e, double x) {
  char text[32];
  if (x != x)
    dz__say(e, "NAN");
  else if (x - x != 0)
    dz__say(e, x > 0 ? "INFINITY" : "-INFINITY");
  else {
    dz_number_write(x, 0, text);
    dz__say(e, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
  }
}

void dz__say_doubles(dz__emitter *e, const char *type, const char *what, const double *x, size_t n) {
  dz__say(e, "static const %s %s_%s[%zu] = {", type, e->name, what, n ? n : 1);
  for (size_t k = 0; k < n; k++) {
    dz__say(e, k % 4 ? " " : "\n  ");
    dz__say_number(e, x[k]);
    dz__say(e, ",");
  }
  dz__say(e, "%s};\n", n ? "\n" : "0");
}
