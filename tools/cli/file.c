#define _GNU_SOURCE /* O_TMPFILE, realpath, mkstemp */
#include "file.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What must not stay behind when the program ends early. */
static char temporary[4096];

static void abandon(void) {
  if (temporary[0] != '\0') unlink(temporary);
  temporary[0] = '\0';
}

/* The file that `path` leads to, so that a symbolic link is not replaced. */
static char *target_of(const char *path) {
  struct stat st;
  char *real = realpath(path, NULL);
  char *target = take_text(real != NULL ? real : path, strlen(real != NULL ? real : path));
  free(real);
  if (stat(target, &st) == 0 && !S_ISREG(st.st_mode))
    die(STATUS_FILE, "cannot write %s: it is no ordinary file", path);
  return target;
}

static size_t folder_size(const char *target) {
  const char *slash = strrchr(target, '/');
  return slash != NULL ? (size_t)(slash - target) + 1 : 0;
}

void file_check(const char *path) {
  char *target = target_of(path);
  size_t size = folder_size(target);
  char *folder = size > 0 ? take_text(target, size) : take_text(".", 1);
  if (access(folder, W_OK) != 0) die(STATUS_FILE, "cannot write %s: %s", path, strerror(errno));
  free(folder);
  free(target);
}

/* ---- writing ---- */

static _Noreturn void fail(const char *path) {
  die(STATUS_FILE, "cannot write %s: %s", path, strerror(errno));
}

/* Makes `temporary` a name beside the target: renaming within a directory is all or nothing. */
static void name_temporary(const char *target, const char *path, const char *tail) {
  size_t folder = folder_size(target);
  if (folder + strlen(tail) + 1 > sizeof temporary)
    die(STATUS_FILE, "cannot write %s: the path is too long", path);
  memcpy(temporary, target, folder);
  memcpy(temporary + folder, tail, strlen(tail) + 1);
}

void file_put(const char *path, int file, const buffer *b) {
  for (size_t done = 0; done < b->size;) {
    ssize_t n = write(file, b->text + done, b->size - done);
    if (n > 0)
      done += (size_t)n;
    else if (n == 0 || errno != EINTR)
      die(STATUS_FILE, "cannot write %s: %s", path, strerror(n == 0 ? EIO : errno));
  }
}

/* The bytes before the name: after a crash the path leads to the old file or to the new one, whole. */
static void put(int file, const buffer *b, const char *path) {
  file_put(path, file, b);
  if (fsync(file) != 0 && errno != EINVAL && errno != ENOSYS) fail(path);
}

#ifdef O_TMPFILE
/* Gives the nameless file its name. One that is there already can only be replaced by renaming, so that the
   new file has another name for a moment. */
static bool give_name(int file, const char *target, const char *path) {
  char from[40], tail[40];
  snprintf(from, sizeof from, "/proc/self/fd/%d", file);
  if (linkat(AT_FDCWD, from, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0) return true;
  for (int k = 0; errno == EEXIST && k < 100; k++) {
    snprintf(tail, sizeof tail, ".dz-%ld-%d", (long)getpid(), k);
    name_temporary(target, path, tail);
    if (linkat(AT_FDCWD, from, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) != 0) {
      temporary[0] = '\0';
      continue;
    }
    if (rename(temporary, target) != 0) fail(path);
    temporary[0] = '\0';
    return true;
  }
  return false;
}

/* By a file that has no name until it is whole, and so goes with the process whatever ends it. False where
   the system or the file system has none. */
static bool write_nameless(const char *target, const char *path, const buffer *b) {
  size_t size = folder_size(target);
  char *folder = size > 0 ? take_text(target, size) : take_text(".", 1);
  int file = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  free(folder);
  if (file < 0) return false;
  put(file, b, path);
  bool done = give_name(file, target, path);
  if (close(file) != 0 && done) fail(path);
  return done;
}
#else
static bool write_nameless(const char *target, const char *path, const buffer *b) { return false; }
#endif

static void write_named(const char *target, const char *path, const buffer *b) {
  name_temporary(target, path, ".dz-XXXXXX");
  int file = mkstemp(temporary);
  if (file < 0) {
    temporary[0] = '\0';
    fail(path);
  }
  fcntl(file, F_SETFD, FD_CLOEXEC);
  mode_t mask = umask(0);
  umask(mask);
  fchmod(file, 0666 & ~mask);
  put(file, b, path);
  if (close(file) != 0 || rename(temporary, target) != 0) fail(path);
  temporary[0] = '\0';
}

void file_write(const char *path, const buffer *b) {
  at_end(abandon);
  char *target = target_of(path);
  if (!write_nameless(target, path, b)) write_named(target, path, b);
  free(target);
}
