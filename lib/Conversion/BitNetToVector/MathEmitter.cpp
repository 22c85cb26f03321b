//===- MathEmitter.cpp - Elementary functions as arithmetic ---------------===//
//
// Both functions reduce their argument with the two-part constants of Cody and
// Waite ("Software Manual for the Elementary Functions", 1980) and fused
// multiply-adds, round to an integer by adding 1.5 * 2^(mantissa bits), whose
// low bits then are that integer, and evaluate a published polynomial by
// Horner's rule.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "MathEmitter.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace bitnetc {

/// 1.5 * 2^23 and 1.5 * 2^52: the sum with a small number has the unit 1.
static constexpr double roundF32 = 0x1.8p23, roundF64 = 0x1.8p52;

/// c0 + x*(c1 + x*(c2 + ...)) with fused multiply-adds.
static Value horner(VectorEmitter &e, Value x, ArrayRef<double> coefficients) {
  Value sum = e.constant(x.getType(), coefficients.back());
  for (double c : llvm::reverse(coefficients.drop_back()))
    sum = e.fma(sum, x, e.constant(x.getType(), c));
  return sum;
}

/// `type` with another element type.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

static Value bitcast(VectorEmitter &e, Type type, Value value) {
  return arith::BitcastOp::create(e.builder, e.loc, type, value);
}

//===----------------------------------------------------------------------===//
// Exponential
//===----------------------------------------------------------------------===//

/// 2^n as f32 for i32 lanes n in -126..127.
static Value emitPowerOfTwo(VectorEmitter &e, Type type, Value n) {
  Value biased = arith::AddIOp::create(e.builder, e.loc, n,
                                       e.constantInt(n.getType(), 127));
  return bitcast(e, type,
                 arith::ShLIOp::create(e.builder, e.loc, biased,
                                       e.constantInt(n.getType(), 23)));
}

Value emitExp(VectorEmitter &e, Value x) {
  // e^x = 2^n * e^r with |r| <= ln(2)/2. Below -104 results round to 0, above
  // 89 they are infinite; between, n fits into two exact powers of two. The
  // comparisons keep NaN.
  constexpr double low = -104, high = 89, log2e = 0x1.715476p+0;
  // ln(2) in two floats.
  constexpr double ln2High = 0x1.62e430p-1, ln2Low = -0x1.05c610p-29;
  Type type = x.getType();
  Type intType = withElement(type, e.builder.getI32Type());
  for (auto [bound, predicate] : {std::pair(low, arith::CmpFPredicate::OLT),
                                  std::pair(high, arith::CmpFPredicate::OGT)}) {
    Value limit = e.constant(type, bound);
    x = e.select(e.compare(predicate, x, limit), limit, x);
  }
  Value shift = e.constant(type, roundF32);
  Value shifted = e.fma(x, e.constant(type, log2e), shift);
  Value n = e.sub(shifted, shift);
  Value r = e.fma(n, e.constant(type, -ln2High), x);
  r = e.fma(n, e.constant(type, -ln2Low), r);
  // (e^r - 1 - r) / r^2: the polynomial of Cephes' expf (S. Moshier).
  Value q = horner(e, r,
                   {5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2,
                    8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4});
  Value sum = e.add(e.fma(q, e.mul(r, r), r), e.constant(type, 1));
  // 2^n in two factors, because n is in -150..128.
  Value i =
      arith::SubIOp::create(e.builder, e.loc, bitcast(e, intType, shifted),
                            bitcast(e, intType, shift));
  Value half =
      arith::ShRSIOp::create(e.builder, e.loc, i, e.constantInt(intType, 1));
  Value rest = arith::SubIOp::create(e.builder, e.loc, i, half);
  return e.mul(e.mul(sum, emitPowerOfTwo(e, type, half)),
               emitPowerOfTwo(e, type, rest));
}

//===----------------------------------------------------------------------===//
// Cosine and sine
//===----------------------------------------------------------------------===//

std::pair<Value, Value> emitCosSin(VectorEmitter &e, Value x) {
  // pi/2 in two doubles. The first product is exact: n has at most 20 bits, so
  // n * high is a multiple of 2^-52, and x - n * high is below 1.
  constexpr double twoOverPi = 0x1.45f306dc9c883p-1;
  constexpr double high = 0x1.921fb54442d18p+0, low = 0x1.1a62633145c07p-54;
  Type f32 = x.getType();
  Type f64 = withElement(f32, e.builder.getF64Type());
  Type i64 = withElement(f32, e.builder.getI64Type());
  x = arith::ExtFOp::create(e.builder, e.loc, f64, x);
  Value shift = e.constant(f64, roundF64);
  Value shifted = e.fma(x, e.constant(f64, twoOverPi), shift);
  Value n = e.sub(shifted, shift);
  Value r = e.fma(n, e.constant(f64, -high), x);
  r = e.fma(n, e.constant(f64, -low), r);
  Value z = e.mul(r, r);
  // The polynomials of fdlibm's k_sin.c and k_cos.c for |r| <= pi/4, without
  // their corrections of the last bit of the double.
  Value sine =
      horner(e, z,
             {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
              -1.98412698298579493134e-04, 2.75573137070700676789e-06,
              -2.50507602534068634195e-08, 1.58969099521155010221e-10});
  sine = e.fma(e.mul(sine, z), r, r);
  Value cosine =
      horner(e, z,
             {-0.5, 4.16666666666666019037e-02, -1.38888888888741095749e-03,
              2.48015872894767294178e-05, -2.75573143513906633035e-07,
              2.08757232129817482790e-09, -1.13596475577881948265e-11});
  cosine = e.fma(cosine, z, e.constant(f64, 1));

  // Quadrant n mod 4: odd ones swap the functions; cosine is negative in 1 and
  // 2, sine in 2 and 3.
  Value quadrant = bitcast(e, i64, shifted);
  auto isSet = [&](Value value, int64_t bit) -> Value {
    Value masked =
        arith::AndIOp::create(e.builder, e.loc, value, e.constantInt(i64, bit));
    return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ne,
                                 masked, e.constantInt(i64, 0));
  };
  auto finish = [&](Value value, Value isNegative) -> Value {
    value = e.select(isNegative, e.negate(value), value);
    return arith::TruncFOp::create(e.builder, e.loc, f32, value);
  };
  Value isOdd = isSet(quadrant, 1);
  Value next =
      arith::AddIOp::create(e.builder, e.loc, quadrant, e.constantInt(i64, 1));
  return {finish(e.select(isOdd, sine, cosine), isSet(next, 2)),
          finish(e.select(isOdd, cosine, sine), isSet(quadrant, 2))};
}

} // namespace bitnetc
