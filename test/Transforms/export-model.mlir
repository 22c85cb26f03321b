// Every phase gets an entry point that takes a bn_call apart, and the module the
// description that the runtime reads; weights go away.
// RUN: bitnet-opt --bitnet-export-model %s | FileCheck %s

// CHECK-LABEL: module
module attributes {bitnet.arena_bytes = 512 : i64, bitnet.weights_bytes = 128 : i64, bitnet.hidden_size = 64 : i64, bitnet.max_context = 2048 : i64, bitnet.name = "tiny", bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = ""}} {
  // CHECK-DAG: llvm.mlir.global internal constant @bn_name("tiny\00")
  // CHECK-DAG: llvm.mlir.global internal constant @bn_target("x86_64-unknown-linux-gnu x86-64-v3\00")
  // CHECK-NOT: bitnet.weight
  bitnet.weight @w from ["w"] at 0 : tensor<32xf32>
  // CHECK: func.func private @prefill
  // CHECK: llvm.func @bn_prefill(%[[CALL:.*]]: !llvm.ptr) attributes {bitnet.entry}
  // CHECK-DAG: llvm.getelementptr %[[CALL]][0, 0]
  // CHECK: call @prefill(
  func.func @prefill(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<?xi32>, %position: index, %rows: index, %cache: memref<3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 7 : i64} {
    return
  }
  // CHECK: llvm.func @bn_decode(%{{.*}}: !llvm.ptr) attributes {bitnet.entry}
  func.func @decode(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<1xi32>, %position: index, %rows: index, %cache: memref<3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 1 : i64} {
    return
  }
  // CHECK: llvm.func @bn_decode_batch(%{{.*}}: !llvm.ptr) attributes {bitnet.entry}
  // CHECK: call @decode_batch({{.*}}) : (memref<?xi8>, memref<?xi8>, memref<?xi32>, memref<?x2xi32>, index, memref<5x3x2x2x?x256xf16>, memref<?x9xf32>) -> ()
  func.func @decode_batch(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<?xi32>, %places: memref<?x2xi32>, %rows: index, %cache: memref<5x3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 5 : i64} {
    return
  }
  // CHECK: llvm.mlir.global external constant @bn_model_info()
  // The bytes of one position: 3 layers x keys and values x 2 heads x 16 f16.
  // CHECK-DAG: llvm.mlir.constant(384 : i64)
  // CHECK-DAG: llvm.mlir.constant(9 : i32)
  // CHECK-DAG: llvm.mlir.constant(2048 : i32)
  // CHECK-DAG: llvm.mlir.constant(512 : i64)
  // CHECK-DAG: llvm.mlir.addressof @bn_prefill
  // CHECK-DAG: llvm.mlir.constant(5 : i32)
  // CHECK-DAG: llvm.mlir.addressof @bn_decode{{$| }}
  // CHECK-DAG: llvm.mlir.addressof @bn_decode_batch
}
