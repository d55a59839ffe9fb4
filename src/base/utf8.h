/* UTF-8: decoding, which characters make names, and how wide they stand in a terminal. */
#ifndef DZ_BASE_UTF8_H
#define DZ_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the character at the start of s[0..n). Returns how many bytes it has, 1 to 4; 0 when n is 0 or the
   bytes are no character: cut short, longer than need be, a surrogate, above U+10FFFF. cp is set only when
   the result is not 0. */
size_t dz__utf8_decode(const char *s, size_t n, uint32_t *cp);

/* True for the letters of every living script, marks that join them (x̂), and subscript digits (x₁). False for
   ASCII digits and
   `_`, superscripts ² ³, operators (× ÷ · − √ ∂), punctuation, spaces and characters that do not show.
   Full-width Latin letters are letters; the lexer may fold them first. */
bool dz__utf8_is_letter(uint32_t cp);

/* Columns that s[0..n) takes in a terminal: 0 for combining marks, 2 for wide East Asian characters and
   pictures, else 1; a byte that belongs to no character takes 1, and so does a control character (expand tabs
   before). */
size_t dz__utf8_columns(const char *s, size_t n);

#endif
