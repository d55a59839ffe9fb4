/* Terms while memory runs out: of every list that a formula is made in, each step in turn finds no room, once
   or from then on. The answer is none, and says so, or the same as with room. And what no expression leads
   to: equal hashes, depths, lists within lists. */
#include "derive/simplify.h"
#include "dz/derive.h"
#include "dz/lang.h"
#include "dz/print.h"

#include "suite.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory that is refused at will, whatever is said of its size ---- */

typedef struct loose {
  const dz__vec *grown; /* this list may not grow; NULL: any may */
  size_t size;          /* a new block of so many bytes is refused; 0: none */
  size_t at;            /* the at-th request is refused; 0: none */
  bool once;
  size_t calls, refused, blocks;
} loose;

static void *loose_resize(void *user, void *block, size_t old_size, size_t new_size) {
  loose *f = user;
  (void)old_size;
  if (!new_size) {
    f->blocks--;
    return free(block), NULL;
  }
  const bool no = (f->grown && block && block == f->grown->at) ||
                  (f->size && !block && new_size == f->size) || ++f->calls == f->at;
  if (no && !(f->once && f->refused)) return f->refused++, NULL;
  f->blocks += !block;
  return realloc(block, new_size);
}

/* ---- formulas, and what is made of them ---- */

/* One letter each: simplified whole; its last operation only; in terms of another, that is a name or none;
   with products multiplied out; with signs in front; compared with another; laid out as nodes. */
typedef struct target {
  char how;
  const char *y, *z;
} target;

