/* Numbers as text: independent of the locale, correctly rounded, exact there and back. */
#ifndef DZ_TEXT_H
#define DZ_TEXT_H

#include "dz/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes `size` bytes of text; false stops the writing, which then ends in DZ_ERR_WRITE. */
typedef bool dz_writer(void *user, const char *text, size_t size);

typedef enum dz_number_kind {
  DZ_NUMBER_OK,
  DZ_NUMBER_NONE,     /* the text does not start with a number */
  DZ_NUMBER_OVERFLOW, /* the value rounds to infinity */
  DZ_NUMBER_UNDERFLOW /* the digits are not all zero, yet the value rounds to 0 */
} dz_number_kind;

/* Reads the longest prefix of text[0..size) that is an unsigned number: `1` `.5` `1.` `1e-3` `1E+3` `0x1F`
   `0x1.8p3`. What is not complete is not part of it: of `2e` and `2e+` the `2` is read, of `0x` the `0`, of
   `1.2.3` the `1.2`. Signs, `inf` and `nan` are the caller's affair, and so is leading space. *value becomes
   the double nearest to the number, ties to even, for any count of digits and any exponent, subnormals
   included; infinity with DZ_NUMBER_OVERFLOW, 0 with DZ_NUMBER_UNDERFLOW and DZ_NUMBER_NONE. Neither the
   rounding mode nor flush-to-zero changes it. `value` and `kind` may be NULL; `text` need not end in NUL, and
   NULL is no text. Returns the count of characters read, 0 with DZ_NUMBER_NONE. Cost O(characters
   read), and some microseconds more at most; no allocation. */
DZ_API size_t dz_number_read(const char *text, size_t size, double *value, dz_number_kind *kind);

/* Writes value as a decimal number, NUL-terminated, at most 24 characters and the NUL.
   digits = 0: the fewest digits from which dz_number_read gives the same double again, and among those the
   closest to the value. digits = 1 to 17: the value rounded to that many significant digits (ties to even, on
   the exact value), without zeros at the end of a fraction. Less than 0 counts as 0, more than 17 as 17.
   Plain (`1`, `-0`, `0.0001`, `1234567890123456`) when 1e-4 <= |written value| < 1e16, else with an exponent
   (`1e16`, `1.5e-7`); a valid JSON number. Otherwise `nan` (whatever its sign), `inf`, `-inf`. Returns the
   length. 0, and nothing is written, when out is NULL. Neither the rounding mode nor flush-to-zero changes
   the result. Cost: less than a microsecond for usual numbers; no allocation. */
DZ_API size_t dz_number_write(double value, int digits, char out[32]);

#ifdef __cplusplus
}
#endif
#endif
