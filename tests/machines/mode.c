/* Linked into a test, sets the processor before it begins, as a program around dz may have done: MODE is a
   number of the list below, which tools/machines gives. */
#define _GNU_SOURCE
#include <fenv.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

enum { FLUSHED = 1, UPWARD, DOWNWARD, TOWARD_ZERO, TRAPS, COMMA };

static void set_mode(void) {
  static const int rounding[] = {
      [UPWARD] = FE_UPWARD, [DOWNWARD] = FE_DOWNWARD, [TOWARD_ZERO] = FE_TOWARDZERO};
  if (MODE >= UPWARD && MODE <= TOWARD_ZERO) fesetround(rounding[MODE]);
#ifdef __SSE2__
  if (MODE == FLUSHED) _mm_setcsr(_mm_getcsr() | 0x8040); /* results and operands that are subnormal are 0 */
#endif
#ifdef __GLIBC__
  if (MODE == TRAPS) feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
#endif
  if (MODE == COMMA && (!setlocale(LC_ALL, "de_DE.UTF-8") || *localeconv()->decimal_point != ',')) {
    puts("no locale with a comma here");
    exit(77);
  }
}

__attribute__((constructor)) static void at_start(void) { set_mode(); }
