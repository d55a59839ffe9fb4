/* What fuzz targets share. A target is one function of bytes, called again and again in one process by
   libFuzzer, or by replay.c where there is none. Every answer that is wrong ends the process. */
#ifndef DZ_TESTS_FUZZ_H
#define DZ_TESTS_FUZZ_H

#include "failing.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, taken from its start; zeros when it is used up. */
typedef struct input {
  const uint8_t *at;
  size_t left;
} input;

static inline unsigned take_byte(input *in) {
  if (in->left == 0) return 0;
  in->left--;
  return *in->at++;
}
static inline unsigned take_pair(input *in) { return take_byte(in) << 8 | take_byte(in); }
static inline unsigned take_below(input *in, unsigned n) { return take_byte(in) % n; }

/* Simple numbers most often, so that they meet; any double now and then. */
static inline double take_number(input *in) {
  static const double plain[] = {0,      1,        -1,        .5,    2,    -2,       3,    .25,
                                 -0.,    1.5,      .125,      -.75,  10,   .1,       1e-3, 100,
                                 1e-300, 1e300,    0x1p-1074, -1e16, 709,  -745,     20,   -20,
                                 7,      INFINITY, -INFINITY, NAN,   1e-9, 0x1p-537, -3,   4};
  const unsigned b = take_byte(in);
  if (b < 32) return plain[b];
  if (b < 240) return ((double)b - 128) / 32;
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++) bits = bits << 8 | take_byte(in);
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Memory as the input has it: plenty; or allocation k fails, alone or with all that follow. Never more than
   some megabytes, so that no input takes long. */
static inline failing take_failing(input *in) {
  failing f = {.most = (size_t)8 << 20};
  const unsigned kind = take_byte(in), k = take_pair(in);
  if (kind % 4 == 1) f.at = k;
  if (kind % 4 == 2) f.only = k;
  return f;
}

/* Whether two doubles are one number: NaN is NaN. */
static inline bool same_number(double x, double y) {
  return memcmp(&x, &y, sizeof x) == 0 || (isnan(x) && isnan(y));
}

#endif
