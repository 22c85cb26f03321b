// Each constraint of the ternary dialect, by its label in the .td files.
// RUN: bitnet-opt --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expected N and K between 1 and 2^31 - 1, but got 0 x 64}}
func.func private @packed_c1(!ternary.packed<0 x 64, #ternary.i2>)

// -----

// expected-error @+1 {{expected N and K between 1 and 2^31 - 1, but got 2147483648 x 64}}
func.func private @packed_c1_overflow(!ternary.packed<2147483648 x 64, #ternary.i2>)

// -----

func.func @kernel_c1(%a: memref<2x64xi8>, %t: memref<2x1024xi8>) {
  // expected-error @+1 {{expected no results in memref form}}
  %0 = ternary.build_lut #ternary.tl1, %a into %t : (memref<2x64xi8>, memref<2x1024xi8>) -> tensor<2x1024xi8>
  return
}

// -----

func.func @kernel_c2(%a: tensor<2x64xi8>, %t: memref<2x1024xi8>) {
  // expected-error @+1 {{expected tensors or memrefs, but got both}}
  ternary.build_lut #ternary.tl1, %a into %t : (tensor<2x64xi8>, memref<2x1024xi8>) -> ()
  return
}

// -----

func.func @kernel_c3(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{expected 3 results or destinations, but got 1}}
  %0 = ternary.quantize %x : (tensor<?x64xf32>) -> tensor<?x64xi8>
  return
}

// -----

func.func @kernel_c3_nothing(%x: memref<1x64xf32>) {
  // expected-error @+1 {{expected 3 results or destinations, but got 0}}
  ternary.quantize %x : (memref<1x64xf32>) -> ()
  return
}

// -----

func.func @kernel_c3_element(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{expected result 2 to have elements of type 'i32' and rank 1, but got 'tensor<?xf32>'}}
  %0:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

func.func @kernel_c3_rank(%x: tensor<2x64xf32>) {
  // expected-error @+1 {{expected result 0 to have elements of type 'i8' and rank 2, but got 'tensor<i8>'}}
  %0:3 = ternary.quantize %x : (tensor<2x64xf32>) -> (tensor<i8>, tensor<2xf32>, tensor<2xi32>)
  return
}

// -----

func.func @kernel_c4(%x: tensor<2x64xf32>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 3}}
  %0:3 = ternary.quantize %x : (tensor<2x64xf32>) -> (tensor<2x64xi8>, tensor<3xf32>, tensor<?xi32>)
  return
}

// -----

func.func @kernel_c4_memref(%r: memref<2x64xi32>, %inverse: memref<2xf32>, %scale: memref<64xf32>, %y: memref<4x64xf32>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 4}}
  ternary.rescale %r, %inverse, %scale into %y : (memref<2x64xi32>, memref<2xf32>, memref<64xf32>, memref<4x64xf32>) -> ()
  return
}

// -----

func.func @kernel_c4_matmul(%a: tensor<2x64xi8>, %s: tensor<1xi32>, %w: tensor<32x64xi2>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 1}}
  %0 = ternary.matmul %a, %s, %w : (tensor<2x64xi8>, tensor<1xi32>, tensor<32x64xi2>) -> tensor<2x32xi32>
  return
}

// -----

func.func @quantize_c1(%x: tensor<?x65xf32>) {
  // expected-error @+1 {{expected quantised activations with 128 columns, but got 65}}
  %0:3 = ternary.quantize %x : (tensor<?x65xf32>) -> (tensor<?x65xi8>, tensor<?xf32>, tensor<?xi32>)
  return
}

// -----

func.func @quantize_c1_dynamic(%x: tensor<?x?xf32>) {
  // expected-error @+1 {{expected a static number of columns, but got 'tensor<?x?xf32>'}}
  %0:3 = ternary.quantize %x : (tensor<?x?xf32>) -> (tensor<?x?xi8>, tensor<?xf32>, tensor<?xi32>)
  return
}

// -----

