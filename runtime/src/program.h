//===- program.h - What a produced executable does ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_PROGRAM_H
#define BITNET_SRC_PROGRAM_H

#include "bitnet/abi.h"

namespace bitnet {

/// The whole program around `model`: parses the command line, maps the data,
/// checks the CPU and does what was asked for. Returns the exit status: 0, 1
/// after an error (one line on standard error), 130 after Ctrl-C.
int runProgram(int argc, char **argv, const bn_model &model);

} // namespace bitnet

#endif // BITNET_SRC_PROGRAM_H
