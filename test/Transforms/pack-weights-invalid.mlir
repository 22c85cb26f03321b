// A weight is stored once: two formats, an unpacked reader or a matrix that is
// no weight are errors.
// RUN: bitnet-opt --ternary-pack-weights --split-input-file --verify-diagnostics %s

func.func @no_weight(%w: tensor<8x8xi2>) -> !ternary.packed<8 x 8, #ternary.i2> {
  // expected-error @+1 {{expected to pack a weight of the model}}
  %a = ternary.pack %w : tensor<8x8xi2> -> !ternary.packed<8 x 8, #ternary.i2>
  return %a : !ternary.packed<8 x 8, #ternary.i2>
}

// -----

bitnet.weight @w from ["w"] : tensor<8x8xi2>
func.func @two_formats() -> (!ternary.packed<8 x 8, #ternary.i2>, !ternary.packed<8 x 8, #ternary.t5>) {
  %w = bitnet.weight_ref @w : tensor<8x8xi2>
  %a = ternary.pack %w : tensor<8x8xi2> -> !ternary.packed<8 x 8, #ternary.i2>
  // expected-error @+1 {{expected one format for weight 'w', but got '!ternary.packed<8 x 8, #ternary.i2>' and '!ternary.packed<8 x 8, #ternary.t5>'}}
  %b = ternary.pack %w : tensor<8x8xi2> -> !ternary.packed<8 x 8, #ternary.t5>
  return %a, %b : !ternary.packed<8 x 8, #ternary.i2>, !ternary.packed<8 x 8, #ternary.t5>
}

// -----

bitnet.weight @w from ["w"] : tensor<8x8xi2>
func.func @unpacked_reader() -> (!ternary.packed<8 x 8, #ternary.i2>, tensor<8x8xi2>) {
  // expected-error @+1 {{expected every use of weight 'w' to read '!ternary.packed<8 x 8, #ternary.i2>', but got 'tensor<8x8xi2>'}}
  %w = bitnet.weight_ref @w : tensor<8x8xi2>
  %a = ternary.pack %w : tensor<8x8xi2> -> !ternary.packed<8 x 8, #ternary.i2>
  return %a, %w : !ternary.packed<8 x 8, #ternary.i2>, tensor<8x8xi2>
}
