#include "picture.h"

#include "buffer.h"
#include "message.h"
#include "speech.h"
#include "suggest.h"

#include <stdlib.h>
#include <string.h>

/* The place of a word in a list that ends in NULL; 0 when none came. */
static int choose(const char *flag, const char *word, const char *const *list) {
  char hint[128];
  buffer b = {0};
  suggestion s = suggest(word != NULL ? word : "");
  if (word == NULL) return 0;
  for (int i = 0; list[i] != NULL; i++) {
    if (strcmp(list[i], word) == 0) {
      buffer_free(&b);
      return i;
    }
    suggest_name(&s, list[i]);
    buffer_text(&b, i == 0 ? "" : list[i + 1] != NULL ? ", " : " or ");
    buffer_text(&b, list[i]);
  }
  die(STATUS_USAGE, "%s takes %.*s, '%s' came%s", flag, (int)b.size, b.text, word, suggest_text(&s, hint));
}

static bool has(const dz_program *p, const char *name, size_t size) {
  const char *leaf, *own;
  for (size_t i = 0; (leaf = dz_program_leaf_at(p, i).name) != NULL; i++)
    if (strlen(leaf) == size && memcmp(leaf, name, size) == 0) return true;
  for (size_t i = 0; (own = dz_program_definition(p, i)) != NULL; i++)
    if (strlen(own) == size && memcmp(own, name, size) == 0) return true;
  return false;
}

/* A function that the program calls, or something like it: the name, and then a parenthesis. */
static bool is_called(const char *text, const char *name, size_t size) {
  for (const char *at = text; (at = strstr(at, name)) != NULL; at += size) {
    const char *after = at + size + strspn(at + size, " ");
    if (*after == '(') return true;
  }
  return false;
}

/* "a,b": names of the program; with a text, of functions in it too. */
static void check_names(const model *m, const char *flag, const char *list, const char *text) {
  char hint[128];
  const char *own;
  for (const char *at = list; at != NULL && *at != '\0';) {
    size_t n = strcspn(at, ",");
    char *name = take_text(at, n);
    if (!has(m->program, at, n) && (n == 0 || text == NULL || !is_called(text, name, n))) {
      suggestion s = suggest(name);
      for (size_t i = 0; dz_program_leaf_at(m->program, i).name != NULL; i++)
        suggest_name(&s, dz_program_leaf_at(m->program, i).name);
      for (size_t i = 0; (own = dz_program_definition(m->program, i)) != NULL; i++) suggest_name(&s, own);
      for (size_t i = 0; text != NULL && (own = dz_function_name(i)) != NULL; i++)
        if (is_called(text, own, strlen(own))) suggest_name(&s, own);
      die(STATUS_USAGE, "%s: the program has no name '%s'%s", flag, name, suggest_text(&s, hint));
    }
    free(name);
    at += n + (at[n] == ',');
  }
}

static void read_wrt(const model *m, const char *words, picture_choice *c) {
  wants w = model_wants(m, words);
  c->wrt = take(NULL, w.count + 1, sizeof *c->wrt);
  for (size_t i = 0; i < w.count; i++) c->wrt[i] = w.at[i].node;
  c->how.wrt = c->wrt;
  c->how.wrt_count = w.count;
  wants_free(&w);
}

picture_choice picture_read(const model *m, const options *o) {
  static const char *const labels[] = {"both", "sym", "num", NULL},
                           *const shows[] = {"both", "fwd", "bwd", NULL},
                           *const themes[] = {"light", "dark", "mono", NULL},
                           *const styles[] = {"graph", "vars", "layers", "neurons", NULL};
  static const dz_written written[] = {DZ_WRITTEN_BOTH, DZ_WRITTEN_SYM, DZ_WRITTEN_NUM};
  const picture_words *w = &o->picture;
  picture_choice c = {.source = take_text(m->source.text, m->source.size)};
  speech_in(o->lang);
  c.how = (dz_dot_options){.output = dz_program_result(m->program),
                           .digits = o->digits,
                           .max_nodes = o->force || o->verb->bit == FOR_DOT ? SIZE_MAX : 1 << 20,
                           .style = (dz_picture)choose("--style", w->style, styles),
                           .written = written[choose("--labels", w->labels, labels)],
                           .sweeps = (dz_sweeps)choose("--show", w->show, shows),
                           .theme = (dz_theme)choose("--theme", w->theme, themes),
                           .wave = (size_t)w->wave,
                           .partials = w->partials,
                           .shared = true,
                           .constants = w->constants,
                           .collapse = w->collapse,
                           .depth = w->depth,
                           .source = c.source,
                           .translate = speech};
  check_names(m, "--const", w->constants, NULL);
  check_names(m, "--collapse", w->collapse, c.source);
  if (o->wrt != NULL) read_wrt(m, o->wrt, &c);
  return c;
}

void picture_free(picture_choice *c) {
  free(c->wrt);
  free(c->source);
}
