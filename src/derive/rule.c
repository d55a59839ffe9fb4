/* A table line's text becomes nodes: all rules are one program of functions in dz's own language, parsed once
 * per tape. */
#include "derive/rule.h"

#include "dz/text.h"
#include "kernels/pointwise.h"
#include "lang/machine.h"

#include <math.h>
#include <string.h>

/* ---- the program of rules ---- */

typedef struct text {
  char *at;
  size_t n, cap;
} text;

static bool put(const dz_allocator *a, text *s, const char *piece, size_t size) {
  void *at = s->at;
  if (!dz__grow(a, &at, &s->cap, s->n + size, 1)) return false;
  s->at = at;
  memcpy(s->at + s->n, piece, size);
  s->n += size;
  return true;
}

static bool starts(const char *at, const char *word) { return strncmp(at, word, strlen(word)) == 0; }

/* The table's C words as dz's: MASK is told apart elsewhere, and a mask has no slope. */
static bool put_rule(const dz_allocator *a, text *s, const char *rule) {
  static const struct {
    const char *c, *dz;
  } words[] = {{"INFINITY", "(1/0)"}, {"NAN", "(0/0)"}, {"MASK(", "stop("}};
  bool done = true;
  for (const char *at = rule; *at;) {
    const char *piece = at;
    size_t used = 1, size = 1;
    for (int k = 0; k < 3; k++)
      if (starts(at, words[k].c)) piece = words[k].dz, size = strlen(piece), used = strlen(words[k].c);
    done &= put(a, s, piece, size);
    at += used;
  }
  return done;
}

/* The rules in the order of the table, which is that of the program's last functions. */
enum {
#define OP1(name, ...) RULE_##name,
#define OP2(name, ...) RULE_##name, RULE_##name##_TO_Y,
#define OP3(name, ...) RULE_##name, RULE_##name##_TO_Y, RULE_##name##_TO_W,
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
  RULES
};

static const uint8_t first_rule[DZ__F_POINTWISE_END] = {
#define OP1(name, ...) [DZ__F_##name] = RULE_##name,
#define OP2(name, ...) [DZ__F_##name] = RULE_##name,
#define OP3(name, ...) [DZ__F_##name] = RULE_##name,
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};
_Static_assert(RULES <= UINT8_MAX, "a place among the rules is one byte");

/* The function of operation fn's partial to operand k. */
static uint32_t rule_of(const dz_program *p, dz__fn fn, int k) {
  return (uint32_t)(p->functions.n - RULES) + first_rule[fn] + (uint32_t)k;
}

static void rule_name(int fn, int k, char out[16]) {
  char number[32];
  size_t n = dz_number_write(fn, 0, number);
  memcpy(out, "rule", 4);
  memcpy(out + 4, number, n);
  out[4 + n] = '_';
  out[5 + n] = (char)('0' + k);
  out[6 + n] = 0;
}

static bool put_line(const dz_allocator *a, text *s, int fn, int k) {
  char name[16];
  rule_name(fn, k, name);
  bool done = put(a, s, name, strlen(name));
  done &= put(a, s, "(x, y, w, z, TIE) = ", 20);
  done &= put_rule(a, s, dz__ops[fn].partial[k]);
  done &= put(a, s, "\n", 1);
  return done;
}

static dz_program *parse_rules(const dz_allocator *a, dz_error *e) {
  text s = {NULL, 0, 0};
  bool done = true;
  for (int fn = 0; fn < DZ__F_POINTWISE_END; fn++)
    for (int k = 0; k < dz__ops[fn].arity; k++) done &= put_line(a, &s, fn, k);
  dz_program *p = NULL;
  done &= put(a, &s, "0\n", 2);
  if (done)
    p = dz_program_parse(s.at, s.n, "pointwise.def", a, e);
  else
    dz__fail(e, DZ_ERR_MEMORY, "derive", "out of memory for the rules");
  dz__free(a, s.at, s.cap);
  return p;
}

