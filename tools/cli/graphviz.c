#define _XOPEN_SOURCE 700 /* realpath, mkstemp, posix_spawn */
#include "graphviz.h"

#include "message.h"
#include "suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* What must not stay behind when the program ends early, by itself or by a signal. */
static volatile sig_atomic_t child;
static char temporary[4096];

static void abandon(void) {
  if (child > 0) kill(-(pid_t)child, SIGKILL);
  if (temporary[0] != '\0') unlink(temporary);
}

static const char *const formats[] = {"svg", "png", "pdf"};

const char *graphviz_format(const char *path) {
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
  char low[8] = "", hint[128];
  for (size_t i = 0; dot != NULL && i + 1 < sizeof low && dot[i + 1] != '\0'; i++) {
    char c = dot[i + 1];
    low[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  suggestion s = suggest(low);
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(low, formats[i]) == 0) return formats[i];
    suggest_name(&s, formats[i]);
  }
  die(STATUS_USAGE, "'%s': a picture ends in .svg, .png or .pdf%s", path,
      dot != NULL ? suggest_text(&s, hint) : "");
}

/* The file that `path` leads to, so that a symbolic link is not replaced by the picture. */
static char *target_of(const char *path) {
  struct stat st;
  char *real = realpath(path, NULL);
  char *target = take_text(real != NULL ? real : path, strlen(real != NULL ? real : path));
  free(real);
  if (stat(target, &st) == 0 && !S_ISREG(st.st_mode))
    die(STATUS_FILE, "cannot write %s: it is no ordinary file", path);
  return target;
}

/* A new file beside the target: renaming within a directory is all or nothing. */
static int open_temporary(const char *target, const char *path) {
  static const char tail[] = ".dz-XXXXXX";
  const char *slash = strrchr(target, '/');
  size_t folder = slash != NULL ? (size_t)(slash - target) + 1 : 0;
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

static void open_pipe(int ends[2]) {
  if (pipe(ends) != 0) die(STATUS_FILE, "cannot open a pipe: %s", strerror(errno));
  for (int k = 0; k < 2; k++) fcntl(ends[k], F_SETFD, FD_CLOEXEC);
}

static void start(const char *format, int in, int out, int err) {
  char flag[8] = "-T";
  /* The two limits change no small picture, and keep one of some hundred operations within seconds. */
  char *argv[] = {(char[]){"dot"}, flag, (char[]){"-Gnslimit=1"}, (char[]){"-Gnslimit1=1"}, NULL};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t usual;
  pid_t pid = 0;
  strncat(flag, format, sizeof flag - 3);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0); /* so that what dot may start is killed with it */
  posix_spawnattr_setsigdefault(&attributes, &usual);
  int error = posix_spawnp(&pid, "dot", &files, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error == ENOENT)
    die(STATUS_FILE, "pictures need Graphviz, and its 'dot' is not found: install graphviz "
                     "(apt install graphviz, dnf install graphviz, brew install graphviz)");
  if (error != 0) die(STATUS_FILE, "cannot run dot: %s", strerror(error));
  child = (sig_atomic_t)pid;
}

typedef struct deadline {
  struct timespec end;
  double seconds;
} deadline;

/* Milliseconds left; ends the program when there are none. */
static int left(const deadline *c) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double ms = (double)(c->end.tv_sec - now.tv_sec) * 1e3 + (double)(c->end.tv_nsec - now.tv_nsec) / 1e6;
  if (ms <= 0) {
    buffer b = {0};
    buffer_number(&b, c->seconds, 0);
    die(STATUS_LIMIT, "dot took longer than %.*s s and was stopped: --timeout allows more", (int)b.size,
        b.text);
  }
  return ms > 1000 ? 1000 : (int)ms + 1;
}

static deadline deadline_in(double seconds) {
  deadline c = {.seconds = seconds};
  clock_gettime(CLOCK_MONOTONIC, &c.end);
  c.end.tv_sec += (time_t)seconds;
  c.end.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
  return c;
}

/* Feeds the graph to dot and keeps what it says, until it has closed its end. */
static void converse(const buffer *graph, int in, int err, buffer *said, const deadline *c) {
  size_t done = 0;
  fcntl(in, F_SETFL, O_NONBLOCK);
  for (bool open = true; open;) {
    struct pollfd ends[2] = {{err, POLLIN, 0}, {in, POLLOUT, 0}};
    char text[4096];
    poll(ends, in >= 0 ? 2 : 1, left(c));
    if (in >= 0 && ends[1].revents != 0) {
      ssize_t n = write(in, graph->text + done, graph->size - done);
      done += n > 0 ? (size_t)n : 0;
      if (done == graph->size || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(in);
        in = -1;
      }
    }
    if (ends[0].revents != 0) {
      ssize_t n = read(err, text, sizeof text);
      if (n > 0 && said->size < sizeof text) buffer_add(said, text, (size_t)n);
      open = n > 0 || (n < 0 && errno == EINTR);
    }
  }
  if (in >= 0) close(in);
}

static int wait_for_end(const deadline *c) {
  int status = 0;
  pid_t pid = 0;
  while (pid == 0) {
    pid = waitpid((pid_t)child, &status, WNOHANG);
    if (pid == 0 && left(c) > 0) nanosleep(&(struct timespec){0, 2000000}, NULL);
  }
  child = 0;
  return status;
}

void graphviz_draw(const buffer *graph, const char *format, const char *path, double seconds) {
  int in[2], err[2];
  buffer said = {0};
  struct stat st;
  at_end(abandon);
  char *target = target_of(path);
  int file = open_temporary(target, path);
  open_pipe(in);
  open_pipe(err);
  deadline c = deadline_in(seconds);
  start(format, in[0], file, err[1]);
  close(in[0]);
  close(err[1]);
  converse(graph, in[1], err[0], &said, &c);
  close(err[0]);
  int status = wait_for_end(&c);
  size_t line = 0;
  while (line < said.size && said.text[line] != '\n') line++;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    die(STATUS_FILE, "dot failed: %.*s", line > 0 ? (int)line : 13, line > 0 ? said.text : "it was killed");
  if (fstat(file, &st) != 0 || st.st_size == 0 || close(file) != 0)
    die(STATUS_FILE, "dot wrote no picture: %.*s", (int)line, line > 0 ? said.text : "");
  if (rename(temporary, target) != 0) die(STATUS_FILE, "cannot write %s: %s", path, strerror(errno));
  temporary[0] = '\0';
  buffer_free(&said);
  free(target);
}
