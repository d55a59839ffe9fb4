/* dz train: parameters, and all that training needs to go on, to and from a file. */
#include "training.h"

#include "width.h"

#include <stdlib.h>
#include <string.h>

static void add_notes(const training *t, tensor_file *f) {
  cJSON *dims = json_array();
  for (int k = 1; k < t->d.t.rank; k++) json_push(dims, json_whole(t->d.t.dims[k]));
  buffer text = json_line(dims);
  buffer_add(&text, "", 1);
  if (t->d.t.data != NULL) tensor_file_note(f, "dz.target", text.text);
  buffer_free(&text);
  if (t->d.classes > 0) {
    cJSON *names = json_array();
    for (size_t i = 0; i < t->d.classes; i++) json_push(names, json_text(t->d.names[i]));
    text = json_line(names);
    buffer_add(&text, "", 1);
    tensor_file_note(f, "dz.classes", text.text);
    buffer_free(&text);
  }
  buffer_whole(&text, (size_t)t->n.form);
  buffer_add(&text, "", 1);
  tensor_file_note(f, "dz.form", text.text);
  buffer_free(&text);
  tensor_file_note(f, "dz.training", t->settings.text);
}

/* Names with a dot are no names of the language, so nothing collides. */
void training_save(training *t, const char *path) {
  tensor_file f = {.path = path};
  double *x = take(NULL, t->n.size, sizeof *x), sums[2] = {t->loss_sum, (double)t->hits};
  network_values(&t->n, x);
  dz_optimiser_best(t->optimiser, x);
  for (size_t k = 0, at = 0; k < t->n.count; k++) {
    size_t dims[DZ_MAX_RANK];
    for (int i = 0; i < dz_rank(t->n.params[k]); i++) dims[i] = dz_extent(t->n.params[k], i);
    tensor_file_add(&f, t->n.names[k], dz_rank(t->n.params[k]), dims, x + at);
    at += dz_size(t->n.params[k]);
  }
  size_t size;
  const double *state = dz_optimiser_state(t->optimiser, &size);
  tensor_file_add(&f, "optimizer.state", 1, &size, state);
  tensor_file_add(&f, "training.epoch", 1, (size_t[]){2}, sums);
  if (t->curve_count > 0)
    tensor_file_add(&f, "training.curve", 2, (size_t[]){t->curve_count, 4}, (const double *)t->curve);
  add_notes(t, &f);
  tensor_file_write(&f);
  t->saved = training_step_count(t) + 1;
  tensor_file_free(&f);
  free(x);
}

static bool holds_word(const char *text, const char *word, size_t size) {
  for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
    if ((at == text || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0')) return true;
  return false;
}

/* The words of `settings` that are not among `others`; NUL-terminated. */
static void add_others(buffer *b, const char *settings, const char *others) {
  settings += strspn(settings, " "); /* so that no word is empty */
  while (*settings != '\0') {
    size_t size = strcspn(settings, " ");
    char *word = take_text(settings, size);
    if (!holds_word(others, word, size)) {
      if (b->size > 0) buffer_text(b, " ");
      buffer_clean(b, word, size);
    }
    free(word);
    settings += size + strspn(settings + size, " ");
  }
  buffer_add(b, b->size > 0 ? "" : "-", b->size > 0 ? 1 : 2);
}

void training_restore(training *t, const tensor_file *f) {
  const tensor *state = tensor_file_find(f, "optimizer.state"), *sums = tensor_file_find(f, "training.epoch");
  const char *settings = tensor_file_noted(f, "dz.training");
  if (state == NULL || sums == NULL || sums->count != 2 || settings == NULL)
    die(STATUS_FILE, "%s: it holds parameters, but no training that could be resumed", f->path);
  if (strcmp(settings, t->settings.text) != 0) {
    buffer before = {0}, after = {0};
    add_others(&before, settings, t->settings.text);
    add_others(&after, t->settings.text, settings);
    die(STATUS_USAGE, "--resume: %s was trained with %s, now it would be %s", f->path, before.text,
        after.text);
  }
  double *x = take(NULL, t->n.size, sizeof *x);
  network_values(&t->n, x);
  if (dz_optimiser_restore(t->optimiser, state->data, state->count, x) != DZ_OK ||
      !(sums->data[1] >= 0 && sums->data[1] <= (double)t->rows))
    die(STATUS_FILE, "%s: the state of its optimizer is damaged", f->path);
  network_set(&t->n, x);
  free(x);
  const tensor *curve = tensor_file_find(f, "training.curve");
  if (curve != NULL && t->o->learn.plot != NULL && curve->rank == 2 && curve->dims[1] == 4 &&
      curve->dims[0] <= training_step_count(t) / t->per_epoch) {
    t->curve_count = curve->dims[0];
    t->curve = take(NULL, t->curve_count, sizeof *t->curve);
    if (curve->count > 0) memcpy(t->curve, curve->data, curve->count * sizeof *curve->data);
  }
  t->loss_sum = sums->data[0];
  t->hits = (size_t)sums->data[1];
  t->saved = training_step_count(t) + 1;
}
