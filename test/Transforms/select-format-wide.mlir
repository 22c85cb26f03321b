// A format whose sums would leave 32 bits is not chosen, and refused by name.
// RUN: bitnet-opt --ternary-select-format %s | FileCheck %s
// RUN: not bitnet-opt --ternary-select-format=format=t5 %s 2>&1 | FileCheck %s --check-prefix=REFUSED

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {
// CHECK: ternary.pack {{.*}}#ternary.i2>
// REFUSED: error: expected a packing format for 'tensor<64x45568xi2>', but 't5' holds fewer than 33000 columns; use another --format or --cpu
func.func @wide(%q: tensor<?x45568xi8>, %s: tensor<?xi32>, %w: tensor<64x45568xi2>) -> tensor<?x64xi32> {
  %0 = ternary.matmul %q, %s, %w : (tensor<?x45568xi8>, tensor<?xi32>, tensor<64x45568xi2>) -> tensor<?x64xi32>
  return %0 : tensor<?x64xi32>
}
}
