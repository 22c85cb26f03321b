//===- Pipeline.cpp - normalizer, pre_tokenizer, decoder, post_processor --===//
//
// Each is null, one step or a sequence of steps. A step of unknown kind, or
// with an option whose effect is not implemented, is an error that names it.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Patterns.h"
#include "TokenizerModel.h"
#include "UnicodeTables.h"

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace bitnet::tokfmt;
using namespace llvm;

constexpr StringRef metaspace = "\xe2\x96\x81"; // U+2581, for a space

static StringRef getKind(const Node &node) {
  return *node.object->getString("type"); // getSteps() has checked it
}

/// pattern: {"String": TEXT} with a text that is not empty.
static Expected<std::string> getLiteral(const Node &node) {
  auto pattern = node.getNode("pattern");
  if (!pattern)
    return pattern.takeError();
  auto text = pattern->getString("String");
  if (text && text->empty())
    return pattern->error("String", "a text to look for; regular expressions "
                                    "are not supported here");
  return text;
}

/// A replacement of one text by another, as normalizer or decoder.
static Error readReplace(const Node &node, uint32_t kind,
                         std::vector<StepText> &out) {
  auto from = getLiteral(node);
  if (!from)
    return from.takeError();
  auto to = node.getString("content");
  if (!to)
    return to.takeError();
  out.push_back({kind, 0, *from, *to});
  return Error::success();
}

//===----------------------------------------------------------------------===//
// normalizer
//===----------------------------------------------------------------------===//

static Error readNormalizer(const Node &node, TokenizerModel &out) {
  StringRef kind = getKind(node);
  if (kind == "NFC") {
    out.normalizers.push_back({Nfc, 0, "", ""});
    return Error::success();
  }
  if (kind == "Replace")
    return readReplace(node, Replace, out.normalizers);
  if (kind == "Prepend") {
    auto text = node.getString("prepend");
    if (!text)
      return text.takeError();
    out.normalizers.push_back({Prepend, 0, *text, ""});
    return Error::success();
  }
  return node.error("type", "'NFC', 'Replace' or 'Prepend'");
}

