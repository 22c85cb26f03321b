//===- MicroOps.h - What lowering micro-operations shares ------*- C++ -*-===//
//
// A target lowers a micro-operation on registers; wider vectors are cut into
// registers here, by shuffles that LLVM turns into nothing.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_MICROOPS_MICROOPS_H
#define BITNETC_LIB_CONVERSION_MICROOPS_MICROOPS_H

#include "bitnetc/Target/TargetInfo.h"
#include "dialects/Ternary/Ternary.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace bitnetc::microops {

inline int64_t getCount(mlir::Value vector) {
  return mlir::cast<mlir::VectorType>(vector.getType()).getNumElements();
}

inline int64_t getBytes(mlir::VectorType type) {
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// Elements `first` to `first + count - 1`, repeated from `first` on after
/// `period` elements.
inline mlir::Value slice(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value vector, int64_t first, int64_t count,
                         int64_t period) {
  if (first == 0 && count == getCount(vector) && period == count)
    return vector;
  llvm::SmallVector<int64_t> indices;
  for (int64_t i = 0; i < count; ++i)
    indices.push_back(first + i % period);
  return mlir::vector::ShuffleOp::create(builder, loc, vector, vector, indices);
}

/// `vector` in parts of `count` elements.
inline llvm::SmallVector<mlir::Value> split(mlir::OpBuilder &builder,
                                            mlir::Location loc,
                                            mlir::Value vector, int64_t count) {
  llvm::SmallVector<mlir::Value> parts;
  for (int64_t first = 0; first < getCount(vector); first += count)
    parts.push_back(slice(builder, loc, vector, first, count, count));
  return parts;
}

/// The inverse of `split`; the number of parts is a power of two.
inline mlir::Value concat(mlir::OpBuilder &builder, mlir::Location loc,
                          llvm::SmallVector<mlir::Value> parts) {
  while (parts.size() > 1) {
    llvm::SmallVector<int64_t> all(2 * getCount(parts[0]));
    for (auto [i, index] : llvm::enumerate(all))
      index = i;
    for (size_t i = 0; i < parts.size() / 2; ++i)
      parts[i] = mlir::vector::ShuffleOp::create(builder, loc, parts[2 * i],
                                                 parts[2 * i + 1], all);
    parts.truncate(parts.size() / 2);
  }
  return parts[0];
}

/// Calls the LLVM intrinsic `name`.
inline mlir::Value callIntrinsic(mlir::OpBuilder &builder, mlir::Location loc,
                                 mlir::Type result, llvm::StringRef name,
                                 mlir::ValueRange operands) {
  return mlir::LLVM::CallIntrinsicOp::create(
             builder, loc, result, builder.getStringAttr(name), operands)
      .getResult(0);
}

/// Splat constant of `type`.
inline mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::VectorType type, int64_t value) {
  return mlir::arith::ConstantOp::create(
      builder, loc,
      mlir::DenseElementsAttr::get(
          type, llvm::APInt(type.getElementTypeBitWidth(), value)));
}

/// Bytes modulo a power of two.
inline mlir::Value maskBytes(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Value bytes, int64_t size) {
  auto type = mlir::cast<mlir::VectorType>(bytes.getType());
  return mlir::arith::AndIOp::create(builder, loc, bytes,
                                     splat(builder, loc, type, size - 1));
}

/// The instructions of one target, on vectors of at most its registers' size.
class Isa {
public:
  explicit Isa(const TargetInfo &target) : target(target) {}
  virtual ~Isa() = default;

  /// Whether `emitDot4` takes unsigned bytes above 127 in one step.
  virtual bool hasFullDot4(int64_t bytes) const = 0;
  /// acc + dot products of unsigned (signed: signed) bytes and signed bytes;
  /// unsigned ones are below 128 unless hasFullDot4.
  virtual mlir::Value emitDot4(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::Value acc, mlir::Value lhs,
                               mlir::Value rhs, int64_t max,
                               bool isSigned) const = 0;
  /// acc + sums of two products of unsigned bytes below 128 and signed bytes,
  /// all in 16 bits.
  virtual mlir::Value emitDot2(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::Value acc, mlir::Value lhs,
                               mlir::Value rhs) const = 0;
  /// Bytes of `table`, of 16 or 32, at indices of which any bits may be set.
  virtual mlir::Value emitLookup(mlir::OpBuilder &builder, mlir::Location loc,
                                 mlir::Value table,
                                 mlir::Value indices) const = 0;
  /// Words of a table of 32; only for targets with `wordLookup`.
  virtual mlir::Value emitWordLookup(mlir::OpBuilder &builder,
                                     mlir::Location loc, mlir::Value table,
                                     mlir::Value indices) const {
    return nullptr;
  }
  /// Inline assembly's name of a vector register.
  virtual llvm::StringRef getRegisterClass() const = 0;

  const TargetInfo &target;
};

/// Lowers every micro-operation below `root` with the target's instructions;
/// emits errors for those that the target does not have.
mlir::LogicalResult lower(mlir::Operation *root, const Isa &isa);

} // namespace bitnetc::microops

#endif // BITNETC_LIB_CONVERSION_MICROOPS_MICROOPS_H
