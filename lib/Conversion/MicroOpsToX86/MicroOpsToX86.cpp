//===- MicroOpsToX86.cpp - Micro-operations as AVX2, VNNI, AVX-512 --------===//
//
// Instructions: Intel SDM vol. 2. LLVM does not form them by itself (a scalar
// loop becomes vpdpwssd), so they are called by name.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "../MicroOps/MicroOps.h"
#include "bitnetc/Conversion/Passes.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace bitnetc {
#define GEN_PASS_DEF_CONVERTMICROOPSTOX86
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

class X86 : public microops::Isa {
public:
  using Isa::Isa;

  bool hasFullDot4(int64_t bytes) const override {
    bool wideVnni = target.hasFeature("avx512vnni");
    if (bytes == 64)
      return wideVnni;
    return target.hasFeature("avxvnni") ||
           (wideVnni && target.hasFeature("avx512vl"));
  }

  Value emitDot4(OpBuilder &builder, Location loc, Value acc, Value lhs,
                 Value rhs, int64_t max, bool isSigned) const override {
    int64_t bytes = microops::getCount(lhs);
    const Names &names = getNames(bytes);
    if (hasFullDot4(bytes))
      return microops::callIntrinsic(builder, loc, acc.getType(), names.dot4,
                                     {acc, lhs, rhs});
    // vpmaddubsw saturates at 16 bits; 2 * 127 * 128 = 32512 does not reach
    // them. vpmaddwd with ones adds neighbours without loss.
    auto words = VectorType::get({bytes / 2}, builder.getI16Type());
    Value pairs =
        microops::callIntrinsic(builder, loc, words, names.pairs, {lhs, rhs});
    Value sums = microops::callIntrinsic(
        builder, loc, acc.getType(), names.widen,
        {pairs, microops::splat(builder, loc, words, 1)});
    return arith::AddIOp::create(builder, loc, acc, sums);
  }

  Value emitDot2(OpBuilder &builder, Location loc, Value acc, Value lhs,
                 Value rhs) const override {
    const Names &names = getNames(microops::getCount(lhs));
    Value pairs = microops::callIntrinsic(builder, loc, acc.getType(),
                                          names.pairs, {lhs, rhs});
    return arith::AddIOp::create(builder, loc, acc, pairs);
  }

  Value emitLookup(OpBuilder &builder, Location loc, Value table,
                   Value indices) const override {
    int64_t bytes = microops::getCount(indices);
    auto type = cast<VectorType>(indices.getType());
    auto shuffle = [&](int64_t first, Value at) {
      // pshufb has a table for each block of 16 bytes.
      return microops::callIntrinsic(
          builder, loc, type, getNames(bytes).lookup,
          {microops::slice(builder, loc, table, first, bytes, 16), at});
    };
    if (microops::getCount(table) == 16)
      return shuffle(0, microops::maskBytes(builder, loc, indices, 16));
    // vpermb ignores bits 7:6, and bit 5 does not matter in a table that is
    // there twice.
    if (bytes == 64 && target.hasFeature("avx512vbmi"))
      return microops::callIntrinsic(
          builder, loc, type, "llvm.x86.avx512.permvar.qi.512",
          {microops::slice(builder, loc, table, 0, 64, 32), indices});
    // pshufb gives zero where bit 7 is set: from 16 on, or below 16.
    Value index = microops::maskBytes(builder, loc, indices, 32);
    auto plus = [&](int64_t offset) -> Value {
      return arith::AddIOp::create(builder, loc, index,
                                   microops::splat(builder, loc, type, offset));
    };
    return arith::OrIOp::create(builder, loc, shuffle(0, plus(0x70)),
                                shuffle(16, plus(0xf0)));
  }

  Value emitWordLookup(OpBuilder &builder, Location loc, Value table,
                       Value indices) const override {
    return microops::callIntrinsic(builder, loc, indices.getType(),
                                   "llvm.x86.avx512.permvar.hi.512",
                                   {table, indices});
  }

  StringRef getRegisterClass() const override { return "v"; }

private:
  struct Names {
    StringRef dot4, pairs, widen, lookup;
  };
  static const Names &getNames(int64_t bytes) {
    static const Names names[] = {
        {"llvm.x86.avx512.vpdpbusd.128", "llvm.x86.ssse3.pmadd.ub.sw.128",
         "llvm.x86.sse2.pmadd.wd", "llvm.x86.ssse3.pshuf.b.128"},
        {"llvm.x86.avx512.vpdpbusd.256", "llvm.x86.avx2.pmadd.ub.sw",
         "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx2.pshuf.b"},
        {"llvm.x86.avx512.vpdpbusd.512", "llvm.x86.avx512.pmaddubs.w.512",
         "llvm.x86.avx512.pmaddw.d.512", "llvm.x86.avx512.pshuf.b.512"}};
    return names[bytes == 64 ? 2 : bytes == 32];
  }
};

