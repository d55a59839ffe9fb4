/* The careful machine as C: where a gradient has a NaN, the plan runs once more, number by number and with a
   mark beside each adjoint, whether anything flows to it; what carries nothing makes no 0 times infinity. The
   program stands in the file as numbers for it. */
#include "kernels/pointwise.h"
#include "plan/emit.h"

#include <string.h>

/* ---- whether there is need of it ---- */

static bool masks(const dz__routine *c, size_t from) {
  for (size_t k = 0; k < c->n; k++) {
    const dz__instruction *i = &c->at[k];
    bool part = i->op == DZ__I_PART || i->op == DZ__I_PARTADD;
    if (part && dz__pointwise[i->fn].mask[i->mode]) return true;
    if (k >= from && (i->op == DZ__I_ZERO || i->op == DZ__I_RSELECT)) return true;
  }
  return false;
}

/* Adjoints to which nothing may flow: behind partials that switch, of branches, of what loops leave unread.
 */
bool dz__needs_care(const dz_plan *plan) {
  const dz__program *p = &plan->program;
  bool needs = plan->guards.n || p->loops || masks(&p->code, p->code.reverse);
  return plan->gradient && needs;
}

size_t dz__care_room(const dz_plan *p) {
  return dz__needs_care(p) ? p->program.memory / sizeof(double) + 1 : 0;
}

/* ---- the text: @ is the function's name ---- */

