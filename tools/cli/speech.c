/* Gettext's catalogues without its search for a locale: --lang ja works wherever dz does. */
#include "speech.h"

#include "catalogue.h"
#include "message.h"
#include "suggest.h"

#include <stdlib.h>
#include <string.h>

static const char *language = "en";

/* "ja" of "ja_JP.UTF-8" */
static const char *known(const char *name) {
  size_t n = strcspn(name, "_.@:");
  for (size_t i = 0; languages[i] != NULL; i++)
    if (strlen(languages[i]) == n && memcmp(languages[i], name, n) == 0) return languages[i];
  return NULL;
}

static const char *asked_for(void) {
  static const char *const variables[] = {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *value = getenv(variables[i]);
    if (value != NULL && value[0] != '\0') return known(value) != NULL ? known(value) : "en";
  }
  return "en";
}

void speech_in(const char *name) {
  char hint[128];
  if (name == NULL) {
    language = asked_for();
    return;
  }
  language = strcmp(name, "en") == 0 ? "en" : known(name);
  if (language != NULL && strlen(language) == strlen(name)) return;
  suggestion s = suggest(name);
  suggest_name(&s, "en");
  for (size_t i = 0; languages[i] != NULL; i++) suggest_name(&s, languages[i]);
  die(STATUS_USAGE, "--lang takes en or ja, '%s' came%s", name, suggest_text(&s, hint));
}

const char *speech_language(void) { return language; }

const char *speech(const char *english, void *user) {
  (void)user;
  size_t low = 0, high = catalogue_size;
  while (low < high) {
    size_t mid = (low + high) / 2;
    int order = strcmp(catalogue[mid].english, english);
    if (order == 0) order = strcmp(catalogue[mid].language, language);
    if (order == 0) return catalogue[mid].text;
    if (order < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return english;
}

void speech_form(buffer *b, const char *english, const char *const *args, size_t count) {
  const char *text = speech(english, NULL), *open;
  while ((open = strchr(text, '{')) != NULL) {
    buffer_add(b, text, (size_t)(open - text));
    size_t k = (size_t)(open[1] - '0');
    if (k < count) buffer_text(b, args[k]);
    text = open + 3;
  }
  buffer_text(b, text);
}
