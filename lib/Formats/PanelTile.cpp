//===- PanelTile.cpp - The loop of matrix-tile products -------------------===//
//
// A block of columns of the row tile is decoded into a panel near the core,
// then multiplied by all tokens, 32 by two groups of 16 rows at a time: two
// token tiles and two weight tiles give four products for four loads. The sums
// wait in the products' buffer between blocks. Decoding is thus shared by all
// tokens, and packed bytes are read once.
//
// While the last tokens are multiplied, the next block is decoded over the
// panel, right behind the products that read it, in the time that the matrix
// unit leaves to the other units; all products ask for some of the packed bytes
// of the block after that.
//
// Tokens beyond a multiple of 32 come first, 16 at a time. What is left of them
// are the last 16 tokens once more, the first of which are not kept.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>
#include <optional>

using namespace mlir;
using namespace bitnetc;

namespace {

/// Tokens and columns of a matrix tile.
constexpr int64_t kTileTokens = 16, kTileCols = 64;
/// Tokens and groups of one product.
constexpr int64_t kTokens = 2 * kTileTokens, kGroups = 2;
/// Most columns of a panel. Between blocks sums are stored and loaded, which
/// speaks for few of them; but the panel, 24 KB with four groups, and 32 tokens
/// have to stay in the first-level cache (48 KB). Measured: 320 to 512 columns
/// are equal, 640 are 2 to 4 % slower, 1280 25 %.
constexpr int64_t kPanelCols = 384;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TileOperands &operands, const PanelSink *sink)
      : e(builder, loc), builder(builder), loc(loc), format(format),
        geometry(format.getGeometry()), operands(operands), sink(sink),
        groups(cast<MemRefType>(operands.products[0].getType()).getDimSize(1) /
               kLanes),
        passes(llvm::divideCeil(groups, kGroups)),
        steps(geometry.getSteps(operands.columns)),
        tileSteps(kTileCols % geometry.stepCols == 0
                      ? kTileCols / geometry.stepCols
                      : 0),
        tileLines(llvm::divideCeil(kTileCols * geometry.stepBytes,
                                   geometry.stepCols * kVectorBytes)),
        columns(ternary::getPaddedColumns(operands.columns)),
        blocks(llvm::divideCeil(columns, kPanelCols)), width(getWidth()) {}

  void emit() {
    tokens = memref::DimOp::create(builder, loc, operands.activations, 0);
    rest = rem(tokens, kTokens);
    tail = rem(tokens, kTileTokens);
    even = e.sub(tokens, rest);
    auto allocate = [&](int64_t rows, int64_t columns, Type type) -> Value {
      return memref::AllocaOp::create(builder, loc,
                                      MemRefType::get({rows, columns}, type),
                                      builder.getI64IntegerAttr(kVectorBytes));
    };
    panel =
        allocate(width / kQuad, ternary::getRowPitch(groups * kVectorBytes, 1),
                 builder.getI8Type());
    tailProducts = allocate(kTileTokens, groups * kLanes, builder.getI32Type());
    Value products = e.mulIndex(div(even, kTokens), passes);
    shares = arith::CeilDivUIOp::create(
        builder, loc, e.index(tileLines),
        arith::MaxUIOp::create(builder, loc, products, e.index(1)));

    emitDecode(e.index(0), 0, getSteps(0));
    // Blocks that are followed by one of the same width are one loop.
    emitBlock(e.index(0), 0);
    int64_t alike =
        getSteps(blocks - 1) == blockSteps() ? blocks - 1 : blocks - 2;
    if (alike > 1)
      e.loop(1, alike, 1, {},
             [&](Value block, MutableArrayRef<Value>) { emitBlock(block, 1); });
    for (int64_t block = std::max<int64_t>(alike, 1); block < blocks; ++block)
      emitBlock(e.index(block), block);
  }

