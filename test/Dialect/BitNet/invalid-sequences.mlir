// The caches of several sequences and the places of their tokens.
// RUN: bitnet-opt --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expected a positive number of sequences, but got 0}}
func.func private @kv_cache_c1_sequences(!bitnet.kv_cache<1 x 1 x 16 x f32, sequences = 0>)

// -----

func.func @rope_angles_c2(%p: tensor<?x3xi32>, %f: tensor<8xf32>) {
  // expected-error @+1 {{expected places with 2 columns, but got 3}}
  %0 = bitnet.rope_angles %p, %f : (tensor<?x3xi32>, tensor<8xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @rope_angles_c2_rows(%p: tensor<3x2xi32>, %f: tensor<8xf32>) {
  // expected-error @+1 {{expected the same number of tokens}}
  %0 = bitnet.rope_angles %p, %f : (tensor<3x2xi32>, tensor<8xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @kv_store_c4(%k: tensor<?x32xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32, sequences = 4>, %p: index) {
  // expected-error @+1 {{expected a place for each token of several sequences, but got 'index'}}
  bitnet.kv_store %k, %k, %cache at %p : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32, sequences = 4>, index
  return
}

// -----

func.func @kv_store_c4_rows(%k: memref<3x32xf32>, %cache: memref<4x2x2x?x256xf32>, %p: memref<2x2xi32>) {
  // expected-error @+1 {{expected the same number of tokens}}
  bitnet.kv_store %k, %k, %cache at %p : memref<3x32xf32>, memref<3x32xf32>, memref<4x2x2x?x256xf32>, memref<2x2xi32>
  return
}

// -----

func.func @attention_c4(%q: tensor<?x64xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: tensor<?x2xi32>) {
  // expected-error @+1 {{expected a position in the one sequence of the cache, but got 'tensor<?x2xi32>'}}
  %0 = bitnet.attention %q, %cache at %p heads 4 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, tensor<?x2xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @attention_c4_columns(%q: memref<?x64xf32>, %cache: memref<4x2x2x?x256xf32>, %p: memref<?x1xi32>) {
  // expected-error @+1 {{expected places with 2 columns, but got 1}}
  bitnet.attention %q, %cache at %p into %q heads 4 : (memref<?x64xf32>, memref<4x2x2x?x256xf32>, memref<?x1xi32>, memref<?x64xf32>) -> ()
  return
}

// -----

func.func @attention_part_c3_sequences(%q: tensor<1x64xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32, sequences = 4>, %p: index) {
  // expected-error @+1 {{expected a place for each token of several sequences, but got 'index'}}
  %0:2 = bitnet.attention_part %q, %cache at %p part %p heads 4 : (tensor<1x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32, sequences = 4>, index, index) -> (tensor<1x64xf32>, tensor<1x8xf32>)
  return
}
