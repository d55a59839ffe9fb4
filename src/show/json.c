/* A trace as JSON. What a browser takes for the end of a script, or for markup, is written by its code. */
#include "dz/trace.h"

#include "base/utf8.h"
#include "dz/print.h"
#include "kernels/pointwise.h"
#include "show/setting.h"
#include "show/sheet.h"
#include "show/symbol.h"

#include <math.h>
#include <string.h>

enum { MOST_NODES = 1000, MOST_FORMULAS = 100 };

typedef struct whole {
  dz__trace trace;
  dz__symbols symbols; /* no nodes: no formulas */
  dz__sheet text;
} whole;

/* ---- strings and numbers ---- */

static void put_code(dz__sheet *p, uint32_t c) {
  static const char hex[] = "0123456789abcdef";
  char text[] = "\\u0000";
  for (int k = 5; k > 1; k--, c >>= 4) text[k] = hex[c & 15];
  dz__sheet_put(p, text);
}

/* One character; a byte that is no UTF-8 becomes U+FFFD. */
static size_t put_character(dz__sheet *p, const char *text, size_t left) {
  uint32_t c = 0;
  size_t n = dz__utf8_decode(text, left, &c);
  char one[8] = {0};
  if (n == 0)
    dz__sheet_put(p, "\uFFFD");
  else if (c < 0x20 || c == 0x7F || c == 0x2028 || c == 0x2029 || strchr("\"\\<>&'", (int)(c < 0x80 ? c : 1)))
    put_code(p, c);
  else
    dz__sheet_put(p, memcpy(one, text, n));
  return n ? n : 1;
}

/* A writer: `user` is a sheet. Pieces may end within a character only where the text is not UTF-8. */
static bool write_inside(void *user, const char *text, size_t size) {
  dz__sheet *p = user;
  for (size_t i = 0; i < size;) i += put_character(p, text + i, size - i);
  return !p->failed;
}

static void put_string(dz__sheet *p, const char *text) {
  if (!text) {
    dz__sheet_put(p, "null");
    return;
  }
  dz__sheet_put(p, "\"");
  write_inside(p, text, strlen(text));
  dz__sheet_put(p, "\"");
}

static void put_whole(dz__sheet *p, const char *key, uint64_t n) {
  dz__sheet_put(p, key);
  dz__sheet_whole(p, n);
}

static void put_number(dz__sheet *p, double x) {
  char text[32];
  dz_number_write(x, 0, text);
  if (!isfinite(x)) dz__sheet_put(p, "\"");
  dz__sheet_put(p, text);
  if (!isfinite(x)) dz__sheet_put(p, "\"");
}

/* Nested lists; null without values and where there are many. */
static void put_elements(dz__sheet *p, const dz__seen *s, const double *v) {
  if (!v || s->size > DZ__SHOWN_ELEMENTS || s->size == 0) {
    dz__sheet_put(p, "null");
    return;
  }
  for (size_t e = 0; e < s->size; e++) {
    size_t block = s->size;
    dz__sheet_put(p, e ? ", " : "");
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if (e % block == 0) dz__sheet_put(p, "[");
    put_number(p, v[e]);
    block = s->size;
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if ((e + 1) % block == 0) dz__sheet_put(p, "]");
  }
}

static void put_formula(whole *t, const char *key, dz__formal f) {
  static const dz_print_options how = {.names = DZ_PRINT_CALL, .inlined = SIZE_MAX / 4};
  static const dz__set_options set = {.format = DZ__SET_MATHML};
  dz__sheet *p = &t->text;
  dz__sheet_put(p, key);
  if (!f.is.tape) {
    dz__sheet_put(p, "null");
    return;
  }
  dz__sheet_put(p, "{\"text\": \"");
  if (dz_print(f.is, &how, write_inside, p)) p->failed = true;
  dz__sheet_put(p, "\", \"mathml\": ");
  dz__text text = dz__set(f.is, &set, &t->trace.alloc);
  p->failed = p->failed || !text.at;
  put_string(p, text.at);
  dz__text_free(&text, &t->trace.alloc);
  put_whole(p, ", \"guesses\": ", f.guesses);
  dz__sheet_put(p, "}");
}

/* ---- uses and nodes ---- */

static dz__fn fn_of(const dz__seen *s) {
  dz__fn fn = dz__fn_by_name(s->is.op, strlen(s->is.op));
  return s->is.role == DZ_ROLE_NONE && fn < DZ__F_POINTWISE_END ? fn : DZ__F_END;
}

/* The local partial by an operand that is a node, as the sweep takes it; null where there is none. */
static void put_partial(whole *t, const dz__seen *s, const dz__use *u, dz__fn fn) {
  double v[3] = {0};
  bool free_of[3] = {false};
  bool known = fn != DZ__F_END && s->rank == 0 && t->trace.seen[u->of].is.active;
  for (int k = 0; known && k < s->is.nargs; k++) {
    const dz__use *o = &t->trace.use[s->args + (uint32_t)k];
    v[k] = o->of == DZ__NONE ? o->number : t->trace.seen[o->of].value[0];
    free_of[k] = o->of != DZ__NONE && t->trace.seen[o->of].is.active;
  }
  if (!known) {
    dz__sheet_put(&t->text, "null");
    return;
  }
  double tie = free_of[0] && free_of[1] ? .5 : 0;
  put_number(&t->text, dz__pointwise[fn].partial[u->operand](v[0], v[1], v[2], s->value[0], tie));
}

