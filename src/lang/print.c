/* Graphs as text. What is still to be written waits on a stack: pieces of text, nodes with the precedence
   that they need to stand without parentheses, and the tails of calls. */
#include "dz/print.h"

#include "dz/lang.h"
#include "lang/builtin.h"
#include "lang/lex.h"
#include "lang/power.h"
#include "lang/print.h"
#include "lang/program.h"

#include <math.h>
#include <string.h>

typedef struct operator_text {
  const char *text; /* NULL: written as a call */
  uint8_t power;
} operator_text;

static operator_text operator_of(dz__fn fn) {
  static const operator_text of[DZ__F_ALL] = {
      [DZ__F_neg] = {"-", POWER_PREFIX},    [DZ__F_not] = {"!", POWER_PREFIX},
      [DZ__F_add] = {" + ", POWER_ADD},     [DZ__F_sub] = {" - ", POWER_ADD},
      [DZ__F_mul] = {"*", POWER_MUL},       [DZ__F_div] = {"/", POWER_MUL},
      [DZ__F_matmul] = {" @ ", POWER_MUL},  [DZ__F_pow] = {"^", POWER_POWER},
      [DZ__F_lt] = {" < ", POWER_COMPARE},  [DZ__F_le] = {" <= ", POWER_COMPARE},
      [DZ__F_gt] = {" > ", POWER_COMPARE},  [DZ__F_ge] = {" >= ", POWER_COMPARE},
      [DZ__F_eq] = {" == ", POWER_COMPARE}, [DZ__F_ne] = {" != ", POWER_COMPARE},
      [DZ__F_and] = {" && ", POWER_AND},    [DZ__F_or] = {" || ", POWER_OR},
      [DZ__F_where] = {" ? ", POWER_CHOICE}};
  return of[fn];
}

typedef enum form {
  FORM_NAME,
  FORM_NUMBER,
  FORM_LITERAL,
  FORM_OPERATOR,
  FORM_PRIME,
  FORM_LIST,
  FORM_INDEX,
  FORM_CALL
} form;

/* ---- what stands where a node is used ---- */

/* Whether the language would read the text as one name, and as no function's. */
static bool is_usable(const char *name) {
  dz_error e = {.status = DZ_OK};
  dz__lexer lex;
  dz__token t;
  size_t n = strlen(name);
  dz__lex_start(&lex, name, n, "", &e);
  if (!dz__lex(&lex, &t) || t.kind != DZ__T_NAME || t.size != n) return false;
  const char *other;
  for (size_t i = 0; (other = dz_function_name(i)) != NULL; i++)
    if (strcmp(other, name) == 0) return false;
  return true;
}

static bool reverses(dz_var x) {
  const int64_t *attr;
  size_t n = dz_attributes(x, &attr);
  for (size_t k = 0; k < n; k++)
    if (attr[k] != (int64_t)(n - 1 - k)) return false;
  return true;
}

/* How many operands are written: the factors with which a system is solved are not. */
static int written(dz_var x) { return dz__fn_of(x) == DZ__F_solve ? 2 : dz_describe(x).nargs; }

static bool solves_transpose(dz_var x) {
  const int64_t *attr;
  dz_attributes(x, &attr);
  return dz__fn_of(x) == DZ__F_solve && attr[0];
}

static bool all_constant(dz_var x, int nargs) {
  for (int k = 0; k < nargs; k++)
    if (!dz__is_constant(dz_operand(x, k))) return false;
  return true;
}

static form form_of(const dz__print *p, dz_var x) {
  if (dz_is_number(x)) return FORM_NUMBER;
  if (p->label[dz__index(x)]) return FORM_NAME;
  if (dz__is_leaf(x)) return dz_rank(x) ? FORM_LITERAL : FORM_NUMBER;
  const int64_t *attr;
  dz__fn fn = dz__fn_of(x);
  if (fn == DZ__F_where && dz_is_number(dz_operand(x, 0))) return FORM_CALL;
  if (operator_of(fn).text) return FORM_OPERATOR;
  if (fn == DZ__F_permute) return reverses(x) ? FORM_PRIME : FORM_CALL;
  if (fn == DZ__F_index) return FORM_INDEX;
  dz_attributes(x, &attr);
  bool list = fn == DZ__F_stack && attr[0] == 0;
  return list && !all_constant(x, dz_describe(x).nargs) ? FORM_LIST : FORM_CALL;
}

static int power_of(const dz__print *p, dz_var x) {
  form f = form_of(p, x);
  if (f == FORM_OPERATOR) return operator_of(dz__fn_of(x)).power;
  if (f != FORM_NUMBER) return POWER_ATOM;
  double v = dz_value(x);
  return v <= 0 && signbit(v) ? POWER_PREFIX : POWER_ATOM;
}

/* ---- one expression ---- */

