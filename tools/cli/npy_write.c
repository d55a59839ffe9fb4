#include "buffer.h"
#include "tensor.h"

#include <stdint.h>
#include <string.h>

/* "\x93NUMPY", the version, the header's length and the header, padded so that the data are aligned. */
enum { START = 10, ALIGNED = 64 };

static void add_header(buffer *b, const tensor *v) {
  buffer text = {0};
  buffer_text(&text, "{'descr': '<f8', 'fortran_order': False, 'shape': (");
  for (int k = 0; k < v->rank; k++) {
    buffer_whole(&text, v->dims[k]);
    buffer_text(&text, k + 1 < v->rank ? ", " : v->rank == 1 ? "," : "");
  }
  buffer_text(&text, "), }");
  buffer_pad(&text, ALIGNED - 1 - (START + text.size) % ALIGNED);
  buffer_text(&text, "\n");
  const char size[2] = {(char)(text.size & 0xff), (char)(text.size >> 8)};
  buffer_add(b, "\x93NUMPY\1\0", 8);
  buffer_add(b, size, sizeof size);
  buffer_add(b, text.text, text.size);
  buffer_free(&text);
}

buffer npy_write(const tensor *v) {
  buffer b = {0};
  add_header(&b, v);
  buffer_doubles(&b, v->data, v->count);
  return b;
}
