/* Decoding, letters and widths. */
#include "base/utf8.h"
#include "suite.h"

#include <string.h>

/* Every code point there and back through an encoder of our own; the count of what decodes shows that nothing
 * else does. */
static size_t encode(uint32_t cp, unsigned char *s) {
  if (cp < 0x80) {
    s[0] = (unsigned char)cp;
    return 1;
  }
  const size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, cp >>= 6) s[i] = (unsigned char)(0x80 | (cp & 0x3f));
  s[0] = (unsigned char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | cp);
  return n;
}

START_TEST(utf8_decodes_every_character) {
  for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
    unsigned char s[4];
    uint32_t back = 0xdead;
    const size_t n = encode(cp, s);
    const bool surrogate = cp >= 0xd800 && cp <= 0xdfff;
    for (size_t k = 0; k < n; k++)
      if (dz__utf8_decode((char *)s, k, &back) != 0) ck_abort_msg("U+%04X cut to %zu bytes is taken", cp, k);
    const size_t used = dz__utf8_decode((char *)s, n, &back);
    if (used != (surrogate ? 0 : n) || back != (surrogate ? 0xdead : cp))
      ck_abort_msg("U+%04X: %zu bytes used, U+%04X", cp, used, back);
  }
}
END_TEST

/* Counts the byte strings of each length that are one whole character: 128, 1920, 61440, and 1048576 of four
   bytes (tried for 1 of 64 last bytes of every 256, the last byte being independent of the others). */
START_TEST(utf8_decodes_nothing_else) {
  static const unsigned char ends[] = {0x00, 0x7f, 0x80, 0xc0, 0xff};
  size_t count[5] = {0};
  uint32_t cp;
  for (uint32_t i = 0; i < 0x1000000; i++) {
    const unsigned char s[4] = {(unsigned char)(i >> 16), (unsigned char)(i >> 8), (unsigned char)i, 0x80};
    if (s[0] < 0x80 && i & 0xffff) continue;
    cp = 0xdead;
    const size_t n = dz__utf8_decode((const char *)s, 4, &cp);
    if (n == 0 && cp != 0xdead) ck_abort_msg("%02x %02x %02x %02x is U+%04X", s[0], s[1], s[2], s[3], cp);
    if (n == 1 || (n == 2 && s[2] == 0) || n == 3 || n == 4) count[n]++;
    if (s[0] >= 0xf0 && (i & 0x3f) == 0)
      for (size_t k = 0; k < sizeof ends; k++) {
        const unsigned char t[4] = {s[0], s[1], s[2], ends[k]};
        if (dz__utf8_decode((const char *)t, 4, &cp) != (k == 2 ? n : 0))
          ck_abort_msg("%02x %02x %02x %02x", t[0], t[1], t[2], t[3]);
      }
  }
  ck_assert_uint_eq(count[1], 128);
  ck_assert_uint_eq(count[2], 1920);
  ck_assert_uint_eq(count[3], 61440);
  ck_assert_uint_eq(count[4], 1048576 / 64);
  ck_assert_uint_eq(dz__utf8_decode("\xc0\x80", 2, &cp), 0);
  ck_assert_uint_eq(dz__utf8_decode("\xe0\x80\x80", 3, &cp), 0);
  ck_assert_uint_eq(dz__utf8_decode("\xed\xa0\x80", 3, &cp), 0);
  ck_assert_uint_eq(dz__utf8_decode("\xf4\x90\x80\x80", 4, &cp), 0);
  ck_assert_uint_eq(dz__utf8_decode("", 0, &cp), 0);
}
END_TEST

START_TEST(utf8_letters) {
  static const char *const yes[] = {"a",        "z",  "A",  "Z",  "π",  "σ",  "Σ",  "θ", "µ", "é", "ß",
                                    "ø",        "ж",  "Я",  "א",  "ب",  "क",  "ि",  "த", "ก", "ა", "አ",
                                    "ᄀ",       "한", "あ", "カ", "漢", "字", "𠀀", "ℓ", "ℝ", "𝑥", "𝛼",
                                    "\xcc\x82", "₁",  "ₙ",  "Ａ", "ｶ",  "々", "ñ",  "Ω", "ⅷ", "ϕ"};
  static const char *const no[] = {"0",
                                   "9",
                                   "_",
                                   " ",
                                   "+",
                                   ".",
                                   "@",
                                   "[",
                                   "`",
                                   "{",
                                   "\x7f",
                                   "\xc2\x80",
                                   "\xc2\xa0",
                                   "×",
                                   "÷",
                                   "·",
                                   "−",
                                   "√",
                                   "²",
                                   "³",
                                   "¹",
                                   "∂",
                                   "∇",
                                   "∞",
                                   "∑",
                                   "≤",
                                   "∙",
                                   "⋅",
                                   "«",
                                   "°",
                                   "±",
                                   "½",
                                   "→",
                                   "●",
                                   "…",
                                   "–",
                                   "—",
                                   "“",
                                   "€",
                                   "！",
                                   "（",
                                   "＋",
                                   "＝",
                                   "、",
                                   "。",
                                   "「",
                                   "　",
                                   "\xe2\x80\x8b",
                                   "\xef\xbb\xbf",
                                   "٣",
                                   "４",
                                   "׳",
                                   "।",
                                   "؟",
                                   "𝛛",
                                   "😀",
                                   "₊",
                                   "₍",
                                   "\xee\x80\x80",
                                   "\xef\xbf\xbd",
                                   "\xef\xb8\x8f"};
  uint32_t cp;
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
    ck_assert_uint_eq(dz__utf8_decode(yes[i], strlen(yes[i]), &cp), strlen(yes[i]));
    ck_assert_msg(dz__utf8_is_letter(cp), "U+%04X %s is a letter", cp, yes[i]);
  }
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
    ck_assert_uint_eq(dz__utf8_decode(no[i], strlen(no[i]), &cp), strlen(no[i]));
    ck_assert_msg(!dz__utf8_is_letter(cp), "U+%04X %s is no letter", cp, no[i]);
  }
  ck_assert(!dz__utf8_is_letter(0x110000) && !dz__utf8_is_letter(UINT32_MAX) && !dz__utf8_is_letter(0xd800));
}
END_TEST

START_TEST(utf8_columns) {
  static const struct {
    const char *text;
    size_t columns;
  } cases[] = {{"", 0},
               {"1/(1+e^-x)", 10},
               {"π·x²", 4},
               {"x̂ + é", 5}, /* both marks combine */
               {"漢字", 4},
               {"한글=1", 6},
               {"ｶﾅ", 2},
               {"（１", 4},
               {"नि", 2},
               {"กำ", 2},
               {"😀", 2},
               {"a\xe2\x80\x8b"
                "b",
                2},
               {"\xff\xfe", 2},
               {"\xe6\xbc", 2}, /* 漢 cut short */
               {"●→−√", 4}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ck_assert_msg(dz__utf8_columns(cases[i].text, strlen(cases[i].text)) == cases[i].columns,
                  "'%s': %zu columns, not %zu", cases[i].text,
                  dz__utf8_columns(cases[i].text, strlen(cases[i].text)), cases[i].columns);
  ck_assert_uint_eq(dz__utf8_columns("aℓ", 3), 3); /* two bytes of three are no character */
}
END_TEST

SUITE(ONCE(utf8_decodes_every_character), ONCE(utf8_decodes_nothing_else), ONCE(utf8_letters),
      ONCE(utf8_columns))
