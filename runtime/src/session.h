//===- session.h - One text in progress on a compiled model ---------------===//
//
// Owns what a model needs to run: threads, activations, key-value cache and
// logits; keeps the position. Everything that runs tokens goes through here.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_SESSION_H
#define BITNET_SRC_SESSION_H

#include "bitnet/abi.h"
#include "error.h"
#include "team.h"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace bitnet {

/// Pages of zeros straight from the kernel, given back at the end.
class Pages {
public:
  Pages() = default;
  ~Pages();
  Pages(const Pages &) = delete;
  Pages &operator=(const Pages &) = delete;
  /// `bytes` of memory for `what` (used in the message); 0 is fine. Physical
  /// memory is taken when first touched.
  Error allocate(uint64_t bytes, const char *what, const char *remedy);
  void *data() const { return base; }

private:
  void *base = nullptr;
  uint64_t size = 0;
};

struct SessionOptions {
  uint32_t context = 0; // positions; 0: defaultContext, or less for the model
  uint32_t threads = 0; // 0: what the model says, else physical cores
  uint32_t batch = 0;   // tokens per prefill call; 0: the model's max_batch
  bool tiles = true;    // false: matrix tiles cannot be used (prepareCpu)
};

/// Positions of a session unless something else is asked for.
constexpr uint32_t defaultContext = 4096;

class Session {
public:
  /// Refuses a model compiled for another runtime ABI.
  static Error checkModel(const bn_model &model);

  /// `model` and `weights` must outlive the session; generated code runs from
  /// here on, so the CPU must have been checked.
  Error open(const bn_model &model, const void *weights,
             const SessionOptions &options);

  const bn_model &model() const { return *info; }
  uint32_t vocabSize() const { return info->vocab_size; }
  uint32_t context() const { return capacity; }
  uint32_t position() const { return next; }
  unsigned threads() const { return team.size(); }

  /// Forgets all tokens from `position` on (position <= position()).
  void rewind(uint32_t position) { next = position; }

  /// Fails for ids the model does not know; `what` names them in the message.
  Error checkTokens(const int32_t *tokens, size_t count,
                    const char *what) const;

  /// Appends `count` tokens and computes the logits after the last one. Stops
  /// early if `stop` says so between two calls of the model; position() tells
  /// how far it came. Fails, before anything runs, if the tokens do not fit
  /// into the context or one of them is not in the vocabulary.
  /// `top`: how many of the highest logits will be looked at, 0: all. Those,
  /// and all that equal one of them, are exact; any other may be -inf.
  Error eval(const int32_t *tokens, size_t count, bool (*stop)() = nullptr,
             uint32_t top = 0);

  /// Receives logits of `rows` positions in order: float[rows][vocabSize()].
  using Sink = std::function<Error(const float *logits, uint32_t rows)>;
  /// Like eval(), but hands the logits of all positions to `sink`.
  Error evalAll(const int32_t *tokens, size_t count, const Sink &sink,
                bool (*stop)() = nullptr);

  /// Logits after the last token of the last eval(): float[vocabSize()].
  const float *logits() const {
    return static_cast<const float *>(logitPages.data());
  }

private:
  Error checkRoom(const int32_t *tokens, size_t count) const;
  void step(const int32_t *tokens, uint32_t count, uint32_t logitRows,
            uint32_t top);

  const bn_model *info = nullptr;
  const void *weights = nullptr;
  uint32_t capacity = 0, batch = 0, next = 0;
  Team team;
  Pages arena, cache, logitPages;
};

} // namespace bitnet

#endif // BITNET_SRC_SESSION_H
