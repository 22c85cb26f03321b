//===- session.cpp - Texts in progress on a compiled model ----------------===//
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

Error bitnet::checkPromptLength(const char *what, size_t count,
                                uint32_t context, uint32_t maxContext) {
  if (count <= context)
    return Error();
  return Error::make("%s: expected at most %u tokens, the context size, but "
                     "got %zu; %s (this model takes up to %u)",
                     what, context, count,
                     count > maxContext ? "give a shorter prompt"
                                        : "raise it with -c",
                     maxContext);
}

Error Session::checkModel(const bn_model &model) {
  const char *name = static_cast<const char *>(model.name);
  if (model.abi_version != BN_ABI_VERSION)
    return Error::make("%s: runtime interface: expected version %u, but got "
                       "%u; compile the model again",
                       name ? name : "model", BN_ABI_VERSION,
                       model.abi_version);
  if (!model.vocab_size || !model.max_context || !model.max_batch ||
      !model.max_logits || !model.max_sequences || model.tile_batch == 1 ||
      !model.prefill || !model.decode ||
      (model.max_sequences > 1 && !model.decode_batch))
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
  if (options.sequences < 1 || options.sequences > model.max_sequences)
    return Error::make("sequences: expected 1 to %u, which the model was "
                       "compiled for (--max-sequences), but got %u",
                       model.max_sequences, options.sequences);
  positions.assign(options.sequences, 0);
  together = options.sequences;
  if (!options.tiles && model.tile_batch) {
    uint32_t most = uint32_t(model.tile_batch - 1);
    batch = std::min(batch, most);
    together = std::min(together, most);
  }
  unsigned cores = defaultThreads();
  unsigned threads = options.threads ? options.threads
                     : model.threads ? model.threads
                                     : std::min(cores, maxThreads);
  if (threads > maxThreads)
    return Error::make("threads: expected at most %u, but got %u", maxThreads,
                       threads);

  // Whole cache lines: the sequences' caches follow each other.
  constexpr uint64_t align = 64;
  static_assert(align % BN_CACHE_BLOCK == 0, "whole blocks, too");
  reserved = (capacity + align - 1) / align * align;
  uint64_t cacheBytes;
  if (__builtin_mul_overflow(model.kv_bytes_per_token, reserved * sequences(),
                             &cacheBytes))
    cacheBytes = UINT64_MAX; // refused by the kernel
  if (Error error = cache.allocate(cacheBytes, "key-value cache",
                                   "give a smaller context with -c"))
    return error;
  const char *remedy = "free some memory";
  if (Error error = arena.allocate(model.arena_bytes, "activations", remedy))
    return error;
  uint64_t rows = std::max(sequences(), std::min(batch, model.max_logits));
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

Error Session::checkRoom(uint32_t sequence, const int32_t *tokens,
                         size_t count) const {
  uint32_t next = positions[sequence];
  if (next && count > capacity - next)
    return Error::make("context: expected at most %u more tokens, but got "
                       "%zu; give more than %u positions with -c",
                       capacity - next, count, capacity);
  if (Error error = checkPromptLength("prompt", count, capacity - next,
                                      info->max_context))
    return error;
  return checkTokens(tokens, count, "prompt");
}

/// The share of the vocabulary up to which a screened head is used: of more,
/// so many rows are left that reading the whole head is as fast.
static constexpr uint32_t topShare = 32;

bool Session::isScreened(uint32_t top) const {
  return top && top <= info->vocab_size / topShare;
}

/// A call of the model for `count` tokens; where they stand is still to be
/// said.
bn_call Session::makeCall(const int32_t *tokens, uint32_t count) const {
  bn_call call = {};
  call.weights = const_cast<void *>(weights);
  call.arena = arena.data();
  call.kv = cache.data();
  call.tokens = const_cast<int32_t *>(tokens);
  call.logits = logitPages.data();
  call.team = const_cast<Team *>(&team);
  call.num_tokens = count;
  call.context = reserved;
  return call;
}

/// One call of the model: `count` tokens of one sequence.
void Session::step(uint32_t sequence, const int32_t *tokens, uint32_t count,
                   uint32_t logitRows, uint32_t top) {
  bn_call call = makeCall(tokens, count);
  call.kv = static_cast<char *>(cache.data()) +
            sequence * info->kv_bytes_per_token * reserved;
  call.position = positions[sequence];
  call.logit_rows = logitRows;
  call.top = top;
  void *entry = count == 1 ? info->decode : info->prefill;
  void *screened = count == 1 ? info->decode_top : info->prefill_top;
  if (screened && logitRows == 1 && isScreened(top))
    entry = screened;
  reinterpret_cast<bn_entry>(entry)(&call);
  positions[sequence] += count;
}

Error Session::evalEach(const Next *next, size_t count, uint32_t top) {
  std::vector<int32_t> tokens, places;
  std::vector<bool> taken(sequences());
  for (size_t i = 0; i != count; ++i) {
    uint32_t sequence = next[i].sequence;
    if (sequence >= sequences() || taken[sequence])
      return Error::make("token %zu: expected a sequence below %u of its own, "
                         "but got %u",
                         i + 1, sequences(), sequence);
    taken[sequence] = true;
    if (Error error = checkRoom(sequence, &next[i].token, 1))
      return error;
    tokens.push_back(next[i].token);
    places.push_back(int32_t(sequence));
    places.push_back(int32_t(positions[sequence]));
  }
  // Single tokens have an entry of their own that is faster.
  if (count == 1) {
    step(next->sequence, tokens.data(), 1, 1, top);
    return Error();
  }
  void *entry = info->decode_batch_top && isScreened(top)
                    ? info->decode_batch_top
                    : info->decode_batch;
  for (size_t done = 0; done != count;) {
    size_t size = std::min<size_t>(together, count - done);
    bn_call call = makeCall(tokens.data() + done, uint32_t(size));
    call.places = places.data() + 2 * done;
    call.logits = const_cast<float *>(logits(done));
    call.logit_rows = size;
    call.top = top;
    reinterpret_cast<bn_entry>(entry)(&call);
    done += size;
  }
  for (size_t i = 0; i != count; ++i)
    ++positions[next[i].sequence];
  return Error();
}

Error Session::eval(const int32_t *tokens, size_t count, bool (*stop)(),
                    uint32_t top) {
  if (Error error = checkRoom(current, tokens, count))
    return error;
  for (size_t done = 0; done != count && !(stop && stop());) {
    uint32_t size = uint32_t(std::min<size_t>(batch, count - done));
    step(current, tokens + done, size, done + size == count, top);
    done += size;
  }
  return Error();
}

Error Session::evalAll(const int32_t *tokens, size_t count, const Sink &sink,
                       bool (*stop)()) {
  if (Error error = checkRoom(current, tokens, count))
    return error;
  uint32_t most = std::min(batch, info->max_logits);
  for (size_t done = 0; done != count && !(stop && stop());) {
    uint32_t size = uint32_t(std::min<size_t>(most, count - done));
    step(current, tokens + done, size, size, 0);
    if (Error error = sink(logits(), size))
      return error;
    done += size;
  }
  return Error();
}
