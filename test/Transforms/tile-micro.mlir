// A product of any number of tokens becomes a loop over as many tokens as the
// registers hold accumulators for, and one block of the tokens that are left.
// RUN: bitnet-opt --ternary-tile-micro %s | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "icelake-server", features = ""}} {

// CHECK-LABEL: func @rest
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x64xi8>, %[[S:[^:]*]]: memref<?xi32>, %[[I:[^:]*]]: memref<?xf32>
func.func @rest(%q: memref<?x64xi8>, %s: memref<?xi32>, %inverse: memref<?xf32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %scale: memref<64xf32>, %y: memref<?x150xf32>, %row: index, %n: index, %full: i1) {
  // CHECK: %[[REST:.*]] = arith.remui %[[N:.*]], %[[BLOCK:c[2-6]]]
  // CHECK: %[[WHOLE:.*]] = arith.subi %[[N]], %[[REST]]
  // CHECK: scf.for %[[M:.*]] = %c0{{.*}} to %[[WHOLE]] step %[[BLOCK]]
  // CHECK: %[[ACC:.*]] = memref.alloca() {alignment = 64 : i64} : memref<[[B:[2-6]]]x64xi32>
  // CHECK-DAG: %[[QB:.*]] = memref.subview %[[Q]][%[[M]], 0] {{\[}}[[B]], 64] [1, 1]
  // CHECK-DAG: %[[SB:.*]] = memref.subview %[[S]][%[[M]]] {{\[}}[[B]]] [1]
  // CHECK: ternary.matmul %[[QB]], %[[SB]], %{{.*}} into %[[ACC]]
  // CHECK: scf.if
  // CHECK: memref.subview %{{.*}}[%[[M]], %{{.*}}] {{\[}}[[B]], 64] [1, 1]
  // CHECK: memref.subview %[[I]][%[[M]]] {{\[}}[[B]]] [1]
  // CHECK: ternary.rescale %[[ACC]]
  // CHECK: else
  // The slice of the block's own accumulators starts with its first token.
  // CHECK: memref.subview %[[ACC]][0, 0] {{\[}}[[B]], 22] [1, 1]
  // CHECK: scf.index_switch %[[REST]]
  // CHECK-NEXT: case 1
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<1x64xi32>
  // CHECK: memref.subview %[[Q]][%[[WHOLE]], 0] [1, 64] [1, 1]
  // CHECK: case 5
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<5x64xi32>
  // CHECK: memref.subview %[[Q]][%[[WHOLE]], 0] [5, 64] [1, 1]
  // CHECK: default {
  // CHECK-NEXT: }
  %acc = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
  ternary.matmul %q, %s, %w into %acc : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  scf.if %full {
    %out = memref.subview %y[0, %row] [%n, 64] [1, 1] : memref<?x150xf32> to memref<?x64xf32, strided<[150, 1], offset: ?>>
    ternary.rescale %acc, %inverse, %scale into %out : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32, strided<[150, 1], offset: ?>>) -> ()
  } else {
    %part = memref.subview %acc[0, 0] [%n, 22] [1, 1] : memref<?x64xi32> to memref<?x22xi32, strided<[64, 1]>>
    %some = memref.subview %scale[0] [22] [1] : memref<64xf32> to memref<22xf32>
    %out = memref.subview %y[0, %row] [%n, 22] [1, 1] : memref<?x150xf32> to memref<?x22xf32, strided<[150, 1], offset: ?>>
    ternary.rescale %part, %inverse, %some into %out : (memref<?x22xi32, strided<[64, 1]>>, memref<?xf32>, memref<22xf32>, memref<?x22xf32, strided<[150, 1], offset: ?>>) -> ()
  }
  return
}

// Tensors are left alone.
// CHECK-LABEL: func @tensor
func.func @tensor(%q: tensor<?x64xi8>, %s: tensor<?xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>) -> tensor<?x64xi32> {
  // CHECK-NEXT: ternary.matmul
  %r = ternary.matmul %q, %s, %w : (tensor<?x64xi8>, tensor<?xi32>, !ternary.packed<64 x 64, #ternary.i2>) -> tensor<?x64xi32>
  return %r : tensor<?x64xi32>
}

// So is a block in which something handles all tokens at once.
// CHECK-LABEL: func @all_tokens
func.func @all_tokens(%q: memref<?x64xi8>, %s: memref<?xi32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %n: index) -> i32 {
  // CHECK-NOT: scf.for
  %c0 = arith.constant 0 : index
  %acc = memref.alloca(%n) : memref<?x64xi32>
  ternary.matmul %q, %s, %w into %acc : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  %0 = memref.load %acc[%c0, %c0] : memref<?x64xi32>
  return %0 : i32
}

// And a slice whose first row is not the first token's.
// CHECK-LABEL: func @other_rows
func.func @other_rows(%q: memref<?x64xi8>, %s: memref<?xi32>, %inverse: memref<?xf32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %scale: memref<64xf32>, %y: memref<?x64xf32>, %n: index) {
  // CHECK-NOT: scf.for
  // CHECK: return
  %acc = memref.alloca(%n) : memref<?x64xi32>
  ternary.matmul %q, %s, %w into %acc : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  %out = memref.subview %y[5, 0] [%n, 64] [1, 1] : memref<?x64xf32> to memref<?x64xf32, strided<[64, 1], offset: 320>>
  ternary.rescale %acc, %inverse, %scale into %out : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32, strided<[64, 1], offset: 320>>) -> ()
  return
}
}
