//===- ReferenceModel.h - The whole decoder, readable and slow -*- C++ -*-===//
//
// The oracle of every end-to-end test: the forward pass of a ternary language
// model in plain scalar C++, written to be read beside the paper. It shares no
// code with the compiler's path except the importer.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_REFERENCE_REFERENCEMODEL_H
#define BITNETC_REFERENCE_REFERENCEMODEL_H

#include "bitnetc/Import/Model.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace bitnetc {

/// Evaluates a model token by token with a cache of keys and values.
class ReferenceModel {
public:
  /// `model` must outlive the reference. Nothing is read before the first
  /// eval(), which decodes all ternary weights: one byte each from then on.
  explicit ReferenceModel(const Model &model);
  ~ReferenceModel();

  /// Evaluates `tokens` at positions position, position + 1, ... and writes
  /// the logits that follow each token, float32 [tokens.size(), vocab].
  /// Positions before `position` must have been evaluated before; those from
  /// `position` on are forgotten. Fails if a token, the position or the size
  /// of `logits` is out of range (then nothing has changed), a weight cannot
  /// be read or an activation is not finite.
  llvm::Error eval(llvm::ArrayRef<int32_t> tokens, int64_t position,
                   llvm::MutableArrayRef<float> logits);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace bitnetc

#endif // BITNETC_REFERENCE_REFERENCEMODEL_H
