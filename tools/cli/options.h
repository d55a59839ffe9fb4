/* The command line taken apart. */
#ifndef DZ_CLI_OPTIONS_H
#define DZ_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct options options;

/* Which verbs a flag is for. */
enum {
  FOR_GRAD = 1,
  FOR_CHECK = 2,
  FOR_DOT = 4,
  FOR_DRAW = 8,
  FOR_OPS = 16,
  FOR_HELP = 32,
  FOR_JACOBIAN = 128,
  FOR_HESSIAN = 256,
  FOR_DERIVE = 64,
  FOR_PLOT = 1 << 20,
  FOR_PAGE = 1 << 21,
  FOR_PATHS = 1 << 16,
  FOR_WHY = 1 << 17,
  FOR_GRADE = 1 << 18,
  FOR_EXPLAIN = 1 << 19,
  FOR_EMIT = 1 << 22,
  FOR_TRAIN = 1 << 23,
  FOR_PREDICT = 1 << 24,
  FOR_COST = 1 << 25
};

typedef struct verb {
  const char *name;
  unsigned bit;      /* one of FOR_… */
  bool alone;        /* may stand without an expression */
  const char *brief; /* one line */
  const char *help;  /* what `dz help NAME` prints: examples first */
  int (*run)(const options *o);
} verb;

/* dz draw and dz dot: words as they came, NULL when not given. */
typedef struct picture_words {
  const char *labels, *show, *theme, *style, *collapse, *constants, *frames;
  int wave, depth; /* 0: not given */
  bool partials;
} picture_words;

/* dz train and dz predict: words as they came, NULL or 0 when not given. */
typedef struct learn_words {
  const char *data, *target, *output, *optimizer, *schedule, *log, *plot, *params;
  int epochs, batch, warm_up, history;
  double rate, momentum, decay, epsilon, weight_decay, clip, validate;
  bool resume, check;
} learn_words;

struct options {
  const verb *verb;
  const char **words; /* the expression and the bindings, or the words after `ops` and `help` */
  size_t count;
  bool verb_given, json, force, help, version;
  bool derivative; /* plot: the slopes too */
  int digits;      /* 0: as many as it takes */
  int order;       /* of derivatives; 0: not given */
  const char *wrt, *seed, *output;
  const char *draw, *lang, *over;
  bool latex, html; /* explain: in which format */
  picture_words picture;
  learn_words learn;
  const char *name; /* emit: of the function */
  bool test;        /* emit: with a main that checks it */
  bool single;      /* emit: arrays of float; train: steps in floats */
  bool together;    /* emit: with a function for many inputs */
  double timeout;   /* seconds */
};

/* Ends the program with status 2 when a flag is unknown or not for the verb. Free with options_free. */
options options_read(int argc, char **argv);
void options_free(options *o);

/* The flag that `--word` may have meant, or NULL. */
const char *flag_like(const char *word);

#endif
