/* Parts of a trace drawn as boxes. */
#ifndef DZ_SHOW_FOLD_H
#define DZ_SHOW_FOLD_H

#include "show/picture.h"

/* Folds what the options name, or what is too much to be shown in detail; p->trace is then p->folded. */
dz_status dz__fold_picture(dz__picture *p);

#endif
