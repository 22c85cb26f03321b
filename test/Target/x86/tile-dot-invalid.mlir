// A machine without matrix tiles says so.
// RUN: bitnet-opt %s --convert-micro-ops-to-x86 --verify-diagnostics

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "icelake-server", features = ""}} {

func.func @product(%x: memref<16x64xi8>, %panel: memref<1x32x64xi8>, %first: index, %r: memref<16x32xi32>) {
  // expected-error @+1 {{expected a target with matrix tiles, but got CPU 'icelake-server'}}
  ternary.tile_dot %x by %panel[%first] into %r : memref<16x64xi8> by memref<1x32x64xi8> into memref<16x32xi32>
  return
}

}
