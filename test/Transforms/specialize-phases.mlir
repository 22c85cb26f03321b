// @forward becomes @prefill for up to max-batch tokens, @decode for one, in
// which all that is computed from the tokens has one row and the logits keep as
// many as are wanted, and @decode_batch for tokens that each have a place.
// RUN: bitnet-opt --bitnet-specialize-phases="max-batch=7 max-sequences=5" --split-input-file %s | FileCheck %s
// RUN: bitnet-opt --bitnet-specialize-phases=max-sequences=1 --split-input-file %s | FileCheck %s --check-prefix=SINGLE
// SINGLE-NOT: decode_batch

// CHECK-LABEL: func @prefill
// CHECK-SAME: tensor<?xi32>
// CHECK-SAME: attributes {bitnet.max_tokens = 7 : i64}
// CHECK: bitnet.embedding {{.*}} -> tensor<?x64xf32>
// CHECK-LABEL: func @decode
// CHECK-SAME: %[[TOKENS:.*]]: tensor<1xi32>
// CHECK-SAME: -> tensor<?x9xf32> attributes {bitnet.max_tokens = 1 : i64}
// CHECK: %[[X:.*]] = bitnet.embedding %[[TOKENS]], %{{.*}} -> tensor<1x64xf32>
// CHECK: bitnet.rope_angles {{.*}} -> tensor<1x64xf32>
// CHECK: bitnet.rope {{.*}} -> tensor<1x64xf32>
// CHECK: tensor.extract_slice %{{.*}}[0, 0] [1, 32] [1, 1] : tensor<1x64xf32> to tensor<1x32xf32>
// CHECK: tensor.extract_slice %[[X]][%{{.*}}, 0] [%{{.*}}, 64] [1, 1] : tensor<1x64xf32> to tensor<?x64xf32>
// CHECK: bitnet.lm_head {{.*}} -> tensor<?x9xf32>
// CHECK-LABEL: func @decode_batch
// CHECK-SAME: %[[TOKENS:.*]]: tensor<?xi32>, %[[PLACES:.*]]: tensor<?x2xi32>, %{{.*}}: index, %[[CACHE:.*]]: !bitnet.kv_cache<2 x 1 x 32 x f32, sequences = 5>)
// CHECK-SAME: -> tensor<?x9xf32> attributes {bitnet.max_tokens = 5 : i64}
// CHECK: bitnet.rope_angles %[[PLACES]], {{.*}} : (tensor<?x2xi32>, tensor<32xf32>) -> tensor<?x64xf32>
// CHECK: bitnet.kv_layer %[[CACHE]][1] : {{.*}} -> !bitnet.kv_cache<1 x 1 x 32 x f32, sequences = 5>
// CHECK: bitnet.kv_store {{.*}} at %[[PLACES]]
// CHECK: bitnet.attention {{.*}} at %[[PLACES]]
// CHECK-NOT: @forward
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<2 x 1 x 32 x f32>) -> tensor<?x9xf32> {
  %e = bitnet.weight_ref @embedding : tensor<9x64xf32>
  %f = bitnet.weight_ref @frequencies : tensor<32xf32>
  %x = bitnet.embedding %tokens, %e : (tensor<?xi32>, tensor<9x64xf32>) -> tensor<?x64xf32>
  %a = bitnet.rope_angles %position, %f : (index, tensor<32xf32>) -> tensor<?x64xf32>
  %r = bitnet.rope %x, %a : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %k = tensor.extract_slice %r[0, 0] [%n, 32] [1, 1] : tensor<?x64xf32> to tensor<?x32xf32>
  %layer = bitnet.kv_layer %cache[1] : !bitnet.kv_cache<2 x 1 x 32 x f32> -> !bitnet.kv_cache<1 x 1 x 32 x f32>
  bitnet.kv_store %k, %k, %layer at %position : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 1 x 32 x f32>, index
  %o = bitnet.attention %k, %layer at %position heads 1 : (tensor<?x32xf32>, !bitnet.kv_cache<1 x 1 x 32 x f32>, index) -> tensor<?x32xf32>
  %first = arith.subi %n, %rows : index
  %last = tensor.extract_slice %x[%first, 0] [%rows, 64] [1, 1] : tensor<?x64xf32> to tensor<?x64xf32>
  %y = bitnet.lm_head %last, %e : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
bitnet.weight @embedding from ["e"] : tensor<9x64xf32>
bitnet.weight @frequencies from ["f"] : tensor<32xf32>

// -----

// Where all rows are wanted, the logits of one token are one row.
// CHECK-LABEL: func @decode
// CHECK-SAME: -> tensor<1x9xf32>
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 32 x f32>) -> tensor<?x9xf32> {
  %e = bitnet.weight_ref @embedding : tensor<9x64xf32>
  %x = bitnet.embedding %tokens, %e : (tensor<?xi32>, tensor<9x64xf32>) -> tensor<?x64xf32>
  %y = bitnet.lm_head %x, %e : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
bitnet.weight @embedding from ["e"] : tensor<9x64xf32>
