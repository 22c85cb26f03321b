// Every type and operation reads back as it was printed: in tensor and in memref
// form, as pretty text, as generic text and as bytecode.
// RUN: bitnet-opt %s > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: bitnet-opt %t.mlir | diff %t.mlir -
// RUN: bitnet-opt --mlir-print-op-generic %s | bitnet-opt | diff %t.mlir -
// RUN: bitnet-opt --emit-bytecode %s | bitnet-opt | diff %t.mlir -

// CHECK: bitnet.weight @qkv from ["q", "k", "v"] : tensor<128x64xi2>
bitnet.weight @qkv from ["q", "k", "v"] : tensor<128x64xi2>
// CHECK: bitnet.weight @packed from ["o"] at 4096 : !ternary.packed<64 x 64, #ternary.i2>
bitnet.weight @packed from ["o"] at 4096 : !ternary.packed<64 x 64, #ternary.i2>
// CHECK: bitnet.weight @norm = dense<1.000000e+00> : tensor<64xbf16> : tensor<64xbf16>
bitnet.weight @norm = dense<1.0> : tensor<64xbf16> : tensor<64xbf16>

// CHECK-LABEL: func @tensors
// CHECK-SAME: !bitnet.kv_cache<2 x 2 x 16 x f16>
func.func @tensors(%tokens: tensor<?xi32>, %position: index, %cache: !bitnet.kv_cache<2 x 2 x 16 x f16>, %table: tensor<9x64xf16>, %gain: tensor<64xf32>, %scale: tensor<128xf32>, %f: tensor<8xf32>, %k: tensor<?x32xf32>) -> tensor<?x9xf32> {
  // CHECK: bitnet.weight_ref @qkv : tensor<128x64xi2>
  %w = bitnet.weight_ref @qkv : tensor<128x64xi2>
  // CHECK: %[[X:.*]] = bitnet.embedding %{{.*}}, %{{.*}} : (tensor<?xi32>, tensor<9x64xf16>) -> tensor<?x64xf32>
  %x = bitnet.embedding %tokens, %table : (tensor<?xi32>, tensor<9x64xf16>) -> tensor<?x64xf32>
  // CHECK: bitnet.rms_norm %[[X]], %{{.*}} eps 9.99999974E-6 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %n = bitnet.rms_norm %x, %gain eps 1.0e-5 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  // CHECK: bitnet.bitlinear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<128x64xi2>, tensor<128xf32>) -> tensor<?x128xf32>
  %l = bitnet.bitlinear %n, %w, %scale : (tensor<?x64xf32>, tensor<128x64xi2>, tensor<128xf32>) -> tensor<?x128xf32>
  // CHECK: bitnet.rope_angles %{{.*}}, %{{.*}} : (index, tensor<8xf32>) -> tensor<?x16xf32>
  %a = bitnet.rope_angles %position, %f : (index, tensor<8xf32>) -> tensor<?x16xf32>
  // CHECK: bitnet.rope %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<?x16xf32>) -> tensor<?x64xf32>
  %q = bitnet.rope %n, %a : (tensor<?x64xf32>, tensor<?x16xf32>) -> tensor<?x64xf32>
  // CHECK: %[[LAYER:.*]] = bitnet.kv_layer %{{.*}}[1] : !bitnet.kv_cache<2 x 2 x 16 x f16> -> !bitnet.kv_cache<1 x 2 x 16 x f16>
  %layer = bitnet.kv_layer %cache[1] : !bitnet.kv_cache<2 x 2 x 16 x f16> -> !bitnet.kv_cache<1 x 2 x 16 x f16>
  // CHECK: bitnet.kv_store %{{.*}}, %{{.*}}, %[[LAYER]] at %{{.*}} : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16>, index
  bitnet.kv_store %k, %k, %layer at %position : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16>, index
  // CHECK: bitnet.attention %{{.*}}, %[[LAYER]] at %{{.*}} heads 4 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16>, index) -> tensor<?x64xf32>
  %o = bitnet.attention %q, %layer at %position heads 4 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16>, index) -> tensor<?x64xf32>
  // CHECK: bitnet.gated_act silu %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %g0 = bitnet.gated_act silu %o, %n : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: bitnet.gated_act relu2
  %g1 = bitnet.gated_act relu2 %g0, %n : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: bitnet.gated_act silu
  %g2 = bitnet.gated_act silu %g1, %n : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: bitnet.add %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = bitnet.add %g2, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: bitnet.lm_head %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<9x64xf16>) -> tensor<?x9xf32>
  %logits = bitnet.lm_head %y, %table : (tensor<?x64xf32>, tensor<9x64xf16>) -> tensor<?x9xf32>
  return %logits : tensor<?x9xf32>
}

