// Every x86 level gets its own instructions, and no level others' ones.
// RUN: split-file %s %t
// RUN: bitnet-opt %t/avx512vnni.mlir --convert-micro-ops-to-x86 | FileCheck %t/avx512vnni.mlir
// RUN: bitnet-opt %t/avx512vbmi.mlir --convert-micro-ops-to-x86 | FileCheck %t/avx512vbmi.mlir
// RUN: bitnet-opt %t/avxvnni.mlir --convert-micro-ops-to-x86 | FileCheck %t/avxvnni.mlir
// RUN: bitnet-opt %t/avx512.mlir --convert-micro-ops-to-x86 | FileCheck %t/avx512.mlir
// RUN: bitnet-opt %t/avx2.mlir --convert-micro-ops-to-x86 | FileCheck %t/avx2.mlir
// RUN: bitnet-opt %t/other.mlir --convert-micro-ops-to-x86 | FileCheck %t/other.mlir

//--- avx512vnni.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // CHECK-LABEL: func @dot4
  // CHECK-SAME: %[[ACC:.*]]: vector<16xi32>, %[[W:.*]]: vector<64xi8>, %[[X:.*]]: vector<64xi8>
  func.func @dot4(%acc: vector<16xi32>, %w: vector<64xi8>, %x: vector<64xi8>) -> vector<16xi32> {
    // CHECK-NEXT: %[[R:.*]] = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[ACC]], %[[W]], %[[X]])
    // CHECK-NEXT: return %[[R]]
    %r = ternary.dot4 %acc, %w, %x max 255 : vector<16xi32>, vector<64xi8>
    return %r : vector<16xi32>
  }
  // CHECK-LABEL: func @short
  func.func @short(%acc: vector<4xi32>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
    // CHECK-NEXT: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.128"
    %r = ternary.dot4 %acc, %w, %x max 255 : vector<4xi32>, vector<16xi8>
    return %r : vector<4xi32>
  }
  // CHECK-LABEL: func @lookup
  // CHECK-SAME: %[[T:.*]]: vector<16xi8>, %[[I:.*]]: vector<64xi8>
  func.func @lookup(%t: vector<16xi8>, %i: vector<64xi8>) -> vector<64xi8> {
    // pshufb gives zero where bit 7 of an index is set.
    // CHECK: %[[AT:.*]] = arith.andi %[[I]], %{{.*}}
    // CHECK-NEXT: %[[TABLES:.*]] = vector.shuffle %[[T]], %[[T]] [0, 1, 2, {{.*}}, 15, 0, 1, {{.*}}, 15] : vector<16xi8>, vector<16xi8>
    // CHECK-NEXT: llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"(%[[TABLES]], %[[AT]])
    %r = ternary.byte_lookup %t, %i : vector<16xi8>, vector<64xi8>
    return %r : vector<64xi8>
  }
  // CHECK-LABEL: func @wide_lookup
  func.func @wide_lookup(%t: vector<32xi8>, %i: vector<64xi8>) -> vector<64xi8> {
    // Without VBMI, one pshufb for each half of the table.
    // CHECK: arith.constant dense<112> : vector<64xi8>
    // CHECK: llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"
    // CHECK: arith.constant dense<-16> : vector<64xi8>
    // CHECK: llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"
    // CHECK-NEXT: arith.ori
    %r = ternary.byte_lookup %t, %i : vector<32xi8>, vector<64xi8>
    return %r : vector<64xi8>
  }
  // CHECK-LABEL: func @words
  func.func @words(%t: vector<32xi16>, %i: vector<64xi16>) -> vector<64xi16> {
    // CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.permvar.hi.512"
    %r = ternary.word_lookup %t, %i : vector<32xi16>, vector<64xi16>
    return %r : vector<64xi16>
  }
  // CHECK-LABEL: func @opaque
  func.func @opaque(%x: vector<64xi8>) -> vector<64xi8> {
    // CHECK-NEXT: llvm.inline_asm asm_dialect = att "", "=v,0" %{{.*}} : (vector<64xi8>) -> vector<64xi8>
    %r = ternary.opaque %x : vector<64xi8>
    return %r : vector<64xi8>
  }
}

//--- avx512vbmi.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vbmi"}} {
  // CHECK-LABEL: func @wide_lookup
  // CHECK-SAME: %[[T:.*]]: vector<32xi8>, %[[I:.*]]: vector<64xi8>
  func.func @wide_lookup(%t: vector<32xi8>, %i: vector<64xi8>) -> vector<64xi8> {
    // CHECK-NEXT: %[[TWICE:.*]] = vector.shuffle %[[T]], %[[T]] [0, 1, {{.*}}, 31, 0, 1, {{.*}}, 31] : vector<32xi8>, vector<32xi8>
    // CHECK-NEXT: llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"(%[[TWICE]], %[[I]])
    %r = ternary.byte_lookup %t, %i : vector<32xi8>, vector<64xi8>
    return %r : vector<64xi8>
  }
}

