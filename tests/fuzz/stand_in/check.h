/* Check's macros for fuzz targets: what fails ends the process, so that a fuzzer notices. */
#ifndef DZ_TESTS_FUZZ_CHECK_H
#define DZ_TESTS_FUZZ_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((noreturn, format(printf, 2, 3))) static inline void fuzz_fail(const char *place,
                                                                             const char *format, ...) {
  va_list list;
  va_start(list, format);
  fprintf(stderr, "%s: ", place);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  abort();
}

#define FUZZ_TEXT_(line) #line
#define FUZZ_TEXT(line) FUZZ_TEXT_(line)
#define ck_abort_msg(...) fuzz_fail(__FILE__ ":" FUZZ_TEXT(__LINE__), __VA_ARGS__)
#define ck_assert(x) ((x) ? (void)0 : ck_abort_msg("not so: %s", #x))

#endif
