// Without matrix tiles, a row tile that takes long to decode is decoded once for
// all tokens if they are 16 or more; fewer go through registers. Masks are cheaper
// than a panel.
// RUN: bitnet-opt --ternary-tile-micro %s | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "icelake-server", features = ""}} {

// CHECK-LABEL: func @digits
func.func @digits(%q: memref<?x64xi8>, %s: memref<?xi32>, %inverse: memref<?xf32>, %w: !ternary.packed<80 x 64, #ternary.t5>, %scale: memref<80xf32>, %y: memref<?x80xf32>, %n: index) {
  // CHECK: %[[BUFFER:.*]] = memref.alloca(%[[N:.*]]) {alignment = 64 : i64} : memref<?x80xi32>
  // CHECK: %[[MANY:.*]] = arith.cmpi uge, %[[N]], %c16
  // CHECK: scf.if %[[MANY]]
  // CHECK-NEXT: ternary.matmul {{.*}} into %[[BUFFER]]
  // CHECK: ternary.rescale %[[BUFFER]]
  // CHECK: %[[FIRST:.*]] = arith.select %[[MANY]], %[[N]], %c0
  // CHECK: scf.for %{{.*}} = %[[FIRST]] to
  // CHECK: ternary.matmul {{.*}}memref<4x80xi32>
  %acc = memref.alloca(%n) {alignment = 64 : i64} : memref<?x80xi32>
  ternary.matmul %q, %s, %w into %acc : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<80 x 64, #ternary.t5>, memref<?x80xi32>) -> ()
  ternary.rescale %acc, %inverse, %scale into %y : (memref<?x80xi32>, memref<?xf32>, memref<80xf32>, memref<?x80xf32>) -> ()
  return
}

// CHECK-LABEL: func @masks
func.func @masks(%q: memref<?x64xi8>, %s: memref<?xi32>, %inverse: memref<?xf32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %scale: memref<64xf32>, %y: memref<?x64xf32>, %n: index) {
  // CHECK-NOT: memref<?x64xi32
  // CHECK: return
  %acc = memref.alloca(%n) {alignment = 64 : i64} : memref<?x64xi32>
  ternary.matmul %q, %s, %w into %acc : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %acc, %inverse, %scale into %y : (memref<?x64xi32>, memref<?xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
  return
}

// A panel holds some of the columns, so there may be any number of them.
// CHECK-LABEL: func @wide
func.func @wide(%q: memref<?x16384xi8>, %s: memref<?xi32>, %inverse: memref<?xf32>, %w: !ternary.packed<80 x 16384, #ternary.t5>, %scale: memref<80xf32>, %y: memref<?x80xf32>, %n: index) {
  // CHECK: %[[BUFFER:.*]] = memref.alloca(%[[N:.*]]) {alignment = 64 : i64} : memref<?x80xi32>
  // CHECK: arith.cmpi uge, %[[N]], %c16
  // CHECK: ternary.matmul {{.*}} into %[[BUFFER]]
  // CHECK: return
  %acc = memref.alloca(%n) {alignment = 64 : i64} : memref<?x80xi32>
  ternary.matmul %q, %s, %w into %acc : (memref<?x16384xi8>, memref<?xi32>, !ternary.packed<80 x 16384, #ternary.t5>, memref<?x80xi32>) -> ()
  ternary.rescale %acc, %inverse, %scale into %y : (memref<?x80xi32>, memref<?xf32>, memref<80xf32>, memref<?x80xf32>) -> ()
  return
}

}
