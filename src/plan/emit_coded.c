/* A long program around as numbers, and a function that runs them: compilers take tenths of a millisecond for
   a statement, however it is cut into functions. */
#include "plan/emit.h"

#include "base/never.h"
#include "kernels/pointwise.h"

enum { LINE, QUOTIENT, FUNCTION, BOTH, PARTIAL, FLOWS };
static const uint32_t none = 0xffffffffu;

typedef struct coder {
  dz__emitter *e;
  const dz__formulas *f;
  size_t words; /* so far */
  bool counts;  /* nothing is written, words are only counted */
} coder;

static void word(coder *k, uint32_t x) {
  if (!k->counts) dz__say(k->e, "%s%u,", k->words % 12 ? " " : "\n  ", (unsigned)x);
  k->words++;
}

/* The array in bits 0 and 1, whether the number is subtracted in bit 2. */
static uint32_t spot(uint32_t place, bool minus) {
  unsigned kind = dz__where_of(place), array = kind == DZ__IN ? 1 : kind == DZ__GRAD ? 2 : 0;
  return dz__place_index(place) << 3 | (minus ? 4u : 0) | array;
}

static void head(coder *k, unsigned kind, bool add, size_t n, uint32_t d) {
  word(k, kind | (add ? 8u : 0) | (uint32_t)n << 4);
  word(k, spot(d, false));
}

static void term(coder *k, uint32_t a, uint32_t b, bool minus) {
  word(k, spot(a, minus));
  word(k, b == DZ__NOWHERE ? none : spot(b, false));
}

static void code_sum(coder *k, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->a;
  head(k, LINE, false, i->b, i->d);
  for (uint32_t j = 0; j < i->b; j++, t += 3)
    term(k, t[1], (t[0] & DZ__T_MASK) >= DZ__T_VV ? t[2] : DZ__NOWHERE, t[0] & DZ__SUBTRACT);
}

static void code_flows(coder *k, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->b;
  head(k, FLOWS, false, i->c, i->a);
  for (uint32_t j = 0; j < i->c; j++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    term(k, t[2], t[1], t[0] & DZ__SUBTRACT);
    word(k, !dz__flow_sets(how));
  }
}

static void code_partial(coder *k, const dz__instruction *i, const uint32_t *list) {
  bool mask = dz__pointwise[i->fn].mask[i->mode];
  size_t n = (size_t)k->f->partial[i->fn][i->mode] << 2 | (mask ? 2u : 0) | (i->flags ? 1u : 0);
  head(k, PARTIAL, i->op == DZ__I_PARTADD, n, i->d);
  for (uint32_t j = 0; j < 5; j++) word(k, spot(list[i->a + j], false));
}

static void code_line(coder *k, const dz__instruction *i) {
  const unsigned op = i->op;
  bool two = op == DZ__I_ADD || op == DZ__I_SUB,
       product = op == DZ__I_MUL || op == DZ__I_MULNEG || op == DZ__I_MULADD || op == DZ__I_MULSUB,
       add = op == DZ__I_ACC || op == DZ__I_DEC || op == DZ__I_MULADD || op == DZ__I_MULSUB,
       minus = op == DZ__I_NEG || op == DZ__I_DEC || op == DZ__I_MULNEG || op == DZ__I_MULSUB;
  if (DZ__NEVER(op == DZ__I_ZERO)) return; /* only states and choices begin with it, in loops */
  head(k, LINE, add, two ? 2 : 1, i->d);
  term(k, i->a, product ? i->b : DZ__NOWHERE, minus);
  if (two) term(k, i->b, DZ__NOWHERE, op == DZ__I_SUB);
}

static void code(coder *k, const dz__instruction *i, const uint32_t *list) {
  switch ((dz__step_op)i->op) {
  case DZ__I_CALL:
    break;
  case DZ__I_SUM:
    code_sum(k, i, list);
    break;
  case DZ__I_RSUM:
    code_flows(k, i, list);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    code_partial(k, i, list);
    break;
  case DZ__I_DIV:
    head(k, QUOTIENT, false, 0, i->d);
    word(k, spot(i->a, false)), word(k, spot(i->b, false));
    break;
  case DZ__I_FN:
    head(k, FUNCTION, false, k->f->value[i->fn], i->d);
    word(k, spot(i->a, false)), word(k, spot(i->b, false)), word(k, spot(i->c, false));
    break;
  case DZ__I_FNK:
    head(k, BOTH, false, k->f->value[i->fn], i->d);
    word(k, spot(i->a, false)), word(k, spot(i->b, false)), word(k, k->f->partial[i->fn][0]);
    break;
  default:
    code_line(k, i);
  }
}

/* ---- what runs it ---- */

