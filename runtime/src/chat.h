//===- chat.h - Continue what somebody types ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_CHAT_H
#define BITNET_SRC_CHAT_H

#include "error.h"
#include "generate.h"

namespace bitnet {

/// New tokens per turn unless -n says something else: a model without an
/// end-of-text token would otherwise fill its context.
constexpr uint32_t defaultTurnTokens = 256;

/// Reads lines from standard input and continues the text so far after each,
/// until the input ends or Ctrl-C is pressed while it waits; interrupted() then
/// says which. A line that no longer fits starts a new text, with a note on
/// standard error.
Error chat(Generator &generator, const Tokenizer &tokenizer, uint32_t limit);

} // namespace bitnet

#endif // BITNET_SRC_CHAT_H
