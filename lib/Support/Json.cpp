//===- Json.cpp - JSON files of models ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Support/Json.h"
#include "bitnetc/Support/Error.h"
#include <cmath>

using namespace llvm;

namespace bitnetc {

/// Deepest nesting accepted. The deepest real file, tokenizer.json, needs 6.
static constexpr unsigned maxDepth = 64;
/// Most values accepted in one file: a 70B model's header has 20 thousand.
static constexpr uint64_t maxValues = 4'000'000;

JsonExtent measureJson(StringRef text) {
  JsonExtent extent;
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
      continue;
    }
    if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      ++extent.values;
      extent.depth = std::max(extent.depth, ++depth);
    } else if (c == '}' || c == ']') {
      if (depth > 0)
        --depth;
    } else if (c == ',') {
      ++extent.values;
    }
  }
  return extent;
}

/// Checks nesting and number of values.
static Error checkBounds(StringRef file, StringRef text) {
  JsonExtent extent = measureJson(text);
  if (extent.depth > maxDepth)
    return makeFileError(file, "broken JSON: nested deeper than " +
                                   Twine(maxDepth) + " levels");
  if (extent.values > maxValues)
    return makeFileError(file, "broken JSON: more than " + Twine(maxValues) +
                                   " values");
  return Error::success();
}

Expected<json::Object> parseJsonObject(StringRef file, StringRef text) {
  if (Error error = checkBounds(file, text))
    return std::move(error);
  // Editors on Windows prepend a byte order mark.
  text.consume_front("\xEF\xBB\xBF");
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return makeFileError(file, "broken JSON: " + toString(value.takeError()));
  if (json::Object *object = value->getAsObject())
    return std::move(*object);
  return makeFileError(file,
                       "expected a JSON object, but got " + describe(*value));
}

std::string describe(const json::Value &value) {
  if (value.getAsObject())
    return "an object";
  if (const json::Array *array = value.getAsArray())
    return ("an array of " + Twine(array->size())).str();
  std::string text;
  raw_string_ostream(text) << value;
  if (text.size() > 60)
    text = text.substr(0, 57) + "...";
  return text;
}

const json::Value *JsonReader::find(StringRef key) const {
  const json::Value *value = object.get(key);
  return value && value->kind() != json::Value::Null ? value : nullptr;
}

Error JsonReader::error(StringRef key, const Twine &message) const {
  return makeFileError(file, "'" + prefix + key + "': " + message);
}

Error JsonReader::wrongType(StringRef key, StringRef expected) const {
  return error(key,
               "expected " + expected + ", but got " + describe(*find(key)));
}

Expected<std::optional<int64_t>> JsonReader::getInteger(StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  if (std::optional<int64_t> integer = value->getAsInteger())
    return integer;
  return wrongType(key, "an integer");
}

Expected<std::optional<double>> JsonReader::getNumber(StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  // 1e999 parses as infinity.
  std::optional<double> number = value->getAsNumber();
  if (number && std::isfinite(*number))
    return number;
  return wrongType(key, "a finite number");
}

Expected<std::optional<bool>> JsonReader::getBool(StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  if (std::optional<bool> boolean = value->getAsBoolean())
    return boolean;
  return wrongType(key, "true or false");
}

Expected<std::optional<StringRef>> JsonReader::getString(StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  if (std::optional<StringRef> string = value->getAsString())
    return string;
  return wrongType(key, "a string");
}

Expected<const json::Object *> JsonReader::getObject(StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return nullptr;
  if (const json::Object *object = value->getAsObject())
    return object;
  return wrongType(key, "an object");
}

Expected<const json::Array *> JsonReader::getArray(StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return nullptr;
  if (const json::Array *array = value->getAsArray())
    return array;
  return wrongType(key, "an array");
}

} // namespace bitnetc
