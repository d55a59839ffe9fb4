#define _POSIX_C_SOURCE 200809L
#include "buffer.h"

#include "dz/text.h"
#include "message.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *take(void *old, size_t count, size_t size) {
  void *p = NULL;
  if (count == 0 || size <= SIZE_MAX / count) p = realloc(old, count * size > 0 ? count * size : 1);
  if (p == NULL) die(STATUS_LIMIT, "out of memory");
  return p;
}

char *take_text(const char *text, size_t size) {
  char *s = take(NULL, size + 1, 1);
  if (size > 0) memcpy(s, text, size);
  s[size] = '\0';
  return s;
}

static void buffer_reserve(buffer *b, size_t more) {
  if (more <= b->room - b->size) return;
  if (more > SIZE_MAX / 2 - b->size) die(STATUS_LIMIT, "out of memory");
  size_t room = b->size + more;
  room = room < 256 ? 256 : room + room / 2;
  b->text = take(b->text, room, 1);
  b->room = room;
}

void buffer_add(buffer *b, const char *text, size_t size) {
  if (size == 0) return;
  buffer_reserve(b, size);
  memcpy(b->text + b->size, text, size);
  b->size += size;
}

void buffer_text(buffer *b, const char *text) { buffer_add(b, text, strlen(text)); }

void buffer_pad(buffer *b, size_t count) {
  if (count == 0) return;
  buffer_reserve(b, count);
  memset(b->text + b->size, ' ', count);
  b->size += count;
}

void buffer_whole(buffer *b, size_t n) {
  char s[24];
  buffer_add(b, s, (size_t)snprintf(s, sizeof s, "%zu", n));
}

void buffer_number(buffer *b, double x, int digits) {
  char s[32];
  buffer_add(b, s, dz_number_write(x, digits, s));
}

void buffer_shape(buffer *b, int rank, const size_t *dims) {
  buffer_text(b, "[");
  for (int k = 0; k < rank; k++) {
    if (k > 0) buffer_text(b, ", ");
    buffer_whole(b, dims[k]);
  }
  buffer_text(b, "]");
}

void buffer_doubles(buffer *b, const double *x, size_t count) {
  for (size_t k = 0; k < count; k++) {
    uint64_t bits;
    char s[sizeof bits];
    memcpy(&bits, &x[k], sizeof bits);
    for (int i = 0; i < 8; i++) s[i] = (char)(unsigned char)(bits >> 8 * i);
    buffer_add(b, s, sizeof s);
  }
}

void buffer_free(buffer *b) {
  free(b->text);
  *b = (buffer){0};
}

void output(const buffer *b) {
  size_t done = 0;
  while (done < b->size) {
    ssize_t n = write(STDOUT_FILENO, b->text + done, b->size - done);
    if (n > 0)
      done += (size_t)n;
    else if (n == 0 || errno != EINTR)
      die_write(n == 0 ? EIO : errno);
  }
}
