// The head reads a table of another precision, made of the same source; the
// table as it was goes, unless it is the embedding as well.
// RUN: bitnet-opt --bitnet-quantize-head=precision=int8 --split-input-file %s | FileCheck %s --check-prefixes=CHECK,INT8
// RUN: bitnet-opt --bitnet-quantize-head=precision=int4 --split-input-file %s | FileCheck %s --check-prefixes=CHECK,INT4
// RUN: bitnet-opt --bitnet-quantize-head=precision=f16 --split-input-file %s | FileCheck %s --check-prefixes=CHECK,F16
// RUN: bitnet-opt --bitnet-quantize-head=precision=bf16 --split-input-file %s | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: bitnet-opt --bitnet-quantize-head=precision=int4 --bitnet-bufferize --ternary-tile-parallel --split-input-file %s | FileCheck %s --check-prefix=TILED

// CHECK: module
// INT8: bitnet.weight @head.int8 from ["head.int8"] : tensor<9x1024xi8>
// INT8: bitnet.weight @head.int8.facts from ["head.int8.facts"] : tensor<9x64xf32>
// INT4: bitnet.weight @head.int4 from ["head.int4"] : tensor<9x576xi8>
// INT4: bitnet.weight @head.int4.facts from ["head.int4.facts"] : tensor<9x16xf32>
// F16: bitnet.weight @head.f16 from ["head"] : tensor<137x64xf16>
// BF16-NOT: bitnet.weight {{.*}}bf16 from
// CHECK-NOT: bitnet.weight
// BF16: bitnet.weight @head from ["head"] : tensor<137x64xbf16>
// CHECK-LABEL: func @forward
// CHECK-SAME: %[[X:.*]]: tensor
// INT8-DAG: %[[F:.*]]:2 = bitnet.fixed_point %[[X]] : (tensor<?x64xf32>) -> (tensor<?x128xi8>, tensor<?x3xf32>)
// INT8-DAG: %[[T:.*]] = bitnet.weight_ref @head.int8 :
// INT8-DAG: %[[R:.*]] = bitnet.weight_ref @head.int8.facts :
// INT8: %[[Y:.*]] = bitnet.integer_head %[[F]]#0, %[[F]]#1, %[[T]], %[[R]] bits 8
// INT4-DAG: %[[F:.*]]:2 = bitnet.fixed_point %[[X]] : (tensor<?x64xf32>) -> (tensor<?x128xi8>, tensor<?x3xf32>)
// INT4-DAG: %[[T:.*]] = bitnet.weight_ref @head.int4 :
// INT4-DAG: %[[R:.*]] = bitnet.weight_ref @head.int4.facts :
// INT4: %[[Y:.*]] = bitnet.integer_head %[[F]]#0, %[[F]]#1, %[[T]], %[[R]] bits 4
// F16: %[[T:.*]] = bitnet.weight_ref @head.f16 :
// F16: %[[Y:.*]] = bitnet.lm_head %[[X]], %[[T]]
// BF16: %[[T:.*]] = bitnet.weight_ref @head :
// BF16: %[[Y:.*]] = bitnet.lm_head %[[X]], %[[T]]
// CHECK-NOT: weight_ref
// CHECK: return %[[Y]]

// An item is 8 tiles; the last has 9 rows.
// TILED: bitnet.fixed_point
// TILED: bitnet.parallel
// TILED: scf.if
// TILED: bitnet.integer_head {{.*}} bits 4 : {{.*}}memref<8x576xi8, {{.*}}memref<?x128xf32
// TILED: else
// TILED: bitnet.integer_head {{.*}} bits 4 : {{.*}}memref<1x576xi8, {{.*}}memref<?x9xf32
module {
  bitnet.weight @head from ["head"] : tensor<137x64xbf16>
  func.func @forward(%x: tensor<?x64xf32>) -> tensor<?x137xf32> attributes {bitnet.max_tokens = 128 : i64} {
    %t = bitnet.weight_ref @head : tensor<137x64xbf16>
    %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<137x64xbf16>) -> tensor<?x137xf32>
    return %y : tensor<?x137xf32>
  }
}

// -----

// CHECK: module
// INT8: bitnet.weight @embedding.int8 from ["embedding.int8"]
// INT4: bitnet.weight @embedding.int4 from ["embedding.int4"]
// F16: bitnet.weight @embedding.f16 from ["embedding"] : tensor<9x64xf16>
// BF16: bitnet.weight @embedding.bf16 from ["embedding"] : tensor<9x64xbf16>
// CHECK: bitnet.weight @embedding from ["embedding"] : tensor<9x64xf32>
// CHECK: bitnet.embedding %{{.*}}, %{{.*}} : (tensor<?xi32>, tensor<9x64xf32>)
module {
  bitnet.weight @embedding from ["embedding"] : tensor<9x64xf32>
  func.func @forward(%i: tensor<?xi32>) -> tensor<?x9xf32> attributes {bitnet.max_tokens = 128 : i64} {
    %t = bitnet.weight_ref @embedding : tensor<9x64xf32>
    %x = bitnet.embedding %i, %t : (tensor<?xi32>, tensor<9x64xf32>) -> tensor<?x64xf32>
    %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
    return %y : tensor<?x9xf32>
  }
}
