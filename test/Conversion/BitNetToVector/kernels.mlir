// What each kernel becomes: loops over 16 lanes, sums folded by halves.
// RUN: bitnet-opt --convert-bitnet-to-vector %s | FileCheck %s
// No product is fused by permission, and nothing is left to libm.
// RUN: bitnet-opt --convert-bitnet-to-vector %s | FileCheck %s --check-prefix=NONE
// NONE-NOT: fastmath
// NONE-NOT: math.{{exp|sin|cos|tanh}}
// NONE-NOT: bitnet.{{[a-z_]+}} %

// One token needs no loop over tokens, a multiple of 16 columns no tail.
// CHECK-LABEL: func @add
func.func @add(%a: memref<1x32xf32>, %b: memref<1x32xf32>, %c: memref<1x32xf32>) {
  // CHECK: scf.for %[[K:.*]] = %{{.*}} to %c32{{.*}} step %c16
  // CHECK: %[[X:.*]] = vector.load %{{.*}}[%c0{{.*}}, %[[K]]] : memref<1x32xf32>, vector<16xf32>
  // CHECK: %[[Y:.*]] = vector.load %{{.*}}[%c0{{.*}}, %[[K]]] : memref<1x32xf32>, vector<16xf32>
  // CHECK: %[[Z:.*]] = arith.addf %[[X]], %[[Y]] : vector<16xf32>
  // CHECK: vector.store %[[Z]], %{{.*}}[%c0{{.*}}, %[[K]]]
  // CHECK-NOT: vector.load
  bitnet.add %a, %b into %c : (memref<1x32xf32>, memref<1x32xf32>, memref<1x32xf32>) -> ()
  return
}

// Any number of tokens; the tail of 7 columns is read in pieces of 4, 2 and 1.
// CHECK-LABEL: func @tail
func.func @tail(%a: memref<?x23xf32>, %b: memref<?x23xf32>, %c: memref<?x23xf32>) {
  // CHECK: %[[M:.*]] = memref.dim
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[M]]
  // CHECK: scf.for %{{.*}} = %{{.*}} to %c16{{.*}} step %c16
  // CHECK: vector.store {{.*}}, vector<16xf32>
  // CHECK: vector.load {{.*}}, vector<4xf32>
  // CHECK: vector.load {{.*}}, vector<2xf32>
  // CHECK: vector.load {{.*}}, vector<1xf32>
  // CHECK: arith.addf {{.*}} : vector<16xf32>
  // CHECK: vector.store {{.*}}, vector<4xf32>
  // CHECK: vector.store {{.*}}, vector<2xf32>
  // CHECK: vector.store {{.*}}, vector<1xf32>
  bitnet.add %a, %b into %c : (memref<?x23xf32>, memref<?x23xf32>, memref<?x23xf32>) -> ()
  return
}

// The sum of squares: 16 lanes, then 8 + 8, 4 + 4, 2 + 2, 1 + 1. A gain in bf16
// is the upper half of an f32.
// CHECK-LABEL: func @rms_norm
func.func @rms_norm(%x: memref<1x64xf32>, %g: memref<64xbf16>, %y: memref<1x64xf32>) {
  // CHECK: %[[SQUARES:.*]] = scf.for {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<16xf32>)
  // CHECK: math.fma %[[X:.*]], %[[X]], %[[SUM]] : vector<16xf32>
  // CHECK: vector.shuffle %[[SQUARES]], %[[SQUARES]] [0, 1, 2, 3, 4, 5, 6, 7]
  // CHECK: vector.shuffle %[[SQUARES]], %[[SQUARES]] [8, 9, 10, 11, 12, 13, 14, 15]
  // CHECK: arith.addf {{.*}} : vector<8xf32>
  // CHECK: arith.addf {{.*}} : vector<4xf32>
  // CHECK: arith.addf {{.*}} : vector<2xf32>
  // CHECK: arith.addf {{.*}} : vector<1xf32>
  // CHECK: math.sqrt
  // CHECK: vector.load {{.*}} : memref<64xbf16>, vector<16xbf16>
  // CHECK: arith.extui {{.*}} : vector<16xi16> to vector<16xi32>
  // CHECK: arith.shli
  bitnet.rms_norm %x, %g into %y eps 1.0e-05 : (memref<1x64xf32>, memref<64xbf16>, memref<1x64xf32>) -> ()
  return
}

