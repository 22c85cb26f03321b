// Results of a step of one or a few tokens, and those of a prompt that caches
// would not keep, go past them where weights come from memory, if their buffer
// starts at a cache line and the target gains by it; one line of scales serves
// several tiles and is fetched ahead.
// RUN: bitnet-opt --split-input-file --ternary-tile-parallel %s | FileCheck %s

module attributes {bitnet.footprint = 1000000000 : i64, bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
// CHECK-LABEL: func @decode
// CHECK-SAME: %[[SCALE:[^:]*]]: memref<5xf32>, %[[Y:[^:]*]]: memref<1x72xf32>)
func.func @decode(%q: memref<1x64xi8>, %s: memref<1xi32>, %i: memref<1xf32>, %w: !ternary.packed<72 x 64, #ternary.i2>, %scale: memref<5xf32>, %y: memref<1x72xf32> {bitnet.aligned}) {
  // CHECK: %[[ROW:.*]] = arith.muli %{{.*}}, %c64
  // CHECK: %[[FIRST:.*]] = arith.divui %[[ROW]], %c16
  // CHECK: %[[NEXT:.*]] = arith.addi %[[FIRST]], %c16
  // CHECK: memref.prefetch %[[SCALE]][%[[NEXT]]], read
  // CHECK-NOT: memref.prefetch
  // CHECK: scf.if
  // CHECK: memref.subview %[[SCALE]][%{{.*}}] [4] [1]
  // CHECK: ternary.rescale {{.*}} {nontemporal} {{.*}} memref<4xf32
  // CHECK: else
  // CHECK: memref.subview %[[SCALE]][%{{.*}}] [1] [1]
  // CHECK: ternary.rescale {{.*}} {nontemporal} {{.*}} memref<1xf32
  %r = memref.alloc() : memref<1x72xi32>
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<72 x 64, #ternary.i2>, memref<1x72xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x72xi32>, memref<1xf32>, memref<5xf32>, memref<1x72xf32>) -> ()
  return
}

// A caller's memory may start anywhere.
// CHECK-LABEL: func @unaligned
// CHECK: ternary.rescale
// CHECK-NOT: nontemporal
// CHECK: return
func.func @unaligned(%q: memref<1x64xi8>, %s: memref<1xi32>, %i: memref<1xf32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %scale: memref<4xf32>, %y: memref<1x64xf32>) {
  %r = memref.alloc() : memref<1x64xi32>
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<4xf32>, memref<1x64xf32>) -> ()
  return
}

// One token of each of a few sequences.
// CHECK-LABEL: func @sequences
// CHECK: ternary.rescale {{.*}} {nontemporal}
// CHECK: return
func.func @sequences(%q: memref<?x64xi8>, %s: memref<?xi32>, %i: memref<?xf32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %scale: memref<4xf32>, %y: memref<?x64xf32> {bitnet.aligned}, %n: index) attributes {bitnet.max_tokens = 16 : i64} {
  %r = memref.alloc(%n) : memref<?x64xi32>
  ternary.matmul %q, %s, %w into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<?x64xi32>, memref<?xf32>, memref<4xf32>, memref<?x64xf32>) -> ()
  return
}

// Rows that do not all start at cache lines.
// CHECK-LABEL: func @straddling
// CHECK: ternary.rescale
// CHECK-NOT: nontemporal
// CHECK: return
func.func @straddling(%q: memref<?x64xi8>, %s: memref<?xi32>, %i: memref<?xf32>, %w: !ternary.packed<72 x 64, #ternary.i2>, %scale: memref<5xf32>, %y: memref<?x72xf32> {bitnet.aligned}, %n: index) attributes {bitnet.max_tokens = 16 : i64} {
  %r = memref.alloc(%n) : memref<?x72xi32>
  ternary.matmul %q, %s, %w into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<72 x 64, #ternary.i2>, memref<?x72xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<?x72xi32>, memref<?xf32>, memref<5xf32>, memref<?x72xf32>) -> ()
  return
}

// The results of a prompt are read again soon, but caches would not keep these.
// CHECK-LABEL: func @large
// CHECK: ternary.rescale {{.*}} {nontemporal}
// CHECK: return
func.func @large(%q: memref<?x64xi8>, %s: memref<?xi32>, %i: memref<?xf32>, %w: !ternary.packed<4096 x 64, #ternary.i2>, %scale: memref<256xf32>, %y: memref<?x4096xf32> {bitnet.aligned}, %n: index) attributes {bitnet.max_tokens = 128 : i64} {
  %r = memref.alloc(%n) : memref<?x4096xi32>
  ternary.matmul %q, %s, %w into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<4096 x 64, #ternary.i2>, memref<?x4096xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<?x4096xi32>, memref<?xf32>, memref<256xf32>, memref<?x4096xf32>) -> ()
  return
}

// They would keep these.
// CHECK-LABEL: func @prompt
// CHECK: ternary.rescale
// CHECK-NOT: nontemporal
// CHECK: return
func.func @prompt(%q: memref<?x64xi8>, %s: memref<?xi32>, %i: memref<?xf32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %scale: memref<4xf32>, %y: memref<?x64xf32> {bitnet.aligned}, %n: index) attributes {bitnet.max_tokens = 128 : i64} {
  %r = memref.alloc(%n) : memref<?x64xi32>
  ternary.matmul %q, %s, %w into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<?x64xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<?x64xi32>, memref<?xf32>, memref<4xf32>, memref<?x64xf32>) -> ()
  return
}
}

// -----

// The weights of this module stay in the caches.
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
// CHECK-LABEL: func @resident
// CHECK: memref.prefetch {{.*}}, write
// CHECK: ternary.rescale
// CHECK-NOT: nontemporal
// CHECK: return
func.func @resident(%q: memref<1x64xi8>, %s: memref<1xi32>, %i: memref<1xf32>, %w: !ternary.packed<64 x 64, #ternary.i2>, %scale: memref<4xf32>, %y: memref<1x64xf32> {bitnet.aligned}) {
  %r = memref.alloc() : memref<1x64xi32>
  ternary.matmul %q, %s, %w into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x64xi32>, memref<1xf32>, memref<4xf32>, memref<1x64xf32>) -> ()
  return
}
}