// CHECK-LABEL: func @memrefs
func.func @memrefs(%tokens: memref<1xi32>, %position: index, %cache: memref<2x2x?x256xf32>, %table: memref<9x64xbf16>, %gain: memref<64xf32>, %f: memref<8xf32>, %a: memref<1x16xf32>, %k: memref<1x32xf32>, %state: memref<1x8xf32>, %x: memref<1x64xf32>, %y: memref<1x64xf32>, %logits: memref<1x9xf32>) {
  // CHECK: bitnet.embedding %{{.*}}, %{{.*}} into %{{.*}} : (memref<1xi32>, memref<9x64xbf16>, memref<1x64xf32>) -> ()
  bitnet.embedding %tokens, %table into %x : (memref<1xi32>, memref<9x64xbf16>, memref<1x64xf32>) -> ()
  // CHECK: bitnet.rms_norm %{{.*}}, %{{.*}} into %{{.*}} eps 1.000000e+00 : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  bitnet.rms_norm %x, %gain into %y eps 1.0 : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  // CHECK: bitnet.rope_angles %{{.*}}, %{{.*}} into %{{.*}} : (index, memref<8xf32>, memref<1x16xf32>) -> ()
  bitnet.rope_angles %position, %f into %a : (index, memref<8xf32>, memref<1x16xf32>) -> ()
  // CHECK: bitnet.rope %{{.*}}, %{{.*}} into %{{.*}} : (memref<1x64xf32>, memref<1x16xf32>, memref<1x64xf32>) -> ()
  bitnet.rope %x, %a into %y : (memref<1x64xf32>, memref<1x16xf32>, memref<1x64xf32>) -> ()
  // CHECK: bitnet.kv_store %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} : memref<1x32xf32>, memref<1x32xf32>, memref<2x2x?x256xf32>, index
  bitnet.kv_store %k, %k, %cache at %position : memref<1x32xf32>, memref<1x32xf32>, memref<2x2x?x256xf32>, index
  // CHECK: bitnet.attention %{{.*}}, %{{.*}} at %{{.*}} into %{{.*}} heads 4 : (memref<1x64xf32>, memref<2x2x?x256xf32>, index, memref<1x64xf32>) -> ()
  bitnet.attention %x, %cache at %position into %y heads 4 : (memref<1x64xf32>, memref<2x2x?x256xf32>, index, memref<1x64xf32>) -> ()
  // CHECK: bitnet.attention_part %{{.*}}, %{{.*}} at %{{.*}} part %{{.*}} into %{{.*}}, %{{.*}} heads 4 : (memref<1x64xf32>, memref<2x2x?x256xf32>, index, index, memref<1x64xf32>, memref<1x8xf32>) -> ()
  bitnet.attention_part %x, %cache at %position part %position into %y, %state heads 4 : (memref<1x64xf32>, memref<2x2x?x256xf32>, index, index, memref<1x64xf32>, memref<1x8xf32>) -> ()
  // CHECK: bitnet.attention_merge %{{.*}}, %{{.*}} at %{{.*}} into %{{.*}} heads 4 : (memref<1x64xf32>, memref<1x8xf32>, index, memref<1x64xf32>) -> ()
  bitnet.attention_merge %y, %state at %position into %x heads 4 : (memref<1x64xf32>, memref<1x8xf32>, index, memref<1x64xf32>) -> ()
  // CHECK: bitnet.gated_act silu %{{.*}}, %{{.*}} into %{{.*}} : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  bitnet.gated_act silu %x, %y into %y : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  // CHECK: bitnet.add %{{.*}}, %{{.*}} into %{{.*}} : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  bitnet.add %x, %y into %y : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  // CHECK: bitnet.lm_head %{{.*}}, %{{.*}} into %{{.*}} : (memref<1x64xf32>, memref<9x64xbf16>, memref<1x9xf32>) -> ()
  bitnet.lm_head %y, %table into %logits : (memref<1x64xf32>, memref<9x64xbf16>, memref<1x9xf32>) -> ()
  return
}

