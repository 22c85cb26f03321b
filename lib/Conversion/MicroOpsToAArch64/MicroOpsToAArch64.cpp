//===- MicroOpsToAArch64.cpp - Micro-operations as NEON instructions ------===//
//
// Instructions: Arm Architecture Reference Manual DDI 0487, C7.2.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "../MicroOps/MicroOps.h"
#include "bitnetc/Conversion/Passes.h"

namespace bitnetc {
#define GEN_PASS_DEF_CONVERTMICROOPSTOAARCH64
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

class AArch64 : public microops::Isa {
public:
  using Isa::Isa;

  bool hasFullDot4(int64_t bytes) const override {
    return target.hasFeature("i8mm");
  }

  Value emitDot4(OpBuilder &builder, Location loc, Value acc, Value lhs,
                 Value rhs, int64_t max, bool isSigned) const override {
    Type lanes = acc.getType();
    // Below 128, unsigned bytes are signed ones; sdot is on more cores.
    if (target.hasFeature("dotprod") && (isSigned || max <= 127))
      return microops::callIntrinsic(builder, loc, lanes,
                                     "llvm.aarch64.neon.sdot.v4i32.v16i8",
                                     {acc, lhs, rhs});
    if (hasFullDot4(16))
      return microops::callIntrinsic(builder, loc, lanes,
                                     "llvm.aarch64.neon.usdot.v4i32.v16i8",
                                     {acc, lhs, rhs});
    // Without dotprod: 16 products of 16 bits (127 * 128 < 2^15), neighbours
    // added to 32 bits, and those pairs added once more.
    auto words = VectorType::get({8}, builder.getI16Type());
    auto half = [&](int64_t first) {
      Value products = microops::callIntrinsic(
          builder, loc, words, "llvm.aarch64.neon.smull.v8i16",
          {microops::slice(builder, loc, lhs, first, 8, 8),
           microops::slice(builder, loc, rhs, first, 8, 8)});
      return microops::callIntrinsic(builder, loc, lanes,
                                     "llvm.aarch64.neon.saddlp.v4i32.v8i16",
                                     {products});
    };
    Value sums = microops::callIntrinsic(builder, loc, lanes,
                                         "llvm.aarch64.neon.addp.v4i32",
                                         {half(0), half(8)});
    return arith::AddIOp::create(builder, loc, acc, sums);
  }

  Value emitDot2(OpBuilder &builder, Location loc, Value acc, Value lhs,
                 Value rhs) const override {
    Type words = acc.getType();
    auto half = [&](int64_t first) {
      return microops::callIntrinsic(
          builder, loc, words, "llvm.aarch64.neon.smull.v8i16",
          {microops::slice(builder, loc, lhs, first, 8, 8),
           microops::slice(builder, loc, rhs, first, 8, 8)});
    };
    Value pairs = microops::callIntrinsic(builder, loc, words,
                                          "llvm.aarch64.neon.addp.v8i16",
                                          {half(0), half(8)});
    return arith::AddIOp::create(builder, loc, acc, pairs);
  }

  Value emitLookup(OpBuilder &builder, Location loc, Value table,
                   Value indices) const override {
    int64_t size = microops::getCount(table);
    Value index = microops::maskBytes(builder, loc, indices, size);
    if (size == 16)
      return microops::callIntrinsic(builder, loc, indices.getType(),
                                     "llvm.aarch64.neon.tbl1.v16i8",
                                     {table, index});
    return microops::callIntrinsic(
        builder, loc, indices.getType(), "llvm.aarch64.neon.tbl2.v16i8",
        {microops::slice(builder, loc, table, 0, 16, 16),
         microops::slice(builder, loc, table, 16, 16, 16), index});
  }

  StringRef getRegisterClass() const override { return "w"; }
};

struct ConvertMicroOpsToAArch64Pass
    : bitnetc::impl::ConvertMicroOpsToAArch64Base<
          ConvertMicroOpsToAArch64Pass> {
  void runOnOperation() override {
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    // Pipelines run the passes of all targets; modules choose.
    if (target->arch != TargetInfo::Arch::AArch64)
      return;
    if (failed(microops::lower(getOperation(), AArch64(*target))))
      signalPassFailure();
  }
};

} // namespace
