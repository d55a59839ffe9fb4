/* dz grade: a claimed derivative against the derivative itself, over a range. */
#include "message.h"
#include "verbs.h"

#ifndef HAVE_MPFR

int verb_grade(const options *o) {
  (void)o;
  die(STATUS_USAGE,
      "dz grade needs MPFR, and dz was built without it: install libmpfr-dev (Debian), mpfr-devel "
      "(Fedora), mpfr (Arch, brew), and build again");
}

#else
#include "buffer.h"
#include "grading.h"
#include "speech.h"
#include "suggest.h"

#include <stdlib.h>
#include <string.h>

static bool has_leaf(const dz_program *p, const char *name) {
  for (size_t i = 0; dz_program_leaf_at(p, i).name != NULL; i++)
    if (strcmp(dz_program_leaf_at(p, i).name, name) == 0) return true;
  return false;
}

static bool has_definition(const dz_program *p, const char *name) {
  for (size_t i = 0; dz_program_definition(p, i) != NULL; i++)
    if (strcmp(dz_program_definition(p, i), name) == 0) return true;
  return false;
}

static dz_program *parse(const source *s) {
  dz_error error;
  dz_program *p = dz_program_parse(s->text, s->size, s->name, NULL, &error);
  if (p == NULL) die_at(s, &error);
  return p;
}

/* The bindings in o that `p` has a leaf for, and name=value besides. */
static model read_with(const options *o, const char *text, const dz_program *p, const char *const *more,
                       size_t count) {
  options one = *o;
  one.words = take(NULL, o->count + count + 1, sizeof *one.words);
  one.words[0] = text;
  one.count = 1;
  for (size_t i = 2; i < o->count; i++) {
    const char *value;
    char *name = binding_name(o->words[i], &value);
    bool used = name == NULL || has_leaf(p, name);
    for (size_t k = 0; name != NULL && k < count; k++)
      used = used && (strncmp(more[k], name, strlen(name)) != 0 || more[k][strlen(name)] != '=');
    if (used) one.words[one.count++] = o->words[i];
    free(name);
  }
  for (size_t k = 0; k < count; k++) one.words[one.count++] = more[k];
  model m = model_read(&one);
  free(one.words);
  return m;
}

/* "x=1.5", to be freed */
static char *binding_text(const char *name, double value) {
  buffer b = {0};
  buffer_text(&b, name);
  buffer_text(&b, "=");
  buffer_number(&b, value, 0);
  buffer_add(&b, "", 1);
  return b.text;
}

static void find_range(grading *g, const options *o) {
  const char *text = o->over, *value;
  for (size_t i = 2; i < o->count; i++) {
    char *name = binding_name(o->words[i], &value);
    bool ranged = name != NULL && value[0] != '@' && range_is(value);
    if (ranged && (text != NULL || (g->wrt != NULL && strcmp(g->wrt, name) != 0)))
      die(STATUS_USAGE, "'%s': one range is enough, and it is for the name after --wrt", o->words[i]);
    if (ranged) {
      g->wrt = name;
      text = value;
    } else {
      free(name);
    }
  }
  if (text == NULL) die(STATUS_USAGE, "dz grade needs a range: --over -50:50");
  if (!range_is(text)) die(STATUS_USAGE, "--over takes LOW:HIGH or LOW:HIGH:STEP, '%s' came", text);
  g->range = range_read("--over", text);
}

static bool is_bound(const options *o, const char *leaf) {
  bool bound = false;
  for (size_t k = 2; k < o->count && !bound; k++) {
    const char *value;
    char *name = binding_name(o->words[k], &value);
    bound = name != NULL && strcmp(name, leaf) == 0;
    free(name);
  }
  return bound;
}

/* Without --wrt: the one name that has no value. */
static const char *only_name(const dz_program *p, const options *o) {
  const char *found = NULL;
  for (size_t i = 0; dz_program_leaf_at(p, i).name != NULL; i++) {
    dz_program_leaf leaf = dz_program_leaf_at(p, i);
    if (leaf.constant || leaf.role != DZ_ROLE_INPUT || is_bound(o, leaf.name)) continue;
    if (found != NULL)
      die(STATUS_USAGE, "'%s' and '%s' have no value: --wrt says which one is varied", found, leaf.name);
    found = leaf.name;
  }
  if (found == NULL) die(STATUS_USAGE, "--wrt says which name is varied");
  return found;
}

/* What the value of the expression is called in the claim: z, unless that is an input of the expression, or
   the claim knows it by the expression's own name only. */
static const char *name_of_value(const dz_program *f, const dz_program *claim) {
  const char *own = dz_program_result(f);
  bool z = !has_leaf(f, "z") && (own == NULL || has_leaf(claim, "z") || !has_leaf(claim, own));
  return z ? "z" : own != NULL ? own : "";
}

