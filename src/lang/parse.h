/* The parser: texts in read.c, statements in parse.c, declarations in declare.c, expressions in expr.c with
   calls in call.c, what it says of mistakes in mistake.c. It does not recurse: what is open stands on a stack
   of its own. */
#ifndef DZ_LANG_PARSE_H
#define DZ_LANG_PARSE_H

#include "lang/lex.h"
#include "lang/program.h"

enum {
  DZ__MOST_TEXT = 1 << 28,    /* bytes */
  DZ__MOST_CODE = 1 << 27,    /* instructions */
  DZ__MOST_NESTING = 1 << 23, /* operators and brackets that are open at a time */
  DZ__SLOT_JOINED = 255       /* the argument was the list of operands, which are counted already */
};

/* What waits for its end. The operators come first. */
typedef enum dz__open_kind {
  DZ__O_OPERATOR,
  DZ__O_BRANCHES, /* c ? a : … */
  DZ__O_QUESTION, /* c ? … */
  DZ__O_GROUP,    /* ( … */
  DZ__O_LIST,     /* [ … */
  DZ__O_INDEX,    /* A[ … */
  DZ__O_CALL      /* f( … */
} dz__open_kind;

typedef struct dz__open {
  uint8_t kind; /* dz__open_kind */
  uint8_t power;
  uint8_t step, operands; /* operator: what is emitted */
  bool joins;             /* call: the list it was given stands for several operands; list: it may */
  uint8_t slot;           /* call: of the keyword whose value is read, 0 for none */
  uint8_t bits, part;     /* index: the place being read: DZ__INDEX_* so far, and how many colons */
  uint32_t what;    /* operator: the instruction's arg; branches: the jump to patch; question: the branch to
                       patch; call: the symbol; index: DZ__INDEX_* of the places before */
  uint32_t n;       /* items read before the present one */
  uint32_t keys;    /* call: how many of them are keywords */
  uint64_t given;   /* call: slots given by keyword */
  int line, column; /* of the operator or the function's name */
  int open_line, open_column; /* of the bracket */
} dz__open;

typedef struct dz__parser {
  dz_program *p;
  dz__lexer lex;
  dz__token tok, before; /* the token to come, and the one before it */
  dz__vec stack;         /* dz__open */
  uint32_t depth;        /* brackets among them */
  uint32_t function;     /* 1 + the function whose body is read; 0 outside */
  size_t defining;       /* the symbol whose definition is read; SIZE_MAX outside */
  bool prelude;
  int line; /* the line that the code at its end says it is on; 0: it does not say */
} dz__parser;

bool dz__advance(dz__parser *q);

/* Reads an expression from q->tok on and emits its code. Stops at the end of the line (q->tok is what ended
   it). False after an error. */
bool dz__expression(dz__parser *q);

bool dz__emit(dz__parser *q, dz__step step, size_t n, size_t arg, int line, int column);

/* Code that pushes a number. */
bool dz__emit_number(dz__parser *q, double value, int line, int column);

/* The top of the stack, or NULL. */
static inline dz__open *dz__top(const dz__parser *q) {
  return q->stack.n ? (dz__open *)q->stack.at + q->stack.n - 1 : NULL;
}
/* A new entry, opened at q->tok, or NULL after an error. */
dz__open *dz__open_at(dz__parser *q, dz__open_kind kind, int power);
void dz__close(dz__parser *q);

/* ---- parse.c ---- */

bool dz__is_text(const dz__token *t, const char *text);
bool dz__ends_line(const dz__parser *q);

/* That `what` was to come at q->tok. */
bool dz__expected(dz__parser *q, const char *what);

/* A token of this kind, which is read. False after an error. */
bool dz__expect(dz__parser *q, dz__token_kind kind, const char *what);

/* Statements to the end of the text. False after an error. */
bool dz__statements(dz__parser *q);

/* ---- declare.c ---- */

/* A name that is a leaf from here on. False after an error. */
bool dz__new_leaf(dz__parser *q, size_t symbol, const dz__token *t);

/* A number with an optional sign, as a constant of a declaration or a default. */
bool dz__constant_at(dz__parser *q, double *value);

/* What `input`, `param` and `data` declare; DZ_ROLE_NONE for other words. */
dz_role dz__declaring_role(const dz__token *t);

/* x, A[2, 3], …; q->tok being the word before. */
bool dz__declare(dz__parser *q, dz_role role);

/* ---- call.c ---- */

/* f at `t`, q->tok being its parenthesis: opens the call. */
bool dz__begin_call(dz__parser *q, const dz__token *t, size_t symbol);
/* name= of an argument at `t`, q->tok being the sign. */
bool dz__begin_keyword(dz__parser *q, const dz__token *t);
/* The present argument is over. */
bool dz__end_argument(dz__parser *q);
/* The call is over, after its last argument: checks and emits. */
bool dz__end_call(dz__parser *q);

/* ---- mistake.c: each reports and returns false ---- */

bool dz__out_of_memory(dz__parser *q);
bool dz__expected_operand(dz__parser *q);
bool dz__no_operator(dz__parser *q);
bool dz__stray(dz__parser *q);
bool dz__unclosed(dz__parser *q, const dz__open *o);
bool dz__function_alone(dz__parser *q, const dz__token *t);
bool dz__variable_called(dz__parser *q, const dz__token *t);
bool dz__unknown_function(dz__parser *q, const dz__token *t);
bool dz__name_taken(dz__parser *q, const dz__token *t, const dz__symbol *s, bool defines);

/* The i-th thing that can be called, for suggestions; user is the program. */
const char *dz__callable(void *program, size_t i);

#endif
