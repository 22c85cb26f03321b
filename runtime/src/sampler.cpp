//===- sampler.cpp - Choose the next token --------------------------------===//
//
// Compiled with -ffp-contract=off: AArch64 would otherwise fuse what baseline
// x86-64 cannot, and results would differ in the last bit.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace bitnet;

static float orderedLogit(float logit) {
  return std::isnan(logit) ? -std::numeric_limits<float>::infinity() : logit;
}

double bitnet::portableExp(double x) {
  if (!(x > -700)) // also keeps the scale below a normal number
    return 0;
  // x = k ln 2 + r, |r| <= ln 2 / 2. The high part of ln 2 has 32 bits, so
  // that k times it is exact (Cody and Waite; constants of fdlibm e_exp.c).
  double k = std::floor(x * 1.44269504088896338700e+00 + 0.5);
  double r =
      (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  // Taylor series by Horner, coefficients 1/13! .. 1/1!; the next term is below
  // 0.35^14 / 14! = 5e-18.
  static constexpr double coefficients[] = {1.0 / 6227020800,
                                            1.0 / 479001600,
                                            1.0 / 39916800,
                                            1.0 / 3628800,
                                            1.0 / 362880,
                                            1.0 / 40320,
                                            1.0 / 5040,
                                            1.0 / 720,
                                            1.0 / 120,
                                            1.0 / 24,
                                            1.0 / 6,
                                            1.0 / 2,
                                            1.0};
  double sum = 0;
  for (double coefficient : coefficients)
    sum = sum * r + coefficient;
  sum = sum * r + 1;
  // Times 2^k, a normal number: k >= -1010.
  uint64_t bits = uint64_t(int64_t(k) + 1023) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof(scale));
  return sum * scale;
}

Sampler::Sampler(const SamplerOptions &options, uint32_t vocabSize)
    : options(options), vocabSize(vocabSize), state(options.seed) {
  recent.reserve(options.repeatLastN);
}

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, any seed is good.
double Sampler::uniform() {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return double(z >> 11) * 0x1p-53; // 0 <= u < 1
}

void Sampler::accept(int32_t token) {
  if (recent.size() < options.repeatLastN) {
    recent.push_back(token);
  } else if (!recent.empty()) {
    recent[recentNext] = token;
    recentNext = (recentNext + 1) % recent.size();
  }
}

/// A penalty of at least 1 lowers logits: behind the k highest that are left
/// are k + n of the original ones, n being the tokens that it may lower. One
/// below 1 may raise any recent token to the top.
uint32_t Sampler::neededLogits() const {
  uint32_t kept = options.temperature <= 0 ? 1 : options.topK;
  bool penalizes = options.repeatPenalty != 1 && !recent.empty();
  if (kept == 0 || kept >= vocabSize ||
      (penalizes && options.repeatPenalty < 1))
    return 0;
  uint64_t needed = uint64_t(kept) + (penalizes ? recent.size() : 0);
  return needed < vocabSize ? uint32_t(needed) : 0;
}

bool Sampler::better(const Candidate &a, const Candidate &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

/// The largest of `logits`, NaN left out. In eight lanes, because compilers may
/// not reorder comparisons that NaN could take part in.
static float largest(const float *logits, uint32_t count) {
  constexpr uint32_t lanes = 8;
  float best[lanes];
  std::fill_n(best, lanes, -std::numeric_limits<float>::infinity());
  uint32_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (uint32_t lane = 0; lane != lanes; ++lane)
      best[lane] =
          logits[i + lane] > best[lane] ? logits[i + lane] : best[lane];
  for (; i != count; ++i)
    best[0] = logits[i] > best[0] ? logits[i] : best[0];
  return *std::max_element(best, best + lanes);
}

int32_t Sampler::greedy(const float *logits) const {
  float best = largest(logits, vocabSize);
  for (uint32_t token = 0; token != vocabSize; ++token)
    if (logits[token] == best)
      return int32_t(token);
  return 0; // all NaN
}

/// Replaces `logits` by a penalized copy if there is anything to penalize.
void Sampler::penalize(const float *&logits) {
  if (options.repeatPenalty == 1 || recent.empty())
    return;
  penalized.assign(logits, logits + vocabSize);
  for (int32_t token : recent) {
    // From the original: a token that occurs twice is penalized once.
    float logit = logits[token];
    penalized[token] = logit > 0 ? logit / options.repeatPenalty
                                 : logit * options.repeatPenalty;
  }
  logits = penalized.data();
}

/// Fills `candidates` with the topK best of `logits`, best first. A heap of k:
/// nearly every token fails its one comparison with the worst kept. An equal
/// one fails too, as it must: its id is higher.
void Sampler::keepTopK(const float *logits) {
  candidates.clear();
  uint32_t token = 0;
  for (; token != options.topK; ++token)
    candidates.push_back({orderedLogit(logits[token]), int32_t(token)});
  std::make_heap(candidates.begin(), candidates.end(), better);
  for (; token != vocabSize; ++token) {
    if (!(logits[token] > candidates.front().logit))
      continue;
    std::pop_heap(candidates.begin(), candidates.end(), better);
    candidates.back() = {logits[token], int32_t(token)};
    std::push_heap(candidates.begin(), candidates.end(), better);
  }
  std::sort_heap(candidates.begin(), candidates.end(), better);
}

/// Fills `candidates` with all tokens, best first; returns the sum of their
/// weights. Those that min-p will drop anyway are left out, which spares
/// sorting a whole vocabulary.
double Sampler::keepAll(const float *logits) {
  double best = largest(logits, vocabSize), total = 0;
  candidates.clear();
  for (uint32_t token = 0; token != vocabSize; ++token) {
    float logit = orderedLogit(logits[token]);
    double weight = portableExp(logit - best);
    total += weight;
    if (logit == best || weight >= options.minP)
      candidates.push_back({logit, int32_t(token)});
  }
  std::sort(candidates.begin(), candidates.end(), better);
  return total;
}

int32_t Sampler::sample(const float *logits) {
  penalize(logits);
  if (options.temperature <= 0)
    return greedy(logits);
  bool all = options.topK == 0 || options.topK >= vocabSize;
  double total = 0;
  if (all)
    total = keepAll(logits);
  else
    keepTopK(logits);
  double best = candidates.front().logit;
  if (std::isinf(best)) // no differences to speak of
    return candidates.front().token;

  weights.clear();
  for (const Candidate &candidate : candidates) {
    weights.push_back(portableExp(candidate.logit - best));
    if (!all)
      total += weights.back();
  }
  size_t kept = weights.size();
  if (options.topP < 1) {
    double sum = 0;
    for (kept = 0; kept != weights.size();)
      if ((sum += weights[kept++]) >= options.topP * total)
        break;
  }
  // The best has weight 1, so a weight is the share of the best.
  while (kept > 1 && weights[kept - 1] < options.minP)
    --kept;

  total = 0;
  for (size_t i = 0; i != kept; ++i) {
    weights[i] =
        portableExp((candidates[i].logit - best) / options.temperature);
    total += weights[i];
  }
  double rest = uniform() * total;
  for (size_t i = 0; i != kept; ++i)
    if ((rest -= weights[i]) < 0)
      return candidates[i].token;
  return candidates[kept - 1].token; // rounding used up `rest`
}
