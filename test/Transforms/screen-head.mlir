// @prefill, @decode and @decode_batch get copies that take the number of logits
// that matter; sketches are weights made from the table's source, the same for
// all. Of a prompt only the last token's logits are wanted.
// RUN: bitnet-opt --bitnet-screen-head=mode=screened %s | FileCheck %s
// RUN: bitnet-opt --bitnet-screen-head=mode=full %s | FileCheck %s --check-prefix=FULL
// The table is far too small for it to pay.
// RUN: bitnet-opt --bitnet-screen-head %s | FileCheck %s --check-prefix=FULL
// RUN: bitnet-opt --bitnet-screen-head=mode=screened --bitnet-bufferize --ternary-tile-parallel %s | FileCheck %s --check-prefix=TILED

// CHECK-NOT: bitnet.weight @
// CHECK: bitnet.weight @head.int7 from ["embedding.int7"] : tensor<3x896xi8>
// CHECK-NEXT: bitnet.weight @head.int7.facts from ["embedding.int7.facts"] : tensor<3x64xf32>
// CHECK-NEXT: bitnet.weight @head from ["embedding"] : tensor<41x64xbf16>
// CHECK-NEXT: bitnet.weight @norm
// CHECK-NOT: bitnet.weight @
// CHECK-LABEL: func @decode(
// CHECK: bitnet.lm_head
// CHECK-LABEL: func @decode_top(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[TOP:.*]]: index)
// CHECK-SAME: bitnet.max_tokens = 1
// CHECK-DAG: %[[TABLE:.*]] = bitnet.weight_ref @head :
// CHECK-DAG: %[[Q:.*]] = bitnet.weight_ref @head.int7 :
// CHECK-DAG: %[[R:.*]] = bitnet.weight_ref @head.int7.facts :
// CHECK-DAG: %[[F:.*]]:2 = bitnet.fixed_point %[[X]]
// CHECK: %[[U:.*]]:2 = bitnet.screen_head %[[F]]#0, %[[F]]#1, %[[Q]], %[[R]]
// CHECK: %[[T:.*]] = bitnet.kth_largest %[[U]]#1, %[[TOP]] : (tensor<?x3xf32>, index)
// CHECK: %[[Y:.*]] = bitnet.rescore_head %[[X]], %[[TABLE]], %[[U]]#0, %[[T]]
// CHECK: return %[[Y]]
// CHECK-LABEL: func @decode_batch(
// CHECK-SAME: %{{.*}}: tensor<?x64xf32>)
// CHECK: bitnet.lm_head
// CHECK-LABEL: func @decode_batch_top(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[TOP:.*]]: index)
// CHECK-SAME: bitnet.max_tokens = 5
// CHECK-DAG: %[[TABLE:.*]] = bitnet.weight_ref @head :
// CHECK-DAG: %[[Q:.*]] = bitnet.weight_ref @head.int7 :
// CHECK-DAG: %[[R:.*]] = bitnet.weight_ref @head.int7.facts :
// CHECK-DAG: %[[F:.*]]:2 = bitnet.fixed_point %[[X]]
// CHECK: %[[U:.*]]:2 = bitnet.screen_head %[[F]]#0, %[[F]]#1, %[[Q]], %[[R]]
// CHECK: %[[T:.*]] = bitnet.kth_largest %[[U]]#1, %[[TOP]] : (tensor<?x3xf32>, index)
// CHECK: %[[Y:.*]] = bitnet.rescore_head %[[X]], %[[TABLE]], %[[U]]#0, %[[T]]
// CHECK: return %[[Y]]

// CHECK-LABEL: func @prefill(
// CHECK: bitnet.lm_head
// CHECK-LABEL: func @prefill_top(
// CHECK-SAME: %[[ALL:.*]]: tensor<?x64xf32>, %[[ROWS:.*]]: index, %[[TOP:.*]]: index) -> tensor<1x41xf32>
// CHECK-SAME: bitnet.max_tokens = 128
// CHECK: %[[FIRST:.*]] = arith.subi %{{.*}}, %[[ROWS]]
// CHECK: %[[LAST:.*]] = tensor.extract_slice %[[ALL]][%[[FIRST]], 0] [1, 64] [1, 1] : tensor<?x64xf32> to tensor<1x64xf32>
// CHECK: %[[X:.*]] = bitnet.rms_norm %[[LAST]], {{.*}} -> tensor<1x64xf32>
// CHECK: %[[F:.*]]:2 = bitnet.fixed_point %[[X]]
// CHECK: bitnet.kth_largest %{{.*}}#1, %[[TOP]] : (tensor<1x3xf32>, index) -> tensor<1x1xf32>
// CHECK: %[[Y:.*]] = bitnet.rescore_head %[[X]], {{.*}} -> tensor<1x41xf32>
// CHECK: return %[[Y]]

// FULL-NOT: _top
// FULL-NOT: int7

// TILED-LABEL: func @decode_top
// TILED: bitnet.fixed_point
// TILED: bitnet.parallel
// TILED: bitnet.screen_head {{.*}}memref<3x896xi8, {{.*}}memref<?x41xf32, {{.*}}memref<?x3xf32
// TILED: bitnet.kth_largest
// Blocks do not overlap: the last has 9 rows.
// TILED: bitnet.parallel
// TILED: bitnet.rescore_head {{.*}}memref<16x64xbf16
// TILED: bitnet.rescore_head {{.*}}memref<9x64xbf16
bitnet.weight @head from ["embedding"] : tensor<41x64xbf16>
bitnet.weight @norm from ["norm"] : tensor<64xf32>
func.func @decode(%x: tensor<?x64xf32>) -> tensor<?x41xf32> attributes {bitnet.max_tokens = 1 : i64} {
  %t = bitnet.weight_ref @head : tensor<41x64xbf16>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<41x64xbf16>) -> tensor<?x41xf32>
  return %y : tensor<?x41xf32>
}
func.func @decode_batch(%x: tensor<?x64xf32>) -> tensor<?x41xf32> attributes {bitnet.max_tokens = 5 : i64} {
  %t = bitnet.weight_ref @head : tensor<41x64xbf16>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<41x64xbf16>) -> tensor<?x41xf32>
  return %y : tensor<?x41xf32>
}
func.func @prefill(%all: tensor<?x64xf32>, %rows: index) -> tensor<?x41xf32> attributes {bitnet.max_tokens = 128 : i64} {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %all, %c0 : tensor<?x64xf32>
  %first = arith.subi %n, %rows : index
  %last = tensor.extract_slice %all[%first, 0] [%rows, 64] [1, 1] : tensor<?x64xf32> to tensor<?x64xf32>
  %w = bitnet.weight_ref @norm : tensor<64xf32>
  %x = bitnet.rms_norm %last, %w eps 1.000000e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %t = bitnet.weight_ref @head : tensor<41x64xbf16>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<41x64xbf16>) -> tensor<?x41xf32>
  return %y : tensor<?x41xf32>
}
