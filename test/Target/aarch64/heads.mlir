// Heads of integers on NEON: sdot on bytes as they are, prefetching, no spills;
// one tile at a time.
// DEFINE: %{cpu} = -mcpu=generic -mattr=+v8.2a,+dotprod
// RUN: bitnet-opt %s --convert-bitnet-to-vector --convert-micro-ops-to-aarch64 \
// RUN:   --canonicalize --cse --convert-scf-to-cf --expand-strided-metadata \
// RUN:   --lower-affine --convert-to-llvm --reconcile-unrealized-casts \
// RUN:   | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=aarch64-linux-gnu %{cpu} \
// RUN:   | llc -O3 -mtriple=aarch64-linux-gnu %{cpu} | FileCheck %s

module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "generic", features = "+v8.2a,+dotprod"}} {
  // CHECK-LABEL: screen:
  // CHECK: [[OUTER:.LBB0_[0-9]+]]:
  // CHECK: [[LOOP:.LBB0_[0-9]+]]:
  // CHECK-NOT: {{\[sp|sxtl|sshll|scvtf}}
  // CHECK: prfm
  // CHECK-NOT: {{\[sp|sxtl|sshll|scvtf}}
  // CHECK-COUNT-64: sdot
  // CHECK-NOT: {{\[sp|sxtl|sshll|scvtf|sdot}}
  // CHECK: b.{{.*}} [[LOOP]]
  func.func @screen(%d: memref<1x5120xi8>, %f: memref<1x3xf32>, %t: memref<8x35840xi8>, %r: memref<8x64xf32>, %u: memref<1x128xf32>, %p: memref<1x8xf32>) {
    bitnet.screen_head %d, %f, %t, %r into %u, %p : (memref<1x5120xi8>, memref<1x3xf32>, memref<8x35840xi8>, memref<8x64xf32>, memref<1x128xf32>, memref<1x8xf32>) -> ()
    return
  }

  // CHECK-LABEL: int4:
  // CHECK: [[OUTER:.LBB1_[0-9]+]]:
  // CHECK: [[LOOP:.LBB1_[0-9]+]]:
  // CHECK-NOT: [sp
  // CHECK-COUNT-64: sdot
  // CHECK-NOT: {{\[sp|sdot}}
  // CHECK: b.{{.*}} [[LOOP]]
  func.func @int4(%d: memref<1x5120xi8>, %f: memref<1x3xf32>, %t: memref<8x23040xi8>, %r: memref<8x16xf32>, %u: memref<1x128xf32>) {
    bitnet.integer_head %d, %f, %t, %r into %u bits 4 : (memref<1x5120xi8>, memref<1x3xf32>, memref<8x23040xi8>, memref<8x16xf32>, memref<1x128xf32>) -> ()
    return
  }
}
