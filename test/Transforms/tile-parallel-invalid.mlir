// A product goes with the one rescaling that reads it; where there is none, or
// the move would change a result, that is an error.
// RUN: bitnet-opt --ternary-tile-parallel --split-input-file --verify-diagnostics %s

func.func @not_read(%q: memref<1x64xi8>, %s: memref<1xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>) {
  %r = memref.alloc() : memref<1x64xi32>
  // expected-error @+1 {{expected products in a buffer of their own, read by one ternary.rescale}}
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  return
}

// -----

func.func @read_twice(%q: memref<1x64xi8>, %s: memref<1xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %i: memref<1xf32>, %scale: memref<64xf32>, %y: memref<1x64xf32>) {
  %r = memref.alloc() : memref<1x64xi32>
  // expected-error @+1 {{expected products to be read by one ternary.rescale}}
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  return
}

// -----

func.func @caller_memory(%q: memref<1x64xi8>, %s: memref<1xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %i: memref<1xf32>, %scale: memref<64xf32>, %r: memref<1x64xi32>, %y: memref<1x64xf32>) {
  // expected-error @+1 {{expected products in a buffer of their own, read by one ternary.rescale}}
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  return
}

// -----

func.func @nested_rescale(%q: memref<1x64xi8>, %s: memref<1xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %i: memref<1xf32>, %scale: memref<64xf32>, %y: memref<1x64xf32>, %c: i1) {
  %r = memref.alloc() : memref<1x64xi32>
  // expected-error @+1 {{expected the ternary.rescale of a product in the same block}}
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  scf.if %c {
    ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  }
  return
}

// -----

func.func @input_overwritten(%x: memref<1x64xf32>, %q: memref<1x64xi8>, %s: memref<1xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %i: memref<1xf32>, %scale: memref<64xf32>, %y: memref<1x64xf32>) {
  %r = memref.alloc() : memref<1x64xi32>
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  // expected-error @+1 {{expected no operation between a product and its ternary.rescale to write what the product reads}}
  ternary.quantize %x into %q, %i, %s : (memref<1x64xf32>, memref<1x64xi8>, memref<1xf32>, memref<1xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  return
}

// -----

func.func @rescale_first(%q: memref<1x64xi8>, %s: memref<1xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %i: memref<1xf32>, %scale: memref<64xf32>, %y: memref<1x64xf32>) {
  %r = memref.alloc() : memref<1x64xi32>
  ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  // expected-error @+1 {{expected the ternary.rescale of a product after it}}
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  return
}

// -----

func.func @vocabulary_unknown(%x: memref<1x64xf32>, %table: memref<?x64xf32>, %y: memref<1x?xf32>) {
  // expected-error @+1 {{expected a table of a static size, but got 'memref<?x64xf32>'}}
  bitnet.lm_head %x, %table into %y : (memref<1x64xf32>, memref<?x64xf32>, memref<1x?xf32>) -> ()
  return
}

// -----

func.func @no_vocabulary(%x: memref<1x64xf32>, %table: memref<0x64xf32>, %y: memref<1x0xf32>) {
  // expected-error @+1 {{expected a table of a static size, but got 'memref<0x64xf32>'}}
  bitnet.lm_head %x, %table into %y : (memref<1x64xf32>, memref<0x64xf32>, memref<1x0xf32>) -> ()
  return
}
