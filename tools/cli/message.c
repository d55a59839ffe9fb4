#define _POSIX_C_SOURCE 200809L
#include "message.h"

#include "buffer.h"
#include "width.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*at_end_clean)(void);
static char prefix[40] = "dz: ";

void message_from(size_t rank) { snprintf(prefix, sizeof prefix, "dz (rank %zu): ", rank); }

void at_end(void (*clean)(void)) { at_end_clean = clean; }

/* _exit: nothing is buffered, and what is allocated goes with the process. */
_Noreturn void quit(int status) {
  if (at_end_clean != NULL) at_end_clean();
  _exit(status);
}

static void complain(const buffer *b) {
  size_t done = 0;
  while (done < b->size) {
    ssize_t n = write(STDERR_FILENO, b->text + done, b->size - done);
    if (n > 0)
      done += (size_t)n;
    else if (n == 0 || errno != EINTR)
      return;
  }
}

/* "dz: " and the message, cut where it is absurdly long. Uses no allocation before `line` is full, so that
   "out of memory" can be said. */
static void say(const char *format, va_list list) {
  char line[2048];
  char clean[8 * sizeof line];
  buffer b = {clean, 0, sizeof clean};
  size_t size = strlen(prefix);
  memcpy(line, prefix, size);
  vsnprintf(line + size, sizeof line - size, format, list);
  buffer_clean(&b, line, strlen(line));
  buffer_text(&b, "\n");
  complain(&b);
}

_Noreturn void die(int status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  say(format, list);
  va_end(list);
  quit(status);
}

void remark(const char *format, ...) {
  va_list list;
  va_start(list, format);
  say(format, list);
  va_end(list);
}

_Noreturn void die_write(int error) {
  if (error == EPIPE) quit(STATUS_FILE);
  die(STATUS_FILE, "cannot write to standard output: %s", strerror(error));
}

static int status_of(dz_status status) {
  if (status == DZ_ERR_MEMORY || status == DZ_ERR_LIMIT) return STATUS_LIMIT;
  return status == DZ_ERR_FILE || status == DZ_ERR_WRITE ? STATUS_FILE : STATUS_USAGE;
}

enum { ECHO_BEFORE = 60, ECHO_AFTER = 40 };

/* Where the line at p ends: at LF, CR LF or CR, as the language has it. */
static const char *line_end(const char *p, const char *end) {
  while (p < end && *p != '\n' && *p != '\r') p++;
  return p;
}

/* Line `line` of the source, without its end; NULL when there is none. */
static const char *source_line(const source *s, int line, size_t *size) {
  const char *p = s->text, *end = s->text + s->size;
  if (s->size >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) p += 3;
  for (; line > 1; line--) {
    p = line_end(p, end);
    if (p == end) return NULL;
    p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
  }
  *size = (size_t)(line_end(p, end) - p);
  return p;
}

/* The part of the line around byte `at` that fits a terminal: [first, last). */
static void window(const char *line, size_t size, size_t at, size_t *first, size_t *last) {
  uint32_t c;
  size_t columns = 0, i = at;
  while (i > 0 && columns < ECHO_BEFORE) {
    i--;
    for (int tail = 0; tail < 3 && i > 0 && ((unsigned char)line[i] & 0xC0U) == 0x80U; tail++) i--;
    columns = text_width(line + i, at - i);
  }
  *first = i;
  for (columns = 0, i = at; i < size && columns < ECHO_AFTER; columns += (size_t)char_width(c))
    i += utf8_next(line + i, size - i, &c);
  *last = i;
}

static void echo(buffer *b, const source *s, int line, int column, const char *indent) {
  size_t size, first, last, at = 0;
  uint32_t c;
  const char *p = source_line(s, line, &size);
  if (p == NULL) return;
  for (; column > 1 && at < size; column--) at += utf8_next(p + at, size - at, &c);
  window(p, size, at, &first, &last);
  buffer_text(b, indent);
  if (first > 0) buffer_text(b, "...");
  buffer_clean(b, p + first, last - first);
  if (last < size) buffer_text(b, "...");
  buffer_text(b, "\n");
  buffer_text(b, indent);
  buffer_pad(b, (first > 0 ? 3 : 0) + text_width(p + first, at - first));
  buffer_text(b, "^\n");
}

void message_place(buffer *b, const source *s, int line, int column, const char *indent) {
  char place[32];
  if (line <= 0 || column <= 0) return;
  buffer_text(b, indent);
  buffer_clean(b, s->name, strlen(s->name));
  snprintf(place, sizeof place, ":%d:%d\n", line, column);
  buffer_text(b, place);
  echo(b, s, line, column, indent);
}

_Noreturn void die_at(const source *s, const dz_error *e) {
  buffer b = {0};
  char place[32];
  bool placed = s != NULL && e->line > 0 && e->column > 0 && e->status != DZ_ERR_MEMORY;
  buffer_text(&b, prefix);
  if (placed) {
    buffer_clean(&b, s->name, strlen(s->name));
    snprintf(place, sizeof place, ":%d:%d: ", e->line, e->column);
    buffer_text(&b, place);
  }
  const char *text = e->message[0] != '\0' ? e->message : dz_status_text(e->status);
  buffer_clean(&b, text, strlen(text));
  buffer_text(&b, "\n");
  if (placed) echo(&b, s, e->line, e->column, "");
  complain(&b);
  buffer_free(&b);
  quit(status_of(e->status));
}

_Noreturn void die_status(const source *s, const dz_error *e, dz_status status) {
  if (e != NULL && e->status != DZ_OK) die_at(s, e);
  die(status_of(status), "%s", dz_status_text(status));
}

/* ---- notes on values ---- */

enum { LONGEST_NAME = 100 };

static dz_note *kept_notes;
static size_t kept;

void note_value(const char *name, const dz_tape *t) {
  for (size_t i = 0; i < dz_note_count(t); i++) {
    dz_note n = *dz_note_at(t, i);
    n.line = n.column = 0;
    if (strlen(name) <= LONGEST_NAME)
      snprintf(n.message, sizeof n.message, "%s: %.120s", name, dz_note_at(t, i)->message);
    kept_notes = take(kept_notes, kept + 1, sizeof *kept_notes);
    kept_notes[kept++] = n;
  }
}

size_t note_count(const dz_tape *t) { return kept + dz_note_count(t); }

dz_note note_at(const dz_tape *t, size_t i) { return i < kept ? kept_notes[i] : *dz_note_at(t, i - kept); }

void notes_forget(void) {
  free(kept_notes);
  kept_notes = NULL;
  kept = 0;
}
