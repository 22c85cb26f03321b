// The loops that decide the speed have the instructions they need, no others
// of their kind, and no spills.
// RUN: split-file %s %t
// DEFINE: %{lower} = --convert-ternary-to-vector --convert-micro-ops-to-x86 \
// DEFINE:   --convert-scf-to-cf --expand-strided-metadata --lower-affine \
// DEFINE:   --convert-to-llvm --reconcile-unrealized-casts
// DEFINE: %{cpu} =
// DEFINE: %{file} =
// DEFINE: %{compile} = bitnet-opt %t/%{file}.mlir %{lower} \
// DEFINE:   | mlir-translate --mlir-to-llvmir \
// DEFINE:   | opt -O3 -mtriple=x86_64-linux-gnu %{cpu} \
// DEFINE:   | llc -O3 -mtriple=x86_64-linux-gnu %{cpu} \
// DEFINE:   | FileCheck %t/%{file}.mlir --implicit-check-not=vpmul \
// DEFINE:       --implicit-check-not=vpermt2 --implicit-check-not=vpsllw

// REDEFINE: %{cpu} = -mcpu=x86-64-v4 -mattr=+avx512vnni
// REDEFINE: %{file} = i2-avx512vnni
// RUN: %{compile}
// REDEFINE: %{file} = i2-four-tokens
// RUN: %{compile}
// REDEFINE: %{file} = t5-avx512vnni
// RUN: %{compile}
// REDEFINE: %{file} = t5-streams
// RUN: %{compile}
// REDEFINE: %{file} = t5-panel
// RUN: %{compile}
// REDEFINE: %{file} = rescale-avx512
// RUN: %{compile}
// REDEFINE: %{cpu} = -mcpu=x86-64-v3 -mattr=+avxvnni
// REDEFINE: %{file} = t5-avxvnni
// RUN: %{compile}
// REDEFINE: %{file} = rescale-avx2
// RUN: %{compile}

//--- i2-avx512vnni.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // Four steps a turn, each into accumulators of its own; three ANDs a step.
  // CHECK-LABEL: gemv:
  // CHECK-NOT: rsp), %zmm
  // CHECK: [[LOOP:.LBB[0-9_]+]]:
  // CHECK-NEXT: prefetcht0
  // CHECK-NEXT: vmovdqu64
  // CHECK-COUNT-3: vpandq
  // CHECK-NEXT: vpbroadcastd
  // CHECK-COUNT-4: vpdpbusd {{.*}}%zmm
  // CHECK-NEXT: prefetcht0
  // CHECK-NEXT: vmovdqu64
  // CHECK-COUNT-3: vpandq
  // CHECK-NEXT: vpbroadcastd
  // CHECK-COUNT-4: vpdpbusd {{.*}}%zmm
  // CHECK-NEXT: prefetcht0
  // CHECK-NEXT: vmovdqu64
  // CHECK-COUNT-3: vpandq
  // CHECK-NEXT: vpbroadcastd
  // CHECK-COUNT-4: vpdpbusd {{.*}}%zmm
  // CHECK-NEXT: prefetcht0
  // CHECK-NEXT: vmovdqu64
  // CHECK-COUNT-3: vpandq
  // CHECK-NEXT: vpbroadcastd
  // CHECK-COUNT-4: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: zmm
  // CHECK: j{{.*}} [[LOOP]]
  func.func @gemv(%q: memref<1x2560xi8>, %s: memref<1xi32>, %b: memref<81920xi8>, %i: index, %p: memref<1x64xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<128 x 2560, #ternary.i2>
    %t = ternary.tile %w[%i] : !ternary.packed<128 x 2560, #ternary.i2> -> !ternary.packed<64 x 2560, #ternary.i2>
    ternary.matmul %q, %s, %t into %p : (memref<1x2560xi8>, memref<1xi32>, !ternary.packed<64 x 2560, #ternary.i2>, memref<1x64xi32>) -> ()
    return
  }
}

