/* How the tool ends when something is amiss. Every message is one line on standard error, perhaps with the
   source line and a caret below it. */
#ifndef DZ_CLI_MESSAGE_H
#define DZ_CLI_MESSAGE_H

#include "buffer.h"
#include "dz/status.h"
#include "dz/tape.h"

#include <stddef.h>

enum { STATUS_DONE, STATUS_NO, STATUS_USAGE, STATUS_FILE, STATUS_LIMIT };

#if defined(__GNUC__)
#define DZ_CLI_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define DZ_CLI_FORMAT(text, first)
#endif

/* Text that messages point into. */
typedef struct source {
  const char *name; /* "<arg>", "<stdin>", a path, "<x>" for the value of x */
  char *text;
  size_t size;
} source;

/* Called before the program ends early; must be safe in a signal handler. At most one. */
void at_end(void (*clean)(void));

_Noreturn void die(int status, const char *format, ...) DZ_CLI_FORMAT(2, 3);

/* Standard output cannot be written. Says nothing when its reader has merely gone away. */
_Noreturn void die_write(int error);

/* The library's error: its place, the source line and a caret when it has a place in `s`. */
_Noreturn void die_at(const source *s, const dz_error *e);

/* Appends "<arg>:1:5", the source line and a caret below it, each after `indent`; nothing when line is 0. */
void message_place(buffer *b, const source *s, int line, int column, const char *indent);

/* The same for a failed call: the error of the tape when there is one, else the status in words. */
_Noreturn void die_status(const source *s, const dz_error *e, dz_status status);

/* Keeps the notes of the tape on which the value of `name` was made, without their places, which lie in no
   program. */
void note_value(const char *name, const dz_tape *t);

/* Those kept, then those of the tape: what is told beside results. */
size_t note_count(const dz_tape *t);
dz_note note_at(const dz_tape *t, size_t i);

/* Forgets those kept: for a program that runs more than one command line. */
void notes_forget(void);

/* A line on standard error that ends nothing. */
void remark(const char *format, ...) DZ_CLI_FORMAT(1, 2);

/* From now on messages begin with the number of this process, which is one of several. */
void message_from(size_t rank);

/* Ends the program at once: what a signal handler calls. */
_Noreturn void quit(int status);

#endif
