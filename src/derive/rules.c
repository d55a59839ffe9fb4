/* The table's texts become one program; it is recorded on a tape of its own, whose nodes are the patterns. */
#include "derive/rules.h"

#include "dz/text.h"
#include "ops/op.h"
#include "tape/tape.h"

#include <string.h>

static const dz__rule_text texts[] = {
#define POSITIVE(fn)
#define FLAT(fn)
#define RULE(left, right, guard) {left, right, guard},
#include "derive/simplify.def"
};
enum { RULES = sizeof texts / sizeof *texts };

const dz__rule_text *dz__rule_text_at(size_t i) { return i < RULES ? &texts[i] : NULL; }

/* l3, r3, g3. By way of a signed number: rounding downward, clang makes -0 of an unsigned 0. */
static size_t side_name(char side, size_t i, char out[34]) {
  out[0] = side;
  return 1 + dz_number_write((double)(int64_t)i, 0, out + 1);
}

static bool put(const dz_allocator *a, dz__vec *s, const char *text, size_t size) {
  char *to = dz__vec_add(a, s, size, 1);
  if (to) memcpy(to, text, size);
  return to != NULL;
}

static bool put_side(const dz_allocator *a, dz__vec *s, char side, size_t i, const char *text) {
  char name[34];
  size_t n = side_name(side, i, name);
  bool done = put(a, s, name, n);
  done &= put(a, s, " = ", 3);
  done &= put(a, s, text, strlen(text));
  done &= put(a, s, "\n", 1);
  return done;
}

static bool put_program(const dz_allocator *a, dz__vec *s) {
  bool done = true;
  for (size_t i = 0; i < RULES; i++) {
    done &= put_side(a, s, 'l', i, texts[i].left);
    done &= put_side(a, s, 'r', i, texts[i].right);
    if (texts[i].guard[0]) done &= put_side(a, s, 'g', i, texts[i].guard);
  }
  return done;
}

/* Every letter is an input of its own. */
static bool bind_letters(dz_tape *t, const dz_program *p) {
  dz_program_leaf leaf;
  for (size_t i = 0; (leaf = dz_program_leaf_at(p, i)).name; i++)
    if (dz_set_name(dz_input(t, .3 + .1 * (double)i), leaf.name)) return false;
  return true;
}

static uint32_t number_pattern(dz__rules *r, double v) {
  dz__rule_node *to = dz__vec_add(&r->alloc, &r->patterns, 1, sizeof *to);
  if (!to) return DZ__NO_PATTERN;
  *to = (dz__rule_node){.fn = DZ__F_END, .number = v};
  return (uint32_t)r->patterns.n - 1;
}

/* Patterns have the numbers of their nodes; those of plain numbers come behind. */
static bool read_patterns(dz__rules *r, dz_tape *t) {
  size_t n = dz_tape_size(t);
  if (!dz__vec_add(&r->alloc, &r->patterns, n, sizeof(dz__rule_node))) return false;
  for (size_t i = 0; i < n; i++) {
    dz_var x = dz_node_at(t, i);
    dz_node node = dz_describe(x);
    dz__rule_node p = {.fn = DZ__F_END, .nargs = (uint8_t)node.nargs, .number = dz_value(x)};
    if (node.role == DZ_ROLE_INPUT) p.letter = *dz_name(x);
    if (node.nargs) p.fn = (int)dz__fn_by_name(node.op, strlen(node.op));
    for (int k = 0; k < node.nargs; k++) {
      dz_var of = dz_operand(x, k);
      p.arg[k] = dz_is_number(of) ? number_pattern(r, dz__number(of)) : (uint32_t)dz_node_index(of);
      if (p.arg[k] == DZ__NO_PATTERN) return false;
    }
    ((dz__rule_node *)r->patterns.at)[i] = p;
  }
  return true;
}

static uint32_t side(dz_tape *t, char which, size_t i) {
  char name[34];
  side_name(which, i, name);
  dz_var x = dz_named(t, name);
  return dz_valid(x) ? (uint32_t)dz_node_index(x) : DZ__NO_PATTERN;
}

static bool read_rules(dz__rules *r, dz_tape *t) {
  dz__rule *rule = dz__vec_add(&r->alloc, &r->rules, RULES, sizeof *rule);
  if (!rule) return false;
  for (size_t i = 0; i < RULES; i++) rule[i] = (dz__rule){side(t, 'l', i), side(t, 'r', i), side(t, 'g', i)};
  return read_patterns(r, t);
}

static dz_status record(dz__rules *r, const dz__vec *text) {
  dz_error e = {.status = DZ_OK};
  dz_program *p = dz_program_parse(text->at, text->n, "simplify.def", &r->alloc, &e);
  dz_tape *t = p ? dz_tape_new(&r->alloc) : NULL;
  dz_status status = p ? DZ_ERR_MEMORY : e.status;
  if (t && bind_letters(t, p)) {
    dz_program_record(p, t, 0);
    status = dz_tape_error(t)->status;
    if (!status && !read_rules(r, t)) status = DZ_ERR_MEMORY;
  }
  dz_tape_free(t);
  dz_program_free(p);
  return status;
}

dz_status dz__rules_read(const dz_allocator *a, dz__rules *r) {
  dz__vec text = {NULL, 0, 0};
  *r = (dz__rules){.alloc = *a};
  dz_status status = put_program(a, &text) ? record(r, &text) : DZ_ERR_MEMORY;
  dz__vec_free(a, &text, 1);
  if (status) dz__rules_free(r);
  return status;
}

void dz__rules_free(dz__rules *r) {
  dz__vec_free(&r->alloc, &r->patterns, sizeof(dz__rule_node));
  dz__vec_free(&r->alloc, &r->rules, sizeof(dz__rule));
}
