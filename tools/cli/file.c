#define _XOPEN_SOURCE 700 /* realpath, mkstemp */
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

/* A new file beside the target: renaming within a directory is all or nothing. */
static int open_temporary(const char *target, const char *path) {
  static const char tail[] = ".dz-XXXXXX";
  size_t folder = folder_size(target);
  if (folder + sizeof tail > sizeof temporary)
    die(STATUS_FILE, "cannot write %s: the path is too long", path);
  memcpy(temporary, target, folder);
  memcpy(temporary + folder, tail, sizeof tail);
  int file = mkstemp(temporary);
  if (file < 0) {
    temporary[0] = '\0';
    die(STATUS_FILE, "cannot write %s: %s", path, strerror(errno));
  }
  fcntl(file, F_SETFD, FD_CLOEXEC);
  mode_t mask = umask(0);
  umask(mask);
  fchmod(file, 0666 & ~mask);
  return file;
}

void file_write(const char *path, const buffer *b) {
  at_end(abandon);
  char *target = target_of(path);
  int file = open_temporary(target, path);
  for (size_t done = 0; done < b->size;) {
    ssize_t n = write(file, b->text + done, b->size - done);
    if (n > 0)
      done += (size_t)n;
    else if (n == 0 || errno != EINTR)
      die(STATUS_FILE, "cannot write %s: %s", path, strerror(n == 0 ? EIO : errno));
  }
  /* The bytes before the name: after a crash the path leads to the old file or to the new one, whole. */
  if (fsync(file) != 0 && errno != EINVAL && errno != ENOSYS)
    die(STATUS_FILE, "cannot write %s: %s", path, strerror(errno));
  if (close(file) != 0 || rename(temporary, target) != 0)
    die(STATUS_FILE, "cannot write %s: %s", path, strerror(errno));
  temporary[0] = '\0';
  free(target);
}
