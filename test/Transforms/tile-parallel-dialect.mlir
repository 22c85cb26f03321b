// Parallel loops can be made in a module that has had none of their dialect's
// operations: one with ternary operations alone.
// RUN: bitnet-opt --ternary-tile-parallel %s | FileCheck %s
// CHECK: bitnet.parallel
func.func @quantize(%x: memref<?x64xf32>, %q: memref<?x64xi8>, %i: memref<?xf32>, %s: memref<?xi32>) {
  ternary.quantize %x into %q, %i, %s : (memref<?x64xf32>, memref<?x64xi8>, memref<?xf32>, memref<?xi32>) -> ()
  return
}
