//===- Safetensors.h - The safetensors file format -------------*- C++ -*-===//
//
// 8 bytes little-endian length, that many bytes of JSON {name: {dtype, shape,
// data_offsets}}, then the data. The format's rules are enforced as its
// reference implementation does: offsets in order, no overlap, no hole, the
// data ends where the file ends. Whatever passes can be read without a check.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_IMPORT_SAFETENSORS_H
#define BITNETC_IMPORT_SAFETENSORS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace bitnetc {

class MappedFile;

/// One tensor of a file. `data` lies in the file's bytes and is not aligned.
struct StoredTensor {
  std::string name;
  std::string dtype; // as written: "BF16"
  std::vector<int64_t> shape;
  const uint8_t *data = nullptr;
  uint64_t bytes = 0; // product of shape times size of dtype
  std::string file;   // for messages

  /// "BF16 [2560, 6912]".
  std::string describe() const;
};

/// Parses a whole safetensors file. `file` is for messages. The tensors come
/// in the order of their data and point into `content`.
llvm::Expected<std::vector<StoredTensor>>
parseSafetensors(llvm::StringRef file, llvm::ArrayRef<uint8_t> content);

/// Parses model.safetensors.index.json: tensor name -> file name. File names
/// with a directory part are refused.
llvm::Expected<llvm::StringMap<std::string>>
parseShardIndex(llvm::StringRef file, llvm::StringRef text);

/// The tensors of a checkpoint directory, from one file or from shards.
class Checkpoint {
public:
  /// Opens model.safetensors or, if there is none, the files that
  /// model.safetensors.index.json names. Index and shards must agree.
  static llvm::Expected<Checkpoint> open(llvm::StringRef directory);

  /// Null if there is no such tensor.
  const StoredTensor *find(llvm::StringRef name) const;
  const std::vector<StoredTensor> &getTensors() const { return tensors; }
  /// What messages about missing tensors name: the file, or the index.
  const std::string &getPath() const { return path; }
  /// Keeps all mappings alive.
  const std::vector<std::shared_ptr<MappedFile>> &getFiles() const {
    return files;
  }

private:
  llvm::Error add(llvm::StringRef filePath);

  std::string path;
  std::vector<std::shared_ptr<MappedFile>> files;
  std::vector<StoredTensor> tensors;
  llvm::StringMap<size_t> byName;
};

} // namespace bitnetc

#endif // BITNETC_IMPORT_SAFETENSORS_H
