//===- TestFiles.h - Checkpoints made in memory and on disk ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TEST_UNIT_IMPORT_TESTFILES_H
#define BITNETC_TEST_UNIT_IMPORT_TESTFILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cstring>
#include <string>
#include <vector>

namespace bitnetc::test {

/// The message of a failed Expected; empty, and a test failure, if it is a
/// value.
template <typename T> std::string getError(llvm::Expected<T> result) {
  if (!result)
    return llvm::toString(result.takeError());
  ADD_FAILURE() << "expected an error";
  return "";
}
inline std::string getError(llvm::Error error) {
  if (error)
    return llvm::toString(std::move(error));
  ADD_FAILURE() << "expected an error";
  return "";
}

/// The bytes of values, little-endian as the machine.
template <typename T> std::string bytesOf(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}

/// A safetensors file of this header and data.
inline std::string makeFile(const std::string &header,
                            const std::string &data = "") {
  return bytesOf<uint64_t>({header.size()}) + header + data;
}

/// Builds a safetensors file tensor by tensor.
class FileBuilder {
public:
  FileBuilder &add(const std::string &name, const std::string &dtype,
                   const std::string &shape, const std::string &bytes) {
    header += (header.empty() ? "" : ",");
    header += '"' + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" +
              shape + "],\"data_offsets\":[" + std::to_string(data.size()) +
              "," + std::to_string(data.size() + bytes.size()) + "]}";
    data += bytes;
    return *this;
  }
  std::string build() const { return makeFile("{" + header + "}", data); }

private:
  std::string header, data;
};

inline llvm::ArrayRef<uint8_t> asBytes(const std::string &text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

/// A directory that is removed at the end of the test.
class TemporaryDirectory {
public:
  TemporaryDirectory() {
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("bitnet-import", path));
  }
  ~TemporaryDirectory() { (void)llvm::sys::fs::remove_directories(path); }
  void write(llvm::StringRef name, llvm::StringRef content) const {
    llvm::SmallString<128> file(path);
    llvm::sys::path::append(file, name);
    std::error_code error;
    llvm::raw_fd_ostream(file, error) << content;
    EXPECT_FALSE(error) << error.message();
  }
  std::string getPath() const { return path.str().str(); }

private:
  llvm::SmallString<128> path;
};

} // namespace bitnetc::test

#endif // BITNETC_TEST_UNIT_IMPORT_TESTFILES_H
