/* What a parser writes and what is open: instructions, numbers, the stack of operators and brackets. */
#include "lang/parse.h"

#include <string.h>

bool dz__advance(dz__parser *q) {
  q->before = q->tok;
  return dz__lex(&q->lex, &q->tok);
}

static bool put(dz__parser *q, dz__step step, size_t n, size_t arg, int column) {
  if (q->p->code.n >= DZ__MOST_CODE)
    return dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column,
                        "the program is too long: at most %d operands and operators", DZ__MOST_CODE);
  dz__instr *i = dz__vec_add(&q->p->alloc, &q->p->code, 1, sizeof *i);
  if (!i) return dz__out_of_memory(q);
  *i = (dz__instr){(uint32_t)n << 8 | (uint32_t)step, (uint32_t)arg, (uint32_t)column};
  return true;
}

/* Operands record nothing, so only operators say where they stand. */
bool dz__emit(dz__parser *q, dz__step step, size_t n, size_t arg, int line, int column) {
  bool operand = step == DZ__S_NUMBER || step == DZ__S_LEAF || step == DZ__S_DEFINITION ||
                 step == DZ__S_PARAM || step == DZ__S_RETURN || step == DZ__S_ALL;
  if (!operand && line != q->line) {
    if (!put(q, DZ__S_LINE, 0, (size_t)line, 0)) return false;
    q->line = line;
  }
  return put(q, step, n, arg, column);
}

dz__open *dz__open_at(dz__parser *q, dz__open_kind kind, int power) {
  dz__open *o = NULL;
  if (q->stack.n >= DZ__MOST_NESTING)
    dz__complain(&q->lex, DZ_ERR_LIMIT, q->tok.line, q->tok.column,
                 "nested too deeply: at most %d brackets and operators may be open", DZ__MOST_NESTING);
  else if (!(o = dz__vec_add(&q->p->alloc, &q->stack, 1, sizeof *o)))
    dz__out_of_memory(q);
  if (!o) return NULL;
  *o = (dz__open){.kind = (uint8_t)kind,
                  .power = (uint8_t)power,
                  .line = q->tok.line,
                  .column = q->tok.column,
                  .open_line = q->tok.line,
                  .open_column = q->tok.column};
  q->depth += kind >= DZ__O_GROUP;
  return o;
}

void dz__close(dz__parser *q) {
  q->depth -= dz__top(q)->kind >= DZ__O_GROUP;
  q->stack.n--;
}

bool dz__emit_number(dz__parser *q, double value, int line, int column) {
  dz_program *p = q->p;
  const double *last = p->numbers.n ? (double *)p->numbers.at + p->numbers.n - 1 : NULL;
  if (!last || memcmp(last, &value, sizeof value) != 0) {
    double *x = dz__vec_add(&p->alloc, &p->numbers, 1, sizeof *x);
    if (!x) return dz__out_of_memory(q);
    *x = value;
  }
  return dz__emit(q, DZ__S_NUMBER, 0, p->numbers.n - 1, line, column);
}
