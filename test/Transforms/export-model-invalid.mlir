// Entry points pass what the runtime has; a phase that takes anything else is
// refused.
// RUN: bitnet-opt --bitnet-export-model --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expected a function 'prefill'}}
module {
}

// -----

// expected-error @+1 {{expected (weights, arena, tokens, position, rows, cache, logits) in memory; run 'bitnet-bufferize' first; but got '(tensor<?xi32>) -> ()'}}
func.func @prefill(%tokens: tensor<?xi32>) {
  return
}

// -----

// Seven arguments, in another order.
// expected-error @+1 {{expected (weights, arena, tokens, position, rows, cache, logits)}}
func.func @prefill(%weights: memref<?xi8>, %arena: memref<?xi8>, %position: index, %tokens: memref<?xi32>, %rows: index, %cache: memref<3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 7 : i64} {
  return
}

// -----

// expected-error @+1 {{expected (weights, arena, tokens, position, rows, cache, logits)}}
func.func private @prefill(memref<?xi8>, memref<?xi8>, memref<?xi32>, index, index, memref<3x2x2x?x256xf16>, memref<?x9xf32>) attributes {bitnet.max_tokens = 7 : i64}

// -----

// expected-error @+1 {{expected an integer 'bitnet.max_tokens'}}
func.func @prefill(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<?xi32>, %position: index, %rows: index, %cache: memref<3x2x2x?x256xf16>, %logits: memref<?x9xf32>) {
  return
}

// -----

// expected-error @+1 {{expected a function 'decode'}}
module {
  func.func @prefill(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<?xi32>, %position: index, %rows: index, %cache: memref<3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 7 : i64} {
    return
  }
}

// -----

module {
  func.func @prefill(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<?xi32>, %position: index, %rows: index, %cache: memref<3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 7 : i64} {
    return
  }
  func.func @decode(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<1xi32>, %position: index, %rows: index, %cache: memref<3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 1 : i64} {
    return
  }
  // Tokens of several sequences need places.
  // expected-error @+1 {{expected (weights, arena, tokens, places, rows, cache, logits)}}
  func.func @decode_batch(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<?xi32>, %position: index, %rows: index, %cache: memref<5x3x2x2x?x256xf16>, %logits: memref<?x9xf32>) attributes {bitnet.max_tokens = 5 : i64} {
    return
  }
}
