//===- perplexity.h - How well a model predicts a text --------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_PERPLEXITY_H
#define BITNET_SRC_PERPLEXITY_H

#include "error.h"
#include "session.h"

#include <cstdint>
#include <vector>

namespace bitnet {

struct Perplexity {
  double negativeLogLikelihood = 0; // natural logarithm, summed
  uint64_t predicted = 0;           // tokens that were predicted
  uint64_t windows = 0;
  /// exp of the mean; 1 for a perfect model, the vocabulary's size for none.
  double value() const;
};

/// Cuts `tokens` into windows of `window` tokens, the last one shorter, and
/// puts `bos` (none if negative) before each. Each window starts with an empty
/// context; in it every token but the first is predicted from those before.
/// Ctrl-C ends it after the window in work. Fails if nothing can be predicted
/// or a window does not fit into the context.
Error measurePerplexity(Session &session, const std::vector<int32_t> &tokens,
                        int32_t bos, uint32_t window, Perplexity &result);

/// -log softmax(logits)[token] in double precision.
double negativeLogLikelihood(const float *logits, uint32_t vocabSize,
                             int32_t token);

} // namespace bitnet

#endif // BITNET_SRC_PERPLEXITY_H
