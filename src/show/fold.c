/* A part becomes a box when it has one way out: its exit, and what is used by nothing but the part. */
#include "show/fold.h"

#include "show/source.h"

#include <string.h>

enum { IN_DETAIL = 40, LONG_CHAIN = 8 };

/* What belongs to a box beside its exit. */
typedef enum kind {
  NO_BOX,
  OF_NAME,     /* a named result: what has no name itself */
  OF_DEPTH,    /* all of it */
  OF_CALL,     /* a function of the prelude: what stands at the same place in the text */
  OF_FUNCTION, /* one of the program: what stands on the line that defines it */
  OF_CHAIN,    /* a long sum or product: its additions or multiplications */
  OF_TERM      /* a part of such a one */
} kind;

typedef struct fold {
  dz__picture *p;
  const dz__trace *old;
  dz__trace now;
  dz__source source;
  uint32_t *box;   /* per node: the exit of its box; DZ__NONE */
  uint32_t *count; /* per exit: operations inside */
  uint32_t *place; /* per node that stays: its place in now */
  uint8_t *kind;   /* per exit */
  uint8_t *level;  /* of named results within each other */
  uint32_t *chain; /* per addition: how many one after another it ends */
} fold;

static const dz__seen *seen(const fold *f, uint32_t i) { return &f->old->seen[i]; }

static bool listed(const char *list, const char *name) {
  size_t n = strlen(name);
  while (list && *list) {
    size_t size = strcspn(list, ",");
    if (size == n && memcmp(list, name, n) == 0) return true;
    list += size + (list[size] == ',');
  }
  return false;
}

/* ---- which boxes ---- */

static bool same_place(const dz__seen *x, const dz__seen *y) {
  return x->is.line == y->is.line && x->is.column == y->is.column;
}

/* Of one function's body, or of none. */
static bool same_statement(const fold *f, const dz__seen *x, const dz__seen *y) {
  return dz__statement_of(&f->source, x) == dz__statement_of(&f->source, y);
}

static bool same_op(const dz__seen *x, const dz__seen *y) { return strcmp(x->is.op, y->is.op) == 0; }

static bool belongs(const fold *f, uint32_t i, uint32_t exit) {
  const dz__seen *s = seen(f, i), *x = seen(f, exit);
  if (dz__is_leaf(s)) return false;
  switch (f->kind[exit]) {
  case OF_NAME:
  case OF_TERM:
    return !s->name;
  case OF_CHAIN:
    return !s->name && same_op(s, x) && same_statement(f, s, x);
  case OF_CALL:
    return !s->name && same_place(s, x);
  case OF_FUNCTION:
    return !s->name && same_statement(f, s, x);
  default:
    return true;
  }
}

/* The one box that all users are in; DZ__NONE when they are not. */
static uint32_t users_box(const fold *f, uint32_t i) {
  uint32_t box = DZ__NONE;
  for (uint32_t j = seen(f, i)->first; j != DZ__NONE; j = f->old->use[j].next) {
    uint32_t own = f->box[f->old->use[j].user];
    if (own == DZ__NONE || (box != DZ__NONE && own != box)) return DZ__NONE;
    box = own;
  }
  return box;
}

/* a + b + c is two additions, one after the other. */
static uint32_t chain_of(const fold *f, uint32_t i) {
  const dz__seen *s = seen(f, i);
  uint32_t n = 1;
  if (strcmp(s->is.op, "add") != 0 && strcmp(s->is.op, "mul") != 0) return 0;
  for (int k = 0; k < s->is.nargs; k++) {
    uint32_t of = f->old->use[s->args + (uint32_t)k].of;
    bool goes_on = of != DZ__NONE && same_op(s, seen(f, of)) && seen(f, of)->uses == 1 &&
                   !seen(f, of)->name && same_statement(f, s, seen(f, of));
    if (goes_on) n += f->chain[of];
  }
  return n;
}

static kind automatic(const fold *f, uint32_t i) {
  const dz__seen *s = seen(f, i);
  size_t n;
  if (f->chain[i] >= LONG_CHAIN) return OF_CHAIN;
  if (s->is.line == 0) return s->name ? OF_NAME : NO_BOX;
  if (dz__defined_at(&f->source, s, &n)) return OF_FUNCTION;
  for (int k = 0; k < s->is.nargs; k++) {
    uint32_t of = f->old->use[s->args + (uint32_t)k].of;
    if (of != DZ__NONE && !dz__is_leaf(seen(f, of)) && same_place(s, seen(f, of))) return OF_CALL;
  }
  return s->name ? OF_NAME : NO_BOX;
}

