// What has no memory to write to is an error that names the pass to run first.
// RUN: bitnet-opt --convert-bitnet-to-vector --split-input-file --verify-diagnostics %s

func.func @tensor_form(%a: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @+1 {{'bitnet.add' op expected operands in memory, but got 'tensor<?x16xf32>'; run 'bitnet-plan-memory' first}}
  %0 = bitnet.add %a, %a : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// -----

func.func @unplanned_cache(%k: memref<1x16xf32>, %cache: !bitnet.kv_cache<1 x 1 x 16 x f32>, %p: index) {
  // expected-error @+1 {{'bitnet.kv_store' op expected operands in memory}}
  bitnet.kv_store %k, %k, %cache at %p : memref<1x16xf32>, memref<1x16xf32>, !bitnet.kv_cache<1 x 1 x 16 x f32>, index
  return
}

// -----

func.func @bitlinear(%x: tensor<?x64xf32>, %w: tensor<32x64xi2>, %s: tensor<32xf32>) -> tensor<?x32xf32> {
  // expected-error @+1 {{expected no BitLinear layers; run 'convert-bitnet-to-ternary' first}}
  %y = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

bitnet.weight @norm from ["norm"] : tensor<16xf32>
func.func @weight_ref() -> tensor<16xf32> {
  // expected-error @+1 {{expected operations in memory form only; run 'bitnet-plan-memory' first}}
  %0 = bitnet.weight_ref @norm : tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

func.func @columns_apart(%a: memref<1x16xf32, strided<[32, 2]>>, %b: memref<1x16xf32>) {
  // expected-error @+1 {{expected rows of consecutive elements, but got 'memref<1x16xf32, strided<[32, 2]>>'}}
  bitnet.add %a, %b into %b : (memref<1x16xf32, strided<[32, 2]>>, memref<1x16xf32>, memref<1x16xf32>) -> ()
  return
}

// -----

func.func @unknown_rows(%x: memref<1x16xf32>, %t: memref<?x16xf32>, %y: memref<1x?xf32>) {
  // expected-error @+1 {{expected static columns and heads, but got 'memref<1x?xf32>'}}
  bitnet.lm_head %x, %t into %y : (memref<1x16xf32>, memref<?x16xf32>, memref<1x?xf32>) -> ()
  return
}

// -----

func.func @places(%p: memref<?x2xi32>, %f: memref<8xf32>, %a: memref<?x16xf32>) {
  // expected-error @+1 {{expected tokens of one sequence, but got 'memref<?x2xi32>'; run 'ternary-tile-parallel' first}}
  bitnet.rope_angles %p, %f into %a : (memref<?x2xi32>, memref<8xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @sequences(%k: memref<?x16xf32>, %cache: memref<4x2x1x?x256xf32>, %p: memref<?x2xi32>) {
  // expected-error @+1 {{expected tokens of one sequence, but got 'memref<4x2x1x?x256xf32>'}}
  bitnet.kv_store %k, %k, %cache at %p : memref<?x16xf32>, memref<?x16xf32>, memref<4x2x1x?x256xf32>, memref<?x2xi32>
  return
}
