/* Which operands the kernels' formulas of partials read. */
#include "plan/formulas.h"

#include "kernels/special.h"
#include "ops/op.h"

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

bool dz__partial_reads(unsigned fn, unsigned k, char operand) {
  static const char word[] = "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const char *s = formula[fn][k];
  while (*s) {
    size_t n = strspn(s, word);
    if (n == 1 && *s == operand) return true;
    s += n ? n : 1;
  }
  return false;
}
