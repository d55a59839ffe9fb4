#include "options.h"

#include "buffer.h"
#include "dz/text.h"
#include "limits.h"
#include "message.h"
#include "suggest.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* How a value is read, and what the field of options is that it goes to. */
typedef enum reading {
  SWITCH, /* bool: no value follows */
  TEXT,   /* const char *: as it came */
  WHOLE,  /* int: from 1 to `most` */
  NUMBER, /* double: above 0, at most `most` */
  LIMIT   /* none: see limits.h */
} reading;

typedef struct flag {
  const char *name;
  reading reading;
  const char *value; /* what must follow, as help puts it; NULL: nothing */
  size_t field;
  unsigned verbs;
  double most;
} flag;

/* Verbs whose results are told in words. */
enum { FOR_TOLD = FOR_PATHS | FOR_WHY | FOR_GRADE | FOR_EXPLAIN };

#define AT(field) offsetof(options, field)
static const flag flags[] = {
    {"--name", TEXT, "NAME", AT(name), FOR_EMIT, 0},
    {"--test", SWITCH, NULL, AT(test), FOR_EMIT, 0},
    {"--float", SWITCH, NULL, AT(single), FOR_EMIT | FOR_TRAIN, 0},
    {"--batched", SWITCH, NULL, AT(together), FOR_EMIT, 0},
    {"--wrt", TEXT, "NAME,NAME", AT(wrt),
     FOR_COST | FOR_EMIT | FOR_DOT | FOR_DRAW | FOR_PAGE | FOR_GRAD | FOR_CHECK | FOR_JACOBIAN | FOR_HESSIAN |
         FOR_DERIVE | FOR_PATHS | FOR_WHY | FOR_GRADE,
     0},
    {"--seed", TEXT, "VALUE", AT(seed), FOR_PAGE | FOR_GRAD | FOR_DOT | FOR_DRAW | FOR_TRAIN, 0},
    {"--json", SWITCH, NULL, AT(json),
     FOR_COST | FOR_GRAD | FOR_CHECK | FOR_JACOBIAN | FOR_HESSIAN | FOR_OPS | FOR_DERIVE | FOR_EXPLAIN |
         FOR_PATHS | FOR_WHY | FOR_GRADE | FOR_TRAIN,
     0},
    {"--digits", WHOLE, "N", AT(digits),
     FOR_PAGE | FOR_GRAD | FOR_CHECK | FOR_JACOBIAN | FOR_HESSIAN | FOR_DOT | FOR_DRAW | FOR_DERIVE |
         FOR_EXPLAIN | FOR_PATHS | FOR_WHY | FOR_GRADE | FOR_TRAIN | FOR_PREDICT,
     17},
    {"--latex", SWITCH, NULL, AT(latex), FOR_EXPLAIN, 0},
    {"--html", SWITCH, NULL, AT(html), FOR_EXPLAIN, 0},
    {"--over", TEXT, "LOW:HIGH", AT(over), FOR_GRADE, 0},
    {"--draw", TEXT, "FILE", AT(draw), FOR_PATHS, 0},
    {"--lang", TEXT, "en|ja", AT(lang), FOR_DOT | FOR_DRAW | FOR_PAGE | FOR_TRAIN | FOR_TOLD, 0},
    {"--order", WHOLE, "N", AT(order), FOR_DERIVE, 9},
    {"--derivative", SWITCH, NULL, AT(derivative), FOR_PLOT, 0},
    {"--output", TEXT, "FILE", AT(output), FOR_PLOT | FOR_PAGE | FOR_DRAW | FOR_TRAIN | FOR_PREDICT, 0},
    {"-o", TEXT, "FILE", AT(output), FOR_PLOT | FOR_PAGE | FOR_DRAW | FOR_TRAIN | FOR_PREDICT, 0},
    {"--timeout", NUMBER, "SECONDS", AT(timeout), FOR_TRAIN | FOR_PLOT | FOR_PAGE | FOR_DRAW | FOR_PATHS,
     86400},
    {"--force", SWITCH, NULL, AT(force), FOR_EXPLAIN | FOR_PAGE | FOR_DRAW, 0},
    {"--labels", TEXT, "sym|num|both", AT(picture.labels), FOR_DOT | FOR_DRAW, 0},
    {"--show", TEXT, "fwd|bwd|both", AT(picture.show), FOR_DOT | FOR_DRAW, 0},
    {"--theme", TEXT, "light|dark|mono", AT(picture.theme), FOR_DOT | FOR_DRAW, 0},
    {"--style", TEXT, "graph|vars|layers|neurons", AT(picture.style), FOR_DOT | FOR_DRAW, 0},
    {"--collapse", TEXT, "NAME,NAME", AT(picture.collapse), FOR_DOT | FOR_DRAW, 0},
    {"--const", TEXT, "NAME,NAME", AT(picture.constants), FOR_DOT | FOR_DRAW, 0},
    {"--frames", TEXT, "FOLDER", AT(picture.frames), FOR_DRAW, 0},
    {"--wave", WHOLE, "N", AT(picture.wave), FOR_DOT | FOR_DRAW, 1000000},
    {"--depth", WHOLE, "N", AT(picture.depth), FOR_DOT | FOR_DRAW, 1000},
    {"--partials", SWITCH, NULL, AT(picture.partials), FOR_DOT | FOR_DRAW, 0},
    {"--data", TEXT, "FILE", AT(learn.data), FOR_TRAIN | FOR_PREDICT, 0},
    {"--target", TEXT, "COLUMN", AT(learn.target), FOR_TRAIN | FOR_PREDICT, 0},
    {"--predict", TEXT, "NAME", AT(learn.output), FOR_TRAIN | FOR_PREDICT, 0},
    {"--params", TEXT, "FILE", AT(learn.params), FOR_PREDICT, 0},
    {"--optimizer", TEXT, "NAME", AT(learn.optimizer), FOR_TRAIN, 0},
    {"--schedule", TEXT, "constant|step:EPOCHS:FACTOR|cosine", AT(learn.schedule), FOR_TRAIN, 0},
    {"--log", TEXT, "FILE.jsonl", AT(learn.log), FOR_TRAIN, 0},
    {"--plot", TEXT, "FILE.svg", AT(learn.plot), FOR_TRAIN, 0},
    {"--epochs", WHOLE, "N", AT(learn.epochs), FOR_TRAIN, 1e9},
    {"--batch", WHOLE, "N", AT(learn.batch), FOR_TRAIN, 1e9},
    {"--warm-up", WHOLE, "STEPS", AT(learn.warm_up), FOR_TRAIN, 1e9},
    {"--history", WHOLE, "N", AT(learn.history), FOR_TRAIN, 1e9},
    {"--rate", NUMBER, "X", AT(learn.rate), FOR_TRAIN, 1e300},
    {"--momentum", NUMBER, "X", AT(learn.momentum), FOR_TRAIN, 1e300},
    {"--decay", NUMBER, "X", AT(learn.decay), FOR_TRAIN, 1e300},
    {"--epsilon", NUMBER, "X", AT(learn.epsilon), FOR_TRAIN, 1e300},
    {"--weight-decay", NUMBER, "X", AT(learn.weight_decay), FOR_TRAIN, 1e300},
    {"--clip", NUMBER, "NORM", AT(learn.clip), FOR_TRAIN, 1e300},
    {"--validate", NUMBER, "SHARE", AT(learn.validate), FOR_TRAIN, .9},
    {"--resume", SWITCH, NULL, AT(learn.resume), FOR_TRAIN, 0},
    {"--check", SWITCH, NULL, AT(learn.check), FOR_TRAIN, 0},
    {"--limit", LIMIT, "NAME=NUMBER", 0, ~0U, 0},
    {"--help", SWITCH, NULL, AT(help), ~0U, 0},
    {"-h", SWITCH, NULL, AT(help), ~0U, 0},
    {"--version", SWITCH, NULL, AT(version), ~0U, 0},
    {"-V", SWITCH, NULL, AT(version), ~0U, 0},
};
#undef AT
enum { FLAGS = sizeof flags / sizeof flags[0] };

