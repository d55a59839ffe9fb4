#define _POSIX_C_SOURCE 200809L
#include "input.h"

#include "buffer.h"
#include "limits.h"
#include "tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program of more bytes is a mistake (/dev/zero, a disk image); the library takes no larger one. */
enum { MOST_PROGRAM = 1 << 28, CHUNK = 1 << 16 };

/* What data_read has read: standard input, and the last file. */
static struct {
  bool stdin_taken; /* by the program */
  bool stdin_read;
  blob standard, file;
  char *path; /* of file */
} kept;

bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && memcmp(text + n - m, end, m) == 0;
}

/* Called after each chunk; false stops the reading. */
typedef bool go_on(const char *name, const buffer *b);

static bool program_goes_on(const char *name, const buffer *b) {
  if (b->size > MOST_PROGRAM) die(STATUS_LIMIT, "%s: a program of more than 256 MiB", name);
  return memchr(b->text, '\0', b->size < CHUNK ? b->size : CHUNK) == NULL;
}

static bool data_goes_on(const char *name, const buffer *b) {
  limits_check_data(name, b->size);
  if (b->text[0] == '\x93' || idx_is(&(blob){b->text, b->size})) return true; /* .npy, IDX */
  if (b->size > 1 && b->text[0] == '\x1F' && b->text[1] == '\x8B')
    die(STATUS_FILE, "%s: it is compressed: unpack it first, with gunzip", name);
  size_t tail = b->size < CHUNK ? b->size : CHUNK;
  if (memchr(b->text + b->size - tail, '\0', tail) != NULL)
    die(STATUS_FILE, "%s: neither a table in text nor an .npy or IDX file (it holds a NUL byte)", name);
  return true;
}

static bool bytes_go_on(const char *name, const buffer *b) {
  limits_check_data(name, b->size);
  return true;
}

static blob read_all(int file, const char *name, go_on *test) {
  buffer b = {0};
  char *chunk = take(NULL, CHUNK, 1);
  ssize_t n = 1;
  while (n != 0) {
    n = read(file, chunk, CHUNK);
    if (n < 0 && errno != EINTR) die(STATUS_FILE, "cannot read %s: %s", name, strerror(errno));
    if (n <= 0) continue;
    buffer_add(&b, chunk, (size_t)n);
    if (!test(name, &b)) break;
  }
  free(chunk);
  return (blob){b.text, b.size};
}

static blob read_path(const char *path, const char *name, go_on *test) {
  int file = STDIN_FILENO;
  if (strcmp(path, "-") != 0 && (file = open(path, O_RDONLY | O_CLOEXEC)) < 0)
    die(STATUS_FILE, "cannot read %s: %s", path, strerror(errno));
  blob bytes = read_all(file, name, test);
  if (file != STDIN_FILENO) close(file);
  return bytes;
}

source source_read(const char *argument) {
  source s = {"<arg>", NULL, strlen(argument)};
  if (strcmp(argument, "-") != 0 && !ends_with(argument, ".dz")) {
    s.text = take_text(argument, s.size);
    return s;
  }
  kept.stdin_taken = strcmp(argument, "-") == 0;
  s.name = kept.stdin_taken ? "<stdin>" : argument;
  blob bytes = read_path(argument, s.name, program_goes_on);
  s.text = bytes.data != NULL ? bytes.data : take_text("", 0);
  s.size = bytes.size;
  return s;
}

void source_free(source *s) {
  free(s->text);
  s->text = NULL;
}

const blob *data_read(const char *path) {
  if (strcmp(path, "-") == 0) {
    if (kept.stdin_taken) die(STATUS_USAGE, "standard input is the program already: @- cannot be data too");
    if (!kept.stdin_read) kept.standard = read_path(path, "<stdin>", data_goes_on);
    kept.stdin_read = true;
    return &kept.standard;
  }
  if (kept.path == NULL || strcmp(kept.path, path) != 0) {
    free(kept.file.data);
    free(kept.path);
    kept.path = NULL;
    kept.file = read_path(path, path, data_goes_on);
    kept.path = take_text(path, strlen(path));
  }
  return &kept.file;
}

blob bytes_read(const char *path) { return read_path(path, path, bytes_go_on); }

void data_free(void) {
  free(kept.standard.data);
  free(kept.file.data);
  free(kept.path);
  memset(&kept, 0, sizeof kept);
}
