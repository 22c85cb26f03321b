//===- tokenizer_stream.cpp - Token ids to text ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "tokenizer.h"
#include "tokenizer_text.h"
#include "tokenizer_utf8.h"

using namespace bitnet;
using namespace bitnet::tokfmt;

namespace {

/// U+FFFD stands for bytes that are no character.
constexpr std::string_view replacement = "\xef\xbf\xbd";

int hexDigit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

} // namespace

std::string Tokenizer::decodeToken(int32_t id) const {
  if (id < 0 || id >= vocabSize())
    return {};
  std::string_view text = token(id);
  if (tokenKinds[id] == Byte && has(DecodeBytes)) // "<0xNN>", see open()
    return std::string(
        1, static_cast<char>(hexDigit(text[3]) << 4 | hexDigit(text[4])));
  std::string result(text);
  for (const Step &step : decoders)
    if (step.kind == DecodeReplace)
      result = replaceAll(result, string(step.a, step.aBytes),
                          string(step.b, step.bBytes));
  return result;
}

bool Tokenizer::isEos(int32_t id) const {
  for (int32_t end : eos)
    if (end == id)
      return true;
  return false;
}

std::string Tokenizer::Stream::push(int32_t id) {
  if (id < 0 || id >= tokenizer->vocabSize() ||
      tokenizer->tokenKinds[id] == Special)
    return {};
  std::string text = tokenizer->decodeToken(id);
  size_t drop = 0;
  while (drop < text.size() && stripLeft && text[drop] == ' ') {
    ++drop;
    --stripLeft;
  }
  if (drop < text.size())
    stripLeft = 0;
  pending.append(text, drop, std::string::npos);

  std::string out;
  size_t pos = 0;
  while (pos < pending.size()) {
    Utf8Char c = readUtf8(pending, pos);
    if (c.partial)
      break;
    if (c.code == invalidCode)
      out += replacement;
    else
      out.append(pending, pos, c.bytes);
    pos += c.bytes;
  }
  pending.erase(0, pos);
  return out;
}

std::string Tokenizer::Stream::flush() {
  // What is left is the start of one character: one sign, as in Unicode 15.0,
  // 3.9, "U+FFFD Substitution of Maximal Subparts".
  std::string out(pending.empty() ? std::string_view() : replacement);
  pending.clear();
  return out;
}
