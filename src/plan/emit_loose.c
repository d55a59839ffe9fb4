/* Loops of single instructions: functions of the table, and wiring. */
#include "plan/emit_loop.h"

#include "kernels/pointwise.h"

/* By dz's own kernels, which are given to the loaded code. */
static void say_call(dz__loop_emitter *k, const dz__instruction *i) {
  dz__emitter *e = k->e;
  const uint32_t *t = k->l->code.list + i->a;
  const unsigned fn = i->fn;
  if (i->op == DZ__I_FN)
    dz__say(e, "  q[%u].value(m, %s, %s, %s, %s);\n", fn, dz__operand_at(k, i->a).text,
            dz__operand_at(k, i->b).text, dz__operand_at(k, i->c).text, dz__operand_at(k, i->d).text);
  else if (i->op == DZ__I_FNK)
    dz__say(e, "  q[%u].both(m, %s, %s, %s);\n", fn, dz__operand_at(k, i->a).text,
            dz__operand_at(k, i->d).text, dz__operand_at(k, i->b).text);
  else {
    dz__say(e, "  {\n    const double *const o[] = {%s, %s, %s, ", dz__operand_at(k, t[0]).text,
            dz__operand_at(k, t[1]).text, dz__operand_at(k, t[2]).text);
    dz__say(e, "%s, %s};\n", dz__operand_at(k, t[3]).text, dz__operand_at(k, t[4]).text);
    dz__say(e, "    q[%u].partial[%u](m, o, %s, %u, %s);\n  }\n", fn, (unsigned)i->mode,
            i->flags ? ".5" : "0", i->op == DZ__I_PARTADD ? 1u : 0u, dz__operand_at(k, i->d).text);
  }
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
}

