//===- UnicodeTables.cpp - Unicode's facts as tables ----------------------===//
//
// utf8proc knows the categories, decompositions and combining classes. What it
// does not know follows from these or is listed here, from Unicode 15.0
// PropList.txt.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "UnicodeTables.h"
#include "llvm/ADT/StringRef.h"
#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utf8proc.h>

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace bitnet::tokfmt;

constexpr uint32_t numCodes = 0x110000;

/// PropList.txt, White_Space.
static bool isWhiteSpace(uint32_t code) {
  return (code >= 0x9 && code <= 0xd) || code == 0x20 || code == 0x85 ||
         code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
         code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
         code == 0x3000;
}

/// PropList.txt, Other_Alphabetic that are not marks, and Join_Control.
static bool isOtherWord(uint32_t code) {
  return (code >= 0x24b6 && code <= 0x24e9) ||
         (code >= 0x1f130 && code <= 0x1f149) ||
         (code >= 0x1f150 && code <= 0x1f169) ||
         (code >= 0x1f170 && code <= 0x1f189) || code == 0x200c ||
         code == 0x200d;
}

static uint8_t getClass(uint32_t code) {
  uint8_t bits = isWhiteSpace(code) ? ClassSpace : 0;
  if (isOtherWord(code))
    bits |= ClassWord;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
    return bits | ClassLetter | ClassWord;
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
    return bits | ClassMark | ClassWord;
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
    return bits | ClassNumber | ClassWord;
  case UTF8PROC_CATEGORY_NO:
    return bits | ClassNumber;
  case UTF8PROC_CATEGORY_PC:
    return bits | ClassPunctuation | ClassWord;
  case UTF8PROC_CATEGORY_PD:
  case UTF8PROC_CATEGORY_PS:
  case UTF8PROC_CATEGORY_PE:
  case UTF8PROC_CATEGORY_PI:
  case UTF8PROC_CATEGORY_PF:
  case UTF8PROC_CATEGORY_PO:
    return bits | ClassPunctuation;
  default:
    if (code < 0x80 && llvm::StringRef("$+<=>^`|~").contains(char(code)))
      bits |= ClassPunctuation;
    return bits;
  }
}

ClassTable tokenizer::buildClassTable() {
  ClassTable table;
  std::map<std::vector<uint8_t>, uint16_t> known;
  std::vector<uint8_t> block(classBlockSize);
  for (uint32_t first = 0; first < numCodes; first += classBlockSize) {
    for (uint32_t i = 0; i < classBlockSize; ++i)
      block[i] = getClass(first + i);
    auto [at, isNew] = known.try_emplace(block, known.size());
    if (isNew)
      table.blocks.insert(table.blocks.end(), block.begin(), block.end());
    table.index.push_back(at->second);
  }
  return table;
}

std::string tokenizer::toNfc(const std::string &text) {
  utf8proc_uint8_t *result = nullptr;
  utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &result,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) // not UTF-8, which JSON strings always are; leave it as it is
    return text;
  std::string out(reinterpret_cast<char *>(result), size_t(size));
  std::free(result);
  return out;
}

/// The canonical composition of these characters, if it is one character.
static uint32_t composeAll(const int32_t *codes, size_t count) {
  int32_t buffer[8];
  std::copy(codes, codes + count, buffer);
  utf8proc_ssize_t size = utf8proc_normalize_utf32(
      buffer, static_cast<utf8proc_ssize_t>(count),
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  return size == 1 ? static_cast<uint32_t>(buffer[0]) : 0;
}

NfcTable tokenizer::buildNfcTable() {
  NfcTable table;
  for (uint32_t code = 0; code < numCodes; ++code) {
    const utf8proc_property_t *property =
        utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
    if (property->combining_class)
      table.combining.push_back(
          {code, static_cast<uint32_t>(property->combining_class)});
    bool isHangul = code >= 0xac00 && code < 0xac00 + 11172;
    bool isSurrogate = code >= 0xd800 && code < 0xe000;
    if (isHangul || isSurrogate)
      continue;
    int32_t parts[8];
    int lastClass = UTF8PROC_BOUNDCLASS_START;
    utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(code), parts, 8,
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE),
        &lastClass);
    // Canonical decompositions have at most four parts (U+1F82 and its like).
    if (count < 1 || count > 4 || (count == 1 && parts[0] == int32_t(code)))
      continue;
    Decomposition entry = {code, {}};
    std::copy(parts, parts + count, entry.parts);
    table.decompositions.push_back(entry);
    // A primary composite is its last part upon the composition of the others;
    // composition exclusions never come back as one character.
    if (count > 1 && composeAll(parts, size_t(count)) == code)
      if (uint32_t first = composeAll(parts, size_t(count) - 1))
        table.compositions.push_back({first, uint32_t(parts[count - 1]), code});
  }
  std::sort(table.compositions.begin(), table.compositions.end(),
            [](const Composition &a, const Composition &b) {
              return std::tie(a.first, a.second) < std::tie(b.first, b.second);
            });
  return table;
}