private:
  /// Blocks of equal width, of whole matrix tiles and whole steps.
  int64_t getWidth() const {
    int64_t unit = std::lcm(kTileCols, geometry.stepCols);
    return llvm::divideCeil(llvm::divideCeil(columns, unit), blocks) * unit;
  }
  int64_t blockSteps() const { return width / geometry.stepCols; }

  Value div(Value a, int64_t b) {
    return arith::DivUIOp::create(builder, loc, a, e.index(b));
  }
  Value rem(Value a, int64_t b) {
    return arith::RemUIOp::create(builder, loc, a, e.index(b));
  }

  /// A loop; `body` emits one iteration.
  void forEach(Value begin, Value end, int64_t step,
               function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(builder, loc, begin, end, e.index(step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }
  /// `then` where a >= b, else `otherwise`.
  void ifReaches(Value a, Value b, function_ref<void()> then,
                 function_ref<void()> otherwise = nullptr) {
    Value condition =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, a, b);
    auto branch = scf::IfOp::create(builder, loc, condition,
                                    /*withElseRegion=*/bool(otherwise));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    then();
    if (!otherwise)
      return;
    builder.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  }
  Value slice(Value memref, ArrayRef<OpFoldResult> offsets, int64_t rows,
              int64_t columns) {
    OpFoldResult one = builder.getIndexAttr(1);
    return memref::SubViewOp::create(
        builder, loc, memref, offsets,
        {builder.getIndexAttr(rows), builder.getIndexAttr(columns)},
        {one, one});
  }

  /// Columns of a block, and how many of its steps have packed bytes. What the
  /// others decode to meets activations that are zero.
  int64_t getColumns(int64_t block) const {
    return std::min(width, columns - block * width);
  }
  int64_t getSteps(int64_t block) const {
    return std::min(blockSteps(), steps - block * blockSteps());
  }
  Value getByte(Value block, Value step) {
    return e.add(operands.tileOffsets[0],
                 e.add(e.mulIndex(block, blockSteps() * geometry.stepBytes),
                       e.mulIndex(step, geometry.stepBytes)));
  }

  /// Packed bytes of so many columns, about.
  Value getBytes(Value columns) {
    int64_t common = std::gcd(geometry.stepBytes, geometry.stepCols);
    Value bytes = e.mulIndex(columns, geometry.stepBytes / common);
    return common == geometry.stepCols ? bytes
                                       : div(bytes, geometry.stepCols / common);
  }

  /// Decodes the step whose packed bytes start at `byte` to the rows of `panel`
  /// from `row` on, for the `count` groups from `group` on.
  void emitStep(Value byte, Value panel, Value row, int64_t group,
                int64_t count) {
    e.decodeStep(format, e.loadStep(operands.bytes, byte, geometry.stepBytes),
                 panel, row, group, count);
  }

  /// Decodes the steps from `first` to `last`.
  void emitDecode(Value block, int64_t first, int64_t last) {
    if (first < last)
      forEach(e.index(first), e.index(last), 1, [&](Value step) {
        Value byte = getByte(block, step);
        if (operands.prefetch != 0)
          e.prefetchStep(operands.bytes, byte, geometry.stepBytes,
                         operands.prefetch);
        emitStep(byte, panel, e.mulIndex(step, geometry.stepCols / kQuad), 0,
                 groups);
      });
  }

  /// One panel by all tokens. `alike` is the number of `block`, or that of a
  /// block which has the same number of columns and the same next block.
  void emitBlock(Value block, int64_t alike) {
    current = block;
    currentColumns = getColumns(alike);
    isFirst = alike == 0;
    isLast = alike + 1 == blocks;
    Value following = e.addIndex(block, 1);
    // The next tile follows this one in memory.
    later = alike + 2 < blocks
                ? getByte(e.addIndex(block, 2), e.index(0))
                : e.addIndex(operands.tileOffsets[0],
                             (steps + (alike + 2 - blocks) * blockSteps()) *
                                 geometry.stepBytes);
    int64_t nextSteps = isLast ? 0 : getSteps(alike + 1);

    ifReaches(rest, e.index(kTileTokens), [&] {
      emitProduct(even, operands.products[0], even, kTileTokens, 0, groups);
      if (isLast)
        emitFinish(even, e.index(0), e.index(kTileTokens), operands.products[0],
                   even);
    });
    ifReaches(tail, e.index(1), [&] {
      Value first = e.sub(tokens, e.index(kTileTokens));
      emitProduct(first, tailProducts, e.index(0), kTileTokens, 0, groups);
      if (isLast)
        emitFinish(first, e.sub(e.index(kTileTokens), tail),
                   e.index(kTileTokens), tailProducts, e.index(0));
    });
    int64_t beside = tileSteps ? nextSteps / tileSteps * tileSteps : 0;
    ifReaches(
        even, e.index(1),
        [&] {
          Value last = e.sub(even, e.index(kTokens));
          forEach(e.index(0), last, kTokens,
                  [&](Value token) { emitTokens(token, nullptr, 0); });
          emitTokens(last, following, beside);
        },
        isLast ? function_ref<void()>()
               : [&] { emitDecode(following, 0, beside); });
    emitDecode(following, beside, nextSteps);
  }

  /// 32 tokens by all groups, and beside them the first `steps` steps of the
  /// next block, group by group.
  void emitTokens(Value token, Value next, int64_t steps) {
    for (int64_t pass = 0; pass < passes; ++pass) {
      int64_t group = pass * kGroups;
      int64_t count = std::min(kGroups, groups - group);
      // Which of the lines of a matrix tile's columns to ask for: shares follow
      // each other.
      Value share = e.addIndex(e.mulIndex(div(token, kTokens), passes), pass);
      Value all = e.index(tileLines);
      auto clamp = [&](Value line) -> Value {
        return arith::MinUIOp::create(builder, loc, line, all);
      };
      Value line = arith::MulIOp::create(builder, loc, share, shares);
      Value first = clamp(line), end = clamp(e.add(line, shares));
      emitProduct(
          token, operands.products[0], token, kTokens, group, count,
          [&](Value column) {
            if (operands.prefetch != 0)
              forEach(first, end, 1, [&](Value line) {
                Value ahead =
                    e.add(getBytes(column), e.mulIndex(line, kVectorBytes));
                // In the first cache they would push out the panel.
                e.prefetch(operands.bytes, e.add(later, ahead), 0,
                           TileEmitter::Cache::Second);
              });
            if (sink)
              emitPrefetchSink(token, column, group, count);
            if (steps == 0)
              return;
            auto decode = [&] {
              Value byte = getByte(next, div(column, geometry.stepCols));
              Value rows =
                  slice(panel, {div(column, kQuad), builder.getIndexAttr(0)},
                        kTileCols / kQuad, groups * kVectorBytes);
              for (int64_t i = 0; i < tileSteps; ++i)
                emitStep(e.addIndex(byte, i * geometry.stepBytes), rows,
                         e.index(i * geometry.stepCols / kQuad), group, count);
            };
            if (steps * geometry.stepCols >= currentColumns)
              decode();
            else
              ifReaches(e.index(steps * geometry.stepCols - kTileCols), column,
                        decode);
          });
    }
    if (isLast)
      emitFinish(token, e.index(0), e.index(kTokens), operands.products[0],
                 token);
  }

  /// During the last products of 32 tokens, asks for the memory of their
  /// results, that of one token (or more, where columns are few) at a time.
  void emitPrefetchSink(Value token, Value column, int64_t group,
                        int64_t count) {
    int64_t products = columns / kTileCols;
    int64_t share = llvm::divideCeil(kTokens, products);
    Value product = div(e.add(e.mulIndex(current, width), column), kTileCols);
    int64_t first = products - llvm::divideCeil(kTokens, share);
    ifReaches(product, e.index(first), [&] {
      Value m = e.add(token, e.mulIndex(e.sub(product, e.index(first)), share));
      for (int64_t i = 0; i < share; ++i)
        for (int64_t g = group; g < group + count; ++g)
          sink->prefetch(e.addIndex(m, i), g * kLanes);
    });
  }

  /// The tile product of the tokens from `token` on with `count` groups of the
  /// panel from `group` on, into the rows of `products` from `row` on.
  void emitProduct(Value token, Value products, Value row, int64_t rows,
                   int64_t group, int64_t count,
                   function_ref<void(Value)> beside = nullptr) {
    auto at = [&](int64_t value) -> OpFoldResult {
      return builder.getIndexAttr(value);
    };
    Value x = slice(operands.activations, {token, e.mulIndex(current, width)},
                    rows, currentColumns);
    Value weights = slice(panel, {at(0), at(group * kVectorBytes)},
                          currentColumns / kQuad, count * kVectorBytes);
    Value out =
        slice(products, {row, at(group * kLanes)}, rows, count * kLanes);
    auto product =
        ternary::TileDotOp::create(builder, loc, x, weights, out, isFirst);
    if (!beside)
      return;
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&product.getBeside(), {},
                                       {builder.getIndexType()}, {loc});
    builder.setInsertionPointToStart(block);
    beside(block->getArgument(0));
  }

  /// Codes are weights plus one, so sums are too large by the sum of the
  /// activations. Corrects rows `begin` to `end` of those that lie in `sums`
  /// from `row` on and are the tokens from `token` on.
  void emitFinish(Value token, Value begin, Value end, Value sums, Value row) {
    forEach(begin, end, 1, [&](Value i) {
      Value m = e.add(token, i), from = e.add(row, i);
      VectorType lanes = e.lanesType(kLanes);
      Value sum = e.broadcastSum(operands.sums, m, kLanes);
      for (int64_t group = 0; group < groups; ++group) {
        Value place = e.index(group * kLanes);
        Value value = vector::LoadOp::create(builder, loc, lanes, sums,
                                             ValueRange{from, place});
        value = e.sub(value, sum);
        if (sink)
          sink->store(m, group * kLanes, value);
        else
          vector::StoreOp::create(builder, loc, value, operands.products[0],
                                  ValueRange{m, place});
      }
    });
  }

  TileEmitter e;
  OpBuilder &builder;
  Location loc;
  const PackingFormat &format;
  const Geometry geometry;
  const TileOperands &operands;
  const PanelSink *sink;
  /// Groups of rows and products of two of them; steps with packed bytes; those
  /// of a matrix tile's columns, 0 if they are not whole, and its lines of
  /// packed bytes; columns with padding, in blocks of `width`.
  const int64_t groups, passes, steps, tileSteps, tileLines, columns, blocks,
      width;
  /// Tokens: all, those beyond a multiple of 32 and of 16, the multiple of 32.
  Value tokens, rest, tail, even;
  /// Buffers; lines of 16 that one product asks for.
  Value panel, tailProducts, shares;
  /// The block that is being emitted, and the first byte of that two later.
  Value current, later;
  int64_t currentColumns = 0;
  bool isFirst = false, isLast = false;
};

} // namespace

void bitnetc::emitPanelTile(OpBuilder &builder, Location loc,
                            const PackingFormat &format,
                            const TileOperands &operands,
                            const PanelSink *sink) {
  Emitter(builder, loc, format, operands, sink).emit();
}
