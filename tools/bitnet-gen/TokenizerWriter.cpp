//===- TokenizerWriter.cpp - A made-up byte-level BPE ---------------------===//
//
// Same schema as Llama 3's tokenizer.json. Ids 0..255 are the bytes; then
// tokens of two printable ASCII characters, of three and so on, each made by
// one merge of the token without its last character and that character. Every
// text can be encoded, and every id decodes to something readable.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "CheckpointWriter.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace bitnetc::gen {

/// Llama 3's pre-tokenizer.
static constexpr char splitPattern[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
static constexpr char bosText[] = "<|begin_of_text|>";
static constexpr char eosText[] = "<|end_of_text|>";

/// GPT-2's bytes_to_unicode: printable Latin-1 stands for itself, the other
/// bytes for the code points from 256 on.
static std::string getByteText(unsigned byte) {
  auto isPrintable = [](unsigned b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  };
  unsigned codePoint = byte;
  if (!isPrintable(byte)) {
    codePoint = 256;
    for (unsigned b = 0; b < byte; ++b)
      codePoint += !isPrintable(b);
  }
  char buffer[4], *end = buffer;
  ConvertCodePointToUTF8(codePoint, end);
  return std::string(buffer, end);
}

namespace {
/// A token of the vocabulary and the merge that makes it.
struct Token {
  std::string text;
  std::string left, right; // empty for bytes
};
} // namespace

static std::vector<Token> makeTokens(size_t count) {
  std::vector<Token> tokens;
  for (unsigned byte = 0; byte < 256; ++byte)
    tokens.push_back({getByteText(byte), "", ""});
  // Letters and the blank first, so that a small vocabulary has plain words.
  std::vector<std::string> alphabet;
  for (char c : StringRef(" etaoinshrdlucmfwygpbvkxqjz"))
    alphabet.push_back(getByteText(uint8_t(c)));
  for (unsigned c = '!'; c <= '~'; ++c)
    if (c < 'a' || c > 'z')
      alphabet.push_back(getByteText(c));
  // The queue of tokens to extend is the list of tokens itself, after one
  // round over the alphabet.
  auto extend = [&](const std::string left) {
    for (const std::string &right : alphabet) {
      if (tokens.size() == count)
        return;
      tokens.push_back({left + right, left, right});
    }
  };
  tokens.reserve(count);
  for (const std::string &letter : alphabet)
    extend(letter);
  for (size_t next = 256; tokens.size() < count; ++next)
    extend(tokens[next].text);
  return tokens;
}

void writeTokenizer(const Layout &layout, raw_ostream &stream) {
  std::vector<Token> tokens = makeTokens(layout.vocab - 2);
  json::OStream os(stream);
  auto writeSpecial = [&](StringRef text, int64_t id) {
    os.object([&] {
      os.attribute("id", id);
      os.attribute("content", text);
      for (StringRef flag : {"single_word", "lstrip", "rstrip", "normalized"})
        os.attribute(flag, false);
      os.attribute("special", true);
    });
  };
  // Objects move into their places, so each use makes a new one.
  auto makeByteLevel = [] {
    return json::Object{{"type", "ByteLevel"},
                        {"add_prefix_space", false},
                        {"trim_offsets", true},
                        {"use_regex", false}};
  };
  auto makeTemplate = [](StringRef sequences) {
    json::Array pieces;
    for (char sequence : sequences) {
      int64_t type = sequence == 'B';
      pieces.push_back(json::Object{
          {"SpecialToken", json::Object{{"id", bosText}, {"type_id", type}}}});
      pieces.push_back(json::Object{
          {"Sequence",
           json::Object{{"id", std::string(1, sequence)}, {"type_id", type}}}});
    }
    return pieces;
  };
  os.object([&] {
    os.attribute("version", "1.0");
    os.attribute("truncation", nullptr);
    os.attribute("padding", nullptr);
    os.attributeArray("added_tokens", [&] {
      writeSpecial(bosText, getBosToken(layout));
      writeSpecial(eosText, getEosToken(layout));
    });
    os.attribute("normalizer", nullptr);
    os.attribute(
        "pre_tokenizer",
        json::Object{
            {"type", "Sequence"},
            {"pretokenizers",
             json::Array{json::Object{
                             {"type", "Split"},
                             {"pattern", json::Object{{"Regex", splitPattern}}},
                             {"behavior", "Isolated"},
                             {"invert", false}},
                         makeByteLevel()}}});
    os.attribute(
        "post_processor",
        json::Object{
            {"type", "TemplateProcessing"},
            {"single", makeTemplate("A")},
            {"pair", makeTemplate("AB")},
            {"special_tokens",
             json::Object{
                 {bosText,
                  json::Object{{"id", bosText},
                               {"ids", json::Array{getBosToken(layout)}},
                               {"tokens", json::Array{bosText}}}}}}});
    os.attribute("decoder", makeByteLevel());
    os.attributeObject("model", [&] {
      os.attribute("type", "BPE");
      os.attribute("dropout", nullptr);
      os.attribute("unk_token", nullptr);
      os.attribute("continuing_subword_prefix", nullptr);
      os.attribute("end_of_word_suffix", nullptr);
      os.attribute("fuse_unk", false);
      os.attribute("byte_fallback", false);
      os.attribute("ignore_merges", true);
      os.attributeObject("vocab", [&] {
        for (size_t i = 0; i < tokens.size(); ++i)
          os.attribute(tokens[i].text, int64_t(i));
      });
      os.attributeArray("merges", [&] {
        for (const Token &token : tokens)
          if (!token.left.empty())
            os.value(token.left + " " + token.right);
      });
    });
  });
  stream << '\n';
}

} // namespace bitnetc::gen
