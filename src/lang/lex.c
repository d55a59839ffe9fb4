#include "lang/lex.h"

#include "base/utf8.h"
#include "dz/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- messages ---- */

dz__snippet dz__snip(const char *text, size_t size) {
  dz__snippet s;
  size_t n = size;
  if (n > 40) {
    for (n = 40; ((unsigned char)text[n] & 0xC0) == 0x80;) n--;
    memcpy(s.text, text, n);
    memcpy(s.text + n, "…", sizeof "…");
    return s;
  }
  if (n) memcpy(s.text, text, n);
  s.text[n] = 0;
  return s;
}

bool dz__complain(const dz__lexer *x, dz_status status, int line, int column, const char *format, ...) {
  char message[sizeof x->error->message];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  dz__fail(x->error, status, "", "%s", message);
  dz__fail_at(x->error, x->name, line, column);
  return false;
}

/* ---- pasted characters ---- */

/* What a character is read as; the others are named in an error that says what to write. */
static const struct {
  uint32_t from;
  char to;
} pasted[] = {{0x2212, '-'}, {0xD7, '*'}, {0xB7, '*'}, {0x2219, '*'}, {0x22C5, '*'}, {0xF7, '/'}};

static const struct {
  uint32_t from;
  const char *write;
} hints[] = {{'%', "mod(x, y) or fmod(x, y)"},
             {'&', "&& for 'and'"},
             {'|', "|| for 'or', fabs(x) for a magnitude"},
             {'{', "( ) to group"},
             {'}', "( ) to group"},
             {'"', "names and numbers without quotes"},
             {'.', "a digit after or before the point, and A' for a transpose"},
             {0x2264, "<="},
             {0x2265, ">="},
             {0x2260, "!="},
             {0x2010, "-"},
             {0x2011, "-"},
             {0x2012, "-"},
             {0x2013, "-"},
             {0x2014, "-"},
             {0x2018, "' for a transpose"},
             {0x2019, "' for a transpose"},
             {0x2032, "' for a transpose"},
             {0x221E, "inf"},
             {0x221B, "cbrt(x)"},
             {0x2211, "sum(x)"},
             {0x220F, "prod(x)"},
             {0x22A4, "' for a transpose"},
             {0xB9, "^1"},
             {0x2074, "^4"},
             {0x207F, "^n"},
             {0x207B, "^ and a minus sign"},
             {0xBD, "1/2"}};

static bool is_space(uint32_t c) {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == 0xA0 || (c >= 0x2000 && c <= 0x200B) ||
         c == 0x202F || c == 0x205F || c == 0xFEFF;
}

/* U+FF01 … U+FF5E stand for ! … ~, U+3000 for a space; all are three bytes. */
static char folded(const char *text, size_t rest) {
  const unsigned char *s = (const unsigned char *)text;
  if (rest < 3) return 0;
  if (s[0] == 0xE3 && s[1] == 0x80 && s[2] == 0x80) return ' ';
  if (s[0] != 0xEF || (s[1] != 0xBC && s[1] != 0xBD) || (s[2] & 0xC0) != 0x80) return 0;
  unsigned c = ((unsigned)s[1] - 0xBC) * 64 + (s[2] & 0x3Fu);
  return c >= 1 && c <= 0x5E ? (char)(' ' + c) : 0;
}

static bool has_folded(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)text[i] >= 0xE3 && folded(text + i, size - i)) return true;
  return false;
}

bool dz__fold(const dz_allocator *a, const char *text, size_t size, const char **out, size_t *out_size,
              size_t *out_cap) {
  *out = text;
  *out_size = size;
  *out_cap = 0;
  if (!has_folded(text, size)) return true;
  char *copy = dz__alloc(a, size);
  if (!copy) return false;
  size_t n = 0;
  for (size_t i = 0; i < size;) {
    char c = folded(text + i, size - i);
    copy[n++] = c ? c : text[i];
    i += c ? 3 : 1;
  }
  *out = copy;
  *out_size = n;
  *out_cap = size;
  return true;
}

/* ---- characters ---- */

