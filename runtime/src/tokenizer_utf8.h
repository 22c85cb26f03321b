//===- tokenizer_utf8.h - Reading and writing UTF-8 -----------------------===//
//
// Strict UTF-8 (no overlong forms, no surrogates: Unicode 15, table 3-7). A
// byte that starts no character counts as one unit of its own, so that any
// input goes through the tokenizer.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TOKENIZER_UTF8_H
#define BITNET_SRC_TOKENIZER_UTF8_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bitnet {

constexpr uint32_t invalidCode = 0xffffffffu;

/// What stands at the start of a text.
struct Utf8Char {
  uint32_t code;  // code point, or invalidCode
  uint32_t bytes; // of the character; when invalid, of the longest start of one
  bool partial;   // invalid only because the text ends
};

/// Reads the character at `text[pos]`; pos < text.size().
inline Utf8Char readUtf8(std::string_view text, size_t pos) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[pos + i]); };
  uint8_t lead = byte(0);
  if (lead < 0x80)
    return {lead, 1, false};
  if (lead < 0xc2 || lead > 0xf4)
    return {invalidCode, 1, false};
  uint32_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  uint32_t code = lead & (0x7fu >> length);
  for (uint32_t i = 1; i < length; ++i) {
    if (pos + i >= text.size())
      return {invalidCode, i, true};
    uint8_t low = 0x80, high = 0xbf;
    if (i == 1) {
      low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
      high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    }
    if (byte(i) < low || byte(i) > high)
      return {invalidCode, i, false};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  return {code, length, false};
}

/// Bytes of the unit at `text[pos]`: a character, or one stray byte.
inline uint32_t unitBytes(std::string_view text, size_t pos) {
  Utf8Char c = readUtf8(text, pos);
  return c.code == invalidCode ? 1 : c.bytes;
}

/// Appends a code point below 0x110000.
inline void appendUtf8(std::string &out, uint32_t code) {
  auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80)
    return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

} // namespace bitnet

#endif // BITNET_SRC_TOKENIZER_UTF8_H
