/* What stands in the functions of a loop: blocks of arithmetic, and the loops of single instructions. */
#include "plan/emit_loop.h"

#include "kernels/pointwise.h"

#include <stdio.h>

/* ---- operands ---- */

typedef struct spot {
  char text[64];
} spot;

/* A vector's first element for the lanes at hand. */
static spot array_at(const dz__loop_emitter *k, uint32_t place) {
  spot s;
  unsigned n = dz__place_index(place);
  switch ((dz__where)dz__where_of(place)) {
  case DZ__REG:
    snprintf(s.text, sizeof s.text, "R + %zu", n * k->l->tile);
    break;
  case DZ__ROW:
    snprintf(s.text, sizeof s.text, "t + %zu + lane", k->spots.table + n * dz__padded(k->l->lanes));
    break;
  case DZ__INS:
    snprintf(s.text, sizeof s.text, "in + %u + lane", n);
    break;
  case DZ__IN:
    snprintf(s.text, sizeof s.text, "in + %u", n);
    break;
  case DZ__GRAD:
    snprintf(s.text, sizeof s.text, "grad + %u", n);
    break;
  case DZ__DIRECT:
    snprintf(s.text, sizeof s.text, "w + %u + lane", n);
    break;
  default:
    snprintf(s.text, sizeof s.text, "w + %u", n);
  }
  return s;
}

/* Whether the block has a variable for it: numbers for all lanes, and accumulators. */
static bool listed(const dz__loop_emitter *k, uint32_t place) {
  for (size_t j = 0; j < k->uniforms; j++)
    if (k->uniform[j] == place) return true;
  return false;
}

/* In a block: a variable, or what is loaded there and then. */
static spot in_block(const dz__loop_emitter *k, uint32_t place) {
  spot s;
  unsigned n = dz__place_index(place);
  bool in = dz__where_of(place) == DZ__IN;
  if (dz__is_slot(place))
    snprintf(s.text, sizeof s.text, "r%u", n);
  else if (dz__one_for_all(place) && listed(k, place))
    snprintf(s.text, sizeof s.text, "%s%u", in ? "i" : "c", n);
  else if (dz__one_for_all(place))
    snprintf(s.text, sizeof s.text, "%s[%u]", in ? "in" : "w", n);
  else {
    spot a = array_at(k, place);
    snprintf(s.text, sizeof s.text, "LD(%.50s + i)", a.text);
  }
  return s;
}

static void declare(void *user, uint32_t *place, unsigned access) {
  dz__loop_emitter *k = user;
  if (dz__is_slot(*place)) {
    uint32_t slot = dz__place_index(*place);
    if (k->local[slot] == k->block) return;
    k->local[slot] = k->block;
    if (access & DZ__READ)
      dz__say(k->e, "      %s_v r%u = LD(%s + i);\n", k->e->name, (unsigned)slot, array_at(k, *place).text);
    else
      dz__say(k->e, "      %s_v r%u;\n", k->e->name, (unsigned)slot);
  }
}

static void list(dz__loop_emitter *k, uint32_t place) {
  if (k->uniforms < sizeof k->uniform / sizeof *k->uniform && !listed(k, place))
    k->uniform[k->uniforms++] = place;
}

static void collect(void *user, uint32_t *place, unsigned access) {
  (void)access;
  if (dz__one_for_all(*place)) list(user, *place);
}

/* An accumulator in a block: in a register as long as there is room in the list. */
static spot accumulator(const dz__loop_emitter *k, uint32_t acc) {
  spot s;
  if (listed(k, dz__place_at(DZ__OUT, acc)))
    snprintf(s.text, sizeof s.text, "a%u", (unsigned)acc);
  else
    snprintf(s.text, sizeof s.text, "ST(A + %u)", (unsigned)acc * DZ__W);
  return s;
}

/* Accumulators of an instruction: *n of them at most; their numbers by f. */
static void each_acc(const dz__routine *c, const dz__instruction *i, void (*f)(dz__loop_emitter *, uint32_t),
                     dz__loop_emitter *k) {
  if (i->op >= DZ__I_RED && i->op <= DZ__I_REDMULNEG) f(k, i->d);
  if (i->op != DZ__I_RSUM) return;
  for (uint32_t j = 0; j < i->c; j++) {
    const uint32_t *t = c->list + i->b + 3 * j;
    unsigned how = t[0] & DZ__T_MASK;
    if (how == DZ__R_RED || how == DZ__R_REDV) f(k, t[2]);
  }
}

static void collect_acc(dz__loop_emitter *k, uint32_t acc) { list(k, dz__place_at(DZ__OUT, acc)); }

/* ---- instructions in a block ---- */

static void say_sum(dz__loop_emitter *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->a;
  dz__say(k->e, "      %s =", in_block(k, i->d).text);
  for (uint32_t j = 0; j < i->b; j++, t += 3) {
    bool product = (t[0] & DZ__T_MASK) >= DZ__T_VV;
    const char *sign = t[0] & DZ__SUBTRACT ? "- " : j ? "+ " : "";
    if (j == 0 && (t[0] & DZ__T_MASK) == DZ__T_S)
      dz__say(k->e, " %s(%s - (%s_v){0})", sign, in_block(k, t[1]).text, k->e->name);
    else
      dz__say(k->e, " %s%s%s%s", sign, in_block(k, t[1]).text, product ? " * " : "",
              product ? in_block(k, t[2]).text : "");
  }
  dz__say(k->e, ";\n");
}