void dz__lex_start(dz__lexer *x, const char *text, size_t size, const char *name, dz_error *error) {
  bool mark = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
  *x = (dz__lexer){text, size, mark ? 3 : 0, 1, 1, 0, name, error};
}

/* The character at x->at and its bytes; 0 bytes at the end of the text. False when it is no character. */
static bool look(const dz__lexer *x, uint32_t *c, size_t *bytes) {
  *c = 0;
  *bytes = 0;
  if (x->at >= x->size) return true;
  unsigned char first = (unsigned char)x->text[x->at];
  *c = first;
  *bytes = 1;
  if (first == 0) return dz__complain(x, DZ_ERR_SYNTAX, x->line, x->column, "a NUL byte: text was expected");
  if (first < 0x80) return true;
  *bytes = dz__utf8_decode(x->text + x->at, x->size - x->at, c);
  if (*bytes) return true;
  return dz__complain(x, DZ_ERR_SYNTAX, x->line, x->column, "invalid UTF-8: byte 0x%02X begins no character",
                      first);
}

static void step(dz__lexer *x, size_t bytes) {
  x->at += bytes;
  x->column++;
}

static char ahead(const dz__lexer *x, size_t k) { return x->at + k < x->size ? x->text[x->at + k] : 0; }

static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }

static bool starts_name(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 0x80 && dz__utf8_is_letter(c));
}

static bool skip_comment(dz__lexer *x) {
  uint32_t c;
  size_t bytes;
  while (look(x, &c, &bytes)) {
    if (bytes == 0 || c == '\n' || c == '\r') return true;
    step(x, bytes);
  }
  return false;
}

/* ---- tokens ---- */

static bool lex_name(dz__lexer *x, dz__token *t) {
  uint32_t c;
  size_t bytes;
  t->kind = DZ__T_NAME;
  while (look(x, &c, &bytes)) {
    if (bytes == 0 || !(starts_name(c) || is_digit(c))) {
      t->size = (size_t)(x->text + x->at - t->text);
      if (t->size <= 255) return true;
      return dz__complain(x, DZ_ERR_LIMIT, t->line, t->column, "a name of %zu bytes: at most 255 are allowed",
                          t->size);
    }
    step(x, bytes);
  }
  return false;
}

static bool lex_number(dz__lexer *x, dz__token *t) {
  dz_number_kind kind;
  size_t n = dz_number_read(t->text, x->size - x->at, &t->number, &kind);
  t->kind = DZ__T_NUMBER;
  t->size = n;
  t->underflow = kind == DZ_NUMBER_UNDERFLOW;
  x->at += n;
  x->column += (int)n;
  if (kind == DZ_NUMBER_OVERFLOW)
    return dz__complain(x, DZ_ERR_SYNTAX, t->line, t->column,
                        "%s is too large for a double, which ends at 1.7976931348623157e308",
                        dz__snip(t->text, n).text);
  char next = ahead(x, 0);
  if (n == 1 && *t->text == '0' && (next == 'x' || next == 'X'))
    return dz__complain(x, DZ_ERR_SYNTAX, t->line, t->column,
                        "0x is no number: hexadecimal digits must follow");
  if (next != '.') return true;
  size_t more = n;
  while (t->text + more < x->text + x->size &&
         (is_digit((unsigned char)t->text[more]) || t->text[more] == '.'))
    more++;
  return dz__complain(x, DZ_ERR_SYNTAX, t->line, t->column, "%s is no number: it has more than one point",
                      dz__snip(t->text, more).text);
}

static dz__token_kind single(char c) {
  static const char set[] = "()[],:?=~'!+-*/@^<>;";
  static const uint8_t kind[] = {DZ__T_OPEN,  DZ__T_CLOSE,     DZ__T_OPEN_BRACKET, DZ__T_CLOSE_BRACKET,
                                 DZ__T_COMMA, DZ__T_COLON,     DZ__T_QUESTION,     DZ__T_ASSIGN,
                                 DZ__T_TILDE, DZ__T_TRANSPOSE, DZ__T_NOT,          DZ__T_ADD,
                                 DZ__T_SUB,   DZ__T_MUL,       DZ__T_DIV,          DZ__T_MATMUL,
                                 DZ__T_POWER, DZ__T_LT,        DZ__T_GT,           DZ__T_SEMICOLON};
  const char *p = c ? strchr(set, c) : NULL;
  return p ? (dz__token_kind)kind[p - set] : DZ__T_END;
}

