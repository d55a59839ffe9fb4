/* How much random work a test does: sanitizers make everything ten to forty times slower, as do
   valgrind and emulators. tools/valgrind and tools/machines define SANITIZED themselves. */
#ifndef DZ_TESTS_EFFORT_H
#define DZ_TESTS_EFFORT_H

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define EFFORT(full, sanitized) (SANITIZED ? (sanitized) : (full))

#endif
