//===- T5.cpp - 1.6 bits per weight: five rows in a byte ------------------===//
//
// A byte stores v, the base-3 number of five codes c = w + 1 (most significant
// digit first), as u = ceil(256 v / 243). Three times u is 256 d + u' with d
// the first digit and u' the byte of the other four: in bytes, u' is 3u modulo
// 256, two additions. Why: u = 256 v / 243 + r, 0 <= r < 1, so 3u / 256 =
// v / 81 + 3r / 256, whose integer part is that of v / 81, as v is an integer
// and 80/81 + 3/256 < 1; after four more steps the error is 243 r / 256 < 1.
//
// Dot products are linear: with A_k = sum of u_k * a, u_k the byte after k
// steps,
//
//   3 A_k - A_(k+1) = sum of (3 u_k - u_(k+1)) * a = 256 * sum of d_k * a
//
// so six dot products of undecoded bytes give five rows. 3 A_k may leave 32
// bits, the difference does not: 256 * 2 * 127 * K < 2^31 for K < 33000, and
// additions modulo 2^32 are exact.
//
// A target with a signed dot product only gets s = u - 128: tripling modulo
// 256 maps 128 to 128, so s follows the same chain, and 3 s_k - s_(k+1) =
// 256 d_k - 256 contains the codes' bias.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "DotTile.h"
#include "Formats.h"

using namespace mlir;
using namespace bitnetc;

namespace {

/// 3 x modulo 256 in two additions, hidden from LLVM, which would make one
/// multiplication of several of them; x86 has none for bytes.
Value triple(TileEmitter &e, Value x) {
  return e.opaque(e.add(e.opaque(e.add(x, x)), x));
}

/// The first `count` of x, 3 x, 9 x, ...
void forTriples(TileEmitter &e, Value x, int64_t count,
                function_ref<void(int64_t i, Value x)> body) {
  for (int64_t i = 0; i < count; ++i) {
    if (i != 0)
      x = triple(e, x);
    body(i, x);
  }
}

class T5 : public PackingFormat {
public:
  ternary::PackingFormatInterface getAttr(MLIRContext *context) const override {
    return ternary::T5Attr::get(context);
  }
  StringRef getName() const override { return "t5"; }
  Geometry getGeometry() const override {
    return Geometry::of<ternary::T5Attr>();
  }

  void packTile(const int8_t *weights, int64_t columns,
                uint8_t *out) const override {
    int64_t steps = (columns + 3) / 4;
    for (int64_t byte = 0; byte < steps * 64; ++byte) {
      int64_t lane = byte % 64 / 4, column = byte / 64 * 4 + byte % 4;
      int value = 0;
      for (int64_t digit = 0; digit < 5; ++digit) {
        int8_t w = column < columns
                       ? weights[(16 * digit + lane) * columns + column]
                       : 0;
        value = 3 * value + w + 1;
      }
      out[byte] = (256 * value + 242) / 243;
    }
  }
  void unpackTile(const uint8_t *bytes, int64_t columns,
                  int8_t *out) const override {
    int64_t steps = (columns + 3) / 4;
    for (int64_t byte = 0; byte < steps * 64; ++byte) {
      int64_t lane = byte % 64 / 4, column = byte / 64 * 4 + byte % 4;
      unsigned rest = bytes[byte];
      for (int64_t digit = 0; digit < 5 && column < columns; ++digit) {
        out[(16 * digit + lane) * columns + column] =
            int8_t(3 * rest / 256) - 1;
        rest = 3 * rest % 256;
      }
    }
  }

  std::optional<std::string>
  getUnsupportedReason(const TargetInfo &target) const override {
    if (target.dotMax == 255 || target.signedDot)
      return std::nullopt;
    return "needs a dot product of full bytes (AVX-VNNI, AVX-512-VNNI or "
           "dotprod)";
  }
  int64_t getAccumulators() const override { return 6; }
  double getCyclesPer64Bytes(const TargetInfo &target,
                             int64_t tokens) const override {
    return target.getDotLoopCycles(10, 6.0 * tokens);
  }

  double getDecodeCycles(const TargetInfo &target) const override {
    return 28 / target.dotLoopRate + 5; // tripling, digits; stores
  }
  /// The average, rounded up, of u - 1 (or 0) and floor(u / 2) is
  /// floor(floor(3u / 2) / 2), whose upper two bits are the digit
  /// floor(3u / 256).
  void emitDecode(OpBuilder &builder, Location loc, ArrayRef<Value> vectors,
                  UseCodes use) const override {
    TileEmitter e(builder, loc);
    forTriples(e, vectors.front(), 5, [&](int64_t digit, Value bytes) {
      Value above = e.saturatingSub(bytes, 1);
      // Hidden, or LLVM makes wide numbers of average and shift.
      Value quarters = e.opaque(e.average(above, e.shiftBytesRight(bytes, 1)));
      use(0, digit, e.shiftBytesRight(quarters, 6));
    });
  }

  int64_t getForms() const override { return 6; }
  void emitForms(OpBuilder &builder, Location loc, ArrayRef<Value> vectors,
                 UseCodes use) const override {
    TileEmitter e(builder, loc);
    forTriples(e, vectors.front(), 6,
               [&](int64_t i, Value bytes) { use(0, i, bytes); });
  }
  SmallVector<Value> emitGroups(OpBuilder &builder, Location loc,
                                ArrayRef<Value> sums,
                                Value sum) const override {
    TileEmitter e(builder, loc);
    SmallVector<Value> rows;
    for (int64_t i = 0; i < 5; ++i) {
      Value triple = e.add(e.add(sums[i], sums[i]), sums[i]);
      Value row = e.shiftLanesRight(e.sub(triple, sums[i + 1]), 8);
      rows.push_back(sum ? e.sub(row, sum) : row);
    }
    return rows;
  }

  void emitTile(OpBuilder &builder, Location loc, const TargetInfo &target,
                const TileOperands &operands) const override {
    bool isSigned = target.dotMax < 255;
    auto step = [&](TileEmitter &e, ArrayRef<Value> vectors,
                    const StepActivations &activations,
                    MutableArrayRef<Value> acc) {
      SmallVector<Value> a;
      for (int64_t token = 0; token < activations.tokens; ++token)
        a.push_back(activations.get(0, token));
      Value x = vectors.front();
      if (isSigned) // u - 128 modulo 256
        x = e.add(x, e.splat(cast<VectorType>(x.getType()), 128));
      Value first = x;
      for (int64_t i = 0, power = 1; i < 6; ++i, power *= 3) {
        if (i != 0)
          x = target.byteMultiply ? e.mulBytes(first, power) : triple(e, x);
        for (int64_t token = 0; token < activations.tokens; ++token)
          acc[6 * token + i] = e.dot4(acc[6 * token + i], x, a[token],
                                      isSigned ? 128 : 255, isSigned);
      }
    };
    auto finish = [&](TileEmitter &e, ArrayRef<Value> acc, Value sum) {
      // The bias of signed bytes is that of the codes.
      return emitGroups(builder, loc, acc, isSigned ? Value() : sum);
    };
    // Unrolling costs more than it brings (measured: 8 %), as additions between
    // the six dot products of a step hide their latency.
    // Bytes, twice the bytes, activations; five or six constants.
    int64_t temporaries = target.byteMultiply ? 10 : 3;
    emitDotTile(builder, loc, target, operands, getGeometry(),
                {6, 6, temporaries, step, finish});
  }
};

} // namespace

const PackingFormat &bitnetc::getT5() {
  static const T5 format;
  return format;
}
