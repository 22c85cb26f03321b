//===- SupportTest.cpp - Mapped files, progress, JSON ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Support/Json.h"
#include "bitnetc/Support/MappedFile.h"
#include "bitnetc/Support/ProgressBar.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/mman.h>
#include <thread>

using namespace bitnetc;
using namespace llvm;
using testing::EndsWith;
using testing::HasSubstr;

namespace {

/// A temporary file with this content.
class TemporaryFile {
public:
  explicit TemporaryFile(StringRef content) {
    int descriptor;
    EXPECT_FALSE(
        sys::fs::createTemporaryFile("support", "bin", descriptor, path));
    raw_fd_ostream(descriptor, /*shouldClose=*/true) << content;
  }
  ~TemporaryFile() { (void)sys::fs::remove(path); }
  SmallString<128> path;
};

std::string getOpenError(const Twine &path) {
  auto file = MappedFile::open(path);
  if (!file)
    return toString(file.takeError());
  ADD_FAILURE() << "expected an error";
  return "";
}

/// How many pages from `data` on are in this process's page table.
size_t countResident(const uint8_t *data, size_t pages, size_t pageSize) {
  // Bit 63 of an entry of pagemap: the page is present.
  FILE *file = std::fopen("/proc/self/pagemap", "rb");
  EXPECT_NE(file, nullptr);
  size_t present = 0;
  for (size_t i = 0; i < pages; ++i) {
    uint64_t entry = 0;
    uintptr_t address = reinterpret_cast<uintptr_t>(data) + i * pageSize;
    std::fseek(file, long(address / pageSize * sizeof entry), SEEK_SET);
    EXPECT_EQ(std::fread(&entry, sizeof entry, 1, file), 1u);
    present += entry >> 63;
  }
  std::fclose(file);
  return present;
}

} // namespace

TEST(MappedFile, ReadsAndRefuses) {
  TemporaryFile temporary("content"), empty("");
  auto file = MappedFile::open(temporary.path);
  ASSERT_TRUE(bool(file)) << toString(file.takeError());
  EXPECT_EQ(toStringRef((*file)->getBytes()), "content");
  EXPECT_EQ((*file)->getPath(), temporary.path);
  EXPECT_THAT(getOpenError(empty.path), HasSubstr("the file is empty"));
  EXPECT_EQ(getOpenError("/dev/null"), "/dev/null: expected a regular file");
  EXPECT_THAT(getOpenError(temporary.path + ".none"),
              EndsWith("cannot be read: No such file or directory"));
}

TEST(MappedFile, ReleasedPagesLeaveAndComeBack) {
  size_t page = sys::Process::getPageSizeEstimate();
  std::string content(64 * page, 'x');
  TemporaryFile temporary(content);
  auto file = MappedFile::open(temporary.path);
  ASSERT_TRUE(bool(file)) << toString(file.takeError());
  const uint8_t *data = (*file)->getBytes().data();
  volatile uint8_t sink = 0;
  for (size_t i = 0; i < content.size(); i += page)
    sink = sink ^ data[i];
  EXPECT_EQ(countResident(data, 64, page), 64u);
  // The page that the range ends in stays.
  releasePages(data, 32 * page + 1);
  EXPECT_EQ(countResident(data, 32, page), 0u);
  EXPECT_EQ(countResident(data + 32 * page, 32, page), 32u);
  EXPECT_EQ(toStringRef((*file)->getBytes()), content);
}

TEST(ProgressBar, FormatsBytes) {
  EXPECT_EQ(formatBytes(0), "0 B");
  EXPECT_EQ(formatBytes(999), "999 B");
  EXPECT_EQ(formatBytes(1000), "1.0 kB");
  EXPECT_EQ(formatBytes(999'940), "999.9 kB");
  EXPECT_EQ(formatBytes(999'960), "1.0 MB");
  EXPECT_EQ(formatBytes(1'234'567'890), "1.2 GB");
}

TEST(ProgressBar, DrawsRarelyAndCleansUp) {
  std::string text;
  raw_string_ostream os(text);
  {
    ProgressBar bar(os, "packing", 1000, /*force=*/true);
    for (int i = 0; i < 100; ++i)
      bar.advance(1);
    EXPECT_EQ(text, "") << "nothing is drawn for a job of no time";
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    bar.advance(400);
    EXPECT_THAT(text, HasSubstr("\rpacking  50% [===============>"));
    EXPECT_THAT(text, HasSubstr("] 500 B/1.0 kB  "));
    bar.advance(1);
    EXPECT_EQ(llvm::count(text, '\r'), 1);
  }
  EXPECT_THAT(text, EndsWith(" \r"));
}

TEST(ProgressBar, IsSilentWithoutATerminal) {
  std::string text;
  raw_string_ostream os(text);
  {
    ProgressBar bar(os, "packing", 10);
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    bar.advance(5);
  }
  EXPECT_EQ(text, "");
}

TEST(Json, BracketsInStringsDoNotNest) {
  std::string text =
      "{\"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\":1}";
  auto object = parseJsonObject("f", text);
  ASSERT_TRUE(bool(object)) << toString(object.takeError());
  EXPECT_EQ(object->size(), 1u);
}

TEST(Json, NamesNestedKeys) {
  auto object = parseJsonObject("f", R"({"a":{"b":null,"c":"x"}})");
  ASSERT_TRUE(bool(object));
  JsonReader reader(*object, "f");
  auto inner = reader.getObject("a");
  ASSERT_TRUE(bool(inner));
  JsonReader nested = reader.nested("a", **inner);
  auto absent = nested.getInteger("b");
  ASSERT_TRUE(bool(absent));
  EXPECT_FALSE(absent->has_value()) << "null counts as absent";
  auto wrong = nested.getInteger("c");
  EXPECT_EQ(toString(wrong.takeError()),
            "f: 'a.c': expected an integer, but got \"x\"");
}

TEST(Json, DescriptionsAreShort) {
  EXPECT_LE(describe(json::Value(std::string(1000, 'x'))).size(), 60u);
}
