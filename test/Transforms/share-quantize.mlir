// An activation is quantised once where the first quantisation is seen by the
// readers of the second.
// RUN: bitnet-opt --ternary-share-quantize %s | FileCheck %s

// CHECK-LABEL: func @three
func.func @three(%x: tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>) {
  // CHECK: %[[Q:.*]]:3 = ternary.quantize
  // CHECK-NOT: ternary.quantize
  // CHECK: return %[[Q]]#0, %[[Q]]#1, %[[Q]]#2
  %0:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
  %1:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
  %2:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
  return %0#0, %1#1, %2#2 : tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>
}

// CHECK-LABEL: func @other_input
func.func @other_input(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?x64xi8>) {
  // CHECK-COUNT-2: ternary.quantize
  %0:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
  %1:3 = ternary.quantize %y : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
  return %0#0, %1#0 : tensor<?x64xi8>, tensor<?x64xi8>
}

// CHECK-LABEL: func @neither_dominates
func.func @neither_dominates(%x: tensor<?x64xf32>, %c: i1) -> tensor<?x64xi8> {
  // CHECK-COUNT-2: ternary.quantize
  %0 = scf.if %c -> tensor<?x64xi8> {
    %1:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
    scf.yield %1#0 : tensor<?x64xi8>
  } else {
    %1:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
    scf.yield %1#0 : tensor<?x64xi8>
  }
  return %0 : tensor<?x64xi8>
}

// CHECK-LABEL: func @other_types
func.func @other_types(%x: tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<4x64xi8>) {
  // CHECK-COUNT-2: ternary.quantize
  %0:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
  %1:3 = ternary.quantize %x : (tensor<?x64xf32>) -> (tensor<4x64xi8>, tensor<4xf32>, tensor<4xi32>)
  return %0#0, %1#0 : tensor<?x64xi8>, tensor<4x64xi8>
}

// In memory the values may have changed in between.
// CHECK-LABEL: func @memory
func.func @memory(%x: memref<1x64xf32>, %q: memref<1x64xi8>, %i: memref<1xf32>, %s: memref<1xi32>) {
  // CHECK-COUNT-2: ternary.quantize
  ternary.quantize %x into %q, %i, %s : (memref<1x64xf32>, memref<1x64xi8>, memref<1xf32>, memref<1xi32>) -> ()
  ternary.quantize %x into %q, %i, %s : (memref<1x64xf32>, memref<1x64xi8>, memref<1xf32>, memref<1xi32>) -> ()
  return
}
