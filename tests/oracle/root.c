/* main, in each executable of its own: everything else is one library, linked with a sound or a buggy dz. */
#include "main.h"

int main(int argc, char **argv) { return oracle_main(argc, argv); }
