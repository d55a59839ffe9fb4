#include "show/sheet.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

void dz__sheet_free(dz__sheet *s) {
  dz__free(&s->alloc, s->text, s->cap);
  s->text = NULL;
  s->n = s->cap = 0;
}

dz_status dz__sheet_write(dz__sheet *s, dz_writer *write, void *user) {
  dz_status status = s->failed ? DZ_ERR_MEMORY : DZ_OK;
  if (!status && s->n && !write(user, s->text, s->n)) status = DZ_ERR_WRITE;
  dz__sheet_free(s);
  return status;
}

void dz__sheet_bytes(dz__sheet *s, const char *text, size_t size) {
  void *p = s->text;
  s->failed = s->failed || !dz__grow(&s->alloc, &p, &s->cap, s->n + size + 1, 1);
  s->text = p;
  if (s->failed) return;
  memcpy(s->text + s->n, text, size);
  s->n += size;
  s->text[s->n] = 0;
}

bool dz__sheet_writer(void *sheet, const char *text, size_t size) {
  dz__sheet *s = sheet;
  dz__sheet_bytes(s, text, size);
  return !s->failed;
}

void dz__sheet_put(dz__sheet *s, const char *text) { dz__sheet_bytes(s, text, strlen(text)); }

static const char *translated(const dz__sheet *s, const char *english) {
  const char *text = s->translate ? s->translate(english, s->translate_user) : NULL;
  return text ? text : english;
}

void dz__sheet_say(dz__sheet *s, const char *english) { dz__sheet_put(s, translated(s, english)); }

void dz__sheet_number(dz__sheet *s, double x) {
  char text[32];
  dz__sheet_bytes(s, text, dz_number_write(x, s->digits, text));
}

void dz__sheet_whole(dz__sheet *s, uint64_t n) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  dz__sheet_put(s, text);
}

void dz__sheet_tab(dz__sheet *s, size_t from, size_t column) {
  if (s->failed) return;
  size_t at = s->n > from ? dz__utf8_columns(s->text + from, s->n - from) : 0;
  do dz__sheet_put(s, " ");
  while (++at < column);
}

void dz__sheet_form(dz__sheet *s, const char *english, const char *const *args, size_t count) {
  const char *form = translated(s, english), *open;
  while ((open = strchr(form, '{')) != NULL) {
    size_t k = (size_t)(open[1] - '0');
    bool slot = k < count && open[2] == '}';
    dz__sheet_bytes(s, form, (size_t)(open - form) + !slot);
    if (slot) dz__sheet_put(s, args[k]);
    form = open + (slot ? 3 : 1);
  }
  dz__sheet_put(s, form);
}
