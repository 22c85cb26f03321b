//===- Model.h - A ternary language model of any origin --------*- C++ -*-===//
//
// Importers turn a Hugging Face directory (later GGUF, ONNX) into one Model:
// a configuration, and named weights that can be read row by row. Nothing is
// copied: weights stay in mapped files and are decoded when asked for.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_IMPORT_MODEL_H
#define BITNETC_IMPORT_MODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitnetc {

/// Element types of stored tensors.
enum class DType { F32, F16, BF16, U8 };
/// Bytes of one element.
unsigned getDTypeSize(DType type);
/// "f32", "f16", "bf16", "u8".
llvm::StringRef getDTypeName(DType type);

/// Activation of the gated feed-forward block.
enum class Activation { SiLU, ReLU2 };

/// How RoPE frequencies are scaled; `None` or Llama-3's rule
/// (transformers modeling_rope_utils.py, `_compute_llama3_parameters`).
struct RopeScaling {
  enum Kind { None, Linear, Llama3 } kind = None;
  double factor = 1, lowFreqFactor = 1, highFreqFactor = 4;
  int64_t originalContext = 8192;
};

/// What a decoder-only transformer of the BitNet family needs to be known.
struct ModelConfig {
  std::string name;   // last component of the path, for messages and --info
  std::string family; // "bitnet", "1bitllm", "llama"
  int64_t hidden = 0, intermediate = 0, layers = 0, heads = 0, kvHeads = 0;
  int64_t headDim = 0, vocab = 0, maxContext = 0;
  double normEps = 1e-5; // every RMSNorm of the model
  double ropeTheta = 10000;
  RopeScaling ropeScaling;
  Activation activation = Activation::SiLU;
  bool subNorms = false;    // RMSNorm before o_proj and before down_proj
  bool linearNorms = false; // RMSNorm inside every BitLinear
  double linearNormEps = 1e-6;
  bool tiedHead = false; // lm_head is the embedding matrix
  int64_t bosToken = -1; // -1: none
  std::vector<int64_t> eosTokens;
};

/// A dense tensor of numbers: norm gains, embedding, output head.
struct DenseWeight {
  std::string name; // as in the file
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  const uint8_t *data = nullptr; // little-endian, row-major, mapped
  uint64_t bytes = 0;
  std::string file; // it is mapped from, for messages
};

/// One ternary matrix [rows = outputs, cols = inputs]. The layer computes
///   y[m, n] = (sum over k of q[m, k] * t[n, k]) / s[m] * scale
/// with t in {-1, 0, +1}, q = round(x * s) and s = 127 / max|x| per token.
class TernaryWeight {
public:
  TernaryWeight(std::string name, int64_t rows, int64_t cols)
      : name(std::move(name)), rows(rows), cols(cols) {}
  virtual ~TernaryWeight() = default;

  /// Writes rows [row, row + count) as bytes -1, 0, +1, row-major, count * cols
  /// of them. Fails on an illegal code or a NaN, naming file, tensor and place.
  virtual llvm::Error readRows(int64_t row, int64_t count,
                               int8_t *out) const = 0;
  /// What rows and scale are computed from: how, and the mapped bytes.
  struct Stored {
    std::string encoding; // "packed, scale 0.5", "masters bf16"
    llvm::ArrayRef<uint8_t> bytes;
  };
  /// Empty bytes: not known.
  virtual Stored getStored() const { return {}; }
  /// The multiplying scale (a stored dividing scale is already inverted).
  virtual llvm::Expected<float> scale() const = 0;

  const std::string name;
  const int64_t rows, cols;
};

/// The weights of one transformer layer. Norms that the model lacks are null.
struct LayerWeights {
  std::unique_ptr<TernaryWeight> q, k, v, o, gate, up, down;
  std::optional<DenseWeight> inputNorm, postAttentionNorm;
  std::optional<DenseWeight> attnSubNorm, ffnSubNorm;
  /// Norms inside BitLinear, by projection: "q" "k" "v" "o" "gate" "up" "down".
  std::map<std::string, DenseWeight> linearNorms;
};

/// A whole model. Keeps its files mapped as long as it lives.
class Model {
public:
  virtual ~Model() = default;
  ModelConfig config;
  DenseWeight embedding; // [vocab, hidden]
  DenseWeight head;      // [vocab, hidden]; the embedding if config.tiedHead
  DenseWeight finalNorm; // [hidden]
  std::vector<LayerWeights> layers;
  /// Path of tokenizer.json, empty if the source has none.
  std::string tokenizerPath;
};

/// Opens the model at `path`: a Hugging Face directory. All shapes, types and
/// names are checked; an error names the file and the tensor.
llvm::Expected<std::unique_ptr<Model>> openModel(llvm::StringRef path);

/// Reads `count` elements of a dense tensor from element `first` on as f32
/// (exact for every dtype). `count` elements are written to `out`.
void readDense(const DenseWeight &weight, int64_t first, int64_t count,
               float *out);

} // namespace bitnetc

#endif // BITNETC_IMPORT_MODEL_H
