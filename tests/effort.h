/* How much random work a test does: sanitizers make everything ten to forty times slower. */
#ifndef DZ_TESTS_EFFORT_H
#define DZ_TESTS_EFFORT_H

#ifdef __SANITIZE_ADDRESS__
#define EFFORT(full, sanitized) (sanitized)
#else
#define EFFORT(full, sanitized) (full)
#endif

#endif
