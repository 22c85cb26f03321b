//===- TableProducts.cpp - Digits of states times tables of integers ------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "TableProducts.h"
#include "Lowerings.h"
#include "dialects/BitNet/HeadTable.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bitnetc;
using bitnet::kHeadTileRows, bitnet::kHeadGroup, bitnet::kInt7GroupBytes,
    bitnet::kInt4GroupBytes;

/// Bytes of a step and of a cache line; columns of a step; digits.
static constexpr int64_t kStepBytes = 64, kStepColumns = 4, kDigits = 2;
/// Int8 steps of one iteration.
static constexpr int64_t kSteps = 2;
/// Registers for digits and masks.
static constexpr int64_t kOtherRegisters = 4;

TableProducts::TableProducts(VectorEmitter &e, const TargetInfo &target,
                             Value digits, Value table, unsigned bits)
    : e(e), digits(digits), table(table), bits(bits),
      columns(getColumns(digits) / kDigits), tileBytes(getColumns(table)) {
  // In registers, for each stream: accumulators of a token, and bytes.
  int64_t parts = kStepBytes / target.vectorBytes;
  int64_t sums = parts * (bits == 4 ? kDigits + 1 : kDigits);
  int64_t bytes = parts * (bits == 8 ? 1 : 2);
  int64_t available = int64_t(target.vectorRegisters) - kOtherRegisters;
  streams = 2 * (sums + bytes) <= available ? 2 : 1;
  int64_t tokens = (available - streams * bytes) / (streams * sums);
  together = llvm::bit_floor(uint64_t(std::clamp<int64_t>(tokens, 1, 4)));
  prefetchBytes = target.getPrefetchBytes(streams);
}

void TableProducts::forEach(int64_t rows, Body body) {
  int64_t tiles = rows / kHeadTileRows, rest = rows % kHeadTileRows;
  int64_t each = tiles / streams;
  // Stream s reads tiles s * each to (s + 1) * each - 1. Behind its last one
  // are those that the next stream has read, then the next item.
  if (each > 0) {
    auto emit = [&](Value i) {
      SmallVector<Stream> both;
      Value isLast = arith::CmpIOp::create(
          e.builder, e.loc, arith::CmpIPredicate::eq, i, e.index(each - 1));
      Value skip =
          e.select(isLast, e.index(1 + (streams - 1) * each), e.index(1));
      for (int64_t s = 0; s < streams; ++s) {
        Value tile = e.addIndex(i, s * each);
        both.push_back({tile, e.addIndex(tile, skip), kHeadTileRows});
      }
      emitTiles(both, body);
    };
    if (each == 1)
      emit(e.index(0));
    else
      e.forLoop(e.index(0), e.index(each), 1, emit);
  }
  auto single = [&](int64_t tile, int64_t count) {
    emitTiles(Stream{e.index(tile), e.index(tile + 1), count}, body);
  };
  for (int64_t tile = each * streams; tile < tiles; ++tile)
    single(tile, kHeadTileRows);
  if (rest > 0)
    single(tiles, rest);
}

/// All tokens, as many at once as registers allow.
void TableProducts::emitTiles(ArrayRef<Stream> streams, Body body) {
  auto emit = [&](ArrayRef<Value> tokens) {
    Values products = emitProducts(streams, tokens);
    for (auto [i, product] : llvm::enumerate(products)) {
      const Stream &stream = streams[i / tokens.size()];
      body(tokens[i % tokens.size()], stream.tile, stream.rows, product);
    }
  };
  int64_t count = cast<MemRefType>(digits.getType()).getDimSize(0);
  if (count == 1)
    return emit(e.index(0));
  Value end = ShapedType::isDynamic(count)
                  ? Value(memref::DimOp::create(e.builder, e.loc, digits, 0))
                  : e.index(count);
  auto emitFrom = [&](Value first, int64_t tokens) {
    Values indices;
    for (int64_t i = 0; i < tokens; ++i)
      indices.push_back(e.addIndex(first, i));
    emit(indices);
  };
  if (together == 1)
    return e.forLoop(e.index(0), end, 1, [&](Value m) { emit(m); });
  Value rest = arith::RemUIOp::create(e.builder, e.loc, end, e.index(together));
  Value done = arith::SubIOp::create(e.builder, e.loc, end, rest);
  e.forLoop(e.index(0), done, together,
            [&](Value m) { emitFrom(m, together); });
  // Every number of tokens reads the bytes once.
  for (int64_t tokens = 1; tokens < together; ++tokens)
    e.ifThen(arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq,
                                   rest, e.index(tokens)),
             [&] { emitFrom(done, tokens); });
}

