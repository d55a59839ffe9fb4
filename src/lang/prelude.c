#include "lang/prelude.h"

#include <string.h>

static const char *const names[] = {"mean",      "var",           "std",        "softmax",    "log_softmax",
                                    "mse",       "cross_entropy", "hinge",      "perceptron", "linear",
                                    "mlp",       "layer_norm",    "batch_norm", "dropout",    "conv2d",
                                    "max_pool",  "avg_pool",      "attention",  "gru",        "lstm",
                                    "hard_tanh", "log_base",      "dot"};

const char *dz__prelude_name(size_t i) { return i < sizeof names / sizeof *names ? names[i] : NULL; }

static bool in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* 0 where no name begins. */
static size_t name_size(const char *s, const char *end) {
  size_t n = 0;
  if (*s >= '0' && *s <= '9') return 0;
  while (s + n < end && in_name(s[n])) n++;
  return n;
}

/* The end of the definition at s, whose further lines begin with a space. */
static const char *definition_end(const char *s) {
  do s = strchr(s, '\n') + 1;
  while (*s == ' ');
  return s;
}

static size_t take_apart(dz__part *parts) {
  size_t n = 0;
  for (const char *s = dz__prelude_text; *s;) {
    if (!in_name(*s)) {
      s = strchr(s, '\n') + 1;
      continue;
    }
    const char *end = definition_end(s);
    parts[n++] = (dz__part){s, name_size(s, end), (size_t)(end - s), false};
    s = end;
  }
  return n;
}

static void want_those_in(const char *s, size_t size, dz__part *parts, size_t n) {
  for (const char *end = s + size; s < end;) {
    size_t length = name_size(s, end);
    for (size_t k = 0; length && k < n; k++)
      if (parts[k].name == length && memcmp(parts[k].at, s, length) == 0) parts[k].wanted = true;
    s += length ? length : 1;
  }
}

size_t dz__prelude_parts(const char *text, size_t size, dz__part parts[DZ__MOST_PARTS]) {
  size_t n = take_apart(parts);
  if (text) want_those_in(text, size, parts, n);
  /* A function calls functions that stand above it. */
  for (size_t k = n; k-- > 0;) {
    if (!text) parts[k].wanted = true;
    if (parts[k].wanted) want_those_in(parts[k].at, parts[k].size, parts, k);
  }
  return n;
}
