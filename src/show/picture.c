#include "show/picture.h"

#include "show/fold.h"
#include "show/sheet.h"

#include <string.h>

enum {
  DIGITS = 4,
  MOST_NODES = 1000,
  MOST_FOLDED = 100000,
  IN_DETAIL = 40,
  MOST_TOLD = 80,
  FORMULA = 32,
  BRIEF = 14,
  MANY = 20
};

/* ---- colours ---- */

static const dz__palette palettes[] = {
    {"#ffffff", "#111111", "#c62828", "#5f6368", "#ffffff", "#1a5fb4"},
    {"#16191d", "#e8eaed", "#ff8a80", "#9aa0a6", "#22262c", "#8ab4f8"},
    {"#ffffff", "#111111", "#131111", "#5f6368", "#ffffff", "#151111"},
};

static dz__palette palette_of(dz_theme theme) { return palettes[theme <= DZ_THEME_MONO ? theme : 0]; }

static unsigned hex_digit(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10); }

void dz_wave_color(dz_theme theme, bool backward, size_t k, char out[8]) {
  static const char hex[] = "0123456789abcdef";
  if (!out) return;
  const char *base = backward ? palette_of(theme).back : palette_of(theme).ink;
  unsigned step = 1 + (unsigned)(k < MOST_TOLD ? k : MOST_TOLD),
           low = 16 * hex_digit(base[5]) + hex_digit(base[6]);
  low = theme == DZ_THEME_DARK ? low - step : low + step;
  memcpy(out, base, 8);
  out[5] = hex[low / 16 % 16];
  out[6] = hex[low % 16];
}

/* dz_wave_color, or the plain colour, or none where the picture does not come so far. */
static const char *wave_ink(const dz__picture *p, bool backward, uint32_t k, size_t at, char out[16]) {
  const char *plain = backward ? p->colors.back : p->colors.ink;
  if (p->how->wave && at > p->how->wave) return "transparent";
  if (!p->how->waves_told) return plain;
  dz_wave_color(p->how->theme, backward, k, out);
  return out;
}

const char *dz__ink(const dz__picture *p, uint32_t wave, char out[16]) {
  return wave_ink(p, false, wave, wave, out);
}

const char *dz__red(const dz__picture *p, uint32_t back, char out[16]) {
  return wave_ink(p, true, back, (size_t)p->trace->waves + back, out);
}

/* ---- words ---- */

const char *dz__word(const dz__picture *p, const char *english) {
  const char *text = p->how->translate ? p->how->translate(english, p->how->translate_user) : NULL;
  return text ? text : english;
}

/* ---- formulas ---- */

static size_t operations(const dz__trace *t) {
  size_t n = 0;
  for (size_t i = 0; i < t->nseen; i++) n += t->seen[i].is.role == DZ_ROLE_NONE;
  return n;
}

static bool wants_formulas(const dz_dot_options *o) {
  return o->written != DZ_WRITTEN_NUM || o->partials || o->style == DZ_PICTURE_VARS;
}

/* Of a picture whose formulas are not known the numbers remain. */
static dz_status find_formulas(dz__picture *p) {
  size_t n = operations(&p->full), length = n > MANY ? BRIEF : FORMULA;
  dz__symbol_options o = {.result = p->how->output,
                          .constants = p->how->constants,
                          .most = length,
                          .names = p->how->style == DZ_PICTURE_VARS};
  if (!wants_formulas(p->how) || n > IN_DETAIL) return DZ_OK;
  dz_status status = dz__symbols_make(&p->full, &o, &p->symbols);
  return status == DZ_ERR_MEMORY ? status : DZ_OK;
}

/* The place of a node of the tape in the full trace, which is in order of the tape. */
static size_t place_of(const dz__trace *t, size_t node) {
  size_t low = 0, high = t->nseen;
  while (low + 1 < high) {
    size_t mid = (low + high) / 2;
    if (t->seen[mid].node <= node)
      low = mid;
    else
      high = mid;
  }
  return low;
}

const dz__node_symbol *dz__symbol_of(const dz__picture *p, const dz__seen *s) {
  return p->symbols.tape ? &p->symbols.node[place_of(&p->full, s->node)] : NULL;
}

const dz__use_symbol *dz__symbol_of_use(const dz__picture *p, const dz__use *u) {
  if (!p->symbols.tape) return NULL;
  if (p->trace == &p->full) return &p->symbols.use[u - p->full.use];
  const dz__seen *user = &p->trace->seen[u->user], *own = &p->full.seen[place_of(&p->full, user->node)];
  return user->box ? NULL : &p->symbols.use[own->args + u->operand];
}

/* ---- which gradients ---- */

