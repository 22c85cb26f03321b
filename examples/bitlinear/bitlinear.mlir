// One BitLinear layer, y = W x, for up to 8 tokens: 100 outputs of 200 inputs.
//
// `bitnet.max_tokens` makes the function a phase: bitnet-bufferize gives it the
// weight section and an arena as its first arguments.
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = ""}} {
  bitnet.weight @w from ["w"] : tensor<100x200xi2>
  bitnet.weight @scale from ["w.scale"] : tensor<100xf32>

  func.func @bitlinear(%x: tensor<?x200xf32>) -> tensor<?x100xf32> attributes {bitnet.max_tokens = 8 : i64} {
    %w = bitnet.weight_ref @w : tensor<100x200xi2>
    %scale = bitnet.weight_ref @scale : tensor<100xf32>
    %y = bitnet.bitlinear %x, %w, %scale : (tensor<?x200xf32>, tensor<100x200xi2>, tensor<100xf32>) -> tensor<?x100xf32>
    return %y : tensor<?x100xf32>
  }
}
