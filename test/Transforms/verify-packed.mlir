// After the ternary stage all matrices are packed; what is not is named.
// RUN: bitnet-opt --ternary-verify-packed --split-input-file --verify-diagnostics %s

bitnet.weight @w from ["w"] : !ternary.packed<8 x 64, #ternary.tl1>
func.func @good(%t: tensor<?x1024xi8>) -> tensor<?x8xi32> {
  %w = bitnet.weight_ref @w : !ternary.packed<8 x 64, #ternary.tl1>
  %0 = ternary.lut_matmul %t, %w : (tensor<?x1024xi8>, !ternary.packed<8 x 64, #ternary.tl1>) -> tensor<?x8xi32>
  return %0 : tensor<?x8xi32>
}

// -----

// expected-error @+1 {{expected weight 'w' to be packed}}
bitnet.weight @w from ["w"] : tensor<8x64xi2>

// -----

func.func @unpacked(%q: tensor<?x64xi8>, %s: tensor<?xi32>, %w: tensor<8x64xi2>) -> tensor<?x8xi32> {
  // expected-error @+1 {{expected every ternary weight to be packed}}
  %0 = ternary.matmul %q, %s, %w : (tensor<?x64xi8>, tensor<?xi32>, tensor<8x64xi2>) -> tensor<?x8xi32>
  return %0 : tensor<?x8xi32>
}

// -----

func.func @bitlinear(%x: tensor<?x64xf32>, %w: tensor<8x64xi2>, %s: tensor<8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{expected no bitnet.bitlinear after convert-bitnet-to-ternary}}
  %0 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<8x64xi2>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