// Four rows share each vector of the state and are prefetched 3 KB ahead (1536
// bf16 columns of each row, which is 24 groups of four rows); 18 rows are
// 4 * 4 + 2.
// CHECK-LABEL: func @lm_head
func.func @lm_head(%x: memref<?x64xf32>, %t: memref<18x64xbf16>, %y: memref<?x18xf32, strided<[100, 1], offset: ?>>) {
  // CHECK: scf.for %[[ROW:.*]] = %{{.*}} to %c16{{.*}} step %c4
  // CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
  // CHECK: arith.addi %[[ROW]], %c96
  // CHECK-COUNT-4: memref.prefetch {{.*}}, read, locality<3>, data
  // CHECK-COUNT-8: math.fma
  // CHECK-NOT: math.fma
  // CHECK: vector.store {{.*}}, vector<4xf32>
  // CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
  // CHECK: vector.store {{.*}}, vector<2xf32>
  bitnet.lm_head %x, %t into %y : (memref<?x64xf32>, memref<18x64xbf16>, memref<?x18xf32, strided<[100, 1], offset: ?>>) -> ()
  return
}

// Buffers belong to the parallel region, not to the function (threads would
// share them) nor to the loop (the stack would grow).
// CHECK-LABEL: func @attention
func.func @attention(%q: memref<1x256xf32>, %cache: memref<2x1x?x1024xf16, strided<[?, ?, 1024, 1], offset: ?>>, %p: index, %y: memref<1x256xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: bitnet.parallel
  // CHECK-COUNT-10: memref.alloca() {alignment = 64 : i64} : memref<{{4x64|4x256|16}}xf32>
  // CHECK-NEXT: scf.for
  // CHECK-NOT: memref.alloca
  // CHECK: %[[LAST:.*]] = arith.addi %{{.*}}, %c1
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[LAST]] step %c256
  // CHECK: arith.minsi
  // CHECK: memref.prefetch
  // CHECK: arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
  bitnet.parallel (%begin, %end) of %n : index {
    scf.for %i = %begin to %end step %c1 {
      bitnet.attention %q, %cache at %p into %y heads 4 : (memref<1x256xf32>, memref<2x1x?x1024xf16, strided<[?, ?, 1024, 1], offset: ?>>, index, memref<1x256xf32>) -> ()
    }
  }
  return
}

// Angles are rounded to f32 before the functions, which are those of f64.
// CHECK-LABEL: func @rope_angles
func.func @rope_angles(%p: index, %f: memref<32xf32>, %y: memref<1x64xf32>) {
  // CHECK: arith.sitofp {{.*}} : i64 to f32
  // CHECK: %[[ANGLE:.*]] = arith.mulf {{.*}} : vector<16xf32>
  // CHECK: arith.extf %[[ANGLE]] : vector<16xf32> to vector<16xf64>
  // CHECK: arith.truncf {{.*}} : vector<16xf64> to vector<16xf32>
  bitnet.rope_angles %p, %f into %y : (index, memref<32xf32>, memref<1x64xf32>) -> ()
  return
}

// The rotation rounds each product, as the models were trained.
// CHECK-LABEL: func @rope(
func.func @rope(%x: memref<1x128xf32>, %a: memref<1x64xf32>, %y: memref<1x128xf32>) {
  // CHECK: scf.for %[[HEAD:.*]] = %{{.*}} to %c128{{.*}} step %c64
  // CHECK-NOT: math.fma
  // CHECK: return
  bitnet.rope %x, %a into %y : (memref<1x128xf32>, memref<1x64xf32>, memref<1x128xf32>) -> ()
  return
}

// Digits are bytes, facts are stored once.
// CHECK-LABEL: func @fixed_point
func.func @fixed_point(%x: memref<1x64xf32>, %d: memref<1x128xi8>, %f: memref<1x3xf32>) {
  // CHECK: math.roundeven {{.*}} : vector<16xf32>
  // CHECK: arith.fptosi {{.*}} : vector<16xf32> to vector<16xi32>
  // CHECK-COUNT-2: vector.store {{.*}}, vector<16xi8>
  // CHECK-COUNT-2: math.fma
  // CHECK: math.sqrt
  // CHECK-COUNT-3: memref.store
  // CHECK-NOT: memref.store
  bitnet.fixed_point %x into %d, %f : (memref<1x64xf32>, memref<1x128xi8>, memref<1x3xf32>) -> ()
  return
}

