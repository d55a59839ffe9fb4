/* The program around the groups as C, and what frames it. */
#include "plan/emit.h"

#include "base/never.h"

#include "kernels/pointwise.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- text ---- */

bool dz__said(dz__emitter *e) {
  if (!e->status && e->n && !e->write(e->user, e->text, e->n)) e->status = DZ_ERR_WRITE;
  e->n = 0;
  return !e->status;
}

/* Whether there was room. */
static bool put(dz__emitter *e, const char *form, va_list args) {
  const size_t room = sizeof e->text - e->n;
  const int n = vsnprintf(e->text + e->n, room, form, args);
  const bool fits = (size_t)n < room; /* no error is one */
  if (fits) e->n += (size_t)n;
  return fits;
}

void dz__say(dz__emitter *e, const char *form, ...) {
  va_list args, again;
  va_start(args, form);
  va_copy(again, args);
  if (!put(e, form, args)) {
    dz__said(e);
    const bool fits = put(e, form, again);
    (void)fits, (void)DZ__NEVER(!fits); /* no text is that long */
  }
  va_end(again);
  va_end(args);
}

/* As C reads it; a whole number with a point, so that it is a double. */
void dz__say_number(dz__emitter *e, double x) {
  char text[32];
  if (x != x)
    dz__say(e, "NAN");
  else if (x - x != 0)
    dz__say(e, x > 0 ? "INFINITY" : "-INFINITY");
  else {
    dz_number_write(x, 0, text);
    dz__say(e, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
  }
}

/* ---- one lane ---- */

typedef struct spot {
  char text[48];
} spot;

static bool is_local(const dz__emitter *e, uint32_t place) {
  for (size_t k = 0; k < e->locals->n; k++)
    if (e->locals->place[k] == place) return true;
  return dz__where_of(place) == DZ__REG || dz__where_of(place) == DZ__OUT;
}

/* In a sequence: R and P are the registers of this step and of the one before; s is the step. */
static spot at(const dz__emitter *e, uint32_t place) {
  static const char *const array[] = {"w", "w", "w", "w", "in", "in", "grad", "w"}, *const in_step[] = {
                                                                                        "R",    "w",  "w",
                                                                                        "t",    "in", "in",
                                                                                        "grad", "P"};
  const unsigned kind = dz__where_of(place);
  const bool moves = e->steps && (kind == DZ__DIRECT || kind == DZ__ROW || kind == DZ__INS);
  size_t n = dz__place_index(place);
  spot s;
  if (e->locals && is_local(e, place)) {
    static const char letter[] = {'r', 'u', 0, 0, 'i', 0, 'g', 'p'};
    snprintf(s.text, sizeof s.text, "%c%zu", letter[kind], n);
    return s;
  }
  if (e->steps && kind == DZ__ROW) n = e->spots.table + n * dz__padded(e->steps->lanes);
  snprintf(s.text, sizeof s.text, "%s[%zu%s]", (e->steps ? in_step : array)[kind], n, moves ? " + s" : "");
  return s;
}

static void say_sum(dz__emitter *e, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->a;
  dz__say(e, "  %s =", at(e, i->d).text);
  for (uint32_t k = 0; k < i->b; k++, t += 3) {
    bool product = (t[0] & DZ__T_MASK) >= DZ__T_VV;
    dz__say(e, " %s%s%s%s",
            t[0] & DZ__SUBTRACT ? "- "
            : k                 ? "+ "
                                : "",
            at(e, t[1]).text, product ? " * " : "", product ? at(e, t[2]).text : "");
  }
  dz__say(e, ";\n");
}

static void say_flows(dz__emitter *e, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->b;
  for (uint32_t k = 0; k < i->c; k++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    bool set = dz__flow_sets(how), factor = t[1] != DZ__NOWHERE;
    dz__say(e, "  %s %s %s%s%s%s;\n", at(e, t[2]).text, set ? "=" : "+=", t[0] & DZ__SUBTRACT ? "-" : "",
            at(e, i->a).text, factor ? " * " : "", factor ? at(e, t[1]).text : "");
  }
}

static void say_partial(dz__emitter *e, const dz__instruction *i, const uint32_t *list) {
  const uint32_t *t = list + i->a;
  bool mask = dz__pointwise[i->fn].mask[i->mode];
  dz__say(e, "  {\n    const double p = %s_d%u_%s(%s, %s, %s, %s, %s);\n", e->name, (unsigned)i->mode,
          dz__ops[i->fn].name, at(e, t[0]).text, at(e, t[1]).text, at(e, t[2]).text, at(e, t[3]).text,
          i->flags ? ".5" : "0");
  dz__say(e, "    %s %s %sp * %s;\n  }\n", at(e, i->d).text,
          i->op == DZ__I_PART ? "=" : "+=", mask ? "p == 0 ? 0 : " : "", at(e, t[4]).text);
}

/* The number of a step among many: every so many, or by an index. */
static void say_wire(dz__emitter *e, const dz__instruction *i) {
  const bool load = i->op == DZ__I_LOAD || i->op == DZ__I_GATHER;
  const uint32_t base = load ? i->a : i->d;
  static const char *const array[] = {"R", "w", "w", "t", "in", "in", "grad", "P"};
  char many[64];
  if (i->op == DZ__I_LOAD || i->op == DZ__I_STORE)
    snprintf(many, sizeof many, "%s[%u + s * %u]", array[dz__where_of(base)], (unsigned)dz__place_index(base),
             (unsigned)i->c);
  else
    snprintf(many, sizeof many, "%s[x[%zu + s]]", array[dz__where_of(base)], e->spots.index + i->b);
  if (load)
    dz__say(e, "  %s = %s;\n", at(e, i->d).text, many);
  else
    dz__say(e, "  %s += %s;\n", many, at(e, i->a).text);
}

static const struct {
  const char *assign, *before, *between, *after;
} arithmetic[] = {[DZ__I_MOV] = {"=", "", "", ""},          [DZ__I_NEG] = {"=", "-", "", ""},
                  [DZ__I_ACC] = {"+=", "", "", ""},         [DZ__I_DEC] = {"-=", "", "", ""},
                  [DZ__I_ADD] = {"=", "", " + ", ""},       [DZ__I_SUB] = {"=", "", " - ", ""},
                  [DZ__I_MUL] = {"=", "", " * ", ""},       [DZ__I_DIV] = {"=", "", " / ", ""},
                  [DZ__I_MULNEG] = {"=", "-(", " * ", ")"}, [DZ__I_MULADD] = {"+=", "", " * ", ""},
                  [DZ__I_MULSUB] = {"-=", "", " * ", ""}};

void dz__emit_scalar(dz__emitter *e, const dz__instruction *i) {
  const uint32_t *list = (e->steps ? &e->steps->code : &e->p->program.code)->list;
  spot d = at(e, i->d), a = at(e, i->a), b = at(e, i->b);
  switch ((dz__step_op)i->op) {
  case DZ__I_SUM:
    say_sum(e, i, list);
    break;
  case DZ__I_RSUM:
    say_flows(e, i, list);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    say_partial(e, i, list);
    break;
  case DZ__I_FNK:
    dz__say(e, "  {\n    const double y = %s, z = %s_v_%s(y, 0, 0);\n", a.text, e->name, dz__ops[i->fn].name);
    dz__say(e, "    %s = %s_d0_%s(y, 0, 0, z, 0);\n    %s = z;\n  }\n", b.text, e->name, dz__ops[i->fn].name,
            d.text);
    break;
  case DZ__I_FN:
    dz__say(e, "  %s = %s_v_%s(%s, %s, %s);\n", d.text, e->name, dz__ops[i->fn].name, a.text, b.text,
            at(e, i->c).text);
    break;
  case DZ__I_ZERO:
    dz__say(e, "  %s = 0;\n", d.text);
    break;
  case DZ__I_LOAD:
  case DZ__I_GATHER:
  case DZ__I_STORE:
  case DZ__I_SCATTER:
    say_wire(e, i);
    break;
  default:
    if (DZ__NEVER(i->op == DZ__I_SPREAD || i->op == DZ__I_CALL)) return; /* of lanes; between the functions */
    dz__say(e, "  %s %s %s%s%s%s%s;\n", d.text, arithmetic[i->op].assign, arithmetic[i->op].before, a.text,
            arithmetic[i->op].between, arithmetic[i->op].between[0] ? b.text : "", arithmetic[i->op].after);
  }
}

/* ---- the frame ---- */

static bool is_coded(const dz__emitter *e) { return e->p->program.code.n > DZ__MOST_WRITTEN; }

/* The instructions from `from` on in functions of their own; calls stand between them. Returns how many. */
static size_t say_pieces(dz__emitter *e, size_t from, size_t end, size_t first) {
  const dz__routine *c = &e->p->program.code;
  size_t piece = first;
  if (is_coded(e)) return dz__emit_coded(e, from, end, first);
  while (from < end) {
    if (c->at[from].op == DZ__I_CALL) {
      from++;
      continue;
    }
    dz__say(e,
            "static void %s_piece%zu(const double *in, double *grad, double *w) {\n  (void)in, (void)grad;\n",
            e->name, piece++);
    for (size_t k = 0; k < DZ__SCALARS && from < end && c->at[from].op != DZ__I_CALL; k++, from++)
      dz__emit_scalar(e, &c->at[from]);
    dz__say(e, "}\n");
  }
  return piece - first;
}

/* Calls of these pieces and of the loops between them. */
static void say_calls(dz__emitter *e, size_t from, size_t end, size_t first, bool values) {
  const dz__routine *c = &e->p->program.code;
  size_t piece = first;
  while (from < end) {
    if (c->at[from].op == DZ__I_CALL) {
      const dz__instruction *i = &c->at[from++];
      const char *kernels = e->outside ? ", q, c" : "";
      if (values)
        dz__say(e, "  %s_loop%u(in, grad, w, t, x, grad ? %u : 0%s);\n", e->name, (unsigned)i->a,
                (unsigned)i->mode, kernels);
      else
        dz__say(e, "    %s_loop%u(in, grad, w, t, x, %u%s);\n", e->name, (unsigned)i->a, (unsigned)i->mode,
                kernels);
      continue;
    }
    dz__say(e, "  %s%s_piece%zu(in, grad, w);\n", values ? "" : "  ", e->name, piece++);
    size_t most = is_coded(e) ? c->n : DZ__SCALARS;
    for (size_t k = 0; k < most && from < end && c->at[from].op != DZ__I_CALL; k++) from++;
  }
}

static void say_prelude(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  dz__say(e, "/* Made by dz %s: a function of %zu inputs, %zu outputs%s. */\n", DZ_VERSION,
          dz_plan_inputs(e->p), dz_plan_outputs(e->p), e->p->gradient ? ", with its gradient" : "");
  dz__say(e, "#include <math.h>\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n#include "
             "<string.h>\n\n");
  dz__say(e, "#if defined(__clang__)\n#pragma clang diagnostic ignored \"-Wunused-function\"\n#endif\n");
  dz__say(e, "#define MASK(p) (p)\n");
  dz__emit_functions(e);
  bool map = e->outside && p->map;
  if (p->loops || map) dz__emit_vectors(e);
  if (p->loops || map) dz__emit_transposing(e, map);
  if (e->outside)
    dz__say(
        e,
        "typedef struct kernels {\n"
        "  void (*value)(size_t n, const double *x, const double *y, const double *w, double *z);\n"
        "  void (*partial[3])(size_t n, const double *const *in, double tie, bool add, double *d);\n"
        "  void (*both)(size_t n, const double *x, double *z, double *slope);\n} kernels;\n"
        "typedef struct team {\n  void *crew;\n  void (*share)(void *crew, size_t n, void (*f)(void *work, "
        "size_t block, size_t who), void *work);\n} team;\n");
  dz__say(
      e,
      "struct job {\n  const double *in, *t;\n  const uint32_t *x;\n  double *grad, *w;\n  int mode;\n%s};\n",
      e->outside ? "  const kernels *q;\n" : "");
}

/* What no loop has looked at; and the tails of those that have. */
static void say_nan(dz__emitter *e) {
  dz__say(e, "    uint64_t nan = 0;\n");
  for (size_t from = 0, end = 0; dz__next_shared(e, &from, &end);)
    dz__say(e, "    for (k = %zu; k < %zu; k++) nan |= grad[k] != grad[k];\n", from, end);
  dz__say(e, "    if (nan) w[%zu] = 1;\n", e->p->program.memory);
}

static void say_body(dz__emitter *e, size_t early, size_t values) {
  const dz__program *p = &e->p->program;
  const dz__routine *c = &p->code;
  size_t outputs = dz_plan_outputs(e->p);
  dz__say(e, "  size_t k;\n  int flips = 0;\n  (void)t, (void)x, (void)k, (void)in;\n");
  dz__say(e, "  memcpy(w, %s_number, %zu * sizeof *w);\n  w[%zu] = 0;\n", e->name, p->numbers, p->memory);
  if (e->p->gradient) {
    dz__say(e, "  if (grad) {\n    memset(w + %zu, 0, %zu * sizeof *w);\n", p->zeros, p->zeroed);
    for (size_t from = 0, end = 0; dz__next_shared(e, &from, &end);)
      dz__say(e, "    for (k = %zu; k < %zu; k++) grad[k] = 0;\n", from, end);
    dz__say(e, "    for (k = 0; k < %zu; k++) w[%zu + k] = k < %zu;\n", p->outputs, p->seeds, outputs);
    say_calls(e, 0, c->forward, 0, false);
    dz__say(e, "  }\n");
  } else {
    dz__say(e, "  grad = NULL;\n");
  }
  say_calls(e, c->forward, c->reverse, early, true);
  if (e->p->gradient) {
    dz__say(e, "  if (grad) {\n");
    say_calls(e, c->reverse, c->n, early + values, false);
    const bool cares = !e->outside && dz__needs_care(e->p);
    if (e->outside || cares) say_nan(e);
    if (cares) dz__say(e, "    if (w[%zu] != 0) %s_carefully(in, grad, w, t, x);\n", p->memory, e->name);
    dz__say(e, "  }\n");
  }
  dz__say(e, "  if (out) {\n");
  for (size_t k = 0; k < outputs; k++) dz__say(e, "    out[%zu] = %s;\n", k, at(e, p->value[k]).text);
  dz__say(e, "  }\n");
  for (size_t k = outputs; k < p->outputs; k++)
    dz__say(e, "  flips += (%s != 0) != %u;\n", at(e, p->value[k]).text, e->p->guards.at[k - outputs].held);
  dz__say(e, "  return flips;\n}\n");
}

void dz__say_doubles(dz__emitter *e, const char *type, const char *what, const double *x, size_t n) {
  dz__say(e, "static const %s %s_%s[%zu] = {", type, e->name, what, n ? n : 1);
  for (size_t k = 0; k < n; k++) {
    dz__say(e, k % 4 ? " " : "\n  ");
    dz__say_number(e, x[k]);
    dz__say(e, ",");
  }
  dz__say(e, "%s};\n", n ? "\n" : "0");
}

static dz_status say_data(dz__emitter *e) {
  dz__spots size = dz__data_size(e->p);
  const dz_allocator *a = &e->p->alloc;
  double *table = dz__alloc(a, (size.table + 1) * sizeof *table);
  uint32_t *index = dz__alloc(a, (size.index + 1) * sizeof *index);
  if (table && index) {
    dz__emit_data(e->p, table, index);
    dz__say_doubles(e, "double", "table", table, size.table);
    dz__say(e, "static const uint32_t %s_index[%zu] = {", e->name, size.index + 1);
    for (size_t k = 0; k < size.index; k++) dz__say(e, "%s%u,", k % 12 ? " " : "\n  ", (unsigned)index[k]);
    dz__say(e, "0};\n");
  }
  dz_status status = table && index ? DZ_OK : DZ_ERR_MEMORY;
  dz__free(a, table, (size.table + 1) * sizeof *table);
  dz__free(a, index, (size.index + 1) * sizeof *index);
  return status;
}

/* Arrays of floats are copied to doubles behind the workspace, and back. */
static void say_float_entry(dz__emitter *e, size_t work) {
  const char *f = e->name;
  size_t n = dz_plan_inputs(e->p), m = dz_plan_outputs(e->p);
  dz__say(e, "  double *x = work + %zu, *y = x + %zu, *g = y + %zu;\n  size_t k;\n  int flips;\n", work, n,
          m);
  dz__say(e, "  for (k = 0; k < %zu; k++) x[k] = in[k];\n", n);
  dz__say(e, "  flips = %s_all(x, out ? y : NULL, %s, work, %s_table, %s_index);\n", f,
          e->p->gradient ? "grad ? g : NULL" : "NULL", f, f);
  dz__say(e, "  for (k = 0; out && k < %zu; k++) out[k] = (float)y[k];\n", m);
  if (e->p->gradient) dz__say(e, "  for (k = 0; grad && k < %zu; k++) grad[k] = (float)g[k];\n", n);
  dz__say(e, "  (void)grad, (void)g;\n  return flips;\n}\n");
}

static void say_batch(dz__emitter *e, const char *type) {
  size_t n = dz_plan_inputs(e->p), m = dz_plan_outputs(e->p);
  dz__say(e,
          "\nint %s_batch(size_t n, const %s *in, %s *out, %s *grad, double *work);\n"
          "int %s_batch(size_t n, const %s *in, %s *out, %s *grad, double *work) {\n  int flips = 0;\n  "
          "size_t k;\n",
          e->name, type, type, type, e->name, type, type, type);
  dz__say(e,
          "  for (k = 0; k < n; k++)\n    flips += %s(in + k * %zu, out ? out + k * %zu : NULL, grad ? grad "
          "+ k * %zu "
          ": NULL, work);\n  return flips;\n}\n",
          e->name, n, m, n);
}

static void say_entry(dz__emitter *e) {
  const char *f = e->name, *type = e->options->single ? "float" : "double";
  size_t work = e->p->program.memory + 1 + dz__care_room(e->p), n = dz_plan_inputs(e->p),
         m = dz_plan_outputs(e->p);
  dz__say(e, "\nsize_t %s_inputs(void);\nsize_t %s_outputs(void);\nsize_t %s_work(void);\n", f, f, f);
  dz__say(e, "int %s(const %s *in, %s *out, %s *grad, double *work);\n\n", f, type, type, type);
  dz__say(e, "size_t %s_inputs(void) { return %zu; }\n", f, n);
  dz__say(e, "size_t %s_outputs(void) { return %zu; }\n", f, m);
  dz__say(e, "size_t %s_work(void) { return %zu; } /* doubles */\n\n", f,
          work + (e->options->single ? 2 * n + m : 0));
  dz__say(e, "int %s(const %s *in, %s *out, %s *grad, double *work) {\n", f, type, type, type);
  if (e->options->single)
    say_float_entry(e, work);
  else
    dz__say(e, "  return %s_all(in, out, grad, work, %s_table, %s_index);\n}\n", f, f, f);
  if (e->options->batch) say_batch(e, type);
}

static dz_status say_plan(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  const dz__routine *c = &p->code;
  dz_status status = DZ_OK;
  const char *form = e->outside ? "" : "static ";
  say_prelude(e);
  for (size_t k = 0; k < p->loops && !status; k++)
    if (p->loop[k].sequence)
      status = dz__emit_sequence(e, k);
    else if (p->loop[k].tile)
      status = dz__emit_loop(e, k);
  if (e->outside && p->map && !status) status = dz__emit_map(e);
  dz__say_doubles(e, "double", "number", p->number, p->numbers);
  if (!e->outside && dz__needs_care(e->p)) dz__emit_care(e);
  if (is_coded(e)) dz__emit_code(e);
  size_t early = say_pieces(e, 0, c->forward, 0), values = say_pieces(e, c->forward, c->reverse, early);
  say_pieces(e, c->reverse, c->n, early + values);
  dz__say(e, "\n");
  if (e->outside)
    dz__say(e,
            "int %s_all(const double *in, double *out, double *grad, double *w, const double *t, const "
            "uint32_t *x, const kernels *q, const team *c);\n",
            e->name);
  dz__say(e,
          "%sint %s_all(const double *in, double *out, double *grad, double *w, const double *t, const "
          "uint32_t *x%s) {\n%s",
          form, e->name, e->outside ? ", const kernels *q, const team *c" : "",
          e->outside ? "  (void)q, (void)c;\n" : "");
  say_body(e, early, values);
  if (!e->outside && !status) status = say_data(e);
  if (!e->outside) say_entry(e);
  return status;
}

dz_status dz__emit_plan(const dz_plan *p, const dz_emit_options *o, bool outside, dz_writer *write,
                        void *user) {
  static const dz_emit_options usual;
  if (!o) o = &usual;
  dz__emitter e = {.p = p,
                   .options = o,
                   .name = o->name ? o->name : "f",
                   .outside = outside,
                   .write = write,
                   .user = user};
  if (!p || p->whole || p->program.outsides || !write || !dz__is_function_name(e.name))
    return DZ_ERR_ARGUMENT;
  dz_status status = dz__find_writers(&e) ? say_plan(&e) : DZ_ERR_MEMORY;
  if (!status && o->test) status = dz__emit_test(&e);
  dz__free(&p->alloc, e.writers, p->program.inputs + 1);
  dz__said(&e);
  return e.status ? e.status : status;
}

dz_status dz_emit(const dz_plan *p, const dz_emit_options *o, dz_writer *write, void *user) {
  return dz__emit_plan(p, o, false, write, user);
}
