//===- WeightCache.h - Packed weights of earlier compilations --*- C++ -*-===//
//
// A folder with one file per weight, named after what the weight is made of: a
// hash of the stored bytes it is read from, how they are read, the type it is
// packed to, and this compiler's own executable, so that a change of the
// packing code leaves old entries behind. A file ends with its size and a hash
// of its content; what does not match is made again. Files appear whole or not
// at all.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LINK_WEIGHTCACHE_H
#define BITNETC_LINK_WEIGHTCACHE_H

#include "bitnetc/Link/Link.h"
#include "bitnetc/Support/MappedFile.h"
#include <array>

namespace bitnetc {

/// 128 bits.
using ContentHash = std::array<uint8_t, 16>;

/// Of a text or of a weight; large ones are hashed on all cores.
ContentHash hashContent(llvm::ArrayRef<uint8_t> bytes);

class WeightCache {
public:
  /// Makes the folder if it is not there. When the cache goes, it removes the
  /// entries that were used least recently until the folder has at most
  /// `mostBytes`.
  static llvm::Expected<std::unique_ptr<WeightCache>>
  open(llvm::StringRef folder, uint64_t mostBytes);
  ~WeightCache();

  /// Starts a key: what every entry of this compiler depends on.
  std::string startKey() const;

  /// The entry for `key`, which must have `bytes` bytes, or null. The content
  /// is what getBytes() starts with. A damaged entry is removed.
  std::shared_ptr<MappedFile> find(llvm::StringRef key, uint64_t bytes);

  /// A new entry: write the content to it, then give it back. Null if the
  /// folder cannot be written to: a cache is no reason for failure.
  std::unique_ptr<PendingFile> create(llvm::StringRef key);
  void add(std::unique_ptr<PendingFile> entry);

  /// Of this compilation.
  unsigned found = 0, made = 0, damaged = 0;

private:
  WeightCache(llvm::StringRef folder, uint64_t mostBytes)
      : folder(folder), mostBytes(mostBytes) {}
  std::string getPath(llvm::StringRef key) const;
  void prune();

  const std::string folder;
  const uint64_t mostBytes;
  std::string compiler; // hash of the executable
};

} // namespace bitnetc

#endif // BITNETC_LINK_WEIGHTCACHE_H