static const char *const machine[] = {
    "\n/* For gradients with a NaN: number by number, with a mark beside each adjoint, whether anything "
    "flows to "
    "it. */\n"
    "typedef struct @_care_view {\n  double *base[8];\n  size_t scale[8], lanes, lane;\n"
    "  const uint32_t *list, *index, *choice;\n  double *acc, *work;\n  unsigned char *marks;\n} "
    "@_care_view;\n",
    "enum {\n  @_care_ZERO, @_care_SPREAD, @_care_MOV, @_care_NEG, @_care_ACC, @_care_DEC, @_care_ADD, "
    "@_care_SUB, @_care_MUL, @_care_DIV, @_care_MULNEG, "
    "@_care_MULADD,\n"
    "  @_care_MULSUB, @_care_SUM, @_care_RSUM, @_care_FN, @_care_FNK, @_care_PART, @_care_PARTADD, "
    "@_care_LOAD, @_care_GATHER, @_care_SELECT, @_care_RSELECT,\n"
    "  @_care_STORE, @_care_PUT, @_care_SCATTER, @_care_RED, @_care_DECRED, @_care_REDMUL, @_care_REDMULNEG, "
    "@_care_CALL\n};\n",
    "static double *@_care_spot(const @_care_view *v, uint32_t p) {\n"
    "  return v->base[p >> 29] + (size_t)(p & 0x1fffffff) * v->scale[p >> 29];\n}\n"
    "static unsigned char *@_care_mark(const @_care_view *v, const double *p) {\n"
    "  return p >= v->work && p < v->work + @_care_MEMORY ? v->marks + (p - v->work) : NULL;\n}\n",
    "static void @_care_put(const @_care_view *v, double *d, double c, bool flows, bool set) {\n"
    "  unsigned char *const m = @_care_mark(v, d);\n  if (set) {\n    *d = flows ? c : 0;\n    if (m) *m = "
    "flows;\n"
    "  } else if (flows) {\n    *d += c;\n    if (m) *m = 1;\n  }\n}\n",
    "static double *@_care_sum_at(const @_care_view *v, uint32_t k) { return v->acc + (size_t)k * 8 + "
    "v->lane % 8; }\n",
    "static void @_care_value(const @_care_view *v, const uint32_t *i) {\n"
    "  const uint32_t op = i[0] & 255, *t = v->list;\n  uint32_t j;\n  double s = 0, y;\n"
    "  double *const d = op >= @_care_RED ? @_care_sum_at(v, i[1]) : @_care_spot(v, i[1]);\n  switch (op) "
    "{\n",
    "  case @_care_ZERO: *d = 0; break;\n  case @_care_SPREAD:\n  case @_care_MOV: *d = *@_care_spot(v, "
    "i[2]); break;\n"
    "  case @_care_NEG: *d = -*@_care_spot(v, i[2]); break;\n  case @_care_ACC:\n  case @_care_RED: *d += "
    "*@_care_spot(v, i[2]); "
    "break;\n"
    "  case @_care_DEC:\n  case @_care_DECRED: *d -= *@_care_spot(v, i[2]); break;\n"
    "  case @_care_ADD: *d = *@_care_spot(v, i[2]) + *@_care_spot(v, i[3]); break;\n"
    "  case @_care_SUB: *d = *@_care_spot(v, i[2]) - *@_care_spot(v, i[3]); break;\n"
    "  case @_care_MUL: *d = *@_care_spot(v, i[2]) * *@_care_spot(v, i[3]); break;\n"
    "  case @_care_DIV: *d = *@_care_spot(v, i[2]) / *@_care_spot(v, i[3]); break;\n",
    "  case @_care_MULNEG: *d = -(*@_care_spot(v, i[2]) * *@_care_spot(v, i[3])); break;\n"
    "  case @_care_MULADD:\n  case @_care_REDMUL: *d += *@_care_spot(v, i[2]) * *@_care_spot(v, i[3]); "
    "break;\n"
    "  case @_care_MULSUB:\n  case @_care_REDMULNEG: *d -= *@_care_spot(v, i[2]) * *@_care_spot(v, i[3]); "
    "break;\n",
    "  case @_care_SUM:\n    for (t += i[2], j = 0; j < i[3]; j++, t += 3) {\n      y = *@_care_spot(v, "
    "t[1]);\n"
    "      if ((t[0] & 15) >= 2) y *= *@_care_spot(v, t[2]);\n      if (t[0] & 16) y = -y;\n"
    "      s = j ? s + y : y;\n    }\n    *d = s;\n    break;\n",
    "  case @_care_FN: *d = @_values[i[0] >> 16 & 255](*@_care_spot(v, i[2]), *@_care_spot(v, i[3]), "
    "*@_care_spot(v, i[4])); "
    "break;\n"
    "  case @_care_FNK:\n    y = *@_care_spot(v, i[2]);\n    s = @_values[i[0] >> 16 & 255](y, 0, 0);\n"
    "    *@_care_spot(v, i[3]) = @_partials[i[4]](y, 0, 0, s, 0);\n    *d = s;\n    break;\n",
    "  case @_care_LOAD: *d = @_care_spot(v, i[2])[v->lane * i[4]]; break;\n"
    "  case @_care_GATHER: *d = @_care_spot(v, i[2])[v->index[i[3] + v->lane]]; break;\n"
    "  case @_care_SELECT: *d = *@_care_spot(v, t[i[2] + v->choice[i[3] * v->lanes + v->lane]]); break;\n  "
    "default: "
    "break;\n"
    "  }\n}\n",
    "/* c times the factor flows from g to d; kind as in op. */\n"
    "static void @_care_flow(const @_care_view *v, const uint32_t *i) {\n"
    "  const uint32_t op = i[0] & 255, *t = v->list;\n  uint32_t j;\n"
    "  double *const d = op >= @_care_RED ? @_care_sum_at(v, i[1]) : @_care_spot(v, i[1]);\n"
    "  const double *const g = @_care_spot(v, op == @_care_RSELECT ? i[1] : op == @_care_PART || op == "
    "@_care_PARTADD ? t[i[2] + "
    "4] : op == "
    "@_care_ZERO ? i[1] : i[2]);\n"
    "  const unsigned char *const m = @_care_mark(v, g);\n  const bool flows = !m || *m;\n  double c;\n  "
    "switch "
    "(op) {\n",
    "  case @_care_ZERO: @_care_put(v, d, 0, false, true); break;\n"
    "  case @_care_SPREAD:\n  case @_care_MOV: @_care_put(v, d, *g, flows, true); break;\n"
    "  case @_care_NEG: @_care_put(v, d, -*g, flows, true); break;\n"
    "  case @_care_ACC:\n  case @_care_RED: @_care_put(v, d, *g, flows, false); break;\n"
    "  case @_care_DEC:\n  case @_care_DECRED: @_care_put(v, d, -*g, flows, false); break;\n"
    "  case @_care_MUL: @_care_put(v, d, *g * *@_care_spot(v, i[3]), flows, true); break;\n"
    "  case @_care_MULNEG: @_care_put(v, d, -(*g * *@_care_spot(v, i[3])), flows, true); break;\n"
    "  case @_care_MULADD:\n  case @_care_REDMUL: @_care_put(v, d, *g * *@_care_spot(v, i[3]), flows, "
    "false); break;\n"
    "  case @_care_MULSUB:\n  case @_care_REDMULNEG: @_care_put(v, d, -(*g * *@_care_spot(v, i[3])), flows, "
    "false); break;\n",
    "  case @_care_RSUM:\n    for (t += i[3], j = 0; j < i[4]; j++, t += 3) {\n      const uint32_t how = "
    "t[0] & "
    "15;\n"
    "      c = t[0] & 16 ? -*g : *g;\n      if (t[1] != 0xffffffffu) c *= *@_care_spot(v, t[1]);\n"
    "      @_care_put(v, how == 2 || how == 5 ? @_care_sum_at(v, t[2]) : @_care_spot(v, t[2]), c, flows, how "
    "% 3 == 0);\n   "
    " "
    "}\n"
    "    break;\n",
    "  case @_care_PART:\n  case @_care_PARTADD:\n    t += i[2];\n"
    "    c = @_partials[i[0] >> 16 & 255](*@_care_spot(v, t[0]), *@_care_spot(v, t[1]), *@_care_spot(v, "
    "t[2]), *@_care_spot(v, "
    "t[3]), "
    "i[0] >> 24 & 1 "
    "? .5 : 0);\n"
    "    @_care_put(v, d, c * *g, flows && !(i[0] >> 25 && c == 0), op == @_care_PART);\n    break;\n",
    "  case @_care_RSELECT:\n    @_care_put(v, @_care_spot(v, t[i[2] + v->choice[i[3] * v->lanes + "
    "v->lane]]), *g, flows, "
    "false);\n"
    "    break;\n"
    "  case @_care_STORE: @_care_put(v, d + v->lane * i[4], *g, flows, false); break;\n"
    "  case @_care_SCATTER: @_care_put(v, d + v->index[i[3] + v->lane], *g, flows, false); break;\n  "
    "default: break;\n "
    " }\n}\n",
    "static void @_care_run(const @_care_view *v, size_t from, size_t end, bool adjoints) {\n"
    "  const uint32_t *i = @_care_code + 5 * from, *const last = @_care_code + 5 * end;\n"
    "  for (; i < last; i += 5)\n    if (adjoints)\n      @_care_flow(v, i);\n    else\n      "
    "@_care_value(v, "
    "i);\n}\n"};