static void find_leads(dz__picture *p) {
  const dz__trace *t = p->trace;
  for (size_t i = 0; i < t->nseen; i++) {
    const dz__seen *s = &t->seen[i];
    p->leads[i] = p->how->wrt_count == 0;
    for (size_t k = 0; k < p->how->wrt_count; k++)
      p->leads[i] = p->leads[i] || dz_node_index(p->how->wrt[k]) == s->node;
    for (int k = 0; k < s->is.nargs; k++) {
      const dz__use *u = &t->use[s->args + (uint32_t)k];
      p->leads[i] = p->leads[i] || (u->of != DZ__NONE && p->leads[u->of]);
    }
  }
}

static void find_trees(dz__picture *p) {
  const dz__trace *t = p->trace;
  for (size_t i = 0; i < t->nseen; i++) {
    p->tree[i] = 1;
    for (int k = 0; k < t->seen[i].is.nargs; k++) {
      uint32_t of = t->use[t->seen[i].args + (uint32_t)k].of;
      if (of != DZ__NONE && (t->seen[of].uses > 1 || !p->tree[of])) p->tree[i] = 0;
    }
  }
}

static bool leads(const dz__picture *p, const dz__seen *s) { return p->leads[s - p->trace->seen]; }

bool dz__shows_whole(const dz__picture *p, const dz__seen *s) {
  return p->how->sweeps != DZ_SWEEPS_FORWARD && s->adjoint && leads(p, s);
}

bool dz__shows_use(const dz__picture *p, const dz__use *u) {
  if (!p->trace->seen[u->user].adjoint) return false;
  const dz__seen *of = &p->trace->seen[u->of]; /* a box may use it where no gradient flows */
  return dz__shows_whole(p, of) && (u->share || !dz__is_small(of));
}

/* ---- the whole ---- */

static const char *output_of(const dz__picture *p) {
  const char *own = p->full.seen[p->full.nseen - 1].name;
  bool z = false;
  if (p->how->output && p->how->output[0]) return p->how->output;
  for (size_t i = 0; i < p->full.nseen; i++)
    z = z || (p->full.seen[i].name && strcmp(p->full.seen[i].name, "z") == 0);
  return p->symbols.tape ? p->symbols.result : own ? own : z ? "f" : "z";
}

static dz_status finish(dz__picture *p) {
  dz_status status = find_formulas(p);
  if (status) return status;
  status = dz__fold_picture(p);
  if (status) return status;
  p->output = output_of(p);
  p->leads = dz__alloc(&p->full.alloc, 2 * p->trace->nseen);
  if (!p->leads) return DZ_ERR_MEMORY;
  p->tree = p->leads + p->trace->nseen;
  find_leads(p);
  find_trees(p);
  return DZ_OK;
}

dz_status dz__picture_make(dz_var y, const dz_dot_options *how, dz__picture *p) {
  p->how = how;
  p->pen.digits = how->digits > 0 ? how->digits : DIGITS;
  p->colors = palette_of(how->theme);
  if (dz_is_number(y) || !dz_valid(y)) return DZ_ERR_HANDLE;
  size_t most = how->max_nodes ? how->max_nodes : MOST_NODES;
  dz_status status = dz__trace_make(y, most > MOST_FOLDED ? most : MOST_FOLDED, &p->full);
  if (status) return status;
  if (how->shared) status = dz__trace_share(&p->full);
  p->trace = &p->full;
  if (!status) status = finish(p);
  if (!status && operations(p->trace) > most) status = DZ_ERR_LIMIT;
  if (status) dz__picture_free(p);
  return status;
}

void dz__picture_free(dz__picture *p) {
  dz__free(&p->full.alloc, p->leads, 2 * p->trace->nseen);
  dz__symbols_free(&p->symbols);
  dz__trace_free(&p->folded);
  dz__trace_free(&p->full);
}

dz_status dz__picture_write(dz_var y, const dz_dot_options *how, void draw(dz__picture *), dz_writer *write,
                            void *user) {
  dz__picture p = {.failed = false};
  dz_status status = dz__picture_make(y, how, &p);
  if (status) return status;
  dz__sheet sheet = {.alloc = p.full.alloc};
  p.pen.write = dz__sheet_writer;
  p.pen.user = &sheet;
  draw(&p);
  dz__pen_flush(&p.pen);
  sheet.failed = sheet.failed || p.failed;
  dz__picture_free(&p);
  if (!p.large) return dz__sheet_write(&sheet, write, user);
  dz__sheet_free(&sheet);
  return DZ_ERR_LIMIT;
}

dz_status dz_picture_measure(dz_var y, const dz_dot_options *options, dz_picture_size *size) {
  static const dz_dot_options none = {0};
  dz_dot_options o = options ? *options : none;
  dz__picture p = {0};
  o.written = DZ_WRITTEN_NUM;
  o.partials = false;
  if (o.style == DZ_PICTURE_VARS) o.style = DZ_PICTURE_GRAPH;
  if (!size) return DZ_ERR_ARGUMENT;
  *size = (dz_picture_size){0};
  dz_status status = dz__picture_make(y, &o, &p);
  if (status) return status;
  *size = (dz_picture_size){operations(p.trace), p.trace->waves, p.trace->backs};
  dz__picture_free(&p);
  return DZ_OK;
}
