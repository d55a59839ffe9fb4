/* The careful machine as C: where a gradient has a NaN, the plan runs once more, number by number and with a
   mark beside each adjoint, whether anything flows to it; what carries nothing makes no 0 times infinity. The
   program stands in the file as numbers for it. */
#include "kernels/pointwise.h"
#include "plan/emit.h"

#include <string.h>

/* ---- whether there is need of it ---- */

static bool masks(const dz__routine *c) {
  for (size_t k = 0; k < c->n; k++) {
    const dz__instruction *i = &c->at[k];
    bool part = i->op == DZ__I_PART || i->op == DZ__I_PARTADD;
    if (part && dz__pointwise[i->fn].mask[i->mode]) return true;
  }
  return false;
}

/* Adjoints to which nothing may flow: behind partials that switch, of branches, of what loops leave unread.
 */
bool dz__needs_care(const dz_plan *plan) {
  const dz__program *p = &plan->program;
  bool needs = plan->guards.n || p->loops || masks(&p->code);
  return plan->gradient && needs;
}

size_t dz__care_room(const dz_plan *p) {
  return dz__needs_care(p) ? p->program.memory / sizeof(double) + 1 : 0;
}

/* ---- the text, of careful_machine.c.in and careful_loops.c.in: @ is the function's name ---- */

extern const char dz__careful_machine_text[], dz__careful_loops_text[];

_Static_assert(DZ__I_CALL == 30 && DZ__I_RSUM == 14 && DZ__I_RED == 26 && DZ__R_REDV == 5 && DZ__R_SETS == 6,
               "the text counts like the machine");
_Static_assert(3 * DZ__F_POINTWISE_END < 256, "numbers of formulas have a byte");

static void say_text(dz__emitter *e, const char *text) {
  for (const char *at = text, *end; *at; at = end + (*end == '@')) {
    end = at + strcspn(at, "@");
    dz__say_text(e, at, (size_t)(end - at));
    if (*end) dz__say(e, "%s", e->name);
  }
}

/* ---- the program as numbers ---- */

/* Places are long numbers: the kind goes by a letter, of dz__where. */
static const char kinds[] = "RUDTIJGO";

static void say_kinds(dz__emitter *e, bool begin) {
  for (unsigned k = 1; kinds[k]; k++)
    if (begin)
      dz__say(e, "#define %c %uu\n", kinds[k], k << DZ__PLACE_BITS);
    else
      dz__say(e, "#undef %c\n", kinds[k]);
}

static void say_words(dz__emitter *e, size_t n, const uint32_t *words) {
  for (size_t k = 0; k < n; k++) {
    const unsigned kind = dz__where_of(words[k]);
    if (k % 20 == 0) dz__say(e, "\n ");
    if (words[k] == DZ__NOWHERE)
      dz__say(e, "-1u,");
    else if (kind)
      dz__say(e, "%c+%u,", kinds[kind], (unsigned)dz__place_index(words[k]));
    else
      dz__say(e, "%u,", (unsigned)words[k]);
  }
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
                            code + l->last,
                            code + l->enter,
                            code + l->zeroed,
                            code + l->leave,
                            code + l->passed,
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
  say_kinds(e, true);
  dz__say(e, "static const uint32_t %s_care_code[] = {", e->name);
  say_instructions(e, &p->code, &f);
  for (size_t k = 0; k < p->loops; k++) say_instructions(e, &p->loop[k].code, &f);
  dz__say(e, "0};\nstatic const uint32_t %s_care_list[] = {", e->name);
  say_words(e, p->code.lists, p->code.list);
  for (size_t k = 0; k < p->loops; k++) say_words(e, p->loop[k].code.lists, p->loop[k].code.list);
  dz__say(e, "0};\n");
  if (p->loops) {
    dz__say(e, "static const uint32_t %s_care_to[] = {", e->name);
    for (size_t k = 0; k < p->loops; k++) say_words(e, p->loop[k].accs, p->loop[k].acc);
    dz__say(e, "0};\n");
  }
  say_kinds(e, false);
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
  say_text(e, "static void @_care_around(const @_care_view *v, size_t from, size_t end, bool adjoints, "
              "const double *t, const uint32_t *x) {\n"
              "  (void)t, (void)x;\n");
  if (!e->p->program.loops)
    say_text(e, "  @_care_run(v, from, end, adjoints);\n");
  else
    say_text(e, "  for (; from < end; from++) {\n"
                "    const uint32_t *const i = @_care_code + 5 * from;\n"
                "    if ((i[0] & 255) == @_care_CALL)\n"
                "      @_care_loop(v, &@_care_parts[i[2]], i[0] >> 8 & 255, t, x);\n"
                "    else\n"
                "      @_care_run(v, from, from + 1, adjoints);\n"
                "  }\n");
  say_text(e, "}\n");
}

static void say_entry(dz__emitter *e) {
  const dz__program *p = &e->p->program;
  const dz__routine *c = &p->code;
  size_t outputs = dz_plan_outputs(e->p);
  say_text(e, "static void @_carefully(const double *in, double *grad, double *w, const double *t, "
              "const uint32_t *x) {\n"
              "  double *const from = (double *)(uintptr_t)in;\n"
              "  size_t k;\n"
              "  @_care_view v = {{0}, {1, 1, 1, 1, 1, 1, 1, 1}, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL};\n"
              "  v.base[0] = v.base[1] = v.base[2] = v.base[3] = v.base[7] = v.work = w;\n"
              "  v.base[4] = v.base[5] = from;\n"
              "  v.base[6] = grad;\n"
              "  v.list = @_care_list;\n");
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
  say_text(e, dz__careful_machine_text);
  if (e->p->program.loops) {
    say_text(e, dz__careful_loops_text);
    say_parts(e);
  }
  say_around(e);
  say_entry(e);
}
