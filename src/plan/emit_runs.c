/* Runs of lanes added to the gradient: where several overlap, since lanes read their neighbours, each vector
   of the gradient is read and written once, and what of the others falls into it is carried in registers. */
#include "plan/emit_loop.h"

static uint32_t from(const dz__loop_emitter *k, size_t i) { return k->l->code.at[i].d; }

static size_t distance(uint32_t a, uint32_t b) {
  uint32_t x = dz__place_index(a), y = dz__place_index(b);
  return x < y ? y - x : x - y;
}

static bool one_array(uint32_t a, uint32_t b) { return dz__where_of(a) == dz__where_of(b); }

/* Only where they are apart, or so near that a vector holds what is carried. Additions keep their order. */
void dz__find_runs(dz__loop_emitter *k) {
  const dz__routine *c = &k->l->code;
  size_t at = c->n;
  while (at > c->reverse && c->at[at - 1].op == DZ__I_STORE && c->at[at - 1].c == 1) at--;
  k->runs = at;
  for (size_t i = at; i < c->n; i++)
    for (size_t j = at; j < i; j++) {
      size_t apart = distance(from(k, i), from(k, j));
      if (one_array(from(k, i), from(k, j)) && apart > DZ__W && apart < dz__padded(k->l->lanes))
        k->runs = c->n;
    }
}

/* The lowest of those nearby; equal streams are one, so no two begin at one place. */
size_t dz__head_of_runs(const dz__loop_emitter *k, size_t i) {
  size_t head = i;
  for (size_t j = k->runs; j < k->l->code.n; j++)
    if (one_array(from(k, i), from(k, j)) && distance(from(k, i), from(k, j)) <= DZ__W &&
        from(k, j) < from(k, head))
      head = j;
  return head;
}

static unsigned behind(const dz__loop_emitter *k, size_t i) {
  return (unsigned)distance(from(k, i), from(k, dz__head_of_runs(k, i)));
}

/* How far the last of them is behind i, which is the first. */
static unsigned reach_of(const dz__loop_emitter *k, size_t head) {
  unsigned most = 0;
  for (size_t i = k->runs; i < k->l->code.n; i++)
    if (dz__head_of_runs(k, i) == head && behind(k, i) > most) most = behind(k, i);
  return most;
}

/* What is carried into the first vector is -0, which adds nothing to any number. Entries that only these runs
   write begin with 0, and with what the tile before left there. */
void dz__before_runs(dz__loop_emitter *k) {
  const char *f = k->e->name;
  for (size_t i = k->runs; i < k->l->code.n; i++) {
    dz__say(k->e, "    double e%zu[8];\n", i);
    if (behind(k, i)) dz__say(k->e, "    %s_v b%zu = (%s_v){0} - 0.0;\n", f, i, f);
    if (dz__head_of_runs(k, i) != i || !dz__writes_alone(k->e, from(k, i))) continue;
    dz__say(k->e, "    %s_v y%zu = {0};\n    %s_i n%zu = {0};\n", f, i, f, i);
    for (unsigned j = 0; j < reach_of(k, i); j++)
      dz__say(k->e, "    if (lane) y%zu[%u] = (%s)[lane + %u];\n", i, j, dz__operand_at(k, from(k, i)).text,
              j);
  }
}

static void say_cluster(dz__loop_emitter *k, size_t head) {
  const dz__routine *c = &k->l->code;
  dz__emitter *e = k->e;
  dz__operand_text at = dz__operand_at(k, from(k, head));
  bool alone = dz__writes_alone(e, from(k, head));
  if (alone)
    dz__say(e, "        %s_v z%zu = y%zu;\n        y%zu = (%s_v){0};\n", e->name, head, head, head, e->name);
  else
    dz__say(e, "        %s_v z%zu = LD(%s + lane + i);\n", e->name, head, at.text);
  for (size_t i = k->runs; i < c->n; i++) {
    unsigned r = dz__place_index(c->at[i].a), far = behind(k, i);
    if (dz__head_of_runs(k, i) != head) continue;
    if (far)
      dz__say(e, "        z%zu += SHIFT%u(b%zu, r%u);\n        b%zu = r%u;\n", head, far, i, r, i, r);
    else
      dz__say(e, "        z%zu += r%u;\n", head, r);
  }
  dz__say(e, "        ST(%s + lane + i) = z%zu;\n", at.text, head);
  if (alone) dz__say(e, "        n%zu |= z%zu != z%zu;\n", head, head, head);
}

