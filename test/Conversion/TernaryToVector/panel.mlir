// Any number of tokens, at least 16, by a row tile on a machine with matrix
// tiles: two groups of rows are decoded over all columns into a panel, all
// tokens are multiplied by it, and behind the last ones the next two groups are
// decoded over it. 700 columns are 704, the last 64 with a step less than there
// is room for.
// RUN: bitnet-opt %s --convert-ternary-to-vector --canonicalize --cse | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {

// CHECK-LABEL: func @panel
// CHECK-SAME: %[[X:[^:]*]]: memref<?x704xi8>, %[[SUMS:[^:]*]]: memref<?xi32>, %[[BYTES:[^:]*]]: memref<11200xi8>, %[[R:[^:]*]]: memref<?x64xi32>
func.func @panel(%x: memref<?x704xi8>, %s: memref<?xi32>, %b: memref<11200xi8>, %r: memref<?x64xi32>) {
  %c0 = arith.constant 0 : index
  // CHECK: %[[N:.*]] = memref.dim %[[X]], %c0
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<176x128xi8>
  // Sums of 32 tokens twice, and of 16.
  // CHECK: %[[WAITING:.*]] = memref.alloca() {{.*}} : memref<80x32xi32>
  // The first two groups.
  // CHECK: scf.for %{{.*}} = %c0 to %c175
  // CHECK: memref.prefetch %[[BYTES]]
  // CHECK-COUNT-2: vector.store %{{.*}}, %[[PANEL]]
  // CHECK-NOT: vector.store
  // 16 tokens that are not 32, and the last of all that are not 16: some of
  // those are there already.
  // CHECK: scf.if
  // CHECK: ternary.tile_dot {{.*}} : memref<16x704xi8, {{.*}}>, memref<176x128xi8, {{.*}}>, memref<16x32xi32
  // CHECK: scf.for %{{.*}} = %c0 to %c16
  // CHECK: vector.store %{{.*}}, %[[R]]
  // CHECK: scf.if
  // CHECK: ternary.tile_dot {{.*}} : memref<16x704xi8, {{.*}}>, memref<176x128xi8, {{.*}}>, memref<16x32xi32
  // CHECK: scf.for %[[I:.*]] = %{{.*}} to %c16
  // CHECK: %[[TAIL:.*]] = vector.load %[[WAITING]]
  // CHECK: arith.subi %[[TAIL]]
  // CHECK: vector.store %{{.*}}, %[[R]]
  // 32 tokens by two groups; the sums of the tokens before are finished.
  // CHECK: scf.if
  // CHECK: scf.for
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK: memref.prefetch %[[BYTES]][%{{.*}}], read, locality<2>
  // CHECK: %[[BEFORE:.*]] = vector.load %[[WAITING]]
  // CHECK: arith.subi %[[BEFORE]]
  // CHECK: vector.store %{{.*}}, %[[R]]
  // CHECK-NOT: vector.store %{{.*}}, %{{.*}} : memref<16x128xi8
  // CHECK: } : memref<32x704xi8, {{.*}}>, memref<176x128xi8, {{.*}}>, memref<32x32xi32
  // The last 32: 10 of the 11 parts of 16 steps are there, the others come after.
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK: ^bb0(%[[COLUMN:.*]]: index):
  // CHECK: arith.cmpi ule, %[[COLUMN]], %c576
  // CHECK-COUNT-32: vector.store {{.*}} : memref<16x128xi8
  // CHECK-NOT: vector.store
  // CHECK: } : memref<32x704xi8
  // CHECK: } else {
  // CHECK: scf.for %{{.*}} = %c0 to %c160
  // CHECK: scf.for %{{.*}} = %c160 to %c175
  // The other groups, behind which nothing is decoded.
  // CHECK-COUNT-4: ternary.tile_dot
  // CHECK-NOT: vector.store {{.*}} : memref<16x128xi8
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

// In a loop over row tiles only the first one decodes its first groups: the
// others find them decoded by the tile before, if there is one after it.
// CHECK-LABEL: func @tiles
// CHECK-SAME: %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index
func.func @tiles(%begin: index, %end: index, %x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<4096xi8>, %r: memref<?x64xi32>) {
  %c1 = arith.constant 1 : index
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<16x128xi8>
  // CHECK: scf.for %[[TILE:.*]] = %[[BEGIN]] to %[[END]]
  // CHECK: %[[FIRST:.*]] = arith.cmpi uge, %[[BEGIN]], %[[TILE]]
  // CHECK-NEXT: scf.if %[[FIRST]] {
  // CHECK: vector.store %{{.*}}, %[[PANEL]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[TILE]], %c1
  // CHECK: %[[MORE:.*]] = arith.cmpi ult, %[[NEXT]], %[[END]]
  // CHECK-COUNT-4: ternary.tile_dot
  // CHECK-COUNT-32: vector.store {{.*}} : memref<16x128xi8
  // CHECK-COUNT-4: ternary.tile_dot
  // CHECK: scf.if %[[MORE]]
  // CHECK-COUNT-32: vector.store {{.*}} : memref<16x128xi8
  // CHECK: } else {
  // CHECK: scf.if %[[MORE]]
  // CHECK: vector.store %{{.*}}, %[[PANEL]]
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
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK: memref.prefetch %[[Y]]
  // CHECK: arith.sitofp
  // CHECK: vector.store %{{.*}}, %[[Y]]
  // CHECK: } : memref<32x64xi8
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
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK-NOT: memref.prefetch %[[Y]]
  // CHECK: vector.store %{{.*}}, %[[Y]]{{.*}} {alignment = 64 : i64, nontemporal = true}
  // CHECK: } : memref<32x64xi8
  // CHECK: return
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %r, %inverse, %scale into %y {nontemporal} : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
  return
}

}
