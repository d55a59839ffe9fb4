/* The language in which results are told. Messages about mistakes are in English. */
#ifndef DZ_CLI_SPEECH_H
#define DZ_CLI_SPEECH_H

#include "buffer.h"

/* Chooses it: "en", "ja", or NULL for what the environment asks for (LANGUAGE, LC_ALL, LC_MESSAGES, LANG).
   Ends the program with status 2 for one that there is not. */
void speech_in(const char *language);

/* "en" or another that was chosen. */
const char *speech_language(void);

/* The text in the chosen language; itself where it has no translation. `user` is not used: so it serves as
   the library's `translate`. */
const char *speech(const char *english, void *user);

/* Appends it with arguments: "{0}" stands for the first, and so on. */
void speech_form(buffer *b, const char *english, const char *const *args, size_t count);

#endif
