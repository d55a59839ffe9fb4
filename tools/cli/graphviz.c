#include "graphviz.h"

#include "dz/text.h"
#include "file.h"
#include "message.h"
#include "suggest.h"

#include <string.h>

static const char *const formats[] = {"svg", "png", "pdf"};

const char *graphviz_format(const char *path) {
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
  char low[8] = "", hint[128];
  for (size_t i = 0; dot != NULL && i + 1 < sizeof low && dot[i + 1] != '\0'; i++) {
    char c = dot[i + 1];
    low[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  suggestion s = suggest(low);
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(low, formats[i]) == 0) return formats[i];
    suggest_name(&s, formats[i]);
  }
  die(STATUS_USAGE, "'%s': a picture ends in .svg, .png or .pdf%s", path,
      dot != NULL ? suggest_text(&s, hint) : "");
}

/* ---- raised text ---- */

/* The number of an attribute within an element that ends at `end`; *at is where its digits begin. */
static bool find_number(const char *from, const char *end, const char *name, double *value, const char **at,
                        size_t *size) {
  dz_number_kind kind;
  const char *found = strstr(from, name);
  if (found == NULL || found >= end) return false;
  *at = found += strlen(name);
  bool minus = *found == '-';
  size_t n = dz_number_read(found + minus, (size_t)(end - found) - minus, value, &kind);
  if (minus) *value = -*value;
  *size = n + minus;
  return n > 0;
}

/* One element with baseline-shift: its y instead. Not every viewer knows that attribute, and those that do
 * differ. */
static void add_raised(buffer *b, const char *element, const char *end, const char *shift) {
  double y = 0, points = 0;
  const char *at, *other;
  size_t size, skip = strcspn(strchr(shift, '"') + 1, "\"") + sizeof " baseline-shift=\"\"" - 1;
  bool up = strncmp(shift, " baseline-shift=\"super", 22) == 0;
  if (!find_number(element, end, " font-size=\"", &points, &other, &size) ||
      !find_number(element, end, " y=\"", &y, &at, &size) || at > shift) {
    buffer_add(b, element, (size_t)(end - element));
    return;
  }
  buffer_add(b, element, (size_t)(at - element));
  buffer_number(b, y + (up ? -.35 : .2) * points, 6);
  buffer_add(b, at + size, (size_t)(shift - at) - size);
  buffer_add(b, shift + skip, (size_t)(end - shift) - skip);
}

static void settle_raised(buffer *svg) {
  static const char attribute[] = " baseline-shift=\"";
  buffer b = {0};
  buffer_add(svg, "", 1);
  const char *done = svg->text, *shift;
  for (const char *from = done; (shift = strstr(from, attribute)) != NULL; from = done) {
    const char *element = shift, *end = strchr(shift, '>');
    while (element > done && *element != '<') element--;
    if (end == NULL) break;
    buffer_add(&b, done, (size_t)(element - done));
    add_raised(&b, element, end, shift);
    done = end;
  }
  buffer_text(&b, done);
  buffer_free(svg);
  *svg = b;
}

/* Labels come in pieces that begin and end with spaces, which not every viewer keeps unless told to. */
static void keep_spaces(buffer *svg) {
  static const char tag[] = "<svg ";
  buffer b = {0};
  buffer_add(svg, "", 1);
  svg->size--;
  const char *at = strstr(svg->text, tag);
  if (at == NULL) return;
  size_t head = (size_t)(at - svg->text) + sizeof tag - 1;
  buffer_add(&b, svg->text, head);
  buffer_text(&b, "xml:space=\"preserve\" ");
  buffer_add(&b, svg->text + head, svg->size - head);
  buffer_free(svg);
  *svg = b;
}

bool graphviz_try(const buffer *graph, const char *format, double seconds, buffer *picture,
                  filter_failure *failure) {
  char flag[8] = "-T";
  /* The two limits change no small picture, and keep one of some hundred operations within seconds. */
  char *const argv[] = {(char[]){"dot"}, flag, (char[]){"-Gnslimit=1"}, (char[]){"-Gnslimit1=1"}, NULL};
  strncat(flag, format, sizeof flag - 3);
  filter dot = {argv,
                "pictures need Graphviz, and its 'dot' is not found: install graphviz "
                "(apt install graphviz, dnf install graphviz, pacman -S graphviz, brew install graphviz)"};
  if (!filter_try(&dot, graph, seconds, picture, failure)) return false;
  if (strcmp(format, "svg") == 0) settle_raised(picture), keep_spaces(picture);
  return true;
}

buffer graphviz_picture(const buffer *graph, const char *format, double seconds) {
  buffer picture;
  filter_failure failure;
  if (!graphviz_try(graph, format, seconds, &picture, &failure)) die(failure.status, "%s", failure.why);
  return picture;
}

void graphviz_draw(const buffer *graph, const char *format, const char *path, double seconds) {
  file_check(path);
  buffer picture = graphviz_picture(graph, format, seconds);
  file_write(path, &picture);
  buffer_free(&picture);
}
