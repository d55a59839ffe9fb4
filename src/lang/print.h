/* The state of one printing. */
#ifndef DZ_LANG_PRINT_H
#define DZ_LANG_PRINT_H

#include "dz/text.h"
#include "lang/program.h"
#include "tape/tape.h"

/* What waits to be written: a text; a node that stands without parentheses when it binds at least as much as
   `power` says; or the tail of x's call. */
typedef struct dz__piece {
  const char *text;
  dz_var x;
  uint8_t power;
  bool tail;
} dz__piece;

/* As a node's label: its own name. Another number but 0: x1, x2, … for leaves, t1, t2, … for parts. */
#define DZ__LABEL_OWN UINT32_MAX

typedef struct dz__print {
  const dz_allocator *alloc;
  dz_writer *write;
  void *user;
  int digits;
  size_t left; /* bytes that may still be written */
  bool pi_taken, inf_taken, nan_taken;
  uint32_t *uses, *size, *label; /* per node up to y; uses: up to 2; size: operations and operands when
                                    written out */
  dz__vec stack;                 /* dz__piece */
  dz_status status;
  size_t n;
  char text[512]; /* not handed to the writer yet */
} dz__print;

static inline bool dz__is_leaf(dz_var x) { return dz_role_of(x) != DZ_ROLE_NONE; }
/* Written as its value. */
static inline bool dz__is_constant(dz_var x) {
  return dz_is_number(x) || (dz_role_of(x) == DZ_ROLE_CONST && !dz_name(x));
}

/* ---- write.c: after an error, which p->status then says, nothing more is written ---- */

void dz__print_flush(dz__print *p);
void dz__put(dz__print *p, const char *text);
void dz__put_number(dz__print *p, double v);
/* A constant tensor as nested lists. */
void dz__put_literal(dz__print *p, dz_var x);
/* By its label. */
void dz__put_name(dz__print *p, dz_var x);
/* What comes behind the operands of x, up to the closing bracket. */
void dz__put_tail(dz__print *p, dz_var x);

#endif
