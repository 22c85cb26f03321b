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
// OPS-COUNT-2: amx.tile_load {{.*}} into !amx.tile<16x16xi32>
// OPS: scf.for {{.*}} iter_args
// OPS: amx.tile_load {{.*}} into !amx.tile<16x64xi8>
// OPS: amx.tile_muli %{{.*}}, %{{.*}} zext, %{{.*}}
// OPS: amx.tile_muli %{{.*}}, %{{.*}} zext, %{{.*}}
// OPS: scf.yield
// OPS-COUNT-2: amx.tile_store
// OPS-NOT: ternary.

// ASM-LABEL: product:
// ASM: ldtilecfg
// ASM-COUNT-2: tileloadd
// ASM-COUNT-6: tdpbsud
// ASM-COUNT-2: tilestored
// ASM: tilerelease
func.func @product(%x: memref<16x192xi8>, %panel: memref<48x128xi8>, %r: memref<16x32xi32>) {
  ternary.tile_dot %x, %panel into %r : memref<16x192xi8>, memref<48x128xi8>, memref<16x32xi32>
  return
}

}
