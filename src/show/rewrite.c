/* Fragile ways to write a function, and the ones to write instead. */
#include "show/why.h"

#include <string.h>

/* A match: how it was written, and what to write, with {0} and {1} for parts, {2} and {3} for the same in
   brackets where these are needed. */
typedef struct match {
  const char *was, *now;
  dz_var part[2];
} match;

static bool is(dz_var x, const char *op) {
  const char *own = dz_describe(x).op;
  return own && strcmp(own, op) == 0;
}

static bool is_one(dz_var x) { return dz_role_of(x) == DZ_ROLE_CONST && dz_value(x) == 1; }

static bool same(dz_var x, dz_var y) { return !dz_is_number(x) && dz_node_index(x) == dz_node_index(y); }

/* Of a sum or product: the operand beside one that is `op`. */
static dz_var beside(dz_var x, bool test(dz_var)) {
  for (int k = 0; k < 2; k++)
    if (test(dz_operand(x, k))) return dz_operand(x, 1 - k);
  return (dz_var){0};
}

static bool is_square(dz_var x) {
  dz_var n = is(x, "pow") ? dz_operand(x, 1) : (dz_var){0};
  if (n.tape) return dz_role_of(n) == DZ_ROLE_CONST && dz_value(n) == 2;
  return is(x, "mul") && same(dz_operand(x, 0), dz_operand(x, 1));
}

static bool is_exp(dz_var x) { return is(x, "exp"); }
static dz_var of(dz_var x) { return dz_operand(x, 0); }

/* The w of max(w) in w - stop(max(w)), which softmax() takes away from its operand itself. */
static dz_var unshifted(dz_var u) {
  dz_var top = is(u, "sub") ? dz_operand(u, 1) : (dz_var){0};
  if (is(top, "stop")) top = of(top);
  return is(top, "max") && same(of(top), of(u)) ? of(u) : (dz_var){0};
}

/* softmax(w), as it was called. */
static dz_var softmax_of(dz_var z) {
  bool softmax = is(z, "div") && is_exp(of(z)) && is(dz_operand(z, 1), "sum");
  return softmax ? unshifted(of(of(z))) : (dz_var){0};
}

/* exp(x)/sum(exp(x)): x. */
static dz_var plain_softmax_of(dz_var z) {
  dz_var x = is(z, "div") ? of(z) : (dz_var){0}, sum = is_exp(x) ? dz_operand(z, 1) : (dz_var){0};
  if (!is(sum, "sum") || !is_exp(of(sum))) return (dz_var){0};
  return same(of(x), of(of(sum))) ? of(x) : (dz_var){0};
}

static bool match_log(dz_var u, match *m) {
  dz_var other = softmax_of(is(u, "index") ? of(u) : u);
  if (other.tape) return *m = (match){"log(softmax({0}))", "log_softmax({0})", {other}}, true;
  if (is(u, "sigmoid")) return *m = (match){"log(sigmoid({0}))", "log_sigmoid({0})", {of(u)}}, true;
  if (is(u, "add") && is_exp(of(u)) && is_exp(dz_operand(u, 1)))
    return *m = (match){"log(exp({0}) + exp({1}))", "logaddexp({0}, {1})", {of(of(u)), of(dz_operand(u, 1))}},
           true;
  if (is(u, "add") && (other = beside(u, is_one)).tape) {
    if (is_exp(other)) return *m = (match){"log(1 + exp({0}))", "softplus({0})", {of(other)}}, true;
    return *m = (match){"log(1 + {0})", "log1p({0})", {other}}, true;
  }
  if (is(u, "sub") && is_one(of(u))) {
    other = dz_operand(u, 1);
    if (is(other, "sigmoid"))
      return *m = (match){"log(1 - sigmoid({0}))", "log_sigmoid(-{2})", {of(other)}}, true;
    return *m = (match){"log(1 - {0})", "log1p(-{2})", {other}}, true;
  }
  if (is(u, "sum") && is_exp(of(u)))
    return *m = (match){"log(sum(exp({0})))", "logsumexp({0})", {of(of(u))}}, true;
  if (is(u, "exp")) return *m = (match){"log(exp({0}))", "{0}", {of(u)}}, true;
  if ((other = plain_softmax_of(u)).tape)
    return *m = (match){"log(softmax({0}))", "log_softmax({0})", {other}}, true;
  return false;
}

static bool match_root(dz_var u, match *m) {
  if (is(u, "add") && is_square(of(u)) && is_square(dz_operand(u, 1)))
    return *m = (match){"sqrt({2}^2 + {3}^2)", "hypot({0}, {1})", {of(of(u)), of(dz_operand(u, 1))}}, true;
  if (is(u, "sum") && is_square(of(u)))
    return *m = (match){"sqrt(sum({2}^2))", "norm({0})", {of(of(u))}}, true;
  if (is_square(u)) return *m = (match){"sqrt({2}^2)", "abs({0})", {of(u)}}, true;
  return false;
}