// One loop of integer products, with prefetching; the lowest bits of seven steps
// are an eighth; then bounds in f64, peaks stored once for each tile. (With more
// registers two tiles are read side by side.)
// CHECK-LABEL: func @screen_head
func.func @screen_head(%d: memref<1x128xi8>, %f: memref<1x3xf32>, %t: memref<2x896xi8>, %r: memref<2x64xf32>, %upper: memref<1x32xf32>, %peaks: memref<1x2xf32>) {
  // CHECK: scf.for {{.*}} to %c2{{.*}} -> (vector<16xi32>, vector<16xi32>)
  // CHECK: memref.prefetch
  // CHECK: %[[ALL:.*]] = vector.load {{.*}} : memref<2x896xi8>, vector<64xi8>
  // CHECK: %[[EVEN:.*]] = arith.andi %[[ALL]]
  // CHECK: %[[BIT:.*]] = arith.andi %[[ALL]]
  // CHECK: vector.load %arg0{{.*}}, vector<4xi8>
  // CHECK: ternary.dot4 {{.*}}%[[EVEN]]{{.*}} max 127
  // CHECK: vector.load %arg0{{.*}}, vector<4xi8>
  // CHECK: ternary.dot4 {{.*}}%[[EVEN]]{{.*}} max 127
  // CHECK: memref.prefetch
  // CHECK: vector.load {{.*}} : memref<2x896xi8>, vector<64xi8>
  // CHECK: arith.addi %[[BIT]], %[[BIT]]
  // CHECK: arith.ori
  // CHECK-COUNT-14: ternary.dot4 {{.*}} max 127
  // CHECK-NOT: ternary.dot4
  // CHECK: scf.yield
  // CHECK: arith.sitofp {{.*}} : vector<16xi32> to vector<16xf64>
  // CHECK: arith.truncf {{.*}} : vector<16xf64> to vector<16xf32>
  // CHECK: memref.store {{.*}} : memref<1x2xf32>
  // CHECK-NOT: memref.store
  bitnet.screen_head %d, %f, %t, %r into %upper, %peaks : (memref<1x128xi8>, memref<1x3xf32>, memref<2x896xi8>, memref<2x64xf32>, memref<1x32xf32>, memref<1x2xf32>) -> ()
  return
}

// Halves of bytes are products' operands as they are, times 16; a scale for each
// group of 32 columns. Four tokens share a tile where registers allow.
// CHECK-LABEL: func @integer_head
func.func @integer_head(%d: memref<?x128xi8>, %f: memref<?x3xf32>, %t: memref<1x576xi8>, %r: memref<1x16xf32>, %y: memref<?x16xf32>) {
  // CHECK: scf.for
  // CHECK: scf.for {{.*}} -> (vector<16xf32>)
  // CHECK-COUNT-5: memref.prefetch
  // CHECK: arith.shli {{.*}} : vector<64xi8>
  // CHECK: arith.andi {{.*}} : vector<64xi8>
  // CHECK-COUNT-4: ternary.dot4
  // CHECK: arith.shli {{.*}} : vector<16xi32>
  // CHECK: math.fma {{.*}} : vector<16xf32>
  bitnet.integer_head %d, %f, %t, %r into %y bits 4 : (memref<?x128xi8>, memref<?x3xf32>, memref<1x576xi8>, memref<1x16xf32>, memref<?x16xf32>) -> ()
  return
}

// A group of rows that are all below the threshold costs no read of the table;
// the others are read without prefetching rows that may not be needed.
// CHECK-LABEL: func @rescore_head
func.func @rescore_head(%x: memref<1x64xf32>, %t: memref<16x64xbf16>, %u: memref<1x16xf32>, %b: memref<1x1xf32>, %y: memref<1x16xf32>) {
  // CHECK-NOT: memref.prefetch
  // CHECK: arith.cmpf olt, {{.*}} : vector<4xf32>
  // CHECK: vector.reduction <and>
  // CHECK: scf.if
  // CHECK: math.fma
  // CHECK: arith.select {{.*}} : vector<4xi1>, vector<4xf32>
  bitnet.rescore_head %x, %t, %u, %b into %y : (memref<1x64xf32>, memref<16x64xbf16>, memref<1x16xf32>, memref<1x1xf32>, memref<1x16xf32>) -> ()
  return
}
