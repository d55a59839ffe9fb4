/* dz: the command line. What is said on it is taken apart in options.c; each verb has a file of its own. */
#define _POSIX_C_SOURCE 200809L
#include "buffer.h"
#include "dz/status.h"
#include "message.h"
#include "options.h"
#include "verbs.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A standard stream that was closed must not become the number of a file that is opened next. What stands in
   for it cannot be used, so that reading or writing it fails as it should. */
static void occupy_standard_streams(void) {
  for (int file = 0; file <= 2; file++)
    if (fcntl(file, F_GETFD) < 0 && open("/dev/null", file == 0 ? O_WRONLY : O_RDONLY) < 0) quit(STATUS_FILE);
}

static void on_signal(int number) { quit(128 + number); }

static void catch_signals(void) {
  const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = SIG_IGN; /* a reader that goes away shows as a failed write */
  sigaction(SIGPIPE, &action, NULL);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct sigaction before;
    sigaction(numbers[i], NULL, &before);
    action.sa_handler = on_signal;
    if (before.sa_handler != SIG_IGN) /* as under nohup */
      sigaction(numbers[i], &action, NULL);
  }
}

static int print(const char *text, const char *more) {
  buffer b = {0};
  buffer_text(&b, text);
  buffer_text(&b, more);
  buffer_text(&b, "\n");
  output(&b);
  buffer_free(&b);
  return STATUS_DONE;
}

/* `dz VERB --help` is `dz help VERB`. */
static int help_on(const options *o) {
  const char *word = o->verb->name;
  options help = *o;
  if (o->verb->bit != FOR_HELP || o->count == 0) {
    help.words = &word;
    help.count = o->verb_given;
  }
  return verb_help(&help);
}

int main(int argc, char **argv) {
  occupy_standard_streams();
  catch_signals();
  options o = options_read(argc, argv);
  int status;
  if (o.version)
    status = print("dz ", dz_version());
  else if (o.help)
    status = help_on(&o);
  else if (o.count == 0 && !o.verb_given)
    die(STATUS_USAGE, "usage: dz [VERB] EXPR|FILE.dz|- [NAME=VALUE]... (dz help says more)");
  else
    status = o.verb->run(&o);
  options_free(&o);
  return status;
}
