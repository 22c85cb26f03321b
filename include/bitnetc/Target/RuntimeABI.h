//===- RuntimeABI.h - The runtime's structs as LLVM types ------*- C++ -*-===//
//
// Expanded from runtime/include/bitnet/abi.def: the contract is written once.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TARGET_RUNTIMEABI_H
#define BITNETC_TARGET_RUNTIMEABI_H

#include "bitnet/abi.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include <map>

namespace bitnetc {

/// Kinds of abi.def's fields.
enum class AbiKind { U32, U64, PTR };

/// One field of an ABI struct.
struct AbiField {
  llvm::StringRef owner, name;
  AbiKind kind;
};

/// All fields of all ABI structs, in order.
inline llvm::ArrayRef<AbiField> getAbiFields() {
  static constexpr AbiField fields[] = {
#define BN_FIELD(STRUCT, KIND, NAME) {#STRUCT, #NAME, AbiKind::KIND},
#include "bitnet/abi.def"
  };
  return fields;
}

/// An ABI struct as an LLVM dialect type, with the numbers of its fields.
class AbiStruct {
public:
  AbiStruct(mlir::MLIRContext *context, llvm::StringRef name) {
    mlir::Builder builder(context);
    llvm::SmallVector<mlir::Type> types;
    for (const AbiField &field : getAbiFields()) {
      if (field.owner != name)
        continue;
      numbers[field.name] = types.size();
      switch (field.kind) {
      case AbiKind::U32:
        types.push_back(builder.getI32Type());
        break;
      case AbiKind::U64:
        types.push_back(builder.getI64Type());
        break;
      case AbiKind::PTR:
        types.push_back(mlir::LLVM::LLVMPointerType::get(context));
        break;
      }
    }
    type = mlir::LLVM::LLVMStructType::getLiteral(context, types);
  }

  int32_t getNumber(llvm::StringRef field) const { return numbers.at(field); }
  mlir::Type getFieldType(llvm::StringRef field) const {
    return type.getBody()[getNumber(field)];
  }

  /// Loads `field` of the struct at `base`.
  mlir::Value load(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value base, llvm::StringRef field) const {
    mlir::Value address = mlir::LLVM::GEPOp::create(
        builder, loc, base.getType(), type, base,
        llvm::ArrayRef<mlir::LLVM::GEPArg>{0, getNumber(field)});
    return mlir::LLVM::LoadOp::create(builder, loc, getFieldType(field),
                                      address);
  }

  mlir::LLVM::LLVMStructType type;

private:
  std::map<llvm::StringRef, int32_t> numbers;
};

} // namespace bitnetc

#endif // BITNETC_TARGET_RUNTIMEABI_H
