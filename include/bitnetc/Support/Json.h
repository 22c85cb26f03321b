//===- Json.h - JSON files of models, parsed safely ------------*- C++ -*-===//
//
// Wraps llvm::json for files that come from outside. llvm::json recurses for
// every nested value and so overflows the stack on "[[[[...", and turns each
// byte into up to tens of bytes of tree; both are bounded here beforehand.
// Of duplicate keys the last one counts, as in Python: HF1BitLLM's config.json
// has `quantization_config` twice.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_SUPPORT_JSON_H
#define BITNETC_SUPPORT_JSON_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>

namespace bitnetc {

/// How deep brackets outside of strings nest in a text, and how many values it
/// has if it is JSON. Nothing is built; the text need not be valid.
struct JsonExtent {
  unsigned depth = 0;
  uint64_t values = 1;
};
JsonExtent measureJson(llvm::StringRef text);

/// Parses `text`, which must be one JSON object. `file` is for messages.
llvm::Expected<llvm::json::Object> parseJsonObject(llvm::StringRef file,
                                                   llvm::StringRef text);

/// Typed access to the members of an object. A member that is absent or null
/// gives nullopt; one of another type is an error that names file and key.
class JsonReader {
public:
  /// `prefix` precedes keys in messages: "rope_scaling." for a nested object.
  JsonReader(const llvm::json::Object &object, std::string file,
             std::string prefix = "")
      : object(object), file(std::move(file)), prefix(std::move(prefix)) {}

  llvm::Expected<std::optional<int64_t>> getInteger(llvm::StringRef key) const;
  llvm::Expected<std::optional<double>> getNumber(llvm::StringRef key) const;
  llvm::Expected<std::optional<bool>> getBool(llvm::StringRef key) const;
  llvm::Expected<std::optional<llvm::StringRef>>
  getString(llvm::StringRef key) const;
  /// Null if the key is absent or null.
  llvm::Expected<const llvm::json::Object *>
  getObject(llvm::StringRef key) const;
  llvm::Expected<const llvm::json::Array *> getArray(llvm::StringRef key) const;

  /// A reader of `object`, the value of member `key`; messages name both.
  JsonReader nested(llvm::StringRef key,
                    const llvm::json::Object &object) const {
    return JsonReader(object, file, prefix + key.str() + ".");
  }

  /// "FILE: 'PREFIX KEY': MESSAGE".
  llvm::Error error(llvm::StringRef key, const llvm::Twine &message) const;

  /// The member, or null if it is absent or null.
  const llvm::json::Value *find(llvm::StringRef key) const;

private:
  llvm::Error wrongType(llvm::StringRef key, llvm::StringRef expected) const;

  const llvm::json::Object &object;
  const std::string file, prefix;
};

/// The value for messages: compact, at most some 60 characters.
std::string describe(const llvm::json::Value &value);

} // namespace bitnetc

#endif // BITNETC_SUPPORT_JSON_H
