/* Which operands the kernels' formulas of partials read. */
#include "plan/pack.h"

#include "kernels/special.h"

#include <string.h>

static const char *const formula[DZ__F_POINTWISE_END][3] = {
#define OP1(name, low, high, value, dx) {#dx},
#define OP2(name, low, high, value, dx, dy) {#dx, #dy},
#define OP3(name, low, high, value, dx, dy, dw) {#dx, #dy, #dw},
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};

bool dz__is_mask(unsigned fn, unsigned k) { return strncmp(formula[fn][k], "MASK(", 5) == 0; }

static bool is_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool dz__partial_reads(unsigned fn, unsigned k, char operand) {
  const char *text = formula[fn][k];
  for (const char *s = text; *s; s++)
    if (*s == operand && (s == text || !is_word(s[-1])) && !is_word(s[1])) return true;
  return false;
}
