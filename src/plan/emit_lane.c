/* Instructions of the program around the groups, and of a step of a sequence, as C: one lane. */
#include "plan/emit.h"

#include "base/never.h"
#include "kernels/pointwise.h"

#include <stdio.h>

static bool is_local(const dz__emitter *e, uint32_t place) {
  for (size_t k = 0; k < e->locals->n; k++)
    if (e->locals->place[k] == place) return true;
  return dz__where_of(place) == DZ__REG || dz__where_of(place) == DZ__OUT;
}

/* In a sequence: R and P are the registers of this step and of the one before; s is the step. */
dz__spelling dz__spelled(const dz__emitter *e, uint32_t place) {
  static const char *const array[] = {"w", "w", "w", "w", "in", "in", "grad", "w"}, *const in_step[] = {
                                                                                        "R",    "w",  "w",
                                                                                        "t",    "in", "in",
                                                                                        "grad", "P"};
  const unsigned kind = dz__where_of(place);
  const bool moves = e->steps && (kind == DZ__DIRECT || kind == DZ__ROW || kind == DZ__INS);
  size_t n = dz__place_index(place);
  dz__spelling s;
  if (e->locals && is_local(e, place)) {
    static const char letter[] = {'r', 'u', 0, 0, 'i', 0, 'g', 'p'};
    snprintf(s.text, sizeof s.text, "%c%zu", letter[kind], n);
    return s;
  }
  if (e->steps && kind == DZ__ROW) n = e->spots.table + n * dz__padded(e->steps->lanes);
  snprintf(s.text, sizeof s.text, "%s[%zu%s]", (e->steps ? in_step : array)[kind], n, moves ? " + s" : "");
  return s;
}

static void say_sum(dz__emitter *e, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->a;
  dz__say(e, "  %s =", dz__spelled(e, i->d).text);
  for (uint32_t k = 0; k < i->b; k++, t += 3) {
    bool product = (t[0] & DZ__T_MASK) >= DZ__T_VV;
    dz__say(e, " %s%s%s%s",
            t[0] & DZ__SUBTRACT ? "- "
            : k                 ? "+ "
                                : "",
            dz__spelled(e, t[1]).text, product ? " * " : "", product ? dz__spelled(e, t[2]).text : "");
  }
  dz__say(e, ";\n");
}

static void say_flows(dz__emitter *e, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->b;
  for (uint32_t k = 0; k < i->c; k++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    bool set = dz__flow_sets(how), factor = t[1] != DZ__NOWHERE;
    dz__say(e, "  %s %s %s%s%s%s;\n", dz__spelled(e, t[2]).text,
            set ? "=" : "+=", t[0] & DZ__SUBTRACT ? "-" : "", dz__spelled(e, i->a).text, factor ? " * " : "",
            factor ? dz__spelled(e, t[1]).text : "");
  }
}

static void say_partial(dz__emitter *e, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->a;
  bool mask = dz__pointwise[i->fn].mask[i->mode];
  dz__say(e, "  {\n    const double p = %s_d%u_%s(%s, %s, %s, %s, %s);\n", e->name, (unsigned)i->mode,
          dz__ops[i->fn].name, dz__spelled(e, t[0]).text, dz__spelled(e, t[1]).text,
          dz__spelled(e, t[2]).text, dz__spelled(e, t[3]).text, i->flags ? ".5" : "0");
  dz__say(e, "    %s %s %sp * %s;\n  }\n", dz__spelled(e, i->d).text,
          i->op == DZ__I_PART ? "=" : "+=", mask ? "p == 0 ? 0 : " : "", dz__spelled(e, t[4]).text);
}

/* The number of a step among many: every so many, or by an index. */
static void say_wire(dz__emitter *e, const dz__instruction *i) {
  const bool load = i->op == DZ__I_LOAD || i->op == DZ__I_GATHER;
  const uint32_t base = load ? i->a : i->d;
  static const char *const array[] = {"R", "w", "w", "t", "in", "in", "grad", "P"};
  char many[64];
  if (i->op == DZ__I_LOAD || i->op == DZ__I_STORE)
    snprintf(many, sizeof many, "%s[%u + s * %u]", array[dz__where_of(base)], (unsigned)dz__place_index(base),
             (unsigned)i->c);
  else
    snprintf(many, sizeof many, "%s[x[%zu + s]]", array[dz__where_of(base)], e->spots.index + i->b);
  if (load)
    dz__say(e, "  %s = %s;\n", dz__spelled(e, i->d).text, many);
  else
    dz__say(e, "  %s += %s;\n", many, dz__spelled(e, i->a).text);
}

const dz__form dz__forms[] = {
    [DZ__I_MOV] = {"=", "", "", ""},          [DZ__I_NEG] = {"=", "-", "", ""},
    [DZ__I_ACC] = {"+=", "", "", ""},         [DZ__I_DEC] = {"-=", "", "", ""},
    [DZ__I_ADD] = {"=", "", " + ", ""},       [DZ__I_SUB] = {"=", "", " - ", ""},
    [DZ__I_MUL] = {"=", "", " * ", ""},       [DZ__I_DIV] = {"=", "", " / ", ""},
    [DZ__I_MULNEG] = {"=", "-(", " * ", ")"}, [DZ__I_MULADD] = {"+=", "", " * ", ""},
    [DZ__I_MULSUB] = {"-=", "", " * ", ""},   [DZ__I_RED] = {"+=", "", "", ""},
    [DZ__I_DECRED] = {"-=", "", "", ""},      [DZ__I_REDMUL] = {"+=", "", " * ", ""},
    [DZ__I_REDMULNEG] = {"-=", "", " * ", ""}};

void dz__emit_scalar(dz__emitter *e, const dz__instruction *i) {
  const uint32_t *list = (e->steps ? &e->steps->code : &e->p->program.code)->list;
  dz__spelling d = dz__spelled(e, i->d), a = dz__spelled(e, i->a), b = dz__spelled(e, i->b);
  switch ((dz__step_op)i->op) {
  case DZ__I_SUM:
    say_sum(e, i, list);
    break;
  case DZ__I_RSUM:
    say_flows(e, i, list);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    say_partial(e, i, list);
    break;
  case DZ__I_FNK:
    dz__say(e, "  {\n    const double y = %s, z = %s_v_%s(y, 0, 0);\n", a.text, e->name, dz__ops[i->fn].name);
    dz__say(e, "    %s = %s_d0_%s(y, 0, 0, z, 0);\n    %s = z;\n  }\n", b.text, e->name, dz__ops[i->fn].name,
            d.text);
    break;
  case DZ__I_FN:
    dz__say(e, "  %s = %s_v_%s(%s, %s, %s);\n", d.text, e->name, dz__ops[i->fn].name, a.text, b.text,
            dz__spelled(e, i->c).text);
    break;
  case DZ__I_ZERO:
    dz__say(e, "  %s = 0;\n", d.text);
    break;
  case DZ__I_LOAD:
  case DZ__I_GATHER:
  case DZ__I_STORE:
  case DZ__I_SCATTER:
    say_wire(e, i);
    break;
  default:
    if (DZ__NEVER(i->op == DZ__I_SPREAD || i->op == DZ__I_CALL)) return; /* of lanes; between the functions */
    dz__say(e, "  %s %s %s%s%s%s%s;\n", d.text, dz__forms[i->op].assign, dz__forms[i->op].before, a.text,
            dz__forms[i->op].between, dz__forms[i->op].between[0] ? b.text : "", dz__forms[i->op].after);
  }
}