static void push(dz__print *p, dz__piece piece) {
  dz__piece *to = dz__vec_add(p->alloc, &p->stack, 1, sizeof *to);
  if (to)
    *to = piece;
  else
    p->status = DZ_ERR_MEMORY;
}

static void push_text(dz__print *p, const char *text) { push(p, (dz__piece){.text = text}); }
static void push_tail(dz__print *p, dz_var x) { push(p, (dz__piece){.x = x, .tail = true}); }

static void push_operand(dz__print *p, dz_var x, int k, int power) {
  push(p, (dz__piece){.x = dz_operand(x, k), .power = (uint8_t)power});
}

/* Behind an operator a sign is put in parentheses, but as an exponent. */
static int power_behind(const dz__print *p, dz_var x, int power) {
  bool number = form_of(p, x) == FORM_NUMBER;
  if (power == POWER_POWER) return number ? POWER_PREFIX : POWER_POWER;
  return power_of(p, x) == POWER_PREFIX && (number || dz__fn_of(x) == DZ__F_neg) ? POWER_ATOM : power + 1;
}

static void begin_operator(dz__print *p, dz_var x) {
  dz__fn fn = dz__fn_of(x);
  operator_text o = operator_of(fn);
  if (fn == DZ__F_where) {
    push_operand(p, x, 2, POWER_CHOICE);
    push_text(p, " : ");
    push_operand(p, x, 1, POWER_CHOICE + 1);
    push_text(p, o.text);
    push_operand(p, x, 0, POWER_CHOICE + 1);
  } else if (o.power == POWER_PREFIX) {
    push_operand(p, x, 0, power_behind(p, dz_operand(x, 0), POWER_PREFIX - 1));
    dz__put(p, o.text);
  } else {
    bool left = o.power != POWER_POWER && o.power != POWER_COMPARE;
    push_operand(p, x, 1, power_behind(p, dz_operand(x, 1), o.power));
    push_text(p, o.text);
    push_operand(p, x, 0, left ? o.power : o.power + 1);
  }
}

/* Names that people write, where the table has libm's. */
static const char *call_name(dz_var x) {
  static const struct {
    const char *table, *common;
  } names[] = {{"fabs", "abs"}, {"fmax", "max"}, {"fmin", "min"}, {"tgamma", "gamma"}};
  const char *name = dz_describe(x).op;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i].table) == 0) return names[i].common;
  return name;
}

static void push_operands(dz__print *p, dz_var x) {
  bool other = solves_transpose(x);
  for (int k = written(x); k-- > 0;) {
    bool primed = other && k == 0;
    if (primed) push_text(p, "'");
    push_operand(p, x, k, primed ? POWER_ATOM : POWER_NONE);
    if (k) push_text(p, ", ");
  }
}

static void begin_call(dz__print *p, dz_var x) {
  bool joins = dz__fn_of(x) == DZ__F_concat || dz__fn_of(x) == DZ__F_stack;
  push_tail(p, x);
  push_operands(p, x);
  dz__put(p, call_name(x));
  dz__put(p, joins ? "([" : "(");
}

/* Writes the node, or its first part and leaves the rest on the stack. */
static void begin(dz__print *p, dz_var x) {
  switch (form_of(p, x)) {
  case FORM_NAME:
    dz__put_name(p, x);
    break;
  case FORM_NUMBER:
    dz__put_number(p, dz_value(x));
    break;
  case FORM_LITERAL:
    dz__put_literal(p, x);
    break;
  case FORM_OPERATOR:
    begin_operator(p, x);
    break;
  case FORM_PRIME:
    push_text(p, "'");
    push_operand(p, x, 0, POWER_ATOM);
    break;
  case FORM_INDEX:
    push_tail(p, x);
    push_operand(p, x, 0, POWER_ATOM);
    break;
  case FORM_LIST:
    push_text(p, "]");
    push_operands(p, x);
    dz__put(p, "[");
    break;
  default: /* FORM_CALL */
    begin_call(p, x);
  }
}

static void put_expression(dz__print *p, dz_var x) {
  begin(p, x);
  while (!p->status && p->stack.n) {
    dz__piece piece = ((const dz__piece *)p->stack.at)[--p->stack.n];
    if (piece.text) {
      dz__put(p, piece.text);
    } else if (piece.tail) {
      dz__put_tail(p, piece.x);
    } else {
      bool closed = power_of(p, piece.x) < piece.power;
      if (closed) dz__put(p, "("), push_text(p, ")");
      begin(p, piece.x);
    }
  }
}

/* ---- lines ---- */

static bool is_taken(dz_tape *t, const char *name) { return dz_valid(dz_named(t, name)); }

/* The next number whose name, x1 or t1 and so on, no node has. */
static uint32_t free_number(dz_tape *t, char letter, uint32_t last) {
  char name[34] = {letter};
  do dz_number_write(++last, 0, name + 1);
  while (is_taken(t, name));
  return last;
}

