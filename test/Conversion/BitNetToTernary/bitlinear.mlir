// A BitLinear layer becomes its three exact steps; columns are rounded up to 64.
// RUN: bitnet-opt --convert-bitnet-to-ternary %s | FileCheck %s

// CHECK-LABEL: func @padded
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x100xf32>, %[[W:[^:]*]]: tensor<33x100xi2>, %[[S:[^:]*]]: tensor<33xf32>
func.func @padded(%x: tensor<?x100xf32>, %w: tensor<33x100xi2>, %s: tensor<33xf32>) -> tensor<?x33xf32> {
  // CHECK: %[[Q:.*]]:3 = ternary.quantize %[[X]] : (tensor<?x100xf32>) -> (tensor<?x128xi8>, tensor<?xf32>, tensor<?xi32>)
  // CHECK: %[[R:.*]] = ternary.matmul %[[Q]]#0, %[[Q]]#2, %[[W]] : {{.*}} -> tensor<?x33xi32>
  // CHECK: %[[Y:.*]] = ternary.rescale %[[R]], %[[Q]]#1, %[[S]] : {{.*}} -> tensor<?x33xf32>
  // CHECK: return %[[Y]]
  %y = bitnet.bitlinear %x, %w, %s : (tensor<?x100xf32>, tensor<33x100xi2>, tensor<33xf32>) -> tensor<?x33xf32>
  return %y : tensor<?x33xf32>
}

// CHECK-LABEL: func @one_token
func.func @one_token(%x: tensor<1x64xf32>, %w: tensor<1x64xi2>, %s: tensor<1xf32>) -> tensor<1x1xf32> {
  // CHECK: ternary.quantize {{.*}} -> (tensor<1x64xi8>, tensor<1xf32>, tensor<1xi32>)
  // CHECK: ternary.matmul {{.*}} -> tensor<1x1xi32>
  %y = bitnet.bitlinear %x, %w, %s : (tensor<1x64xf32>, tensor<1x64xi2>, tensor<1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// CHECK-LABEL: func @others
func.func @others(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: bitnet.add
  %y = bitnet.add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