static void check_names(const grading *g, const options *o, const dz_program *f, const dz_program *claim) {
  char hint[128];
  if (!has_leaf(f, g->wrt)) {
    suggestion s = suggest(g->wrt);
    for (size_t i = 0; dz_program_leaf_at(f, i).name != NULL; i++)
      suggest_name(&s, dz_program_leaf_at(f, i).name);
    die(STATUS_USAGE, "--wrt: the expression has no input '%s'%s", g->wrt, suggest_text(&s, hint));
  }
  for (size_t k = 2; k < o->count; k++) {
    const char *value;
    char *name = binding_name(o->words[k], &value);
    if (name != NULL && !has_leaf(f, name) && !has_leaf(claim, name))
      die(STATUS_USAGE, "unused value '%s': neither the expression nor the claim has such a name", name);
    free(name);
  }
  for (size_t i = 0; dz_program_leaf_at(claim, i).name != NULL; i++) {
    dz_program_leaf leaf = dz_program_leaf_at(claim, i);
    if (has_definition(f, leaf.name) && strcmp(leaf.name, "z") != 0 && dz_program_result(f) != NULL &&
        strcmp(leaf.name, dz_program_result(f)) != 0)
      die(STATUS_USAGE,
          "the claim uses '%s', which is computed by the expression: only its value, z, is at hand there",
          leaf.name);
    if (!leaf.constant && !has_leaf(f, leaf.name) && strcmp(leaf.name, name_of_value(f, claim)) != 0 &&
        !is_bound(o, leaf.name))
      die(STATUS_USAGE, "the claim uses '%s', which has no value: %s=VALUE gives it one", leaf.name,
          leaf.name);
  }
}

static void need_number(const model *m) {
  if (dz_size(m->result) != 1 || dz_rank(m->result) > 0) model_no_scalar(m, "sum it, as in sum(...)");
}

static exact *exactly(const model *m, const dz_var in[EXACT_INPUTS], const char *what) {
  const char *refused;
  exact *g = exact_of(m->result, in, &refused);
  if (g == NULL)
    die(STATUS_USAGE, "%s holds a tensor (%s): dz grade is for expressions of numbers", what, refused);
  return g;
}

/* The claim's bindings, recorded: x, and z where it stands in it. */
static void read_claim(grading *g, const options *o, const char *text, const dz_program *claim,
                       const char *value) {
  char *x = binding_text(g->wrt, g->range.low), *z = binding_text(value, dz_value(g->f.result));
  const char *more[2];
  size_t n = 0;
  if (has_leaf(claim, g->wrt)) more[n++] = x;
  if (has_leaf(claim, value)) more[n++] = z;
  g->claim = read_with(o, text, claim, more, n);
  need_number(&g->claim);
  const dz_var in[] = {dz_named(g->claim.tape, g->wrt), dz_named(g->claim.tape, value)};
  g->exact_claim = exactly(&g->claim, in, "the claim");
  size_t ops = exact_operations(g->exact_claim);
  if (exact_uses(g->exact_claim, 1)) ops += exact_operations(g->exact_f);
  g->allowed = 4 * (double)(ops > 0 ? ops : 1);
  free(x);
  free(z);
}

static void read_expression(grading *g, const options *o, const char *text, const dz_program *f) {
  char *x = binding_text(g->wrt, g->range.low);
  const char *more[] = {x};
  g->f = read_with(o, text, f, more, 1);
  need_number(&g->f);
  const dz_var in[] = {dz_named(g->f.tape, g->wrt), {0}};
  g->exact_f = exactly(&g->f, in, "the expression");
  free(x);
}

/* A program of several lines is none, though it may begin like one. */
static bool is_binding(const char *argument) {
  const char *text;
  char *name = binding_name(argument, &text);
  free(name);
  return name != NULL && strpbrk(argument, ";\n") == NULL;
}

/* In messages the two are told apart; a file keeps its name. */
static source read_part(const char *argument, const char *name) {
  source s = source_read(argument);
  if (strcmp(s.name, "<arg>") == 0) s.name = name;
  return s;
}

/* Standard input is read but once. */
static const char *argument_of(const char *argument, const source *s) {
  return strcmp(argument, "-") == 0 ? s->text : argument;
}

/* In the claim z is the value of the expression, under whatever name that has too. */
static void read_programs(grading *g, const options *o) {
  if (o->count < 2 || is_binding(o->words[1]))
    die(STATUS_USAGE,
        "dz grade needs an expression and a claim: dz grade 'sigmoid(x)' 'z*(1-z)' --wrt x --over -50:50");
  source fs = read_part(o->words[0], "<expression>"), cs = read_part(o->words[1], "<claim>");
  dz_program *f = parse(&fs), *claim = parse(&cs);
  find_range(g, o);
  if (g->wrt != NULL && o->wrt != NULL && strcmp(g->wrt, o->wrt) != 0)
    die(STATUS_USAGE, "the range is for '%s', and --wrt says '%s'", g->wrt, o->wrt);
  const char *wrt = g->wrt != NULL ? NULL : o->wrt != NULL ? o->wrt : only_name(f, o);
  if (wrt != NULL) g->wrt = take_text(wrt, strlen(wrt));
  check_names(g, o, f, claim);
  read_expression(g, o, argument_of(o->words[0], &fs), f);
  read_claim(g, o, argument_of(o->words[1], &cs), claim, name_of_value(f, claim));
  dz_program_free(f);
  dz_program_free(claim);
  source_free(&fs);
  source_free(&cs);
}

static void side_free(grade_side *s) {
  free(s->ulp);
  free(s->none);
}

int verb_grade(const options *o) {
  grading g = {0};
  speech_in(o->lang);
  read_programs(&g, o);
  grade_all(&g);
  if (o->json)
    grade_json(&g);
  else
    grade_text(&g, o->digits);
  exact_free(g.exact_f);
  exact_free(g.exact_claim);
  model_free(&g.f);
  model_free(&g.claim);
  side_free(&g.graph);
  side_free(&g.in_double);
  side_free(&g.in_float);
  free(g.x);
  free(g.wrt);
  return g.wrong ? STATUS_NO : STATUS_DONE;
}
#endif
