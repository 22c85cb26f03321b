// Buffers whose lives do not overlap share bytes of the arena; views keep what
// they see alive; phases share the arena.
// RUN: bitnet-opt --bitnet-plan-memory %s | FileCheck %s

// @prefill needs 8 tokens x 64 floats three times, which is more than @decode.
// CHECK: module attributes {bitnet.arena_bytes = 4096 : i64}

// CHECK-LABEL: func @prefill
// CHECK-SAME: %[[ARENA:[^:]*]]: memref<?xi8>, %[[N:[^:]*]]: index
func.func @prefill(%weights: memref<?xi8>, %arena: memref<?xi8>, %n: index, %x: memref<?x64xf32>) attributes {bitnet.max_tokens = 8 : i64} {
  // CHECK: %[[A0:.*]] = arith.constant 0 : index
  // CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[A0]]][%[[N]]] : memref<?xi8> to memref<?x64xf32>
  %a = memref.alloc(%n) : memref<?x64xf32>
  bitnet.add %x, %x into %a : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
  // CHECK: %[[B0:.*]] = arith.constant 2048 : index
  // CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[B0]]][%[[N]]]
  %b = memref.alloc(%n) : memref<?x64xf32>
  bitnet.add %a, %a into %b : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
  // The first buffer is dead.
  // CHECK: %[[C0:.*]] = arith.constant 0 : index
  // CHECK: %[[C:.*]] = memref.view %[[ARENA]][%[[C0]]][%[[N]]]
  %c = memref.alloc(%n) : memref<?x64xf32>
  bitnet.add %b, %b into %c : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
  return
}

// Aliases: a view, a choice, a value that a region yields.
// CHECK-LABEL: func @decode
func.func @decode(%weights: memref<?xi8>, %arena: memref<?xi8>, %x: memref<1x64xf32>, %cond: i1) attributes {bitnet.max_tokens = 1 : i64} {
  // CHECK: arith.constant 0 : index
  // CHECK-NEXT: memref.view
  %a = memref.alloc() : memref<1x64xf32>
  // CHECK: arith.constant 256 : index
  // CHECK-NEXT: memref.view
  %b = memref.alloc() : memref<1x64xf32>
  // CHECK: arith.constant 512 : index
  // CHECK-NEXT: memref.view
  %c = memref.alloc() : memref<1x64xf32>
  %view = memref.subview %a[0, 0] [1, 32] [1, 1] : memref<1x64xf32> to memref<1x32xf32, strided<[64, 1]>>
  %chosen = arith.select %cond, %b, %x : memref<1x64xf32>
  %yielded = scf.if %cond -> memref<1x64xf32> {
    scf.yield %c : memref<1x64xf32>
  } else {
    scf.yield %x : memref<1x64xf32>
  }
  // Odd sizes are rounded up to cache lines.
  // CHECK: arith.constant 768 : index
  // CHECK-NEXT: memref.view
  %d = memref.alloc() : memref<1x65xi8>
  // CHECK: arith.constant 896 : index
  // CHECK-NEXT: memref.view
  %e = memref.alloc() : memref<1x3xf32>
  %z = memref.alloc() : memref<0x64xf32>
  %keep_d = memref.cast %d : memref<1x65xi8> to memref<?x65xi8>
  %keep_e = memref.cast %e : memref<1x3xf32> to memref<?x3xf32>
  bitnet.add %view, %view into %view : (memref<1x32xf32, strided<[64, 1]>>, memref<1x32xf32, strided<[64, 1]>>, memref<1x32xf32, strided<[64, 1]>>) -> ()
  bitnet.add %chosen, %yielded into %x : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  return
}

// Buffers of other functions are not the arena's.
// CHECK-LABEL: func @no_phase
func.func @no_phase() {
  // CHECK: memref.alloc
  %a = memref.alloc() : memref<1x64xf32>
  return
}
