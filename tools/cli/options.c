#include "options.h"

#include "buffer.h"
#include "dz/text.h"
#include "limits.h"
#include "message.h"
#include "suggest.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

typedef enum flag_id {
  NAME,
  TEST,
  SINGLE,
  TOGETHER,
  WRT,
  SEED,
  JSON,
  DIGITS,
  ORDER,
  OUTPUT,
  TIMEOUT,
  FORCE,
  LIMIT,
  HELP,
  VERSION,
  DERIVATIVE,
  DRAW,
  LANG,
  OVER,
  LATEX,
  HTML,
  LABELS,
  SHOW,
  THEME,
  STYLE,
  COLLAPSE,
  CONSTANTS,
  FRAMES,
  WAVE,
  DEPTH,
  PARTIALS,
  DATA,
  TARGET,
  PREDICTION,
  OPTIMIZER,
  SCHEDULE,
  LOG,
  PLOT,
  PARAMS,
  EPOCHS,
  BATCH,
  WARM_UP,
  HISTORY,
  RATE,
  MOMENTUM,
  DECAY,
  EPSILON,
  WEIGHT_DECAY,
  CLIP,
  VALIDATE,
  RESUME,
  CHECK
} flag_id;

typedef struct flag {
  const char *name;
  flag_id id;
  const char *value; /* what must follow, as help puts it; NULL: nothing */
  unsigned verbs;
} flag;

/* Verbs whose results are told in words. */
enum { FOR_TOLD = FOR_PATHS | FOR_WHY | FOR_GRADE | FOR_EXPLAIN };

