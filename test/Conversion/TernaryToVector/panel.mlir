// More than 16 tokens by a row tile on a machine with matrix tiles (up to 16 are
// in token-tile.mlir): codes are masked into a panel of four times 64 columns, just before the
// products that read them. 700 columns are 704; what is past their last step is
// some other byte.
// RUN: bitnet-opt %s --convert-ternary-to-vector --canonicalize --cse | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {

// CHECK-LABEL: func @panel
// CHECK-SAME: %[[X:[^:]*]]: memref<?x704xi8>, %[[SUMS:[^:]*]]: memref<?xi32>, %[[BYTES:[^:]*]]: memref<11200xi8>, %[[R:[^:]*]]: memref<?x64xi32>
func.func @panel(%x: memref<?x704xi8>, %s: memref<?xi32>, %b: memref<11200xi8>, %r: memref<?x64xi32>) {
  %c0 = arith.constant 0 : index
  // CHECK: %[[N:.*]] = memref.dim %[[X]], %c0
  // CHECK: arith.cmpi ule, %[[N]], %c16
  // CHECK: scf.if
  // CHECK: } else {
  // CHECK: %[[BLOCKS:.*]] = arith.ceildivui %[[N]], %c32
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<4x32x64xi8>
  // Sums of 32 tokens twice.
  // CHECK: %[[WAITING:.*]] = memref.alloca() {{.*}} : memref<64x32xi32>
  // The first columns of the first two groups.
  // CHECK: scf.for %{{.*}} = %c0 to %c4
  // CHECK: arith.minui %{{.*}}, %c174
  // CHECK-COUNT-32: vector.store %{{.*}}, %[[PANEL]]
  // CHECK-NOT: vector.store
  // 32 tokens by two groups, the last of them moved back to where all 16 are.
  // CHECK: scf.for %{{.*}} = %c0 to %[[BLOCKS]]
  // CHECK: %[[LATEST:.*]] = arith.subi %[[N]], %c16
  // CHECK: arith.minui %{{.*}}, %[[LATEST]]
  // CHECK: ternary.tile_dot %{{.*}}, %{{.*}} by %[[PANEL]][%{{.*}}] into {{.*}} beside {
  // CHECK: ^bb0(%[[COLUMN:.*]]: index):
  // CHECK: memref.prefetch %[[BYTES]][%{{.*}}], read, locality<2>
  // What follows is of these groups or, behind the last 256 columns, of the others.
  // CHECK: %[[THIS:.*]] = arith.cmpi ult, %[[COLUMN]], %c448
  // CHECK: arith.select %[[THIS]], %c3_i8, %c48_i8
  // CHECK-COUNT-32: vector.store %{{.*}}, %[[PANEL]]
  // The sums of the product before become products.
  // CHECK: %[[BEFORE:.*]] = vector.load %[[WAITING]]
  // CHECK: %[[SHIFTED:.*]] = arith.shrsi %[[BEFORE]]
  // CHECK: arith.subi %[[SHIFTED]]
  // CHECK: vector.store %{{.*}}, %[[R]]
  // CHECK: } : memref<16x704xi8, {{.*}}>, memref<16x704xi8, {{.*}}> by memref<4x32x64xi8> into memref<32x32xi32
  // The other groups.
  // CHECK: ternary.tile_dot
  // CHECK-NOT: ternary.tile_dot
  // CHECK-NOT: ternary.matmul
  // The last sums of all.
  // CHECK: scf.for %{{.*}} = %c0 to %c32
  // CHECK: vector.load %[[WAITING]]
  // CHECK: vector.store %{{.*}}, %[[R]]
  // CHECK: return
  %w = ternary.view %b : memref<11200xi8> -> !ternary.packed<64 x 700, #ternary.i2>
  %t = ternary.tile %w[%c0] : !ternary.packed<64 x 700, #ternary.i2> -> !ternary.packed<64 x 700, #ternary.i2>
  ternary.matmul %x, %s, %t into %r : (memref<?x704xi8>, memref<?xi32>, !ternary.packed<64 x 700, #ternary.i2>, memref<?x64xi32>) -> ()
  return
}

// In a loop over row tiles only the first one decodes its first columns: the
// others find them decoded by the tile before, if there is one after it. One
// part is all the columns there are.
// CHECK-LABEL: func @tiles
// CHECK-SAME: %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index
func.func @tiles(%begin: index, %end: index, %x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<4096xi8>, %r: memref<?x64xi32>) {
  %c1 = arith.constant 1 : index
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<1x32x64xi8>
  // CHECK: scf.for %[[TILE:.*]] = %[[BEGIN]] to %[[END]]
  // CHECK: } else {
  // CHECK: %[[NUMBER:.*]] = arith.subi %[[TILE]], %[[BEGIN]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[TILE]], %c1
  // CHECK: %[[MORE:.*]] = arith.cmpi ult, %[[NEXT]], %[[END]]
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[NUMBER]], %c0
  // CHECK-NEXT: scf.if %[[FIRST]] {
  // CHECK: vector.store %{{.*}}, %[[PANEL]]
  // CHECK: scf.for
  // CHECK: ternary.tile_dot
  // CHECK-COUNT-32: vector.store %{{.*}}, %[[PANEL]]
  // CHECK: %[[LAST:.*]] = arith.cmpi eq
  // CHECK: %[[FOLLOWS:.*]] = arith.andi %[[LAST]], %[[MORE]]
  // CHECK: arith.select %[[FOLLOWS]]
  // CHECK: ternary.tile_dot
  // CHECK-COUNT-32: vector.store %{{.*}}, %[[PANEL]]
  scf.for %i = %begin to %end step %c1 {
    %w = ternary.view %b : memref<4096xi8> -> !ternary.packed<256 x 64, #ternary.i2>
    %t = ternary.tile %w[%i] : !ternary.packed<256 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
    ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  }
  return
}

