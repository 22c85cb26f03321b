//===- container.h - The model's data inside an executable ----------------===//
//
// Maps a produced executable and finds the sections that container.h of the
// public headers describes. Nothing is copied or read ahead of use: a program
// with gigabytes of weights starts in a millisecond.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_CONTAINER_H
#define BITNET_SRC_CONTAINER_H

#include "error.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace bitnet {

/// A read-only mapping of an executable and the places of its sections.
class Container {
public:
  Container() = default;
  ~Container();
  Container(const Container &) = delete;
  Container &operator=(const Container &) = delete;

  /// Maps `path`, or this process' own executable if null. `weightsBytes` is
  /// the size that the generated code expects. Fails if the file cannot be
  /// mapped, has no trailer, or a section leaves the file.
  Error open(const char *path, uint64_t weightsBytes);

  /// Start of the weights, aligned to BN_SECTION_ALIGN bytes.
  const void *weights() const { return base + weightsOffset; }
  uint64_t weightsBytes() const { return weightsSize; }
  /// The tokenizer blob; null if the program has none.
  const void *tokenizer() const {
    return tokenizerSize ? base + tokenizerOffset : nullptr;
  }
  uint64_t tokenizerBytes() const { return tokenizerSize; }
  uint64_t fileBytes() const { return size; }
  /// The file's name, for messages.
  const std::string &path() const { return name; }

private:
  const char *base = nullptr;
  uint64_t size = 0;
  uint64_t weightsOffset = 0, weightsSize = 0;
  uint64_t tokenizerOffset = 0, tokenizerSize = 0;
  std::string name;
};

} // namespace bitnet

#endif // BITNET_SRC_CONTAINER_H