static const target targets[] = {
    {'s', "x + 2*y - x/3 + 1", ""},
    {'s', "(x + y)^2/(x + y) - sin(x)*cos(y)", ""},
    {'s', "x > 0 ? x^2 : y*w", ""},
    {'s', "sum(A*2) + sum(exp(A + x))", ""},
    {'s', "reshape(A @ reshape(v, 2, 1), 2)", ""},
    {'a', "x + y", ""},
    {'a', "x*3 - y", ""},
    {'a', "2*(x + y) - 2*x", ""},
    {'a', "(x + y + w) + (x - 3*y)", ""},
    {'a', "x*y + x*w", ""},
    {'a', "exp(x)*(x*y + x*w + x*E) + exp(x)*x", ""},
    {'a', "(1 + x)*y + (1 + x)*x", ""},
    {'a', "exp(E)*(x*y*w + x*y*w^2 + x*y*sin(w)) + exp(E)*x*y*w", ""},
    {'a', "exp(E)*(x*y*w + x*y*w^2) + exp(E)*(x*y*sin(w) + x*y*w^3)", ""},
    {'a', "x/(1 + x)^2 - 1/(1 + x)", ""},
    {'a', "y*(1 + x)^2 + y*x*(1 + x)", ""},
    {'a', "(x*y + x*w)*exp(x) + x*y*exp(x)", ""},
    {'a', "sin(x)^2*y + cos(x)^2*y", ""},
    {'a', "sin(x)^2 + cos(x)^2", ""},
    {'a', "exp(x)*(x + 2) + exp(x)", ""},
    {'a', "(x*y)^3/(x*y)", ""},
    {'a', "(x^2*y^3*w)^2", ""},
    {'a', "(x^2)^.5", ""},
    {'a', "(x*y)^w", ""},
    {'a', "exp(x)*exp(y)", ""},
    {'a', "exp(x)^3", ""},
    {'a', "exp(x)^y", ""},
    {'a', "exp(x/2)^4*y", ""},
    {'a', "x^y*x", ""},
    {'a', "x^y/x^w", ""},
    {'a', "sqrt(x)*sqrt(x)", ""},
    {'a', "hypot(x, y)^2", ""},
    {'a', "3*where(x > 0, y + w, 0)", ""},
    {'a', "sin(-x - y)", ""},
    {'a', "cos(-2*x)", ""},
    {'a', "log(3*x)", ""},
    {'a', "softplus(2 + x)", ""},
    {'a', "sigmoid(-x)*2", ""},
    {'a', "where(x > 0, sin(x)*cos(x), cos(x)*sin(x))", ""},
    {'a', "where(x == 0, 1, sin(x)/x)", ""},
    {'a', "max(x, y)", ""},
    {'a', "sum(2*v)", ""},
    {'a', "sum(x*y*v)", ""},
    {'a', "sum(exp(v + x))", ""},
    {'a', "sum(exp(v + x)*y)", ""},
    {'a', "max(v + x)", ""},
    {'a', "logsumexp(v - x - y)", ""},
    {'a', "A @ (3*v)", ""},
    {'a', "(2*A) @ (3*B)", ""},
    {'a', "reshape(A @ reshape(v, 2, 1), 2)", ""},
    {'a', "v + A", ""},
    {'a', "A*v", ""},
    {'a', "sum(A + B, axis=1)", ""},
    {'e', "exp(-x)/(1 + exp(-x))^2", "1/(1 + exp(-x))"},
    {'e', "1 - (1/(1 + exp(-x)))^2", "1/(1 + exp(-x))"},
    {'e', "x*exp(x) + y*exp(x) + exp(x)", "exp(x)"},
    {'e', "sin(x*y)*w + cos(x*y)", "x*y"},
    {'e', "y/(x*w) + 2", "x*w"},
    {'e', "3*x*y/w", "x*y/w"},
    {'e', "sum(sigmoid(A)*v)", "sigmoid(A)"},
    {'e', "sum([x*y, x, y, w, x, y, w, x, y])*x", "x*y"},
    {'e', "x*y*w", "x*y"},
    {'e', "x*y + w", "x"},
    {'e', "x + y", "x - x + 2"},
    {'e', "x + x^2 + x^3 + x^4 + x^5 + x^6 + x^7 + x^8 + y + y^2 + y^3 + y^4 + w", "x*y"},
    {'E', "sin(x*y)*w", "x*y"},
    {'m', "exp(x)*(y - exp(-x))", ""},
    {'m', "(x + y)*(x - y)*w", ""},
    {'-', "E*(-x - 2)*(-y - w)", ""},
    {'m', "x*(1 + y + y^2 + y^3 + y^4 + y^5 + y^6 + y^7 + y^8 + y^9 + w + w^2 + w^3)", ""},
    {'-', "-3*(-x - 2)", ""},
    {'-', "E*(0.1*x)*(-0.3*y)", ""},
    {'-', "(1e200*x)*(-1e200*y)", ""}, /* no number is the product of the two */
    {'-', "(-1e200*x)*(-1e200*y)*(1e200*w)", ""},
    {'=', "sin(x)^2 + w*y", "1 - cos(x)^2 + y*w"},
    {'=', "x^2*y", "x*y"},
    {'l', "2*x*y/(3*w) - x^2.5 + sin(x)/sqrt(y) - 1/3", ""},
    {'l', "concat(v, v, v, v, v, v, v, v, v) - x", ""},
};

typedef struct bench {
  loose f;
  dz_tape *t;
  dz_mark mark;
  dz__rules rules;
  dz__terms s;
  dz_var y, zed, named;
  uint32_t args[3], i, z, name;
} bench;

static const double numbers[] = {.37, .61, 1.29, -.83};

static void set_up(bench *b, const target *of) {
  static const char *const scalars[] = {"x", "y", "w", "E"}, *const matrices[] = {"A", "B"};
  static const size_t dims[] = {2, 2};
  *b = (bench){.i = DZ__NO_TERM};
  const dz_allocator a = {loose_resize, &b->f};
  ck_assert_int_eq(dz__rules_read(&a, &b->rules), DZ_OK);
  b->t = dz_tape_new(&a);
  for (int k = 0; k < 4; k++) dz_set_name(dz_input(b->t, numbers[k]), scalars[k]);
  for (int k = 0; k < 2; k++) dz_set_name(dz_leaf_tensor(b->t, DZ_ROLE_INPUT, 2, dims, numbers), matrices[k]);
  dz_set_name(dz_leaf_tensor(b->t, DZ_ROLE_INPUT, 1, dims, numbers), "v");
  b->y = dz_expr(b->t, of->y);
  b->zed = of->z[0] ? dz_expr(b->t, of->z) : b->y;
  dz_set_name(b->named = dz_input(b->t, 1), "name");
  ck_assert_msg(dz_valid(b->zed) && dz_valid(b->named), "%s: %s", of->y, dz_tape_error(b->t)->message);
  b->mark = dz_tape_mark(b->t);
}