func.func @quantize_no_tokens(%x: tensor<f32>) {
  // expected-error @+1 {{operand #0 must be}}
  %0:3 = ternary.quantize %x : (tensor<f32>) -> (tensor<i8>, tensor<f32>, tensor<i32>)
  return
}

// -----

func.func @pack_c1(%w: tensor<32x64xi2>) {
  // expected-error @+1 {{expected the same N and K, but got 'tensor<32x64xi2>' and '!ternary.packed<64 x 32, #ternary.i2>'}}
  %0 = ternary.pack %w : tensor<32x64xi2> -> !ternary.packed<64 x 32, #ternary.i2>
  return
}

// -----

func.func @pack_vector(%w: tensor<64xi2>) {
  // expected-error @+1 {{operand #0 must be ternary matrix with static, positive N and K, but got 'tensor<64xi2>'}}
  %0 = ternary.pack %w : tensor<64xi2> -> !ternary.packed<64 x 1, #ternary.i2>
  return
}

// -----

func.func @pack_dynamic(%w: tensor<?x64xi2>) {
  // expected-error @+1 {{operand #0 must be ternary matrix with static, positive N and K, but got 'tensor<?x64xi2>'}}
  %0 = ternary.pack %w : tensor<?x64xi2> -> !ternary.packed<64 x 64, #ternary.i2>
  return
}

// -----

func.func @unpack_c1(%p: !ternary.packed<64 x 32, #ternary.i2>) {
  // expected-error @+1 {{expected the same N and K}}
  %0 = ternary.unpack %p : !ternary.packed<64 x 32, #ternary.i2> -> tensor<32x64xi2>
  return
}

// -----

func.func @view_c1(%bytes: memref<1023xi8>) {
  // expected-error @+1 {{expected 1024 bytes, but got 1023}}
  %0 = ternary.view %bytes : memref<1023xi8> -> !ternary.packed<64 x 64, #ternary.i2>
  return
}

// -----

func.func @tile_c1(%p: !ternary.packed<100 x 64, #ternary.i2>, %i: index) {
  // expected-error @+1 {{expected a tile of type '!ternary.packed<64 x 64, #ternary.i2>', but got '!ternary.packed<80 x 64, #ternary.i2>'}}
  %0 = ternary.tile %p[%i] : !ternary.packed<100 x 64, #ternary.i2> -> !ternary.packed<80 x 64, #ternary.i2>
  return
}

// -----

func.func @tile_c1_format(%p: !ternary.packed<100 x 64, #ternary.i2>, %i: index) {
  // expected-error @+1 {{expected a tile of type}}
  %0 = ternary.tile %p[%i] : !ternary.packed<100 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.t5>
  return
}

// -----

func.func @matmul_c1(%a: tensor<?x100xi8>, %s: tensor<?xi32>, %w: tensor<32x100xi2>) {
  // expected-error @+1 {{expected activations with 128 columns, but got 100}}
  %0 = ternary.matmul %a, %s, %w : (tensor<?x100xi8>, tensor<?xi32>, tensor<32x100xi2>) -> tensor<?x32xi32>
  return
}

// -----

