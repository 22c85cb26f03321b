//===- Checkpoint.cpp - The tensors of a directory, sharded or not --------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Safetensors.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/Json.h"
#include "bitnetc/Support/MappedFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace llvm;

namespace bitnetc {

static constexpr StringLiteral singleFile = "model.safetensors";
static constexpr StringLiteral indexFile = "model.safetensors.index.json";

Expected<StringMap<std::string>> parseShardIndex(StringRef file,
                                                 StringRef text) {
  Expected<json::Object> index = parseJsonObject(file, text);
  if (!index)
    return index.takeError();
  JsonReader reader(*index, file.str());
  Expected<const json::Object *> map = reader.getObject("weight_map");
  if (!map)
    return map.takeError();
  if (!*map)
    return reader.error("weight_map", "is missing");
  StringMap<std::string> result;
  for (const auto &[name, value] : **map) {
    std::optional<StringRef> shard = value.getAsString();
    // Nothing outside of the directory is opened, whatever the index says.
    if (!shard || shard->empty() ||
        shard->find_first_of("/\\") != StringRef::npos || *shard == "." ||
        *shard == ".." || shard->contains('\0'))
      return reader.error("weight_map", "tensor '" + StringRef(name) +
                                            "': expected the name of a file "
                                            "beside the index, but got " +
                                            describe(value));
    result[StringRef(name)] = shard->str();
  }
  return result;
}

/// Says what the directory has instead of safetensors.
static Error explainMissing(StringRef directory) {
  std::error_code error;
  bool pickle = false, gguf = false, shards = false;
  for (sys::fs::directory_iterator it(directory, error), end;
       it != end && !error; it.increment(error)) {
    StringRef name = sys::path::filename(it->path());
    pickle |= name.starts_with("pytorch_model") && name.ends_with(".bin");
    gguf |= name.ends_with(".gguf");
    shards |= name.ends_with(".safetensors");
  }
  std::string message =
      ("expected '" + singleFile + "' or '" + indexFile + "', but got ").str();
  if (shards)
    message += "other .safetensors files only; the index is missing";
  else if (pickle)
    message += "only PyTorch .bin files, which are programs and are not "
               "opened; load the model in transformers and save it with "
               "save_pretrained(..., safe_serialization=True)";
  else if (gguf)
    message += "only .gguf files; use the directory of the original "
               "Hugging Face checkpoint";
  else
    message += "neither; is the download complete?";
  return makeFileError(directory, message);
}

Error Checkpoint::add(StringRef filePath) {
  Expected<std::shared_ptr<MappedFile>> file = MappedFile::open(filePath);
  if (!file)
    return file.takeError();
  Expected<std::vector<StoredTensor>> parsed =
      parseSafetensors(filePath, (*file)->getBytes());
  if (!parsed)
    return parsed.takeError();
  for (StoredTensor &tensor : *parsed) {
    auto [it, inserted] = byName.try_emplace(tensor.name, tensors.size());
    if (!inserted)
      return makeFileError(filePath, "tensor '" + tensor.name +
                                         "': is also in " +
                                         tensors[it->second].file);
    tensors.push_back(std::move(tensor));
  }
  files.push_back(std::move(*file));
  return Error::success();
}

Expected<Checkpoint> Checkpoint::open(StringRef directory) {
  Checkpoint checkpoint;
  SmallString<256> single(directory), index(directory);
  sys::path::append(single, singleFile);
  sys::path::append(index, indexFile);
  // The order of transformers: the single file wins.
  if (sys::fs::exists(single)) {
    checkpoint.path = single.str().str();
    if (Error error = checkpoint.add(single))
      return std::move(error);
    return checkpoint;
  }
  if (!sys::fs::exists(index))
    return explainMissing(directory);

  checkpoint.path = index.str().str();
  ErrorOr<std::unique_ptr<MemoryBuffer>> text = MemoryBuffer::getFile(index);
  if (!text)
    return makeFileError(index, "cannot be read: " + text.getError().message());
  Expected<StringMap<std::string>> map =
      parseShardIndex(index, (*text)->getBuffer());
  if (!map)
    return map.takeError();
  std::set<std::string> shards;
  for (const auto &entry : *map)
    shards.insert(entry.second);
  for (const std::string &shard : shards) {
    SmallString<256> path(directory);
    sys::path::append(path, shard);
    if (!sys::fs::exists(path))
      return makeFileError(index, "names the file '" + shard +
                                      "', which is missing; download it");
    if (Error error = checkpoint.add(path))
      return std::move(error);
  }
  // A stale index beside new shards, or the reverse, must not go unnoticed.
  for (const auto &entry : *map) {
    const StoredTensor *tensor = checkpoint.find(entry.first());
    if (!tensor || sys::path::filename(tensor->file) != entry.second)
      return makeFileError(index, "tensor '" + entry.first() +
                                      "': expected in '" + entry.second +
                                      "', but it is not there");
  }
  for (const StoredTensor &tensor : checkpoint.tensors)
    if (!map->count(tensor.name))
      return makeFileError(tensor.file, "tensor '" + tensor.name +
                                            "': is not in the index " + index);
  return checkpoint;
}

const StoredTensor *Checkpoint::find(StringRef name) const {
  auto it = byName.find(name);
  return it == byName.end() ? nullptr : &tensors[it->second];
}

} // namespace bitnetc
