//===- sampler.h - Choose the next token ----------------------------------===//
//
// The one piece of arithmetic in the runtime. The same logits, options and seed
// give the same tokens on every machine: own random numbers, own exponential,
// and ties go to the lowest token id.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_SAMPLER_H
#define BITNET_SRC_SAMPLER_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitnet {

/// Defaults are those of llama.cpp, so that outputs compare.
struct SamplerOptions {
  float temperature = 0.8f;   // 0: the most likely token
  uint32_t topK = 40;         // keep the K best; 0: all
  float topP = 0.95f;         // keep the best that sum to this; 1: all
  float minP = 0.05f;         // drop below this share of the best; 0: none
  float repeatPenalty = 1.0f; // divide positive, multiply negative logits
  uint32_t repeatLastN = 64;  // of the tokens among the last N
  uint64_t seed = 0;
};

class Sampler {
public:
  Sampler(const SamplerOptions &options, uint32_t vocabSize);

  /// Chooses from `logits[vocabSize]`: penalty, top-k, top-p, min-p,
  /// temperature, in this order. NaN counts as minus infinity.
  int32_t sample(const float *logits);

  /// How many of the highest logits the next sample() looks at, 0: all. It
  /// chooses the same token if the others are -inf.
  uint32_t neededLogits() const;

  /// Tells the penalty that `token` is now part of the text.
  void accept(int32_t token);

private:
  struct Candidate {
    float logit;
    int32_t token;
  };
  static bool better(const Candidate &a, const Candidate &b);
  int32_t greedy(const float *logits) const;
  void penalize(const float *&logits);
  void keepTopK(const float *logits);
  double keepAll(const float *logits);
  double uniform();

  SamplerOptions options;
  uint32_t vocabSize;
  uint64_t state;
  std::vector<int32_t> recent; // ring of the last repeatLastN tokens
  size_t recentNext = 0;
  std::vector<float> penalized;
  std::vector<Candidate> candidates; // best first
  std::vector<double> weights;
};

/// exp(x) for x <= 0, relative error below 1e-15, from additions and
/// multiplications only: libm's differs between CPUs in the last bit.
double portableExp(double x);

} // namespace bitnet

#endif // BITNET_SRC_SAMPLER_H
