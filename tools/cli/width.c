#include "width.h"

#include <string.h>

size_t utf8_next(const char *text, size_t size, uint32_t *character) {
  unsigned char lead = (unsigned char)text[0];
  size_t n = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  uint32_t c = n == 1 ? lead : n == 2 ? lead & 0x1FU : n == 3 ? lead & 0x0FU : lead & 0x07U;
  *character = 0xFFFD;
  if (n == 0 || n > size) return 1;
  for (size_t i = 1; i < n; i++) {
    unsigned char next = (unsigned char)text[i];
    if ((next & 0xC0U) != 0x80U) return 1;
    c = c << 6 | (next & 0x3FU);
  }
  if ((n == 3 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) || (n == 4 && (c < 0x10000 || c > 0x10FFFF)))
    return 1;
  *character = c;
  return n;
}

typedef struct range {
  uint32_t first, last;
} range;

/* Both tables are sorted. They name blocks, not single characters: a caret one column off under a rare mark
   is the worst that can come of it. */
static const range combining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064}, {0x20D0, 0x20FF}, {0x302A, 0x302D},
    {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};
static const range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18AFF}, {0x1B000, 0x1B2FF},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

static int within(const range *ranges, size_t count, uint32_t c) {
  for (size_t i = 0; i < count; i++)
    if (c <= ranges[i].last) return c >= ranges[i].first;
  return 0;
}

int char_width(uint32_t c) {
  if (c < 0x300) return 1;
  if (within(combining, sizeof combining / sizeof combining[0], c)) return 0;
  return within(wide, sizeof wide / sizeof wide[0], c) ? 2 : 1;
}

size_t text_width(const char *text, size_t size) {
  size_t columns = 0, i = 0;
  while (i < size) {
    uint32_t c;
    i += utf8_next(text + i, size - i, &c);
    columns += (size_t)char_width(c);
  }
  return columns;
}

void buffer_clean(buffer *b, const char *text, size_t size) {
  size_t i = 0;
  while (i < size) {
    uint32_t c;
    size_t n = utf8_next(text + i, size - i, &c);
    if (c == '\t' || c == '\n')
      buffer_text(b, " ");
    else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
      buffer_text(b, "?");
    else if (c == 0xFFFD)
      buffer_text(b, "\xEF\xBF\xBD");
    else
      buffer_add(b, text + i, n);
    i += n;
  }
}

void buffer_cut(buffer *b, const char *text, size_t size, size_t columns) {
  buffer clean = {0};
  buffer_clean(&clean, text, size);
  size_t kept = 0, taken = 0;
  while (kept < clean.size && taken < columns) {
    uint32_t c;
    kept += utf8_next(clean.text + kept, clean.size - kept, &c);
    taken += (size_t)char_width(c);
  }
  buffer_add(b, clean.text, kept);
  if (kept < clean.size) buffer_text(b, "…");
  buffer_free(&clean);
}
