/* Text that is being composed: it grows, knows its language, and is handed over whole. After memory has run
   out it takes nothing more. */
#ifndef DZ_SHOW_SHEET_H
#define DZ_SHOW_SHEET_H

#include "base/memory.h"
#include "dz/text.h"

typedef struct dz__sheet {
  dz_allocator alloc;
  char *text; /* NUL-terminated once anything was put */
  size_t n, cap;
  bool failed;
  int digits;                                                /* of numbers, as dz_number_write */
  const char *(*translate)(const char *english, void *user); /* NULL: English */
  void *translate_user;
} dz__sheet;

void dz__sheet_free(dz__sheet *s);
/* Hands the text over and frees it: DZ_ERR_MEMORY when some of it is missing, DZ_ERR_WRITE. */
dz_status dz__sheet_write(dz__sheet *s, dz_writer *write, void *user);

void dz__sheet_bytes(dz__sheet *s, const char *text, size_t size);
void dz__sheet_put(dz__sheet *s, const char *text); /* as it is */
void dz__sheet_say(dz__sheet *s, const char *english);
void dz__sheet_number(dz__sheet *s, double x);
void dz__sheet_whole(dz__sheet *s, uint64_t n);
/* Spaces up to a column, counted from the byte `from`, as a terminal shows it; at least one when the text is
   longer than that. */
void dz__sheet_tab(dz__sheet *s, size_t from, size_t column);
/* A translated form, in which {0}, {1} … stand for args; other braces are text. */
void dz__sheet_form(dz__sheet *s, const char *english, const char *const *args, size_t count);

/* A writer for what writes elsewhere: `user` is the sheet. */
bool dz__sheet_writer(void *sheet, const char *text, size_t size);

#endif
