/* The options of pictures, read from the command line. */
#ifndef DZ_CLI_PICTURE_H
#define DZ_CLI_PICTURE_H

#include "dz/show.h"
#include "model.h"

typedef struct picture_choice {
  dz_dot_options how;
  dz_var *wrt;
  char *source;
} picture_choice;

/* Ends the program with status 2 for a word that there is not. Free it. */
picture_choice picture_read(const model *m, const options *o);
void picture_free(picture_choice *c);

#endif
