/* Loaded before dz (LD_PRELOAD): its k-th call of a kind fails, whoever makes it, libc and other libraries
   included. DZ_FAILS says which:

       KIND:K:ERRNO        the K-th alone             malloc write fsync rename link close open mkstemp
       KIND:K+:ERRNO       it and all later ones

   ERRNO 0 ends the process there, as kill -9 does; K 0 fails nothing. DZ_COUNTS names a file to which "KIND
   COUNT" lines are written at the end. Calls before main and in other programs that dz starts are left alone.
   Compile with -fno-builtin. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* both names of a call are wanted */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MALLOC, WRITE, FSYNC, RENAME, LINK, CLOSE, OPEN, MKSTEMP, KINDS };

static const char *const names[KINDS] = {"malloc", "write", "fsync", "rename",
                                         "link",   "close", "open",  "mkstemp"};

static struct {
  bool armed, onwards;
  int kind, error;
  long at;
  char counts[512];
  atomic_long calls[KINDS];
} shim;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

__attribute__((constructor)) static void arm(void) {
  const char *fails = getenv("DZ_FAILS"), *counts = getenv("DZ_COUNTS");
  char kind[16] = "", mark = 0;
  if (strcmp(program_invocation_short_name, "dz") != 0) return;
  if (fails && sscanf(fails, "%15[a-z]:%ld%c%d", kind, &shim.at, &mark, &shim.error) >= 2) {
    shim.onwards = mark == '+';
    if (shim.onwards) sscanf(strchr(fails, '+'), "+:%d", &shim.error);
    for (int k = 0; k < KINDS; k++)
      if (strcmp(kind, names[k]) == 0) shim.kind = k;
  }
  if (counts) snprintf(shim.counts, sizeof shim.counts, "%s", counts);
  unsetenv("LD_PRELOAD");
  unsetenv("DZ_FAILS");
  unsetenv("DZ_COUNTS");
  shim.armed = true;
}

static void tell(void) {
  if (!shim.armed || shim.counts[0] == '\0') return;
  shim.armed = false;
  const int file = (int)syscall(SYS_openat, AT_FDCWD, shim.counts, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (int k = 0; k < KINDS; k++) {
    char line[64];
    const int n = snprintf(line, sizeof line, "%s %ld\n", names[k], atomic_load(&shim.calls[k]));
    if (syscall(SYS_write, file, line, (size_t)n) < 0) break;
  }
}
__attribute__((destructor)) static void end(void) { tell(); }

void _exit(int status) {
  tell();
  for (;;) syscall(SYS_exit_group, status);
}

static bool fails(int kind) {
  if (!shim.armed) return false;
  const long k = atomic_fetch_add(&shim.calls[kind], 1) + 1;
  if (kind != shim.kind || shim.at == 0 || !(k == shim.at || (shim.onwards && k > shim.at))) return false;
  if (shim.error == 0) syscall(SYS_kill, getpid(), 9);
  errno = shim.error;
  return true;
}

void *malloc(size_t size) { return fails(MALLOC) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails(MALLOC) ? NULL : __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return fails(MALLOC) ? NULL : __libc_realloc(old, size); }

ssize_t write(int file, const void *from, size_t size) {
  return fails(WRITE) ? -1 : syscall(SYS_write, file, from, size);
}
int fsync(int file) { return fails(FSYNC) ? -1 : (int)syscall(SYS_fsync, file); }
int close(int file) { /* a file whose closing fails is closed all the same */
  const int done = (int)syscall(SYS_close, file);
  return fails(CLOSE) ? -1 : done;
}
int rename(const char *from, const char *to) {
  return fails(RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  return fails(LINK) ? -1 : (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
  va_end(list);
  return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
  va_end(list);
  return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* The six letters at the end are made from a count and the process. */
static int temporary(char *path) {
  static int count;
  char *tail = path + strlen(path) - 6;
  if (fails(MKSTEMP)) return -1;
  for (;;) {
    snprintf(tail, 7, "%06d", (int)((getpid() * 31 + count++) % 1000000));
    const int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file >= 0 || errno != EEXIST) return file;
  }
}
int mkstemp(char *path) { return temporary(path); }
int mkstemp64(char *path) { return temporary(path); }
