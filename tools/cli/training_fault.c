/* dz train: which operation made a loss or a gradient that is no number. */
#include "training.h"

#include "ranks.h"
#include "width.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const dz_note *guilty(const training *t) {
  if (dz_backward(t->n.m.result) == DZ_OK) dz_diagnose(t->n.m.result);
  return dz_note_at(t->n.m.tape, 0);
}

/* "'X' holds nan, in sample 12": of what the step was given, the first that is no number. */
static bool add_leaf(buffer *b, const training *t, const char *name, const size_t *order) {
  dz_var x = name != NULL ? dz_named(t->n.m.tape, name) : (dz_var){0};
  for (size_t i = 0; dz_valid(x) && i < dz_size(x); i++) {
    if (isfinite(dz_values(x)[i])) continue;
    buffer_text(b, "  '");
    buffer_text(b, name);
    buffer_text(b, "' holds ");
    buffer_number(b, dz_values(x)[i], 0);
    if (order != NULL) {
      buffer_text(b, ", in sample ");
      buffer_whole(b, order[i / (dz_size(x) / dz_extent(x, 0))]);
      buffer_text(b, " (they count from 0)");
    }
    buffer_text(b, "\n");
    return true;
  }
  return false;
}

static void add_cause(buffer *b, const training *t, const size_t *order) {
  const dz_note *note = guilty(t);
  if (note != NULL) {
    message_place(b, &t->n.m.source, note->line, note->column, "  ");
    buffer_text(b, "  ");
    buffer_clean(b, note->message, strlen(note->message));
    buffer_text(b, "\n");
    return;
  }
  if (add_leaf(b, t, t->n.x, order) || add_leaf(b, t, t->n.t, order)) return;
  for (size_t k = 0; k < t->n.count; k++)
    if (add_leaf(b, t, t->n.names[k], NULL)) return;
}

_Noreturn void training_fault(training *t, const char *what, const size_t *order, size_t count) {
  buffer b = {0};
  size_t step = training_step_count(t);
  if (!ranks_first()) ranks_quit(STATUS_NO);
  progress_end();
  t->n.said[COUNTER_TRAINING] = 1;
  network_record(&t->n, &t->d, order, count);
  remark("epoch %zu, step %zu: %s is not finite", step / t->per_epoch + 1, step + 1, what);
  add_cause(&b, t, order);
  for (size_t done = 0; done < b.size;) {
    ssize_t size = write(STDERR_FILENO, b.text + done, b.size - done);
    if (size <= 0) break;
    done += (size_t)size;
  }
  ranks_quit(STATUS_NO);
}
