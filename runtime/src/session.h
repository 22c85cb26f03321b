//===- session.h - Texts in progress on a compiled model ------------------===//
//
// Owns what a model needs to run: threads, activations, key-value caches and
// logits; keeps the positions. Everything that runs tokens goes through here.
// There is one text, or several sequences that advance together: a step of
// several reads the weights once.
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
#include <vector>

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
  uint32_t context = 0;   // positions; 0: defaultContext, or less for the model
  uint32_t threads = 0;   // 0: what the model says, else physical cores
  uint32_t batch = 0;     // tokens per prefill call; 0: the model's max_batch
  uint32_t sequences = 1; // texts in progress at once
  bool tiles = true;      // false: matrix tiles cannot be used (prepareCpu)
};

/// Positions of a session unless something else is asked for.
constexpr uint32_t defaultContext = 4096;

/// Fails if a prompt of `count` tokens, `what` in the message, is longer than
/// `context`; the model takes up to `maxContext`.
Error checkPromptLength(const char *what, size_t count, uint32_t context,
                        uint32_t maxContext);

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
  uint32_t sequences() const { return uint32_t(positions.size()); }
  unsigned threads() const { return team.size(); }

  /// Chooses the sequence (< sequences()) that position(), rewind(), eval() and
  /// evalAll() are about; 0 at first.
  void use(uint32_t sequence) { current = sequence; }
  uint32_t position() const { return positions[current]; }
  /// Forgets all tokens from `position` on (position <= position()).
  void rewind(uint32_t position) { positions[current] = position; }

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

  /// The next token of one sequence.
  struct Next {
    uint32_t sequence;
    int32_t token;
  };
  /// Appends a token to each of `count` different sequences in one pass over
  /// the weights; logits(i) is what follows `next[i]`, the same bits as from
  /// eval(). Fails, before anything runs, if a token does not fit or is not in
  /// the vocabulary. `top` as for eval().
  Error evalEach(const Next *next, size_t count, uint32_t top = 0);

  /// Logits after the last token of the last eval(), or after token `row` of
  /// the last evalEach(): float[vocabSize()].
  const float *logits(size_t row = 0) const {
    return static_cast<const float *>(logitPages.data()) +
           row * info->vocab_size;
  }

private:
  Error checkRoom(uint32_t sequence, const int32_t *tokens, size_t count) const;
  bn_call makeCall(const int32_t *tokens, uint32_t count) const;
  bool isScreened(uint32_t top) const;
  void step(uint32_t sequence, const int32_t *tokens, uint32_t count,
            uint32_t logitRows, uint32_t top);

  const bn_model *info = nullptr;
  const void *weights = nullptr;
  uint32_t capacity = 0, batch = 0, current = 0;
  uint32_t together = 0;           // most tokens of one call of evalEach()
  uint64_t reserved = 0;           // positions of one sequence's cache
  std::vector<uint32_t> positions; // of each sequence
  Team team;
  Pages arena, cache, logitPages;
};

} // namespace bitnet

#endif // BITNET_SRC_SESSION_H
