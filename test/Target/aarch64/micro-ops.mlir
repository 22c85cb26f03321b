// Cores get the widest dot product that they have.
// RUN: split-file %s %t
// RUN: bitnet-opt %t/dotprod.mlir --convert-micro-ops-to-aarch64 | FileCheck %t/dotprod.mlir
// RUN: bitnet-opt %t/i8mm.mlir --convert-micro-ops-to-aarch64 | FileCheck %t/i8mm.mlir
// RUN: bitnet-opt %t/neon.mlir --convert-micro-ops-to-aarch64 | FileCheck %t/neon.mlir
// RUN: bitnet-opt %t/other.mlir --convert-micro-ops-to-aarch64 | FileCheck %t/other.mlir

//--- dotprod.mlir
module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "generic", features = "+v8.2a,+dotprod"}} {
  // CHECK-LABEL: func @dot4
  func.func @dot4(%acc: vector<8xi32>, %w: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> {
    // CHECK-COUNT-2: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
    // CHECK: vector.shuffle {{.*}} [0, 1, 2, 3, 4, 5, 6, 7] : vector<4xi32>, vector<4xi32>
    %r = ternary.dot4 %acc, %w, %x max 127 : vector<8xi32>, vector<32xi8>
    return %r : vector<8xi32>
  }
  // CHECK-LABEL: func @signed
  func.func @signed(%acc: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
    // CHECK-NEXT: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
    // CHECK-NEXT: return
    %r = ternary.dot4 %acc, %w, %x max 128 signed : vector<4xi32>, vector<16xi8>
    return %r : vector<4xi32>
  }
  // CHECK-LABEL: func @full
  func.func @full(%acc: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
    // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
    // CHECK: arith.shli
    // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
    %r = ternary.dot4 %acc, %w, %x max 128 : vector<4xi32>, vector<16xi8>
    return %r : vector<4xi32>
  }
  // CHECK-LABEL: func @lookup
  func.func @lookup(%t: vector<16xi8>, %i: vector<32xi8>) -> vector<32xi8> {
    // CHECK-COUNT-2: llvm.call_intrinsic "llvm.aarch64.neon.tbl1.v16i8"
    %r = ternary.byte_lookup %t, %i : vector<16xi8>, vector<32xi8>
    return %r : vector<32xi8>
  }
  // CHECK-LABEL: func @wide_lookup
  func.func @wide_lookup(%t: vector<32xi8>, %i: vector<32xi8>) -> vector<32xi8> {
    // CHECK-COUNT-2: llvm.call_intrinsic "llvm.aarch64.neon.tbl2.v16i8"
    %r = ternary.byte_lookup %t, %i : vector<32xi8>, vector<32xi8>
    return %r : vector<32xi8>
  }
  // CHECK-LABEL: func @pairs
  func.func @pairs(%acc: vector<8xi16>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<8xi16> {
    // CHECK-COUNT-2: llvm.call_intrinsic "llvm.aarch64.neon.smull.v8i16"
    // CHECK-NEXT: llvm.call_intrinsic "llvm.aarch64.neon.addp.v8i16"
    // CHECK-NEXT: arith.addi
    %r = ternary.dot2 %acc, %w, %x max 8 : vector<8xi16>, vector<16xi8>
    return %r : vector<8xi16>
  }
  // CHECK-LABEL: func @opaque
  func.func @opaque(%x: vector<32xi8>) -> vector<32xi8> {
    // CHECK-COUNT-2: llvm.inline_asm asm_dialect = att "", "=w,0" %{{.*}} : (vector<16xi8>) -> vector<16xi8>
    %r = ternary.opaque %x : vector<32xi8>
    return %r : vector<32xi8>
  }
}

//--- i8mm.mlir
module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "neoverse-v1", features = ""}} {
  // CHECK-LABEL: func @full
  func.func @full(%acc: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
    // CHECK-NEXT: llvm.call_intrinsic "llvm.aarch64.neon.usdot.v4i32.v16i8"
    // CHECK-NEXT: return
    %r = ternary.dot4 %acc, %w, %x max 255 : vector<4xi32>, vector<16xi8>
    return %r : vector<4xi32>
  }
}

//--- neon.mlir
module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "cortex-a72", features = ""}} {
  // CHECK-LABEL: func @dot4
  func.func @dot4(%acc: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
    // CHECK-DAG: %[[L:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.saddlp.v4i32.v8i16"
    // CHECK-DAG: %[[H:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.saddlp.v4i32.v8i16"
    // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.addp.v4i32"
    // CHECK: arith.addi
    %r = ternary.dot4 %acc, %w, %x max 127 : vector<4xi32>, vector<16xi8>
    return %r : vector<4xi32>
  }
}

//--- other.mlir
// CHECK-LABEL: func @left_alone
func.func @left_alone(%x: vector<16xi8>) -> vector<16xi8> {
  // CHECK-NEXT: ternary.opaque
  %r = ternary.opaque %x : vector<16xi8>
  return %r : vector<16xi8>
}