//--- i2-four-tokens.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // Four steps a turn, which share sixteen accumulators. Each fetches a line of
  // one quarter of the next tile, which is 40 KB long.
  // CHECK-LABEL: small_batch:
  // CHECK-NOT: rsp), %zmm
  // CHECK: [[LOOP:.LBB[0-9_]+]]:
  // CHECK: prefetcht1 40960(
  // CHECK: prefetcht0 512(
  // CHECK-COUNT-3: vpandq
  // CHECK-COUNT-16: vpdpbusd {{.*}}%zmm
  // CHECK: prefetcht1 51200(
  // CHECK: prefetcht0 576(
  // CHECK-COUNT-3: vpandq
  // CHECK-COUNT-16: vpdpbusd {{.*}}%zmm
  // CHECK: prefetcht1 61440(
  // CHECK: prefetcht0 640(
  // CHECK-COUNT-3: vpandq
  // CHECK-COUNT-16: vpdpbusd {{.*}}%zmm
  // CHECK: prefetcht1 71680(
  // CHECK: prefetcht0 704(
  // CHECK-COUNT-3: vpandq
  // CHECK-COUNT-16: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: {{vpand|vpdpbusd|prefetch|rsp}}
  // CHECK: j{{.*}} [[LOOP]]
  func.func @small_batch(%q: memref<4x2560xi8>, %s: memref<4xi32>, %b: memref<81920xi8>, %i: index, %p: memref<4x64xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<128 x 2560, #ternary.i2>
    %t = ternary.tile %w[%i] : !ternary.packed<128 x 2560, #ternary.i2> -> !ternary.packed<64 x 2560, #ternary.i2>
    ternary.matmul %q, %s, %t into %p : (memref<4x2560xi8>, memref<4xi32>, !ternary.packed<64 x 2560, #ternary.i2>, memref<4x64xi32>) -> ()
    return
  }
}

//--- t5-avx512vnni.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // Additions only: InstCombine's multiplications by 9, 27, 81 would become
  // 16-bit multiplications and shuffles.
  // CHECK-LABEL: gemv:
  // CHECK: [[LOOP:.LBB[0-9_]+]]:
  // CHECK-NOT: rsp
  // CHECK: vpdpbusd {{.*}}%zmm
  // CHECK: vpaddb %zmm[[X:[0-9]+]], %zmm[[X]], %zmm[[Y:[0-9]+]]
  // CHECK: vpaddb %zmm[[X]], %zmm[[Y]], %zmm
  // CHECK-COUNT-8: vpaddb
  // CHECK-NOT: vpaddb
  // CHECK: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: zmm
  // CHECK: j{{.*}} [[LOOP]]
  func.func @gemv(%q: memref<1x2560xi8>, %s: memref<1xi32>, %b: memref<81920xi8>, %i: index, %p: memref<1x80xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<160 x 2560, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<160 x 2560, #ternary.t5> -> !ternary.packed<80 x 2560, #ternary.t5>
    ternary.matmul %q, %s, %t into %p : (memref<1x2560xi8>, memref<1xi32>, !ternary.packed<80 x 2560, #ternary.t5>, memref<1x80xi32>) -> ()
    return
  }
}

