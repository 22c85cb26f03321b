// Weights take the type of the ternary.pack that reads them, once for any number
// of readers.
// RUN: bitnet-opt --ternary-pack-weights %s | FileCheck %s

// CHECK: bitnet.weight @w from ["a", "b"] : !ternary.packed<33 x 100, #ternary.i2>
bitnet.weight @w from ["a", "b"] : tensor<33x100xi2>
// CHECK: bitnet.weight @norm from ["n"] : tensor<64xf32>
bitnet.weight @norm from ["n"] : tensor<64xf32>

// CHECK-LABEL: func @two_readers
func.func @two_readers() -> (!ternary.packed<33 x 100, #ternary.i2>, !ternary.packed<33 x 100, #ternary.i2>, tensor<64xf32>) {
  // CHECK-NOT: ternary.pack %
  // CHECK: %[[A:.*]] = bitnet.weight_ref @w : !ternary.packed<33 x 100, #ternary.i2>
  // CHECK: %[[B:.*]] = bitnet.weight_ref @w : !ternary.packed<33 x 100, #ternary.i2>
  // CHECK: return %[[A]], %[[B]]
  %w = bitnet.weight_ref @w : tensor<33x100xi2>
  %a = ternary.pack %w : tensor<33x100xi2> -> !ternary.packed<33 x 100, #ternary.i2>
  %b = ternary.pack %w : tensor<33x100xi2> -> !ternary.packed<33 x 100, #ternary.i2>
  %n = bitnet.weight_ref @norm : tensor<64xf32>
  return %a, %b, %n : !ternary.packed<33 x 100, #ternary.i2>, !ternary.packed<33 x 100, #ternary.i2>, tensor<64xf32>
}

// A second phase reads the same bytes.
// CHECK-LABEL: func @other_phase
func.func @other_phase() -> !ternary.packed<33 x 100, #ternary.i2> {
  // CHECK: bitnet.weight_ref @w : !ternary.packed
  %w = bitnet.weight_ref @w : tensor<33x100xi2>
  %a = ternary.pack %w : tensor<33x100xi2> -> !ternary.packed<33 x 100, #ternary.i2>
  return %a : !ternary.packed<33 x 100, #ternary.i2>
}

// Weights are found in the module of their reader.
module @inner {
  // CHECK: bitnet.weight @w from ["c"] : !ternary.packed<8 x 8, #ternary.tl1>
  bitnet.weight @w from ["c"] : tensor<8x8xi2>
  func.func @read() -> !ternary.packed<8 x 8, #ternary.tl1> {
    %w = bitnet.weight_ref @w : tensor<8x8xi2>
    %a = ternary.pack %w : tensor<8x8xi2> -> !ternary.packed<8 x 8, #ternary.tl1>
    return %a : !ternary.packed<8 x 8, #ternary.tl1>
  }
}
