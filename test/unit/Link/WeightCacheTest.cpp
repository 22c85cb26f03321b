//===- WeightCacheTest.cpp - Entries, damage, the bound on the size -------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Link/WeightCache.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>

using namespace bitnetc;

namespace {

class WeightCacheTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("cache", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::unique_ptr<WeightCache> open(uint64_t mostBytes = 1 << 20) {
    auto cache = WeightCache::open(folder, mostBytes);
    EXPECT_TRUE(bool(cache)) << llvm::toString(cache.takeError());
    return std::move(*cache);
  }
  static void add(WeightCache &cache, llvm::StringRef key,
                  llvm::StringRef content) {
    auto entry = cache.create(key);
    ASSERT_TRUE(entry);
    entry->os() << content;
    cache.add(std::move(entry));
  }
  std::vector<std::string> list() {
    std::vector<std::string> paths;
    std::error_code error;
    for (llvm::sys::fs::directory_iterator at(folder, error), end;
         at != end && !error; at.increment(error))
      paths.push_back(at->path());
    return paths;
  }

  llvm::SmallString<128> folder;
};

TEST_F(WeightCacheTest, GivesBackWhatWasAdded) {
  auto cache = open();
  EXPECT_FALSE(cache->find("a", 5));
  add(*cache, "a", "hello");
  auto found = cache->find("a", 5);
  ASSERT_TRUE(found);
  EXPECT_EQ(llvm::toStringRef(found->getBytes().take_front(5)), "hello");
  EXPECT_FALSE(cache->find("b", 5));
  EXPECT_EQ(cache->made, 1u);
  EXPECT_EQ(cache->found, 1u);
  EXPECT_EQ(cache->damaged, 0u);
  EXPECT_EQ(list().size(), 1u);
  // An entry that is given up leaves nothing behind.
  cache->create("c").reset();
  EXPECT_EQ(list().size(), 1u);
}

TEST_F(WeightCacheTest, NoticesEveryDamage) {
  auto cache = open();
  add(*cache, "a", "hello");
  std::string path = list().at(0);
  std::ifstream in(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  auto put = [&](const std::string &content) {
    std::ofstream(path, std::ios::binary) << content;
  };
  unsigned damaged = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] ^= 4;
    put(changed);
    EXPECT_FALSE(cache->find("a", 5)) << i;
    EXPECT_EQ(cache->damaged, ++damaged);
    EXPECT_TRUE(list().empty());
  }
  for (const std::string &content :
       {std::string(), whole.substr(1), whole + "x"}) {
    put(content);
    EXPECT_FALSE(cache->find("a", 5));
  }
  // As long as a file is right, a caller of another size gets nothing.
  put(whole);
  EXPECT_FALSE(cache->find("a", 4));
}

TEST_F(WeightCacheTest, RemovesWhatWasUsedLeastRecently) {
  std::string kilobyte(1000, 'x');
  auto age = [&](const std::string &path, int seconds) {
    int descriptor;
    ASSERT_FALSE(llvm::sys::fs::openFileForReadWrite(
        path, descriptor, llvm::sys::fs::CD_OpenExisting,
        llvm::sys::fs::OF_None));
    llvm::sys::fs::setLastAccessAndModificationTime(
        descriptor,
        std::chrono::system_clock::now() - std::chrono::seconds(seconds));
    close(descriptor);
  };
  {
    auto cache = open();
    for (const char *key : {"a", "b", "c"})
      add(*cache, key, kilobyte);
    for (const std::string &path : list())
      age(path, 1000);
    ASSERT_TRUE(cache->find("b", 1000)); // now
  }
  EXPECT_EQ(list().size(), 3u);
  open(1500).reset(); // room for one
  ASSERT_EQ(list().size(), 1u);
  auto cache = open();
  EXPECT_TRUE(cache->find("b", 1000));
}

TEST(HashContent, DependsOnEveryByteOfLargeContent) {
  std::vector<uint8_t> bytes(3000001);
  std::iota(bytes.begin(), bytes.end(), 0);
  ContentHash hash = hashContent(bytes);
  EXPECT_EQ(hashContent(bytes), hash);
  for (size_t at : {size_t(0), size_t(1) << 20, bytes.size() - 1}) {
    bytes[at] ^= 1;
    EXPECT_NE(hashContent(bytes), hash) << at;
    bytes[at] ^= 1;
  }
  EXPECT_NE(hashContent(llvm::ArrayRef(bytes).drop_back()), hash);
}

} // namespace
