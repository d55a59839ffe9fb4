/* The one line of --json. Numbers go in as raw text, so that they round-trip exactly whatever the locale. */
#ifndef DZ_CLI_JSON_H
#define DZ_CLI_JSON_H

#include "buffer.h"
#include "dz/tape.h"

#include <cjson/cJSON.h>

/* All of these end the program with status 4 when memory is out. */
cJSON *json_object(void);
cJSON *json_array(void);
cJSON *json_number(double x); /* "nan", "inf", "-inf" when it is not finite */
cJSON *json_whole(size_t n);
cJSON *json_text(const char *text); /* null for NULL */
cJSON *json_tensor(int rank, const size_t *dims,
                   const double *values); /* nested lists; a number for rank 0 */
cJSON *json_notes(const dz_tape *t);

/* Give an item to an object or an array. */
void json_put(cJSON *object, const char *key, cJSON *item);
void json_push(cJSON *array, cJSON *item);

/* The object as one line without its end; frees it. */
buffer json_line(cJSON *object);

/* Writes the object as one line, with a space after each comma and colon, and frees it. */
void json_print(cJSON *object);

#endif
