// Unpacking what was packed gives the matrix back; pure operations that nothing
// reads go away, and writes to memory stay.
// RUN: bitnet-opt --canonicalize %s | FileCheck %s

// CHECK-LABEL: func @unpack_of_pack
// CHECK-SAME: %[[W:.*]]: tensor<33x100xi2>
func.func @unpack_of_pack(%w: tensor<33x100xi2>) -> tensor<33x100xi2> {
  // CHECK-NEXT: return %[[W]]
  %p = ternary.pack %w : tensor<33x100xi2> -> !ternary.packed<33 x 100, #ternary.t5>
  %u = ternary.unpack %p : !ternary.packed<33 x 100, #ternary.t5> -> tensor<33x100xi2>
  return %u : tensor<33x100xi2>
}

// CHECK-LABEL: func @unpack_of_argument
func.func @unpack_of_argument(%p: !ternary.packed<33 x 100, #ternary.t5>) -> tensor<33x100xi2> {
  // CHECK: ternary.unpack
  %u = ternary.unpack %p : !ternary.packed<33 x 100, #ternary.t5> -> tensor<33x100xi2>
  return %u : tensor<33x100xi2>
}

// CHECK-LABEL: func @unread_tensors
func.func @unread_tensors(%x: tensor<?x64xf32>) {
  // CHECK-NEXT: return
  %q:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
  return
}

// CHECK-LABEL: func @unread_memory
func.func @unread_memory(%x: memref<1x64xf32>, %q: memref<1x64xi8>, %inverse: memref<1xf32>, %sums: memref<1xi32>) {
  // CHECK-NEXT: ternary.quantize
  ternary.quantize %x into %q, %inverse, %sums : (memref<1x64xf32>, memref<1x64xi8>, memref<1xf32>, memref<1xi32>) -> ()
  return
}