std::string tokenizer::normalize(const TokenizerModel &model, StringRef text) {
  std::string result = text.str();
  for (const StepText &step : model.normalizers) {
    if (step.kind == Prepend) {
      if (!result.empty())
        result = step.a + result;
    } else if (step.kind == Nfc) {
      result = toNfc(result);
    } else {
      for (size_t at = 0; (at = result.find(step.a, at)) != std::string::npos;
           at += step.b.size())
        result.replace(at, step.a.size(), step.b);
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// pre_tokenizer
//===----------------------------------------------------------------------===//

namespace {

/// Turns the steps of a pre_tokenizer into splitters.
class SplitterReader {
public:
  explicit SplitterReader(TokenizerModel &out) : out(out) {}

  Error read(const Node &node) {
    StringRef kind = getKind(node);
    if (kind == "ByteLevel")
      return readByteLevel(node);
    if (kind == "Split")
      return readSplit(node);
    if (kind == "Digits")
      return readDigits(node);
    if (kind == "Punctuation")
      return readPunctuation(node);
    if (kind == "Metaspace")
      return readMetaspace(node);
    return node.error("type", "'ByteLevel', 'Split', 'Digits', 'Punctuation' "
                              "or 'Metaspace'");
  }

private:
  bool isByteLevel() const { return out.flags & ByteLevel; }

  void add(uint32_t kind, uint32_t argument = 0, StringRef a = "",
           StringRef b = "") {
    out.splitters.push_back({kind, argument, a.str(), b.str()});
  }

  /// Edits of the text must come before anything that cuts it.
  Error checkFirst(const Node &node, StringRef key) const {
    for (const StepText &step : out.splitters)
      if (step.kind != EditReplace && step.kind != EditPrepend)
        return node.error(key, "an option that leaves the text as it is after "
                               "a step that cuts it");
    return Error::success();
  }
  Error checkBeforeBytes(const Node &node) const {
    if (isByteLevel())
      return node.error("type", "'Digits' after 'ByteLevel'");
    return Error::success();
  }

  Error readByteLevel(const Node &node) {
    if (Error error = checkBeforeBytes(node))
      return error;
    auto prefix = node.getBool("add_prefix_space", true);
    if (!prefix)
      return prefix.takeError();
    if (*prefix) {
      if (Error error = checkFirst(node, "add_prefix_space"))
        return error;
      add(EditPrepend, 0, " ");
    }
    auto cuts = node.getBool("use_regex", true);
    if (!cuts)
      return cuts.takeError();
    if (*cuts)
      add(SplitGpt2);
    out.flags |= ByteLevel;
    return Error::success();
  }

  Error readSplit(const Node &node) {
    auto pattern = node.getNode("pattern");
    if (!pattern)
      return pattern.takeError();
    auto regex = pattern->getString("Regex");
    if (!regex)
      return regex.takeError();
    const Pattern *known = findPattern(*regex);
    if (!known)
      return pattern->error("Regex",
                            "the pattern of GPT-2, Llama-3, Qwen2, Qwen3.5 or "
                            "Falcon; patterns are compared letter by letter");
    if (isByteLevel() && !known->onBytes)
      return pattern->error("Regex", "'[0-9][0-9][0-9]' after 'ByteLevel'");
    auto invert = node.getBool("invert", false);
    if (!invert)
      return invert.takeError();
    StringRef behavior = node.object->getString("behavior").value_or("");
    bool keepsAll = known->coversAll && *invert && behavior == "Removed";
    if (!keepsAll && (behavior != "Isolated" || *invert))
      return node.error("behavior", "'Isolated' without \"invert\"");
    add(known->kind, known->argument);
    return Error::success();
  }

  Error readDigits(const Node &node) {
    auto alone = node.getBool("individual_digits", false);
    if (!alone)
      return alone.takeError();
    add(isByteLevel() ? SplitByteDigits : SplitDigits, *alone);
    return Error::success();
  }

  Error readPunctuation(const Node &node) {
    if (Error error = checkBeforeBytes(node))
      return error;
    if (node.object->getString("behavior") != "Contiguous")
      return node.error("behavior", "'Contiguous'");
    add(SplitPunctuation);
    return Error::success();
  }

  Error readMetaspace(const Node &node) {
    if (Error error = checkBeforeBytes(node))
      return error;
    if (Error error = checkFirst(node, "type"))
      return error;
    auto split = node.getBool("split", true);
    if (!split)
      return split.takeError();
    if (*split)
      return node.error("split", "false");
    auto replacement = node.getString("replacement", metaspace);
    if (!replacement)
      return replacement.takeError();
    // Files before version 0.15 of the library have add_prefix_space.
    auto prefix = node.getBool("add_prefix_space", true);
    if (!prefix)
      return prefix.takeError();
    auto scheme =
        node.getString("prepend_scheme", *prefix ? "always" : "never");
    if (!scheme)
      return scheme.takeError();
    if (*scheme != "always" && *scheme != "first" && *scheme != "never")
      return node.error("prepend_scheme", "'always', 'first' or 'never'");
    add(EditReplace, 0, " ", *replacement);
    if (*scheme != "never")
      add(EditPrepend, *scheme == "first", *replacement);
    return Error::success();
  }

  TokenizerModel &out;
};

} // namespace

//===----------------------------------------------------------------------===//
// decoder
//===----------------------------------------------------------------------===//

/// Reads one step; `isFused` once the tokens have become one text.
static Error readDecoder(const Node &node, bool &isFused, TokenizerModel &out) {
  StringRef kind = getKind(node);
  if (kind == "ByteLevel" && (out.flags & ByteLevel))
    return Error::success(); // the tokens of the blob are bytes already
  if (kind == "ByteFallback") {
    out.flags |= DecodeBytes;
    return Error::success();
  }
  if (kind == "Fuse") {
    isFused = true;
    return Error::success();
  }
  if (kind == "Replace") {
    if (isFused || (out.flags & DecodeBytes))
      return node.error("'Replace': expected it before 'ByteFallback' and "
                        "'Fuse', but got it after them");
    return readReplace(node, DecodeReplace, out.decoders);
  }
  if (kind != "Strip")
    return node.error("type", out.flags & ByteLevel
                                  ? "'ByteLevel'"
                                  : "'Replace', 'ByteFallback', 'Fuse' or "
                                    "'Strip'");
  if (!isFused)
    return node.error("'Strip': expected it after 'Fuse', but got it before");
  auto content = node.getString("content", " ");
  if (!content)
    return content.takeError();
  if (*content != " ")
    return node.error("content", "' '");
  auto stop = node.getInteger("stop", 0);
  if (!stop)
    return stop.takeError();
  if (*stop != 0)
    return node.error("stop", "0");
  auto start = node.getInteger("start", 0);
  if (!start)
    return start.takeError();
  if (*start < 0 || *start > 1024)
    return node.error("start", "a small number of spaces");
  out.decoders.push_back({DecodeStrip, uint32_t(*start), "", ""});
  return Error::success();
}

Error tokenizer::readPipeline(const Node &root, TokenizerModel &out) {
  auto normalizers = getSteps(root, "normalizer", "normalizers");
  if (!normalizers)
    return normalizers.takeError();
  for (const Node &node : *normalizers)
    if (Error error = readNormalizer(node, out))
      return error;

  auto splitters = getSteps(root, "pre_tokenizer", "pretokenizers");
  if (!splitters)
    return splitters.takeError();
  SplitterReader reader(out);
  for (const Node &node : *splitters)
    if (Error error = reader.read(node))
      return error;

  auto decoders = getSteps(root, "decoder", "decoders");
  if (!decoders)
    return decoders.takeError();
  if (decoders->empty())
    return root.error("decoder", "'ByteLevel', or a 'Sequence'");
  bool isFused = false;
  for (const Node &node : *decoders)
    if (Error error = readDecoder(node, isFused, out))
      return error;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// post_processor
//===----------------------------------------------------------------------===//

/// Appends the ids of one special token of a template.
static Error readTemplateToken(const Node &node, StringRef name,
                               const TokenizerModel &model,
                               std::vector<int32_t> &out) {
  auto table = node.getNode("special_tokens");
  if (!table)
    return table.takeError();
  auto entry = table->getNode(name);
  if (!entry)
    return entry.takeError();
  auto ids = entry->getArray("ids");
  if (!ids)
    return ids.takeError();
  for (const json::Value &value : **ids) {
    auto id = value.getAsInteger();
    if (!id || *id < 0 || *id >= int64_t(model.tokens.size()))
      return entry->error("ids: expected ids of the vocabulary, but got " +
                          describe(&value));
    out.push_back(static_cast<int32_t>(*id));
  }
  return Error::success();
}

static Error readTemplate(const Node &node, TokenizerModel &out) {
  auto items = node.getArray("single");
  if (!items)
    return items.takeError();
  std::vector<int32_t> before, after;
  bool textSeen = false;
  for (const json::Value &value : **items) {
    const json::Object *item = value.getAsObject();
    if (item && item->getObject("Sequence") && !textSeen) {
      textSeen = true;
      continue;
    }
    const json::Object *special =
        item ? item->getObject("SpecialToken") : nullptr;
    auto name = special ? special->getString("id") : std::nullopt;
    if (!name)
      return node.error("single: expected special tokens around one "
                        "'Sequence', but got something else");
    if (Error error =
            readTemplateToken(node, *name, out, textSeen ? after : before))
      return error;
  }
  if (!textSeen)
    return node.error("single", "a 'Sequence'");
  out.prefix.insert(out.prefix.begin(), before.begin(), before.end());
  out.suffix.insert(out.suffix.end(), after.begin(), after.end());
  return Error::success();
}

Expected<bool> tokenizer::readPostProcessor(const Node &root,
                                            TokenizerModel &out) {
  auto steps = getSteps(root, "post_processor", "processors");
  if (!steps)
    return steps.takeError();
  bool hasTemplate = false;
  for (const Node &node : *steps) {
    StringRef kind = getKind(node);
    if (kind == "ByteLevel") // only about offsets
      continue;
    if (kind != "TemplateProcessing")
      return node.error("type", "'TemplateProcessing' or 'ByteLevel'");
    if (Error error = readTemplate(node, out))
      return std::move(error);
    hasTemplate = true;
  }
  return hasTemplate;
}
