/* dz dot and dz draw: the graph as Graphviz source, and as a picture. */
#include "file.h"
#include "frames.h"
#include "graphviz.h"
#include "message.h"
#include "picture.h"
#include "verbs.h"

enum { MOST = 1000 };

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

/* The tape with its gradients; without them, and a remark, when the result is a tensor and there is no seed.
 */
static model swept_model(const options *o) {
  model m = model_read(o);
  if (!model_sweep(&m, o->seed))
    remark("note: the result is a tensor, so no gradients are shown: give --seed a tensor of its shape");
  return m;
}

static void check(const model *m, dz_status status) {
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
}

static buffer source_of(const model *m, const dz_dot_options *how) {
  buffer b = {0};
  check(m, dz_write_dot(m->result, how, append, &b));
  return b;
}

static dz_picture_size size_of(const model *m, const dz_dot_options *how) {
  dz_picture_size size;
  dz_status status = dz_picture_measure(m->result, how, &size);
  if (status == DZ_ERR_LIMIT)
    die(STATUS_LIMIT, "more than a million operations make no readable picture: Graphviz would take weeks");
  check(m, status);
  if (how->wave > size.forward + size.backward)
    die(STATUS_USAGE, "--wave %zu: the picture has %zu forward and %zu backward", how->wave, size.forward,
        size.backward);
  return size;
}

/* What a large picture would cost. Measured on long sums: dot's time grows with the fourth power of the
   operations, 30 s for 900, and a wave is about 6 cm wide. */
static void check_size(const model *m, const dz_dot_options *how, bool force) {
  dz_picture_size size = size_of(m, how);
  if (size.operations <= MOST || force) return;
  double n = (double)size.operations / 1000, seconds = 45 * n * n * n * n,
         metres = .06 * (double)size.forward;
  die(STATUS_LIMIT,
      "%zu operations make no readable picture: Graphviz would take some %.0f s, and it would be about "
      "%.0f m wide. --collapse NAME draws a named part as one box, --force draws all of it",
      size.operations, seconds, metres < 1 ? 1 : metres);
}

int verb_dot(const options *o) {
  model m = swept_model(o);
  picture_choice c = picture_read(&m, o);
  if (c.how.wave > 0) size_of(&m, &c.how);
  buffer b = source_of(&m, &c.how);
  output(&b);
  buffer_free(&b);
  picture_free(&c);
  model_free(&m);
  return STATUS_DONE;
}

/* Without dot an SVG can be had all the same. */
static buffer picture_of(const model *m, const dz_dot_options *how, const char *format, double seconds) {
  buffer b = source_of(m, how), picture;
  filter_failure failure;
  if (!graphviz_try(&b, format, seconds, &picture, &failure)) {
    if (format[0] != 's') die(failure.status, "%s", failure.why);
    remark("note: %s; the picture is laid out by dz itself", failure.why);
    check(m, dz_write_svg(m->result, how, append, &picture));
  }
  buffer_free(&b);
  return picture;
}

int verb_draw(const options *o) {
  const char *folder = o->picture.frames;
  if (o->output == NULL && folder == NULL)
    die(STATUS_USAGE, "dz draw needs -o FILE.svg, FILE.png or FILE.pdf, or --frames FOLDER");
  const char *format = o->output != NULL ? graphviz_format(o->output) : NULL;
  model m = swept_model(o);
  picture_choice c = picture_read(&m, o);
  check_size(&m, &c.how, o->force);
  if (o->output != NULL) {
    file_check(o->output);
    buffer picture = picture_of(&m, &c.how, format, o->timeout);
    file_write(o->output, &picture);
    buffer_free(&picture);
  }
  if (folder != NULL) frames_draw(&m, &c.how, folder, o->timeout);
  picture_free(&c);
  model_free(&m);
  return STATUS_DONE;
}