/* Marks what y is made of, and counts uses; in the ways of options, named operations may be ends. */
static void mark(dz__print *p, dz_var y, dz_print_names names) {
  uint32_t top = dz__index(y);
  p->uses[top] = 1;
  for (uint32_t i = top + 1; i-- > 0;) {
    if (!p->uses[i]) continue;
    dz_var x = dz__handle(y.tape, i);
    const char *name = dz_name(x);
    bool named = name && (dz__is_leaf(x) || (names != DZ_PRINT_EXPAND && i != top)) && is_usable(name);
    if (named) p->label[i] = DZ__LABEL_OWN;
    if (named && names == DZ_PRINT_CALL) continue;
    for (int k = written(x); k-- > 0;) {
      dz_var of = dz_operand(x, k);
      if (!dz_is_number(of) && p->uses[dz__index(of)] < 2) p->uses[dz__index(of)]++;
    }
  }
}

static uint32_t size_of(const dz__print *p, dz_var x) {
  uint64_t size = 1;
  if (p->label[dz__index(x)]) return 1;
  if (dz__is_leaf(x)) size = dz_size(x);
  for (int k = written(x); k-- > 0;) {
    dz_var of = dz_operand(x, k);
    size += dz_is_number(of) || p->label[dz__index(of)] ? 1 : p->size[dz__index(of)];
  }
  return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* Line by line in the order of the tape, so what a line names stands above it. */
static void put_lines(dz__print *p, dz_var y, const dz_print_options *o) {
  uint32_t leaves = 0, parts = 0, most = 24;
  if (o->inlined) most = o->inlined < UINT32_MAX ? (uint32_t)o->inlined : UINT32_MAX;
  for (uint32_t i = 0; i < dz__index(y) && !p->status; i++) {
    if (!p->uses[i]) continue;
    dz_var x = dz__handle(y.tape, i);
    bool own = p->label[i] == DZ__LABEL_OWN, line = own && !dz__is_leaf(x) && o->names == DZ_PRINT_DEFINE;
    if (!own && dz__is_leaf(x) && !dz__is_constant(x))
      p->label[i] = leaves = free_number(y.tape, 'x', leaves);
    p->size[i] = size_of(p, x);
    bool part = !p->label[i] && p->uses[i] > 1 && p->size[i] > most;
    if (!line && !part) continue;
    if (part) parts = free_number(y.tape, 't', parts);
    p->label[i] = part ? parts : DZ__LABEL_OWN;
    dz__put_name(p, x);
    dz__put(p, " = ");
    uint32_t label = p->label[i];
    p->label[i] = 0;
    put_expression(p, x);
    dz__put(p, "\n");
    p->label[i] = label;
  }
  const char *name = o->names == DZ_PRINT_DEFINE && !dz__is_leaf(y) ? dz_name(y) : NULL;
  if (name && is_usable(name)) dz__put(p, name), dz__put(p, " = ");
  if (dz__is_leaf(y) && !dz__is_constant(y) && !p->label[dz__index(y)])
    p->label[dz__index(y)] = free_number(y.tape, 'x', leaves);
  put_expression(p, y);
}

dz_status dz_print(dz_var y, const dz_print_options *options, dz_writer *write, void *user) {
  static const dz_print_options plain = {DZ_PRINT_EXPAND, 0, 0, 0};
  const dz_print_options *o = options ? options : &plain;
  if (!write) return DZ_ERR_ARGUMENT;
  if (!dz_valid(y)) return DZ_ERR_HANDLE;
  dz__print p = {.write = write, .user = user, .digits = o->digits, .left = o->most ? o->most : 1 << 20};
  if (dz_is_number(y)) {
    dz__put_number(&p, dz_value(y));
    if (!p.status) dz__print_flush(&p);
    return p.status;
  }
  p.alloc = &dz__of(y.tape)->alloc;
  p.pi_taken = is_taken(y.tape, "pi");
  p.inf_taken = is_taken(y.tape, "inf");
  p.nan_taken = is_taken(y.tape, "nan");
  size_t bytes = ((size_t)dz__index(y) + 1) * sizeof *p.uses;
  p.uses = dz__alloc(p.alloc, bytes);
  p.size = dz__alloc(p.alloc, bytes);
  p.label = dz__alloc(p.alloc, bytes);
  if (p.uses && p.size && p.label) {
    memset(p.uses, 0, bytes);
    memset(p.label, 0, bytes);
    mark(&p, y, o->names);
    put_lines(&p, y, o);
    if (!p.status) dz__print_flush(&p);
  } else {
    p.status = DZ_ERR_MEMORY;
  }
  dz__free(p.alloc, p.uses, bytes);
  dz__free(p.alloc, p.size, bytes);
  dz__free(p.alloc, p.label, bytes);
  dz__vec_free(p.alloc, &p.stack, sizeof(dz__piece));
  return p.status;
}
