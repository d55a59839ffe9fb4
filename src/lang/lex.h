/* Text becomes tokens. Everything that a keyboard, a paste or a foreign file may hold is told apart here. */
#ifndef DZ_LANG_LEX_H
#define DZ_LANG_LEX_H

#include "base/memory.h"
#include "base/status.h"

typedef enum dz__token_kind {
  DZ__T_END,
  DZ__T_NEWLINE,
  DZ__T_SEMICOLON,
  DZ__T_NUMBER,
  DZ__T_NAME,
  DZ__T_OPEN,
  DZ__T_CLOSE,
  DZ__T_OPEN_BRACKET,
  DZ__T_CLOSE_BRACKET,
  DZ__T_COMMA,
  DZ__T_COLON,
  DZ__T_QUESTION,
  DZ__T_ASSIGN,
  DZ__T_TILDE,
  DZ__T_TRANSPOSE,
  DZ__T_ROOT,
  DZ__T_NOT,
  DZ__T_ADD, /* from here on: operators that stand between two operands */
  DZ__T_SUB,
  DZ__T_MUL,
  DZ__T_DIV,
  DZ__T_MATMUL,
  DZ__T_POWER,
  DZ__T_OR,
  DZ__T_AND,
  DZ__T_EQ,
  DZ__T_NE,
  DZ__T_LT,
  DZ__T_LE,
  DZ__T_GT,
  DZ__T_GE
} dz__token_kind;

typedef struct dz__token {
  dz__token_kind kind;
  int line, column; /* from 1, in characters */
  const char *text; /* as it stands in the source */
  size_t size;
  double number;
  bool underflow; /* a number whose digits are not all zero, and yet 0 */
} dz__token;

/* A lexer may be copied: the copy reads on by itself. */
typedef struct dz__lexer {
  const char *text;
  size_t size, at;
  int line, column;
  double exponent; /* of a superscript: the next token is this number; 0 when there is none */
  const char *name;
  dz_error *error;
} dz__lexer;

/* `text` must be folded (below). A byte order mark at the start is skipped. */
void dz__lex_start(dz__lexer *x, const char *text, size_t size, const char *name, dz_error *error);

/* Reads the next token. False after an error, which is reported with its place. */
bool dz__lex(dz__lexer *x, dz__token *t);

/* Reports an error at a place of the text; returns false. */
bool dz__complain(const dz__lexer *x, dz_status status, int line, int column, const char *format, ...)
    DZ__FORMAT(5, 6);

/* Replaces full-width forms and the ideographic space by their ASCII characters. *out is `text` itself when
   there are none, else a block of *out_cap bytes that the caller frees. False when memory is out. */
bool dz__fold(const dz_allocator *a, const char *text, size_t size, const char **out, size_t *out_size,
              size_t *out_cap);

/* The start of a text (of valid UTF-8), at most 40 bytes, for messages; cut at a character, with … where
   something is left out. */
typedef struct dz__snippet {
  char text[48];
} dz__snippet;
dz__snippet dz__snip(const char *text, size_t size);

#endif