//--- avxvnni.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avxvnni"}} {
  // CHECK-LABEL: func @dot4
  // CHECK-SAME: %[[ACC:.*]]: vector<16xi32>, %[[W:.*]]: vector<64xi8>, %[[X:.*]]: vector<64xi8>
  func.func @dot4(%acc: vector<16xi32>, %w: vector<64xi8>, %x: vector<64xi8>) -> vector<16xi32> {
    // CHECK-DAG: %[[A0:.*]] = vector.shuffle %[[ACC]], %[[ACC]] [0, 1, 2, 3, 4, 5, 6, 7]
    // CHECK-DAG: %[[A1:.*]] = vector.shuffle %[[ACC]], %[[ACC]] [8, 9, 10, 11, 12, 13, 14, 15]
    // CHECK: %[[R0:.*]] = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%[[A0]],
    // CHECK: %[[R1:.*]] = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%[[A1]],
    // CHECK: vector.shuffle %[[R0]], %[[R1]] [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    %r = ternary.dot4 %acc, %w, %x max 255 : vector<16xi32>, vector<64xi8>
    return %r : vector<16xi32>
  }
  // CHECK-LABEL: func @opaque
  func.func @opaque(%x: vector<64xi8>) -> vector<64xi8> {
    // CHECK-COUNT-2: llvm.inline_asm asm_dialect = att "", "=v,0" %{{.*}} : (vector<32xi8>) -> vector<32xi8>
    %r = ternary.opaque %x : vector<64xi8>
    return %r : vector<64xi8>
  }
}

//--- avx512.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = ""}} {
  // CHECK-LABEL: func @dot4
  // CHECK-SAME: %[[ACC:.*]]: vector<16xi32>, %[[W:.*]]: vector<64xi8>, %[[X:.*]]: vector<64xi8>
  func.func @dot4(%acc: vector<16xi32>, %w: vector<64xi8>, %x: vector<64xi8>) -> vector<16xi32> {
    // CHECK: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"(%[[W]], %[[X]])
    // CHECK: %[[ONE:.*]] = arith.constant dense<1> : vector<32xi16>
    // CHECK: %[[S:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%[[P]], %[[ONE]])
    // CHECK: arith.addi %[[ACC]], %[[S]] : vector<16xi32>
    %r = ternary.dot4 %acc, %w, %x max 127 : vector<16xi32>, vector<64xi8>
    return %r : vector<16xi32>
  }
}

//--- avx2.mlir
// A module without a target gets x86-64-v3.
// CHECK-LABEL: func @dot4
func.func @dot4(%acc: vector<8xi32>, %w: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> {
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  // CHECK: arith.addi
  // CHECK-NEXT: return
  %r = ternary.dot4 %acc, %w, %x max 127 : vector<8xi32>, vector<32xi8>
  return %r : vector<8xi32>
}
// Bytes above 127 would saturate: bit 7 is multiplied on its own.
// CHECK-LABEL: func @full
// CHECK-SAME: %[[ACC:.*]]: vector<8xi32>, %[[W:.*]]: vector<32xi8>, %[[X:.*]]: vector<32xi8>
func.func @full(%acc: vector<8xi32>, %w: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> {
  // CHECK-DAG: %[[MASK:.*]] = arith.constant dense<127> : vector<32xi8>
  // CHECK-DAG: %[[SEVEN:.*]] = arith.constant dense<7> : vector<32xi8>
  // CHECK-DAG: %[[LOW:.*]] = arith.andi %[[W]], %[[MASK]]
  // CHECK-DAG: %[[HIGH:.*]] = arith.shrui %[[W]], %[[SEVEN]]
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%[[HIGH]], %[[X]])
  // CHECK: arith.shli %{{.*}}, %{{.*}} : vector<8xi32>
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%[[LOW]], %[[X]])
  %r = ternary.dot4 %acc, %w, %x max 128 : vector<8xi32>, vector<32xi8>
  return %r : vector<8xi32>
}
// CHECK-LABEL: func @pairs
// CHECK-SAME: %[[ACC:.*]]: vector<16xi16>, %[[W:.*]]: vector<32xi8>, %[[X:.*]]: vector<32xi8>
func.func @pairs(%acc: vector<16xi16>, %w: vector<32xi8>, %x: vector<32xi8>) -> vector<16xi16> {
  // CHECK-NEXT: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%[[W]], %[[X]])
  // CHECK-NEXT: arith.addi %[[ACC]], %[[P]]
  %r = ternary.dot2 %acc, %w, %x max 8 : vector<16xi16>, vector<32xi8>
  return %r : vector<16xi16>
}
// CHECK-LABEL: func @lookup
func.func @lookup(%t: vector<16xi8>, %i: vector<16xi8>) -> vector<16xi8> {
  // CHECK: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
  %r = ternary.byte_lookup %t, %i : vector<16xi8>, vector<16xi8>
  return %r : vector<16xi8>
}

//--- other.mlir
module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "generic", features = ""}} {
  // CHECK-LABEL: func @left_alone
  func.func @left_alone(%x: vector<16xi8>) -> vector<16xi8> {
    // CHECK-NEXT: ternary.opaque
    %r = ternary.opaque %x : vector<16xi8>
    return %r : vector<16xi8>
  }
}