static dz__machine *machine_with_rules(dz_tape *t) {
  dz__tape *s = dz__of(t);
  dz__machine *m = s->prelude;
  if (!m || !m->p) m = dz__machine_of(t); /* one that is at work stays as it is */
  if (!m || m->rules) return m;
  dz_error e = {.status = DZ_OK};
  m->rules = parse_rules(&m->alloc, &e);
  if (m->rules) return m;
  dz__poison(t, e.status, "derive", "the rules: %s", e.message);
  return NULL;
}

static dz_var run_rule(dz__machine *m, uint32_t index, int n, const dz_var *args) {
  dz_var r = {.tape = m->t, .id = DZ__NONE};
  const dz_program *p = m->p;
  uint32_t pc = m->pc;
  int line = m->line;
  bool fixed = m->fixed, done = true;
  uint64_t steps = m->steps; /* of the program at work: rules are not its functions */
  size_t height = m->values.n;
  m->p = m->rules;
  m->pc = UINT32_MAX;
  m->fixed = true;
  m->steps = 0;
  for (int k = 0; done && k < n; k++)
    done = dz__push_value(m, (dz__value){.v = args[k], .literal = DZ__V_PLAIN});
  if (done && dz__enter(m, index, (uint32_t)n) && dz__run(m)) {
    dz__settle(m, dz__values_from_top(m, 1), &r);
    m->values.n = height;
  }
  m->p = p;
  m->pc = pc;
  m->line = line;
  m->fixed = fixed;
  m->steps = steps;
  return r;
}

/* ---- products ---- */

static bool is_value(dz_var x, double v) { return dz_is_number(x) && dz__number(x) == v; }

dz_var dz__times(dz_var p, dz_var g) {
  if (is_value(p, 1)) return g;
  if (is_value(g, 1)) return p;
  if (is_value(p, -1)) return dz__record(DZ__F_neg, 1, &g, 0, NULL);
  if (is_value(g, -1)) return dz__record(DZ__F_neg, 1, &p, 0, NULL);
  return dz__two(DZ__F_mul, g, p);
}

/* Nothing flows where the mask is 0, whatever g is. */
static dz__flow through_mask(dz_var p, dz__flow f, bool careful) {
  dz_var c = dz__times(p, f.g);
  if (dz_is_number(p)) return dz__number(p) == 0 ? (dz__flow){{0}, {0}} : (dz__flow){c, f.reach};
  if (!f.reach.tape && !careful)
    return (dz__flow){dz__choose(dz__two(DZ__F_eq, p, dz_num(0)), dz_num(0), c), {0}};
  dz_var open = dz__two(DZ__F_ne, p, dz_num(0));
  if (f.reach.tape) open = dz__two(DZ__F_and, f.reach, open);
  return (dz__flow){dz__choose(open, c, dz_num(0)), open};
}

dz__flow dz__flow_through(dz_var p, bool mask, dz__flow f, bool careful) {
  if (!dz__good(p)) return (dz__flow){p, {0}};
  if (mask) return through_mask(p, f, careful);
  dz_var c = dz__times(p, f.g);
  bool safe = !f.reach.tape || (dz_is_number(p) && isfinite(dz__number(p)));
  return (dz__flow){safe ? c : dz__choose(f.reach, c, dz_num(0)), f.reach};
}

bool dz__rule_varies(dz__fn fn, int k, const dz_var *in) {
  if (fn == DZ__F_user) return true;
  if (fn >= DZ__F_POINTWISE_END) return dz__tensor_varies(fn, in);
  const char *p = dz__ops[fn].partial[k];
  return strcmp(p, "1") != 0 && strcmp(p, "-1") != 0 && strcmp(p, "MASK(0)") != 0;
}

dz__flow dz__rule_pointwise(dz_tape *t, dz__fn fn, int k, const dz_var *in, dz_var z, double tie, dz__flow f,
                            bool careful) {
  dz__machine *m = machine_with_rules(t);
  if (!m) return (dz__flow){{.tape = t, .id = DZ__NONE}, {0}};
  int n = dz__ops[fn].arity;
  dz_var args[5] = {in[0], n > 1 ? in[1] : dz_num(0), n > 2 ? in[2] : dz_num(0), z, dz_num(tie)};
  dz_var p = run_rule(m, rule_of(m->rules, fn, k), 5, args);
  return dz__flow_through(p, dz__pointwise[fn].mask[k], f, careful);
}