static const flag flags[] = {
    {"--name", NAME, "NAME", FOR_EMIT},
    {"--test", TEST, NULL, FOR_EMIT},
    {"--float", SINGLE, NULL, FOR_EMIT | FOR_TRAIN},
    {"--batched", TOGETHER, NULL, FOR_EMIT},
    {"--wrt", WRT, "NAME,NAME",
     FOR_COST | FOR_EMIT | FOR_DOT | FOR_DRAW | FOR_PAGE | FOR_GRAD | FOR_CHECK | FOR_JACOBIAN | FOR_HESSIAN |
         FOR_DERIVE | FOR_PATHS | FOR_WHY | FOR_GRADE},
    {"--seed", SEED, "VALUE", FOR_PAGE | FOR_GRAD | FOR_DOT | FOR_DRAW | FOR_TRAIN},
    {"--json", JSON, NULL,
     FOR_COST | FOR_GRAD | FOR_CHECK | FOR_JACOBIAN | FOR_HESSIAN | FOR_OPS | FOR_DERIVE | FOR_EXPLAIN |
         FOR_PATHS | FOR_WHY | FOR_GRADE | FOR_TRAIN},
    {"--digits", DIGITS, "N",
     FOR_PAGE | FOR_GRAD | FOR_CHECK | FOR_JACOBIAN | FOR_HESSIAN | FOR_DOT | FOR_DRAW | FOR_DERIVE |
         FOR_EXPLAIN | FOR_PATHS | FOR_WHY | FOR_GRADE | FOR_TRAIN | FOR_PREDICT},
    {"--latex", LATEX, NULL, FOR_EXPLAIN},
    {"--html", HTML, NULL, FOR_EXPLAIN},
    {"--over", OVER, "LOW:HIGH", FOR_GRADE},
    {"--draw", DRAW, "FILE", FOR_PATHS},
    {"--lang", LANG, "en|ja", FOR_DOT | FOR_DRAW | FOR_PAGE | FOR_TRAIN | FOR_TOLD},
    {"--order", ORDER, "N", FOR_DERIVE},
    {"--derivative", DERIVATIVE, NULL, FOR_PLOT},
    {"--output", OUTPUT, "FILE", FOR_PLOT | FOR_PAGE | FOR_DRAW | FOR_TRAIN | FOR_PREDICT},
    {"-o", OUTPUT, "FILE", FOR_PLOT | FOR_PAGE | FOR_DRAW | FOR_TRAIN | FOR_PREDICT},
    {"--timeout", TIMEOUT, "SECONDS", FOR_TRAIN | FOR_PLOT | FOR_PAGE | FOR_DRAW | FOR_PATHS},
    {"--force", FORCE, NULL, FOR_EXPLAIN | FOR_PAGE | FOR_DRAW},
    {"--labels", LABELS, "sym|num|both", FOR_DOT | FOR_DRAW},
    {"--show", SHOW, "fwd|bwd|both", FOR_DOT | FOR_DRAW},
    {"--theme", THEME, "light|dark|mono", FOR_DOT | FOR_DRAW},
    {"--style", STYLE, "graph|vars|layers|neurons", FOR_DOT | FOR_DRAW},
    {"--collapse", COLLAPSE, "NAME,NAME", FOR_DOT | FOR_DRAW},
    {"--const", CONSTANTS, "NAME,NAME", FOR_DOT | FOR_DRAW},
    {"--frames", FRAMES, "FOLDER", FOR_DRAW},
    {"--wave", WAVE, "N", FOR_DOT | FOR_DRAW},
    {"--depth", DEPTH, "N", FOR_DOT | FOR_DRAW},
    {"--partials", PARTIALS, NULL, FOR_DOT | FOR_DRAW},
    {"--data", DATA, "FILE", FOR_TRAIN | FOR_PREDICT},
    {"--target", TARGET, "COLUMN", FOR_TRAIN | FOR_PREDICT},
    {"--predict", PREDICTION, "NAME", FOR_TRAIN | FOR_PREDICT},
    {"--params", PARAMS, "FILE", FOR_PREDICT},
    {"--optimizer", OPTIMIZER, "NAME", FOR_TRAIN},
    {"--schedule", SCHEDULE, "constant|step:EPOCHS:FACTOR|cosine", FOR_TRAIN},
    {"--log", LOG, "FILE.jsonl", FOR_TRAIN},
    {"--plot", PLOT, "FILE.svg", FOR_TRAIN},
    {"--epochs", EPOCHS, "N", FOR_TRAIN},
    {"--batch", BATCH, "N", FOR_TRAIN},
    {"--warm-up", WARM_UP, "STEPS", FOR_TRAIN},
    {"--history", HISTORY, "N", FOR_TRAIN},
    {"--rate", RATE, "X", FOR_TRAIN},
    {"--momentum", MOMENTUM, "X", FOR_TRAIN},
    {"--decay", DECAY, "X", FOR_TRAIN},
    {"--epsilon", EPSILON, "X", FOR_TRAIN},
    {"--weight-decay", WEIGHT_DECAY, "X", FOR_TRAIN},
    {"--clip", CLIP, "NORM", FOR_TRAIN},
    {"--validate", VALIDATE, "SHARE", FOR_TRAIN},
    {"--resume", RESUME, NULL, FOR_TRAIN},
    {"--check", CHECK, NULL, FOR_TRAIN},
    {"--limit", LIMIT, "NAME=NUMBER", ~0U},
    {"--help", HELP, NULL, ~0U},
    {"-h", HELP, NULL, ~0U},
    {"--version", VERSION, NULL, ~0U},
    {"-V", VERSION, NULL, ~0U},
};
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

/* A number above 0 and at most `most`; `what` says so to people. */
static double positive(const char *name, const char *text, double most, const char *what) {
  double x = 0;
  dz_number_kind kind;
  size_t n = dz_number_read(text, strlen(text), &x, &kind);
  if (n == 0 || text[n] != '\0' || kind != DZ_NUMBER_OK || !(x > 0) || x > most)
    die(STATUS_USAGE, "%s takes %s, '%s' came", name, what, text);
  return x;
}