/// Products of all streams, each of all tokens.
Values TableProducts::emitProducts(ArrayRef<Stream> streams,
                                   ArrayRef<Value> tokens) {
  return bits == 8   ? emitInt8(streams, tokens)
         : bits == 7 ? emitInt7(streams, tokens)
                     : emitInt4(streams, tokens);
}

void TableProducts::multiply(Value column, ArrayRef<Value> bytes,
                             ArrayRef<Value> tokens, Values &sums) {
  for (auto [t, token] : llvm::enumerate(tokens))
    for (int64_t digit = 0; digit < kDigits; ++digit) {
      Value x = broadcastDigits(token, e.addIndex(column, digit * columns));
      for (size_t s = 0; s < bytes.size(); ++s) {
        Value &sum = sums[(s * tokens.size() + t) * kDigits + digit];
        sum = dot(sum, x, bytes[s]);
      }
    }
}

Values TableProducts::join(ValueRange sums) {
  // Integers below 2^40 are exact in f64.
  auto wide = VectorType::get(kHeadTileRows, e.builder.getF64Type());
  Values products;
  for (size_t i = 0; i < sums.size(); i += kDigits) {
    Value high = arith::SIToFPOp::create(e.builder, e.loc, wide, sums[i]);
    Value low = arith::SIToFPOp::create(e.builder, e.loc, wide, sums[i + 1]);
    products.push_back(e.fma(high, e.constant(wide, 128), low));
  }
  return products;
}

Values TableProducts::emitInt8(ArrayRef<Stream> streams,
                               ArrayRef<Value> tokens) {
  auto lanes = VectorType::get(kHeadTileRows, e.builder.getI32Type());
  Values sums(streams.size() * tokens.size() * kDigits,
              e.constantInt(lanes, 0));
  auto emitSteps = [&](Value column, ValueRange args) {
    Values next(args);
    Value byte = e.mulIndex(column, kHeadTileRows);
    for (int64_t step = 0; step < kSteps; ++step) {
      prefetch(streams, byte, step * kStepBytes);
      Values bytes;
      for (const Stream &stream : streams)
        bytes.push_back(
            loadBytes(table, {stream.tile, e.addIndex(byte, step * kStepBytes)},
                      kStepBytes));
      multiply(e.addIndex(column, step * kStepColumns), bytes, tokens, next);
    }
    return next;
  };
  return join(e.forLoop(e.index(0), e.index(columns), kSteps * kStepColumns,
                        sums, emitSteps));
}

Values TableProducts::emitInt7(ArrayRef<Stream> streams,
                               ArrayRef<Value> tokens) {
  auto lanes = VectorType::get(kHeadTileRows, e.builder.getI32Type());
  auto bytesType = VectorType::get(kStepBytes, e.builder.getI8Type());
  auto constant = [&](int64_t value) {
    return e.constantInt(bytesType, value);
  };
  auto twice = [&](Value x) -> Value {
    return arith::AddIOp::create(e.builder, e.loc, x, x);
  };
  constexpr int64_t stored = kInt7GroupBytes / kStepBytes;
  auto emitGroup = [&](Value group, ValueRange args) {
    Values next(args);
    Value column = e.mulIndex(group, kHeadGroup);
    Value byte = e.mulIndex(group, kInt7GroupBytes);
    Values last(streams.size());
    for (int64_t step = 0; step < stored; ++step) {
      prefetch(streams, byte, step * kStepBytes);
      Values bytes;
      for (auto [stream, rest] : llvm::zip_equal(streams, last)) {
        Value all =
            loadBytes(table, {stream.tile, e.addIndex(byte, step * kStepBytes)},
                      kStepBytes);
        bytes.push_back(
            arith::AndIOp::create(e.builder, e.loc, all, constant(-2)));
        Value bit = arith::AndIOp::create(e.builder, e.loc, all, constant(1));
        rest = rest ? arith::OrIOp::create(e.builder, e.loc, twice(rest), bit)
                    : bit;
      }
      multiply(e.addIndex(column, step * kStepColumns), bytes, tokens, next);
    }
    for (Value &rest : last)
      rest = twice(rest);
    multiply(e.addIndex(column, stored * kStepColumns), last, tokens, next);
    return next;
  };
  Values sums(streams.size() * tokens.size() * kDigits,
              e.constantInt(lanes, 0));
  return join(
      e.forLoop(e.index(0), e.index(columns / kHeadGroup), 1, sums, emitGroup));
}

