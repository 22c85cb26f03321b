// A layer whose sums would not fit in 32 bits is an error.
// RUN: bitnet-opt --convert-bitnet-to-ternary --verify-diagnostics %s

func.func @too_wide(%x: tensor<?x16000000xf32>, %w: tensor<8x16000000xi2>, %s: tensor<8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{expected K below 16000000, but got 16000000}}
  %y = bitnet.bitlinear %x, %w, %s : (tensor<?x16000000xf32>, tensor<8x16000000xi2>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
