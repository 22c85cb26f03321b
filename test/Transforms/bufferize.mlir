// Every tensor of a phase becomes one buffer, slices and layers of the cache
// views, weights views at their offsets; results are written to the caller's
// memory, and other functions are left alone.
// RUN: bitnet-opt --bitnet-bufferize --split-input-file %s | FileCheck %s

// CHECK-LABEL: module attributes {bitnet.weights_bytes = 4800 : i64}
// CHECK: bitnet.weight @odd from ["o"] at 0 : tensor<3xf32>
// CHECK: bitnet.weight @table from ["t"] at 64 : tensor<9x64xf16>
// CHECK: bitnet.weight @w from ["w"] at 1216 : !ternary.packed<80 x 100, #ternary.i2>
// CHECK: bitnet.weight @f from ["f"] at 4416 : tensor<16xf32>
// CHECK: bitnet.weight @scale from ["s"] at 4480 : tensor<80xf32>
bitnet.weight @odd from ["o"] : tensor<3xf32>
bitnet.weight @table from ["t"] : tensor<9x64xf16>
bitnet.weight @w from ["w"] : !ternary.packed<80 x 100, #ternary.i2>
bitnet.weight @f from ["f"] : tensor<16xf32>
bitnet.weight @scale from ["s"] : tensor<80xf32>
// CHECK: func @phase(%[[WEIGHTS:[^:]*]]: memref<?xi8>, %{{[^:]*}}: memref<?xi8>, %[[TOKENS:[^:]*]]: memref<?xi32>, %[[POSITION:[^:]*]]: index, %[[ROWS:[^:]*]]: index, %[[CACHE:[^:]*]]: memref<3x2x1x?x512xf16>, %[[LOGITS:[^:]*]]: memref<?x9xf32>)
func.func @phase(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<3 x 1 x 32 x f16>) -> tensor<?x9xf32> attributes {bitnet.max_tokens = 8 : i64} {
  // CHECK: %[[TABLE:.*]] = memref.view %[[WEIGHTS]][%c64{{.*}}][] : memref<?xi8> to memref<9x64xf16>
  %table = bitnet.weight_ref @table : tensor<9x64xf16>
  %f = bitnet.weight_ref @f : tensor<16xf32>
  // CHECK: %[[COUNT:.*]] = memref.dim %[[TOKENS]]
  // CHECK: %[[X:.*]] = memref.alloc(%[[COUNT]]) {alignment = 64 : i64} : memref<?x64xf32>
  // CHECK: bitnet.embedding %[[TOKENS]], %[[TABLE]] into %[[X]]
  %x = bitnet.embedding %tokens, %table : (tensor<?xi32>, tensor<9x64xf16>) -> tensor<?x64xf32>
  // A result without tensor operands has a row for each token.
  // CHECK: %[[COUNT1:.*]] = memref.dim %[[TOKENS]]
  // CHECK: memref.alloc(%[[COUNT1]]) {{.*}} : memref<?x32xf32>
  // CHECK: bitnet.rope_angles %[[POSITION]], %{{.*}} into
  %a = bitnet.rope_angles %position, %f : (index, tensor<16xf32>) -> tensor<?x32xf32>
  %c0 = arith.constant 0 : index
  // CHECK: %[[N:.*]] = memref.dim %[[X]]
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  // CHECK: %[[K:.*]] = memref.subview %[[X]][0, 32] [%[[N]], 32] [1, 1]
  %k = tensor.extract_slice %x[0, 32] [%n, 32] [1, 1] : tensor<?x64xf32> to tensor<?x32xf32>
  // CHECK: %[[LAYER:.*]] = memref.subview %[[CACHE]][%c2{{.*}}, 0, 0, 0, 0] [1, 2, 1, %{{.*}}, 512] [1, 1, 1, 1, 1]
  %layer = bitnet.kv_layer %cache[2] : !bitnet.kv_cache<3 x 1 x 32 x f16> -> !bitnet.kv_cache<1 x 1 x 32 x f16>
  // A layer is its own only layer.
  %same = bitnet.kv_layer %layer[0] : !bitnet.kv_cache<1 x 1 x 32 x f16> -> !bitnet.kv_cache<1 x 1 x 32 x f16>
  // CHECK: bitnet.kv_store %[[K]], %[[K]], %[[LAYER]] at %[[POSITION]]
  bitnet.kv_store %k, %k, %same at %position : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 1 x 32 x f16>, index
  // CHECK: %[[O:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x64xf32>
  // CHECK: bitnet.attention %[[X]], %[[LAYER]] at %[[POSITION]] into %[[O]] heads 2
  %o = bitnet.attention %x, %same at %position heads 2 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 1 x 32 x f16>, index) -> tensor<?x64xf32>
  // CHECK: %[[LAST:.*]] = memref.subview %[[O]][%{{.*}}, 0] [%[[ROWS]], 64] [1, 1]
  %first = arith.subi %n, %rows : index
  %last = tensor.extract_slice %o[%first, 0] [%rows, 64] [1, 1] : tensor<?x64xf32> to tensor<?x64xf32>
  // CHECK: bitnet.lm_head %[[LAST]], %{{.*}} into %[[LOGITS]]
  %y = bitnet.lm_head %last, %table : (tensor<?x64xf32>, tensor<9x64xf16>) -> tensor<?x9xf32>
  // CHECK-NEXT: return{{$}}
  return %y : tensor<?x9xf32>
}

