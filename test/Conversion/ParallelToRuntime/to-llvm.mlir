// convert-to-llvm gives parallel loops integers and leaves them for this
// conversion, however their bodies branch.
// RUN: bitnet-opt --convert-scf-to-cf --convert-to-llvm %s | FileCheck %s

// CHECK-LABEL: llvm.func @loop
// CHECK-SAME: (%[[N:[^:]*]]: i64
// CHECK: bitnet.parallel (%[[B:.*]], %[[E:.*]]) of %[[N]] : i64 {
// CHECK: llvm.br ^[[LOOP:.*]](%[[B]] : i64)
// CHECK: llvm.icmp "slt" %{{.*}}, %[[E]] : i64
// CHECK: bitnet.yield
// CHECK-NOT: unrealized_conversion_cast
func.func @loop(%n: index, %x: memref<?xf32>) {
  %c1 = arith.constant 1 : index
  bitnet.parallel (%begin, %end) of %n : index {
    scf.for %i = %begin to %end step %c1 {
      %0 = memref.load %x[%i] : memref<?xf32>
      memref.store %0, %x[%i] : memref<?xf32>
    }
  }
  return
}