/* Named results between a node and the output; the lowest over its users. */
static uint8_t level_of(const fold *f, uint32_t i) {
  const dz__seen *s = seen(f, i);
  uint32_t least = s->uses ? 255 : 0;
  for (uint32_t j = s->first; j != DZ__NONE; j = f->old->use[j].next) {
    uint32_t user = f->old->use[j].user, own = f->level[user];
    if (user + 1 == f->old->nseen || seen(f, user)->name) own++;
    if (own < least) least = own;
  }
  return (uint8_t)(least < 255 ? least : 255);
}

/* A call of a function whose name is on the list. */
static bool calls_listed(const fold *f, uint32_t i) {
  char name[DZ__MOST_WORD + 1];
  const dz__seen *s = seen(f, i);
  kind k = automatic(f, i);
  size_t n = 0;
  const char *word = k == OF_FUNCTION ? dz__defined_at(&f->source, s, &n)
                     : k == OF_CALL   ? dz__called_at(&f->source, s, &n)
                                      : NULL;
  if (!word) return false;
  memcpy(name, word, n);
  name[n] = 0;
  return listed(f->p->how->collapse, name);
}

static kind kind_of(const fold *f, uint32_t i, bool on_its_own) {
  const dz__seen *s = seen(f, i);
  const dz_dot_options *how = f->p->how;
  if (dz__is_leaf(s)) return NO_BOX;
  if (s->name && listed(how->collapse, s->name)) return OF_NAME;
  if (how->collapse && calls_listed(f, i)) return automatic(f, i);
  if (how->depth > 0 && s->name && f->level[i] >= how->depth) return OF_DEPTH; /* the result's is 0 */
  if (how->style == DZ_PICTURE_LAYERS || how->style == DZ_PICTURE_NEURONS)
    return automatic(f, i) == OF_CALL ? OF_CALL : NO_BOX;
  return on_its_own ? automatic(f, i) : NO_BOX;
}

/* One operation is a box only where that was asked for. */
static bool is_asked(const fold *f, uint32_t i) {
  const dz__seen *s = seen(f, i);
  return f->kind[i] == OF_NAME && listed(f->p->how->collapse, s->name);
}

static void find_boxes(fold *f, bool on_its_own) {
  for (uint32_t i = 0; i < f->old->nseen; i++) f->chain[i] = chain_of(f, i);
  for (uint32_t i = (uint32_t)f->old->nseen; i-- > 0;) {
    f->level[i] = level_of(f, i);
    uint32_t box = users_box(f, i);
    f->kind[i] = (uint8_t)kind_of(f, i, on_its_own);
    f->box[i] = DZ__NONE;
    f->count[i] = 0;
    bool term =
        box != DZ__NONE && f->kind[box] == OF_CHAIN && !belongs(f, i, box) && !dz__is_leaf(seen(f, i));
    if (term && f->kind[i] == NO_BOX) f->kind[i] = OF_TERM;
    if (box != DZ__NONE && belongs(f, i, box))
      f->box[i] = box;
    else if (f->kind[i] != NO_BOX)
      f->box[i] = i;
    if (f->box[i] != DZ__NONE) f->count[f->box[i]]++;
  }
  for (uint32_t i = 0; i < f->old->nseen; i++)
    if (f->box[i] != DZ__NONE && f->count[f->box[i]] < 2 && !is_asked(f, f->box[i])) f->box[i] = DZ__NONE;
}

/* ---- the folded trace ---- */

/* A box of a named result that is one call, and nothing else, says the function: the name stands at the wire.
 */
static bool is_one_call(const fold *f, uint32_t i) {
  if (automatic(f, i) != OF_CALL) return false;
  for (uint32_t k = 0; k < i; k++)
    if (f->box[k] == i && !same_place(seen(f, k), seen(f, i))) return false;
  return true;
}

static const char *box_name(fold *f, uint32_t i) {
  const dz__seen *s = seen(f, i);
  const char *word = NULL, *tail = f->kind[i] == OF_TERM ? " …" : "";
  size_t n = 0;
  if (f->kind[i] == OF_CHAIN) return strcmp(s->is.op, "add") == 0 ? "Σ" : "Π";
  if (f->kind[i] == OF_TERM)
    word = dz__look_of(s->is.op).sign, word = word ? word : s->is.op, n = strlen(word);
  if (f->kind[i] == OF_FUNCTION) word = dz__defined_at(&f->source, s, &n);
  if (f->kind[i] == OF_CALL || (f->kind[i] == OF_NAME && is_one_call(f, i)))
    word = dz__called_at(&f->source, s, &n);
  if (!word) return s->name ? s->name : s->is.op;
  char *name = (char *)dz__trace_room(&f->now, (n + strlen(tail)) / sizeof(double) + 1);
  if (!name) return NULL;
  memcpy(name, word, n);
  memcpy(name + n, tail, strlen(tail) + 1);
  return name;
}

