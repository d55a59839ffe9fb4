/* What runs a program's code: a stack of values and a stack of function calls, kept with the tape so that
   recording again allocates nothing. */
#ifndef DZ_LANG_MACHINE_H
#define DZ_LANG_MACHINE_H

#include "lang/program.h"
#include "tape/tape.h"

/* A value: a node or a number; or a literal that is not yet on the tape, because it may turn out to be the
   axes of a reduction or a row of a larger literal; or what stands for all axes. */
typedef struct dz__value {
  dz_var v;
  int32_t literal; /* DZ__V_PLAIN, DZ__V_ALL, or an index of machine->literals */
  uint8_t key;     /* the slot it was given for by keyword; 0 for none */
  bool shared;     /* a copy of a parameter: its literal has other users */
} dz__value;
enum { DZ__V_PLAIN = -1, DZ__V_ALL = -2 };

/* A constant tensor: machine->numbers[start … start + size). */
typedef struct dz__literal {
  int rank;
  size_t dims[DZ_MAX_RANK];
  size_t start, size;
  dz_var node; /* once it is on the tape */
} dz__literal;

typedef struct dz__frame {
  uint32_t pc, base; /* where to go on; the first parameter among the values */
  uint32_t outer_base;
  int line;
  bool fixed;
} dz__frame;

typedef struct dz__machine {
  dz_allocator alloc;
  dz_tape *t;
  const dz_program *p;
  dz__vec values;      /* dz__value */
  dz__vec frames;      /* dz__frame */
  dz__vec literals;    /* dz__literal */
  dz__vec numbers;     /* double: of the literals */
  dz__vec leaves;      /* dz_var per leaf of p */
  dz__vec definitions; /* dz_var per definition of p */
  dz__vec operands;    /* dz_var: of one operation */
  uint32_t pc, base;   /* of the function at work */
  int line;
  bool fixed;           /* the tape's place stays: in functions of the prelude */
  uint64_t steps, most; /* instructions in functions so far, and how many there may be in one recording */
  dz_program *prelude;  /* for calls from C */
  dz_program *rules;    /* of derivatives: floor 5 makes and uses it */
} dz__machine;

/* The machine of a tape, made when there is none. NULL after an error of the tape. */
dz__machine *dz__machine_of(dz_tape *t);

static inline dz__value *dz__values_from_top(const dz__machine *m, size_t n) {
  return m->values.at ? (dz__value *)m->values.at + m->values.n - n : NULL;
}

bool dz__push_value(dz__machine *m, dz__value v);

/* Runs from m->pc to the RETURN of what was begun; the result is the top value. False after an error of the
   tape. */
bool dz__run(dz__machine *m);

/* Begins a call of function f with the last n values; then dz__run. */
bool dz__enter(dz__machine *m, uint32_t f, uint32_t n);

/* ---- value.c ---- */

/* The value as a node or number. False after an error. */
bool dz__settle(dz__machine *m, dz__value *x, dz_var *v);
/* The last n values become one: a literal when all are constants, else a stack of nodes. */
bool dz__make_list(dz__machine *m, size_t n, dz__value *list);
/* Constant whole numbers: a number or a list of up to `most`. *count says how many; -1 for "all". */
bool dz__whole_numbers(dz__machine *m, const dz__value *x, const char *op, const char *what, int most,
                       int64_t *values, int *count);
bool dz__whole_number(dz__machine *m, const dz__value *x, const char *op, const char *what, int64_t *value);

/* ---- native.c ---- */

/* A function of the engine with the last n values. */
bool dz__builtin_call(dz__machine *m, uint32_t code, uint32_t n, dz_var *result);
/* A[…]: the operand and its places are the last values. *used says how many. */
bool dz__index_call(dz__machine *m, uint32_t n, uint32_t bits, uint32_t *used, dz_var *result);
/* Room for n > 0 operands, or NULL after an error. */
dz_var *dz__operand_room(dz__machine *m, size_t n);
/* False for a poisoned result (of a tape, which {0} is not). */
bool dz__good(dz_var x);

/* ---- floor 5 ---- */

/* The derivative of the one-element f by x, both live nodes, as nodes: dz_derivative. It may use the machine
   at work, and leaves its state as it was (its arrays may move). */
dz_var dz__derivative(dz_var f, dz_var x);

/* ---- init.c ---- */

/* The leaf of a parameter that nobody bound. */
dz_var dz__initial(dz__machine *m, const dz__leaf *leaf, uint64_t seed);

#endif