static void say_flows(dz__loop_emitter *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->b;
  spot g = in_block(k, i->a);
  for (uint32_t j = 0; j < i->c; j++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    bool set = how == DZ__R_SET || how == DZ__R_SETV || how == DZ__R_SETS, factor = t[1] != DZ__NOWHERE;
    bool minus = t[0] & DZ__SUBTRACT;
    if (how == DZ__R_RED || how == DZ__R_REDV)
      dz__say(k->e, "      %s %s %s", accumulator(k, t[2]).text, minus ? "-=" : "+=", g.text);
    else
      dz__say(k->e, "      r%u %s %s%s", (unsigned)dz__place_index(t[2]),
              set     ? "="
              : minus ? "-="
                      : "+=",
              set && minus ? "-" : "", g.text);
    dz__say(k->e, "%s%s;\n", factor ? " * " : "", factor ? in_block(k, t[1]).text : "");
  }
}

/* The partials of x / y; of the table's operands only y, the result for the second, and the adjoint are read.
 */
static void say_quotient(dz__loop_emitter *k, dz__instruction *i) {
  uint32_t *t = k->l->code.list + i->a;
  declare(k, &t[1], DZ__READ);
  if (i->mode == 1) declare(k, &t[3], DZ__READ);
  declare(k, &t[4], DZ__READ);
  declare(k, &i->d, i->op == DZ__I_PART ? DZ__WRITTEN : DZ__READ | DZ__WRITTEN);
  dz__say(k->e, "      %s %s ", in_block(k, i->d).text, i->op == DZ__I_PART ? "=" : "+=");
  if (i->mode == 0)
    dz__say(k->e, "(1 / %s) * %s;\n", in_block(k, t[1]).text, in_block(k, t[4]).text);
  else
    dz__say(k->e, "(-%s / %s) * %s;\n", in_block(k, t[3]).text, in_block(k, t[1]).text,
            in_block(k, t[4]).text);
}

static const struct {
  const char *assign, *before, *between, *after;
} forms[] = {[DZ__I_MOV] = {"=", "", "", ""},          [DZ__I_NEG] = {"=", "-", "", ""},
             [DZ__I_ACC] = {"+=", "", "", ""},         [DZ__I_DEC] = {"-=", "", "", ""},
             [DZ__I_ADD] = {"=", "", " + ", ""},       [DZ__I_SUB] = {"=", "", " - ", ""},
             [DZ__I_MUL] = {"=", "", " * ", ""},       [DZ__I_DIV] = {"=", "", " / ", ""},
             [DZ__I_MULNEG] = {"=", "-(", " * ", ")"}, [DZ__I_MULADD] = {"+=", "", " * ", ""},
             [DZ__I_MULSUB] = {"-=", "", " * ", ""},   [DZ__I_RED] = {"+=", "", "", ""},
             [DZ__I_DECRED] = {"-=", "", "", ""},      [DZ__I_REDMUL] = {"+=", "", " * ", ""},
             [DZ__I_REDMULNEG] = {"-=", "", " * ", ""}};

static void say_arithmetic(dz__loop_emitter *k, const dz__instruction *i) {
  bool red = i->op >= DZ__I_RED && i->op <= DZ__I_REDMULNEG, direct = !red && !dz__is_slot(i->d);
  spot d = red ? accumulator(k, i->d) : direct ? array_at(k, i->d) : in_block(k, i->d);
  if (direct)
    dz__say(k->e, "      ST(%s + i) ", d.text);
  else
    dz__say(k->e, "      %s ", d.text);
  const char *between = forms[i->op].between;
  dz__say(k->e, "%s %s%s%s%s%s;\n", forms[i->op].assign, forms[i->op].before, in_block(k, i->a).text, between,
          between[0] ? in_block(k, i->b).text : "", forms[i->op].after);
}

static void say_in_block(dz__loop_emitter *k, dz__instruction *i) {
  bool quotient = i->op == DZ__I_PART || i->op == DZ__I_PARTADD;
  if (!quotient) dz__each_place(&k->l->code, i, declare, k);
  switch ((dz__step_op)i->op) {
  case DZ__I_SUM:
    say_sum(k, i);
    break;
  case DZ__I_RSUM:
    say_flows(k, i);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    say_quotient(k, i);
    break;
  case DZ__I_ZERO:
    dz__say(k->e, "      %s = (%s_v){0};\n", in_block(k, i->d).text, k->e->name);
    break;
  case DZ__I_SPREAD:
    dz__say(k->e, "      %s = %s - (%s_v){0};\n", in_block(k, i->d).text, in_block(k, i->a).text, k->e->name);
    break;
  default:
    say_arithmetic(k, i);
  }
}

