//===- Formulas.cpp - The formulas of a ternary decoder, one by one -------===//
//
// See Formulas.h for the formulas and for the rule of precision: values are
// floats, sums are doubles.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Reference/Formulas.h"
#include <algorithm>
#include <cassert>
#include <cmath>

using namespace llvm;

namespace bitnetc::reference {

/// The smallest max|x| that activation quantization divides by; it keeps the
/// scale of an all-zero token finite (transformers integrations/bitnet.py,
/// `activation_quant`).
static constexpr float minAbsMax = 1e-5f;

static double dot(const float *a, const float *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i)
    sum += double(a[i]) * b[i];
  return sum;
}

void rmsNorm(ArrayRef<float> x, ArrayRef<float> gain, double eps,
             MutableArrayRef<float> y) {
  assert(x.size() == gain.size() && x.size() == y.size());
  double meanSquare = dot(x.data(), x.data(), x.size()) / x.size();
  float inverse = 1 / std::sqrt(meanSquare + eps);
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = gain[i] * (x[i] * inverse);
}

float quantizeToken(ArrayRef<float> x, MutableArrayRef<int8_t> q) {
  float absMax = minAbsMax;
  for (float value : x)
    absMax = std::max(absMax, std::fabs(value));
  float s = 127 / absMax;
  // nearbyint rounds halves to even in the default rounding mode. -128 cannot
  // occur as |x * s| <= 127 up to one rounding; the clamp is the formula's.
  for (size_t i = 0; i < x.size(); ++i)
    q[i] = std::clamp(std::nearbyint(x[i] * s), -128.0f, 127.0f);
  return s;
}

void matmulTernary(ArrayRef<int8_t> q, ArrayRef<int8_t> t, int64_t rows,
                   int64_t outputs, int64_t k, MutableArrayRef<int32_t> acc) {
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t n = 0; n < outputs; ++n) {
      const int8_t *qRow = q.data() + m * k, *tRow = t.data() + n * k;
      int32_t sum = 0;
      for (int64_t i = 0; i < k; ++i)
        sum += qRow[i] * tRow[i];
      acc[m * outputs + n] = sum;
    }
  }
}

float rescale(int32_t acc, float s, float scale) {
  return double(acc) / s * scale;
}

/// Llama-3's rule: keeps high frequencies, divides low ones by `factor` and
/// blends in between (transformers `_compute_llama3_parameters`).
static float scaleLlama3(float frequency, const RopeScaling &scaling) {
  double context = scaling.originalContext;
  float wavelength = 2 * M_PI / frequency;
  if (wavelength < context / scaling.highFreqFactor)
    return frequency;
  if (wavelength > context / scaling.lowFreqFactor)
    return frequency / scaling.factor;
  float smooth = (context / wavelength - scaling.lowFreqFactor) /
                 (scaling.highFreqFactor - scaling.lowFreqFactor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

std::vector<float> ropeFrequencies(int64_t headDim, double theta,
                                   const RopeScaling &scaling) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < headDim; i += 2) {
    // The exponent and the power are floats in the model, too.
    float power = std::pow(theta, double(float(i) / float(headDim)));
    float frequency = 1 / power;
    if (scaling.kind == RopeScaling::Linear)
      frequency /= scaling.factor;
    else if (scaling.kind == RopeScaling::Llama3)
      frequency = scaleLlama3(frequency, scaling);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

void applyRope(MutableArrayRef<float> head, ArrayRef<float> frequencies,
               int64_t position) {
  size_t half = head.size() / 2;
  assert(frequencies.size() == half && "one frequency per pair");
  for (size_t i = 0; i < half; ++i) {
    // The angle is a float: at position 4000 its last bit is worth 2e-4, which
    // a more exact product would not share with the trained model.
    float angle = float(position) * frequencies[i];
    float cosine = std::cos(double(angle)), sine = std::sin(double(angle));
    float a = head[i], b = head[i + half];
    head[i] = a * cosine - b * sine;
    head[i + half] = b * cosine + a * sine;
  }
}

void softmax(MutableArrayRef<float> x) {
  float largest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (float &value : x) {
    value = std::exp(double(value) - largest);
    sum += value;
  }
  for (float &value : x)
    value = value / sum;
}

float activate(Activation activation, float x) {
  switch (activation) {
  case Activation::SiLU:
    return x / (1 + std::exp(-double(x)));
  case Activation::ReLU2:
    return x > 0 ? x * x : 0;
  }
  llvm_unreachable("every activation is listed");
}

void attendHead(ArrayRef<float> query, const float *keys, const float *values,
                int64_t positions, int64_t stride, MutableArrayRef<float> out) {
  double scale = 1 / std::sqrt(double(query.size()));
  std::vector<float> weights(positions);
  for (int64_t p = 0; p < positions; ++p)
    weights[p] = dot(query.data(), keys + p * stride, query.size()) * scale;
  softmax(weights);
  for (size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (int64_t p = 0; p < positions; ++p)
      sum += double(weights[p]) * values[p * stride + i];
    out[i] = sum;
  }
}

} // namespace bitnetc::reference
