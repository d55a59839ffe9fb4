/* A parsed program: postfix code, and the tables that it refers to. */
#ifndef DZ_LANG_PROGRAM_H
#define DZ_LANG_PROGRAM_H

#include "base/memory.h"
#include "base/names.h"
#include "base/status.h"
#include "dz/lang.h"

/* ---- arrays that grow ---- */

typedef struct dz__vec {
  void *at;
  size_t n, cap;
} dz__vec;

/* Room for `more` items (fewer than SIZE_MAX / 4) behind the last one, which become part of the array; the
   first of them, or NULL when memory is out. */
void *dz__vec_add(const dz_allocator *a, dz__vec *v, size_t more, size_t item);
void dz__vec_free(const dz_allocator *a, dz__vec *v, size_t item);

/* ---- code ----

   A line, and a function's body, is a run of instructions over a stack of values that ends with RETURN. */

typedef enum dz__step {
  DZ__S_RETURN,
  DZ__S_LINE,       /* what follows stands on line `arg` */
  DZ__S_NUMBER,     /* push numbers[arg] */
  DZ__S_ALL,        /* push what stands for "all axes" */
  DZ__S_LEAF,       /* push leaf arg */
  DZ__S_DEFINITION, /* push definition arg */
  DZ__S_PARAM,      /* push the function's parameter arg */
  DZ__S_APPLY,      /* operation arg (a dz__fn) to the last n values */
  DZ__S_POWER_E,    /* x^y where x was written e: exp(y) unless e was bound to something else */
  DZ__S_BRANCH,     /* c ? : when c is a plain number and 0, go on at arg with a dummy for the first branch */
  DZ__S_JUMP,       /* the end of the first branch: when c is a plain number, go on at arg with a dummy */
  DZ__S_CHOOSE,     /* of c, a, b on the stack the chosen one */
  DZ__S_LIST,       /* the last arg values become a tensor */
  DZ__S_INDEX,      /* A[…] with n places; what each consists of: four bits of arg, see DZ__INDEX_* */
  DZ__S_KEY,        /* the last value is a keyword argument for slot arg */
  DZ__S_CALL,       /* function arg of the program, n values */
  DZ__S_TURN,   /* unroll(f, X, s, …): n values and the turn k: calls f with X[k]; behind the last one, s
                   alone stays and the next instruction is passed over */
  DZ__S_NEXT,   /* what f gave is the new s of those n values; back to the TURN before */
  DZ__S_BUILTIN /* a function of the engine, arg is a dz__builtin's code, n values */
} dz__step;

enum { DZ__INDEX_POSITION = 1, DZ__INDEX_START = 2, DZ__INDEX_STOP = 4, DZ__INDEX_STEP = 8 };

enum { DZ__MOST_OPERANDS = (1 << 24) - 1, DZ__MOST_PARAMS = 64 };

typedef struct dz__instr {
  uint32_t word; /* the dz__step, and n above it */
  uint32_t arg;
  uint32_t column;
} dz__instr;

static inline dz__step dz__instr_step(dz__instr i) { return (dz__step)(i.word & 0xff); }
static inline uint32_t dz__instr_n(dz__instr i) { return i.word >> 8; }

/* ---- names ---- */

typedef enum dz__symbol_kind {
  DZ__SYM_NEW, /* seen as a keyword or a parameter only */
  DZ__SYM_LEAF,
  DZ__SYM_DEFINITION,
  DZ__SYM_FUNCTION,
  DZ__SYM_BUILTIN /* index: a dz__builtin's code */
} dz__symbol_kind;

typedef struct dz__symbol {
  const char *name; /* owned by the table of names */
  dz__symbol_kind kind;
  uint32_t index;        /* of the leaf, definition or function */
  uint32_t owner, param; /* while function owner - 1 is parsed, the name is its parameter `param` */
  int line, column;      /* where it became what it is */
} dz__symbol;

typedef enum dz__default { DZ__REQUIRED, DZ__DEFAULT_NUMBER, DZ__DEFAULT_ALL } dz__default;

typedef struct dz__param {
  uint32_t symbol;
  dz__default kind;
  double value;
  bool derived_by; /* it stands as the x of a d(f, x) in the body */
} dz__param;

typedef struct dz__function {
  uint32_t symbol, code;
  uint32_t param0, nparams, required;
  bool prelude; /* its nodes come from the place of the call */
} dz__function;

typedef enum dz__init {
  DZ__INIT_NONE,
  DZ__INIT_ZEROS,
  DZ__INIT_ONES,
  DZ__INIT_NORMAL,
  DZ__INIT_UNIFORM,
  DZ__INIT_GLOROT,
  DZ__INIT_HE
} dz__init;

typedef struct dz__leaf {
  dz_program_leaf seen; /* what dz_program_leaf_at shows */
  dz__init init;
  double init_arg[2];
} dz__leaf;

#define DZ__NO_DEFINITION UINT32_MAX

typedef struct dz__line {
  uint32_t code;
  uint32_t definition; /* the symbol that gets the value, or DZ__NO_DEFINITION */
  int line, column;
} dz__line;

/* A number that became 0. */
typedef struct dz__underflow {
  int line, column;
  char text[48];
} dz__underflow;

struct dz_program {
  dz_allocator alloc;
  char name[64];
  dz__names names;     /* text to symbol */
  dz__vec symbols;     /* dz__symbol */
  dz__vec code;        /* dz__instr */
  dz__vec numbers;     /* double */
  dz__vec functions;   /* dz__function, those of the prelude that it may call first */
  dz__vec params;      /* dz__param */
  dz__vec leaves;      /* dz__leaf */
  dz__vec definitions; /* uint32_t: symbols */
  dz__vec lines;       /* dz__line */
  dz__vec underflows;  /* dz__underflow */
  dz__vec users;       /* uint32_t: symbols of what users defined */
};

static inline dz__symbol *dz__symbol_at(const dz_program *p, size_t i) {
  return (dz__symbol *)p->symbols.at + i;
}
static inline dz__instr *dz__code_at(const dz_program *p, size_t i) { return (dz__instr *)p->code.at + i; }
static inline dz__function *dz__function_at(const dz_program *p, size_t i) {
  return (dz__function *)p->functions.at + i;
}
static inline dz__param *dz__param_at(const dz_program *p, size_t i) { return (dz__param *)p->params.at + i; }
static inline dz__leaf *dz__leaf_at(const dz_program *p, size_t i) { return (dz__leaf *)p->leaves.at + i; }
static inline dz__line *dz__line_at(const dz_program *p, size_t i) { return (dz__line *)p->lines.at + i; }

/* The symbol of a name, new when it was not known; SIZE_MAX when memory is out. A new one that names a
   function of the engine is DZ__SYM_BUILTIN at once. */
size_t dz__intern(dz_program *p, const char *text, size_t size);

/* The function of that name, which there is. */
const dz__function *dz__program_function(const dz_program *p, const char *name);

/* dz_program_parse, knowing what the user defined on the tape; that is then looked up by name on the tape
   that the program is recorded on. t may be NULL. */
dz_program *dz__program_parse_on(const dz_tape *t, const char *text, size_t size, const char *name,
                                 const dz_allocator *a, dz_error *error);

/* The whole prelude alone, for calls from C. NULL when memory is out (or the text is wrong, which a test
   rules out). */
dz_program *dz__prelude_parse(const dz_allocator *a, dz_error *error);

#endif
