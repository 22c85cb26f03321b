//===- tokenizer_nfc.cpp - Unicode normalization form C -------------------===//
//
// The Qwen tokenizers normalize their input. Algorithm: The Unicode Standard
// 15.0, 3.11 (D118 canonical composition) and 3.12 (Hangul).
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "tokenizer_nfc.h"
#include "tokenizer_utf8.h"

#include <algorithm>
#include <tuple>
#include <vector>

using namespace bitnet;
using namespace bitnet::tokfmt;

namespace {

// The Unicode Standard 15.0, 3.12, "Hangul Syllable Decomposition".
constexpr uint32_t hangulS = 0xac00, hangulL = 0x1100, hangulV = 0x1161,
                   hangulT = 0x11a7;
constexpr uint32_t countL = 19, countV = 21, countT = 28;
constexpr uint32_t countS = countL * countV * countT;

class Normalizer {
public:
  explicit Normalizer(const NfcTables &tables) : tables(tables) {}

  std::string run(std::string_view text) {
    for (size_t pos = 0; pos < text.size();) {
      Utf8Char c = readUtf8(text, pos);
      if (c.code == invalidCode) {
        flush();
        out.push_back(text[pos++]);
        continue;
      }
      decompose(c.code);
      pos += c.bytes;
    }
    flush();
    return std::move(out);
  }

private:
  struct Char {
    uint32_t code, combining;
    size_t position;
  };

  uint32_t combiningClass(uint32_t code) const {
    const CombiningClass *at = std::lower_bound(
        tables.combining.begin(), tables.combining.end(), code,
        [](const CombiningClass &entry, uint32_t c) { return entry.code < c; });
    return at != tables.combining.end() && at->code == code ? at->value : 0;
  }

  void decompose(uint32_t code) {
    if (code < 0xc0) // nothing below decomposes or combines
      return chars.push_back({code, 0, 0});
    uint32_t syllable = code - hangulS;
    if (syllable < countS) {
      chars.push_back({hangulL + syllable / (countV * countT), 0, 0});
      chars.push_back({hangulV + syllable / countT % countV, 0, 0});
      if (syllable % countT)
        chars.push_back({hangulT + syllable % countT, 0, 0});
      return;
    }
    const Decomposition *at = std::lower_bound(
        tables.decompositions.begin(), tables.decompositions.end(), code,
        [](const Decomposition &entry, uint32_t c) { return entry.code < c; });
    if (at == tables.decompositions.end() || at->code != code)
      return chars.push_back({code, combiningClass(code), 0});
    for (uint32_t part : at->parts)
      if (part)
        chars.push_back({part, combiningClass(part), 0});
  }

  /// The character that two characters become, or 0.
  uint32_t compose(uint32_t first, uint32_t second) const {
    if (first - hangulL < countL && second - hangulV < countV)
      return hangulS +
             ((first - hangulL) * countV + (second - hangulV)) * countT;
    if (first - hangulS < countS && (first - hangulS) % countT == 0 &&
        second > hangulT && second < hangulT + countT)
      return first + (second - hangulT);
    const Composition *at = std::lower_bound(
        tables.compositions.begin(), tables.compositions.end(),
        std::make_pair(first, second),
        [](const Composition &entry, const std::pair<uint32_t, uint32_t> &c) {
          return std::tie(entry.first, entry.second) <
                 std::tie(c.first, c.second);
        });
    bool found = at != tables.compositions.end() && at->first == first &&
                 at->second == second;
    return found ? at->code : 0;
  }

  /// Canonical order: stretches of combining characters sorted by class.
  void order() {
    for (size_t begin = 0; begin < chars.size(); ++begin) {
      if (!chars[begin].combining)
        continue;
      size_t end = begin;
      while (end < chars.size() && chars[end].combining)
        ++end;
      for (size_t i = begin; i < end; ++i)
        chars[i].position = i; // keeps equal classes in their order
      std::sort(chars.begin() + begin, chars.begin() + end,
                [](const Char &a, const Char &b) {
                  return std::tie(a.combining, a.position) <
                         std::tie(b.combining, b.position);
                });
      begin = end - 1;
    }
  }

  void flush() {
    order();
    constexpr size_t none = ~size_t(0);
    size_t starter = none, size = 0;
    for (size_t i = 0; i < chars.size(); ++i) {
      Char c = chars[i];
      // Blocked if something of a class not below its own stands in between.
      bool adjacent = starter != none && size == starter + 1;
      bool blocked = starter == none ||
                     (!adjacent && (chars[size - 1].combining >= c.combining));
      uint32_t whole = blocked ? 0 : compose(chars[starter].code, c.code);
      if (whole) {
        chars[starter].code = whole;
        continue;
      }
      if (!c.combining)
        starter = size;
      chars[size++] = c;
    }
    for (size_t i = 0; i < size; ++i)
      appendUtf8(out, chars[i].code);
    chars.clear();
  }

  const NfcTables &tables;
  std::vector<Char> chars;
  std::string out;
};

} // namespace

std::string bitnet::normalizeNfc(const NfcTables &tables,
                                 std::string_view text) {
  return Normalizer(tables).run(text);
}