// CHECK-LABEL: func @parallel
func.func @parallel(%n: index, %m: i64) {
  // CHECK: bitnet.parallel (%[[B:.*]], %[[E:.*]]) of %{{.*}} : index {
  // CHECK-NEXT: arith.addi %[[B]], %[[E]] : index
  // CHECK-NEXT: }
  bitnet.parallel (%begin, %end) of %n : index {
    %0 = arith.addi %begin, %end : index
  }
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %{{.*}} : i64 {
  // CHECK: cf.br ^bb1
  // CHECK: ^bb1:
  // CHECK: bitnet.yield
  bitnet.parallel (%begin, %end) of %m : i64 {
    cf.br ^bb1
  ^bb1:
    bitnet.yield
  }
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %{{.*}} : index {
  // CHECK-NEXT: } {hint = 1 : i64}
  bitnet.parallel (%begin, %end) of %n : index {
    bitnet.yield
  } {hint = 1}
  return
}

// CHECK-LABEL: func @head_tensors
func.func @head_tensors(%x: tensor<?x64xf32>, %table: tensor<40x64xbf16>, %sketch: tensor<3x896xi8>, %int8: tensor<3x1024xi8>, %facts: tensor<3x64xf32>, %int4: tensor<3x576xi8>, %sums: tensor<3x16xf32>, %top: index) -> tensor<?x40xf32> {
  // CHECK: %[[F:.*]]:2 = bitnet.fixed_point %{{.*}} : (tensor<?x64xf32>) -> (tensor<?x128xi8>, tensor<?x3xf32>)
  %d, %f = bitnet.fixed_point %x : (tensor<?x64xf32>) -> (tensor<?x128xi8>, tensor<?x3xf32>)
  // CHECK: bitnet.screen_head %[[F]]#0, %[[F]]#1, %{{.*}}, %{{.*}} : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  %u, %p = bitnet.screen_head %d, %f, %sketch, %facts : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  // CHECK: bitnet.integer_head %[[F]]#0, %[[F]]#1, %{{.*}}, %{{.*}} bits 8 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x1024xi8>, tensor<3x64xf32>) -> tensor<?x40xf32>
  %y8 = bitnet.integer_head %d, %f, %int8, %facts bits 8 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x1024xi8>, tensor<3x64xf32>) -> tensor<?x40xf32>
  // CHECK: bitnet.integer_head %[[F]]#0, %[[F]]#1, %{{.*}}, %{{.*}} bits 4 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x576xi8>, tensor<3x16xf32>) -> tensor<?x40xf32>
  %y4 = bitnet.integer_head %d, %f, %int4, %sums bits 4 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x576xi8>, tensor<3x16xf32>) -> tensor<?x40xf32>
  // CHECK: bitnet.kth_largest %{{.*}}, %{{.*}} : (tensor<?x3xf32>, index) -> tensor<?x1xf32>
  %t = bitnet.kth_largest %p, %top : (tensor<?x3xf32>, index) -> tensor<?x1xf32>
  // CHECK: bitnet.rescore_head %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<40x64xbf16>, tensor<?x40xf32>, tensor<?x1xf32>) -> tensor<?x40xf32>
  %y = bitnet.rescore_head %x, %table, %u, %t : (tensor<?x64xf32>, tensor<40x64xbf16>, tensor<?x40xf32>, tensor<?x1xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// CHECK-LABEL: func @head_memrefs
func.func @head_memrefs(%x: memref<1x64xf32>, %table: memref<40x64xbf16>, %sketch: memref<3x896xi8>, %int8: memref<3x1024xi8>, %facts: memref<3x64xf32>, %d: memref<1x128xi8>, %f: memref<1x3xf32>, %top: index, %l: memref<1x1xf32>, %u: memref<1x40xf32>, %p: memref<1x3xf32>, %y: memref<1x40xf32>) {
  // CHECK: bitnet.fixed_point %{{.*}} into %{{.*}}, %{{.*}} : (memref<1x64xf32>, memref<1x128xi8>, memref<1x3xf32>) -> ()
  bitnet.fixed_point %x into %d, %f : (memref<1x64xf32>, memref<1x128xi8>, memref<1x3xf32>) -> ()
  // CHECK: bitnet.screen_head %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}} :
  bitnet.screen_head %d, %f, %sketch, %facts into %u, %p : (memref<1x128xi8>, memref<1x3xf32>, memref<3x896xi8>, memref<3x64xf32>, memref<1x40xf32>, memref<1x3xf32>) -> ()
  // CHECK: bitnet.integer_head %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} into %{{.*}} bits 8 :
  bitnet.integer_head %d, %f, %int8, %facts into %u bits 8 : (memref<1x128xi8>, memref<1x3xf32>, memref<3x1024xi8>, memref<3x64xf32>, memref<1x40xf32>) -> ()
  // CHECK: bitnet.kth_largest %{{.*}}, %{{.*}} into %{{.*}} : (memref<1x3xf32>, index, memref<1x1xf32>) -> ()
  bitnet.kth_largest %p, %top into %l : (memref<1x3xf32>, index, memref<1x1xf32>) -> ()
  // CHECK: bitnet.rescore_head %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} into %{{.*}} :
  bitnet.rescore_head %x, %table, %u, %l into %y : (memref<1x64xf32>, memref<40x64xbf16>, memref<1x40xf32>, memref<1x1xf32>, memref<1x40xf32>) -> ()
  return
}

// Tokens of several sequences; one sequence is not printed.
// CHECK-LABEL: func @sequences
// CHECK-SAME: !bitnet.kv_cache<2 x 2 x 16 x f16, sequences = 4>, %{{.*}}: !bitnet.kv_cache<1 x 1 x 16 x f32>
func.func @sequences(%places: tensor<?x2xi32>, %cache: !bitnet.kv_cache<2 x 2 x 16 x f16, sequences = 4>, %single: !bitnet.kv_cache<1 x 1 x 16 x f32, sequences = 1>, %x: tensor<?x64xf32>, %k: tensor<?x32xf32>, %f: tensor<8xf32>) -> (tensor<?x16xf32>, tensor<?x64xf32>) {
  // CHECK: bitnet.rope_angles %{{.*}}, %{{.*}} : (tensor<?x2xi32>, tensor<8xf32>) -> tensor<?x16xf32>
  %a = bitnet.rope_angles %places, %f : (tensor<?x2xi32>, tensor<8xf32>) -> tensor<?x16xf32>
  // CHECK: bitnet.kv_layer %{{.*}}[1] : !bitnet.kv_cache<2 x 2 x 16 x f16, sequences = 4> -> !bitnet.kv_cache<1 x 2 x 16 x f16, sequences = 4>
  %layer = bitnet.kv_layer %cache[1] : !bitnet.kv_cache<2 x 2 x 16 x f16, sequences = 4> -> !bitnet.kv_cache<1 x 2 x 16 x f16, sequences = 4>
  // CHECK: bitnet.kv_store {{.*}} : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16, sequences = 4>, tensor<?x2xi32>
  bitnet.kv_store %k, %k, %layer at %places : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16, sequences = 4>, tensor<?x2xi32>
  // CHECK: bitnet.attention {{.*}} heads 4 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16, sequences = 4>, tensor<?x2xi32>) -> tensor<?x64xf32>
  %o = bitnet.attention %x, %layer at %places heads 4 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f16, sequences = 4>, tensor<?x2xi32>) -> tensor<?x64xf32>
  return %a, %o : tensor<?x16xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func @sequences_memrefs
func.func @sequences_memrefs(%places: memref<?x2xi32>, %cache: memref<4x2x2x?x256xf32>, %x: memref<?x64xf32>, %k: memref<?x32xf32>) {
  // CHECK: bitnet.kv_store {{.*}} : memref<?x32xf32>, memref<?x32xf32>, memref<4x2x2x?x256xf32>, memref<?x2xi32>
  bitnet.kv_store %k, %k, %cache at %places : memref<?x32xf32>, memref<?x32xf32>, memref<4x2x2x?x256xf32>, memref<?x2xi32>
  // CHECK: bitnet.attention {{.*}} heads 4 : (memref<?x64xf32>, memref<4x2x2x?x256xf32>, memref<?x2xi32>, memref<?x64xf32>) -> ()
  bitnet.attention %x, %cache at %places into %x heads 4 : (memref<?x64xf32>, memref<4x2x2x?x256xf32>, memref<?x2xi32>, memref<?x64xf32>) -> ()
  return
}
