/* The table's kernels as C text: the reading that special.h gives them. */
#include "plan/emit.h"

#include <string.h>

/* special.h decides which of a line's two texts is meant; its functions are not wanted here. */
#define DZ_KERNELS_SPECIAL_H

typedef struct formulas {
  const char *name, *value, *partial[3];
} formulas;

static const formulas table[DZ__F_POINTWISE_END] = {
#define OP1(name, low, high, value, dx) {#name, #value, {#dx, NULL, NULL}},
#define OP2(name, low, high, value, dx, dy) {#name, #value, {#dx, #dy, NULL}},
#define OP3(name, low, high, value, dx, dy, dw) {#name, #value, {#dx, #dy, #dw}},
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};

extern const char dz__special_h_text[], dz__special_c_text[];

/* Which formulas the plan uses: bit 0 the value, 1 to 3 the partials. */
typedef struct usage {
  uint8_t of[DZ__F_POINTWISE_END];
} usage;

static void note(usage *u, const dz__routine *c) {
  for (size_t k = 0; k < c->n; k++) {
    const dz__instruction *i = &c->at[k];
    if (i->op == DZ__I_FN) u->of[i->fn] |= 1;
    if (i->op == DZ__I_FNK) u->of[i->fn] |= 3;
    if (i->op == DZ__I_PART || i->op == DZ__I_PARTADD) u->of[i->fn] |= (uint8_t)(2 << i->mode);
  }
}

static usage used(const dz__emitter *e) {
  usage u = {{0}};
  note(&u, &e->p->program.code);
  for (size_t k = 0; k < e->p->program.loops; k++) note(&u, &e->p->program.loop[k].code);
  return u;
}

void dz__number_formulas(const dz__emitter *e, dz__formulas *f) {
  const usage u = used(e);
  uint32_t values = 0, partials = 0;
  *f = (dz__formulas){.value = {0}};
  for (int k = 0; k < DZ__F_POINTWISE_END; k++) {
    if (u.of[k] & 1) f->value[k] = ++values;
    for (int j = 0; j < 3; j++)
      if (u.of[k] & 2 << j) f->partial[k][j] = ++partials;
  }
}

static bool mentions(const char *text, const char *const *names) {
  for (; *names; names++)
    if (strstr(text, *names)) return true;
  return false;
}

static bool any_mentions(const usage *u, const char *const *names) {
  for (int f = 0; f < DZ__F_POINTWISE_END; f++) {
    if (u->of[f] & 1 && mentions(table[f].value, names)) return true;
    for (int k = 0; k < 3; k++)
      if (u->of[f] & 2 << k && mentions(table[f].partial[k], names)) return true;
  }
  return false;
}

/* Lines of a source file, without what it includes. */
static void say_file(dz__emitter *e, const char *text) {
  for (const char *at = text; *at;) {
    size_t size = strcspn(at, "\n");
    size += at[size] == '\n';
    bool include = size > 9 && strncmp(at, "#include ", 9) == 0;
    for (size_t k = 0; k < size && !include; k += 2000) {
      char piece[2001];
      size_t n = size - k < 2000 ? size - k : 2000;
      memcpy(piece, at + k, n);
      piece[n] = 0;
      dz__say(e, "%s", piece);
    }
    at += size;
  }
}

static void say_formula(dz__emitter *e, const char *kind, int k, const formulas *f, const char *text) {
  dz__say(e, "static inline double %s_%s", e->name, kind);
  if (k >= 0) dz__say(e, "%u", (unsigned)k);
  dz__say(e, "_%s(double x, double y, double w%s) {\n", f->name, k >= 0 ? ", double z, double TIE" : "");
  dz__say(e, "  (void)x, (void)y, (void)w%s;\n  return %s;\n}\n", k >= 0 ? ", (void)z, (void)TIE" : "", text);
}

void dz__emit_functions(dz__emitter *e) {
  static const char *const special[] = {"sigmoid", "softplus",  "gauss",  "logaddexp", "mod(",    "sign(",
                                        "digamma", "polygamma", "_slope", "_value",    "pow_to_", NULL};
  static const char *const gamma[] = {"digamma", "polygamma", "tgamma_slope", NULL};
  usage u = used(e);
  if (any_mentions(&u, gamma))
    dz__say(e,
            "#define dz__digamma %s_digamma\n#define dz__polygamma %s_polygamma\n"
            "#define dz__tgamma_slope %s_tgamma_slope\n",
            e->name, e->name, e->name);
  if (any_mentions(&u, special)) say_file(e, dz__special_h_text);
  if (any_mentions(&u, gamma)) say_file(e, dz__special_c_text);
  dz__say(e, "\n");
  for (int f = 0; f < DZ__F_POINTWISE_END; f++) {
    if (u.of[f] & 1) say_formula(e, "v", -1, &table[f], table[f].value);
    for (int k = 0; k < 3; k++)
      if (u.of[f] & 2 << k) say_formula(e, "d", k, &table[f], table[f].partial[k]);
  }
}
