//===- session.cpp - One text in progress on a compiled model -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "session.h"

#include "topology.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <sys/mman.h>

using namespace bitnet;

Pages::~Pages() {
  if (base)
    munmap(base, size);
}

Error Pages::allocate(uint64_t bytes, const char *what, const char *remedy) {
  size = std::max<uint64_t>(bytes, 1);
  void *map = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED)
    return Error::make("%s: expected %" PRIu64
                       " bytes of memory, but got none (%s); %s",
                       what, bytes, strerror(errno), remedy);
  base = map;
  // Fewer misses in the translation buffer; only advice.
  madvise(base, size, MADV_HUGEPAGE);
  return Error();
}

Error Session::checkModel(const bn_model &model) {
  const char *name = static_cast<const char *>(model.name);
  if (model.abi_version != BN_ABI_VERSION)
    return Error::make("%s: runtime interface: expected version %u, but got "
                       "%u; compile the model again",
                       name ? name : "model", BN_ABI_VERSION,
                       model.abi_version);
  if (!model.vocab_size || !model.max_context || !model.max_batch ||
      !model.max_logits || model.tile_batch == 1 || !model.prefill ||
      !model.decode)
    return Error::make("%s: model description: expected sizes above 0 and two "
                       "entry points, but got none; compile the model again",
                       name ? name : "model");
  return Error();
}

Error Session::open(const bn_model &model, const void *modelWeights,
                    const SessionOptions &options) {
  if (Error error = checkModel(model))
    return error;
  info = &model;
  weights = modelWeights;
  capacity = options.context ? options.context
                             : std::min(model.max_context, defaultContext);
  if (capacity > model.max_context)
    return Error::make("context: expected at most %u positions, which the "
                       "model was made for, but got %u; give fewer with -c",
                       model.max_context, capacity);
  batch = options.batch ? options.batch : model.max_batch;
  if (batch > model.max_batch)
    return Error::make("batch size: expected at most %u tokens, which the "
                       "model was compiled for, but got %u",
                       model.max_batch, batch);
  if (!options.tiles && model.tile_batch)
    batch = std::min(batch, uint32_t(model.tile_batch - 1));
  unsigned cores = defaultThreads();
  unsigned threads = options.threads ? options.threads
                     : model.threads ? model.threads
                                     : std::min(cores, maxThreads);
  if (threads > maxThreads)
    return Error::make("threads: expected at most %u, but got %u", maxThreads,
                       threads);

  uint64_t cacheBytes, reserved = uint64_t(capacity) + BN_CACHE_BLOCK - 1;
  reserved -= reserved % BN_CACHE_BLOCK;
  if (__builtin_mul_overflow(model.kv_bytes_per_token, reserved, &cacheBytes))
    cacheBytes = UINT64_MAX; // refused by the kernel
  if (Error error = cache.allocate(cacheBytes, "key-value cache",
                                   "give a smaller context with -c"))
    return error;
  const char *remedy = "free some memory";
  if (Error error = arena.allocate(model.arena_bytes, "activations", remedy))
    return error;
  uint64_t rows = std::max(1u, std::min(batch, model.max_logits));
  if (Error error = logitPages.allocate(rows * model.vocab_size * sizeof(float),
                                        "logits", remedy))
    return error;
  return team.start(threads, unsigned(allowedCpus().size()));
}

Error Session::checkTokens(const int32_t *tokens, size_t count,
                           const char *what) const {
  for (size_t i = 0; i != count; ++i)
    if (tokens[i] < 0 || uint32_t(tokens[i]) >= info->vocab_size)
      return Error::make("%s: token %zu: expected an id from 0 to %u, but got "
                         "%d",
                         what, i + 1, info->vocab_size - 1, tokens[i]);
  return Error();
}

Error Session::checkRoom(const int32_t *tokens, size_t count) const {
  if (count > capacity - next) {
    if (next)
      return Error::make("context: expected at most %u more tokens, but got "
                         "%zu; give more than %u positions with -c",
                         capacity - next, count, capacity);
    return Error::make("prompt: expected at most %u tokens, the context size, "
                       "but got %zu; %s (this model takes up to %u)",
                       capacity, count,
                       count > info->max_context ? "give a shorter prompt"
                                                 : "raise it with -c",
                       info->max_context);
  }
  return checkTokens(tokens, count, "prompt");
}

/// The share of the vocabulary up to which a screened head is used: of more,
/// so many rows are left that reading the whole head is as fast.
static constexpr uint32_t topShare = 32;

/// One call of the model: `count` tokens at the current position.
void Session::step(const int32_t *tokens, uint32_t count, uint32_t logitRows,
                   uint32_t top) {
  bn_call call;
  call.weights = const_cast<void *>(weights);
  call.arena = arena.data();
  call.kv = cache.data();
  call.tokens = const_cast<int32_t *>(tokens);
  call.logits = logitPages.data();
  call.team = &team;
  call.num_tokens = count;
  call.position = next;
  call.context = capacity;
  call.logit_rows = logitRows;
  call.top = top;
  void *entry = count == 1 ? info->decode : info->prefill;
  if (count == 1 && info->decode_top && top &&
      top <= info->vocab_size / topShare)
    entry = info->decode_top;
  reinterpret_cast<bn_entry>(entry)(&call);
  next += count;
}

Error Session::eval(const int32_t *tokens, size_t count, bool (*stop)(),
                    uint32_t top) {
  if (Error error = checkRoom(tokens, count))
    return error;
  for (size_t done = 0; done != count && !(stop && stop());) {
    uint32_t size = uint32_t(std::min<size_t>(batch, count - done));
    step(tokens + done, size, done + size == count, top);
    done += size;
  }
  return Error();
}

Error Session::evalAll(const int32_t *tokens, size_t count, const Sink &sink,
                       bool (*stop)()) {
  if (Error error = checkRoom(tokens, count))
    return error;
  uint32_t most = std::min(batch, info->max_logits);
  for (size_t done = 0; done != count && !(stop && stop());) {
    uint32_t size = uint32_t(std::min<size_t>(most, count - done));
    step(tokens + done, size, size, 0);
    if (Error error = sink(logits(), size))
      return error;
    done += size;
  }
  return Error();
}
