// NEON loops have the dot products they need and no spills.
// RUN: split-file %s %t
// DEFINE: %{cpu} = -mcpu=generic -mattr=+v8.2a,+dotprod
// DEFINE: %{file} =
// DEFINE: %{compile} = bitnet-opt %t/%{file}.mlir --convert-ternary-to-vector \
// DEFINE:   --convert-micro-ops-to-aarch64 --convert-scf-to-cf \
// DEFINE:   --expand-strided-metadata --lower-affine --convert-to-llvm \
// DEFINE:   --reconcile-unrealized-casts \
// DEFINE:   | mlir-translate --mlir-to-llvmir \
// DEFINE:   | opt -O3 -mtriple=aarch64-linux-gnu %{cpu} \
// DEFINE:   | llc -O3 -mtriple=aarch64-linux-gnu %{cpu} \
// DEFINE:   | FileCheck %t/%{file}.mlir

// REDEFINE: %{file} = i2
// RUN: %{compile}
// REDEFINE: %{file} = t5
// RUN: %{compile}

//--- i2.mlir
module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "generic", features = "+v8.2a,+dotprod"}} {
  // CHECK-LABEL: gemv:
  // CHECK: [[LOOP:.LBB[0-9_]+]]:
  // CHECK-NOT: {{\[sp|ext}}
  // CHECK: ld1r { {{v[0-9]+}}.4s }
  // CHECK-NOT: {{\[sp|ext}}
  // CHECK-COUNT-16: sdot
  // CHECK-NOT: {{\[sp|sdot}}
  // CHECK: b.{{.*}} [[LOOP]]
  func.func @gemv(%q: memref<1x2560xi8>, %s: memref<1xi32>, %b: memref<81920xi8>, %i: index, %p: memref<1x64xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<128 x 2560, #ternary.i2>
    %t = ternary.tile %w[%i] : !ternary.packed<128 x 2560, #ternary.i2> -> !ternary.packed<64 x 2560, #ternary.i2>
    ternary.matmul %q, %s, %t into %p : (memref<1x2560xi8>, memref<1xi32>, !ternary.packed<64 x 2560, #ternary.i2>, memref<1x64xi32>) -> ()
    return
  }
}

//--- t5.mlir
module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "generic", features = "+v8.2a,+dotprod"}} {
  // Twelve accumulators at a time: two passes over the lanes.
  // CHECK-LABEL: gemv:
  // CHECK: [[FIRST:.LBB[0-9_]+]]:
  // CHECK-NOT: [sp
  // CHECK-COUNT-12: sdot
  // CHECK-NOT: {{\[sp|sdot}}
  // CHECK: b.{{.*}} [[FIRST]]
  // CHECK: [[SECOND:.LBB[0-9_]+]]:
  // CHECK-NOT: [sp
  // CHECK-COUNT-12: sdot
  // CHECK-NOT: {{\[sp|sdot}}
  // CHECK: b.{{.*}} [[SECOND]]
  func.func @gemv(%q: memref<1x2560xi8>, %s: memref<1xi32>, %b: memref<81920xi8>, %i: index, %p: memref<1x80xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<160 x 2560, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<160 x 2560, #ternary.t5> -> !ternary.packed<80 x 2560, #ternary.t5>
    ternary.matmul %q, %s, %t into %p : (memref<1x2560xi8>, memref<1xi32>, !ternary.packed<80 x 2560, #ternary.t5>, memref<1x80xi32>) -> ()
    return
  }
}
