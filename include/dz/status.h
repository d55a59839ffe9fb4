/* Status codes and the error record. Nothing in dz prints, exits or aborts: a failure is one of these. */
#ifndef DZ_STATUS_H
#define DZ_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(DZ_STATIC)
#define DZ_API __attribute__((visibility("default")))
#else
#define DZ_API
#endif

#define DZ_VERSION "0.1.0"

/* The version of the library that is linked, as DZ_VERSION says what the header belongs to. Cost O(1). */
DZ_API const char *dz_version(void);

/* One line per status: name, text. */
#define DZ_STATUS_LIST(S)                                                                                    \
  S(DZ_OK, "ok")                                                                                             \
  S(DZ_ERR_MEMORY, "out of memory")                                                                          \
  S(DZ_ERR_LIMIT, "over a limit")                                                                            \
  S(DZ_ERR_ARGUMENT, "bad argument")                                                                         \
  S(DZ_ERR_HANDLE, "not a live handle")                                                                      \
  S(DZ_ERR_SHAPE, "shapes do not fit")                                                                       \
  S(DZ_ERR_NAME, "unknown or repeated name")                                                                 \
  S(DZ_ERR_SYNTAX, "bad expression")                                                                         \
  S(DZ_ERR_MISSING, "a value is missing")                                                                    \
  S(DZ_ERR_FILE, "file trouble")                                                                             \
  S(DZ_ERR_WRITE, "the writer refused")                                                                      \
  S(DZ_ERR_BRANCH, "a branch goes another way than recorded")

typedef enum dz_status {
#define DZ_STATUS_NAME(name, text) name,
  DZ_STATUS_LIST(DZ_STATUS_NAME)
#undef DZ_STATUS_NAME
      DZ_STATUS_COUNT
} dz_status;

/* The status in words, e.g. "out of memory". Never NULL. Cost O(1). */
DZ_API const char *dz_status_text(dz_status status);

/* The first thing that went wrong: what, in which operation, and where. Strings are NUL-terminated and owned
   by the record itself, so it may be copied and kept. `line` is 0 when the place is unknown. `column` counts
   characters from 1 and is 0 for a place in C code. */
typedef struct dz_error {
  dz_status status;
  int line, column;
  char op[24];
  char file[64];
  char message[416];
} dz_error;

#ifdef __cplusplus
}
#endif
#endif
