/* dz_explain: what it is made of, and its last section. */
#include "show/lesson.h"

#include "tape/tape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_OPS = 1000, MOST_FORMULAS = 40 };

static bool is_leaf(const dz__seen *s) { return s->is.role != DZ_ROLE_NONE; }

/* ---- the gradient, and the check ---- */

static void say_with(dz__lesson *l, const char *english, const char *const *args, size_t count) {
  dz__sheet words = {.alloc = l->s.alloc, .translate = l->s.translate, .translate_user = l->s.translate_user};
  dz__sheet_form(&words, english, args, count);
  if (words.text) dz__math_words(l, words.text);
  l->s.failed = l->s.failed || words.failed;
  dz__sheet_free(&words);
}

static void say(dz__lesson *l, const char *english) { say_with(l, english, NULL, 0); }

/* Whether the leaf enters a stop(), of which a numerical derivative knows nothing. */
static bool is_stopped(dz__lesson *l, const dz__seen *leaf) {
  size_t n = l->trace.nseen, from = (size_t)(leaf - l->trace.seen);
  bool *leads = dz__alloc(&l->s.alloc, n), stopped = false;
  if (!leads) return l->s.failed = true, false;
  for (size_t i = 0; i < n; i++) {
    const dz__seen *s = dz__lesson_seen(l, i);
    leads[i] = i == from;
    for (int k = 0; k < s->is.nargs; k++) {
      uint32_t of = dz__lesson_use(l, s, k)->of;
      leads[i] = leads[i] || (of != DZ__NONE && leads[of]);
    }
    stopped = stopped || (leads[i] && strcmp(s->is.op, "stop") == 0);
  }
  dz__free(&l->s.alloc, leads, n);
  return stopped;
}

static void tell_check(dz__lesson *l, const dz__seen *s) {
  const dz_explain_check *c = NULL;
  char n[2][32];
  for (size_t i = 0; i < l->how->check_count; i++)
    if (dz_node_index(l->how->checks[i].leaf) == s->node) c = &l->how->checks[i];
  if (!c || c->checked == 0) return;
  dz__math_sign(l, ";");
  say(l, "numerically ");
  if (c->checked == 1 || c->verdict) {
    dz__math_number(l, c->numeric, false);
    dz__math_sign(l, "±");
    dz__math_digits(l, c->error, 2);
  } else {
    snprintf(n[0], sizeof n[0], "%zu", c->agreed);
    snprintf(n[1], sizeof n[1], "%zu", c->checked);
    const char *args[] = {n[0], n[1]};
    say_with(l, "{0} of {1} agree", args, 2);
  }
  if (!c->verdict) {
    dz__math_sign(l, "✓");
    return;
  }
  bool wrong = strcmp(c->verdict, "wrong") == 0;
  if (wrong) dz__math_sign(l, "✗");
  dz__math_words(l, wrong ? " " : "  (");
  say(l, c->verdict);
  if (wrong && isnan(c->analytic)) {
    say(l, ": dz why tells where it comes from");
  } else if (wrong) {
    dz_number_write(c->analytic - c->numeric, 3, n[0]);
    const char *args[] = {n[0]};
    say_with(l, ": they differ by {0}", args, 1);
    if (is_stopped(l, s)) say(l, "; stop() holds a part of it back");
  } else {
    dz__math_words(l, ")");
  }
}

/* ", where E = 1 is the gradient at the result and a = -1" */
static void tell_letters(dz__lesson *l) {
  dz__lesson_line(l, true);
  dz__math_letter(l, l->fixed.seed);
  dz__math_sign(l, "=");
  dz__math_value(l, dz__lesson_top(l), dz__lesson_top(l)->adjoint, false);
  say(l, ": the gradient that arrives at the result");
  for (size_t i = 0; i < l->trace.nseen; i++) {
    if (!l->fixed.node[i].fixed) continue;
    dz__math_sign(l, ";");
    dz__math_name(l, dz__lesson_seen(l, i));
    dz__math_sign(l, "=");
    dz__math_value(l, dz__lesson_seen(l, i), dz__lesson_seen(l, i)->value, false);
    say(l, " stands as its number in the formulas");
  }
  dz__lesson_line(l, false);
}

