/* Texts that repeat: steps of a recurrence, units of a layer and the like were recorded one after another,
   and so is their C. Where a row of units stands several times, and the numbers in it grow evenly, it is said
   once, in a loop. */
#include "plan/emit_fold.h"

#include <string.h>

typedef struct dz__literal {
  size_t at, end; /* in the text */
  uint64_t value;
} dz__literal;

/* ---- gathering ---- */

static bool gather(void *user, const char *text, size_t n) {
  dz__fold *f = user;
  f->full |= !dz__grow(&f->alloc, (void **)&f->text, &f->text_cap, f->n + n, 1);
  if (f->full) return false;
  memcpy(f->text + f->n, text, n);
  f->n += n;
  return true;
}

static bool push_unit(dz__fold *f) {
  if (!dz__grow(&f->alloc, (void **)&f->unit, &f->unit_cap, f->units + 1, sizeof *f->unit)) return false;
  f->unit[f->units] = (dz__unit){.text = f->n, .shape = f->shapes, .number = f->numbers};
  return true;
}

void dz__fold_begin(dz__fold *f, dz__emitter *e) {
  dz__said(e);
  *f = (dz__fold){.alloc = e->p->alloc, .write = e->write, .user = e->user};
  f->full = !push_unit(f);
  e->write = gather;
  e->user = f;
}

/* ---- shapes ---- */

enum { NAMES = 1024, NUMBER = 1, NAME = 2 };

typedef struct names {
  uint64_t key[NAMES];
  uint16_t order[NAMES];
  size_t n;
} names;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* The name's number: by the order of first uses. When there are too many names they are told by what they are
   called, so that units only look more different than they are. */
static uint64_t order_of(names *k, char letter, uint64_t value) {
  const uint64_t key = (value << 8 | (unsigned char)letter) + 1;
  size_t j = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 54);
  while (k->key[j] && k->key[j] != key) j = (j + 1) % NAMES;
  if (k->key[j] == key) return k->order[j];
  if (k->n == NAMES / 2) return NAMES + value;
  k->key[j] = key;
  k->order[j] = (uint16_t)k->n;
  return k->n++;
}

static bool put(dz__fold *f, uint8_t c) {
  if (!dz__grow(&f->alloc, (void **)&f->shape, &f->shape_cap, f->shapes + 1, 1)) return false;
  f->shape[f->shapes++] = c;
  return true;
}

static bool put_number(dz__fold *f, size_t at, size_t end, uint64_t value) {
  if (!dz__grow(&f->alloc, (void **)&f->number, &f->number_cap, f->numbers + 1, sizeof *f->number))
    return false;
  f->number[f->numbers++] = (dz__literal){at, end, value};
  return put(f, NUMBER);
}

static bool put_name(dz__fold *f, names *k, char letter, uint64_t value) {
  uint64_t order = order_of(k, letter, value);
  bool done = put(f, NAME) && put(f, (uint8_t)letter);
  for (int b = 0; b < 4; b++) done = done && put(f, (uint8_t)(order >> 8 * b));
  return done;
}

static bool begins_number(const dz__fold *f, size_t at) {
  return is_digit(f->text[at]) || (f->text[at] == '.' && at + 1 < f->n && is_digit(f->text[at + 1]));
}

/* Behind the name or the number, by C's rules, or behind the character. */
static size_t word_end(const dz__fold *f, size_t at) {
  const char *s = f->text;
  const bool number = begins_number(f, at);
  size_t end = at + 1;
  if (!number && !is_letter(s[at])) return end;
  for (; end < f->n; end++) {
    const bool sign = number && (s[end - 1] == 'e' || s[end - 1] == 'E') && (s[end] == '+' || s[end] == '-');
    if (!is_letter(s[end]) && !is_digit(s[end]) && !(number && s[end] == '.') && !sign) break;
  }
  return end;
}

enum { MOST_DIGITS = 18 };

static bool put_word(dz__fold *f, names *k, size_t at, size_t end) {
  const char *s = f->text;
  const bool letter = is_letter(s[at]);
  uint64_t value = 0;
  bool plain = end > at + letter && end - at <= MOST_DIGITS;
  for (size_t j = at + letter; j < end && plain; j++) {
    plain = is_digit(s[j]);
    value = value * 10 + (uint64_t)(s[j] - '0');
  }
  if (plain) return letter ? put_name(f, k, s[at], value) : put_number(f, at, end, value);
  bool done = true;
  for (size_t j = at; j < end && done; j++) done = put(f, (uint8_t)s[j]);
  return done;
}

static bool put_shape(dz__fold *f, size_t from) {
  names k;
  bool done = true;
  memset(k.key, 0, sizeof k.key);
  k.n = 0;
  for (size_t at = from, end; at < f->n && done; at = end) {
    end = word_end(f, at);
    done = put_word(f, &k, at, end);
  }
  return done;
}

void dz__fold_unit(dz__fold *f, dz__emitter *e, size_t weight, bool back, bool alone) {
  dz__said(e);
  if (f->full) return;
  dz__unit *u = &f->unit[f->units];
  u->weight = weight, u->back = back, u->alone = alone;
  f->full = !put_shape(f, u->text);
  u->hash = UINT64_C(0xcbf29ce484222325);
  for (size_t j = u->shape; j < f->shapes && !f->full; j++)
    u->hash = (u->hash ^ f->shape[j]) * UINT64_C(0x100000001b3);
  f->units++;
  f->full = f->full || !push_unit(f);
}

