/* The one door through which all memory of the library comes. */
#ifndef DZ_MEMORY_H
#define DZ_MEMORY_H

#include "dz/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A user's allocator: one function in the manner of realloc.
   resize(user, NULL, 0, n) allocates n bytes aligned for any object; resize(user, p, old, n) grows or shrinks
   and keeps the contents; resize(user, p, old, 0) frees and returns NULL. On failure it returns NULL and p
   stays as it was. `old` is always the size that was asked for. A NULL dz_allocator pointer means that of
   dz_system_allocator. */
typedef struct dz_allocator {
  void *(*resize)(void *user, void *block, size_t old_size, size_t new_size);
  void *user;
} dz_allocator;

/* malloc, realloc and free; on Linux blocks of 1 MiB and more are pages of their own, which grow without
   being copied and are large pages where the system has them. For an allocator of your own that counts, or
   fails on request, and leaves the work to this one. Safe in several threads. */
DZ_API dz_allocator dz_system_allocator(void);

#ifdef __cplusplus
}
#endif
#endif