static void begin(bench *b, const target *of) {
  ck_assert(dz__terms_init(&b->s, b->t, &b->rules));
  b->name = dz__term_leaf(&b->s, b->named);
  if (of->how == 'a')
    for (int k = dz_describe(b->y).nargs; k-- > 0;) {
      const dz_var x = dz_operand(b->y, k);
      b->args[k] = dz_is_number(x) ? dz__term_number(&b->s, dz_value(x)) : dz__term_of_graph(&b->s, x);
    }
  else if (of->how != 's')
    b->i = dz__term_of_graph(&b->s, b->y);
  b->z = of->z[0] ? dz__term_of_graph(&b->s, b->zed) : DZ__NO_TERM;
  ck_assert(!b->s.failed);
}

static void plenty(bench *b) {
  b->f.grown = NULL;
  b->f.size = b->f.at = 0;
}

static void end(bench *b) {
  plenty(b);
  dz__terms_free(&b->s);
  dz_tape_forgive(b->t);
  ck_assert_int_eq(dz_tape_rewind(b->t, b->mark), DZ_OK);
}

static void tear_down(bench *b) {
  dz__rules_free(&b->rules);
  dz_tape_free(b->t);
  ck_assert_uint_eq(b->f.blocks, 0);
}

/* Of '=' one or zero. */
static uint32_t make(bench *b, char how) {
  const int64_t *attr = NULL;
  dz__terms *s = &b->s;
  size_t nattr;
  switch (how) {
  case 's':
    return dz__term_of_graph(s, b->y);
  case 'a':
    nattr = dz_attributes(b->y, &attr);
    return dz__term_apply(s, dz__fn_of(b->y), (uint32_t)dz_describe(b->y).nargs, b->args, nattr, attr,
                          dz__shape_of(s, b->y));
  case 'e':
    return dz__expressed(s, b->i, b->z, b->name, true);
  case 'E':
    return dz__expressed(s, b->i, b->z, b->name, false);
  case 'm':
    return dz__spread(s, b->i);
  case '-':
    return dz__with_signs_out(s, b->i);
  case '=':
    return dz__agree(s, b->i, b->z) ? s->one : s->zero;
  }
  return b->i;
}

static bool on_paper(void *user, const char *text, size_t size) { return strncat(user, text, size), true; }

/* What comes out as text; false when memory was out. */
static bool outcome(bench *b, char how, char text[1024]) {
  uint32_t r = make(b, how);
  text[0] = 0;
  if (b->s.failed) {
    ck_assert(how == '=' ? r == b->s.zero : true);
    return false;
  }
  ck_assert_uint_ne(r, DZ__NO_TERM);
  const dz_var y = dz__emit_term(&b->s, r);
  if (!dz_valid(y)) {
    ck_assert_int_eq(dz_tape_error(b->t)->status, DZ_ERR_MEMORY);
    return false;
  }
  plenty(b);
  ck_assert_int_eq(dz_print(y, NULL, on_paper, text), DZ_OK);
  return true;
}

/* ---- one step finds no room ---- */

static const struct {
  size_t offset, item;
} lists[] = {{offsetof(dz__terms, terms), sizeof(dz__term)}, {offsetof(dz__terms, parts), sizeof(dz__part)},
             {offsetof(dz__terms, attrs), sizeof(int64_t)},  {offsetof(dz__terms, shapes), sizeof(dz__shape)},
             {offsetof(dz__terms, work), sizeof(dz__part)},  {offsetof(dz__terms, seen), sizeof(uint32_t)},
             {offsetof(dz__terms, values), sizeof(double)}};