static bool add_share(fold *f, dz__use *to, const double *share, size_t n) {
  if (!share) return true;
  if (!to->share) return to->share = share, true;
  double *sum = dz__trace_room(&f->now, n);
  for (size_t k = 0; sum && k < n; k++) sum[k] = to->share[k] + share[k];
  return to->share = sum, sum != NULL;
}

/* One use of a node inside box `at`: of what is outside the first use stands for all. */
static bool take_use(fold *f, dz__seen *at, uint32_t box, const dz__use *u) {
  dz__trace *t = &f->now;
  bool inside = u->of != DZ__NONE && box != DZ__NONE && f->box[u->of] == box;
  if (inside || (u->of == DZ__NONE && box != DZ__NONE)) return true;
  uint32_t of = u->of == DZ__NONE ? DZ__NONE : f->place[u->of];
  for (uint32_t j = at->args; box != DZ__NONE && j < t->nuse; j++)
    if (t->use[j].of == of) return add_share(f, &t->use[j], u->share, t->seen[of].size);
  uint32_t operand = (uint32_t)(t->nuse - at->args), self = (uint32_t)(at - t->seen);
  t->use[t->nuse++] = (dz__use){self, operand, of, DZ__NONE, u->number, u->share};
  if (of != DZ__NONE && t->seen[of].wave >= at->wave) at->wave = t->seen[of].wave + 1;
  return true;
}

static bool take_node(fold *f, uint32_t i) {
  dz__trace *t = &f->now;
  bool boxed = f->box[i] == i, done = true;
  f->place[i] = (uint32_t)t->nseen;
  dz__seen *s = &t->seen[t->nseen++];
  *s = *seen(f, i);
  s->args = (uint32_t)t->nuse;
  s->first = DZ__NONE;
  s->uses = 0;
  s->wave = !dz__is_leaf(s);
  if (boxed && !(s->box = box_name(f, i))) return false;
  for (uint32_t k = boxed ? 0 : i; k <= i && done; k++) {
    if (k != i && f->box[k] != i) continue;
    for (int j = 0; j < seen(f, k)->is.nargs && done; j++)
      done = take_use(f, s, f->box[i], &f->old->use[seen(f, k)->args + (uint32_t)j]);
  }
  s->is.nargs = (int)(t->nuse - s->args);
  return done;
}

static bool fold_all(fold *f) {
  dz__trace *t = &f->now;
  t->seen_cap = f->old->nseen;
  t->use_cap = f->old->nuse;
  t->seen = dz__alloc(&t->alloc, t->seen_cap * sizeof *t->seen);
  t->use = dz__alloc(&t->alloc, t->use_cap * sizeof *t->use);
  if (!t->seen || !t->use) return false; /* a box has operands */
  for (uint32_t i = 0; i < f->old->nseen; i++)
    if ((f->box[i] == DZ__NONE || f->box[i] == i) && !take_node(f, i)) return false;
  dz__trace_link(t);
  return true;
}

static bool any_box(const fold *f) {
  for (uint32_t i = 0; i < f->old->nseen; i++)
    if (f->box[i] != DZ__NONE) return true;
  return false;
}

static size_t operations(const dz__trace *t) {
  size_t n = 0;
  for (size_t i = 0; i < t->nseen; i++) n += t->seen[i].is.role == DZ_ROLE_NONE;
  return n;
}

dz_status dz__fold_picture(dz__picture *p) {
  const dz_dot_options *how = p->how;
  const dz__trace *old = &p->full;
  size_t n = old->nseen, words = 4 * n * sizeof(uint32_t);
  bool asked = how->collapse || how->depth > 0,
       on_its_own = !asked && how->shared && operations(old) > IN_DETAIL;
  bool layers = how->style == DZ_PICTURE_LAYERS || how->style == DZ_PICTURE_NEURONS, done = true;
  if (!asked && !on_its_own && !layers) return DZ_OK;
  fold f = {.p = p, .old = old, .now = {.alloc = old->alloc}, .box = dz__alloc(&old->alloc, words)};
  f.kind = dz__alloc(&old->alloc, 2 * n);
  if (f.box && f.kind && dz__source_read(how->source, &old->alloc, &f.source)) {
    f.count = f.box + n;
    f.place = f.count + n;
    f.chain = f.place + n;
    f.level = f.kind + n;
    find_boxes(&f, on_its_own);
    if (any_box(&f)) done = fold_all(&f);
  } else {
    done = false;
  }
  dz__free(&old->alloc, f.box, words);
  dz__free(&old->alloc, f.kind, 2 * n);
  dz__source_free(&f.source, &old->alloc);
  if (!done) dz__trace_free(&f.now);
  if (f.now.nseen) p->folded = f.now, p->trace = &p->folded;
  return done ? DZ_OK : DZ_ERR_MEMORY;
}