static int whole(const char *name, const char *text, int most, const char *what) {
  double x = positive(name, text, most, what);
  int n = (int)x;
  if (n < 1 || (double)n < x) die(STATUS_USAGE, "%s takes %s, '%s' came", name, what, text);
  return n;
}

static void set_learn(learn_words *w, const flag *f, const char *value) {
  const char **words[] = {&w->data,     &w->target, &w->output, &w->optimizer,
                          &w->schedule, &w->log,    &w->plot,   &w->params};
  int *counts[] = {&w->epochs, &w->batch, &w->warm_up, &w->history};
  double *numbers[] = {&w->rate, &w->momentum, &w->decay, &w->epsilon, &w->weight_decay, &w->clip};
  if (f->id <= PARAMS)
    *words[f->id - DATA] = value;
  else if (f->id <= HISTORY)
    *counts[f->id - EPOCHS] = whole(f->name, value, 1000000000, "a whole number from 1 to 1000000000");
  else if (f->id <= CLIP)
    *numbers[f->id - RATE] = positive(f->name, value, 1e300, "a number above 0");
  else if (f->id == VALIDATE)
    w->validate = positive(f->name, value, .9, "a share above 0, at most 0.9");
  else
    *(f->id == RESUME ? &w->resume : &w->check) = true;
}

static void set(options *o, const flag *f, const char *value) {
  switch (f->id) {
  case DATA:
  case TARGET:
  case PREDICTION:
  case OPTIMIZER:
  case SCHEDULE:
  case LOG:
  case PLOT:
  case PARAMS:
  case EPOCHS:
  case BATCH:
  case WARM_UP:
  case HISTORY:
  case RATE:
  case MOMENTUM:
  case DECAY:
  case EPSILON:
  case WEIGHT_DECAY:
  case CLIP:
  case VALIDATE:
  case RESUME:
  case CHECK:
    set_learn(&o->learn, f, value);
    break;
  case NAME:
    o->name = value;
    break;
  case SINGLE:
    o->single = true;
    break;
  case TOGETHER:
    o->together = true;
    break;
  case TEST:
    o->test = true;
    break;
  case WRT:
    o->wrt = value;
    break;
  case SEED:
    o->seed = value;
    break;
  case JSON:
    o->json = true;
    break;
  case DIGITS:
    o->digits = whole(f->name, value, 17, "a whole number from 1 to 17");
    break;
  case ORDER:
    o->order = whole(f->name, value, 9, "a whole number from 1 to 9");
    break;
  case OUTPUT:
    o->output = value;
    break;
  case TIMEOUT:
    o->timeout = positive(f->name, value, 86400, "a number of seconds, at most 86400");
    break;
  case FORCE:
    o->force = true;
    break;
  case DRAW:
    o->draw = value;
    break;
  case LATEX:
    o->latex = true;
    break;
  case HTML:
    o->html = true;
    break;
  case OVER:
    o->over = value;
    break;
  case LANG:
    o->lang = value;
    break;
  case DERIVATIVE:
    o->derivative = true;
    break;
  case LABELS:
    o->picture.labels = value;
    break;
  case SHOW:
    o->picture.show = value;
    break;
  case THEME:
    o->picture.theme = value;
    break;
  case STYLE:
    o->picture.style = value;
    break;
  case COLLAPSE:
    o->picture.collapse = value;
    break;
  case CONSTANTS:
    o->picture.constants = value;
    break;
  case FRAMES:
    o->picture.frames = value;
    break;
  case WAVE:
    o->picture.wave = whole(f->name, value, 1000000, "a whole number from 1 to 1000000");
    break;
  case DEPTH:
    o->picture.depth = whole(f->name, value, 1000, "a whole number from 1 to 1000");
    break;
  case PARTIALS:
    o->picture.partials = true;
    break;
  case LIMIT:
    limits_read(value);
    break;
  case HELP:
    o->help = true;
    break;
  case VERSION:
    o->version = true;
    break;
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