static void put_use(whole *t, const dz__seen *s, const dz__use *u) {
  dz__sheet *p = &t->text;
  dz__fn fn = fn_of(s);
  if (u->of == DZ__NONE) {
    dz__sheet_put(p, "{\"number\": ");
    put_number(p, u->number);
    dz__sheet_put(p, "}");
    return;
  }
  const dz__seen *of = &t->trace.seen[u->of];
  put_whole(p, "{\"node\": ", of->node);
  dz__sheet_put(p, ", \"rule\": ");
  put_string(p, fn != DZ__F_END ? dz__ops[fn].partial[u->operand] : NULL);
  dz__sheet_put(p, ", \"partial\": ");
  put_partial(t, s, u, fn);
  const dz__use_symbol *y = t->symbols.use ? &t->symbols.use[u - t->trace.use] : NULL;
  put_formula(t, ", \"partial_formula\": ", y ? y->partial : (dz__formal){{0}, 0});
  dz__sheet_put(p, ", \"share\": ");
  put_elements(p, of, u->share);
  put_formula(t, ", \"share_formula\": ", y ? y->share : (dz__formal){{0}, 0});
  dz__sheet_put(p, "}");
}

static void put_numbers(whole *t, const dz__seen *s) {
  static const char *const states[] = {"not computed", "inactive", "ready"};
  dz__sheet *p = &t->text;
  dz__sheet_put(p, "\"shape\": [");
  for (int k = 0; k < s->rank; k++) put_whole(p, k ? ", " : "", s->dims[k]);
  dz__sheet_put(p, "], \"value\": ");
  put_elements(p, s, s->value);
  dz__sheet_put(p, ", \"gradient\": ");
  put_elements(p, s, s->adjoint);
  dz__sheet_put(p, ", \"state\": ");
  put_string(p, states[s->state]);
  put_whole(p, ", \"wave\": ", s->wave);
  put_whole(p, ", \"back\": ", s->back);
}

static void put_node(whole *t, const dz__seen *s) {
  dz__sheet *p = &t->text;
  dz__fn fn = fn_of(s);
  const dz__node_symbol *y = t->symbols.node ? &t->symbols.node[s - t->trace.seen] : NULL;
  put_whole(p, "{\"id\": ", s->node);
  dz__sheet_put(p, ", \"op\": ");
  put_string(p, s->is.op);
  dz__sheet_put(p, ", \"name\": ");
  put_string(p, s->name);
  dz__sheet_put(p, ", \"label\": ");
  put_string(p, y ? y->name : s->name);
  put_whole(p, ", \"line\": ", (uint64_t)s->is.line);
  put_whole(p, ", \"column\": ", (uint64_t)s->is.column);
  dz__sheet_put(p, ", ");
  put_numbers(t, s);
  dz__sheet_put(p, ", \"rule\": ");
  put_string(p, fn != DZ__F_END ? dz__ops[fn].value : NULL);
  put_formula(t, ", \"formula\": ", y ? y->value : (dz__formal){{0}, 0});
  put_formula(t, ", \"gradient_formula\": ", y ? y->gradient : (dz__formal){{0}, 0});
  dz__sheet_put(p, ", \"operands\": [");
  for (uint32_t k = 0; k < (uint32_t)s->is.nargs; k++) {
    dz__sheet_put(p, k ? ", " : "");
    put_use(t, s, &t->trace.use[s->args + k]);
  }
  dz__sheet_put(p, "]}");
}

/* ---- the whole ---- */

static void put_trace(whole *t, const char *output) {
  dz__sheet *p = &t->text;
  dz__sheet_put(p, "{\"output\": ");
  put_string(p, output);
  dz__sheet_put(p, ", \"seed\": ");
  put_string(p, t->symbols.node ? t->symbols.seed : NULL);
  put_whole(p, ", \"result\": ", t->trace.seen[t->trace.nseen - 1].node);
  put_whole(p, ", \"forward\": ", t->trace.waves);
  put_whole(p, ", \"backward\": ", t->trace.backs);
  dz__sheet_put(p, ", \"nodes\": [");
  for (size_t i = 0; i < t->trace.nseen; i++) {
    dz__sheet_put(p, i ? ", " : "");
    put_node(t, &t->trace.seen[i]);
  }
  dz__sheet_put(p, "]}\n");
}

static size_t operations(const dz__trace *t) {
  size_t n = 0;
  for (size_t i = 0; i < t->nseen; i++) n += t->seen[i].is.role == DZ_ROLE_NONE;
  return n;
}

dz_status dz_write_trace(dz_var y, const dz_trace_options *options, dz_writer *write, void *user) {
  static const dz_trace_options none = {0};
  const dz_trace_options *o = options ? options : &none;
  if (!write) return DZ_ERR_ARGUMENT;
  if (dz_is_number(y) || !dz_valid(y)) return DZ_ERR_HANDLE;
  whole t = {0};
  dz_status status = dz__trace_make(y, o->max_nodes ? o->max_nodes : MOST_NODES, &t.trace);
  if (status) return status;
  t.text.alloc = t.trace.alloc;
  const char *own = dz_name(y), *output = o->output && o->output[0] ? o->output : NULL;
  dz__symbol_options naming = {.result = output};
  status = dz__trace_share(&t.trace);
  if (!status && operations(&t.trace) <= (o->formulas ? o->formulas : MOST_FORMULAS))
    status = dz__symbols_make(&t.trace, &naming, &t.symbols);
  if (!status) {
    if (!output) output = t.symbols.node ? t.symbols.result : own ? own : "f";
    put_trace(&t, output);
    status = dz__sheet_write(&t.text, write, user);
    dz__symbols_free(&t.symbols);
  }
  dz__trace_free(&t.trace);
  return status;
}
