/* The oracle's random graphs, drawn by the input's bytes. */
#include "fuzz.h"
#include "oracle/compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static graph g;
  static score s;
  static const uint64_t seeds[] = {8, 1, 64, 3}; /* with plans or without; 64 takes a new tape */
  input in = {data, size};
  const uint64_t seed = seeds[take_below(&in, 4)];
  if (!g.tape) g.tape = dz_tape_new(NULL);
  g.draws = in.at;
  g.draw_count = in.left;
  compare_graph(&g, seed, &s, stderr, false);
  if (s.failed) ck_abort_msg("not what it should be");
  return 0;
}
