#include "range.h"

#include "buffer.h"
#include "tensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first colon outside brackets; NULL when there is none. */
static const char *colon_in(const char *text) {
  int depth = 0;
  for (; *text != '\0'; text++) {
    depth += *text == '[' || *text == '(' ? 1 : *text == ']' || *text == ')' ? -1 : 0;
    if (*text == ':' && depth == 0) return text;
  }
  return NULL;
}

bool range_is(const char *text) { return colon_in(text) != NULL && strchr(text, '?') == NULL; }

static double number(const char *name, const char *text, size_t size) {
  char *part = take_text(text, size);
  tensor v = tensor_read(name, part);
  if (v.rank > 0 || !isfinite(v.data[0]))
    die(STATUS_USAGE, "%s=%s: an end of a range is a finite number", name, part);
  double x = v.data[0];
  tensor_free(&v);
  free(part);
  return x;
}

range range_read(const char *name, const char *text) {
  const char *first = colon_in(text), *second = first != NULL ? colon_in(first + 1) : NULL;
  if (first == NULL || (second != NULL && colon_in(second + 1) != NULL))
    die(STATUS_USAGE, "%s=%s is no range: %s=LOW:HIGH or %s=LOW:HIGH:STEP", name, text, name, name);
  size_t size = second != NULL ? (size_t)(second - first - 1) : strlen(first + 1);
  range r = {number(name, text, (size_t)(first - text)), number(name, first + 1, size), 0};
  if (second != NULL) {
    r.step = number(name, second + 1, strlen(second + 1));
    if (!(r.step > 0)) die(STATUS_USAGE, "%s=%s: the step of a range is above 0", name, text);
  }
  if (!(r.low < r.high)) die(STATUS_USAGE, "%s=%s: a range goes from the smaller to the larger", name, text);
  if (!isfinite(r.high - r.low)) die(STATUS_USAGE, "%s=%s: a range as wide as that is infinite", name, text);
  return r;
}
