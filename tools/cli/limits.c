#include "limits.h"

#include "message.h"

#include <string.h>

typedef enum limit { DATA, NODES, STEPS, LIMITS } limit;

/* More bytes of data are a mistake (/dev/zero, a disk image) sooner than a table. */
static struct {
  const char *name;
  double most; /* that can be set: a whole number */
  bool bytes;
  uint64_t at; /* 0: the library's own */
} limits[LIMITS] = {
    {"data", 0x1p62, true, UINT64_C(1) << 33}, {"nodes", 268435456., false, 0}, {"steps", 0x1p62, false, 0}};

static uint64_t number_of(const char *text, limit k) {
  static const char units[] = "KMGT";
  double x = 0;
  dz_number_kind kind;
  size_t n = dz_number_read(text, strlen(text), &x, &kind);
  const char *unit = n > 0 && text[n] != '\0' && limits[k].bytes ? strchr(units, text[n]) : NULL;
  for (const char *u = units; unit != NULL && u <= unit; u++) x *= 1024;
  if (n == 0 || text[n + (unit != NULL)] != '\0' || kind != DZ_NUMBER_OK || !(x >= 1) || x > limits[k].most)
    die(STATUS_USAGE, "--limit %s= takes a number from 1 to %.0f%s, '%s' came", limits[k].name,
        limits[k].most, limits[k].bytes ? ", or one with K, M, G or T behind it" : "", text);
  return (uint64_t)x;
}

void limits_read(const char *words) {
  const char *equals = strchr(words, '=');
  for (int k = 0; k < LIMITS && equals != NULL; k++) {
    const size_t n = (size_t)(equals - words);
    if (strlen(limits[k].name) != n || memcmp(limits[k].name, words, n) != 0) continue;
    limits[k].at = number_of(equals + 1, (limit)k);
    return;
  }
  die(STATUS_USAGE, "--limit takes data=BYTES, nodes=N or steps=N, '%s' came", words);
}

void limits_check_data(const char *name, uint64_t size) {
  if (size > limits[DATA].at)
    die(STATUS_LIMIT, "%s: more than %llu bytes of data: --limit data=BYTES allows more", name,
        (unsigned long long)limits[DATA].at);
}

dz_tape *limits_tape(void) {
  dz_tape *t = dz_tape_new(NULL);
  if (t == NULL) die(STATUS_LIMIT, "out of memory");
  if (limits[NODES].at != 0) dz_tape_limit(t, DZ_LIMIT_NODES, limits[NODES].at);
  if (limits[STEPS].at != 0) dz_tape_limit(t, DZ_LIMIT_STEPS, limits[STEPS].at);
  return t;
}
