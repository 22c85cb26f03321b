// Only operations in memory become functions.
// RUN: bitnet-opt --bitnet-outline-kernels --split-input-file --verify-diagnostics %s

func.func @tensors(%x: tensor<1x64xf32>) -> tensor<1x64xf32> attributes {bitnet.max_tokens = 1 : i64} {
  // expected-error @+1 {{expected operations in memref form; run 'bitnet-bufferize' first}}
  %y = bitnet.add %x, %x : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// -----

// expected-error @+1 {{expected one block}}
func.func private @external() attributes {bitnet.max_tokens = 1 : i64}