void dz__say_runs(dz__loop_emitter *k) {
  const dz__routine *c = &k->l->code;
  dz__say(k->e, "      if (n < 8) {\n");
  for (size_t i = k->runs; i < c->n; i++)
    dz__say(k->e, "        ST(e%zu) = r%u;\n", i, (unsigned)dz__place_index(c->at[i].a));
  dz__say(k->e, "      } else {\n");
  for (size_t i = k->runs; i < c->n; i++)
    if (dz__head_of_runs(k, i) == i) say_cluster(k, i);
  dz__say(k->e, "      }\n");
}

/* What lies behind the last vector; of lanes that fill no vector all. */
static void say_rest(dz__loop_emitter *k, size_t head) {
  dz__emitter *e = k->e;
  const char *at = dz__operand_at(k, from(k, head)).text;
  unsigned reach = reach_of(k, head);
  if (dz__writes_alone(e, from(k, head))) {
    dz__say(e, "    if (n < 8) for (i = lane ? %u : 0; i < n + %u; i++) (%s)[lane + i] = 0;\n", reach, reach,
            at);
    dz__say(e, "    else for (i = 0; i < %u; i++) (%s)[lane + n + i] = 0;\n", reach, at);
    dz__say(e, "    for (i = 0; i < 8; i++) if (n%zu[i]) w[%zu] = 1;\n", head, e->p->program.memory);
  }
}

void dz__after_runs(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  for (size_t i = k->runs; i < k->l->code.n; i++)
    if (dz__head_of_runs(k, i) == i) say_rest(k, i);
  for (size_t i = k->runs; i < k->l->code.n; i++) {
    dz__operand_text at = dz__operand_at(k, from(k, i));
    unsigned far = behind(k, i);
    dz__say(e, "    if (n < 8) %s_add(%s + lane, e%zu, n);\n", e->name, at.text, i);
    if (far)
      dz__say(e, "    else ST(e%zu) = b%zu, %s_add(%s + lane + n - %u, e%zu + %u, %u);\n", i, i, e->name,
              at.text, far, i, DZ__W - far, far);
  }
}

static void say_shift(dz__emitter *e, unsigned far) {
  dz__say(e, "#define SHIFT%u(a, b) SHUFFLE(a, b", far);
  for (unsigned k = 0; k < DZ__W; k++) dz__say(e, ", %u", DZ__W - far + k);
  dz__say(e, ")\n");
}

void dz__emit_vectors(dz__emitter *e) {
  const char *f = e->name;
  dz__say(e,
          "\n/* Eight lanes of a loop. */\ntypedef double %s_v __attribute__((vector_size(64)));\n"
          "typedef double %s_u __attribute__((vector_size(64), aligned(8), may_alias));\n"
          "typedef long long %s_i __attribute__((vector_size(64)));\n"
          "#define LD(p) (*(const %s_u *)(p))\n#define ST(p) (*(%s_u *)(p))\n"
          "#define PICK(c, x, y) ((%s_v)(((%s_i)(c) & (%s_i)(x)) | (~(%s_i)(c) & (%s_i)(y))))\n",
          f, f, f, f, f, f, f, f, f, f);
  dz__say(e,
          "#if defined(__clang__)\n#define SHUFFLE __builtin_shufflevector\n#else\n"
          "#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (%s_i){__VA_ARGS__})\n#endif\n",
          f);
  for (unsigned far = 1; far <= DZ__W; far++) say_shift(e, far);
  dz__say(e,
          "/* Numbers from p on for a vector, of which only n exist; behind them stand copies of the last "
          "one, with\n"
          "   which no function traps that does not with itself. */\n"
          "static inline const double *%s_from(const double *p, size_t n, double *room) {\n  size_t i;\n"
          "  if (n >= 8) return p;\n  for (i = 0; i < 8; i++) room[i] = p[i < n ? i : n - 1];\n  return "
          "room;\n}\n"
          "static inline void %s_add(double *d, const double *x, size_t n) {\n  size_t i;\n"
          "  for (i = 0; i < n; i++) d[i] += x[i];\n}\n"
          "static inline void %s_fill(double *d, size_t n) {\n  for (; n & 7; n++) d[n] = d[n - 1];\n}\n\n",
          f, f, f);
}
