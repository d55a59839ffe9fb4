#include "suggest.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 48 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Edits that lead from a to b: letters changed, added, left out, and neighbours swapped (optimal string
 * alignment). */
static size_t distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b), row[3][LONGEST + 1];
  if (n > LONGEST || m > LONGEST) return strcmp(a, b) == 0 ? 0 : LONGEST;
  for (size_t j = 0; j <= m; j++) row[0][j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
    now[0] = i;
    for (size_t j = 1; j <= m; j++) {
      now[j] = least(least(before[j] + 1, now[j - 1] + 1), before[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = least(now[j], earlier[j - 2] + 1);
    }
  }
  return row[n % 3][m];
}

suggestion suggest(const char *word) {
  size_t n = strlen(word);
  return (suggestion){word, NULL, 1 + (n < 4 ? 1 : n < 8 ? 2 : 3)};
}

void suggest_name(suggestion *s, const char *name) {
  if (name == NULL) return;
  size_t d = distance(s->word, name);
  if (d < s->distance) {
    s->distance = d;
    s->best = name;
  }
}

const char *suggest_text(const suggestion *s, char out[128]) {
  out[0] = '\0';
  if (s->best != NULL) snprintf(out, 128, ": did you mean '%s'?", s->best);
  return out;
}