// A rescaling that reads the products, and nothing else does, takes them from
// registers; its results are asked for while the products are computed, unless
// they go past the caches.
// CHECK-LABEL: func @rescaled
// CHECK-SAME: %[[Y:[^:]*]]: memref<?x64xf32>
func.func @rescaled(%x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<1024xi8>, %inverse: memref<?xf32>, %scale: memref<64xf32>, %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %y, %c0 : memref<?x64xf32>
  // CHECK-NOT: memref<?x64xi32>
  %r = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
  %w = ternary.view %b : memref<1024xi8> -> !ternary.packed<64 x 64, #ternary.i2>
  %t = ternary.tile %w[%c0] : !ternary.packed<64 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
  // CHECK: } else {
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK: memref.prefetch %[[Y]]
  // CHECK: arith.sitofp
  // CHECK: vector.store %{{.*}}, %[[Y]]
  // CHECK: } : memref<16x64xi8
  // CHECK-NOT: ternary.rescale
  // CHECK: return
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %r, %inverse, %scale into %y : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
  return
}

// CHECK-LABEL: func @nontemporal
// CHECK-SAME: %[[Y:[^:]*]]: memref<?x64xf32>
func.func @nontemporal(%x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<1024xi8>, %inverse: memref<?xf32>, %scale: memref<64xf32>, %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %y, %c0 : memref<?x64xf32>
  %r = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
  %w = ternary.view %b : memref<1024xi8> -> !ternary.packed<64 x 64, #ternary.i2>
  %t = ternary.tile %w[%c0] : !ternary.packed<64 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
  // CHECK: } else {
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK-NOT: memref.prefetch %[[Y]]
  // CHECK: vector.store %{{.*}}, %[[Y]]{{.*}} {alignment = 64 : i64, nontemporal = true}
  // CHECK: } : memref<16x64xi8
  // CHECK: return
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %r, %inverse, %scale into %y {nontemporal} : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
  return
}

