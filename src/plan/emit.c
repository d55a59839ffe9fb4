/* The program around the groups as C, and what frames it. */
#include "plan/emit.h"

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
  for (size_t k = 0; k < outputs; k++)
    dz__say(e, "    out[%zu] = %s;\n", k, dz__spelled(e, p->value[k]).text);
  dz__say(e, "  }\n");
  for (size_t k = outputs; k < p->outputs; k++)
    dz__say(e, "  flips += (%s != 0) != %u;\n", dz__spelled(e, p->value[k]).text,
            e->p->guards.at[k - outputs].held);
  dz__say(e, "  return flips;\n}\n");
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
