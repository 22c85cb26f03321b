// A single token is cut into parts of 256 positions, of which the context has
// four at most; a second loop merges them.
// RUN: bitnet-opt --ternary-tile-parallel %s | FileCheck %s

module attributes {bitnet.max_context = 1000 : i64} {
  // CHECK-LABEL: func @single_attention
  // CHECK-SAME: %[[P:[^:]*]]: index, %[[Q:[^:]*]]: memref<1x96xf32>
  func.func @single_attention(%p: index, %q: memref<1x96xf32>, %cache: memref<2x2x?x256xf32>, %y: memref<1x96xf32>) {
    // CHECK-DAG: %[[SUMS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x96xf32>
    // CHECK-DAG: %[[STATES:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x12xf32>
    // CHECK: %[[LAST:.*]] = arith.divui %[[P]], %c256
    // CHECK: %[[USED:.*]] = arith.addi %[[LAST]], %c1
    // CHECK: %[[ITEMS:.*]] = arith.muli %[[USED]], %c2
    // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %[[ITEMS]] : index {
    // CHECK: %[[HEAD:.*]] = arith.divui %{{.*}}, %[[USED]]
    // CHECK: %[[PART:.*]] = arith.remui %{{.*}}, %[[USED]]
    // CHECK-DAG: memref.subview %[[SUMS]][%[[PART]], %{{.*}}] [1, 48] [1, 1]
    // CHECK-DAG: memref.subview %[[STATES]][%[[PART]], %{{.*}}] [1, 6] [1, 1]
    // CHECK: bitnet.attention_part {{.*}} at %[[P]] part %[[PART]] into {{.*}} heads 3
    // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %c2{{.*}} : index {
    // CHECK-DAG: memref.subview %[[SUMS]][0, %{{.*}}] [4, 48] [1, 1]
    // CHECK-DAG: memref.subview %[[STATES]][0, %{{.*}}] [4, 6] [1, 1]
    // CHECK: bitnet.attention_merge {{.*}} at %[[P]] into {{.*}} heads 3
    bitnet.attention %q, %cache at %p into %y heads 6 : (memref<1x96xf32>, memref<2x2x?x256xf32>, index, memref<1x96xf32>) -> ()
    return
  }
}