static bool match_quotient(dz_var z, match *m) {
  dz_var x = of(z), y = dz_operand(z, 1), other = is(y, "add") ? beside(y, is_one) : (dz_var){0};
  if (softmax_of(z).tape) return false;
  if (is_one(x) && is_exp(other) && is(of(other), "neg"))
    return *m = (match){"1/(1 + exp(-{2}))", "sigmoid({0})", {of(of(other))}}, true;
  if (is_exp(x) && is_exp(other) && same(of(x), of(other)))
    return *m = (match){"exp({0})/(1 + exp({0}))", "sigmoid({0})", {of(x)}}, true;
  if ((other = plain_softmax_of(z)).tape)
    return *m = (match){"exp({0})/sum(exp({0}))", "softmax({0})", {other}}, true;
  return false;
}

static bool not_zero(double x) { return x != 0; }

/* A number in the text is not meant: that is 0 for good. */
static bool is_zero_somewhere(dz_var x) { return !dz_is_number(x) && !dz__all_values(x, not_zero); }

static bool match_product(dz_var z, match *m) {
  for (int k = 0; k < 2; k++) {
    dz_var l = dz_operand(z, k), x = dz_operand(z, 1 - k);
    if (is(l, "log") && is_zero_somewhere(x)) /* elsewhere they are the same */
      return *m = (match){"{2}*log({1})", "xlogy({0}, {1})", {x, of(l)}}, true;
    if (is(l, "sqrt") && is(x, "sqrt") && same(of(l), of(x)))
      return *m = (match){"sqrt({0})*sqrt({0})", "{0}", {of(l)}}, true;
  }
  return false;
}

static bool match_difference(dz_var z, match *m) {
  dz_var x = of(z), y = dz_operand(z, 1);
  if (is_exp(x) && is_one(y)) return *m = (match){"exp({0}) - 1", "expm1({0})", {of(x)}}, true;
  if (is_one(x) && is(y, "sigmoid")) return *m = (match){"1 - sigmoid({0})", "sigmoid(-{2})", {of(y)}}, true;
  if (is_one(x) && is(y, "erf")) return *m = (match){"1 - erf({0})", "erfc({0})", {of(y)}}, true;
  return false;
}

static bool match_node(dz_var z, match *m) {
  if (is(z, "log")) return match_log(of(z), m);
  if (is(z, "sqrt")) return match_root(of(z), m);
  if (is(z, "div")) return match_quotient(z, m);
  if (is(z, "mul")) return match_product(z, m);
  if (is(z, "sub")) return match_difference(z, m);
  return false;
}

/* The blamed node and its users, nearest first, for a few steps up: what stands around it is what to rewrite.
 */
enum { STEPS = 4 };

static bool find(const dz__inquiry *q, match *m) {
  const dz__linearized *g = &q->g;
  dz_var z = q->r->node;
  uint32_t v = q->edge ? q->edge->to : DZ__NONE;
  for (size_t i = g->vertices; i-- > 0 && !q->edge;)
    if (dz_node_index(g->vertex[i].node) == dz_node_index(z)) v = (uint32_t)i;
  for (int step = 0; step < STEPS; step++) {
    if (match_node(z, m)) return true;
    if (v == DZ__NONE || g->vertex[v].outs == 0) return false;
    for (uint32_t i = 0; i < g->vertex[v].outs; i++)
      if (match_node(g->vertex[g->edge[g->leaving[g->vertex[v].out + i]].to].node, m)) return true;
    v = g->edge[g->leaving[g->vertex[v].out]].to;
    z = g->vertex[v].node;
  }
  return false;
}

static bool is_word(const char *text) {
  for (; *text; text++) {
    bool plain =
        (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    if (!plain && *text != '_' && *text != '.' && (unsigned char)*text < 0x80) return false;
  }
  return true;
}

/* As it is, and fit for a sign before it or a power after it. */
static void put_part(dz__sheet *s, dz__sheet *bracketed, dz_var x) {
  dz__sheet_put(s, "");
  if (x.tape) dz__why_expression(s, x);
  bool word = s->text && is_word(s->text);
  dz__sheet_put(bracketed, word ? "" : "(");
  dz__sheet_put(bracketed, s->text ? s->text : "");
  dz__sheet_put(bracketed, word ? "" : ")");
}

static void put_form(dz__sheet *s, const char *form, const char *const *parts) {
  dz__sheet plain = {.alloc = s->alloc};
  dz__sheet_form(&plain, form, parts, 4);
  if (plain.text) dz__sheet_put(s, plain.text);
  s->failed = s->failed || plain.failed;
  dz__sheet_free(&plain);
}

void dz__why_rewrite(const dz__inquiry *q, dz__sheet *s) {
  match m;
  if (!q->r->node.tape || !find(q, &m)) return;
  const dz__sheet none = {.alloc = s->alloc};
  dz__sheet part[4] = {none, none, none, none}, was = none, now = none;
  const char *parts[4];
  for (int k = 0; k < 2; k++) put_part(&part[k], &part[k + 2], m.part[k]);
  for (int k = 0; k < 4; k++) parts[k] = part[k].text ? part[k].text : "";
  put_form(&was, m.was, parts);
  put_form(&now, m.now, parts);
  const char *const args[] = {now.text ? now.text : "", was.text ? was.text : ""};
  dz__sheet_form(s, "write {0} instead of {1}", args, 2);
  s->failed = s->failed || was.failed || now.failed;
  for (int k = 0; k < 4; k++) {
    s->failed = s->failed || part[k].failed;
    dz__sheet_free(&part[k]);
  }
  dz__sheet_free(&was);
  dz__sheet_free(&now);
}
