//===- WeightCache.cpp - Packed weights of earlier compilations -----------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Link/WeightCache.h"
#include "bitnetc/Support/Error.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Chrono.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;
using namespace bitnetc;

/// Bytes that are hashed at a time.
static constexpr uint64_t kBlockBytes = 1 << 20;
static constexpr StringLiteral kSuffix = ".weight";

namespace {

/// The end of a file.
struct Trailer {
  char magic[8] = {'B', 'N', 'W', 'E', 'I', 'G', 'H', '\1'};
  uint64_t bytes = 0;
  ContentHash hash = {};
};

} // namespace

ContentHash bitnetc::hashContent(ArrayRef<uint8_t> bytes) {
  auto hash = [](ArrayRef<uint8_t> part) {
    XXH128_hash_t value = xxh3_128bits(part);
    ContentHash result;
    memcpy(result.data(), &value.low64, 8);
    memcpy(result.data() + 8, &value.high64, 8);
    return result;
  };
  if (bytes.size() <= kBlockBytes)
    return hash(bytes);
  std::vector<ContentHash> blocks(divideCeil(bytes.size(), kBlockBytes));
  parallelFor(0, blocks.size(), [&](size_t i) {
    ArrayRef<uint8_t> rest = bytes.drop_front(i * kBlockBytes);
    blocks[i] = hash(rest.take_front(std::min(kBlockBytes, rest.size())));
  });
  return hash({blocks.front().data(), blocks.size() * sizeof(ContentHash)});
}

Expected<std::unique_ptr<WeightCache>> WeightCache::open(StringRef folder,
                                                         uint64_t mostBytes) {
  if (std::error_code error = sys::fs::create_directories(folder))
    return makeFileError(folder,
                         "cannot make the weight cache: " + error.message());
  std::unique_ptr<WeightCache> cache(new WeightCache(folder, mostBytes));
  auto self = MappedFile::open(sys::fs::getMainExecutable(
      nullptr, reinterpret_cast<void *>(&hashContent)));
  if (!self)
    return self.takeError();
  cache->compiler = toHex(hashContent((*self)->getBytes()));
  return std::move(cache);
}

std::string WeightCache::startKey() const { return compiler; }

std::string WeightCache::getPath(StringRef key) const {
  SmallString<128> path(folder);
  sys::path::append(path, toHex(hashContent(arrayRefFromStringRef(key)),
                                /*LowerCase=*/true) +
                              kSuffix);
  return path.str().str();
}

std::shared_ptr<MappedFile> WeightCache::find(StringRef key, uint64_t bytes) {
  std::string path = getPath(key);
  if (!sys::fs::exists(path))
    return nullptr;
  auto file = MappedFile::open(path);
  if (!file)
    consumeError(file.takeError());
  Trailer trailer, expected;
  if (file && (*file)->getBytes().size() == bytes + sizeof(Trailer)) {
    memcpy(&trailer, (*file)->getBytes().data() + bytes, sizeof(Trailer));
    expected.bytes = bytes;
    expected.hash = hashContent((*file)->getBytes().take_front(bytes));
    if (memcmp(&trailer, &expected, sizeof(Trailer)) == 0) {
      ++found;
      // The time of the last use decides what is removed first.
      int descriptor;
      if (!sys::fs::openFileForReadWrite(
              path, descriptor, sys::fs::CD_OpenExisting, sys::fs::OF_None)) {
        sys::fs::setLastAccessAndModificationTime(
            descriptor, std::chrono::system_clock::now());
        sys::Process::SafelyCloseFileDescriptor(descriptor);
      }
      return std::move(*file);
    }
  }
  ++damaged;
  sys::fs::remove(path);
  return nullptr;
}

std::unique_ptr<PendingFile> WeightCache::create(StringRef key) {
  auto file = PendingFile::create(getPath(key), /*executable=*/false);
  if (file)
    return std::move(*file);
  consumeError(file.takeError());
  return nullptr;
}

void WeightCache::add(std::unique_ptr<PendingFile> entry) {
  auto finish = [&]() -> Error {
    if (Error error = entry->flush())
      return error;
    auto content = MappedFile::open(entry->getTemporaryPath());
    if (!content)
      return content.takeError();
    Trailer trailer;
    trailer.bytes = (*content)->getBytes().size();
    trailer.hash = hashContent((*content)->getBytes());
    entry->os().write(reinterpret_cast<const char *>(&trailer),
                      sizeof(trailer));
    return entry->commit();
  };
  if (Error error = finish())
    consumeError(std::move(error));
  else
    ++made;
}

WeightCache::~WeightCache() { prune(); }

void WeightCache::prune() {
  struct Entry {
    std::string path;
    sys::TimePoint<> used;
    uint64_t bytes;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code error;
  for (sys::fs::directory_iterator at(folder, error), end; at != end && !error;
       at.increment(error)) {
    sys::fs::file_status status;
    if (!StringRef(at->path()).ends_with(kSuffix) ||
        sys::fs::status(at->path(), status))
      continue;
    entries.push_back(
        {at->path(), status.getLastModificationTime(), status.getSize()});
    total += status.getSize();
  }
  llvm::sort(entries,
             [](const Entry &a, const Entry &b) { return a.used < b.used; });
  for (const Entry &entry : entries) {
    if (total <= mostBytes)
      return;
    sys::fs::remove(entry.path);
    total -= entry.bytes;
  }
}