// Codes of other formats are rewritten, two bits for each group of a pass: the
// first row tile before its products, the next one beside them.
// CHECK-LABEL: func @rewritten
// CHECK-SAME: %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index
func.func @rewritten(%begin: index, %end: index, %x: memref<?x128xi8>, %s: memref<?xi32>, %b: memref<8192xi8>, %r: memref<?x80xi32>) {
  %c1 = arith.constant 1 : index
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<2x48x64xi8>
  // CHECK: memref.alloca() {{.*}} : memref<64x48xi32>
  // This tile and the next one, two passes of 32 quads.
  // CHECK: %[[CODES:.*]] = memref.alloca() {{.*}} : memref<128x64xi8>
  // CHECK: scf.for %[[TILE:.*]] = %[[BEGIN]] to %[[END]]
  // CHECK: } else {
  // CHECK: scf.if
  // CHECK: scf.for %{{.*}} = %c0 to %c32
  // CHECK-COUNT-2: vector.store %{{.*}}, %[[CODES]]
  // CHECK-NOT: vector.store %{{.*}}, %[[CODES]]
  // CHECK: vector.load %[[CODES]]
  // CHECK-COUNT-3: vector.store %{{.*}}, %[[PANEL]]
  // Three groups.
  // CHECK: ternary.tile_dot {{.*}} by %[[PANEL]][%{{.*}}] into
  // CHECK: scf.for
  // CHECK-COUNT-2: vector.store %{{.*}}, %[[CODES]]
  // CHECK: scf.if
  // CHECK-COUNT-48: vector.store %{{.*}}, %[[PANEL]]
  // CHECK-NOT: vector.store %{{.*}}, %[[PANEL]]
  // CHECK: } else {
  // CHECK-COUNT-32: vector.store %{{.*}}, %[[PANEL]]
  // CHECK: into memref<32x48xi32
  // Two groups.
  // CHECK: ternary.tile_dot
  // CHECK: into memref<32x32xi32
  scf.for %i = %begin to %end step %c1 {
    %w = ternary.view %b : memref<8192xi8> -> !ternary.packed<320 x 128, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<320 x 128, #ternary.t5> -> !ternary.packed<80 x 128, #ternary.t5>
    ternary.matmul %x, %s, %t into %r : (memref<?x128xi8>, memref<?xi32>, !ternary.packed<80 x 128, #ternary.t5>, memref<?x80xi32>) -> ()
  }
  return
}

// The last row tile has fewer rows: those that only others have are stored if it
// is another.
// CHECK-LABEL: func @last
// CHECK-SAME: %[[WHOLE:[^:]*]]: i1
func.func @last(%x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<2048xi8>, %inverse: memref<?xf32>, %scale: memref<6xf32>, %y: memref<?x96xf32>, %whole: i1, %i: index) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %n = memref.dim %y, %c0 : memref<?x96xf32>
  // CHECK-NOT: memref<?x64xi32>
  // CHECK: } else {
  // CHECK-NOT: memref<?x64xi32>
  %r = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
  %w = ternary.view %b : memref<2048xi8> -> !ternary.packed<96 x 64, #ternary.i2>
  %t = ternary.tile %w[%i] : !ternary.packed<96 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
  %row = arith.muli %i, %c64 : index
  %group = arith.muli %i, %c4 : index
  // Finishing groups 2 and 3 beside the product with groups 0 and 1, then 0 and 1
  // beside that with 2 and 3.
  // CHECK: ternary.tile_dot
  // CHECK: scf.if %[[WHOLE]] {
  // CHECK: vector.store
  // CHECK: scf.if %[[WHOLE]] {
  // CHECK: vector.store
  // CHECK: ternary.tile_dot
  // CHECK-NOT: scf.if %[[WHOLE]]
  // CHECK: } : memref<16x64xi8
  // CHECK-COUNT-2: scf.if %[[WHOLE]]
  // CHECK-NOT: scf.if %[[WHOLE]]
  // CHECK-NOT: ternary.rescale
  // CHECK: return
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  scf.if %whole {
    %f = memref.subview %scale[%group] [4] [1] : memref<6xf32> to memref<4xf32, strided<[1], offset: ?>>
    %o = memref.subview %y[0, %row] [%n, 64] [1, 1] : memref<?x96xf32> to memref<?x64xf32, strided<[96, 1], offset: ?>>
    ternary.rescale %r, %inverse, %f into %o : (memref<?x64xi32>, memref<?xf32>, memref<4xf32, strided<[1], offset: ?>>, memref<?x64xf32, strided<[96, 1], offset: ?>>) -> ()
  } else {
    %p = memref.subview %r[0, 0] [%n, 32] [1, 1] : memref<?x64xi32> to memref<?x32xi32, strided<[64, 1]>>
    %f = memref.subview %scale[%group] [2] [1] : memref<6xf32> to memref<2xf32, strided<[1], offset: ?>>
    %o = memref.subview %y[0, %row] [%n, 32] [1, 1] : memref<?x96xf32> to memref<?x32xf32, strided<[96, 1], offset: ?>>
    ternary.rescale %p, %inverse, %f into %o : (memref<?x32xi32, strided<[64, 1]>>, memref<?xf32>, memref<2xf32, strided<[1], offset: ?>>, memref<?x32xf32, strided<[96, 1], offset: ?>>) -> ()
  }
  return
}

}
