// What cannot be lowered is an error that names the pass to run first.
// RUN: bitnet-opt --convert-ternary-to-vector --split-input-file --verify-diagnostics %s

func.func @tensor_form(%x: tensor<?x100xf32>) -> tensor<?x128xi8> {
  // expected-error @+1 {{expected operands in memory, but got 'tensor<?x100xf32>'; run 'bitnet-plan-memory' first}}
  %q, %inverse, %sums = ternary.quantize %x : (tensor<?x100xf32>) -> (tensor<?x128xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q : tensor<?x128xi8>
}

// -----

func.func @columns_apart(%q: memref<2x64xi8, strided<[1, 2]>>, %t: memref<2x1024xi8>) {
  // expected-error @+1 {{expected rows of consecutive elements, but got 'memref<2x64xi8, strided<[1, 2]>>'}}
  ternary.build_lut #ternary.tl1, %q into %t : (memref<2x64xi8, strided<[1, 2]>>, memref<2x1024xi8>) -> ()
  return
}

// -----

func.func @whole_matrix(%q: memref<1x64xi8>, %s: memref<1xi32>, %b: memref<2048xi8>, %p: memref<1x128xi32>) {
  %w = ternary.view %b : memref<2048xi8> -> !ternary.packed<128 x 64, #ternary.i2>
  // expected-error @+1 {{expected weights that are a tile of a view of bytes; run 'ternary-tile-parallel' first}}
  ternary.matmul %q, %s, %w into %p : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<128 x 64, #ternary.i2>, memref<1x128xi32>) -> ()
  return
}

// -----

func.func @unknown_tokens(%q: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<2048xi8>, %i: index, %p: memref<?x64xi32>) {
  %w = ternary.view %b : memref<2048xi8> -> !ternary.packed<128 x 64, #ternary.i2>
  %t = ternary.tile %w[%i] : !ternary.packed<128 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
  // expected-error @+1 {{expected a known number of tokens, but got 'memref<?x64xi32>'}}
  ternary.matmul %q, %s, %t into %p : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  return
}

// -----

// The module's target is x86-64-v3.
func.func @unsupported_format(%q: memref<1x64xi8>, %s: memref<1xi32>, %b: memref<1024xi8>, %i: index, %p: memref<1x80xi32>) {
  %w = ternary.view %b : memref<1024xi8> -> !ternary.packed<80 x 64, #ternary.t5>
  %t = ternary.tile %w[%i] : !ternary.packed<80 x 64, #ternary.t5> -> !ternary.packed<80 x 64, #ternary.t5>
  // expected-error @+1 {{format 't5' on CPU 'x86-64-v3' needs a dot product of full bytes}}
  ternary.matmul %q, %s, %t into %p : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<80 x 64, #ternary.t5>, memref<1x80xi32>) -> ()
  return
}

// -----

// The module's target is x86-64-v3.
func.func @no_word_lookups(%t: memref<1x1536xi8>, %b: memref<1536xi8>, %i: index, %p: memref<1x96xi32>) {
  %w = ternary.view %b : memref<1536xi8> -> !ternary.packed<96 x 64, #ternary.tl3>
  %tile = ternary.tile %w[%i] : !ternary.packed<96 x 64, #ternary.tl3> -> !ternary.packed<96 x 64, #ternary.tl3>
  // expected-error @+1 {{format 'tl3' on CPU 'x86-64-v3' needs lookups of 16-bit words in tables of 32 (AVX-512BW)}}
  ternary.lut_matmul %t, %tile into %p : (memref<1x1536xi8>, !ternary.packed<96 x 64, #ternary.tl3>, memref<1x96xi32>) -> ()
  return
}

// -----

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {
func.func @columns(%x: memref<?x131072xi8>, %s: memref<?xi32>, %b: memref<1310720xi8>, %r: memref<?x48xi32>) {
  %c0 = arith.constant 0 : index
  %w = ternary.view %b : memref<1310720xi8> -> !ternary.packed<48 x 131072, #ternary.tl2>
  %t = ternary.tile %w[%c0] : !ternary.packed<48 x 131072, #ternary.tl2> -> !ternary.packed<48 x 131072, #ternary.tl2>
  // expected-error @+1 {{expected at most 131071 columns for matrix tiles, but got 131072}}
  ternary.matmul %x, %s, %t into %r : (memref<?x131072xi8>, memref<?xi32>, !ternary.packed<48 x 131072, #ternary.tl2>, memref<?x48xi32>) -> ()
  return
}
}