/// AMX: tiles of 16 tokens x 64 columns times tiles of 16 column quadruples x
/// 16 rows; accumulators stay in tile registers over K. Each tile is loaded
/// once, right before its first use, but where the eight tile registers cannot
/// keep all token tiles: there those of weights, which come from the first
/// cache, are loaded for each of them.
LogicalResult lowerTileDot(ternary::TileDotOp op, const TargetInfo &target) {
  if (target.tileTokens != 16)
    return op.emitOpError("expected a target with matrix tiles, but got CPU '")
           << target.cpu << "'";
  constexpr int64_t kColumns = 64, kQuads = 16;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  int64_t groups = op.getProducts().getType().getDimSize(1) / 16;
  int64_t tokenTiles = op.getActivations().size();
  int64_t columns =
      cast<MemRefType>(op.getActivations().getTypes()[0]).getDimSize(1);
  bool reload = tokenTiles * groups + tokenTiles + 1 > 8;
  auto byteTile = amx::TileType::get({16, 64}, builder.getI8Type());
  auto sumTile = amx::TileType::get({16, 16}, builder.getI32Type());
  auto index = [&](OpBuilder &b, int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  Value parts = index(builder, op.getPanel().getType().getDimSize(0));
  SmallVector<Value> sums;
  for (int64_t i = 0; i < tokenTiles * groups; ++i)
    sums.push_back(amx::TileZeroOp::create(builder, loc, sumTile));
  auto loop = scf::ForOp::create(
      builder, loc, index(builder, 0), index(builder, columns),
      index(builder, kColumns), sums,
      [&](OpBuilder &b, Location, Value column, ValueRange carried) {
        Value part = arith::DivUIOp::create(b, loc, column, index(b, kColumns));
        part = arith::RemUIOp::create(
            b, loc, arith::AddIOp::create(b, loc, part, op.getFirst()), parts);
        auto loadWeights = [&](int64_t group) -> Value {
          return amx::TileLoadOp::create(
              b, loc, byteTile, op.getPanel(),
              ValueRange{part, index(b, kQuads * group), index(b, 0)});
        };
        auto loadTokens = [&](int64_t tile) -> Value {
          return amx::TileLoadOp::create(b, loc, byteTile,
                                         op.getActivations()[tile],
                                         ValueRange{index(b, 0), column});
        };
        SmallVector<Value> next(carried), weights(groups), tokens(tokenTiles);
        int64_t step = op.getStep(), count = groups * tokenTiles;
        int64_t pieces = op.getBeside().empty() ? 0 : kColumns / step;
        for (int64_t i = 0, piece = 0; i < count; ++i) {
          int64_t group = reload ? i % groups : i / tokenTiles;
          int64_t tile = reload ? i / groups : i % tokenTiles;
          if (reload || tile == 0)
            weights[group] = loadWeights(group);
          if (group == 0)
            tokens[tile] = loadTokens(tile);
          Value &sum = next[group * tokenTiles + tile];
          sum = amx::TileMulIOp::create(
              b, loc, sumTile, tokens[tile], weights[group], sum,
              /*isZextLhs=*/false, /*isZextRhs=*/true);
          for (; piece < (i + 1) * pieces / count; ++piece) {
            IRMapping map;
            map.map(op.getBeside().getArgument(0),
                    b.createOrFold<arith::AddIOp>(loc, column,
                                                  index(b, piece * step)));
            for (Operation &work : op.getBeside().front())
              b.clone(work, map);
          }
        }
        scf::YieldOp::create(b, loc, next);
      });
  for (auto [i, sum] : llvm::enumerate(loop.getResults()))
    amx::TileStoreOp::create(builder, loc, op.getProducts(),
                             ValueRange{index(builder, 16 * (i % tokenTiles)),
                                        index(builder, 16 * (i / tokenTiles))},
                             sum);
  op.erase();
  return success();
}

struct ConvertMicroOpsToX86Pass
    : bitnetc::impl::ConvertMicroOpsToX86Base<ConvertMicroOpsToX86Pass> {
  void runOnOperation() override {
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    // Pipelines run the passes of all targets; modules choose.
    if (target->arch != TargetInfo::Arch::X86_64)
      return;
    if (failed(microops::lower(getOperation(), X86(*target))))
      return signalPassFailure();
    SmallVector<ternary::TileDotOp> products;
    getOperation()->walk(
        [&](ternary::TileDotOp op) { products.push_back(op); });
    for (ternary::TileDotOp op : products)
      if (failed(lowerTileDot(op, *target)))
        return signalPassFailure();
  }
};

} // namespace
