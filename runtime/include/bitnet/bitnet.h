//===- bitnet.h - Run a compiled model from another program ---------------===//
//
// The public C interface of the runtime. Link the model's object file and
// libbitnet_rt.a into a program with a main of its own; the model's data is
// read from an executable that bitnetc made for the same model, or from the
// program itself if the data was appended to it.
//
//   char why[256];
//   bitnet_session *s = bitnet_open("./chat", NULL, why, sizeof(why));
//   int32_t ids[64];
//   size_t n = bitnet_tokenize(s, "Hello", 5, 1, 0, ids, 64);
//   if (!bitnet_eval(s, ids, n, why, sizeof(why)))
//     next = index of the largest of bitnet_logits(s)[0..vocab-1];
//   bitnet_free(s);
//
// Several texts advance together, a token each, in one pass over the weights
// (options.sequences): bitnet_use(s, i) and bitnet_eval for each prompt, then
// bitnet_eval_each and bitnet_logits_of.
//
// Nothing here prints or exits. A session is used by one thread at a time.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_BITNET_H
#define BITNET_BITNET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BITNET_API __attribute__((visibility("default")))

/// Texts in progress, one unless asked for more; owns threads, key-value caches
/// and a mapping of the model's data.
typedef struct bitnet_session bitnet_session;

/// Zero in a field: the runtime's default.
typedef struct bitnet_options {
  uint32_t context;   // positions; default: what the model takes, at most 4096
  uint32_t threads;   // default: the model's choice, else physical cores
  uint32_t batch;     // tokens per step of a prompt; default: the model's
  uint32_t sequences; // texts in progress at once; default: 1
} bitnet_options;

/// Opens the linked model with the data at the end of the file `path`, or of
/// this program if null. `options` may be null. Checks the CPU. Returns null
/// and the reason, one line, in `error` (cut to `error_bytes`, which includes
/// the NUL) if that fails.
BITNET_API bitnet_session *bitnet_open(const char *path,
                                       const bitnet_options *options,
                                       char *error, size_t error_bytes);
/// Closes a session; null is fine.
BITNET_API void bitnet_free(bitnet_session *session);

/// Number of logits per position.
BITNET_API uint32_t bitnet_vocab_size(const bitnet_session *session);
/// Most positions of this session's text.
BITNET_API uint32_t bitnet_context(const bitnet_session *session);
/// Chooses the text that bitnet_position, bitnet_eval and bitnet_rewind are
/// about, 0 at first. Returns 0, or -1 if there are not as many.
BITNET_API int bitnet_use(bitnet_session *session, uint32_t sequence);
/// Tokens in the text so far.
BITNET_API uint32_t bitnet_position(const bitnet_session *session);

/// Token ids of `bytes` bytes of UTF-8. `add_special`: with what the tokenizer
/// puts around a text (bos); `parse_special`: special tokens written out in the
/// text become those tokens. Writes the first `capacity` ids and returns how
/// many there are; 0 for a model without a tokenizer.
BITNET_API size_t bitnet_tokenize(const bitnet_session *session,
                                  const char *text, size_t bytes,
                                  int add_special, int parse_special,
                                  int32_t *tokens, size_t capacity);
/// Bytes of one token, perhaps part of a character. Writes the first
/// `capacity`, without a NUL, and returns how many there are.
BITNET_API size_t bitnet_token_text(const bitnet_session *session,
                                    int32_t token, char *text, size_t capacity);
/// Whether a text ends with this token.
BITNET_API int bitnet_is_end(const bitnet_session *session, int32_t token);

/// Appends `count` tokens to the text and computes the logits after the last.
/// Returns 0, or -1 and the reason in `error` if they do not fit into the
/// context or one is not in the vocabulary; the text is then as before.
BITNET_API int bitnet_eval(bitnet_session *session, const int32_t *tokens,
                           size_t count, char *error, size_t error_bytes);
/// Logits after the last bitnet_eval: float[vocab], valid until the next one.
BITNET_API const float *bitnet_logits(const bitnet_session *session);
/// Appends tokens[i] to the text sequences[i], for `count` different texts, in
/// one pass over the weights. Each gets what bitnet_eval would give it, to the
/// bit. Returns 0, or -1 and the reason; all texts are then as before.
BITNET_API int bitnet_eval_each(bitnet_session *session,
                                const uint32_t *sequences,
                                const int32_t *tokens, size_t count,
                                char *error, size_t error_bytes);
/// Logits after token i of the last bitnet_eval_each: float[vocab].
BITNET_API const float *bitnet_logits_of(const bitnet_session *session,
                                         size_t i);
/// Forgets the tokens from `position` on; nothing happens if there are none.
BITNET_API void bitnet_rewind(bitnet_session *session, uint32_t position);

#ifdef __cplusplus
}
#endif

#endif // BITNET_BITNET_H