Values TableProducts::emitInt4(ArrayRef<Stream> streams,
                               ArrayRef<Value> tokens) {
  auto lanes = VectorType::get(kHeadTileRows, e.builder.getI32Type());
  auto bytesType = VectorType::get(kStepBytes, e.builder.getI8Type());
  auto halves = VectorType::get(kHeadTileRows, e.builder.getI16Type());
  Value mask = e.constantInt(bytesType, -16),
        shift = e.constantInt(bytesType, 4);
  int64_t count = streams.size() * tokens.size();
  // 127 * 128 * 32 columns * 128 is below 2^26.
  auto emitGroup = [&](Value group, ValueRange args) {
    Values sums(count * kDigits, e.constantInt(lanes, 0));
    Value column = e.mulIndex(group, kHeadGroup);
    Value byte = e.mulIndex(group, kInt4GroupBytes);
    prefetch(streams, byte, 0);
    constexpr int64_t scaleBytes = 2 * kHeadTileRows;
    for (int64_t step = 0; step < kHeadGroup / 8; ++step) {
      prefetch(streams, byte, (step + 1) * kStepBytes);
      Values parts[2];
      for (const Stream &stream : streams) {
        Value both = loadBytes(
            table,
            {stream.tile, e.addIndex(byte, scaleBytes + step * kStepBytes)},
            kStepBytes);
        Value low = arith::ShLIOp::create(e.builder, e.loc, both, shift);
        // Sixteen times the signed number: the upper half of a byte.
        parts[0].push_back(low);
        parts[1].push_back(arith::AndIOp::create(e.builder, e.loc, both, mask));
      }
      for (int64_t part = 0; part < 2; ++part)
        multiply(e.addIndex(column, step * 8 + part * 4), parts[part], tokens,
                 sums);
    }
    Values next(args);
    for (size_t s = 0; s < streams.size(); ++s) {
      Value scales = vector::BitCastOp::create(
          e.builder, e.loc, halves,
          loadBytes(table, {streams[s].tile, byte}, scaleBytes));
      scales = arith::ExtUIOp::create(e.builder, e.loc, lanes, scales);
      scales = arith::ShLIOp::create(e.builder, e.loc, scales,
                                     e.constantInt(lanes, 16));
      scales = vector::BitCastOp::create(e.builder, e.loc, e.rowType(), scales);
      for (size_t t = 0; t < tokens.size(); ++t) {
        size_t i = s * tokens.size() + t;
        Value high = arith::ShLIOp::create(e.builder, e.loc, sums[i * kDigits],
                                           e.constantInt(lanes, 7));
        Value all = arith::AddIOp::create(e.builder, e.loc, high,
                                          sums[i * kDigits + 1]);
        all = arith::SIToFPOp::create(e.builder, e.loc, e.rowType(), all);
        next[i] = e.fma(scales, all, next[i]);
      }
    }
    return next;
  };
  Values products(count, e.constant(e.rowType(), 0));
  return e.forLoop(e.index(0), e.index(columns / kHeadGroup), 1, products,
                   emitGroup);
}

/// Asks for the line of each stream that is needed `prefetchBytes` after that
/// at `byte` + `offset`. Once for each step: a burst of lines would take all
/// that a core has for misses (a tenth slower).
void TableProducts::prefetch(ArrayRef<Stream> streams, Value byte,
                             int64_t offset) {
  int64_t distance = prefetchBytes % tileBytes;
  int64_t whole = prefetchBytes / tileBytes;
  Value ahead = e.addIndex(byte, distance);
  Value isInside = arith::CmpIOp::create(
      e.builder, e.loc, arith::CmpIPredicate::slt, ahead, e.index(tileBytes));
  Value at = e.select(isInside, ahead, e.addIndex(ahead, -tileBytes));
  for (const Stream &stream : streams) {
    Value tile =
        e.addIndex(e.select(isInside, stream.tile, stream.next), whole);
    e.prefetch(table, {tile, e.addIndex(at, offset)});
  }
}

Value TableProducts::loadBytes(Value memref, ValueRange indices,
                               int64_t count) {
  return vector::LoadOp::create(e.builder, e.loc,
                                VectorType::get(count, e.builder.getI8Type()),
                                memref, indices);
}

/// Four digits of a token, in all lanes.
Value TableProducts::broadcastDigits(Value token, Value column) {
  Type word = e.builder.getI32Type();
  Value four = loadBytes(digits, {token, column}, kStepColumns);
  Value one = vector::BitCastOp::create(e.builder, e.loc,
                                        VectorType::get(1, word), four);
  Value all = vector::BroadcastOp::create(
      e.builder, e.loc, VectorType::get(kHeadTileRows, word),
      vector::ExtractOp::create(e.builder, e.loc, one, int64_t(0)));
  return vector::BitCastOp::create(
      e.builder, e.loc, VectorType::get(kStepBytes, e.builder.getI8Type()),
      all);
}

Value TableProducts::dot(Value sum, Value digits, Value bytes) {
  return ternary::Dot4Op::create(e.builder, e.loc, sum, digits, bytes,
                                 /*max=*/127, /*signed_lhs=*/false);
}