// A phase may have any arguments and results; a one-layer cache needs no
// bitnet.kv_layer.
// CHECK: func @two_results(%[[WEIGHTS:[^:]*]]: memref<?xi8>, %{{[^:]*}}: memref<?xi8>, %[[X:[^:]*]]: memref<2x100xf32>, %[[CACHE:[^:]*]]: memref<1x2x1x?x1600xf32>, %[[P:[^:]*]]: index, %[[Y:[^:]*]]: memref<2x80xf32>, %[[Z:[^:]*]]: memref<2x100xf32>)
func.func @two_results(%x: tensor<2x100xf32>, %cache: !bitnet.kv_cache<1 x 1 x 100 x f32>, %p: index) -> (tensor<2x80xf32>, tensor<2x100xf32>) attributes {bitnet.max_tokens = 2 : i64} {
  // CHECK: %[[BYTES:.*]] = memref.view %[[WEIGHTS]][%c1216{{.*}}][] : memref<?xi8> to memref<3200xi8>
  // CHECK: %[[W:.*]] = ternary.view %[[BYTES]] : memref<3200xi8> -> !ternary.packed<80 x 100, #ternary.i2>
  %w = bitnet.weight_ref @w : !ternary.packed<80 x 100, #ternary.i2>
  %scale = bitnet.weight_ref @scale : tensor<80xf32>
  // CHECK: %[[R:.*]] = memref.alloc() {{.*}} : memref<2x80xi32>
  // CHECK: ternary.matmul %{{.*}}, %{{.*}}, %[[W]] into %[[R]]
  // CHECK: ternary.rescale %[[R]], %{{.*}} into %[[Y]]
  %q:3 = ternary.quantize %x : (tensor<2x100xf32>) -> (tensor<2x128xi8>, tensor<2xf32>, tensor<2xi32>)
  %r = ternary.matmul %q#0, %q#2, %w : (tensor<2x128xi8>, tensor<2xi32>, !ternary.packed<80 x 100, #ternary.i2>) -> tensor<2x80xi32>
  %y = ternary.rescale %r, %q#1, %scale : (tensor<2x80xi32>, tensor<2xf32>, tensor<80xf32>) -> tensor<2x80xf32>
  // CHECK: %[[LAYER:.*]] = memref.subview %[[CACHE]][%c0{{.*}}, 0, 0, 0, 0]
  // CHECK: bitnet.attention %[[X]], %[[LAYER]] at %[[P]] into %[[Z]] heads 1
  %z = bitnet.attention %x, %cache at %p heads 1 : (tensor<2x100xf32>, !bitnet.kv_cache<1 x 1 x 100 x f32>, index) -> tensor<2x100xf32>
  return %y, %z : tensor<2x80xf32>, tensor<2x100xf32>
}

// CHECK: func @no_phase(%{{.*}}: tensor<?x64xf32>) -> tensor<?x64xf32>
func.func @no_phase(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  return %x : tensor<?x64xf32>
}

// CHECK: func @nothing(%{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>) attributes
func.func @nothing() attributes {bitnet.max_tokens = 1 : i64} {
  return
}

// -----

// No weights: an empty section.
// CHECK-LABEL: module attributes {bitnet.weights_bytes = 0 : i64}
module {
}

// -----

// 128 columns of activations are two cache lines; rows of many tokens are three
// apart.
// CHECK-LABEL: func @pitch
func.func @pitch(%x: tensor<?x100xf32>) -> tensor<?xf32> attributes {bitnet.max_tokens = 16 : i64} {
  // CHECK: %[[N:.*]] = memref.dim
  // CHECK: %[[ROWS:.*]] = memref.alloc(%[[N]]) {alignment = 64 : i64} : memref<?x192xi8>
  // CHECK: %[[Q:.*]] = memref.subview %[[ROWS]][0, 0] [%[[N]], 128] [1, 1] : memref<?x192xi8> to memref<?x128xi8, strided<[192, 1]>>
  // CHECK: ternary.quantize %{{.*}} into %[[Q]]
  %q:3 = ternary.quantize %x : (tensor<?x100xf32>) -> (tensor<?x128xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q#1 : tensor<?xf32>
}

// -----

// The layers of the caches of several sequences.
// CHECK: func @sequences(%{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>, %[[K:[^:]*]]: memref<?x32xf32>, %[[PLACES:[^:]*]]: memref<?x2xi32>, %[[CACHE:[^:]*]]: memref<4x3x2x1x?x512xf16>, %[[Y:[^:]*]]: memref<?x32xf32>)
func.func @sequences(%k: tensor<?x32xf32>, %places: tensor<?x2xi32>, %cache: !bitnet.kv_cache<3 x 1 x 32 x f16, sequences = 4>) -> tensor<?x32xf32> attributes {bitnet.max_tokens = 4 : i64} {
  // CHECK: %[[LAYER:.*]] = memref.subview %[[CACHE]][0, %c2{{.*}}, 0, 0, 0, 0] [4, 1, 2, 1, %{{.*}}, 512] [1, 1, 1, 1, 1, 1] : memref<4x3x2x1x?x512xf16> to memref<4x2x1x?x512xf16
  %layer = bitnet.kv_layer %cache[2] : !bitnet.kv_cache<3 x 1 x 32 x f16, sequences = 4> -> !bitnet.kv_cache<1 x 1 x 32 x f16, sequences = 4>
  // CHECK: bitnet.kv_store %[[K]], %[[K]], %[[LAYER]] at %[[PLACES]]
  bitnet.kv_store %k, %k, %layer at %places : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 1 x 32 x f16, sequences = 4>, tensor<?x2xi32>
  // CHECK: bitnet.attention %[[K]], %[[LAYER]] at %[[PLACES]] into %[[Y]]
  %y = bitnet.attention %k, %layer at %places heads 1 : (tensor<?x32xf32>, !bitnet.kv_cache<1 x 1 x 32 x f16, sequences = 4>, tensor<?x2xi32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
