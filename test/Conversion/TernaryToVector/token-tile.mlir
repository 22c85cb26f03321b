// Up to 16 tokens by a row tile on a machine with matrix tiles: one tile of tokens
// by all forms of the row tile, which are written just before the products that
// read them, to a ring of three times 64 columns.
// RUN: bitnet-opt %s --convert-ternary-to-vector --canonicalize --cse | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {

// The six forms of t5 are the bytes and five times their triple.
// CHECK-LABEL: func @tiles
// CHECK-SAME: %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index, %[[X:[^:]*]]: memref<?x192xi8>, %[[SUMS:[^:]*]]: memref<?xi32>, %[[BYTES:[^:]*]]: memref<8448xi8>, %[[R:[^:]*]]: memref<?x80xi32>
func.func @tiles(%begin: index, %end: index, %x: memref<?x192xi8>, %s: memref<?xi32>, %b: memref<8448xi8>, %r: memref<?x80xi32>) {
  %c1 = arith.constant 1 : index
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<3x96x64xi8>
  // CHECK: %[[WAITING:.*]] = memref.alloca() {{.*}} : memref<16x96xi32>
  // Tokens are copied in front of all row tiles, unless they are more than 16.
  // CHECK: %[[TOKENS:.*]] = memref.alloca() {{.*}} : memref<16x256xi8>
  // CHECK: %[[N:.*]] = memref.dim %[[X]], %c0
  // CHECK: %[[FEW:.*]] = arith.cmpi ule, %[[N]], %c16
  // CHECK: %[[COPIED:.*]] = arith.select %[[FEW]], %[[N]], %c0
  // CHECK: scf.for %[[TOKEN:.*]] = %c0 to %[[COPIED]]
  // CHECK: scf.for %{{.*}} = %c0 to %c3
  // CHECK: %[[COLUMNS:.*]] = vector.load %[[X]][%[[TOKEN]]
  // CHECK: vector.store %[[COLUMNS]], %[[TOKENS]][%[[TOKEN]]
  // CHECK: scf.for %[[TILE:.*]] = %[[BEGIN]] to %[[END]]
  // CHECK: scf.if %[[FEW]] {
  // The first row tile writes what its first two parts of columns multiply.
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq
  // CHECK-NEXT: scf.if %[[FIRST]] {
  // CHECK: scf.for %{{.*}} = %c0 to %c8
  // CHECK-COUNT-24: vector.store %{{.*}}, %[[PANEL]]
  // CHECK-NOT: vector.store
  // CHECK: ternary.tile_dot %{{.*}} by %[[PANEL]][%{{.*}}] into %[[WAITING]] beside {
  // CHECK: ^bb0(%[[COLUMN:.*]]: index):
  // 128 columns ahead: of this row tile or the next one.
  // CHECK: %[[AHEAD:.*]] = arith.addi %[[COLUMN]], %c128
  // CHECK: arith.cmpi ult, %[[AHEAD]], %c192
  // Past the last step is some other byte; the row tile behind is asked for.
  // CHECK: arith.minui %{{.*}}, %c32
  // CHECK: memref.prefetch %[[BYTES]][%{{.*}}], read, locality<2>
  // CHECK: %[[PACKED:.*]] = vector.load %[[BYTES]]
  // CHECK: vector.store %[[PACKED]], %[[PANEL]]
  // CHECK-COUNT-23: vector.store %{{.*}}, %[[PANEL]]
  // CHECK-NOT: vector.store
  // CHECK: } {step = 16 : i64} : memref<16x192xi8, {{.*}}> by memref<3x96x64xi8> into memref<16x96xi32>
  // CHECK: scf.for %[[TOKEN:.*]] = %c0 to %[[N]]
  // CHECK-COUNT-6: vector.load %[[WAITING]][%[[TOKEN]]
  // CHECK-COUNT-5: vector.store %{{.*}}, %[[R]][%[[TOKEN]]
  // CHECK-NOT: vector.store
  // CHECK: } else {
  scf.for %i = %begin to %end step %c1 {
    %w = ternary.view %b : memref<8448xi8> -> !ternary.packed<320 x 130, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<320 x 130, #ternary.t5> -> !ternary.packed<80 x 130, #ternary.t5>
    ternary.matmul %x, %s, %t into %r : (memref<?x192xi8>, memref<?xi32>, !ternary.packed<80 x 130, #ternary.t5>, memref<?x80xi32>) -> ()
  }
  return
}

// A single row tile, with a rescaling that takes its products from registers.
// The forms of i2 are the bytes and three prefixes.
// CHECK-LABEL: func @rescaled
// CHECK-SAME: %[[Y:[^:]*]]: memref<?x64xf32>
func.func @rescaled(%x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<1024xi8>, %inverse: memref<?xf32>, %scale: memref<64xf32>, %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %y, %c0 : memref<?x64xf32>
  // CHECK-NOT: memref<?x64xi32>
  // CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<2x64x64xi8>
  // CHECK: scf.for %{{.*}} = %c0 to %c4
  // CHECK-COUNT-16: vector.store %{{.*}}, %[[PANEL]]
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK-COUNT-16: vector.store %{{.*}}, %[[PANEL]]
  // CHECK: } {step = 16 : i64} : memref<16x64xi8
  // CHECK: arith.sitofp
  // CHECK: vector.store %{{.*}}, %[[Y]]
  // CHECK: } else {
  // CHECK-NOT: ternary.rescale
  // CHECK: return
  %r = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
  %w = ternary.view %b : memref<1024xi8> -> !ternary.packed<64 x 64, #ternary.i2>
  %t = ternary.tile %w[%c0] : !ternary.packed<64 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %r, %inverse, %scale into %y : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
  return
}

// A format without forms of its own: the codes of its groups. One whose steps do
// not divide 64 columns has no such tile.
// CHECK-LABEL: func @codes
func.func @codes(%x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<1024xi8>, %r: memref<?x64xi32>) {
  %c0 = arith.constant 0 : index
  // CHECK: ternary.tile_dot {{.*}} beside {
  // CHECK: } {step = 16 : i64}
  // CHECK: arith.subi
  // CHECK: } else {
  %w = ternary.view %b : memref<1024xi8> -> !ternary.packed<64 x 64, #ternary.tl1>
  %t = ternary.tile %w[%c0] : !ternary.packed<64 x 64, #ternary.tl1> -> !ternary.packed<64 x 64, #ternary.tl1>
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.tl1>, memref<?x64xi32>) -> ()
  return
}

// CHECK-LABEL: func @no_token_tile
func.func @no_token_tile(%x: memref<?x64xi8>, %s: memref<?xi32>, %b: memref<1536xi8>, %r: memref<?x96xi32>) {
  %c0 = arith.constant 0 : index
  // CHECK-NOT: step =
  // CHECK: return
  %w = ternary.view %b : memref<1536xi8> -> !ternary.packed<96 x 64, #ternary.tl3>
  %t = ternary.tile %w[%c0] : !ternary.packed<96 x 64, #ternary.tl3> -> !ternary.packed<96 x 64, #ternary.tl3>
  ternary.matmul %x, %s, %t into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<96 x 64, #ternary.tl3>, memref<?x96xi32>) -> ()
  return
}

}
