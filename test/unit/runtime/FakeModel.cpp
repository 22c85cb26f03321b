//===- FakeModel.cpp - A model without a network, for tests ---------------===//
//
// Does what generated code does - the same entry points, cache, weights and
// parallel regions - with arithmetic that a test can repeat in one line:
//
//   state(p) = sum over q <= p of (q + 1) * token(q), from the cache
//   next(p)  = (multiplier * state(p) + 3) mod vocab, multiplier from weights
//   logits(p)[v] = -0.5 * ((v - next(p)) mod vocab)
//
// so the most likely token depends on every earlier token and its position,
// and one wrong position, cache entry or batch boundary changes the text. Any
// broken promise of the runtime ends the program with a trap.
//
// FAKE_ABI and FAKE_FEATURES make models that must be refused, FAKE_VOCAB one
// that fits a tokenizer, FAKE_DELAY (microseconds per step) one that can be
// interrupted.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnet/abi.h"

#include <unistd.h>

#ifndef FAKE_ABI
#define FAKE_ABI BN_ABI_VERSION
#endif
#ifndef FAKE_FEATURES
#define FAKE_FEATURES 0
#endif

// What the model says: prefill calls of so many tokens use matrix tiles.
#ifndef FAKE_TILE_BATCH
#define FAKE_TILE_BATCH 4
#endif
#ifndef FAKE_VOCAB
#define FAKE_VOCAB 101
#endif
#ifndef FAKE_DELAY
#define FAKE_DELAY 0
#endif

static constexpr uint64_t vocab = FAKE_VOCAB, batch = 8, logitRows = 4;
static constexpr uint64_t maxSequences = 6;
static constexpr uint64_t arenaWords = 1024, weightWords = 1024;

static void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

namespace {
struct RowTask {
  uint64_t next;
  float *logits;
};
} // namespace

static void fillRow(void *context, uint64_t begin, uint64_t end) {
  auto *task = static_cast<RowTask *>(context);
  require(begin < end && end <= vocab);
  for (uint64_t v = begin; v != end; ++v)
    task->logits[v] = -0.5f * float((v + vocab - task->next) % vocab);
}

static void run(bn_call *call) {
  auto *weights = static_cast<const uint32_t *>(call->weights);
  auto *tokens = static_cast<const int32_t *>(call->tokens);
  auto *arena = static_cast<uint64_t *>(call->arena);
  auto *cache = static_cast<uint64_t *>(call->kv);
  auto *logits = static_cast<float *>(call->logits);
  require(uintptr_t(weights) % 64 == 0 && uintptr_t(arena) % 64 == 0 &&
          uintptr_t(cache) % 64 == 0);
  require(call->num_tokens >= 1 && call->num_tokens <= batch);
  require(call->logit_rows <= call->num_tokens &&
          call->logit_rows <= logitRows);
  require(call->position + call->num_tokens <= call->context);
  require(weights[weightWords - 1] == weights[0]);
  for (uint64_t i = 0; i != arenaWords; ++i)
    arena[i] = i;
  for (uint64_t i = 0; i != call->num_tokens; ++i) {
    require(tokens[i] >= 0 && uint64_t(tokens[i]) < vocab);
    cache[call->position + i] = uint64_t(tokens[i]);
  }
  for (uint64_t row = 0; row != call->logit_rows; ++row) {
    uint64_t last = call->position + call->num_tokens - call->logit_rows + row;
    uint64_t state = 0;
    for (uint64_t q = 0; q <= last; ++q)
      state += (q + 1) * cache[q];
    RowTask task = {(weights[0] * state + 3) % vocab, logits + row * vocab};
    bn_parallel_for(call->team, reinterpret_cast<void *>(fillRow), &task,
                    vocab);
  }
}

static void prefill(bn_call *call) { run(call); }
static void decode(bn_call *call) {
  require(call->num_tokens == 1);
  if (FAKE_DELAY)
    usleep(FAKE_DELAY);
  run(call);
}

// Only what it must give: the best `top` of logits that differ by 0.5.
static void keepTop(bn_call *call) {
  require(call->top >= 1);
  auto *logits = static_cast<float *>(call->logits);
  for (uint64_t i = 0; i != call->logit_rows * vocab; ++i)
    if (logits[i] <= -0.5f * float(call->top))
      logits[i] = -__builtin_inff();
}
static void prefillTop(bn_call *call) {
  require(call->logit_rows == 1);
  prefill(call);
  keepTop(call);
}
static void decodeTop(bn_call *call) {
  decode(call);
  keepTop(call);
}

// The most tokens of a call with places so far.
extern "C" {
uint64_t fakeMostPlaces = 0;
}

// Each sequence as if it were alone.
static void forEach(bn_call *call, void (*step)(bn_call *)) {
  require(call->num_tokens >= 1 && call->num_tokens <= maxSequences);
  require(call->logit_rows == call->num_tokens);
  if (call->num_tokens > fakeMostPlaces)
    fakeMostPlaces = call->num_tokens;
  auto *places = static_cast<const int32_t *>(call->places);
  for (uint64_t i = 0; i != call->num_tokens; ++i) {
    bn_call one = *call;
    one.num_tokens = one.logit_rows = 1;
    one.tokens = static_cast<int32_t *>(call->tokens) + i;
    one.logits = static_cast<float *>(call->logits) + i * vocab;
    one.kv = static_cast<uint64_t *>(call->kv) +
             uint64_t(places[2 * i]) * call->context;
    one.position = uint64_t(places[2 * i + 1]);
    step(&one);
  }
}
static void decodeBatch(bn_call *call) { forEach(call, decode); }
static void decodeBatchTop(bn_call *call) { forEach(call, decodeTop); }

static char name[] = "fake", target[] = "any", info[] = "a model for tests";

extern "C" const bn_model bn_model_info = {
    FAKE_ABI,
    vocab,
    16,
    2,
    300, // max_context
    batch,
    logitRows,
    maxSequences,
    0,
    FAKE_FEATURES,
    FAKE_TILE_BATCH,
    arenaWords * 8,
    8,
    weightWords * 4,
    name,
    target,
    info,
    reinterpret_cast<void *>(prefill),
    reinterpret_cast<void *>(prefillTop),
    reinterpret_cast<void *>(decode),
    reinterpret_cast<void *>(decodeTop),
    reinterpret_cast<void *>(decodeBatch),
    reinterpret_cast<void *>(decodeBatchTop),
};