static const char *const runner[] = {
    "  const double *const from[] = {w, in, grad};\n  double *const to[] = {w, NULL, grad};\n"
    "  while (c < end) {\n    const uint32_t add = *c >> 3 & 1, n = *c >> 4;\n"
    "    double *const d = to[c[1] & 3] + (c[1] >> 3);\n    uint32_t j;\n    switch (*c & 7) {\n",
    "    case 0: {\n      double s = add ? *d : 0;\n      for (c += 2, j = 0; j < n; j++, c += 2) {\n"
    "        double y = AT(c[0]);\n        if (c[1] != 0xffffffffu) y *= AT(c[1]);\n"
    "        if (c[0] & 4) y = -y;\n        s = add || j ? s + y : y;\n      }\n      *d = s;\n      "
    "break;\n    }\n",
    "    case 1:\n      *d = AT(c[2]) / AT(c[3]);\n      c += 4;\n      break;\n",
    "    case 2:\n      *d = VALUES[n](AT(c[2]), AT(c[3]), AT(c[4]));\n      c += 5;\n      break;\n",
    "    case 3: {\n      const double y = AT(c[2]), z = VALUES[n](y, 0, 0);\n"
    "      to[c[3] & 3][c[3] >> 3] = PARTIALS[c[4]](y, 0, 0, z, 0);\n      *d = z;\n      c += 5;\n      "
    "break;\n"
    "    }\n",
    "    case 4: {\n      const double p = PARTIALS[n >> 2](AT(c[2]), AT(c[3]), AT(c[4]), AT(c[5]), n & 1 ? "
    ".5 : 0);\n"
    "      const double y = n & 2 && p == 0 ? 0 : p * AT(c[6]);\n      *d = add ? *d + y : y;\n      c += "
    "7;\n"
    "      break;\n    }\n",
    "    default: {\n      const double g = AT(c[1]);\n      for (c += 2, j = 0; j < n; j++, c += 3) {\n"
    "        double y = c[0] & 4 ? -g : g, *const t = to[c[0] & 3] + (c[0] >> 3);\n"
    "        if (c[1] != 0xffffffffu) y *= AT(c[1]);\n        *t = c[2] ? *t + y : y;\n      }\n    }\n"
    "    }\n  }\n}\n"};

void dz__emit_formulas(dz__emitter *e) {
  dz__formulas numbers, *f = &numbers;
  dz__number_formulas(e, f);
  dz__say(e, "static double (*const %s_values[])(double, double, double) = {NULL", e->name);
  for (int n = 0; n < DZ__F_POINTWISE_END; n++)
    if (f->value[n]) dz__say(e, ", %s_v_%s", e->name, dz__ops[n].name);
  dz__say(e, "};\nstatic double (*const %s_partials[])(double, double, double, double, double) = {NULL",
          e->name);
  for (int n = 0; n < DZ__F_POINTWISE_END; n++)
    for (unsigned j = 0; j < 3; j++)
      if (f->partial[n][j]) dz__say(e, ", %s_d%u_%s", e->name, j, dz__ops[n].name);
  dz__say(e, "};\n");
}

size_t dz__emit_coded(dz__emitter *e, size_t from, size_t end, size_t first) {
  const dz__routine *c = &e->p->program.code;
  dz__formulas f;
  dz__number_formulas(e, &f);
  coder k = {.e = e, .f = &f, .counts = true};
  size_t piece = first;
  for (size_t i = 0; i < from; i++) code(&k, &c->at[i], c->list);
  while (from < end) {
    size_t begin = k.words;
    if (c->at[from].op == DZ__I_CALL) {
      from++;
      continue;
    }
    while (from < end && c->at[from].op != DZ__I_CALL) code(&k, &c->at[from++], c->list);
    dz__say(e,
            "static void %s_piece%zu(const double *in, double *grad, double *w) {\n  %s_coded(%s_code + %zu, "
            "%s_code + %zu, in, grad, w);\n}\n",
            e->name, piece++, e->name, e->name, begin, e->name, k.words);
  }
  return piece - first;
}

void dz__emit_code(dz__emitter *e) {
  const dz__routine *c = &e->p->program.code;
  dz__formulas f;
  dz__number_formulas(e, &f);
  coder k = {.e = e, .f = &f};
  if (e->outside || !dz__needs_care(e->p)) dz__emit_formulas(e);
  dz__say(e, "static const uint32_t %s_code[] = {", e->name);
  for (size_t i = 0; i < c->n; i++) code(&k, &c->at[i], c->list);
  dz__say(
      e,
      "0};\n#define AT(x) from[(x) & 3][(x) >> 3]\n#define VALUES %s_values\n#define PARTIALS %s_partials\n",
      e->name, e->name);
  dz__say(e,
          "static void %s_coded(const uint32_t *c, const uint32_t *end, const double *in, double *grad, "
          "double *w) "
          "{\n",
          e->name);
  for (size_t j = 0; j < sizeof runner / sizeof *runner; j++) dz__say(e, "%s", runner[j]);
}
