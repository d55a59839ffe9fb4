/* The same on tapes of floats, which make copies and widen more. */
#define NEW_TAPE dz_tape_new_single
#include "starved.c"