static dz__token_kind twofold(char c, char d) {
  static const struct {
    char text[3];
    uint8_t kind;
  } pairs[] = {{"**", DZ__T_POWER}, {"==", DZ__T_EQ},  {"!=", DZ__T_NE}, {"<=", DZ__T_LE},
               {">=", DZ__T_GE},    {"&&", DZ__T_AND}, {"||", DZ__T_OR}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (pairs[i].text[0] == c && pairs[i].text[1] == d) return (dz__token_kind)pairs[i].kind;
  return DZ__T_END;
}

static bool unexpected(const dz__lexer *x, uint32_t c, size_t bytes) {
  const char *write = NULL;
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (hints[i].from == c) write = hints[i].write;
  if (c < ' ' || c == 0x7F)
    return dz__complain(x, DZ_ERR_SYNTAX, x->line, x->column, "unexpected control character 0x%02X",
                        (unsigned)c);
  if (c == 0xAD || (c >= 0x200C && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
      (c >= 0x2060 && c <= 0x206F)) /* others are spaces */
    return dz__complain(x, DZ_ERR_SYNTAX, x->line, x->column,
                        "unexpected character U+%04X, which cannot be seen", (unsigned)c);
  return dz__complain(x, DZ_ERR_SYNTAX, x->line, x->column, "unexpected character '%.*s'%s%s", (int)bytes,
                      x->text + x->at, write ? ": write " : "", write ? write : "");
}

static bool lex_mark(dz__lexer *x, dz__token *t, uint32_t c, size_t bytes) {
  for (size_t i = 0; i < sizeof pasted / sizeof *pasted; i++)
    if (pasted[i].from == c) c = (unsigned char)pasted[i].to;
  char ascii = c < 0x80 ? (char)c : 0;
  dz__token_kind two = bytes == 1 ? twofold(ascii, ahead(x, 1)) : DZ__T_END;
  t->kind = two ? two : single(ascii);
  if (c == 0x221A) t->kind = DZ__T_ROOT;
  if (c == 0xB2 || c == 0xB3) {
    t->kind = DZ__T_POWER;
    x->exponent = c == 0xB2 ? 2 : 3;
  }
  if (t->kind == DZ__T_END) return unexpected(x, c, bytes);
  step(x, bytes);
  if (two) step(x, 1);
  t->size = (size_t)(x->text + x->at - t->text);
  return true;
}

static void lex_newline(dz__lexer *x, dz__token *t) {
  t->kind = DZ__T_NEWLINE;
  if (ahead(x, 0) == '\r' && ahead(x, 1) == '\n') x->at++;
  x->at++;
  x->line++;
  x->column = 1;
}

bool dz__lex(dz__lexer *x, dz__token *t) {
  uint32_t c;
  size_t bytes;
  if (x->exponent != 0) {
    t->kind = DZ__T_NUMBER;
    t->number = x->exponent;
    t->underflow = false;
    x->exponent = 0;
    return true;
  }
  while (look(x, &c, &bytes)) { /* at the end c is 0 */
    if (is_space(c))
      step(x, bytes);
    else if (c != '#')
      break;
    else if (!skip_comment(x))
      return false;
  }
  *t = (dz__token){DZ__T_END, x->line, x->column, x->text + x->at, 0, 0, false};
  if (x->error->status) return false;
  if (bytes == 0) return true;
  if (c == '\n' || c == '\r') return lex_newline(x, t), true;
  if (is_digit(c) || (c == '.' && is_digit((unsigned char)ahead(x, 1)))) return lex_number(x, t);
  return starts_name(c) ? lex_name(x, t) : lex_mark(x, t, c, bytes);
}