void dz__say_block(dz__loop_emitter *k, size_t b) {
  const dz__routine *c = &k->l->code;
  dz__emitter *e = k->e;
  k->uniforms = 0;
  for (size_t i = k->begin[b]; i < k->begin[b + 1]; i++) {
    dz__each_place(c, &c->at[i], collect, k);
    each_acc(c, &c->at[i], collect_acc, k);
  }
  dz__say(e, "  {\n");
  for (size_t j = 0; j < k->uniforms; j++) {
    uint32_t n = dz__place_index(k->uniform[j]);
    if (dz__where_of(k->uniform[j]) == DZ__OUT)
      dz__say(e, "    %s_v a%u = LD(A + %u);\n", e->name, (unsigned)n, (unsigned)n * DZ__W);
    else
      dz__say(e, "    const double %s = %s[%u];\n", in_block(k, k->uniform[j]).text,
              dz__where_of(k->uniform[j]) == DZ__IN ? "in" : "w", (unsigned)n);
  }
  dz__say(e, "    for (i = 0; i < n; i += 8) {\n");
  for (size_t i = k->begin[b]; i < k->begin[b + 1]; i++) say_in_block(k, &c->at[i]);
  for (size_t j = 0; j < k->count[b]; j++) {
    uint32_t slot = k->store[k->first[b] + j];
    dz__say(e, "      ST(R + %zu + i) = r%u;\n", slot * k->l->tile, (unsigned)slot);
  }
  dz__say(e, "    }\n");
  for (size_t j = 0; j < k->uniforms; j++)
    if (dz__where_of(k->uniform[j]) == DZ__OUT) {
      unsigned n = dz__place_index(k->uniform[j]);
      dz__say(e, "    ST(A + %u) = a%u;\n", n * DZ__W, n);
    }
  dz__say(e, "  }\n");
}

/* ---- loose instructions ---- */

static void say_partial(dz__loop_emitter *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->a;
  bool mask = dz__pointwise[i->fn].mask[i->mode];
  dz__say(k->e,
          "  for (i = 0; i < n; i++) {\n    const double p = %s_d%u_%s((%s)[i], (%s)[i], (%s)[i], (%s)[i], "
          "%s);\n",
          k->e->name, (unsigned)i->mode, dz__ops[i->fn].name, array_at(k, t[0]).text, array_at(k, t[1]).text,
          array_at(k, t[2]).text, array_at(k, t[3]).text, i->flags ? ".5" : "0");
  dz__say(k->e, "    (%s)[i] %s %sp * (%s)[i];\n  }\n", array_at(k, i->d).text,
          i->op == DZ__I_PART ? "=" : "+=", mask ? "p == 0 ? 0 : " : "", array_at(k, t[4]).text);
}

static void say_function(dz__loop_emitter *k, const dz__instruction *i) {
  const char *f = dz__ops[i->fn].name, *name = k->e->name;
  spot d = array_at(k, i->d), a = array_at(k, i->a), b = array_at(k, i->b);
  if (i->op == DZ__I_FN)
    dz__say(k->e, "  for (i = 0; i < n; i++) (%s)[i] = %s_v_%s((%s)[i], (%s)[i], (%s)[i]);\n", d.text, name,
            f, a.text, b.text, array_at(k, i->c).text);
  else
    dz__say(k->e,
            "  for (i = 0; i < n; i++) {\n    const double y = (%s)[i], z = %s_v_%s(y, 0, 0);\n"
            "    (%s)[i] = %s_d0_%s(y, 0, 0, z, 0);\n    (%s)[i] = z;\n  }\n",
            a.text, name, f, b.text, name, f, d.text);
}

static void say_wire(dz__loop_emitter *k, const dz__instruction *i) {
  dz__emitter *e = k->e;
  spot d = array_at(k, i->d), a = array_at(k, i->a);
  size_t index = k->spots.index + i->b, choice = k->spots.choice + i->b * k->l->lanes;
  switch ((dz__step_op)i->op) {
  case DZ__I_LOAD:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = (%s)[(lane + i) * %u];\n", d.text, a.text,
            (unsigned)i->c);
    break;
  case DZ__I_GATHER:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = (%s)[x[%zu + lane + i]];\n", d.text, a.text, index);
    break;
  case DZ__I_SELECT:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = R[x[%zu + x[%zu + lane + i]] + i];\n", d.text,
            k->spots.list + i->a, choice);
    break;
  case DZ__I_RSELECT:
    dz__say(e, "  for (i = 0; i < n; i++) R[x[%zu + x[%zu + lane + i]] + i] += (%s)[i];\n",
            k->spots.list + i->a, choice, d.text);
    break;
  case DZ__I_STORE:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[(lane + i) * %u] += (%s)[i];\n", d.text, (unsigned)i->c,
            a.text);
    break;
  default:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[x[%zu + lane + i]] += (%s)[i];\n", d.text, index, a.text);
  }
}

void dz__say_loose(dz__loop_emitter *k, const dz__instruction *i) {
  if (i->op == DZ__I_PART || i->op == DZ__I_PARTADD)
    say_partial(k, i);
  else if (i->op == DZ__I_FN || i->op == DZ__I_FNK)
    say_function(k, i);
  else
    say_wire(k, i);
}