_Static_assert(DZ__I_CALL == 30 && DZ__I_RSUM == 14 && DZ__I_RED == 26 && DZ__R_REDV == 5 && DZ__R_SETS == 6,
               "the text counts like the machine");
_Static_assert(3 * DZ__F_POINTWISE_END < 256, "numbers of formulas have a byte");

static const char *const loops[] = {
    "typedef struct @_care_part {\n  size_t code, reverse, end, list, lanes, tile, spot, room, sums, to, "
    "table, "
    "index, "
    "choice;\n  size_t enter, zeroed, leave, kept, reduced, sequence;\n} @_care_part;\n",
    "static void @_care_to_lane(@_care_view *v, const @_care_view *w, const @_care_part *l, const double *t, "
    "size_t lane) {\n"
    "  v->lane = lane;\n  v->base[2] = w->base[2] + lane;\n"
    "  v->base[3] = (double *)(uintptr_t)t + l->table + lane;\n  v->base[5] = w->base[5] + lane;\n}\n",
    "static void @_care_finish(const @_care_view *w, const @_care_part *l, unsigned mode) {\n  size_t k, j;\n"
    "  for (k = 0; k < l->sums; k++) {\n    const double *const a = w->acc + 8 * k;\n"
    "    double *const to = @_care_spot(w, @_care_to[l->to + k]);\n"
    "    const double s = ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));\n"
    "    unsigned char *const m = @_care_mark(w, to);\n"
    "    if (k < l->reduced) {\n      if (mode != 1) *to = s;\n    } else if (mode != 0) {\n      *to += s;\n"
    "      for (j = 0; m && j < 8; j++) *m |= w->marks[a - w->work + (ptrdiff_t)j];\n    }\n  }\n}\n",
    "static void @_care_lanes(const @_care_view *w, @_care_view v, const @_care_part *l, unsigned mode, "
    "const double *t) {\n"
    "  const size_t full = l->lanes / 8 * 8, n = 8 * l->sums;\n  size_t lane, k;\n"
    "  unsigned char *const m = w->marks + (w->acc - w->work);\n  v.scale[0] = l->tile;\n"
    "  memset(w->acc, 0, 2 * n * sizeof *w->acc);\n  memset(m, 0, 2 * n);\n"
    "  for (lane = 0; lane < l->lanes; lane++) {\n"
    "    const size_t tile = lane < full ? lane / l->tile : (l->lanes + l->tile - 1) / l->tile;\n"
    "    @_care_to_lane(&v, w, l, t, lane);\n"
    "    v.base[0] = w->work + l->spot + l->kept * tile * l->room + (lane < full ? lane % l->tile : lane - "
    "full);\n"
    "    v.acc = w->acc + (lane < full ? 0 : n);\n"
    "    if (mode != 1 || !l->kept) @_care_run(&v, l->code, l->reverse, false);\n"
    "    if (mode != 0) @_care_run(&v, l->reverse, l->end, true);\n  }\n"
    "  for (k = 0; k < n; k++)\n    if (k % 8 < l->lanes - full) w->acc[k] += w->acc[n + k], m[k] |= m[n + "
    "k];\n"
    "  @_care_finish(w, l, mode);\n}\n",
    "static void @_care_steps(const @_care_view *w, @_care_view v, const @_care_part *l, unsigned mode, "
    "const double *t) {\n"
    "  double *const S = w->work + l->spot;\n  size_t s;\n  v.base[0] = S;\n"
    "  if (mode != 1) @_care_run(&v, l->code, l->enter, false);\n"
    "  for (s = 0; s < l->lanes && mode != 1; s++) {\n    @_care_to_lane(&v, w, l, t, s);\n"
    "    v.base[7] = S + s * l->room;\n    v.base[0] = v.base[7] + l->room;\n"
    "    @_care_run(&v, l->enter, l->reverse, false);\n  }\n  if (mode == 0) return;\n"
    "  v.base[7] = S + l->lanes * l->room;\n  @_care_run(&v, l->reverse, l->zeroed, true);\n"
    "  for (s = l->lanes; s-- > 0;) {\n    @_care_to_lane(&v, w, l, t, s);\n    v.base[7] = S + s * "
    "l->room;\n"
    "    v.base[0] = v.base[7] + l->room;\n    @_care_run(&v, l->reverse, l->leave, true);\n  }\n"
    "  v.base[0] = S;\n  @_care_run(&v, l->leave, l->end, true);\n}\n",
    "static void @_care_loop(const @_care_view *w, const @_care_part *l, unsigned mode, const double *t, "
    "const uint32_t *x) "
    "{\n"
    "  @_care_view v = *w;\n  v.list = @_care_list + l->list;\n  v.index = x + l->index;\n  v.choice = x + "
    "l->choice;\n"
    "  v.lanes = l->lanes;\n  v.scale[3] = (l->lanes + 7) / 8 * 8;\n"
    "  (l->sequence ? @_care_steps : @_care_lanes)(w, v, l, mode, t);\n}\n"};

