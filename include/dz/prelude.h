/* Composites: statistics, softmax, losses, layers. They are written in dz's own language
   (src/derive/prelude.dz), and these functions record exactly the nodes that the language records for the
   same call.

   One contract for all of them. Operands are tensors of rank 0 to 8 that broadcast as NumPy's; axes count
   from 0, negative ones from the last, DZ_ALL means all of them. In C, a plain number may stand for an
   operand; elsewhere wrap it in dz_num. At least one operand must be a node. Results belong to the operands'
   tape. An operand that is invalid, stale or of another tape gives an invalid result, and the tape keeps the
   first error with the call's file and line (DZ_ERR_HANDLE, DZ_ERR_SHAPE, DZ_ERR_ARGUMENT for an axis out of
   range, DZ_ERR_MEMORY, DZ_ERR_LIMIT). Cost: a handful of nodes, each linear in its elements; the first call
   on a tape also reads the prelude, some 20 microseconds, and keeps it with the tape. */
#ifndef DZ_PRELUDE_H
#define DZ_PRELUDE_H

#include "dz/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- statistics over one axis or DZ_ALL; with keepdims the axis stays, with extent 1 ---- */

/* (1/n) sum x_i. Of no elements: DZ_ERR_SHAPE. */
DZ_API dz_var dz_mean(dz_var x, int axis, bool keepdims);
/* sum (x_i - mean)^2 / (n - ddof). n - ddof must be positive: DZ_ERR_SHAPE otherwise. */
DZ_API dz_var dz_variance(dz_var x, int axis, bool keepdims, int ddof);
/* The root of the variance, scaled against overflow; 0 with gradient 0 when all x_i are equal. */
DZ_API dz_var dz_std(dz_var x, int axis, bool keepdims, int ddof);

/* ---- along one axis: the result has x's shape ---- */

/* e^x_i / sum_j e^x_j, shifted by the largest x. */
DZ_API dz_var dz_softmax(dz_var x, int axis);
/* ln softmax(x), accurate where softmax underflows. */
DZ_API dz_var dz_log_softmax(dz_var x, int axis);

/* ---- losses ---- */

/* Mean of (y - t)^2 over all elements. */
DZ_API dz_var dz_mse(dz_var y, dz_var t);
/* Mean over rows of -sum_k t_k ln softmax(logits)_k, classes along `axis` (-1 usually). t holds probabilities
   in the shape of the logits, or class numbers 0, 1, … in a shape without that axis (rank one less); a number
   that is no class gives NaN. Gradient at the logits: (softmax(logits) - t) / rows. */
DZ_API dz_var dz_cross_entropy(dz_var logits, dz_var t, int axis);
/* max(0, 1 - y s), element by element: label y (-1 or 1), output s. Slope 0 at the kink. */
DZ_API dz_var dz_hinge(dz_var y, dz_var s);
/* max(0, -y s), element by element. */
DZ_API dz_var dz_perceptron(dz_var y, dz_var s);

/* ---- layers ---- */

/* x w + b: one row per sample, one column per unit. */
DZ_API dz_var dz_linear(dz_var x, dz_var w, dz_var b);
/* Two layers with relu between them: linear(relu(linear(x, w1, b1)), w2, b2). */
DZ_API dz_var dz_mlp(dz_var x, dz_var w1, dz_var b1, dz_var w2, dz_var b2);
/* (x - mean) / sqrt(variance + eps) along the axis, times gain, plus shift. */
DZ_API dz_var dz_layer_norm(dz_var x, dz_var gain, dz_var shift, int axis, double eps);
/* The same over the samples: of each column of x [samples, units], or each channel of images [samples,
   channels, height, width]; gain and shift are numbers, or hold one per unit or channel. The batch's own mean
   and variance, always. */
DZ_API dz_var dz_batch_norm(dz_var x, dz_var gain, dz_var shift, double eps);
/* 0 where dz_noise(x, seed) < rate, else x / (1 - rate): for training, with another seed in every step. The
   gradient goes the same way. */
DZ_API dz_var dz_dropout(dz_var x, double rate, dz_var seed);
/* The convolution (as networks have it: the filter is not turned) of images x [samples, channels, height,
   width] with w [filters, channels, rows, columns], a place every `stride` (>= 1), `pad` (>= 0) zeros around:
   [samples, filters, (height + 2 pad - rows) / stride + 1, (width + 2 pad - columns) / stride + 1].
   DZ_ERR_SHAPE where a filter is larger than the image or the channels differ. Cost: the patches are copied,
   rows columns times x's size; plans of whole tensors lay out only a few at a time, and take memory linear in
   x and the result. */
