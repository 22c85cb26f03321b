// Operations that differ only in what they work on share one function; constants
// and packed views are part of it, so that its types are complete.
// RUN: bitnet-opt --bitnet-outline-kernels %s | FileCheck %s

// A name that is taken already is not taken again.
func.func private @add_0()

// CHECK-LABEL: func @phase
// CHECK-SAME: %[[X:[^:]*]]: memref<1x64xf32>, %[[Y:[^:]*]]: memref<1x64xf32>
func.func @phase(%x: memref<1x64xf32>, %y: memref<1x64xf32>, %wide: memref<1x128xf32>, %bytes: memref<1024xi8>, %q: memref<1x64xi8>, %s: memref<1xi32>, %r: memref<1x64xi32>, %g: memref<64xf32>, %n: index) attributes {bitnet.max_tokens = 1 : i64} {
  // CHECK-NEXT: call @[[$ADD:add_.+]](%[[X]], %[[Y]]) : (memref<1x64xf32>, memref<1x64xf32>) -> ()
  // CHECK-NEXT: call @[[$ADD]](%[[Y]], %[[X]])
  bitnet.add %x, %x into %y : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  bitnet.add %y, %y into %x : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  // Equal types, but operands that are distinct.
  // CHECK-NEXT: call @[[$ADD2:add_.+]](%[[X]], %[[Y]])
  bitnet.add %x, %y into %y : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  // Another type.
  // CHECK-NEXT: call @add_{{.}}(%{{.*}}) : (memref<1x128xf32>) -> ()
  bitnet.add %wide, %wide into %wide : (memref<1x128xf32>, memref<1x128xf32>, memref<1x128xf32>) -> ()
  // Another attribute.
  // CHECK-NEXT: call @[[NORM:rms_norm_.]](
  // CHECK-NEXT: call @rms_norm_
  // CHECK-NEXT: call @[[NORM]](
  bitnet.rms_norm %x, %g into %y eps 1.0 : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  bitnet.rms_norm %x, %g into %y eps 2.0 : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  bitnet.rms_norm %x, %g into %y eps 1.0 : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
  %w = ternary.view %bytes : memref<1024xi8> -> !ternary.packed<64 x 64, #ternary.i2>
  %c0 = arith.constant 0 : index
  // CHECK: call @matmul_{{.}}(%[[N:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : (index, memref<1x64xi8>, memref<1xi32>, memref<1x64xi32>, memref<1024xi8>) -> ()
  bitnet.parallel (%b, %e) of %n : index {
    %t = ternary.tile %w[%c0] : !ternary.packed<64 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
    ternary.matmul %q, %s, %t into %r : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
  }
  // CHECK-NEXT: return
  return
}

// CHECK-LABEL: func @no_phase
func.func @no_phase(%x: memref<1x64xf32>) {
  // CHECK-NEXT: bitnet.add
  bitnet.add %x, %x into %x : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  return
}

// Functions are those of their own module.
module @inner {
  func.func @phase(%x: memref<1x64xf32>, %y: memref<1x64xf32>) attributes {bitnet.max_tokens = 1 : i64} {
    bitnet.add %x, %x into %y : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
    return
  }
}

// CHECK: func private @[[$ADD]](%[[A:.*]]: memref<1x64xf32>, %[[B:.*]]: memref<1x64xf32>) {
// CHECK-NEXT: bitnet.add %[[A]], %[[A]] into %[[B]]
// CHECK: func private @[[$ADD2]](
// CHECK: func private @matmul_
// CHECK: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: %[[VIEW:.*]] = ternary.view
// CHECK: bitnet.parallel
// CHECK: ternary.tile %[[VIEW]][%[[ZERO]]]
