bitnet.weight @embedding from ["e"] : tensor<9x64xf32>
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  %e = bitnet.weight_ref @embedding : tensor<9x64xf32>
  %x = bitnet.embedding %tokens, %e : (tensor<?xi32>, tensor<9x64xf32>) -> tensor<?x64xf32>
  %y = bitnet.lm_head %x, %e : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