DZ_API dz_var dz_conv2d(dz_var x, dz_var w, int stride, int pad);
/* The largest, or the mean, of each square of `size` rows and columns, one every `stride` places; stride 0:
   side by side. What does not fill a square at the right and below is left out; DZ_ERR_SHAPE where no square
   fits. Equal largest ones share the gradient. Plans of whole tensors copy nothing for it. */
DZ_API dz_var dz_max_pool(dz_var x, int size, int stride);
DZ_API dz_var dz_avg_pool(dz_var x, int size, int stride);
/* softmax(q k^T / sqrt(length)) v of matrices, or of a batch of them (rank 3). */
DZ_API dz_var dz_attention(dz_var q, dz_var k, dz_var v);
/* The next state of a gated recurrent unit: x [samples, inputs], h [samples, units]; w [3, inputs + units,
   units] and b [3, units] are the gates keep, reset, and the proposal. h' = keep h + (1 - keep) tanh(...). */
DZ_API dz_var dz_gru(dz_var x, dz_var h, dz_var w, dz_var b);
/* The next state of a long short-term memory: s and the result are [2, samples, units], output and memory;
   w [4, inputs + units, units] and b [4, units] are the gates in, keep, the proposal, and the gate out. */
DZ_API dz_var dz_lstm(dz_var x, dz_var s, dz_var w, dz_var b);
/* Through turns, a loop of C does what unroll(gru, X, h, w, b) does in the language:
       for (int k = 0; k < turns; k++) h = dz_gru(x[k], h, w, b); */

/* ---- elementwise ---- */

/* x held between -1 and 1; slope 0 at the ends and beyond. */
DZ_API dz_var dz_hard_tanh(dz_var x);
/* ln x / ln b: the logarithm of x to the base b. */
DZ_API dz_var dz_log_base(dz_var b, dz_var x);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#define dz_mean(x, axis, keepdims) DZ__HERE(dz_mean(DZ__V(x), axis, keepdims))
#define dz_variance(x, axis, keepdims, ddof) DZ__HERE(dz_variance(DZ__V(x), axis, keepdims, ddof))
#define dz_std(x, axis, keepdims, ddof) DZ__HERE(dz_std(DZ__V(x), axis, keepdims, ddof))
#define dz_softmax(x, axis) DZ__HERE(dz_softmax(DZ__V(x), axis))
#define dz_log_softmax(x, axis) DZ__HERE(dz_log_softmax(DZ__V(x), axis))
#define dz_mse(y, t) DZ__HERE(dz_mse(DZ__V(y), DZ__V(t)))
#define dz_cross_entropy(logits, t, axis) DZ__HERE(dz_cross_entropy(DZ__V(logits), DZ__V(t), axis))
#define dz_hinge(y, s) DZ__HERE(dz_hinge(DZ__V(y), DZ__V(s)))
#define dz_perceptron(y, s) DZ__HERE(dz_perceptron(DZ__V(y), DZ__V(s)))
#define dz_linear(x, w, b) DZ__HERE(dz_linear(DZ__V(x), DZ__V(w), DZ__V(b)))
#define dz_mlp(x, w1, b1, w2, b2) DZ__HERE(dz_mlp(DZ__V(x), DZ__V(w1), DZ__V(b1), DZ__V(w2), DZ__V(b2)))
#define dz_layer_norm(x, gain, shift, axis, eps)                                                             \
  DZ__HERE(dz_layer_norm(DZ__V(x), DZ__V(gain), DZ__V(shift), axis, eps))
#define dz_batch_norm(x, gain, shift, eps) DZ__HERE(dz_batch_norm(DZ__V(x), DZ__V(gain), DZ__V(shift), eps))
#define dz_dropout(x, rate, seed) DZ__HERE(dz_dropout(DZ__V(x), rate, DZ__V(seed)))
#define dz_conv2d(x, w, stride, pad) DZ__HERE(dz_conv2d(DZ__V(x), DZ__V(w), stride, pad))
#define dz_max_pool(x, size, stride) DZ__HERE(dz_max_pool(DZ__V(x), size, stride))
#define dz_avg_pool(x, size, stride) DZ__HERE(dz_avg_pool(DZ__V(x), size, stride))
#define dz_attention(q, k, v) DZ__HERE(dz_attention(DZ__V(q), DZ__V(k), DZ__V(v)))
#define dz_gru(x, h, w, b) DZ__HERE(dz_gru(DZ__V(x), DZ__V(h), DZ__V(w), DZ__V(b)))
#define dz_lstm(x, s, w, b) DZ__HERE(dz_lstm(DZ__V(x), DZ__V(s), DZ__V(w), DZ__V(b)))
#define dz_hard_tanh(x) DZ__HERE(dz_hard_tanh(DZ__V(x)))
#define dz_log_base(b, x) DZ__HERE(dz_log_base(DZ__V(b), DZ__V(x)))
#endif
#endif
