//===- Json.cpp - Reading tokenizer files with named errors ---------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Json.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/Json.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace llvm;

// LLVM's parser recurses without a limit; tokenizer files nest five deep.
constexpr unsigned maxDepth = 64;

Expected<json::Value> tokenizer::readJson(StringRef path) {
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false,
                                    /*RequiresNullTerminator=*/false);
  if (!file)
    return makeFileError(
        path, "tokenizer: expected a readable file, but got '" +
                  file.getError().message() +
                  "'; save the tokenizer as tokenizer.json into the model's "
                  "folder (save_pretrained of a fast tokenizer writes it)");
  StringRef text = (*file)->getBuffer();
  if (measureJson(text).depth > maxDepth)
    return makeFileError(path, "JSON: expected at most " + Twine(maxDepth) +
                                   " nested brackets, but got more");
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return makeFileError(path, "JSON: " + toString(value.takeError()));
  if (!value->getAsObject())
    return makeFileError(path, "JSON: expected an object, but got " +
                                   describe(&*value));
  return value;
}

std::string tokenizer::describe(const json::Value *value) {
  if (!value)
    return "nothing";
  switch (value->kind()) {
  case json::Value::Null:
    return "null";
  case json::Value::Boolean:
    return *value->getAsBoolean() ? "true" : "false";
  case json::Value::Number:
    return formatv("the number {0}", *value).str();
  case json::Value::String:
    return ("'" + *value->getAsString() + "'").str();
  case json::Value::Array:
    return "an array";
  case json::Value::Object:
    if (auto type = value->getAsObject()->getString("type"))
      return ("'" + *type + "'").str();
    return "an object";
  }
  llvm_unreachable("all kinds of JSON values are handled");
}

std::string Node::at(StringRef key) const {
  return place.empty() ? key.str() : (place + "." + key).str();
}

Error Node::error(StringRef key, const Twine &expected) const {
  return makeFileError(file, at(key) + ": expected " + expected + ", but got " +
                                 describe(object->get(key)));
}

Error Node::error(const Twine &message) const {
  return makeFileError(file, (place.empty() ? "" : place + ": ") + message);
}

const json::Value *Node::find(StringRef key) const {
  const json::Value *value = object->get(key);
  return value && !value->getAsNull() ? value : nullptr;
}

Expected<bool> Node::getBool(StringRef key, bool otherwise) const {
  const json::Value *value = find(key);
  if (!value)
    return otherwise;
  if (auto result = value->getAsBoolean())
    return *result;
  return error(key, "true or false");
}

Expected<int64_t> Node::getInteger(StringRef key, int64_t otherwise) const {
  const json::Value *value = find(key);
  if (!value)
    return otherwise;
  if (auto result = value->getAsInteger())
    return *result;
  return error(key, "an integer");
}

Expected<std::string> Node::getString(StringRef key,
                                      StringRef otherwise) const {
  const json::Value *value = find(key);
  if (!value)
    return otherwise.str();
  if (auto result = value->getAsString())
    return result->str();
  return error(key, "a string");
}

Expected<Node> Node::getNode(StringRef key) const {
  const json::Value *value = find(key);
  if (const json::Object *result = value ? value->getAsObject() : nullptr)
    return Node(file, at(key), *result);
  return error(key, "an object");
}

Expected<const json::Array *> Node::getArray(StringRef key) const {
  const json::Value *value = find(key);
  if (const json::Array *result = value ? value->getAsArray() : nullptr)
    return result;
  return error(key, "an array");
}

/// Appends the steps below `node`, one itself or those of a sequence.
static Error flatten(const Node &node, StringRef listKey,
                     std::vector<Node> &steps) {
  auto type = node.getString("type");
  if (!type)
    return type.takeError();
  if (type->empty())
    return node.error("type", "the name of a kind");
  if (*type != "Sequence") {
    steps.push_back(node);
    return Error::success();
  }
  auto list = node.getArray(listKey);
  if (!list)
    return list.takeError();
  for (const json::Value &value : **list) {
    const json::Object *object = value.getAsObject();
    if (!object)
      return node.error(listKey + ": expected objects, but got " +
                        describe(&value));
    if (Error error = flatten({node.file, node.place, *object}, listKey, steps))
      return error;
  }
  return Error::success();
}

Expected<std::vector<Node>>
tokenizer::getSteps(const Node &parent, StringRef key, StringRef listKey) {
  std::vector<Node> steps;
  if (!parent.find(key))
    return steps;
  auto node = parent.getNode(key);
  if (!node)
    return node.takeError();
  if (Error error = flatten(*node, listKey, steps))
    return std::move(error);
  return steps;
}
