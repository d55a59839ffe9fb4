/* dz dot and dz draw: the graph as Graphviz source, and as a picture. */
#include "buffer.h"
#include "dz/show.h"
#include "graphviz.h"
#include "model.h"
#include "verbs.h"

#include <stdint.h>

enum { READABLE = 400 };

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

/* The graph with its gradients; without them, and a remark, when the result is a tensor and there is no seed.
 */
static buffer dot_source(const options *o, size_t most) {
  buffer b = {0};
  model m = model_read(o);
  if (!model_sweep(&m, o->seed))
    remark("note: the result is a tensor, so no gradients are shown: give --seed a tensor of its shape");
  dz_dot_options how = {model_name(&m), o->digits, most};
  dz_status status = dz_write_dot(m.result, &how, append, &b);
  if (status == DZ_ERR_LIMIT)
    die(STATUS_LIMIT, "more than %zu operations make no readable picture: --force draws them all the same",
        most);
  if (status != DZ_OK) die_status(&m.source, dz_tape_error(m.tape), status);
  model_free(&m);
  return b;
}

int verb_dot(const options *o) {
  buffer b = dot_source(o, SIZE_MAX);
  output(&b);
  buffer_free(&b);
  return STATUS_DONE;
}

int verb_draw(const options *o) {
  if (o->output == NULL) die(STATUS_USAGE, "dz draw needs -o FILE.svg, FILE.png or FILE.pdf");
  const char *format = graphviz_format(o->output);
  buffer b = dot_source(o, o->force ? SIZE_MAX : READABLE);
  graphviz_draw(&b, format, o->output, o->timeout);
  buffer_free(&b);
  return STATUS_DONE;
}