static void tell_gradient(dz__lesson *l) {
  dz__lesson_heading(l, l->how->checks ? "The gradient, and a numerical derivative that knows no rules"
                                       : "The gradient");
  bool formulas = false;
  dz__lesson_list(l, true);
  for (size_t i = 0; i < l->trace.nseen; i++) {
    const dz__seen *s = dz__lesson_seen(l, i);
    if (!dz__is_told(s) || !s->adjoint) continue;
    dz__lesson_line(l, true);
    dz__math_slope(l, dz__lesson_top(l), s, "d");
    const dz__formal *f = l->fixed.node ? &l->fixed.node[i].gradient : NULL;
    if (f && dz_valid(f->is)) {
      dz__math_sign(l, "=");
      dz__math_formula(l, f->is);
    }
    dz__math_sign(l, "=");
    dz__math_value(l, s, s->adjoint, false);
    if (f && f->guesses) say(l, " (the formula in part by numbers only)");
    formulas = formulas || (f && dz_valid(f->is));
    tell_check(l, s);
    dz__lesson_line(l, false);
  }
  if (formulas) tell_letters(l);
  dz__lesson_list(l, false);
}

static void forget_formulas(dz__lesson *l) {
  if (l->symbols.tape) dz__symbols_free(&l->symbols);
  if (l->fixed.tape) dz__symbols_free(&l->fixed);
  l->symbols = l->fixed = (dz__symbols){0};
  l->formulas = false;
}

static dz_status make(dz_var y, dz__lesson *l) {
  dz_status status = dz__trace_make(y, l->how->max_ops ? l->how->max_ops : MOST_OPS, &l->trace);
  if (!status) status = dz__trace_share(&l->trace);
  if (status) return status;
  size_t ops = 0;
  for (size_t i = 0; i < l->trace.nseen; i++) ops += !is_leaf(dz__lesson_seen(l, i));
  if (dz__lesson_top(l)->state == DZ_ADJOINT_NOT_COMPUTED) return DZ_ERR_ARGUMENT;
  l->formulas = ops <= MOST_FORMULAS;
  dz__symbol_options how = {.result = l->how->output, .constants = "", .most = l->formulas ? 0 : 1};
  status = dz__symbols_make(&l->trace, &how, &l->symbols);
  how.constants = NULL;
  if (!status) status = dz__symbols_make(&l->trace, &how, &l->fixed);
  if (status == DZ_ERR_MEMORY) return status;
  if (status) forget_formulas(l); /* an operation by C functions, of which there is none */
  const dz__seen *y_seen = dz__lesson_top(l);
  l->output = is_leaf(y_seen) && y_seen->name ? y_seen->name : l->symbols.result;
  if (!l->output) l->output = y_seen->name ? y_seen->name : l->how->output ? l->how->output : "z";
  return dz__lesson_prepare(l, y.tape);
}

dz_status dz_explain(dz_var y, const dz_explain_options *options, dz_writer *write, void *user) {
  static const dz_explain_options none = {0};
  static const dz__format formats[] = {DZ__SET_TEXT, DZ__SET_LATEX, DZ__SET_MATHML};
  if (!write || (options && options->format > DZ_EXPLAIN_HTML)) return DZ_ERR_ARGUMENT;
  if (dz_is_number(y) || !dz_valid(y)) return DZ_ERR_HANDLE;
  dz__lesson l = {.how = options ? options : &none};
  l.s = (dz__sheet){.alloc = dz__of(y.tape)->alloc,
                    .digits = l.how->digits,
                    .translate = l.how->translate,
                    .translate_user = l.how->translate_user};
  l.set = (dz__set_options){.format = formats[l.how->format], .digits = l.how->digits};
  dz_status status = make(y, &l);
  if (!status) {
    dz__lesson_begin(&l);
    dz__tell_given(&l);
    dz__tell_forward(&l);
    if (dz_adjoints(y)) dz__tell_backward(&l);
    if (dz_adjoints(y)) tell_gradient(&l);
    dz__lesson_end(&l);
    dz__lesson_forgive(&l, l.own);
    dz__lesson_forgive(&l, l.points);
    status = dz__sheet_write(&l.s, write, user);
  }
  dz__lesson_forget(&l);
  forget_formulas(&l);
  dz__trace_free(&l.trace);
  return status;
}
