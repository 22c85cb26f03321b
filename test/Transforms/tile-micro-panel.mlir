// On a machine with matrix tiles, as many tokens as are faster with them go
// through a row tile all at once, into a buffer outside the loop over row tiles;
// fewer go through registers. A format whose steps do not divide 64 columns
// needs tokens that fill a tile.
// RUN: bitnet-opt --ternary-tile-micro %s | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {

// CHECK-LABEL: func @panel
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x64xi8>
func.func @panel(%q: memref<?x64xi8>, %s: memref<?xi32>, %inverse: memref<?xf32>, %w: !ternary.packed<128 x 64, #ternary.i2>, %scale: memref<128xf32>, %y: memref<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %n = memref.dim %y, %c0 : memref<?x128xf32>
  // CHECK: bitnet.parallel
  // CHECK: %[[BUFFER:.*]] = memref.alloca(%[[N:.*]]) {alignment = 64 : i64} : memref<?x64xi32>
  // CHECK: scf.for
  bitnet.parallel (%begin, %end) of %c2 : index {
    scf.for %i = %begin to %end step %c1 {
      %tile = ternary.tile %w[%i] : !ternary.packed<128 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
      // CHECK: %[[FILLS:.*]] = arith.cmpi uge, %[[N]], %c7
      // CHECK: scf.if %[[FILLS]]
      // CHECK-NEXT: ternary.matmul %[[Q]], %{{.*}} into %[[BUFFER]]
      // CHECK: ternary.rescale %[[BUFFER]]
      // CHECK: %[[FIRST:.*]] = arith.select %[[FILLS]], %[[N]], %c0
      // CHECK: scf.for %{{.*}} = %[[FIRST]] to
      // CHECK: ternary.matmul {{.*}}memref<6x64xi32>
      // CHECK: scf.index_switch
      // CHECK: ternary.matmul {{.*}}memref<1x64xi32>
      %acc = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
      ternary.matmul %q, %s, %tile into %acc : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
      %row = arith.muli %i, %c64 : index
      %part = memref.subview %scale[%row] [64] [1] : memref<128xf32> to memref<64xf32, strided<[1], offset: ?>>
      %out = memref.subview %y[0, %row] [%n, 64] [1, 1] : memref<?x128xf32> to memref<?x64xf32, strided<[128, 1], offset: ?>>
      ternary.rescale %acc, %inverse, %part into %out : (memref<?x64xi32>, memref<?xf32>, memref<64xf32, strided<[1], offset: ?>>, memref<?x64xf32, strided<[128, 1], offset: ?>>) -> ()
    }
  }
  return
}

// CHECK-LABEL: func @wide_steps
func.func @wide_steps(%q: memref<?x64xi8>, %s: memref<?xi32>, %inverse: memref<?xf32>, %w: !ternary.packed<96 x 64, #ternary.tl3>, %scale: memref<96xf32>, %y: memref<?x96xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %y, %c0 : memref<?x96xf32>
  // CHECK: arith.cmpi uge, %{{.*}}, %c16
  bitnet.parallel (%begin, %end) of %c1 : index {
    scf.for %i = %begin to %end step %c1 {
      %tile = ternary.tile %w[%i] : !ternary.packed<96 x 64, #ternary.tl3> -> !ternary.packed<96 x 64, #ternary.tl3>
      %acc = memref.alloca(%n) {alignment = 64 : i64} : memref<?x96xi32>
      ternary.matmul %q, %s, %tile into %acc : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<96 x 64, #ternary.tl3>, memref<?x96xi32>) -> ()
      ternary.rescale %acc, %inverse, %scale into %y : (memref<?x96xi32>, memref<?xf32>, memref<96xf32>, memref<?x96xf32>) -> ()
    }
  }
  return
}

// A single token reads two row tiles side by side; an odd one comes last.
// CHECK-LABEL: func @streams
func.func @streams(%q: memref<1x64xi8>, %s: memref<1xi32>, %inverse: memref<1xf32>, %w: !ternary.packed<192 x 64, #ternary.i2>, %scale: memref<192xf32>, %y: memref<1x192xf32>) {
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c64 = arith.constant 64 : index
  // CHECK: bitnet.parallel (%[[BEGIN:.*]], %[[END:.*]]) of
  bitnet.parallel (%begin, %end) of %c3 : index {
    // CHECK: %[[COUNT:.*]] = arith.subi %[[END]], %[[BEGIN]]
    // CHECK: %[[REST:.*]] = arith.remui %[[COUNT]], %c2
    // CHECK: %[[WHOLE:.*]] = arith.subi %[[END]], %[[REST]]
    // A tile has 1 KB: groups of 2 x 80 tiles, the last one smaller.
    // CHECK: scf.for %[[GROUP:.*]] = %[[BEGIN]] to %[[WHOLE]] step %c160
    // CHECK: %[[LEFT:.*]] = arith.subi %[[WHOLE]], %[[GROUP]]
    // CHECK: %[[HALF:.*]] = arith.divui %[[LEFT]], %c2
    // CHECK: %[[WIDTH:.*]] = arith.minui %c80{{.*}}, %[[HALF]]
    // CHECK: %[[SECOND:.*]] = arith.addi %[[GROUP]], %[[WIDTH]]
    // CHECK: scf.for %[[I:.*]] = %c0{{.*}} to %[[WIDTH]]
    // CHECK: arith.addi %[[GROUP]], %[[I]]
    // CHECK: arith.addi %[[SECOND]], %[[I]]
    // CHECK: ternary.matmul
    // CHECK-NEXT: ternary.matmul
    // CHECK: ternary.rescale
    // CHECK: ternary.rescale
    // CHECK: scf.for {{.*}} = %[[WHOLE]] to %[[END]]
    // CHECK: ternary.matmul
    // CHECK-NOT: ternary.matmul
    scf.for %i = %begin to %end step %c1 {
      %tile = ternary.tile %w[%i] : !ternary.packed<192 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
      %acc = memref.alloca() {alignment = 64 : i64} : memref<1x64xi32>
      ternary.matmul %q, %s, %tile into %acc : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
      %row = arith.muli %i, %c64 : index
      %part = memref.subview %scale[%row] [64] [1] : memref<192xf32> to memref<64xf32, strided<[1], offset: ?>>
      %out = memref.subview %y[0, %row] [1, 64] [1, 1] : memref<1x192xf32> to memref<1x64xf32, strided<[192, 1], offset: ?>>
      ternary.rescale %acc, %inverse, %part into %out : (memref<1x64xi32>, memref<1xf32>, memref<64xf32, strided<[1], offset: ?>>, memref<1x64xf32, strided<[192, 1], offset: ?>>) -> ()
    }
  }
  return
}

}
