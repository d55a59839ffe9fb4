#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *dz_version(void) { return DZ_VERSION; }

const char *dz_status_text(dz_status status) {
  static const char *const text[] = {
#define TEXT(name, text) text,
      DZ_STATUS_LIST(TEXT)
#undef TEXT
  };
  return (unsigned)status < DZ_STATUS_COUNT ? text[status] : "unknown status";
}

/* Cut at a whole UTF-8 character, so that a message never ends in half of one. */
static void cut(char *text, size_t size, size_t wanted) {
  if (wanted < size) return;
  size_t n = size - 1;
  while (n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0x80) n--;
  if (n > 0 && (unsigned char)text[n - 1] >= 0xC0) n--;
  text[n] = 0;
}

dz_status dz__fail(dz_error *e, dz_status status, const char *op, const char *format, ...) {
  if (!e || e->status) return status;
  e->status = status;
  e->line = e->column = 0;
  e->file[0] = 0;
  snprintf(e->op, sizeof e->op, "%s", op ? op : "");
  va_list args;
  va_start(args, format);
  int n = vsnprintf(e->message, sizeof e->message, format, args);
  va_end(args);
  cut(e->message, sizeof e->message, n > 0 ? (size_t)n : 0);
  return status;
}

void dz__fail_at(dz_error *e, const char *file, int line, int column) {
  if (!e || !e->status || e->line) return;
  const char *slash = file ? strrchr(file, '/') : NULL;
  const char *name = !file ? "" : strlen(file) < sizeof e->file ? file : slash ? slash + 1 : file;
  int n = snprintf(e->file, sizeof e->file, "%s", name);
  cut(e->file, sizeof e->file, n > 0 ? (size_t)n : 0);
  e->line = line;
  e->column = column;
}
