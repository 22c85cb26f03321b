//===- Json.h - Reading tokenizer files with named errors -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_IMPORT_TOKENIZER_JSON_H
#define BITNETC_LIB_IMPORT_TOKENIZER_JSON_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace bitnetc::tokenizer {

/// Reads a JSON file whose outermost value is an object. Fails if it cannot be
/// read, is not UTF-8 or not JSON, or nests deeper than any tokenizer.
llvm::Expected<llvm::json::Value> readJson(llvm::StringRef path);

/// "'text'", "a number", "an object": for the end of "expected X, but got".
std::string describe(const llvm::json::Value *value);

/// One object of a file, with its place in it for messages: "pre_tokenizer".
/// Getters fail if a value has another type, and give the default if it is
/// absent or null.
class Node {
public:
  Node(llvm::StringRef file, std::string place,
       const llvm::json::Object &object)
      : file(file), place(std::move(place)), object(&object) {}

  llvm::Expected<bool> getBool(llvm::StringRef key, bool otherwise) const;
  llvm::Expected<int64_t> getInteger(llvm::StringRef key,
                                     int64_t otherwise) const;
  llvm::Expected<std::string> getString(llvm::StringRef key,
                                        llvm::StringRef otherwise = "") const;
  /// The object `key`, which must be there.
  llvm::Expected<Node> getNode(llvm::StringRef key) const;
  /// The array `key`, which must be there.
  llvm::Expected<const llvm::json::Array *> getArray(llvm::StringRef key) const;
  /// The value, or nullptr if it is absent or null.
  const llvm::json::Value *find(llvm::StringRef key) const;

  /// "FILE: PLACE.KEY: expected EXPECTED, but got ...".
  llvm::Error error(llvm::StringRef key, const llvm::Twine &expected) const;
  /// "FILE: PLACE: MESSAGE".
  llvm::Error error(const llvm::Twine &message) const;

  llvm::StringRef file;
  std::string place; // empty: the file's outermost object
  const llvm::json::Object *object;

private:
  std::string at(llvm::StringRef key) const;
};

/// The steps behind `key`: none if it is absent or null, those of a `Sequence`
/// in their order (its array is `listKey`), else the object itself. Every one
/// has a string "type".
llvm::Expected<std::vector<Node>>
getSteps(const Node &parent, llvm::StringRef key, llvm::StringRef listKey);

} // namespace bitnetc::tokenizer

#endif // BITNETC_LIB_IMPORT_TOKENIZER_JSON_H
