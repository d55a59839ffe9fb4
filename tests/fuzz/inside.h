/* dz's command line as a function: its main runs inside this process, again and again, in a world of its own,
   where the linker leads its calls to inside.c (--wrap). It reads what the input holds, writes nowhere,
   starts nothing; memory and writing fail where the input says; what it has not freed when it ends is freed
   here. */
#ifndef DZ_TESTS_FUZZ_INSIDE_H
#define DZ_TESTS_FUZZ_INSIDE_H

#include "fuzz.h"

typedef struct inside {
  const char *file; /* what every file "f.…" and standard input hold */
  size_t size;
  failing memory; /* at, only, most */
  size_t io;      /* the io-th write, fsync, close or rename fails; 0: none */
} inside;

enum { INSIDE_ENDLESS = -1 }; /* it went on for too long, and was stopped: no fault */

/* The exit status, or INSIDE_ENDLESS. argv ends in NULL. What it must say is checked: one line beginning with
   "dz: " where it fails, JSON where that is asked for. */
int inside_run(const inside *world, int argc, char **argv);

#endif
