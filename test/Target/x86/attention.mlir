// The loops of attention load each vector of the cache once for four rows, keep
// all sums in registers, and ask for what a single token reads next.
// DEFINE: %{level} =
// DEFINE: %{prefix} =
// DEFINE: %{compile} = sed s/LEVEL/%{level}/ %s \
// DEFINE:   | bitnet-opt --convert-bitnet-to-vector --canonicalize --cse \
// DEFINE:     --convert-scf-to-cf --expand-strided-metadata --lower-affine \
// DEFINE:     --convert-to-llvm --reconcile-unrealized-casts \
// DEFINE:   | mlir-translate --mlir-to-llvmir \
// DEFINE:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=%{level} \
// DEFINE:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=%{level} \
// DEFINE:   | FileCheck %s --check-prefix=%{prefix}

// REDEFINE: %{level} = x86-64-v4
// REDEFINE: %{prefix} = WIDE
// RUN: %{compile}
// REDEFINE: %{level} = x86-64-v3
// REDEFINE: %{prefix} = NARROW
// RUN: %{compile}

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "LEVEL", features = ""}} {
  // Scores of 4 rows and 64 positions.
  // WIDE-LABEL: prompt:
  // WIDE: vmovups {{.*}}, %zmm
  // WIDE-NEXT: vmovups {{.*}}, %zmm
  // WIDE-NEXT: vmovups {{.*}}, %zmm
  // WIDE-NEXT: vmovups {{.*}}, %zmm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NOT: vmov
  // WIDE: jne
  // Of 16 positions where there are 16 registers of half the width.
  // NARROW-LABEL: prompt:
  // NARROW: vmovups {{.*}}, %ymm
  // NARROW-NEXT: vmovups {{.*}}, %ymm
  // NARROW-NEXT: vbroadcastss {{.*}}, %ymm
  // NARROW-COUNT-2: vfmadd231ps {{.*}}mm
  // NARROW-NEXT: vbroadcastss {{.*}}, %ymm
  // NARROW-COUNT-2: vfmadd231ps {{.*}}mm
  // NARROW-NEXT: vbroadcastss {{.*}}, %ymm
  // NARROW-COUNT-2: vfmadd231ps {{.*}}mm
  // NARROW-NEXT: vbroadcastss {{.*}}, %ymm
  // NARROW-COUNT-2: vfmadd231ps {{.*}}mm
  // NARROW-NOT: vmov
  // NARROW: jne
  func.func @prompt(%q: memref<?x512xf32>, %cache: memref<2x1x?x2048xf32>, %p: index, %y: memref<?x512xf32>) {
    bitnet.attention %q, %cache at %p into %y heads 4 : (memref<?x512xf32>, memref<2x1x?x2048xf32>, index, memref<?x512xf32>) -> ()
    return
  }

  // Queries are operands of the multiply-adds: each is used once. Then values of
  // 64 columns for 4 rows, with a line asked for by each load.
  // WIDE-LABEL: token:
  // WIDE: prefetcht0
  // WIDE: vfmadd231ps {{.*}}{1to16}, %zmm
  // WIDE: jne
  // WIDE: prefetcht0
  // WIDE-NEXT: prefetcht0
  // WIDE-NEXT: prefetcht0
  // WIDE-NEXT: vmovups {{.*}}, %zmm
  // WIDE-NEXT: vmovups {{.*}}, %zmm
  // WIDE-NEXT: vmovups {{.*}}, %zmm
  // WIDE-NEXT: prefetcht0
  // WIDE-NEXT: vmovups {{.*}}, %zmm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NEXT: vbroadcastss {{.*}}, %zmm
  // WIDE-COUNT-4: vfmadd231ps {{.*}}mm
  // WIDE-NOT: vmov
  // WIDE: jne
  func.func @token(%q: memref<1x512xf32>, %cache: memref<2x1x?x2048xf32>, %p: index, %i: index, %y: memref<1x512xf32>, %s: memref<1x8xf32>) {
    bitnet.attention_part %q, %cache at %p part %i into %y, %s heads 4 : (memref<1x512xf32>, memref<2x1x?x2048xf32>, index, index, memref<1x512xf32>, memref<1x8xf32>) -> ()
    return
  }

  // Bytes are widened by the load, once for all rows.
  // WIDE-LABEL: bytes:
  // WIDE: vpmovsxbd {{.*}}), %zmm
  // WIDE: vcvtdq2ps %zmm
  // WIDE: vfmadd231ps {{.*}}%zmm
  func.func @bytes(%q: memref<1x512xf32>, %cache: memref<2x1x?x2112xi8>, %p: index, %i: index, %y: memref<1x512xf32>, %s: memref<1x8xf32>) {
    bitnet.attention_part %q, %cache at %p part %i into %y, %s heads 4 : (memref<1x512xf32>, memref<2x1x?x2112xi8>, index, index, memref<1x512xf32>, memref<1x8xf32>) -> ()
    return
  }
}