/* ---- the program as numbers ---- */

static void say_text(dz__emitter *e, const char *text) {
  for (const char *at = text, *end; *at; at = end + (*end == '@')) {
    char piece[2000];
    end = strchr(at, '@');
    if (!end) end = at + strlen(at);
    size_t n = (size_t)(end - at);
    memcpy(piece, at, n);
    piece[n] = 0;
    dz__say(e, "%s%s", piece, *end ? e->name : "");
  }
}

static void say_words(dz__emitter *e, size_t n, const uint32_t *words) {
  for (size_t k = 0; k < n; k++) dz__say(e, "%s%u,", k % 15 ? " " : "\n  ", (unsigned)words[k]);
}

static void say_instructions(dz__emitter *e, const dz__routine *c, const dz__formulas *f) {
  for (size_t k = 0; k < c->n; k++) {
    const dz__instruction *i = &c->at[k];
    bool part = i->op == DZ__I_PART || i->op == DZ__I_PARTADD, both = i->op == DZ__I_FNK;
    uint32_t fn = part                        ? f->partial[i->fn][i->mode]
                  : i->op == DZ__I_FN || both ? f->value[i->fn]
                                              : 0,
             flags = part ? (i->flags ? 1u : 0) | (dz__pointwise[i->fn].mask[i->mode] ? 2u : 0) : 0;
    const uint32_t words[] = {i->op | (uint32_t)i->mode << 8 | fn << 16 | flags << 24, i->d, i->a, i->b,
                              both ? f->partial[i->fn][0] : i->c};
    say_words(e, 5, words);
  }
}

static void say_part(dz__emitter *e, size_t k, size_t code, size_t list, size_t to) {
  const dz__loop *l = &e->p->program.loop[k];
  const dz__routine *c = &l->code;
  const dz__spots s = dz__spots_of(e->p, k);
  const size_t numbers[] = {code,
                            code + c->reverse,
                            code + c->n,
                            list,
                            l->lanes,
                            l->tile,
                            l->spot,
                            l->room,
                            l->accs,
                            to,
                            s.table,
                            s.index,
                            s.choice,
                            code + l->enter,
                            code + l->zeroed,
                            code + l->leave,
                            l->kept,
                            l->reduced,
                            l->sequence};
  dz__say(e, "  {");
  for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++)
    dz__say(e, "%s%zu", j ? ", " : "", numbers[j]);
  dz__say(e, "},\n");
}

