//===- tokenizer_split.cpp - Cutting text into words ----------------------===//
//
// The published patterns need \p{L}, \p{N}, \p{M}, \s, one lookahead and seven
// English endings, and differ in five details: written by hand they take one
// look at each character and no regex engine. The comments quote the
// alternatives in their order; the first that matches wins, as in the engines.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "tokenizer_split.h"

using namespace bitnet;
using namespace bitnet::tokfmt;

namespace {

/// What sets the published patterns apart.
struct Style {
  bool anyCase;          // (?i:'s|...) instead of 's|...
  bool anyPrefix;        // letters: [^\r\n\p{L}\p{N}]? instead of " ?"
  bool marksAreLetters;  // [\p{L}\p{M}] instead of \p{L}
  uint32_t digits;       // \p{N}{1,digits}, 0: " ?\p{N}+"
  bool newlinesTogether; // [\r\n]* after signs, and \s*[\r\n]+
};

constexpr Style gpt2 = {false, false, false, 0, false};
constexpr Style llama3 = {true, true, false, 3, true};
constexpr Style qwen2 = {true, true, false, 1, true};
constexpr Style qwen35 = {true, true, true, 1, true};

class Cutter {
public:
  Cutter(const Style &style, const CharClasses &classes, std::string_view text)
      : style(style), classes(classes), text(text) {}

  size_t cut(size_t pos) const {
    if (size_t end = ending(pos))
      return end;
    if (size_t end = letters(pos))
      return end;
    if (size_t end = numbers(pos))
      return end;
    if (size_t end = signs(pos))
      return end;
    return spaces(pos);
  }

private:
  struct Char {
    uint8_t kind;
    uint32_t code;
    size_t end;
  };

  Char at(size_t pos) const {
    Utf8Char c = readUtf8(text, pos);
    bool bad = c.code == invalidCode;
    return {classes(c.code), c.code, pos + (bad ? 1 : c.bytes)};
  }
  bool isLetter(const Char &c) const {
    return c.kind &
           (style.marksAreLetters ? ClassLetter | ClassMark : ClassLetter);
  }
  bool isSign(const Char &c) const {
    return !(c.kind & (ClassSpace | ClassLetter | ClassNumber)) && !isLetter(c);
  }
  static bool isNewline(uint32_t code) { return code == '\r' || code == '\n'; }

  /// Position after the characters from `pos` on that satisfy `test`.
  template <typename Test> size_t run(size_t pos, Test test) const {
    while (pos < text.size()) {
      Char c = at(pos);
      if (!test(c))
        break;
      pos = c.end;
    }
    return pos;
  }

  /// 's|'t|'re|'ve|'m|'ll|'d
  size_t ending(size_t pos) const {
    if (text[pos] != '\'' || pos + 1 >= text.size())
      return 0;
    auto lower = [&](size_t i) -> char {
      if (i >= text.size())
        return 0;
      char c = text[i];
      return style.anyCase && c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    };
    char first = lower(pos + 1), second = lower(pos + 2);
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
      return pos + 2;
    if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
        (first == 'l' && second == 'l'))
      return pos + 3;
    // U+017F, the long s, is an s in Unicode's case folding.
    if (style.anyCase && text.substr(pos + 1, 2) == "\xc5\xbf")
      return pos + 3;
    return 0;
  }

  ///  ?\p{L}+   or   [^\r\n\p{L}\p{N}]?\p{L}+
  size_t letters(size_t pos) const {
    Char first = at(pos);
    auto letter = [&](const Char &c) { return isLetter(c); };
    if (isLetter(first))
      return run(first.end, letter);
    bool prefix = style.anyPrefix
                      ? !isNewline(first.code) && !(first.kind & ClassNumber)
                      : first.code == ' ';
    if (!prefix || first.end >= text.size())
      return 0;
    size_t end = run(first.end, letter);
    return end == first.end ? 0 : end;
  }

