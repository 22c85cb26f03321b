// Products of one token by table formats look sums up in tables that are built
// once for each activation and format; other products stay.
// RUN: bitnet-opt --ternary-rewrite-to-lut %s | FileCheck %s

// CHECK-LABEL: func @products
// CHECK-SAME: %[[Q:[^:]*]]: tensor<1x128xi8>
func.func @products(%q: tensor<1x128xi8>, %s: tensor<1xi32>, %a: !ternary.packed<33 x 100, #ternary.tl1>, %b: !ternary.packed<8 x 100, #ternary.tl1>, %c: !ternary.packed<8 x 100, #ternary.i2>) -> (tensor<1x33xi32>, tensor<1x8xi32>, tensor<1x8xi32>) {
  // CHECK: %[[T:.*]] = ternary.build_lut #ternary.tl1, %[[Q]] : (tensor<1x128xi8>) -> tensor<1x2048xi8>
  // CHECK-NOT: ternary.build_lut
  // CHECK: ternary.lut_matmul %[[T]], %{{.*}} -> tensor<1x33xi32>
  // CHECK: ternary.lut_matmul %[[T]], %{{.*}} -> tensor<1x8xi32>
  // CHECK: ternary.matmul %[[Q]]
  %0 = ternary.matmul %q, %s, %a : (tensor<1x128xi8>, tensor<1xi32>, !ternary.packed<33 x 100, #ternary.tl1>) -> tensor<1x33xi32>
  %1 = ternary.matmul %q, %s, %b : (tensor<1x128xi8>, tensor<1xi32>, !ternary.packed<8 x 100, #ternary.tl1>) -> tensor<1x8xi32>
  %2 = ternary.matmul %q, %s, %c : (tensor<1x128xi8>, tensor<1xi32>, !ternary.packed<8 x 100, #ternary.i2>) -> tensor<1x8xi32>
  return %0, %1, %2 : tensor<1x33xi32>, tensor<1x8xi32>, tensor<1x8xi32>
}

// CHECK-LABEL: func @formats
func.func @formats(%q: tensor<1x64xi8>, %s: tensor<1xi32>, %a: !ternary.packed<8 x 64, #ternary.tl1>, %b: !ternary.packed<8 x 64, #ternary.tl3>) -> (tensor<1x8xi32>, tensor<1x8xi32>) {
  // CHECK-DAG: ternary.build_lut #ternary.tl1, %{{.*}} : (tensor<1x64xi8>) -> tensor<1x1024xi8>
  // CHECK-DAG: ternary.build_lut #ternary.tl3, %{{.*}} : (tensor<1x64xi8>) -> tensor<1x1536xi8>
  %0 = ternary.matmul %q, %s, %a : (tensor<1x64xi8>, tensor<1xi32>, !ternary.packed<8 x 64, #ternary.tl1>) -> tensor<1x8xi32>
  %1 = ternary.matmul %q, %s, %b : (tensor<1x64xi8>, tensor<1xi32>, !ternary.packed<8 x 64, #ternary.tl3>) -> tensor<1x8xi32>
  return %0, %1 : tensor<1x8xi32>, tensor<1x8xi32>
}

// CHECK-LABEL: func @several_tokens
func.func @several_tokens(%q: tensor<?x64xi8>, %s: tensor<?xi32>, %w: !ternary.packed<8 x 64, #ternary.tl1>) -> tensor<?x8xi32> {
  // CHECK-NOT: lut
  // CHECK: ternary.matmul
  %0 = ternary.matmul %q, %s, %w : (tensor<?x64xi8>, tensor<?xi32>, !ternary.packed<8 x 64, #ternary.tl1>) -> tensor<?x8xi32>
  return %0 : tensor<?x8xi32>
}

// The table stands where the activation is made, so that all branches see it.
// CHECK-LABEL: func @branches
func.func @branches(%x: tensor<1x64xf32>, %w: !ternary.packed<8 x 64, #ternary.tl1>, %c: i1) -> tensor<1x8xi32> {
  // CHECK: ternary.quantize
  // CHECK-NEXT: %[[T:.*]] = ternary.build_lut
  // CHECK: scf.if
  // CHECK: ternary.lut_matmul %[[T]]
  // CHECK: else
  // CHECK: ternary.lut_matmul %[[T]]
  %q:3 = ternary.quantize %x : (tensor<1x64xf32>) -> (tensor<1x64xi8>, tensor<1xf32>, tensor<1xi32>)
  %0 = scf.if %c -> tensor<1x8xi32> {
    %1 = ternary.matmul %q#0, %q#2, %w : (tensor<1x64xi8>, tensor<1xi32>, !ternary.packed<8 x 64, #ternary.tl1>) -> tensor<1x8xi32>
    scf.yield %1 : tensor<1x8xi32>
  } else {
    %1 = ternary.matmul %q#0, %q#2, %w : (tensor<1x64xi8>, tensor<1xi32>, !ternary.packed<8 x 64, #ternary.tl1>) -> tensor<1x8xi32>
    scf.yield %1 : tensor<1x8xi32>
  }
  return %0 : tensor<1x8xi32>
}