//--- t5-streams.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // Two tiles side by side share the activations and have accumulators of their
  // own; each is prefetched 3 KB ahead.
  // CHECK-LABEL: gemv:
  // CHECK: [[LOOP:.LBB[0-9_]+]]:
  // CHECK-NEXT: prefetcht0
  // CHECK-NEXT: vmovdqu64
  // CHECK-NEXT: vpbroadcastd
  // CHECK-COUNT-10: vpaddb
  // CHECK: prefetcht0
  // CHECK-COUNT-10: vpaddb
  // CHECK-NOT: {{vpaddb|vpbroadcastd|rsp}}
  // CHECK: j{{.*}} [[LOOP]]
  func.func @gemv(%q: memref<1x2560xi8>, %s: memref<1xi32>, %b: memref<81920xi8>, %i: index, %j: index, %p: memref<1x80xi32>, %r: memref<1x80xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<160 x 2560, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<160 x 2560, #ternary.t5> -> !ternary.packed<80 x 2560, #ternary.t5>
    %u = ternary.tile %w[%j] : !ternary.packed<160 x 2560, #ternary.t5> -> !ternary.packed<80 x 2560, #ternary.t5>
    ternary.matmul %q, %s, %t into %p : (memref<1x2560xi8>, memref<1xi32>, !ternary.packed<80 x 2560, #ternary.t5>, memref<1x80xi32>) -> ()
    ternary.matmul %q, %s, %u into %r : (memref<1x2560xi8>, memref<1xi32>, !ternary.packed<80 x 2560, #ternary.t5>, memref<1x80xi32>) -> ()
    return
  }
}

//--- t5-panel.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // Once decoded, a step of five tokens is five loads, five broadcasts and the
  // dot products of all pairs.
  // CHECK-LABEL: prompt:
  // CHECK: vpaddb
  // CHECK: This Loop Header: Depth=2
  // CHECK: [[LOOP:.LBB[0-9_]+]]:{{.*}}Parent Loop {{.*}}Depth=1
  // CHECK-NEXT: Parent Loop {{.*}}Depth=2
  // CHECK-NEXT: Inner Loop Header: Depth=3
  // CHECK-COUNT-5: vmovdqa64 {{.*}}(%r{{[a-z0-9]+}}), %zmm
  // CHECK-NOT: {{vpadd|vpand|rsp|vmov}}
  // CHECK: vpbroadcastd
  // CHECK-COUNT-4: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: {{vpadd|vpand|rsp|vmov}}
  // CHECK: vpbroadcastd
  // CHECK-COUNT-6: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: {{vpadd|vpand|rsp|vmov}}
  // CHECK: vpbroadcastd
  // CHECK-COUNT-5: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: {{vpadd|vpand|rsp|vmov}}
  // CHECK: vpbroadcastd
  // CHECK-COUNT-5: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: {{vpadd|vpand|rsp|vmov}}
  // CHECK: vpbroadcastd
  // CHECK-COUNT-5: vpdpbusd {{.*}}%zmm
  // CHECK-NOT: zmm
  // CHECK: j{{.*}} [[LOOP]]
  func.func @prompt(%q: memref<?x2560xi8>, %s: memref<?xi32>, %b: memref<81920xi8>, %i: index, %p: memref<?x80xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<160 x 2560, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<160 x 2560, #ternary.t5> -> !ternary.packed<80 x 2560, #ternary.t5>
    ternary.matmul %q, %s, %t into %p : (memref<?x2560xi8>, memref<?xi32>, !ternary.packed<80 x 2560, #ternary.t5>, memref<?x80xi32>) -> ()
    return
  }
}

//--- t5-avxvnni.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avxvnni"}} {
  // Twelve accumulators and three temporaries in sixteen registers. Four steps
  // a turn share them, and each fetches a line of a quarter of the next tile.
  // CHECK-LABEL: gemv:
  // CHECK: [[LOOP:.LBB[0-9_]+]]:
  // CHECK-NOT: rsp
  // CHECK-COUNT-48: vpdpbusd {{.*}}%ymm
  // CHECK-NOT: {{rsp|vpdpbusd}}
  // CHECK: j{{.*}} [[LOOP]]
  func.func @gemv(%q: memref<1x2560xi8>, %s: memref<1xi32>, %b: memref<81920xi8>, %i: index, %p: memref<1x80xi32>) {
    %w = ternary.view %b : memref<81920xi8> -> !ternary.packed<160 x 2560, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<160 x 2560, #ternary.t5> -> !ternary.packed<80 x 2560, #ternary.t5>
    ternary.matmul %q, %s, %t into %p : (memref<1x2560xi8>, memref<1xi32>, !ternary.packed<80 x 2560, #ternary.t5>, memref<1x80xi32>) -> ()
    return
  }
}

//--- rescale-avx512.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // One scale for 16 rows, and results past the caches.
  // CHECK-LABEL: rescale:
  // CHECK-NOT: vmovups {{.*}}, (%r
  // CHECK-COUNT-2: vmovntps %zmm
  // CHECK-NOT: {{vmovntps|vmovups .*, [0-9]*\(%r}}
  // CHECK: ret
  func.func @rescale(%r: memref<1x32xi32>, %inverse: memref<1xf32>, %scale: memref<2xf32>, %y: memref<1x32xf32>) {
    ternary.rescale %r, %inverse, %scale into %y {nontemporal} : (memref<1x32xi32>, memref<1xf32>, memref<2xf32>, memref<1x32xf32>) -> ()
    return
  }
}

//--- rescale-avx2.mlir
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avxvnni"}} {
  // One scale for 16 rows, and results past the caches.
  // CHECK-LABEL: rescale:
  // CHECK-NOT: vmovups {{.*}}, (%r
  // CHECK-COUNT-4: vmovntps %ymm
  // CHECK-NOT: {{vmovntps|vmovups .*, [0-9]*\(%r}}
  // CHECK: ret
  func.func @rescale(%r: memref<1x32xi32>, %inverse: memref<1xf32>, %scale: memref<2xf32>, %y: memref<1x32xf32>) {
    ternary.rescale %r, %inverse, %scale into %y {nontemporal} : (memref<1x32xi32>, memref<1xf32>, memref<2xf32>, memref<1x32xf32>) -> ()
    return
  }
}