func.func @matmul_c2(%a: tensor<?x64xi8>, %s: tensor<?xi32>, %w: !ternary.packed<32 x 64, #ternary.i2>) {
  // expected-error @+1 {{expected a result with 32 columns, but got 64}}
  %0 = ternary.matmul %a, %s, %w : (tensor<?x64xi8>, tensor<?xi32>, !ternary.packed<32 x 64, #ternary.i2>) -> tensor<?x64xi32>
  return
}

// -----

func.func @matmul_c3(%a: tensor<?x33024xi8>, %s: tensor<?xi32>, %w: !ternary.packed<32 x 33000, #ternary.t5>) {
  // expected-error @+1 {{expected K below 33000, but got 33000}}
  %0 = ternary.matmul %a, %s, %w : (tensor<?x33024xi8>, tensor<?xi32>, !ternary.packed<32 x 33000, #ternary.t5>) -> tensor<?x32xi32>
  return
}

// -----

func.func @build_lut_c1(%a: tensor<?x64xi8>) {
  // expected-error @+1 {{expected tables of 1024 bytes per token, but got 512}}
  %0 = ternary.build_lut #ternary.tl1, %a : (tensor<?x64xi8>) -> tensor<?x512xi8>
  return
}

// -----

func.func @build_lut_c1_dynamic(%a: tensor<2x?xi8>) {
  // expected-error @+1 {{expected a static number of columns, but got 'tensor<2x?xi8>'}}
  %0 = ternary.build_lut #ternary.tl1, %a : (tensor<2x?xi8>) -> tensor<2x512xi8>
  return
}

// -----

func.func @build_lut_c2(%a: tensor<1x64xi8>) {
  // expected-error @+1 {{expected a format that uses tables, but got 'i2'}}
  %0 = ternary.build_lut #ternary.i2, %a : (tensor<1x64xi8>) -> tensor<1x1024xi8>
  return
}

// -----

func.func @lut_matmul_c1(%t: tensor<?x1024xi8>, %w: !ternary.packed<32 x 65, #ternary.tl1>) {
  // expected-error @+1 {{expected tables of 2048 bytes per token, but got 1024}}
  %0 = ternary.lut_matmul %t, %w : (tensor<?x1024xi8>, !ternary.packed<32 x 65, #ternary.tl1>) -> tensor<?x32xi32>
  return
}

// -----

func.func @lut_matmul_c2(%t: tensor<?x1024xi8>, %w: !ternary.packed<32 x 64, #ternary.tl1>) {
  // expected-error @+1 {{expected a result with 32 columns, but got 33}}
  %0 = ternary.lut_matmul %t, %w : (tensor<?x1024xi8>, !ternary.packed<32 x 64, #ternary.tl1>) -> tensor<?x33xi32>
  return
}

// -----

func.func @lut_matmul_c3(%t: tensor<?x1024xi8>, %w: !ternary.packed<32 x 64, #ternary.i2>) {
  // expected-error @+1 {{expected a format that uses tables, but got 'i2'}}
  %0 = ternary.lut_matmul %t, %w : (tensor<?x1024xi8>, !ternary.packed<32 x 64, #ternary.i2>) -> tensor<?x32xi32>
  return
}

// -----

func.func @rescale_c1(%r: tensor<?x32xi32>, %inverse: tensor<?xf32>, %scale: tensor<1xf32>) {
  // expected-error @+1 {{expected a scale for each of 32 columns or for each 16, but got 'tensor<1xf32>'}}
  %0 = ternary.rescale %r, %inverse, %scale : (tensor<?x32xi32>, tensor<?xf32>, tensor<1xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @rescale_c1_result(%r: tensor<?x32xi32>, %inverse: tensor<?xf32>, %scale: tensor<2xf32>) {
  // expected-error @+1 {{expected products and result with the same last dimension}}
  %0 = ternary.rescale %r, %inverse, %scale : (tensor<?x32xi32>, tensor<?xf32>, tensor<2xf32>) -> tensor<?x48xf32>
  return
}

// -----

func.func @dot4_c1(%acc: vector<16xi32>, %a: vector<32xi8>) {
  // expected-error @+1 {{expected a multiple of 4 lanes and four bytes per lane, but got 16 lanes and 32 bytes}}
  %0 = ternary.dot4 %acc, %a, %a max 1 : vector<16xi32>, vector<32xi8>
  return
}

// -----

func.func @dot4_c1_lanes(%acc: vector<2xi32>, %a: vector<8xi8>) {
  // expected-error @+1 {{expected a multiple of 4 lanes and four bytes per lane, but got 2 lanes and 8 bytes}}
  %0 = ternary.dot4 %acc, %a, %a max 1 : vector<2xi32>, vector<8xi8>
  return
}

// -----

func.func @dot4_c2(%acc: vector<4xi32>, %a: vector<16xi8>) {
  // expected-error @+1 {{expected 'max' between 1 and 255, but got 256}}
  %0 = ternary.dot4 %acc, %a, %a max 256 : vector<4xi32>, vector<16xi8>
  return
}

// -----

func.func @byte_lookup_c1(%table: vector<16xi8>, %i: vector<8xi8>) {
  // expected-error @+1 {{expected a multiple of 16 indices, but got 8}}
  %0 = ternary.byte_lookup %table, %i : vector<16xi8>, vector<8xi8>
  return
}

// -----

func.func @dot2_c1(%acc: vector<8xi16>, %a: vector<32xi8>) {
  // expected-error @+1 {{expected a multiple of 8 words and two bytes per word, but got 8 words and 32 bytes}}
  %0 = ternary.dot2 %acc, %a, %a max 8 : vector<8xi16>, vector<32xi8>
  return
}

// -----

func.func @dot2_c2(%acc: vector<8xi16>, %a: vector<16xi8>) {
  // expected-error @+1 {{expected 'max' between 1 and 127, but got 128}}
  %0 = ternary.dot2 %acc, %a, %a max 128 : vector<8xi16>, vector<16xi8>
  return
}

// -----

func.func @word_lookup_c1(%table: vector<32xi16>, %i: vector<16xi16>) {
  // expected-error @+1 {{expected a multiple of 32 indices, but got 16}}
  %0 = ternary.word_lookup %table, %i : vector<32xi16>, vector<16xi16>
  return
}

// -----

func.func @tile_dot_c1(%x0: memref<16x100xi8>, %panel: memref<2x64x64xi8>, %first: index, %r: memref<16x64xi32>) {
  // expected-error @+1 {{expected activations of 16 rows and a multiple of 64 columns and a panel whose parts have a multiple of 16 rows of 64 bytes, but got 'memref<16x100xi8>' and 'memref<2x64x64xi8>'}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<16x100xi8> by memref<2x64x64xi8> into memref<16x64xi32>
  return
}

// -----

func.func @tile_dot_c1_dynamic(%x0: memref<16x?xi8>, %panel: memref<1x64x64xi8>, %first: index, %r: memref<16x64xi32>) {
  // expected-error @+1 {{expected activations of 16 rows and a multiple of 64 columns and a panel whose parts have a multiple of 16 rows of 64 bytes}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<16x?xi8> by memref<1x64x64xi8> into memref<16x64xi32>
  return
}

// -----

func.func @tile_dot_c1_rows(%x0: memref<32x64xi8>, %panel: memref<1x64x64xi8>, %first: index, %r: memref<32x64xi32>) {
  // expected-error @+1 {{expected activations of 16 rows and a multiple of 64 columns and a panel whose parts have a multiple of 16 rows of 64 bytes}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<32x64xi8> by memref<1x64x64xi8> into memref<32x64xi32>
  return
}

// -----

func.func @tile_dot_c1_columns(%x0: memref<16x64xi8>, %x1: memref<16x128xi8>, %panel: memref<1x32x64xi8>, %first: index, %r: memref<32x32xi32>) {
  // expected-error @+1 {{expected activations of 16 rows and a multiple of 64 columns and a panel whose parts have a multiple of 16 rows of 64 bytes}}
  ternary.tile_dot %x0, %x1 by %panel[%first] into %r : memref<16x64xi8>, memref<16x128xi8> by memref<1x32x64xi8> into memref<32x32xi32>
  return
}

// -----

func.func @tile_dot_c1_panel(%x0: memref<16x64xi8>, %panel: memref<1x17x64xi8>, %first: index, %r: memref<16x16xi32>) {
  // expected-error @+1 {{expected activations of 16 rows and a multiple of 64 columns and a panel whose parts have a multiple of 16 rows of 64 bytes}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<16x64xi8> by memref<1x17x64xi8> into memref<16x16xi32>
  return
}

// -----

func.func @tile_dot_c1_bytes(%x0: memref<16x64xi8>, %panel: memref<1x16x32xi8>, %first: index, %r: memref<16x16xi32>) {
  // expected-error @+1 {{expected activations of 16 rows and a multiple of 64 columns and a panel whose parts have a multiple of 16 rows of 64 bytes}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<16x64xi8> by memref<1x16x32xi8> into memref<16x16xi32>
  return
}

// -----

func.func @tile_dot_c2(%x0: memref<16x64xi8>, %panel: memref<1x64x64xi8>, %first: index, %r: memref<16x80xi32>) {
  // expected-error @+1 {{expected a row of products for each row of activations and 16 columns for each of at most 4 groups, in at most 6 tiles, but got 'memref<16x80xi32>'}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<16x64xi8> by memref<1x64x64xi8> into memref<16x80xi32>
  return
}

// -----

func.func @tile_dot_c2_columns(%x0: memref<16x64xi8>, %panel: memref<1x64x64xi8>, %first: index, %r: memref<16x40xi32>) {
  // expected-error @+1 {{expected a row of products for each row of activations and 16 columns for each of at most 4 groups, in at most 6 tiles}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<16x64xi8> by memref<1x64x64xi8> into memref<16x40xi32>
  return
}

// -----

func.func @tile_dot_c2_tiles(%x0: memref<16x64xi8>, %panel: memref<1x112x64xi8>, %first: index, %r: memref<16x112xi32>) {
  // expected-error @+1 {{expected a row of products for each row of activations and 16 columns for each of at most 7 groups, in at most 6 tiles}}
  ternary.tile_dot %x0 by %panel[%first] into %r : memref<16x64xi8> by memref<1x112x64xi8> into memref<16x112xi32>
  return
}

// -----

func.func @tile_dot_c2_tokens(%x0: memref<16x64xi8>, %x1: memref<16x64xi8>, %panel: memref<1x32x64xi8>, %first: index, %r: memref<16x32xi32>) {
  // expected-error @+1 {{expected a row of products for each row of activations and 16 columns for each of at most 2 groups, in at most 6 tiles}}
  ternary.tile_dot %x0, %x1 by %panel[%first] into %r : memref<16x64xi8>, memref<16x64xi8> by memref<1x32x64xi8> into memref<16x32xi32>
  return
}

// -----

func.func @tile_dot_c3(%x0: memref<16x64xi8>, %panel: memref<1x16x64xi8>, %first: index, %r: memref<16x16xi32>) {
  // expected-error @+1 {{expected one argument of 'beside', the column, an index}}
  ternary.tile_dot %x0 by %panel[%first] into %r beside {
  ^bb0(%column: i32):
  } : memref<16x64xi8> by memref<1x16x64xi8> into memref<16x16xi32>
  return
}

// -----

func.func @tile_dot_c4(%x0: memref<16x64xi8>, %panel: memref<1x16x64xi8>, %first: index, %r: memref<16x16xi32>) {
  // expected-error @+1 {{expected a step that is a power of two up to 64, but got 48}}
  ternary.tile_dot %x0 by %panel[%first] into %r beside {
  ^bb0(%column: index):
  } {step = 48} : memref<16x64xi8> by memref<1x16x64xi8> into memref<16x16xi32>
  return
}

// -----

func.func @tile_dot_c4_wide(%x0: memref<16x64xi8>, %panel: memref<1x16x64xi8>, %first: index, %r: memref<16x16xi32>) {
  // expected-error @+1 {{expected a step that is a power of two up to 64, but got 128}}
  ternary.tile_dot %x0 by %panel[%first] into %r beside {
  ^bb0(%column: index):
  } {step = 128} : memref<16x64xi8> by memref<1x16x64xi8> into memref<16x16xi32>
  return
}

// -----

func.func @tile_dot_c4_none(%x0: memref<16x64xi8>, %panel: memref<1x16x64xi8>, %first: index, %r: memref<16x16xi32>) {
  // expected-error @+1 {{expected a step that is a power of two up to 64, but got 0}}
  ternary.tile_dot %x0 by %panel[%first] into %r beside {
  ^bb0(%column: index):
  } {step = 0} : memref<16x64xi8> by memref<1x16x64xi8> into memref<16x16xi32>
  return
}
