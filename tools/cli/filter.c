#define _XOPEN_SOURCE 700 /* posix_spawn */
#include "filter.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* What must not stay behind when dz ends early, by itself or by a signal. */
static volatile sig_atomic_t child;

static void abandon(void) {
  if (child > 0) kill(-(pid_t)child, SIGKILL);
}

static void open_pipe(int ends[2]) {
  if (pipe(ends) != 0) die(STATUS_FILE, "cannot open a pipe: %s", strerror(errno));
  for (int k = 0; k < 2; k++) fcntl(ends[k], F_SETFD, FD_CLOEXEC);
}

/* 0, or the error. */
static int start(const filter *f, int in, int out, int err) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t usual;
  pid_t pid = 0;
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0); /* so that what the program may start is killed with it */
  posix_spawnattr_setsigdefault(&attributes, &usual);
  int error = posix_spawnp(&pid, f->argv[0], &files, &attributes, f->argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error == 0) child = (sig_atomic_t)pid;
  return error;
}

static struct timespec deadline_in(double seconds) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += (time_t)seconds;
  end.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
  return end;
}

/* Milliseconds left, 1000 at most; 0 when there are none. */
static int left(const struct timespec *end) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double ms = (double)(end->tv_sec - now.tv_sec) * 1e3 + (double)(end->tv_nsec - now.tv_nsec) / 1e6;
  return ms <= 0 ? 0 : ms > 1000 ? 1000 : (int)ms + 1;
}

/* A pipe's end that is -1 once it was closed. */
static void feed(int *in, const buffer *text, size_t *done) {
  ssize_t n = write(*in, text->text + *done, text->size - *done);
  *done += n > 0 ? (size_t)n : 0;
  if (*done < text->size && (n >= 0 || errno == EAGAIN || errno == EINTR)) return;
  close(*in);
  *in = -1;
}

static void take_from(int *end, buffer *to, size_t most) {
  char text[1 << 14];
  ssize_t n = read(*end, text, sizeof text);
  if (n > 0 && to->size < most) buffer_add(to, text, (size_t)n);
  if (n > 0 || (n < 0 && errno == EINTR)) return;
  close(*end);
  *end = -1;
}

/* Feeds the program and keeps what it writes and says, until it has closed both its ends. False when it takes
   too long. */
static bool converse(int ends[3], const buffer *in, buffer *out, buffer *said, const struct timespec *end) {
  size_t done = 0;
  int ms = 1;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  while ((ends[1] >= 0 || ends[2] >= 0) && (ms = left(end)) > 0) {
    struct pollfd at[3] = {{ends[0], POLLOUT, 0}, {ends[1], POLLIN, 0}, {ends[2], POLLIN, 0}};
    poll(at, 3, ms); /* passes over those that are -1 */
    if (at[0].revents != 0) feed(&ends[0], in, &done);
    if (at[1].revents != 0) take_from(&ends[1], out, SIZE_MAX);
    if (at[2].revents != 0) take_from(&ends[2], said, 4096);
  }
  for (int k = 0; k < 3; k++)
    if (ends[k] >= 0) close(ends[k]);
  return ms > 0;
}

/* False when it had to be killed. */
static bool wait_for_end(const struct timespec *end, int *status) {
  pid_t pid = 0;
  while (pid == 0 && left(end) > 0) {
    pid = waitpid((pid_t)child, status, WNOHANG);
    if (pid == 0) nanosleep(&(struct timespec){0, 2000000}, NULL);
  }
  if (pid == 0) {
    abandon();
    waitpid((pid_t)child, status, 0);
  }
  child = 0;
  return pid != 0;
}

static bool fail(filter_failure *failure, int status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  failure->status = status;
  vsnprintf(failure->why, sizeof failure->why, format, list);
  va_end(list);
  return false;
}

static bool judge(const filter *f, int status, const buffer *out, const buffer *said,
                  filter_failure *failure) {
  size_t line = 0;
  while (line < said->size && line < 400 && said->text[line] != '\n') line++;
  const char *text = line > 0 ? said->text : "";
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(failure, STATUS_FILE, "%s failed: %.*s", f->argv[0], line > 0 ? (int)line : 13,
                line > 0 ? text : "it was killed");
  if (out->size == 0)
    return fail(failure, STATUS_FILE, "%s wrote no picture%s%.*s", f->argv[0], line > 0 ? ": " : "",
                (int)line, text);
  return true;
}

static bool too_late(const filter *f, double seconds, filter_failure *failure) {
  buffer b = {0};
  buffer_number(&b, seconds, 0);
  fail(failure, STATUS_LIMIT, "%s took longer than %.*s s and was stopped: --timeout allows more", f->argv[0],
       (int)b.size, b.text);
  buffer_free(&b);
  return false;
}

bool filter_try(const filter *f, const buffer *in, double seconds, buffer *out, filter_failure *failure) {
  int feeding[2], writing[2], saying[2], status = 0;
  buffer said = {0};
  *out = (buffer){0};
  at_end(abandon);
  open_pipe(feeding);
  open_pipe(writing);
  open_pipe(saying);
  struct timespec end = deadline_in(seconds);
  int error = start(f, feeding[0], writing[1], saying[1]);
  close(feeding[0]);
  close(writing[1]);
  close(saying[1]);
  bool done = error == 0;
  if (error == ENOENT)
    fail(failure, STATUS_FILE, "%s", f->missing);
  else if (error != 0)
    fail(failure, STATUS_FILE, "cannot run %s: %s", f->argv[0], strerror(error));
  int ends[3] = {feeding[1], writing[0], saying[0]};
  if (done) {
    bool in_time = converse(ends, in, out, &said, &end);
    done = wait_for_end(&end, &status) && in_time ? judge(f, status, out, &said, failure)
                                                  : too_late(f, seconds, failure);
  } else {
    for (int k = 0; k < 3; k++) close(ends[k]);
  }
  if (!done) buffer_free(out);
  buffer_free(&said);
  return done;
}

buffer filter_run(const filter *f, const buffer *in, double seconds) {
  buffer out;
  filter_failure failure;
  if (!filter_try(f, in, seconds, &out, &failure)) die(failure.status, "%s", failure.why);
  return out;
}
