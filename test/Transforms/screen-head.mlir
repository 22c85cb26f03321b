// @decode and @decode_batch get copies that take the number of logits that
// matter; sketches are weights made from the table's source, the same for both.
// RUN: bitnet-opt --bitnet-screen-head=mode=screened %s | FileCheck %s
// RUN: bitnet-opt --bitnet-screen-head=mode=full %s | FileCheck %s --check-prefix=FULL
// The table is far too small for it to pay.
// RUN: bitnet-opt --bitnet-screen-head %s | FileCheck %s --check-prefix=FULL
// RUN: bitnet-opt --bitnet-screen-head=mode=screened --bitnet-bufferize --ternary-tile-parallel %s | FileCheck %s --check-prefix=TILED

// CHECK-NOT: bitnet.weight @
// CHECK: bitnet.weight @head.int7 from ["embedding.int7"] : tensor<3x896xi8>
// CHECK-NEXT: bitnet.weight @head.int7.facts from ["embedding.int7.facts"] : tensor<3x64xf32>
// CHECK-NEXT: bitnet.weight @head from ["embedding"] : tensor<41x64xbf16>
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