static void say_numbers(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  dz__formulas f;
  dz__number_formulas(e, &f);
  dz__say(e, "static const uint32_t %s_care_code[] = {", e->name);
  say_instructions(e, &p->code, &f);
  for (size_t k = 0; k < p->loops; k++) say_instructions(e, &p->loop[k].code, &f);
  dz__say(e, "0};\nstatic const uint32_t %s_care_list[] = {", e->name);
  say_words(e, p->code.lists, p->code.list);
  for (size_t k = 0; k < p->loops; k++) say_words(e, p->loop[k].code.lists, p->loop[k].code.list);
  dz__say(e, "0};\n");
  if (!p->loops) return;
  dz__say(e, "static const uint32_t %s_care_to[] = {", e->name);
  for (size_t k = 0; k < p->loops; k++) say_words(e, p->loop[k].accs, p->loop[k].acc);
  dz__say(e, "0};\n");
}

static void say_parts(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  size_t code = p->code.n, list = p->code.lists, to = 0;
  dz__say(e, "static const %s_care_part %s_care_parts[] = {\n", e->name, e->name);
  for (size_t k = 0; k < p->loops; k++) {
    const dz__loop *l = &p->loop[k];
    say_part(e, k, code, list, to);
    code += l->code.n, list += l->code.lists, to += l->accs;
  }
  dz__say(e, "};\n");
}

/* The program around, between its calls. */
static void say_around(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  say_text(e, "static void @_care_around(const @_care_view *v, size_t from, size_t end, bool adjoints, const "
              "double *t, const "
              "uint32_t *x) {\n  (void)t, (void)x;\n");
  if (!p->loops) {
    say_text(e, "  @_care_run(v, from, end, adjoints);\n}\n");
    return;
  }
  say_text(e, "  for (; from < end; from++) {\n    const uint32_t *const i = @_care_code + 5 * from;\n"
              "    if ((i[0] & 255) == @_care_CALL)\n      @_care_loop(v, &@_care_parts[i[2]], i[0] >> 8 & "
              "255, t, x);\n"
              "    else\n      @_care_run(v, from, from + 1, adjoints);\n  }\n}\n");
}

static void say_entry(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  const dz__routine *c = &p->code;
  size_t outputs = dz_plan_outputs(e->p);
  say_text(e, "static void @_carefully(const double *in, double *grad, double *w, const double *t, const "
              "uint32_t *x) "
              "{\n  double *const from = (double *)(uintptr_t)in;\n  size_t k;\n"
              "  @_care_view v = {{0}, {1, 1, 1, 1, 1, 1, 1, 1}, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL};\n"
              "  v.base[0] = v.base[1] = v.base[2] = v.base[3] = v.base[7] = v.work = w;\n"
              "  v.base[4] = v.base[5] = from;\n  v.base[6] = grad;\n  v.list = @_care_list;\n");
  dz__say(e, "  v.acc = w + %zu;\n  v.marks = (unsigned char *)(w + %zu);\n", p->acc, p->memory + 1);
  dz__say(e,
          "  memset(v.marks, 1, %zu);\n  memset(v.marks + %zu, 0, %zu);\n  memset(w + %zu, 0, %zu * sizeof "
          "*w);\n",
          p->memory, p->zeros, p->zeroed, p->zeros, p->zeroed);
  dz__say(e, "  for (k = 0; k < %zu; k++) w[%zu + k] = v.marks[%zu + k] = k < %zu;\n", p->outputs, p->seeds,
          p->seeds, outputs);
  dz__say(e, "  for (k = 0; k < %zu; k++) grad[k] = 0;\n", p->inputs);
  dz__say(e, "  %s_care_around(&v, 0, %zu, true, t, x);\n  %s_care_around(&v, %zu, %zu, false, t, x);\n",
          e->name, c->forward, e->name, c->forward, c->reverse);
  dz__say(e, "  %s_care_around(&v, %zu, %zu, true, t, x);\n}\n", e->name, c->reverse, c->n);
}

void dz__emit_care(dz__emitter *e) {
  dz__say(e, "#define %s_care_MEMORY %zu\n", e->name, e->p->program.memory);
  dz__emit_formulas(e);
  say_numbers(e);
  for (size_t k = 0; k < sizeof machine / sizeof *machine; k++) say_text(e, machine[k]);
  if (e->p->program.loops) {
    for (size_t k = 0; k < sizeof loops / sizeof *loops; k++) say_text(e, loops[k]);
    say_parts(e);
  }
  say_around(e);
  say_entry(e);
}
