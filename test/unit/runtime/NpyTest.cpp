//===- NpyTest.cpp - Tests of the NumPy writer --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "npy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace bitnet;

namespace {

class Npy : public testing::Test {
protected:
  void SetUp() override {
    char name[] = "/tmp/bitnet-npy-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
    path = folder + "/a.npy";
  }
  void TearDown() override {
    unlink(path.c_str());
    rmdir(folder.c_str());
  }
  std::vector<std::string> files() {
    std::vector<std::string> names;
    DIR *dir = opendir(folder.c_str());
    while (dirent *entry = readdir(dir))
      if (entry->d_name[0] != '.')
        names.push_back(entry->d_name);
    closedir(dir);
    return names;
  }
  std::string content() {
    std::string text(1 << 16, '\0');
    FILE *file = fopen(path.c_str(), "r");
    text.resize(fread(&text[0], 1, text.size(), file));
    fclose(file);
    return text;
  }
  std::string folder, path;
};

TEST_F(Npy, HeaderAndValues) {
  NpyWriter writer;
  ASSERT_FALSE(writer.open(path, 3, 2));
  EXPECT_EQ(files().size(), 1u);
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "visible before it is whole";
  float values[] = {1, 2, 3, 4, 5, 6};
  ASSERT_FALSE(writer.append(values, 1));
  ASSERT_FALSE(writer.append(values + 2, 2));
  ASSERT_FALSE(writer.close());
  std::string text = content();
  std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
  EXPECT_EQ(text.substr(0, 8), std::string("\x93NUMPY\x01\0", 8));
  size_t length = (unsigned char)text[8] + 256 * (unsigned char)text[9];
  EXPECT_EQ((10 + length) % 64, 0u);
  EXPECT_EQ(text.substr(10, header.size()), header);
  EXPECT_EQ(text[10 + length - 1], '\n');
  ASSERT_EQ(text.size(), 10 + length + sizeof(values));
  EXPECT_EQ(memcmp(&text[10 + length], values, sizeof(values)), 0);
  EXPECT_EQ(files(), std::vector<std::string>{"a.npy"});
}

TEST_F(Npy, AlignedForEveryHeaderLength) {
  for (uint64_t columns = 1, rows = 0; columns < 10000000000; columns *= 10) {
    NpyWriter writer;
    ASSERT_FALSE(writer.open(path, rows, columns));
    ASSERT_FALSE(writer.close());
    EXPECT_EQ(content().size() % 64, 0u) << columns;
  }
}

TEST_F(Npy, UnfinishedFileLeavesNothing) {
  float values[] = {1, 2};
  {
    NpyWriter writer;
    ASSERT_FALSE(writer.open(path, 2, 2));
    ASSERT_FALSE(writer.append(values, 1));
  }
  EXPECT_TRUE(files().empty());
  NpyWriter writer;
  ASSERT_FALSE(writer.open(path, 2, 2));
  ASSERT_FALSE(writer.append(values, 1));
  EXPECT_TRUE(bool(writer.close()));
  EXPECT_TRUE(files().empty());
}

TEST_F(Npy, FailureKeepsTheOldFile) {
  FILE *old = fopen(path.c_str(), "w");
  fputs("old", old);
  fclose(old);
  {
    NpyWriter writer;
    ASSERT_FALSE(writer.open(path, 1, 1));
  }
  EXPECT_EQ(content(), "old");
}

TEST_F(Npy, TooManyRows) {
  float values[] = {1, 2};
  NpyWriter writer;
  ASSERT_FALSE(writer.open(path, 1, 1));
  EXPECT_TRUE(bool(writer.append(values, 2)));
}

TEST(NpyDevice, FullDiskIsAnError) {
  NpyWriter writer;
  ASSERT_FALSE(writer.open("/dev/full", 1, 1));
  float value = 1;
  Error error = writer.append(&value, 1);
  if (!error)
    error = writer.close();
  EXPECT_NE(error.message().find("/dev/full: cannot write"), std::string::npos)
      << error.message();
  struct stat status;
  ASSERT_EQ(stat("/dev/full", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

} // namespace
