/* UTF-8 as a terminal shows it, without the locale's help. */
#ifndef DZ_CLI_WIDTH_H
#define DZ_CLI_WIDTH_H

#include "buffer.h"

#include <stdint.h>

/* The character at text[0..size), size > 0: returns its length in bytes. A byte that belongs to no valid
   character counts as U+FFFD of length 1. */
size_t utf8_next(const char *text, size_t size, uint32_t *character);

/* Columns that a character takes: 0 (combining), 1, or 2 (East Asian wide, emoji). */
int char_width(uint32_t character);

/* Columns that the text takes once it is clean. */
size_t text_width(const char *text, size_t size);

/* Appends text that cannot harm a terminal: control characters become spaces or '?', bytes that are no UTF-8
 * U+FFFD. The number of characters stays. */
void buffer_clean(buffer *b, const char *text, size_t size);

/* The same, cut, with … behind it, where it takes more than that many columns. */
void buffer_cut(buffer *b, const char *text, size_t size, size_t columns);

#endif
