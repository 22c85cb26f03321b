//===- bitnet.cpp - The public C interface --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnet/bitnet.h"

#include "container.h"
#include "cpu_features.h"
#include "session.h"
#include "tokenizer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace bitnet;

struct bitnet_session {
  Container container;
  Tokenizer tokenizer;
  bool hasTokenizer = false;
  Session session;
};

static void report(const Error &error, char *text, size_t bytes) {
  if (text && bytes)
    snprintf(text, bytes, "%s", error.message().c_str());
}

static Error open(bitnet_session &session, const char *path,
                  SessionOptions options) {
  if (Error error = Session::checkModel(bn_model_info))
    return error;
  if (Error error = session.container.open(path, bn_model_info.weights_bytes))
    return error;
  CpuState cpu;
  if (Error error = prepareCpu(bn_model_info.cpu_features, cpu))
    return error;
  options.tiles = cpu.noTiles.empty();
  if (const void *blob = session.container.tokenizer()) {
    if (const char *reason = Tokenizer::open(
            blob, session.container.tokenizerBytes(), session.tokenizer))
      return Error::make("%s: tokenizer section: %s; compile the model again",
                         session.container.path().c_str(), reason);
    session.hasTokenizer = true;
  }
  return session.session.open(bn_model_info, session.container.weights(),
                              options);
}

bitnet_session *bitnet_open(const char *path, const bitnet_options *options,
                            char *error, size_t errorBytes) {
  SessionOptions given;
  if (options) {
    given.context = options->context;
    given.threads = options->threads;
    given.batch = options->batch;
    given.sequences = std::max(options->sequences, 1u);
  }
  auto session = std::make_unique<bitnet_session>();
  if (Error failure = open(*session, path, given)) {
    report(failure, error, errorBytes);
    return nullptr;
  }
  return session.release();
}

void bitnet_free(bitnet_session *session) { delete session; }

uint32_t bitnet_vocab_size(const bitnet_session *session) {
  return session->session.vocabSize();
}

uint32_t bitnet_context(const bitnet_session *session) {
  return session->session.context();
}

int bitnet_use(bitnet_session *session, uint32_t sequence) {
  if (sequence >= session->session.sequences())
    return -1;
  session->session.use(sequence);
  return 0;
}

uint32_t bitnet_position(const bitnet_session *session) {
  return session->session.position();
}

size_t bitnet_tokenize(const bitnet_session *session, const char *text,
                       size_t bytes, int addSpecial, int parseSpecial,
                       int32_t *tokens, size_t capacity) {
  if (!session->hasTokenizer)
    return 0;
  std::vector<int32_t> ids = session->tokenizer.encode(
      {text, bytes}, addSpecial != 0, parseSpecial != 0);
  std::copy_n(ids.begin(), std::min(capacity, ids.size()), tokens);
  return ids.size();
}

size_t bitnet_token_text(const bitnet_session *session, int32_t token,
                         char *text, size_t capacity) {
  if (!session->hasTokenizer)
    return 0;
  std::string bytes = session->tokenizer.decodeToken(token);
  std::copy_n(bytes.begin(), std::min(capacity, bytes.size()), text);
  return bytes.size();
}

int bitnet_is_end(const bitnet_session *session, int32_t token) {
  return session->hasTokenizer && session->tokenizer.isEos(token);
}

int bitnet_eval(bitnet_session *session, const int32_t *tokens, size_t count,
                char *error, size_t errorBytes) {
  if (Error failure = session->session.eval(tokens, count)) {
    report(failure, error, errorBytes);
    return -1;
  }
  return 0;
}

int bitnet_eval_each(bitnet_session *session, const uint32_t *sequences,
                     const int32_t *tokens, size_t count, char *error,
                     size_t errorBytes) {
  std::vector<Session::Next> next;
  for (size_t i = 0; i != count; ++i)
    next.push_back({sequences[i], tokens[i]});
  if (Error failure = session->session.evalEach(next.data(), count)) {
    report(failure, error, errorBytes);
    return -1;
  }
  return 0;
}

const float *bitnet_logits_of(const bitnet_session *session, size_t i) {
  return session->session.logits(i);
}

const float *bitnet_logits(const bitnet_session *session) {
  return session->session.logits();
}

void bitnet_rewind(bitnet_session *session, uint32_t position) {
  if (position < session->session.position())
    session->session.rewind(position);
}
