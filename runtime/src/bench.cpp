//===- bench.cpp - Speed of reading and of generating ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bench.h"

#include "generate.h"
#include "interrupt.h"

#include <algorithm>
#include <cinttypes>
#include <limits>
#include <vector>

using namespace bitnet;

/// One line: what, median and extremes of `rates` (tokens per second).
static Error printRates(const char *what, uint32_t tokens,
                        std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  size_t n = rates.size();
  double median = (rates[(n - 1) / 2] + rates[n / 2]) / 2;
  char line[160];
  snprintf(line, sizeof(line),
           "%s: %u tokens, %.2f tokens/s (%zu runs, %.2f to %.2f)\n", what,
           tokens, median, n, rates.front(), rates.back());
  return writeOut(line);
}

/// The logits that a screened head has computed.
static uint64_t countFinite(const float *logits, uint32_t count) {
  return count - uint64_t(std::count(logits, logits + count,
                                     -std::numeric_limits<float>::infinity()));
}

Error bitnet::bench(Session &session, uint32_t prompt, uint32_t predict,
                    uint32_t runs) {
  // Any ids do; a small linear congruential generator (Numerical Recipes).
  std::vector<int32_t> tokens(size_t(prompt) + predict);
  uint32_t state = 1;
  for (int32_t &token : tokens) {
    state = state * 1664525u + 1013904223u;
    token = int32_t((uint64_t(state) * session.vocabSize()) >> 32);
  }
  std::vector<double> prefill, decode;
  uint64_t left = 0, screened = 0;
  for (uint32_t run = 0; run <= runs; ++run) {
    // The unmeasured run faults the weights in and wakes the threads: one
    // batch and one step touch everything.
    bool warmUp = run == 0;
    uint32_t reads =
        warmUp ? std::min(prompt, session.model().max_batch) : prompt;
    uint32_t steps = warmUp ? std::min(predict, 1u) : predict;
    session.rewind(0);
    double start = seconds();
    if (Error error = session.eval(tokens.data(), reads, interrupted))
      return error;
    double middle = seconds();
    for (uint32_t i = 0; i != steps && !interrupted(); ++i)
      if (Error error = session.eval(&tokens[prompt + i], 1, /*stop=*/nullptr,
                                     /*top=*/1))
        return error;
    double end = seconds();
    if (steps && session.model().decode_top) {
      left += countFinite(session.logits(), session.vocabSize());
      ++screened;
    }
    if (interrupted())
      return Error();
    if (warmUp)
      continue;
    prefill.push_back(reads / (middle - start));
    decode.push_back(steps / (end - middle));
  }
  if (Error error = printRates("prefill", prompt, prefill))
    return error;
  if (predict)
    if (Error error = printRates("decode", predict, decode))
      return error;
  if (!screened)
    return Error();
  char line[160];
  snprintf(line, sizeof(line),
           "head: %.1f of %u rows computed after screening (mean of %" PRIu64
           " steps)\n",
           double(left) / double(screened), session.vocabSize(), screened);
  return writeOut(line);
}
