//===- Layout.h - The shapes that bitnet-gen can make ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BITNET_GEN_LAYOUT_H
#define BITNETC_TOOLS_BITNET_GEN_LAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace bitnetc::gen {

enum class Family { BitNet, OneBitLLM, Llama };
enum class FloatType { F32, F16, BF16 };

/// Everything that the files depend on. Sizes count elements.
struct Layout {
  std::string name;
  Family family = Family::BitNet;
  int64_t hidden = 0, intermediate = 0, layers = 0, heads = 0, kvHeads = 0;
  int64_t headDim = 0, vocab = 0, context = 0;
  double ropeTheta = 10000;
  bool tied = true;
  bool packed = true; // U8 codes and scales, or masters
  FloatType dtype = FloatType::BF16;
  uint64_t seed = 1;
  uint64_t shardBytes = 5'000'000'000;
};

/// How a tensor is filled.
enum class Fill {
  Normal,   // normal numbers with standard deviation `scale`
  Gain,     // near 1
  Codes,    // U8: four ternary codes a byte
  Masters,  // floats whose mean magnitude is `scale`
  ScaleOnly // one number, `scale`
};

struct TensorPlan {
  std::string name, dtype;
  std::vector<int64_t> shape;
  Fill fill;
  double scale;
  int64_t rows; // of the unpacked matrix, for Codes
  uint64_t bytes;
};

/// The named layouts, smallest first.
llvm::ArrayRef<Layout> getNamedLayouts();
/// Null if there is none.
const Layout *findLayout(llvm::StringRef name);
/// Checks a layout that flags have changed.
llvm::Error checkLayout(const Layout &layout);
/// All tensors in the order in which they are written.
std::vector<TensorPlan> planTensors(const Layout &layout);
/// Parameters of the unpacked model, and how many of them are ternary.
struct ParameterCount {
  uint64_t total, ternary;
};
ParameterCount countParameters(const Layout &layout);

/// config.json and generation_config.json.
std::string makeConfig(const Layout &layout);
std::string makeGenerationConfig(const Layout &layout);
/// The two last ids of the vocabulary.
int64_t getBosToken(const Layout &layout);
int64_t getEosToken(const Layout &layout);

} // namespace bitnetc::gen

#endif // BITNETC_TOOLS_BITNET_GEN_LAYOUT_H
