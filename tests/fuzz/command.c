/* Any command line: three bytes for memory, one for writing, then an argument on each line up to an empty
   one; the rest is what files and standard input hold. */
#include "inside.h"

enum { MOST_ARGS = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  inside world = {.memory = take_failing(&in)};
  char *text = malloc(size + 1), *at = text, *argv[MOST_ARGS + 1] = {(char[]){"dz"}};
  int argc = 1;
  world.memory.most = (size_t)32 << 20;
  world.io = take_byte(&in);
  if (in.left > 0) memcpy(text, in.at, in.left);
  text[in.left] = '\0';
  while (argc < MOST_ARGS && *at && *at != '\n') {
    char *end = strchr(at, '\n');
    argv[argc++] = at;
    at = end ? end + 1 : at + strlen(at);
    if (end) *end = '\0';
  }
  world.file = *at == '\n' ? at + 1 : at;
  world.size = in.left - (size_t)(world.file - text);
  inside_run(&world, argc, argv);
  free(text);
  return 0;
}
