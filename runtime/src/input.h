//===- input.h - Read prompts and token files -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_INPUT_H
#define BITNET_SRC_INPUT_H

#include "error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bitnet {

/// The whole file `path` ("-": standard input).
Error readFile(const std::string &path, std::string &text);

/// Token ids of the file `path` ("-": standard input): decimal numbers,
/// separated by white space. Fails if there is none or something else.
Error readTokens(const std::string &path, std::vector<int32_t> &tokens);

} // namespace bitnet

#endif // BITNET_SRC_INPUT_H
