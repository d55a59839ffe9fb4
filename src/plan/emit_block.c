/* Blocks of arithmetic: one loop over vectors each, whose values stay in registers. */
#include "plan/emit_loop.h"

#include "kernels/pointwise.h"

#include <stdio.h>

/* ---- operands ---- */

/* A vector's first element for the lanes at hand. */
dz__operand_text dz__operand_at(const dz__loop_emitter *k, uint32_t place) {
  dz__operand_text s;
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
  case DZ__OUT: /* of a map */
    snprintf(s.text, sizeof s.text, "A + %u", n);
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
static dz__operand_text in_block(const dz__loop_emitter *k, uint32_t place) {
  dz__operand_text s;
  unsigned n = dz__place_index(place);
  bool in = dz__where_of(place) == DZ__IN;
  if (dz__is_slot(place))
    snprintf(s.text, sizeof s.text, "r%u", n);
  else if (dz__one_for_all(place) && listed(k, place))
    snprintf(s.text, sizeof s.text, "%s%u", in ? "i" : "c", n);
  else if (dz__one_for_all(place))
    snprintf(s.text, sizeof s.text, "%s[%u]", in ? "in" : "w", n);
  else {
    dz__operand_text a = dz__operand_at(k, place);
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
    const dz__instruction *again = k->maker[slot];
    if (access & DZ__READ && again)
      dz__say(k->e, "      %s_v r%u = %s%s%s;\n", k->e->name, (unsigned)slot, in_block(k, again->a).text,
              dz__forms[again->op].between, in_block(k, again->b).text);
    else if (access & DZ__READ)
      dz__say(k->e, "      %s_v r%u = LD(%s + i);\n", k->e->name, (unsigned)slot,
              dz__operand_at(k, *place).text);
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

/* Few numbers for all lanes have variables: more would not stay in registers. */
enum { MOST_UNIFORM = 12 };

/* Whether places have more numbers than one. */
static bool is_run(const dz__instruction *i) {
  return i->op == DZ__I_LOAD || i->op == DZ__I_STORE || i->op == DZ__I_PUT;
}

/* An accumulator in a block: in a register, for all of a block are in the list. */
static dz__operand_text accumulator(uint32_t acc) {
  dz__operand_text s;
  snprintf(s.text, sizeof s.text, "a%u", (unsigned)acc);
  return s;
}

void dz__each_sum(dz__loop_emitter *k, const dz__instruction *i, dz__visit_sum *f) {
  const dz__routine *c = &k->l->code;
  if (dz__op_sums(i->op)) f(k, i->d);
  if (i->op != DZ__I_RSUM) return;
  for (uint32_t j = 0; j < i->c; j++) {
    const uint32_t *t = c->list + i->b + 3 * j;
    unsigned how = t[0] & DZ__T_MASK;
    if (dz__flow_sums(how)) f(k, t[2]);
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
  dz__operand_text g = in_block(k, i->a);
  for (uint32_t j = 0; j < i->c; j++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    bool set = dz__flow_sets(how), factor = t[1] != DZ__NOWHERE;
    bool minus = t[0] & DZ__SUBTRACT;
    if (dz__flow_sums(how))
      dz__say(k->e, "      %s %s %s", accumulator(t[2]).text, minus ? "-=" : "+=", g.text);
    else
      dz__say(k->e, "      r%u %s %s%s", (unsigned)dz__place_index(t[2]),
              set     ? "="
              : minus ? "-="
                      : "+=",
              set && minus ? "-" : "", g.text);
    dz__say(k->e, "%s%s;\n", factor ? " * " : "", factor ? in_block(k, t[1]).text : "");
  }
}

/* The factor of a logarithm's slope. */
static const char *slope_of_log(unsigned fn) {
  return fn == DZ__F_log2 ? "1.4426950408889634" : fn == DZ__F_log10 ? "0.4342944819032518" : "1";
}

/* Partials that are arithmetic alone, as the table has them. Of its operands x y w z g only those are read
   that they mention. */
static void say_partial(dz__loop_emitter *k, dz__instruction *i) {
  uint32_t *t = k->l->code.list + i->a;
  const bool quotient = i->fn == DZ__F_div, root = i->fn == DZ__F_sqrt;
  if (quotient) declare(k, &t[1], DZ__READ);
  if (!quotient && !root) declare(k, &t[0], DZ__READ);
  if (!quotient || i->mode == 1) declare(k, &t[3], DZ__READ);
  declare(k, &t[4], DZ__READ);
  declare(k, &i->d, i->op == DZ__I_PART ? DZ__WRITTEN : DZ__READ | DZ__WRITTEN);
  dz__operand_text x = in_block(k, t[0]), y = in_block(k, t[1]), z = in_block(k, t[3]);
  dz__say(k->e, "      %s %s ", in_block(k, i->d).text, i->op == DZ__I_PART ? "=" : "+=");
  if (root)
    dz__say(k->e, "(.5 / (%s + 0))", z.text);
  else if (quotient && i->mode == 0)
    dz__say(k->e, "(1 / %s)", y.text);
  else if (quotient)
    dz__say(k->e, "(-%s / %s)", z.text, y.text);
  else
    dz__say(k->e, "PICK(%s == %s, %s / (%s + %s), %s)", z.text, z.text, slope_of_log(i->fn),
            i->fn == DZ__F_log1p ? "1" : x.text, i->fn == DZ__F_log1p ? x.text : "0", z.text);
  dz__say(k->e, " * %s;\n", in_block(k, t[4]).text);
}

static void say_arithmetic(dz__loop_emitter *k, const dz__instruction *i) {
  bool red = dz__op_sums(i->op), direct = !red && !dz__is_slot(i->d);
  dz__operand_text d = red ? accumulator(i->d) : direct ? dz__operand_at(k, i->d) : in_block(k, i->d);
  if (direct)
    dz__say(k->e, "      ST(%s + i) ", d.text);
  else
    dz__say(k->e, "      %s ", d.text);
  const char *between = dz__forms[i->op].between;
  dz__say(k->e, "%s %s%s%s%s%s;\n", dz__forms[i->op].assign, dz__forms[i->op].before, in_block(k, i->a).text,
          between, between[0] ? in_block(k, i->b).text : "", dz__forms[i->op].after);
}

/* What is put is a vector also where it is the same for all. */
static void say_put(dz__loop_emitter *k, const dz__instruction *i) {
  dz__say_put(k, (size_t)(i - k->l->code.at), in_block(k, i->a).text);
}

static void say_in_block(dz__loop_emitter *k, dz__instruction *i) {
  bool partial = i->op == DZ__I_PART || i->op == DZ__I_PARTADD;
  if (!partial) dz__each_place(&k->l->code, i, declare, k);
  switch ((dz__step_op)i->op) {
  case DZ__I_SUM:
    say_sum(k, i);
    break;
  case DZ__I_RSUM:
    say_flows(k, i);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    say_partial(k, i);
    break;
  case DZ__I_LOAD:
    dz__say(k->e, "      %s = LD(p%zu + i);\n", in_block(k, i->d).text, (size_t)(i - k->l->code.at));
    break;
  case DZ__I_STORE: /* with its neighbours, at the end */
    break;
  case DZ__I_PUT:
    say_put(k, i);
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

/* Variables for what stays the same, and where runs of lanes are read. */
static void before(dz__loop_emitter *k, size_t from, size_t end) {
  const dz__routine *c = &k->l->code;
  dz__emitter *e = k->e;
  k->uniforms = 0;
  for (size_t i = from; i < end; i++)
    if (!is_run(&c->at[i]))
      dz__each_place(c, &c->at[i], collect, k);
    else if (c->at[i].op == DZ__I_PUT)
      collect(k, &c->at[i].a, DZ__READ);
  if (k->uniforms > MOST_UNIFORM) k->uniforms = 0;
  for (size_t i = from; i < end; i++) dz__each_sum(k, &c->at[i], collect_acc);
  for (size_t j = 0; j < k->uniforms; j++) {
    uint32_t n = dz__place_index(k->uniform[j]);
    if (dz__where_of(k->uniform[j]) == DZ__OUT)
      dz__say(e, "    %s_v a%u = LD(A + %u);\n", e->name, (unsigned)n, (unsigned)n * DZ__W);
    else
      dz__say(e, "    const double %s = %s[%u];\n", in_block(k, k->uniform[j]).text,
              dz__where_of(k->uniform[j]) == DZ__IN ? "in" : "w", (unsigned)n);
  }
  for (size_t i = from; i < end; i++)
    if (c->at[i].op == DZ__I_LOAD)
      dz__say(e, "    double u%zu[8];\n    const double *const p%zu = %s_from(%s + lane, n, u%zu);\n", i, i,
              e->name, dz__operand_at(k, c->at[i].a).text, i);
  if (end > k->runs) dz__before_runs(k);
  dz__before_puts(k, from, end);
}

void dz__say_block(dz__loop_emitter *k, size_t b, size_t end) {
  const dz__routine *c = &k->l->code;
  dz__emitter *e = k->e;
  dz__say(e, "  {\n");
  before(k, k->begin[b], end);
  dz__say(e, "    for (i = 0; i < n; i += 8) {\n");
  for (size_t i = k->begin[b]; i < end; i++) {
    say_in_block(k, &c->at[i]);
    dz__note_maker(k, &c->at[i]);
  }
  for (size_t j = 0; j < k->count[b] && end == k->begin[b + 1]; j++) {
    uint32_t slot = k->store[k->first[b] + j];
    dz__say(e, "      ST(R + %zu + i) = r%u;\n", slot * k->l->tile, (unsigned)slot);
  }
  if (end > k->runs) dz__say_runs(k);
  dz__say_puts(k, b + 1 == k->blocks);
  dz__say(e, "    }\n");
  for (size_t j = 0; j < k->uniforms; j++)
    if (dz__where_of(k->uniform[j]) == DZ__OUT) {
      unsigned n = dz__place_index(k->uniform[j]);
      dz__say(e, "    ST(A + %u) = a%u;\n", n * DZ__W, n);
    }
  if (end > k->runs) dz__after_runs(k);
  dz__after_puts(k);
  dz__say(e, "  }\n");
}
