// One pass over two modules gives each the functions that it calls.
// RUN: bitnet-opt --pass-pipeline="builtin.module(builtin.module(bitnet-outline-kernels))" %s | FileCheck %s

// CHECK-LABEL: module @a
// CHECK: call @[[A:add_.]]
// CHECK: func private @[[A]]
module @a {
  func.func @phase(%x: memref<1x64xf32>) attributes {bitnet.max_tokens = 1 : i64} {
    bitnet.add %x, %x into %x : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
    return
  }
}
// CHECK-LABEL: module @b
// CHECK: call @[[B:add_.]]
// CHECK: func private @[[B]]
module @b {
  func.func @phase(%x: memref<1x64xf32>) attributes {bitnet.max_tokens = 1 : i64} {
    bitnet.add %x, %x into %x : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
    return
  }
}
