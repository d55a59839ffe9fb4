#include "base/philox.h"

enum { ROUNDS = 10 };

/* Multipliers and key steps of the paper. */
#define M0 UINT64_C(0xd2511f53)
#define M1 UINT64_C(0xcd9e8d57)
#define W0 UINT32_C(0x9e3779b9)
#define W1 UINT32_C(0xbb67ae85)

dz__philox dz__philox_block(dz__philox x, uint32_t k0, uint32_t k1) {
  for (int i = 0; i < ROUNDS; i++, k0 += W0, k1 += W1) {
    uint64_t a = M0 * x.word[0], b = M1 * x.word[2];
    x = (dz__philox){{(uint32_t)(b >> 32) ^ x.word[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ x.word[3] ^ k1,
                      (uint32_t)a}};
  }
  return x;
}

static double unit(uint32_t high, uint32_t low) {
  return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53;
}

void dz__philox_fill(uint64_t seed, uint64_t first, double *x, size_t n) {
  for (size_t i = 0; i < n;) {
    const uint64_t number = (first + i) / 2;
    dz__philox block = dz__philox_block((dz__philox){{(uint32_t)number, (uint32_t)(number >> 32), 0, 0}},
                                        (uint32_t)seed, (uint32_t)(seed >> 32));
    if ((first + i) % 2 == 0) x[i++] = unit(block.word[0], block.word[1]);
    if (i < n) x[i++] = unit(block.word[2], block.word[3]);
  }
}