/* A flag is -h, -V, -o, or "--" and a letter. Anything else that begins with '-' is an expression. */
static bool is_flag(const char *s) {
  if (strcmp(s, "-h") == 0 || strcmp(s, "-V") == 0 || strcmp(s, "-o") == 0) return true;
  return s[0] == '-' && s[1] == '-' && ((s[2] >= 'a' && s[2] <= 'z') || (s[2] >= 'A' && s[2] <= 'Z'));
}

const char *flag_like(const char *word) {
  suggestion s = suggest(word);
  for (size_t i = 0; i < FLAGS; i++)
    if (flags[i].name[1] == '-') suggest_name(&s, flags[i].name);
  return s.best;
}

/* The flag of an argument; *value is what follows its '=', or NULL. */
static const flag *find_flag(const char *argument, const char **value) {
  const char *equals = strchr(argument, '=');
  size_t size = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
  char hint[128];
  *value = equals != NULL ? equals + 1 : NULL;
  for (size_t i = 0; i < FLAGS; i++)
    if (strlen(flags[i].name) == size && memcmp(flags[i].name, argument, size) == 0) return &flags[i];
  char *name = take_text(argument, size);
  suggestion s = suggest(name);
  s.best = flag_like(name);
  die(STATUS_USAGE, "unknown flag '%s'%s", name,
      s.best != NULL ? suggest_text(&s, hint)
                     : ": an expression that begins with '--' goes after a lone '--'");
}

