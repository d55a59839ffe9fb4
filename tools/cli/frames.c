/* All frames are one picture of Graphviz's, laid out once: each text has the colour of its wave, told apart
   from the others' by its last digits, and a style sheet says which are seen, or when. So nothing moves
   between frames, and the animation needs no script. */
#define _POSIX_C_SOURCE 200809L
#include "frames.h"

#include "buffer.h"
#include "file.h"
#include "graphviz.h"
#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

typedef struct show {
  dz_theme theme;
  size_t forward, backward;
} show;

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

/* Wave k from 1 of all: what is written in it. */
static void wave_color(const show *s, size_t k, char out[8]) {
  bool back = k > s->forward;
  dz_wave_color(s->theme, back, back ? k - s->forward : k, out);
}

static void add_selector(buffer *b, const char *color) {
  static const char *const form[] = {"[fill=\"", "\"],[stroke=\"", "\"]"};
  for (int k = 0; k < 3; k++) {
    buffer_text(b, form[k]);
    if (k < 2) buffer_text(b, color);
  }
}

/* The style sheet of the frame that shows waves up to `last`. */
static buffer still_style(const show *s, size_t last) {
  buffer b = {0};
  char color[8];
  for (size_t k = last + 1; k <= s->forward + s->backward; k++) {
    wave_color(s, k, color);
    add_selector(&b, color);
    buffer_text(&b, "{visibility:hidden}");
  }
  return b;
}

static void add_percent(buffer *b, double part) {
  buffer_number(b, 100 * part, 5);
  buffer_text(b, "%");
}

/* Wave after wave, and then a while with everything. Who wants no motion sees the whole. */
static buffer moving_style(const show *s) {
  buffer b = {0};
  char color[8];
  size_t waves = s->forward + s->backward;
  double turns = (double)waves + 3;
  buffer_text(&b, "@media (prefers-reduced-motion: no-preference){");
  for (size_t k = 1; k <= waves; k++) {
    double from = (double)k / turns;
    wave_color(s, k, color);
    add_selector(&b, color);
    buffer_text(&b, "{animation:w");
    buffer_whole(&b, k);
    buffer_text(&b, " ");
    buffer_number(&b, 1.5 * turns, 4);
    buffer_text(&b, "s infinite}@keyframes w");
    buffer_whole(&b, k);
    buffer_text(&b, "{0%,");
    add_percent(&b, from - .1 / turns);
    buffer_text(&b, "{opacity:0}");
    add_percent(&b, from + .1 / turns);
    buffer_text(&b, ",100%{opacity:1}}");
  }
  buffer_text(&b, "}");
  return b;
}

/* The picture with a style sheet as its first element. */
static void write_styled(const buffer *svg, const buffer *style, const char *path) {
  buffer b = {0};
  const char *at = strstr(svg->text, "<svg"), *end = at != NULL ? strchr(at, '>') : NULL;
  if (end == NULL) die(STATUS_FILE, "dot wrote no picture");
  size_t head = (size_t)(end + 1 - svg->text);
  buffer_add(&b, svg->text, head);
  buffer_text(&b, "\n<style>");
  buffer_add(&b, style->text, style->size);
  buffer_text(&b, "</style>");
  buffer_add(&b, svg->text + head, strlen(svg->text + head));
  file_write(path, &b);
  buffer_free(&b);
}

static void make_folder(const char *path) {
  struct stat st;
  if (mkdir(path, 0777) == 0) return;
  if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return;
  die(STATUS_FILE, "cannot make the folder %s: %s", path, strerror(errno));
}

static buffer path_in(const char *folder, const char *name, size_t number) {
  buffer b = {0};
  buffer_text(&b, folder);
  buffer_text(&b, "/");
  buffer_text(&b, name);
  if (number > 0) buffer_whole(&b, number);
  buffer_text(&b, ".svg");
  buffer_add(&b, "", 1);
  return b;
}

static void write_frame(const show *s, const buffer *svg, const char *folder, size_t last) {
  bool back = last > s->forward;
  buffer path = path_in(folder, back ? "backward-" : "forward-", back ? last - s->forward : last);
  buffer style = still_style(s, last);
  write_styled(svg, &style, path.text);
  buffer_free(&style);
  buffer_free(&path);
}

static buffer picture_of(const model *m, const dz_dot_options *how, double seconds) {
  buffer graph = {0}, picture;
  filter_failure failure;
  dz_status status = dz_write_dot(m->result, how, append, &graph);
  if (status == DZ_OK && !graphviz_try(&graph, "svg", seconds, &picture, &failure)) {
    remark("note: %s; the pictures are laid out by dz itself", failure.why);
    status = dz_write_svg(m->result, how, append, &picture);
  }
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  buffer_free(&graph);
  buffer_add(&picture, "", 1);
  return picture;
}

void frames_draw(const model *m, const dz_dot_options *how, const char *folder, double seconds) {
  dz_picture_size size;
  dz_dot_options all = *how;
  all.wave = 0;
  all.waves_told = true;
  dz_status status = dz_picture_measure(m->result, &all, &size);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  show s = {how->theme, size.forward, how->sweeps == DZ_SWEEPS_FORWARD ? 0 : size.backward};
  buffer svg = picture_of(m, &all, seconds), style = moving_style(&s);
  make_folder(folder);
  for (size_t last = 1; last <= s.forward + s.backward; last++) write_frame(&s, &svg, folder, last);
  buffer path = path_in(folder, "animation", 0);
  write_styled(&svg, &style, path.text);
  buffer_free(&path);
  buffer_free(&style);
  buffer_free(&svg);
}
