/* Any bytes as a table, .npy, .npz, IDX or safetensors: read, or refused in one line with status 3. */
#include "inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const lines[][6] = {
      {"x", "x=@f.csv"},
      {"x", "x=@f.csv:a,b"},
      {"x", "x=@f.npy", "--json"},
      {"x", "x=@-"},
      {"predict", "param w\nparam v[2]\ndata X\nX*w+sum(v)", "--params", "f.safetensors", "X=1"},
      {"predict", "param w\nparam v[2]\ndata X\nX*w+sum(v)", "--params", "f.npz", "X=1"},
      {"train", "param w[2] ~ zeros\ndata X\ndata T\nmse(X @ w, T)", "--data", "f.csv", "--epochs=1"},
      {"x", "x=@f.idx"},
  };
  input in = {data, size};
  inside world = {.memory = take_failing(&in)};
  const char *const *line = lines[take_below(&in, 8)];
  char *text[8] = {(char[]){"dz"}};
  int argc = 1;
  world.memory.most = (size_t)32 << 20;
  world.file = (const char *)in.at;
  world.size = in.left;
  for (int i = 0; i < 6 && line[i]; i++) text[argc++] = strdup(line[i]);
  inside_run(&world, argc, text);
  for (int i = 1; i < argc; i++) free(text[i]);
  return 0;
}
