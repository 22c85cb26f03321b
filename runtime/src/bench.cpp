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

/// Sorts them.
static double median(std::vector<double> &values) {
  std::sort(values.begin(), values.end());
  size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/// One line: what, median and extremes of `rates` (tokens per second).
static Error printRates(const char *what, uint32_t tokens,
                        std::vector<double> rates) {
  double middle = median(rates);
  size_t n = rates.size();
  char line[160];
  snprintf(line, sizeof(line),
           "%s: %u tokens, %.2f tokens/s (%zu runs, %.2f to %.2f)\n", what,
           tokens, middle, n, rates.front(), rates.back());
  return writeOut(line);
}

/// The logits that a screened head has computed.
static uint64_t countFinite(const float *logits, uint32_t count) {
  return count - uint64_t(std::count(logits, logits + count,
                                     -std::numeric_limits<float>::infinity()));
}

/// Takes all sequences back to `position`, or what they have.
static void rewindAll(Session &session, uint32_t position) {
  for (uint32_t s = 0; s != session.sequences(); ++s) {
    session.use(s);
    session.rewind(std::min(session.position(), position));
  }
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
  std::vector<double> prefill, decode, together, ratios;
  uint32_t sequences = session.sequences();
  // What the other sequences have read is kept for all runs.
  for (uint32_t s = 1; s != sequences; ++s) {
    session.use(s);
    if (Error error = session.eval(tokens.data(), prompt, interrupted))
      return error;
  }
  std::vector<Session::Next> next(sequences);
  uint64_t left = 0, screened = 0;
  for (uint32_t run = 0; run <= runs; ++run) {
    // The unmeasured run faults the weights in and wakes the threads: one
    // batch and one step touch everything.
    bool warmUp = run == 0;
    uint32_t reads =
        warmUp ? std::min(prompt, session.model().max_batch) : prompt;
    uint32_t steps = warmUp ? std::min(predict, 1u) : predict;
    session.use(0);
    session.rewind(0);
    double start = seconds();
    if (Error error =
            session.eval(tokens.data(), reads, interrupted, /*top=*/1))
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
    rewindAll(session, prompt);
    double again = seconds();
    for (uint32_t i = 0; sequences > 1 && i != steps && !interrupted(); ++i) {
      for (uint32_t s = 0; s != sequences; ++s)
        next[s] = {s, tokens[(prompt + i + s) % tokens.size()]};
      if (Error error = session.evalEach(next.data(), sequences, /*top=*/1))
        return error;
    }
    double last = seconds();
    if (interrupted())
      return Error();
    if (warmUp)
      continue;
    prefill.push_back(reads / (middle - start));
    decode.push_back(steps / (end - middle));
    together.push_back(steps * sequences / (last - again));
    ratios.push_back((last - again) / (end - middle));
  }
  if (Error error = printRates("prefill", prompt, prefill))
    return error;
  if (predict)
    if (Error error = printRates("decode", predict, decode))
      return error;
  if (predict && sequences > 1) {
    std::string what = "decode of " + std::to_string(sequences) + " sequences";
    if (Error error = printRates(what.c_str(), predict * sequences, together))
      return error;
    char line[160];
    snprintf(line, sizeof(line),
             "step of %u sequences: %.3f times the time of one\n", sequences,
             median(ratios));
    if (Error error = writeOut(line))
      return error;
  }
  if (!screened)
    return Error();
  char line[160];
  snprintf(line, sizeof(line),
           "head: %.1f of %u rows computed after screening (mean of %" PRIu64
           " steps)\n",
           double(left) / double(screened), session.vocabSize(), screened);
  return writeOut(line);
}
