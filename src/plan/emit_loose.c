/* Loops of single instructions: functions of the table, and wiring. */
#include "plan/emit_loop.h"

#include "kernels/pointwise.h"

/* By dz's own kernels, which are given to the loaded code. */
static void say_call(dz__loop_emitter *k, const dz__instruction *i) {
  dz__emitter *e = k->e;
  const unsigned fn = i->fn;
  if (i->op == DZ__I_FN)
    dz__say(e, "  q[%u].value(m, %s, %s, %s, %s);\n", fn, dz__operand_at(k, i->a).text,
            dz__operand_at(k, i->b).text, dz__operand_at(k, i->c).text, dz__operand_at(k, i->d).text);
  else if (i->op == DZ__I_FNK)
    dz__say(e, "  q[%u].both(m, %s, %s, %s);\n", fn, dz__operand_at(k, i->a).text,
            dz__operand_at(k, i->d).text, dz__operand_at(k, i->b).text);
  else {
    const uint32_t *t = k->l->code.list + i->a;
    dz__say(e, "  {\n    const double *const o[] = {%s, %s, %s, ", dz__operand_at(k, t[0]).text,
            dz__operand_at(k, t[1]).text, dz__operand_at(k, t[2]).text);
    dz__say(e, "%s, %s};\n", dz__operand_at(k, t[3]).text, dz__operand_at(k, t[4]).text);
    dz__say(e, "    q[%u].partial[%u](m, o, %s, %u, %s);\n  }\n", fn, (unsigned)i->mode,
            i->flags ? ".5" : "0", i->op == DZ__I_PARTADD ? 1u : 0u, dz__operand_at(k, i->d).text);
  }
}

/* What was written for each lane becomes a whole vector. */
static void say_fill(dz__loop_emitter *k, dz__operand_text d) {
  dz__say(k->e, "  %s_fill(%s, n);\n", k->e->name, d.text);
}

static void say_partial(dz__loop_emitter *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->a;
  bool mask = dz__pointwise[i->fn].mask[i->mode];
  dz__say(k->e,
          "  for (i = 0; i < n; i++) {\n    const double p = %s_d%u_%s((%s)[i], (%s)[i], (%s)[i], (%s)[i], "
          "%s);\n",
          k->e->name, (unsigned)i->mode, dz__ops[i->fn].name, dz__operand_at(k, t[0]).text,
          dz__operand_at(k, t[1]).text, dz__operand_at(k, t[2]).text, dz__operand_at(k, t[3]).text,
          i->flags ? ".5" : "0");
  dz__say(k->e, "    (%s)[i] %s %sp * (%s)[i];\n  }\n", dz__operand_at(k, i->d).text,
          i->op == DZ__I_PART ? "=" : "+=", mask ? "p == 0 ? 0 : " : "", dz__operand_at(k, t[4]).text);
  say_fill(k, dz__operand_at(k, i->d));
}

static void say_function(dz__loop_emitter *k, const dz__instruction *i) {
  const char *f = dz__ops[i->fn].name, *name = k->e->name;
  dz__operand_text d = dz__operand_at(k, i->d), a = dz__operand_at(k, i->a), b = dz__operand_at(k, i->b);
  if (i->op == DZ__I_FN)
    dz__say(k->e, "  for (i = 0; i < n; i++) (%s)[i] = %s_v_%s((%s)[i], (%s)[i], (%s)[i]);\n", d.text, name,
            f, a.text, b.text, dz__operand_at(k, i->c).text);
  else
    dz__say(k->e,
            "  for (i = 0; i < n; i++) {\n    const double y = (%s)[i], z = %s_v_%s(y, 0, 0);\n"
            "    (%s)[i] = %s_d0_%s(y, 0, 0, z, 0);\n    (%s)[i] = z;\n  }\n",
            a.text, name, f, b.text, name, f, d.text);
  if (i->op == DZ__I_FNK) say_fill(k, b);
  say_fill(k, d);
}

static void say_wire(dz__loop_emitter *k, const dz__instruction *i) {
  dz__emitter *e = k->e;
  dz__operand_text d = dz__operand_at(k, i->d), a = dz__operand_at(k, i->a);
  size_t index = k->spots.index + i->b, choice = k->spots.choice + i->b * k->l->lanes;
  switch ((dz__step_op)i->op) {
  case DZ__I_LOAD:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = (%s)[(lane + i) * %u];\n", d.text, a.text,
            (unsigned)i->c);
    say_fill(k, d);
    break;
  case DZ__I_GATHER:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = (%s)[x[%zu + lane + i]];\n", d.text, a.text, index);
    say_fill(k, d);
    break;
  case DZ__I_SELECT:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = R[x[%zu + x[%zu + lane + i]] + i];\n", d.text,
            k->spots.list + i->a, choice);
    say_fill(k, d);
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

enum { MOST_COLUMNS = 256 };

/* Instructions from `at` on that read columns of the same rows: `of` in the order of the columns. Returns how
   many they are. What is made of them stands behind. */
static size_t columns(const dz__loop_emitter *k, size_t at, const dz__instruction *of[MOST_COLUMNS]) {
  const dz__routine *c = &k->l->code;
  const dz__instruction *first = &c->at[at];
  size_t n = 0;
  if (first->op != DZ__I_LOAD) return 1;
  for (; n < MOST_COLUMNS; n++) {
    const dz__instruction *i = first + n;
    size_t j = n;
    if (i->op != first->op || i->c != first->c || dz__where_of(i->a) != dz__where_of(first->a)) break;
    for (; j > 0 && of[j - 1]->a > i->a; j--) of[j] = of[j - 1];
    of[j] = i;
  }
  return n;
}

/* Eight columns. */
static void say_columns(dz__loop_emitter *k, const dz__instruction *const *i) {
  dz__emitter *e = k->e;
  dz__say(e, "  {\n    double *const o[] = {");
  for (int m = 0; m < DZ__W; m++) dz__say(e, "%s, ", dz__operand_at(k, i[m]->d).text);
  dz__say(e, "};\n    %s_columns(%s + lane * %u, %u, o, n);\n  }\n", e->name, dz__operand_at(k, (*i)->a).text,
          (unsigned)(*i)->c, (unsigned)(*i)->c);
}

/* Where columns stand side by side, eight of them at a time, of which the last eight may overlap with those
   before. */
static void say_all_columns(dz__loop_emitter *k, const dz__instruction *const *of, size_t n) {
  for (size_t from = 0, end; from < n; from = end) {
    for (end = from + 1; end < n && of[end]->a == of[end - 1]->a + 1;) end++;
    for (size_t j = from; j < end && end - from >= DZ__W; j += DZ__W)
      say_columns(k, of + (j + DZ__W > end ? end - DZ__W : j));
    for (size_t j = from; j < end && end - from < DZ__W; j++) say_wire(k, of[j]);
  }
}

size_t dz__say_loose(dz__loop_emitter *k, size_t at) {
  const dz__instruction *i = &k->l->code.at[at];
  const dz__instruction *of[MOST_COLUMNS];
  size_t n = columns(k, at, of);
  bool partial = i->op == DZ__I_PART || i->op == DZ__I_PARTADD;
  if (n > 1) return say_all_columns(k, of, n), n;
  if (k->e->outside && (partial || i->op == DZ__I_FN || i->op == DZ__I_FNK))
    say_call(k, i);
  else if (partial)
    say_partial(k, i);
  else if (i->op == DZ__I_FN || i->op == DZ__I_FNK)
    say_function(k, i);
  else
    say_wire(k, i);
  return 1;
}