static void say_wire(dz__loop_emitter *k, const dz__instruction *i) {
  dz__emitter *e = k->e;
  dz__operand_text d = dz__operand_at(k, i->d), a = dz__operand_at(k, i->a);
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
  case DZ__I_PUT:
    dz__say(
        e,
        "  for (i = 0; i < n && %s; i++) {\n    const double g = (%s)[i];\n    (%s)[(lane + i) * %u] = g;\n",
        dz__where_of(i->d) == DZ__OUT ? "A" : "grad", a.text, d.text, (unsigned)i->c);
    dz__say(e, "    if (g - g != 0) w[%zu] = 1;\n  }\n", k->l->spot + k->l->room);
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

static uint32_t column(const dz__instruction *i) { return i->op == DZ__I_LOAD ? i->a : i->d; }

/* Instructions from `at` on that read, or write, columns of the same rows: `of` in the order of the columns.
   Returns how many they are. */
static size_t columns(const dz__loop_emitter *k, size_t at, const dz__instruction *of[MOST_COLUMNS]) {
  const dz__routine *c = &k->l->code;
  const dz__instruction *first = &c->at[at];
  size_t n = 0, end = at < c->reverse ? c->reverse : c->n;
  bool load = first->op == DZ__I_LOAD;
  if (!load && first->op != DZ__I_PUT) return 1;
  for (; at + n < end && n < MOST_COLUMNS; n++) {
    const dz__instruction *i = first + n;
    size_t j = n;
    if (i->op != first->op || i->c != first->c || dz__one_for_all(load ? i->d : i->a) ||
        dz__where_of(column(i)) != dz__where_of(column(first)))
      break;
    for (; j > 0 && column(of[j - 1]) > column(i); j--) of[j] = of[j - 1];
    of[j] = i;
  }
  return n ? n : 1;
}

/* Eight columns. */
static void say_columns(dz__loop_emitter *k, const dz__instruction *const *i) {
  dz__emitter *e = k->e;
  bool load = (*i)->op == DZ__I_LOAD;
  dz__say(e, "  %s{\n    %sdouble *const o[] = {", dz__where_of(column(*i)) == DZ__OUT ? "if (A) " : "",
          load ? "" : "const ");
  for (int m = 0; m < DZ__W; m++) dz__say(e, "%s, ", dz__operand_at(k, load ? i[m]->d : i[m]->a).text);
  dz__say(e, "};\n    %s%s_%s(%s + lane * %u, ", load ? "" : "if (", e->name, load ? "columns" : "rows",
          dz__operand_at(k, column(*i)).text, (unsigned)(*i)->c);
  if (load)
    dz__say(e, "%u, o, n);\n  }\n", (unsigned)(*i)->c);
  else
    dz__say(e, "%u, o, n)) w[%zu] = 1;\n  }\n", (unsigned)(*i)->c, k->l->spot + k->l->room);
}

/* Where columns stand side by side, eight of them at a time, of which the last eight may overlap with those
   before. */
static void say_all_columns(dz__loop_emitter *k, const dz__instruction *const *of, size_t n) {
  for (size_t from = 0, end; from < n; from = end) {
    for (end = from + 1; end < n && column(of[end]) == column(of[end - 1]) + 1;) end++;
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

/* ---- rows and columns ---- */

/* The three steps of transposing eight vectors: pairs that are 1, 2, 4 apart change places. */
static void say_step(dz__emitter *e, unsigned apart, const char *from, const char *to) {
  for (unsigned j = 0; j < DZ__W; j++) {
    unsigned other = j ^ apart, low = j < other ? j : other, high = j < other ? other : j;
    dz__say(e, " \\\n  %s_v %s%u = SHUFFLE(%s%u, %s%u", e->name, to, j, from, low, from, high);
    for (unsigned m = 0; m < DZ__W; m++) {
      bool second = m & apart;
      dz__say(e, ", %u", j == low ? (second ? DZ__W + (m ^ apart) : m) : (second ? DZ__W + m : m ^ apart));
    }
    dz__say(e, ");");
  }
}

void dz__emit_transposing(dz__emitter *e) {
  const char *f = e->name;
  dz__say(e, "#ifdef __AVX512F__\n#define TRANSPOSE");
  say_step(e, 1, "a", "b");
  say_step(e, 2, "b", "c");
  say_step(e, 4, "c", "d");
  dz__say(e, "\n#endif\n/* Eight columns of n rows, which are `step` numbers long, from arrays, and to "
             "arrays: whether "
             "one\n   may not be a finite number. */\n");
  for (int load = 0; load < 2; load++) {
    dz__say(e, "static inline %s %s_%s(%sdouble *p, size_t step, %sdouble *const *o, size_t n) {\n",
            load ? "void" : "bool", f, load ? "columns" : "rows", load ? "const " : "", load ? "" : "const ");
    dz__say(e, "  size_t i = 0, j;\n%s#ifdef __AVX512F__\n", load ? "" : "  double none = 0;\n");
    if (!load) dz__say(e, "  %s_v s = {0};\n", f);
    dz__say(e, "  for (; i + 8 <= n; i += 8) {\n");
    for (unsigned j = 0; j < DZ__W; j++)
      if (load)
        dz__say(e, "    %s_v a%u = LD(p + (i + %u) * step);\n", f, j, j);
      else
        dz__say(e, "    %s_v a%u = LD(o[%u] + i);\n    s += a%u - a%u;\n", f, j, j, j, j);
    dz__say(e, "    TRANSPOSE\n");
    for (unsigned j = 0; j < DZ__W; j++)
      if (load)
        dz__say(e, "    ST(o[%u] + i) = d%u;\n", j, j);
      else
        dz__say(e, "    ST(p + (i + %u) * step) = d%u;\n", j, j);
    dz__say(e, "  }\n%s#endif\n  for (; i < n; i++)\n    for (j = 0; j < 8; j++) %s;\n%s}\n",
            load ? "" : "  for (j = 0; j < 8; j++) none += s[j];\n",
            load ? "o[j][i] = p[i * step + j]" : "none += o[j][i] - o[j][i], p[i * step + j] = o[j][i]",
            load ? "" : "  return none != 0;\n");
  }
}
