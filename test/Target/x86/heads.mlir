// Heads of integers: single tokens read two tiles side by side (one, where
// registers are few), ask for both ahead, and multiply bytes as they are: none
// is widened, no accumulator is spilt.
// DEFINE: %{cpu} =
// DEFINE: %{features} =
// DEFINE: %{prefixes} =
// DEFINE: %{compile} = sed -e "s/CPU/%{cpu}/" -e "s/FEATURES/%{features}/" %s \
// DEFINE:   | bitnet-opt --convert-bitnet-to-vector --convert-micro-ops-to-x86 \
// DEFINE:   --canonicalize --cse --convert-scf-to-cf --expand-strided-metadata \
// DEFINE:   --lower-affine --convert-to-llvm --reconcile-unrealized-casts \
// DEFINE:   | mlir-translate --mlir-to-llvmir \
// DEFINE:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=%{cpu} -mattr=%{features} \
// DEFINE:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=%{cpu} -mattr=%{features} \
// DEFINE:   | FileCheck %s --check-prefixes=%{prefixes} \
// DEFINE:     --implicit-check-not=vpmovsx --implicit-check-not=vpmulld

// REDEFINE: %{cpu} = x86-64-v4
// REDEFINE: %{features} = +avx512vnni
// REDEFINE: %{prefixes} = CHECK,ZMM
// RUN: %{compile}
// REDEFINE: %{cpu} = x86-64-v3
// REDEFINE: %{features} = +avxvnni
// REDEFINE: %{prefixes} = CHECK,YMM
// RUN: %{compile}
// REDEFINE: %{features} = +avx2
// REDEFINE: %{prefixes} = CHECK,AVX2
// RUN: %{compile}

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "CPU", features = "FEATURES"}} {
  // A group a turn: each digit of four columns times 16 rows of two tiles, of
  // eight steps, of which one is in the lowest bits of the others.
  // CHECK-LABEL: screen:
  // ZMM: [[OUTER:.LBB0_[0-9]+]]:
  // ZMM: [[LOOP:.LBB0_[0-9]+]]:
  // ZMM-NOT: (%rsp)
  // ZMM: prefetcht0
  // ZMM-NOT: (%rsp)
  // ZMM-COUNT-32: vpdpbusd {{.*}}%zmm
  // ZMM-NOT: {{vpdpbusd|\(%rsp\)}}
  // ZMM: j{{.*}} [[LOOP]]
  // ZMM: vcvtdq2pd
  // YMM: [[OUTER:.LBB0_[0-9]+]]:
  // YMM: [[LOOP:.LBB0_[0-9]+]]:
  // YMM-NOT: (%rsp)
  // YMM: prefetcht0
  // YMM-NOT: (%rsp)
  // YMM-COUNT-32: vpdpbusd {{.*}}%ymm
  // YMM-NOT: {{vpdpbusd|\(%rsp\)}}
  // YMM: j{{.*}} [[LOOP]]
  // YMM: vcvtdq2pd
  // AVX2: [[OUTER:.LBB0_[0-9]+]]:
  // AVX2: [[LOOP:.LBB0_[0-9]+]]:
  // AVX2-NOT: (%rsp)
  // AVX2-COUNT-32: vpmaddubsw {{.*}}%ymm
  // AVX2-NOT: {{vpmaddubsw|\(%rsp\)}}
  // AVX2: j{{.*}} [[LOOP]]
  // AVX2: vcvtdq2pd
  func.func @screen(%d: memref<1x5120xi8>, %f: memref<1x3xf32>, %t: memref<8x35840xi8>, %r: memref<8x64xf32>, %u: memref<1x128xf32>, %p: memref<1x8xf32>) {
    bitnet.screen_head %d, %f, %t, %r into %u, %p : (memref<1x5120xi8>, memref<1x3xf32>, memref<8x35840xi8>, memref<8x64xf32>, memref<1x128xf32>, memref<1x8xf32>) -> ()
    return
  }

  // A group a turn: halves of bytes, then one scale for 32 columns.
  // CHECK-LABEL: int4:
  // ZMM: [[OUTER:.LBB1_[0-9]+]]:
  // ZMM: [[LOOP:.LBB1_[0-9]+]]:
  // ZMM-NOT: (%rsp)
  // ZMM: prefetcht0
  // ZMM: vpsllw $4, {{.*}}%zmm
  // ZMM: vpandq
  // ZMM-NOT: (%rsp)
  // ZMM-COUNT-32: vpdpbusd {{.*}}%zmm
  // ZMM-NOT: {{vpdpbusd|\(%rsp\)}}
  // ZMM: vfmadd
  // ZMM: j{{.*}} [[LOOP]]
  // YMM: [[OUTER:.LBB1_[0-9]+]]:
  // YMM: [[LOOP:.LBB1_[0-9]+]]:
  // YMM-NOT: (%rsp)
  // YMM-COUNT-32: vpdpbusd {{.*}}%ymm
  // YMM-NOT: {{vpdpbusd|\(%rsp\)}}
  // YMM: j{{.*}} [[LOOP]]
  // AVX2: [[OUTER:.LBB1_[0-9]+]]:
  // AVX2: [[LOOP:.LBB1_[0-9]+]]:
  // AVX2-NOT: (%rsp)
  // AVX2-COUNT-32: vpmaddubsw {{.*}}%ymm
  // AVX2-NOT: {{vpmaddubsw|\(%rsp\)}}
  // AVX2: j{{.*}} [[LOOP]]
  func.func @int4(%d: memref<1x5120xi8>, %f: memref<1x3xf32>, %t: memref<8x23040xi8>, %r: memref<8x16xf32>, %u: memref<1x128xf32>) {
    bitnet.integer_head %d, %f, %t, %r into %u bits 4 : (memref<1x5120xi8>, memref<1x3xf32>, memref<8x23040xi8>, memref<8x16xf32>, memref<1x128xf32>) -> ()
    return
  }
}
