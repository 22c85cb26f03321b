// A buffer whose size or life is not known has no place in the arena.
// RUN: bitnet-opt --bitnet-plan-memory --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expected one block}}
func.func private @external(memref<?xi8>, memref<?xi8>) attributes {bitnet.max_tokens = 1 : i64}

// -----

// expected-error @+1 {{expected the arena, a 'memref<?xi8>', as second argument; run 'bitnet-bufferize' first}}
func.func @no_arena(%weights: memref<?xi8>) attributes {bitnet.max_tokens = 1 : i64} {
  return
}

// -----

// expected-error @+1 {{expected the arena}}
func.func @other_argument(%weights: memref<?xi8>, %n: index) attributes {bitnet.max_tokens = 1 : i64} {
  return
}

// -----

func.func @dynamic_columns(%weights: memref<?xi8>, %arena: memref<?xi8>, %n: index) attributes {bitnet.max_tokens = 1 : i64} {
  // expected-error @+1 {{expected only the number of tokens to be dynamic, but got 'memref<?x?xf32>'}}
  %a = memref.alloc(%n, %n) : memref<?x?xf32>
  return
}

// -----

func.func @index_elements(%weights: memref<?xi8>, %arena: memref<?xi8>) attributes {bitnet.max_tokens = 1 : i64} {
  // expected-error @+1 {{expected a contiguous buffer of integers or floats, but got 'memref<4xindex>'}}
  %a = memref.alloc() : memref<4xindex>
  return
}

// -----

func.func @nested(%weights: memref<?xi8>, %arena: memref<?xi8>, %c: i1) attributes {bitnet.max_tokens = 1 : i64} {
  scf.if %c {
    // expected-error @+1 {{expected buffers at the top of a phase only}}
    %a = memref.alloc() : memref<4xf32>
  }
  return
}

// -----

func.func @deallocated(%weights: memref<?xi8>, %arena: memref<?xi8>) attributes {bitnet.max_tokens = 1 : i64} {
  %a = memref.alloc() : memref<4xf32>
  // expected-error @+1 {{expected no deallocation and no pointers of buffers}}
  memref.dealloc %a : memref<4xf32>
  return
}