/* Ends the program: the flag takes something else. */
static _Noreturn void refuse(const flag *f, const char *text) {
  char most[32];
  dz_number_write(f->most, 0, most);
  if (f->reading == WHOLE)
    die(STATUS_USAGE, "%s takes a whole number from 1 to %.0f, '%s' came", f->name, f->most, text);
  die(STATUS_USAGE, "%s takes a number above 0%s%s, '%s' came", f->name, f->most < 1e300 ? ", at most " : "",
      f->most < 1e300 ? most : "", text);
}

static double number_of(const flag *f, const char *text) {
  double x = 0;
  dz_number_kind kind;
  size_t n = dz_number_read(text, strlen(text), &x, &kind);
  if (n == 0 || text[n] != '\0' || kind != DZ_NUMBER_OK || !(x > 0) || x > f->most) refuse(f, text);
  return x;
}

static int whole_of(const flag *f, const char *text) {
  const double x = number_of(f, text);
  const int n = (int)x;
  if ((double)n < x || n < 1) refuse(f, text);
  return n;
}

static void set(options *o, const flag *f, const char *value) {
  void *field = (char *)o + f->field;
  switch (f->reading) {
  case SWITCH:
    *(bool *)field = true;
    break;
  case TEXT:
    *(const char **)field = value;
    break;
  case WHOLE:
    *(int *)field = whole_of(f, value);
    break;
  case NUMBER:
    *(double *)field = number_of(f, value);
    break;
  case LIMIT:
    limits_read(value);
  }
}

/* The first word may be a verb; without one it is `grad`. */
static void take_verb(options *o, bool word_is_plain) {
  o->verb = verb_named("grad");
  const verb *v = o->count > 0 && word_is_plain ? verb_named(o->words[0]) : NULL;
  if (v == NULL) return;
  o->verb = v;
  o->verb_given = true;
  o->count--;
  memmove(o->words, o->words + 1, o->count * sizeof *o->words);
}

options options_read(int argc, char **argv) {
  options o = {.timeout = 20};
  const flag **given = take(NULL, (size_t)argc + 1, sizeof *given);
  size_t flag_count = 0;
  bool plain = false, ended = false; /* ended: a lone "--" came */
  o.words = take(NULL, (size_t)argc + 1, sizeof *o.words);
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i], *value;
    if (!ended && strcmp(argument, "--") == 0) {
      ended = true;
    } else if (ended || !is_flag(argument)) {
      plain = plain || (o.count == 0 && !ended);
      o.words[o.count++] = argument;
    } else {
      const flag *f = given[flag_count++] = find_flag(argument, &value);
      if (f->value == NULL && value != NULL) die(STATUS_USAGE, "%s takes no value", f->name);
      if (f->value != NULL && value == NULL) value = argv[++i];
      if (f->value != NULL && value == NULL)
        die(STATUS_USAGE, "%s needs a value: %s %s", f->name, f->name, f->value);
      set(&o, f, value);
    }
  }
  take_verb(&o, plain);
  for (size_t i = 0; i < flag_count; i++)
    if ((given[i]->verbs & o.verb->bit) == 0)
      die(STATUS_USAGE, "%s is not for '%s': see dz help %s", given[i]->name, o.verb->name, o.verb->name);
  free(given);
  return o;
}

void options_free(options *o) { free(o->words); }
