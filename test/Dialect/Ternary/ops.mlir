// Every type, attribute and operation reads back as it was printed: in tensor
// and in memref form, as pretty text, as generic text and as bytecode.
// RUN: bitnet-opt %s > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: bitnet-opt %t.mlir | diff %t.mlir -
// RUN: bitnet-opt --mlir-print-op-generic %s | bitnet-opt | diff %t.mlir -
// RUN: bitnet-opt --emit-bytecode %s | bitnet-opt | diff %t.mlir -

// CHECK-LABEL: func private @types
// CHECK-SAME: !ternary.packed<1 x 1, #ternary.i2>
// CHECK-SAME: !ternary.packed<2560 x 6912, #ternary.t5>
// CHECK-SAME: !ternary.packed<65 x 3, #ternary.tl1>
func.func private @types(!ternary.packed<1 x 1, #ternary.i2>, !ternary.packed<2560 x 6912, #ternary.t5>, !ternary.packed<65 x 3, #ternary.tl1>)

// CHECK-LABEL: func @tensors
func.func @tensors(%x: tensor<?x100xf32>, %w: tensor<33x100xi2>, %scale: tensor<33xf32>, %lut: !ternary.packed<33 x 100, #ternary.tl1>) -> tensor<?x33xf32> {
  // CHECK: %[[Q:.*]]:3 = ternary.quantize %{{.*}} : (tensor<?x100xf32>) -> (tensor<?x128xi8>, tensor<?xf32>, tensor<?xi32>)
  %q:3 = ternary.quantize %x : (tensor<?x100xf32>) -> (tensor<?x128xi8>, tensor<?xf32>, tensor<?xi32>)
  // CHECK: ternary.pack %{{.*}} : tensor<33x100xi2> -> !ternary.packed<33 x 100, #ternary.i2>
  %p = ternary.pack %w : tensor<33x100xi2> -> !ternary.packed<33 x 100, #ternary.i2>
  // CHECK: ternary.unpack %{{.*}} : !ternary.packed<33 x 100, #ternary.tl1> -> tensor<33x100xi2>
  %u = ternary.unpack %lut : !ternary.packed<33 x 100, #ternary.tl1> -> tensor<33x100xi2>
  // CHECK: ternary.matmul %[[Q]]#0, %[[Q]]#2, %{{.*}} : (tensor<?x128xi8>, tensor<?xi32>, tensor<33x100xi2>) -> tensor<?x33xi32>
  %r0 = ternary.matmul %q#0, %q#2, %u : (tensor<?x128xi8>, tensor<?xi32>, tensor<33x100xi2>) -> tensor<?x33xi32>
  // CHECK: ternary.matmul %[[Q]]#0, %[[Q]]#2, %{{.*}} : (tensor<?x128xi8>, tensor<?xi32>, !ternary.packed<33 x 100, #ternary.i2>) -> tensor<?x33xi32>
  %r1 = ternary.matmul %q#0, %q#2, %p : (tensor<?x128xi8>, tensor<?xi32>, !ternary.packed<33 x 100, #ternary.i2>) -> tensor<?x33xi32>
  // CHECK: %[[T:.*]] = ternary.build_lut #ternary.tl1, %[[Q]]#0 : (tensor<?x128xi8>) -> tensor<?x2048xi8>
  %t = ternary.build_lut #ternary.tl1, %q#0 : (tensor<?x128xi8>) -> tensor<?x2048xi8>
  // CHECK: %[[R:.*]] = ternary.lut_matmul %[[T]], %{{.*}} : (tensor<?x2048xi8>, !ternary.packed<33 x 100, #ternary.tl1>) -> tensor<?x33xi32>
  %r = ternary.lut_matmul %t, %lut : (tensor<?x2048xi8>, !ternary.packed<33 x 100, #ternary.tl1>) -> tensor<?x33xi32>
  // CHECK: ternary.rescale %[[R]], %[[Q]]#1, %{{.*}} : (tensor<?x33xi32>, tensor<?xf32>, tensor<33xf32>) -> tensor<?x33xf32>
  %y = ternary.rescale %r, %q#1, %scale : (tensor<?x33xi32>, tensor<?xf32>, tensor<33xf32>) -> tensor<?x33xf32>
  return %y : tensor<?x33xf32>
}

// CHECK-LABEL: func @memrefs
func.func @memrefs(%x: memref<2x100xf32>, %q: memref<2x128xi8>, %inverse: memref<2xf32>, %sums: memref<2xi32>, %bytes: memref<1600xi8>, %lut: !ternary.packed<32 x 100, #ternary.tl1>, %i: index, %t: memref<2x2048xi8>, %r: memref<2x64xi32>, %l: memref<2x32xi32>, %scale: memref<64xf32>, %y: memref<2x64xf32>) {
  // CHECK: ternary.quantize %{{.*}} into %{{.*}}, %{{.*}}, %{{.*}} : (memref<2x100xf32>, memref<2x128xi8>, memref<2xf32>, memref<2xi32>) -> ()
  ternary.quantize %x into %q, %inverse, %sums : (memref<2x100xf32>, memref<2x128xi8>, memref<2xf32>, memref<2xi32>) -> ()
  // CHECK: %[[W:.*]] = ternary.view %{{.*}} : memref<1600xi8> -> !ternary.packed<33 x 100, #ternary.i2>
  %w = ternary.view %bytes : memref<1600xi8> -> !ternary.packed<33 x 100, #ternary.i2>
  // CHECK: %[[TILE:.*]] = ternary.tile %[[W]][%{{.*}}] : !ternary.packed<33 x 100, #ternary.i2> -> !ternary.packed<64 x 100, #ternary.i2>
  %tile = ternary.tile %w[%i] : !ternary.packed<33 x 100, #ternary.i2> -> !ternary.packed<64 x 100, #ternary.i2>
  // CHECK: ternary.matmul %{{.*}}, %{{.*}}, %[[TILE]] into %{{.*}} : (memref<2x128xi8>, memref<2xi32>, !ternary.packed<64 x 100, #ternary.i2>, memref<2x64xi32>) -> ()
  ternary.matmul %q, %sums, %tile into %r : (memref<2x128xi8>, memref<2xi32>, !ternary.packed<64 x 100, #ternary.i2>, memref<2x64xi32>) -> ()
  // CHECK: ternary.build_lut #ternary.tl1, %{{.*}} into %{{.*}} : (memref<2x128xi8>, memref<2x2048xi8>) -> ()
  ternary.build_lut #ternary.tl1, %q into %t : (memref<2x128xi8>, memref<2x2048xi8>) -> ()
  // CHECK: ternary.lut_matmul %{{.*}}, %{{.*}} into %{{.*}} : (memref<2x2048xi8>, !ternary.packed<32 x 100, #ternary.tl1>, memref<2x32xi32>) -> ()
  ternary.lut_matmul %t, %lut into %l : (memref<2x2048xi8>, !ternary.packed<32 x 100, #ternary.tl1>, memref<2x32xi32>) -> ()
  // CHECK: ternary.rescale %{{.*}}, %{{.*}}, %{{.*}} into %{{.*}} : (memref<2x64xi32>, memref<2xf32>, memref<64xf32>, memref<2x64xf32>) -> ()
  ternary.rescale %r, %inverse, %scale into %y : (memref<2x64xi32>, memref<2xf32>, memref<64xf32>, memref<2x64xf32>) -> ()
  return
}

// CHECK-LABEL: func @lookups
func.func @lookups(%acc: vector<16xi16>, %t: vector<32xi8>, %b: vector<32xi8>, %words: vector<32xi16>) -> (vector<16xi16>, vector<32xi8>, vector<32xi16>) {
  // CHECK: ternary.dot2 %{{.*}}, %{{.*}}, %{{.*}} max 8 : vector<16xi16>, vector<32xi8>
  %0 = ternary.dot2 %acc, %b, %b max 8 : vector<16xi16>, vector<32xi8>
  // CHECK: ternary.byte_lookup %{{.*}}, %{{.*}} : vector<32xi8>, vector<32xi8>
  %1 = ternary.byte_lookup %t, %b : vector<32xi8>, vector<32xi8>
  // CHECK: ternary.word_lookup %{{.*}}, %{{.*}} : vector<32xi16>, vector<32xi16>
  %2 = ternary.word_lookup %words, %words : vector<32xi16>, vector<32xi16>
  return %0, %1, %2 : vector<16xi16>, vector<32xi8>, vector<32xi16>
}

// CHECK-LABEL: func @micro_ops
func.func @micro_ops(%acc: vector<4xi32>, %a: vector<16xi8>, %b: vector<32xi8>) -> (vector<4xi32>, vector<32xi8>) {
  // CHECK: ternary.dot4 %{{.*}}, %{{.*}}, %{{.*}} max 255 : vector<4xi32>, vector<16xi8>
  %0 = ternary.dot4 %acc, %a, %a max 255 : vector<4xi32>, vector<16xi8>
  // CHECK: ternary.dot4 %{{.*}}, %{{.*}}, %{{.*}} max 1 signed : vector<4xi32>, vector<16xi8>
  %1 = ternary.dot4 %0, %a, %a max 1 signed : vector<4xi32>, vector<16xi8>
  // CHECK: ternary.byte_lookup %{{.*}}, %{{.*}} : vector<16xi8>, vector<32xi8>
  %2 = ternary.byte_lookup %a, %b : vector<16xi8>, vector<32xi8>
  // CHECK: ternary.opaque %{{.*}} : vector<32xi8>
  %3 = ternary.opaque %2 : vector<32xi8>
  return %1, %3 : vector<4xi32>, vector<32xi8>
}

// CHECK-LABEL: func @tile_dot
func.func @tile_dot(%x: memref<16x384xi8>, %y: memref<16x384xi8>, %panel: memref<4x32x64xi8>, %first: index, %r: memref<16x32xi32>, %two: memref<32x32xi32>) {
  // CHECK: ternary.tile_dot %{{.*}} by %{{.*}}[%{{.*}}] into %{{.*}} : memref<16x384xi8> by memref<4x32x64xi8> into memref<16x32xi32>
  ternary.tile_dot %x by %panel[%first] into %r : memref<16x384xi8> by memref<4x32x64xi8> into memref<16x32xi32>
  // CHECK: ternary.tile_dot %{{.*}}, %{{.*}} by %{{.*}}[%{{.*}}] into %{{.*}} beside {
  // CHECK-NEXT: ^bb0(%[[COLUMN:.*]]: index):
  // CHECK-NEXT: memref.prefetch %{{.*}}[%{{.*}}, %[[COLUMN]]]
  // CHECK-NEXT: } : memref<16x384xi8>, memref<16x384xi8> by memref<4x32x64xi8> into memref<32x32xi32>
  %zero = arith.constant 0 : index
  ternary.tile_dot %x, %y by %panel[%first] into %two beside {
  ^bb0(%column: index):
    memref.prefetch %x[%zero, %column], read, locality<3>, data : memref<16x384xi8>
  } : memref<16x384xi8>, memref<16x384xi8> by memref<4x32x64xi8> into memref<32x32xi32>
  // CHECK: ternary.tile_dot %{{.*}} by %{{.*}}[%{{.*}}] into %{{.*}} beside {
  // CHECK: } {step = 16 : i64} : memref<16x384xi8>
  ternary.tile_dot %x by %panel[%first] into %r beside {
  ^bb0(%column: index):
    memref.prefetch %x[%zero, %column], read, locality<3>, data : memref<16x384xi8>
  } {step = 16} : memref<16x384xi8> by memref<4x32x64xi8> into memref<16x32xi32>
  return
}
