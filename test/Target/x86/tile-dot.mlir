// A matrix-tile product keeps its sums in tile registers over all columns: per
// 64 columns one load of activations, and for each group of rows one load of
// weights and one product.
// RUN: bitnet-opt %s --convert-micro-ops-to-x86 | FileCheck %s --check-prefix=OPS
// RUN: bitnet-opt %s --convert-micro-ops-to-x86 --convert-scf-to-cf \
// RUN:     --expand-strided-metadata --lower-affine --convert-to-llvm \
// RUN:     --reconcile-unrealized-casts \
// RUN:   | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=sapphirerapids \
// RUN:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=sapphirerapids \
// RUN:   | FileCheck %s --check-prefix=ASM --implicit-check-not=tilestored

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {

// OPS-LABEL: func @product
// OPS-COUNT-2: amx.tile_zero
// OPS: scf.for {{.*}} iter_args
// OPS: %[[PART:.*]] = arith.remui
// OPS: amx.tile_load %{{.*}}[%[[PART]], %{{.*}}, %{{.*}}]
// OPS: amx.tile_load {{.*}} into !amx.tile<16x64xi8>
// OPS: amx.tile_muli %{{.*}}, %{{.*}} zext, %{{.*}}
// OPS: amx.tile_muli %{{.*}}, %{{.*}} zext, %{{.*}}
// OPS: scf.yield
// OPS-COUNT-2: amx.tile_store
// OPS-NOT: ternary.

// ASM-LABEL: product:
// ASM: ldtilecfg
// ASM-COUNT-2: tilezero
// ASM-COUNT-6: tdpbsud
// ASM-COUNT-2: tilestored
// ASM: tilerelease
func.func @product(%x: memref<16x192xi8>, %panel: memref<2x32x64xi8>, %first: index, %r: memref<16x32xi32>) {
  ternary.tile_dot %x by %panel[%first] into %r : memref<16x192xi8> by memref<2x32x64xi8> into memref<16x32xi32>
  return
}


// 32 tokens by two groups: four products for four loads. What stands beside
// them follows each four.
// OPS-LABEL: func @beside
// OPS-COUNT-4: amx.tile_zero
// OPS: scf.for %[[COLUMN:.*]] = {{.*}} iter_args
// OPS-COUNT-4: amx.tile_muli
// OPS: memref.prefetch %{{.*}}[%[[COLUMN]]]
// OPS: scf.yield
// OPS-COUNT-4: amx.tile_store
// OPS-NOT: ternary.

// ASM-LABEL: beside:
// ASM: ldtilecfg
// ASM-NOT: tileloadd
// ASM-COUNT-4: tilezero
// ASM-COUNT-2: tileloadd
// ASM-NEXT: tdpbsud
// ASM: tileloadd
// ASM-NEXT: tdpbsud
// ASM: tileloadd
// ASM-COUNT-2: tdpbsud
// ASM-NOT: tileloadd
// ASM: prefetcht1
// ASM-COUNT-2: tileloadd
// ASM-NEXT: tdpbsud
// ASM: tileloadd
// ASM-NEXT: tdpbsud
// ASM: tileloadd
// ASM-COUNT-2: tdpbsud
// ASM-NOT: tileloadd
// ASM: prefetcht1
// ASM-NOT: tileloadd
// ASM-COUNT-4: tilestored
// ASM: tilerelease
func.func @beside(%x: memref<16x128xi8>, %y: memref<16x128xi8>, %panel: memref<2x32x64xi8>, %r: memref<32x32xi32>, %bytes: memref<4096xi8>) {
  %first = arith.constant 0 : index
  ternary.tile_dot %x, %y by %panel[%first] into %r beside {
  ^bb0(%column: index):
    memref.prefetch %bytes[%column], read, locality<2>, data : memref<4096xi8>
  } : memref<16x128xi8>, memref<16x128xi8> by memref<2x32x64xi8> into memref<32x32xi32>
  return
}

// Three groups leave no register to keep a token tile: weights, which come from
// the first cache, are loaded for each.
// OPS-LABEL: func @reload
// OPS: amx.tile_load {{.*}}3x48x64
// OPS: amx.tile_load {{.*}}memref<16x192
// OPS-NEXT: amx.tile_muli
// OPS-COUNT-2: amx.tile_load {{.*}}3x48x64
// OPS: amx.tile_load {{.*}}3x48x64
// OPS: amx.tile_load {{.*}}memref<16x192
// OPS-COUNT-2: amx.tile_load {{.*}}3x48x64
// OPS-NOT: amx.tile_load
// OPS: scf.yield
// OPS-COUNT-6: amx.tile_store

// ASM-LABEL: reload:
// ASM-COUNT-6: tdpbsud
// ASM-COUNT-6: tilestored
// ASM: tilerelease
func.func @reload(%x: memref<16x192xi8>, %y: memref<16x192xi8>, %panel: memref<3x48x64xi8>, %first: index, %r: memref<32x48xi32>) {
  ternary.tile_dot %x, %y by %panel[%first] into %r : memref<16x192xi8>, memref<16x192xi8> by memref<3x48x64xi8> into memref<32x48xi32>
  return
}

// What stands beside every 16 columns is spread among the products of their 64.
// OPS-LABEL: func @spread
// OPS: scf.for %[[COLUMN:.*]] = {{.*}} iter_args
// OPS: amx.tile_muli
// OPS: memref.prefetch %{{.*}}[%[[COLUMN]]]
// OPS: %[[SECOND:.*]] = arith.addi %[[COLUMN]], %c16
// OPS: memref.prefetch %{{.*}}[%[[SECOND]]]
// OPS: amx.tile_muli
// OPS: %[[THIRD:.*]] = arith.addi %[[COLUMN]], %c32
// OPS: memref.prefetch %{{.*}}[%[[THIRD]]]
// OPS: %[[FOURTH:.*]] = arith.addi %[[COLUMN]], %c48
// OPS: memref.prefetch %{{.*}}[%[[FOURTH]]]
// OPS: scf.yield

// ASM-LABEL: spread:
// ASM: tdpbsud
// ASM-COUNT-2: prefetcht1
// ASM: tdpbsud
// ASM-COUNT-2: prefetcht1
// ASM-COUNT-2: tilestored
func.func @spread(%x: memref<16x64xi8>, %panel: memref<1x32x64xi8>, %r: memref<16x32xi32>, %bytes: memref<4096xi8>) {
  %first = arith.constant 0 : index
  ternary.tile_dot %x by %panel[%first] into %r beside {
  ^bb0(%column: index):
    memref.prefetch %bytes[%column], read, locality<2>, data : memref<4096xi8>
  } {step = 16} : memref<16x64xi8> by memref<1x32x64xi8> into memref<16x32xi32>
  return
}

}
