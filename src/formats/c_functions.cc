// The functions that every exported file carries, in C99. No loop here is one that a compiler may turn into a call of
// memset or memcpy, which a freestanding program need not have.
#include "formats/c_text.h"

namespace sluice {

const std::string_view c_exp = R"(
/* e^x, x clamped to [-87, 88]: x = n ln 2 + r (Cody & Waite), a polynomial for e^r, n put into the exponent. */
static float @_exp(float x) {
  union {
    float f;
    int32_t i;
  } y;
  float t, m, r, p;
  int32_t n;
  if (x != x) return x;
  x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  t = x * 1.44269504f;
  n = (int32_t)(t < 0.0f ? t - 0.5f : t + 0.5f);
  m = (float)n;
  r = (x - m * 0.693359375f) + m * 2.12194440e-4f;
  p = 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  y.f = p;
  y.i += n * 8388608;
  return y.f;
}
)";

const std::string_view c_sigmoid = R"(
static float @_sigmoid(float x) { return 1.0f / (1.0f + @_exp(-x)); }
)";

const std::string_view c_tanh = R"(
/* x P(x^2) / Q(x^2). */
static float @_tanh(float x) {
  float u, p, q;
  x = x < -8.6f ? -8.6f : x > 8.6f ? 8.6f : x;
  u = x * x;
  p = 1.408240802e-08f * u + 2.112233150e-05f;
  p = p * u + 3.526398363e-03f;
  p = p * u + 1.340687254e-01f;
  p = (p * u + 9.999999867e-01f) * x;
  q = 8.070609677e-07f * u + 3.336265111e-04f;
  q = q * u + 2.599388753e-02f;
  q = q * u + 4.674019408e-01f;
  q = q * u + 1.0f;
  p = p / q;
  return p < -1.0f ? -1.0f : p > 1.0f ? 1.0f : p;
}
)";

const std::string_view c_relu = R"(
static float @_relu(float x) { return x < 0.0f ? 0.0f : x; }
)";

const std::string_view c_product_f32 = R"(
/* y[r] = start[r] + w[r] . x for `rows` rows of `count` weights; start may be y. Four rows at a time read x once. */
static void @_product(const float *w, const float *x, size_t count, size_t rows, const float *start, float *y) {
  size_t r, k;
  for (r = rows / 4; r > 0; --r, w += 4 * count, start += 4, y += 4) {
    const float *w0 = w, *w1 = w0 + count, *w2 = w1 + count, *w3 = w2 + count;
    float s0 = start[0], s1 = start[1], s2 = start[2], s3 = start[3];
    for (k = 0; k < count; ++k) {
      const float xk = x[k];
      s0 += *w0++ * xk;
      s1 += *w1++ * xk;
      s2 += *w2++ * xk;
      s3 += *w3++ * xk;
    }
    y[0] = s0;
    y[1] = s1;
    y[2] = s2;
    y[3] = s3;
  }
  for (r = rows % 4; r > 0; --r, w += count) {
    float s = *start++;
    for (k = 0; k < count; ++k) s += w[k] * x[k];
    *y++ = s;
  }
}
)";

// Inputs have 16 bits where weights have 8: on the cores this is for, a product of the two costs what one of 8 by 8
// does (SMLAD multiplies halves of words, and a core without it multiplies words), and what h loses is no longer seen.
const std::string_view c_product_int8 = R"(
/* x as whole numbers q and the scale that gives x back. The largest magnitude at hand becomes 32767, or what `count`
   products with 127 leave room for in 31 bits. A NaN or an infinity makes the scale a NaN, so that it is not lost. */
static float @_quantize(const float *x, size_t count, int16_t *q) {
  const uint32_t room = 2147483647u / 127u / (uint32_t)count;
  const float top = room > 32767u ? 32767.0f : (float)room;
  float most = 0.0f, taint = 0.0f, up;
  size_t k;
  for (k = 0; k < count; ++k) {
    const float size = x[k] < 0.0f ? -x[k] : x[k];
    if (size > most) most = size;
    taint += x[k] * 0.0f;
  }
  up = most > 1e-30f ? top / most : 0.0f;
  for (k = 0; k < count; ++k) {
    const float v = x[k] * up;
    q[k] = (int16_t)(v >= top ? top : v > -top ? (v < 0.0f ? v - 0.5f : v + 0.5f) : -top);
  }
  return most / top + taint;
}

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)
#include <arm_acle.h>
#define @@_DSP
/* sum + w[0] x[0] + ... + w[3] x[3] in two instructions, x02 and x13 holding pairs of x. The same sum as below. */
static int32_t @_four(const int8_t *w, int32_t x02, int32_t x13, int32_t sum) {
  uint32_t word;
  __builtin_memcpy(&word, w, 4); /* one load, which this core does at any address */
  sum = __smlad(__sxtb16((int32_t)word), x02, sum);
  return __smlad(__sxtb16((int32_t)(word >> 8)), x13, sum);
}
#endif

/* y[r] = start[r] + (w[r] . x) w_scale[r] x_scale for `rows` rows of `count` weights, summed in whole numbers; start may
   be y. Four rows at a time read x once. */
static void @_product(const int8_t *w, const float *w_scale, const int16_t *x, float x_scale, size_t count, size_t rows,
                      const float *start, float *y) {
  size_t r, k;
  for (r = rows / 4; r > 0; --r, w += 4 * count, w_scale += 4, start += 4, y += 4) {
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const int8_t *p = w;
    const int16_t *q = x;
    k = count;
#ifdef @@_DSP
    for (; k >= 4; k -= 4, p += 4, q += 4) {
      const int32_t x02 = (int32_t)((uint16_t)q[0] | (uint32_t)(uint16_t)q[2] << 16);
      const int32_t x13 = (int32_t)((uint16_t)q[1] | (uint32_t)(uint16_t)q[3] << 16);
      s0 = @_four(p, x02, x13, s0);
      s1 = @_four(p + count, x02, x13, s1);
      s2 = @_four(p + 2 * count, x02, x13, s2);
      s3 = @_four(p + 3 * count, x02, x13, s3);
    }
#endif
    for (; k > 0; --k, ++p, ++q) {
      const int32_t xk = *q;
      s0 += p[0] * xk;
      s1 += p[count] * xk;
      s2 += p[2 * count] * xk;
      s3 += p[3 * count] * xk;
    }
    y[0] = start[0] + (float)s0 * (w_scale[0] * x_scale);
    y[1] = start[1] + (float)s1 * (w_scale[1] * x_scale);
    y[2] = start[2] + (float)s2 * (w_scale[2] * x_scale);
    y[3] = start[3] + (float)s3 * (w_scale[3] * x_scale);
  }
  for (r = rows % 4; r > 0; --r, w += count) {
    int32_t s = 0;
    for (k = 0; k < count; ++k) s += (int32_t)w[k] * x[k];
    *y++ = *start++ + (float)s * (*w_scale++ * x_scale);
  }
}
)";

const std::string_view c_softmax = R"(
void @_softmax(float *y) {
  float most = y[0], sum = 0.0f;
  size_t i;
  for (i = 1; i < @@_OUTPUTS; ++i) {
    if (y[i] > most) most = y[i];
  }
  for (i = 0; i < @@_OUTPUTS; ++i) {
    y[i] = @_exp(y[i] - most);
    sum += y[i];
  }
  for (i = 0; i < @@_OUTPUTS; ++i) y[i] /= sum;
}
)";

}  // namespace sluice