  ///  ?\p{N}+   or   \p{N}{1,digits}
  size_t numbers(size_t pos) const {
    auto number = [](const Char &c) { return (c.kind & ClassNumber) != 0; };
    if (style.digits == 0) {
      size_t start = pos + (text[pos] == ' ');
      size_t end = run(start, number);
      return end == start ? 0 : end;
    }
    uint32_t count = 0;
    size_t end = run(pos, [&](const Char &c) {
      return number(c) && count++ < style.digits;
    });
    return end == pos ? 0 : end;
  }

  ///  ?[^\s\p{L}\p{N}]+   and   [\r\n]*
  size_t signs(size_t pos) const {
    size_t start = pos + (text[pos] == ' ');
    size_t end = run(start, [&](const Char &c) { return isSign(c); });
    if (end == start)
      return 0;
    if (style.newlinesTogether)
      while (end < text.size() && isNewline(text[end]))
        ++end;
    return end;
  }

  /// \s*[\r\n]+|\s+(?!\S)|\s+
  size_t spaces(size_t pos) const {
    size_t newlineEnd = 0, last = pos, end = pos;
    while (end < text.size()) {
      Char c = at(end);
      if (!(c.kind & ClassSpace))
        break;
      last = end;
      end = c.end;
      if (isNewline(c.code))
        newlineEnd = end;
    }
    if (style.newlinesTogether && newlineEnd)
      return newlineEnd;
    // The last space of a run goes to the word after it.
    if (end < text.size() && last > pos)
      return last;
    // Every character is a letter, number, sign or space; should tables of
    // another Unicode version disagree, it still makes progress.
    return end > pos ? end : at(pos).end;
  }

  const Style &style;
  const CharClasses &classes;
  std::string_view text;
};

/// Runs of characters for which `isInside` holds, and runs of the others.
template <typename Inside>
size_t cutRun(std::string_view text, size_t pos, bool alone, Inside isInside) {
  uint32_t bytes = 0;
  bool inside = isInside(pos, bytes);
  pos += bytes;
  if (inside && alone)
    return pos;
  while (pos < text.size() && isInside(pos, bytes) == inside)
    pos += bytes;
  return pos;
}

size_t cutByClass(const CharClasses &classes, uint8_t kind, bool alone,
                  std::string_view text, size_t pos) {
  return cutRun(text, pos, alone, [&](size_t at, uint32_t &bytes) {
    bytes = unitBytes(text, at);
    return (classes(readUtf8(text, at).code) & kind) != 0;
  });
}

size_t cutByteDigits(bool alone, std::string_view text, size_t pos) {
  return cutRun(text, pos, alone, [&](size_t at, uint32_t &bytes) {
    bytes = 1;
    uint8_t c = text[at];
    return (c >= '0' && c <= '9') || c == 0xb2 || c == 0xb3 || c == 0xb9 ||
           c == 0xbc || c == 0xbd || c == 0xbe;
  });
}

size_t cutThreeDigits(std::string_view text, size_t pos) {
  size_t count = 0; // digits just before `at`
  for (size_t at = pos; at < text.size(); ++at) {
    count = text[at] >= '0' && text[at] <= '9' ? count + 1 : 0;
    if (count == 3)
      return at - 2 == pos ? at + 1 : at - 2;
  }
  return text.size();
}

} // namespace

size_t bitnet::cutPiece(const Step &step, const CharClasses &classes,
                        std::string_view text, size_t pos) {
  bool alone = step.argument != 0;
  switch (step.kind) {
  case SplitGpt2:
    return Cutter(gpt2, classes, text).cut(pos);
  case SplitLlama3:
    return Cutter(llama3, classes, text).cut(pos);
  case SplitQwen2:
    return Cutter(qwen2, classes, text).cut(pos);
  case SplitQwen35:
    return Cutter(qwen35, classes, text).cut(pos);
  case SplitPunctuation:
    return cutByClass(classes, ClassPunctuation, false, text, pos);
  case SplitDigits:
    return cutByClass(classes, ClassNumber, alone, text, pos);
  case SplitByteDigits:
    return cutByteDigits(alone, text, pos);
  case SplitThreeDigits:
    return cutThreeDigits(text, pos);
  }
  return text.size();
}
