/* What a shuffle draws. */
#ifndef DZ_LEARN_SHUFFLE_H
#define DZ_LEARN_SHUFFLE_H

#include <stdint.h>

/* A number below n, each as likely: draws that fall into the incomplete last stretch of the 64-bit numbers
   are passed over. *at counts the draws. */
uint64_t dz__below(uint64_t n, uint64_t stream, uint64_t *at);

#endif
