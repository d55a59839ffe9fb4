/* A picture for each wave of the sweeps, and one that moves. */
#ifndef DZ_CLI_FRAMES_H
#define DZ_CLI_FRAMES_H

#include "dz/show.h"
#include "model.h"

/* Writes forward-1.svg … backward-1.svg … and animation.svg into the folder, which is made when it is not
   there. Ends the program with a message when it cannot. */
void frames_draw(const model *m, const dz_dot_options *how, const char *folder, double seconds);

#endif