enum { LISTS = COUNT(lists), BUCKETS = LISTS, BLOCKS, WAYS };

static void hinder(bench *b, size_t way, size_t step) {
  b->f.once = step % 2;
  b->f.calls = b->f.refused = 0;
  if (way == BLOCKS) {
    b->f.at = step + 1;
  } else if (way == BUCKETS) { /* they double at 256 terms */
    for (double v = 1e6; b->s.terms.n + step < 256; v++) dz__term_number(&b->s, v);
    b->f.size = 2048;
  } else {
    dz__vec *list = (dz__vec *)(void *)((char *)&b->s + lists[way].offset);
    ck_assert(dz__grow(&b->s.alloc, &list->at, &list->cap, list->n + step + 1, lists[way].item));
    list->cap = list->n + step;
    b->f.grown = list;
  }
}

START_TEST(each_step_may_find_no_room) {
  const target *of = &targets[_i];
  char right[1024], text[1024];
  bench b;
  set_up(&b, of);
  begin(&b, of);
  ck_assert(outcome(&b, of->how, right));
  end(&b);
  for (size_t way = 0; way < WAYS; way++)
    for (size_t step = 0;; step += EFFORT(1, 5)) {
      begin(&b, of);
      hinder(&b, way, step);
      const bool done = outcome(&b, of->how, text), refused = b.f.refused > 0;
      end(&b);
      if (done ? strcmp(text, right) != 0 : !refused)
        ck_abort_msg("%c %s: way %zu, step %zu: %s instead of %s", of->how, of->y, way, step,
                     done ? text : "nothing", right);
      if (!refused) break;
    }
  tear_down(&b);
}
END_TEST

/* ---- what comes out ---- */

#define OTHERS " + x + y + E + sin(x) + sin(y) + sin(E) + exp(x) + exp(y) + exp(E) + tan(x)"

static const struct {
  target of;
  const char *text;
} expected[] = {
    {{'e', "x*y*w", "x*y"}, "name*w"},
    {{'e', "w/(x*y)", "x*y"}, "w/name"},
    {{'e', "x^2*y*w", "x*y"}, "name*x*w"},
    {{'e', "w*y/x", "y/x"}, "name*w"},
    {{'e', "x*w", "x*y"}, "x*w"},
    {{'E', "sin(x*y) + cos(x*y)", "x*y"}, "sin(name) + cos(name)"},
    {{'E', "sin(x*y) + w", "x*y"}, "sin(x*y) + w"}, /* not worth it */
    {{'-', "E*(-x - 2)*(-y - w)", ""}, "E*(x + 2)*(y + w)"},
    {{'-', "w*(y - x)", ""}, "w*(y - x)"},
    {{'m', "exp(x)*(y - exp(-x))", ""}, "y*exp(x) - 1"},
    {{'m', "x*(y + w)", ""}, "x*(y + w)"},
    /* of twelve parts two are one, of thirteen nobody looks */
    {{'s', "sin(w)^2 + cos(w)^2" OTHERS, ""}, "1" OTHERS},
    {{'s', "sin(w)^2 + cos(w)^2" OTHERS " + tan(y)", ""}, "sin(w)^2 + cos(w)^2" OTHERS " + tan(y)"},
};

START_TEST(what_comes_out) {
  char text[1024];
  bench b;
  set_up(&b, &expected[_i].of);
  begin(&b, &expected[_i].of);
  ck_assert(outcome(&b, expected[_i].of.how, text));
  ck_assert_str_eq(text, expected[_i].text);
  end(&b);
  tear_down(&b);
}
END_TEST

SUITE(EACH(each_step_may_find_no_room, COUNT(targets)), EACH(what_comes_out, COUNT(expected)))
