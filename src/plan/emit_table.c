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

/* Lines of a source file, without what it includes. */
static void say_file(dz__emitter *e, const char *text) {
  for (const char *at = text; *at;) {
    size_t size = strcspn(at, "\n");
    size += at[size] == '\n';
    if (size <= 9 || strncmp(at, "#include ", 9) != 0) dz__say_text(e, at, size);
    at += size;
  }
}

/* ---- of special.h, what is needed: functions stand between empty lines, behind those that they call ---- */

enum { MOST_PARAGRAPHS = 64 };

typedef struct paragraph {
  const char *at;
  size_t n;
  bool needed;
} paragraph;

static size_t paragraphs_of(const char *text, paragraph *p) {
  size_t count = 0;
  while (*text && count < MOST_PARAGRAPHS) {
    const char *end = strstr(text, "\n\n");
    const size_t n = end ? (size_t)(end - text) + 2 : strlen(text);
    p[count++] = (paragraph){text, n, false};
    text += n;
  }
  return count;
}

static bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether the text calls the function whose name, and "(" behind it, are n characters long. */
static bool calls(const char *text, size_t size, const char *name, size_t n) {
  for (size_t k = 0; k + n <= size; k++)
    if (!strncmp(text + k, name, n) && (k == 0 || !is_of_name(text[k - 1]))) return true;
  return false;
}

static bool formulas_call(const usage *u, const char *name, size_t n) {
  bool any = false;
  for (int f = 0; f < DZ__F_POINTWISE_END; f++) {
    any |= u->of[f] & 1 && calls(table[f].value, strlen(table[f].value), name, n);
    for (int k = 0; k < 3; k++)
      any |= u->of[f] & 2 << k && calls(table[f].partial[k], strlen(table[f].partial[k]), name, n);
  }
  return any;
}

/* Whether a formula, or `behind`, or what is needed of the paragraphs behind, calls a function of paragraph
 * j. */
static bool is_needed(const usage *u, const char *behind, const paragraph *p, size_t j, size_t count) {
  static const char result[] = "double ";
  bool any = false;
  for (const char *at = p[j].at, *end = at + p[j].n; at < end; at = strchr(at, '\n') + 1) {
    const char *head = strncmp(at, "static inline ", 14) ? at : at + 14;
    if (strncmp(head, result, sizeof result - 1)) continue;
    head += sizeof result - 1;
    const size_t n = strcspn(head, "(") + 1;
    any |= formulas_call(u, head, n) || calls(behind, strlen(behind), head, n);
    for (size_t k = j + 1; k < count; k++) any |= p[k].needed && calls(p[k].at, p[k].n, head, n);
  }
  return any;
}

static void say_special(dz__emitter *e, const usage *u, const char *behind) {
  paragraph p[MOST_PARAGRAPHS];
  const size_t count = paragraphs_of(dz__special_h_text, p);
  for (size_t j = count; j-- > 0;) p[j].needed = is_needed(u, behind, p, j, count);
  for (size_t j = 0; j < count; j++)
    if (p[j].needed) dz__say_text(e, p[j].at, p[j].n);
}

static void say_formula(dz__emitter *e, const char *kind, int k, const formulas *f, const char *text) {
  dz__say(e, "static inline double %s_%s", e->name, kind);
  if (k >= 0) dz__say(e, "%u", (unsigned)k);
  dz__say(e, "_%s(double x, double y, double w%s) {\n", f->name, k >= 0 ? ", double z, double TIE" : "");
  dz__say(e, "  (void)x, (void)y, (void)w%s;\n  return %s;\n}\n", k >= 0 ? ", (void)z, (void)TIE" : "", text);
}

void dz__emit_functions(dz__emitter *e) {
  const usage u = used(e);
  const bool gamma = formulas_call(&u, "digamma(", 8) || formulas_call(&u, "polygamma(", 10) ||
                     formulas_call(&u, "tgamma_slope(", 13);
  const char *behind = gamma ? dz__special_c_text : "";
  if (gamma)
    dz__say(e,
            "#define dz__digamma %s_digamma\n#define dz__polygamma %s_polygamma\n"
            "#define dz__tgamma_slope %s_tgamma_slope\n",
            e->name, e->name, e->name);
  say_special(e, &u, behind);
  say_file(e, behind);
  dz__say(e, "\n");
  for (int f = 0; f < DZ__F_POINTWISE_END; f++) {
    if (u.of[f] & 1) say_formula(e, "v", -1, &table[f], table[f].value);
    for (int k = 0; k < 3; k++)
      if (u.of[f] & 2 << k) say_formula(e, "d", k, &table[f], table[f].partial[k]);
  }
}