/* ---- finding turns ---- */

enum { LEAST_TURNS = 4, MOST_UNITS = 512, TRIES = 8 };

static bool alike(const dz__fold *f, size_t i, size_t j) {
  const dz__unit *u = &f->unit[i], *v = &f->unit[j];
  const size_t n = u[1].shape - u->shape;
  return u->hash == v->hash && u->back == v->back && !u->alone && !v->alone && n == v[1].shape - v->shape &&
         !memcmp(f->shape + u->shape, f->shape + v->shape, n);
}

/* Whether the numbers of unit j + `units` are to those of j as those of i + `units` to those of i. */
static bool grows(const dz__fold *f, size_t i, size_t j, size_t units) {
  const dz__unit *u = f->unit;
  const dz__literal *a = f->number + u[i].number, *b = f->number + u[i + units].number,
                    *c = f->number + u[j].number, *d = f->number + u[j + units].number;
  const size_t n = u[i + 1].number - u[i].number;
  for (size_t k = 0; k < n; k++)
    if (b[k].value - a[k].value != d[k].value - c[k].value) return false;
  return true;
}

/* How often the row of units from i on stands there. */
static size_t turns_of(const dz__fold *f, size_t i, size_t units) {
  size_t j = i;
  while (j + units < f->units && alike(f, i + (j - i) % units, j + units) &&
         grows(f, i + (j - i) % units, j, units))
    j++;
  return 1 + (j - i) / units;
}

static dz__turns best_at(const dz__fold *f, const size_t *next, size_t i) {
  dz__turns best = {i, 1, 1};
  size_t j = next[i];
  for (int k = 0; k < TRIES && j < f->units && j - i <= MOST_UNITS; k++, j = next[j]) {
    const size_t units = j - i, turns = turns_of(f, i, units);
    if (turns >= LEAST_TURNS && units * (turns - 1) > best.units * (best.turns - 1))
      best = (dz__turns){i, units, turns};
  }
  return best;
}

/* Per unit the next one with its hash; there is none: the number of all. */
static size_t *find_next(const dz__fold *f, size_t *bytes) {
  size_t size = 16;
  while (size < 2 * f->units) size *= 2;
  *bytes = (f->units + size) * sizeof(size_t);
  size_t *next = dz__alloc(&f->alloc, *bytes), *last = next ? next + f->units : NULL;
  for (size_t j = 0; j < size && next; j++) last[j] = f->units;
  for (size_t i = f->units; i-- > 0 && next;) {
    const uint64_t hash = f->unit[i].hash;
    size_t j = (size_t)(hash ^ hash >> 32) & (size - 1);
    while (last[j] < f->units && f->unit[last[j]].hash != hash) j = (j + 1) & (size - 1);
    next[i] = last[j];
    last[j] = i;
  }
  return next;
}

static bool find_turns(dz__fold *f) {
  size_t bytes, *next = find_next(f, &bytes);
  bool done = next && dz__grow(&f->alloc, (void **)&f->turns, &f->turn_cap, f->units + 1, sizeof *f->turns);
  for (size_t i = 0; done && i < f->units;) {
    const dz__turns t = f->turns[f->n_turns++] = best_at(f, next, i);
    i += t.units * t.turns;
  }
  dz__free(&f->alloc, next, bytes);
  return done;
}

bool dz__fold_end(dz__fold *f, dz__emitter *e) {
  e->write = f->write;
  e->user = f->user;
  if (f->full) e->status = DZ_OK;            /* nobody has refused */
  if (f->full || e->status) return !f->full; /* what was refused before is no text */
  return find_turns(f);
}

/* ---- saying ---- */

static void say_unit(const dz__fold *f, dz__emitter *e, size_t i, size_t units) {
  const dz__unit *u = &f->unit[i];
  size_t at = u->text;
  for (size_t j = u->number; j < u[1].number && units; j++) {
    const dz__literal *a = &f->number[j], *b = &f->number[j - u->number + u[units].number];
    const uint64_t by = b->value - a->value;
    if (!by) continue;
    const bool down = b->value < a->value;
    dz__say_text(e, f->text + at, a->at - at);
    dz__say(e, "(%zu %s %zu * turn)", (size_t)a->value, down ? "-" : "+", (size_t)(down ? 0 - by : by));
    at = a->end;
  }
  dz__say_text(e, f->text + at, u[1].text - at);
}

void dz__fold_say(const dz__fold *f, dz__emitter *e, const dz__turns *t) {
  const bool loop = t->turns > 1;
  if (loop) dz__say(e, "  for (size_t turn = 0; turn < %zu; turn++) {\n", t->turns);
  for (size_t j = 0; j < t->units; j++) say_unit(f, e, t->first + j, loop ? t->units : 0);
  if (loop) dz__say(e, "  }\n");
}

void dz__fold_free(dz__fold *f) {
  dz__free(&f->alloc, f->text, f->text_cap);
  dz__free(&f->alloc, f->shape, f->shape_cap);
  dz__free(&f->alloc, f->number, f->number_cap * sizeof *f->number);
  dz__free(&f->alloc, f->unit, f->unit_cap * sizeof *f->unit);
  dz__free(&f->alloc, f->turns, f->turn_cap * sizeof *f->turns);
}
