/* Rules against terms. Recursion here is over a rule's text, never over terms. */
#include "derive/rules.h"
#include "derive/term.h"

#include <math.h>

enum { LETTERS = 26, DEEP = 48 };

typedef struct bindings {
  uint32_t of[LETTERS]; /* DZ__NO_TERM: free */
} bindings;

static const dz__rule_node *pattern_at(const dz__terms *s, uint32_t i) {
  return (const dz__rule_node *)s->rules->patterns.at + i;
}

static bool is_call(const dz__terms *s, uint32_t i, int fn) {
  return dz__term_at(s, i)->kind == DZ__K_CALL && dz__term_at(s, i)->fn == fn;
}

/* ---- letters ---- */

static bool is_numeric(const dz__terms *s, uint32_t i) {
  uint32_t rest;
  if (dz__term_at(s, i)->kind == DZ__K_NUMBER) return !isnan(dz__term_at(s, i)->number);
  dz__split(s, i, &rest);
  return rest == s->one;
}

static bool may_be(const dz__terms *s, char letter, uint32_t i) {
  int flags = dz__term_at(s, i)->flags;
  switch (letter) {
  case 'n':
  case 'm':
  case 'k':
    return is_numeric(s, i);
  case 'c':
    return flags & DZ__IS_TRUTH;
  case 'p':
    return flags & DZ__IS_POSITIVE;
  case 'u':
    return flags & DZ__IS_FLAT;
  case 's':
    return (flags & DZ__IS_SMOOTH) && (flags & DZ__IS_ACTIVE);
  case 't':
    return flags & DZ__IS_SMOOTH;
  default:
    return true;
  }
}

static bool bind(const dz__terms *s, bindings *b, char letter, uint32_t i) {
  uint32_t *to = &b->of[letter - 'a'];
  if (*to != DZ__NO_TERM) return *to == i;
  if (!may_be(s, letter, i)) return false;
  return *to = i, true;
}

/* ---- matching ---- */

static bool match(dz__terms *s, bindings *b, uint32_t pattern, uint32_t i);

static bool match_negative(dz__terms *s, bindings *b, const dz__rule_node *p, uint32_t i) {
  const dz__term *x = dz__term_at(s, i);
  if (x->kind != DZ__K_SUM || dz__parts_of(s, i)->k.n >= 0) return false;
  uint32_t opposite = dz__scaled(s, dz__whole(-1), i);
  if (s->failed) return false;
  return match(s, b, p->arg[0], opposite);
}

static bool match_power(dz__terms *s, bindings *b, const dz__rule_node *p, uint32_t i) {
  const dz__term *x = dz__term_at(s, i);
  uint32_t base = i, power = s->one;
  if (x->kind == DZ__K_PRODUCT) {
    if (x->parts != 1) return false;
    base = dz__parts_of(s, i)->term;
    power = dz__parts_of(s, i)->power;
  }
  return match(s, b, p->arg[1], power) && match(s, b, p->arg[0], base);
}

/* n a: what has a coefficient. */
static bool match_scaled(dz__terms *s, bindings *b, const dz__rule_node *p, uint32_t i) {
  uint32_t rest;
  dz__ratio k = dz__split(s, i, &rest);
  if (rest == i || rest == s->one) return false;
  uint32_t n = dz__term_ratio(s, k);
  if (s->failed) return false;
  const bool number = match(s, b, p->arg[0], n), scaled = match(s, b, p->arg[1], rest);
  return number & scaled;
}

/* n + a, n - a: a sum with a constant. */
static bool match_sum(dz__terms *s, bindings *b, const dz__rule_node *p, uint32_t i) {
  const dz__term *x = dz__term_at(s, i);
  if (x->kind != DZ__K_SUM || x->parts != 2) return false;
  dz__part u = dz__parts_of(s, i)[0], v = dz__parts_of(s, i)[1];
  if (u.term != s->one && v.term != s->one) return false;
  dz__part constant = u.term == s->one ? u : v, other = u.term == s->one ? v : u;
  dz__ratio k = {p->fn == DZ__F_sub ? -other.k.n : other.k.n, other.k.d};
  uint32_t n = dz__term_ratio(s, constant.k), a = dz__scaled(s, k, other.term);
  if (s->failed || !match(s, b, p->arg[0], n)) return false;
  return match(s, b, p->arg[1], a);
}

static bool match(dz__terms *s, bindings *b, uint32_t pattern, uint32_t i) {
  const dz__rule_node *p = pattern_at(s, pattern);
  if (p->letter) return bind(s, b, p->letter, i);
  if (p->fn == DZ__F_END) return dz__is_number_term(s, i, p->number);
  if (p->fn == DZ__F_neg) return match_negative(s, b, p, i);
  if (p->fn == DZ__F_mul) return match_scaled(s, b, p, i);
  if (p->fn == DZ__F_pow) return match_power(s, b, p, i);
  if (p->fn == DZ__F_add || p->fn == DZ__F_sub) return match_sum(s, b, p, i);
  if (!is_call(s, i, p->fn)) return false;
  for (uint32_t k = 0; k < p->nargs; k++)
    if (!match(s, b, p->arg[k], dz__parts_of(s, i)[k].term)) return false;
  return true;
}

/* ---- building ---- */

static uint32_t build(dz__terms *s, const bindings *b, uint32_t pattern) {
  const dz__rule_node p = *pattern_at(s, pattern);
  uint32_t args[3];
  if (p.letter) return b->of[p.letter - 'a'];
  if (p.fn == DZ__F_END) return dz__term_number(s, p.number);
  for (uint32_t k = 0; k < p.nargs; k++) args[k] = build(s, b, p.arg[k]);
  return dz__term_apply(s, (dz__fn)p.fn, p.nargs, args, 0, NULL, 0);
}

static bool holds(dz__terms *s, const bindings *b, uint32_t guard) {
  if (guard == DZ__NO_PATTERN) return true;
  uint32_t g = build(s, b, guard);
  return !s->failed && dz__term_at(s, g)->kind == DZ__K_NUMBER && dz__term_at(s, g)->number != 0;
}

static uint32_t try_rule(dz__terms *s, const dz__rule *rule, uint32_t n, const uint32_t *args) {
  const dz__rule_node *p = pattern_at(s, rule->left);
  bindings b;
  for (int k = 0; k < LETTERS; k++) b.of[k] = DZ__NO_TERM;
  for (uint32_t k = 0; k < n; k++)
    if (!match(s, &b, p->arg[k], args[k])) return DZ__NO_TERM;
  s->depth++;
  uint32_t r = holds(s, &b, rule->guard) ? build(s, &b, rule->right) : DZ__NO_TERM;
  s->depth--;
  if (r != DZ__NO_TERM) s->fuel--;
  return r;
}

uint32_t dz__rewrite_call(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args) {
  const dz__rule *rule = s->rules->rules.at;
  for (size_t i = 0; i < s->rules->rules.n && s->fuel && s->depth < DEEP && !s->failed; i++) {
    if (pattern_at(s, rule[i].left)->fn != (int)fn) continue;
    uint32_t r = try_rule(s, &rule[i], n, args);
    if (r != DZ__NO_TERM) return r;
  }
  return DZ__NO_TERM;
}

uint32_t dz__rewrite_pair(dz__terms *s, dz__fn fn, uint32_t a, uint32_t b) {
  return dz__rewrite_call(s, fn, 2, (uint32_t[]){a, b});
}
