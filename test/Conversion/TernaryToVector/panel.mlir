// Any number of tokens, at least 16, by a row tile on a machine with matrix
// tiles: a panel is decoded, all tokens are multiplied by it, and behind the
// last ones the next block is decoded over it. 700 columns are 704 in two blocks
// of 384 and 320, the second with a step less than it has room for.
// RUN: bitnet-opt %s --convert-ternary-to-vector --canonicalize --cse | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {

// CHECK-LABEL: func @panel
// CHECK-SAME: %[[X:[^:]*]]: memref<?x704xi8>, %[[SUMS:[^:]*]]: memref<?xi32>, %[[BYTES:[^:]*]]: memref<11200xi8>, %[[R:[^:]*]]: memref<?x64xi32>
func.func @panel(%x: memref<?x704xi8>, %s: memref<?xi32>, %b: memref<11200xi8>, %r: memref<?x64xi32>) {
  %c0 = arith.constant 0 : index
  // CHECK: %[[N:.*]] = memref.dim %[[X]], %c0
  // Rows of panels are 5 lines apart, not 4.
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<96x320xi8>
  // CHECK: %[[LAST:.*]] = memref.alloca() {{.*}} : memref<16x64xi32>
  // The first block.
  // CHECK: scf.for %{{.*}} = %c0 to %c96
  // CHECK: memref.prefetch %[[BYTES]]
  // CHECK-COUNT-4: vector.store %{{.*}}, %[[PANEL]]
  // 16 tokens that are not 32, and the last of all that are not 16.
  // CHECK: scf.if
  // CHECK: ternary.tile_dot {{.*}} overwrite : memref<16x384xi8, {{.*}}>, memref<96x256xi8, {{.*}}>, memref<16x64xi32
  // CHECK: scf.if
  // CHECK: ternary.tile_dot {{.*}} overwrite : memref<16x384xi8, {{.*}}>, memref<96x256xi8, {{.*}}>, memref<16x64xi32
  // 32 tokens by two groups and two groups.
  // CHECK: scf.if
  // CHECK: scf.for
  // CHECK: ternary.tile_dot {{.*}} overwrite beside {
  // CHECK: memref.prefetch %[[BYTES]][%{{.*}}], read, locality<2>
  // CHECK-NOT: vector.store
  // CHECK: } : memref<32x384xi8, {{.*}}>, memref<96x128xi8, {{.*}}>, memref<32x32xi32
  // CHECK: ternary.tile_dot {{.*}} overwrite beside {
  // CHECK: } : memref<32x384xi8
  // The last 32: 4 of the 5 parts of 16 steps are there, the others come after.
  // CHECK: ternary.tile_dot {{.*}} overwrite beside {
  // CHECK: ^bb0(%[[COLUMN:.*]]: index):
  // CHECK: arith.cmpi ule, %[[COLUMN]], %c192
  // CHECK-COUNT-32: vector.store
  // CHECK-NOT: vector.store
  // CHECK: } : memref<32x384xi8
  // CHECK: ternary.tile_dot {{.*}} overwrite beside {
  // CHECK-COUNT-32: vector.store
  // CHECK-NOT: vector.store
  // CHECK: } : memref<32x384xi8
  // CHECK: } else {
  // CHECK: scf.for %{{.*}} = %c0 to %c64
  // CHECK: scf.for %{{.*}} = %c64 to %c79
  // The second block adds, and sums of activations are subtracted.
  // CHECK: ternary.tile_dot %{{.*}}, %{{.*}} into %{{.*}} : memref<16x320xi8
  // CHECK: vector.store %{{.*}}, %[[R]]
  // CHECK: ternary.tile_dot %{{.*}}, %{{.*}} into %{{.*}} : memref<16x320xi8
  // CHECK: %[[TAIL:.*]] = vector.load %[[LAST]]
  // CHECK: arith.subi %[[TAIL]]
  // CHECK: vector.store %{{.*}}, %[[R]]
  // CHECK: ternary.tile_dot %{{.*}}, %{{.*}} into %{{.*}} beside
  // CHECK: memref<32x320xi8
  // CHECK-NOT: ternary.matmul
  %w = ternary.view %b : memref<11200xi8> -> !ternary.packed<64 x 700, #ternary.i2>
  %t = ternary.tile %w[%c0] : !ternary.packed<64 x 700, #ternary.i2> -> !ternary.packed<64 x 700, #ternary.i2>
  ternary.matmul %x, %s, %t into %r : (memref<?x704xi8>, memref<?xi32>, !ternary.packed<64 x 700, #ternary.i2>, memref<?x64xi32>) -> ()
  return
}

// A rescaling that reads the products, and nothing else does, takes them from
// registers; its results are asked for during the last products.
// CHECK-LABEL: func @rescaled
// CHECK-SAME: %[[Y:[^:]*]]: memref<?x64xf32>
func.func @rescaled(%x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<1024xi8>, %inverse: memref<?xf32>, %scale: memref<64xf32>, %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %y, %c0 : memref<?x64xf32>
  // CHECK: %[[R:.*]] = memref.alloca(%{{.*}}) {{.*}} : memref<?x64xi32>
  %r = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
  %w = ternary.view %b : memref<1024xi8> -> !ternary.packed<64 x 64, #ternary.i2>
  %t = ternary.tile %w[%c0] : !ternary.packed<64 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
  // CHECK: ternary.tile_dot {{.*}} overwrite beside {
  // CHECK: memref.prefetch %[[Y]]
  // CHECK: ternary.tile_dot {{.*}} overwrite beside {
  // CHECK: } : memref<32x64xi8
  // CHECK: scf.for
  // CHECK-NOT: vector.store %{{.*}}, %[[R]]
  // CHECK: arith.sitofp
  // CHECK: vector.store %{{.*}}, %[[Y]]
  // CHECK-NOT: ternary.rescale
  // CHECK: return
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %r, %inverse, %scale into %y : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
  return
}

}
