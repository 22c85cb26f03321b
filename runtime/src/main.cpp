//===- main.cpp - Entry of every produced executable ----------------------===//
//
// Alone in its file: a program that embeds the runtime has its own main, and
// then this member of the archive stays out.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "program.h"

int main(int argc, char **argv) {
  return bitnet::runProgram(argc, argv, bn_model_info);
}
