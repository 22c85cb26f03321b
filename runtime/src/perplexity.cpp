//===- perplexity.cpp - How well a model predicts a text ------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "perplexity.h"

#include "interrupt.h"

#include <algorithm>
#include <cmath>

using namespace bitnet;

double Perplexity::value() const {
  return std::exp(negativeLogLikelihood / double(predicted));
}

double bitnet::negativeLogLikelihood(const float *logits, uint32_t vocabSize,
                                     int32_t token) {
  double best = *std::max_element(logits, logits + vocabSize);
  double sum = 0;
  for (uint32_t i = 0; i != vocabSize; ++i)
    sum += std::exp(double(logits[i]) - best);
  return std::log(sum) + best - double(logits[token]);
}

Error bitnet::measurePerplexity(Session &session,
                                const std::vector<int32_t> &tokens, int32_t bos,
                                uint32_t window, Perplexity &result) {
  if (Error error = session.checkTokens(tokens.data(), tokens.size(), "text"))
    return error;
  for (size_t start = 0; start < tokens.size() && !interrupted();
       start += window) {
    size_t end = std::min(tokens.size(), start + window);
    std::vector<int32_t> ids(tokens.begin() + start, tokens.begin() + end);
    if (bos >= 0)
      ids.insert(ids.begin(), bos);
    if (ids.size() < 2)
      continue;
    session.rewind(0);
    size_t row = 0;
    auto sink = [&](const float *logits, uint32_t rows) {
      for (uint32_t i = 0; i != rows; ++i)
        result.negativeLogLikelihood +=
            negativeLogLikelihood(logits + size_t(i) * session.vocabSize(),
                                  session.vocabSize(), ids[++row]);
      return Error();
    };
    // Nothing is predicted from the last token.
    if (Error error = session.evalAll(ids.data(), ids.size() - 1, sink))
      return error;
    result.predicted += ids.size() - 1;
    ++result.windows;
  }
  if (!result.predicted && !interrupted())
    return Error::make("perplexity: expected a text of at least 2 tokens, but "
                       "got %zu",
                       tokens.size());
  return Error();
}
