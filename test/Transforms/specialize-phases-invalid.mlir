// What is no model's function is refused before anything is changed.
// RUN: bitnet-opt --bitnet-specialize-phases --split-input-file --verify-diagnostics %s
// RUN: not bitnet-opt --bitnet-specialize-phases=max-batch=0 %S/Inputs/forward.mlir 2>&1 \
// RUN:   | FileCheck %s
// RUN: not bitnet-opt --bitnet-specialize-phases=max-sequences=0 %S/Inputs/forward.mlir 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SEQUENCES
// CHECK: error: expected max-batch of at least 1, but got 0
// SEQUENCES: error: expected max-sequences of at least 1, but got 0

// expected-error @+1 {{expected a function 'forward' to specialise}}
module {
}

// -----

// expected-error @+1 {{expected one block}}
func.func private @forward(tensor<?xi32>, index, index, !bitnet.kv_cache<1 x 1 x 32 x f32>) -> tensor<?x9xf32>

// -----

// expected-error @+1 {{expected (tokens: tensor<?xi32>, position: index, rows: index, cache: !bitnet.kv_cache) -> tensor<? x vocabulary x f32>, but got '() -> ()'}}
func.func @forward() {
  return
}

// -----

// expected-error @+1 {{expected (tokens: tensor<?xi32>, position: index}}
func.func @forward(%position: index, %tokens: tensor<?xi32>, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 32 x f32>) -> tensor<?x9xf32> {
  %y = tensor.empty(%rows) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// expected-error @+1 {{expected no symbol 'decode' yet}}
func.func private @decode()
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 32 x f32>) -> tensor<?x9xf32> {
  %y = tensor.empty(%rows) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 32 x f32>) -> tensor<?x9xf32> {
  %c9 = arith.constant 9 : index
  // expected-error @+1 {{expected bitnet operations and slices on tokens}}
  %x = arith.sitofp %tokens : tensor<?xi32> to tensor<?xf32>
  %y = tensor.expand_shape %x [[0, 1]] output_shape [%rows, 9] : tensor<?xf32> into tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// expected-error @+1 {{expected no symbol 'decode_batch' yet}}
func.func private @decode_batch()
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 32 x f32>) -> tensor<?x9xf32> {
  %y = tensor.empty(%rows) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// A position that each token would need one of its own of.
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 32 x f32>) -> tensor<?x9xf32> {
  // expected-error @+1 {{expected only rope_angles, kv_store and attention to use the position}}
  %n = arith.addi %position, %rows : index
  %y = tensor.empty(%n) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
