//===- Config.h - config.json of a Hugging Face checkpoint -----*- C++ -*-===//
//
// What config.json says about the model's shape and about how its ternary
// weights are stored. Whatever it asks for that is not supported is an error:
// ignoring a key gives fluent nonsense.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_IMPORT_CONFIG_H
#define BITNETC_IMPORT_CONFIG_H

#include "bitnetc/Import/Model.h"
#include "llvm/Support/Error.h"

namespace bitnetc {

/// How a checkpoint stores its ternary matrices.
enum class WeightStorage {
  /// U8, four codes a byte, `weight_scale` multiplies (autobitlinear).
  PackedMultiply,
  /// The same codes, `weight_scale` divides (bitlinear).
  PackedDivide,
  /// Floating-point masters that are made ternary at import.
  Masters,
  /// An ordinary model: config.json says nothing of ternary weights.
  NotTernary,
};

/// What config.json says.
struct ImportConfig {
  ModelConfig model;
  WeightStorage storage = WeightStorage::NotTernary;
  /// The names that vary, without ".weight"; empty if there are no sub-norms.
  std::string attnSubNormName, ffnSubNormName;
};

/// Reads config.json. `file` is for messages.
llvm::Expected<ImportConfig> parseConfig(llvm::StringRef file,
                                         llvm::StringRef text);

/// Reads generation_config.json, whose bos and eos tokens replace those of
/// config.json.
llvm::Error parseGenerationConfig(llvm::StringRef file, llvm::StringRef text,
                                  ModelConfig &config);

} // namespace bitnetc

#endif // BITNETC_IMPORT_CONFIG_H
