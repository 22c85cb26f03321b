// Large heads are screened where that is faster: above 16 MB, if the machine
// multiplies bytes at least half as fast as it reads them.
// RUN: bitnet-opt --bitnet-screen-head --split-input-file %s | FileCheck %s

// CHECK: module
// CHECK: @decode_top
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = ""}} {
  bitnet.weight @head from ["head"] : tensor<65537x128xbf16>
  func.func @decode(%x: tensor<?x128xf32>) -> tensor<?x65537xf32> {
    %t = bitnet.weight_ref @head : tensor<65537x128xbf16>
    %y = bitnet.lm_head %x, %t : (tensor<?x128xf32>, tensor<65537x128xbf16>) -> tensor<?x65537xf32>
    return %y : tensor<?x65537xf32>
  }
}

// -----

// CHECK: module
// CHECK-NOT: @decode_top
module {
  bitnet.weight @head from ["head"] : tensor<65536x128xbf16>
  func.func @decode(%x: tensor<?x128xf32>) -> tensor<?x65536xf32> {
    %t = bitnet.weight_ref @head : tensor<65536x128xbf16>
    %y = bitnet.lm_head %x, %t : (tensor<?x128xf32>, tensor<65536x128xbf16>) -> tensor<?x65536xf32>
    return %y : tensor<?x65536xf32>
  }
}

// -----

// CHECK: module
// CHECK: @decode_top
module attributes {bitnet.target = {triple = "aarch64-unknown-linux-gnu", cpu = "generic", features = "+v8.2a,+dotprod"}} {
  bitnet.weight @head from ["head"] : tensor<65537x128xbf16>
  func.func @decode(%x: tensor<?x128xf32>) -> tensor<?x65537xf32> {
    %t = bitnet.weight_ref @head : tensor<65537x128xbf16>
    %y = bitnet.lm_head %x, %t : (tensor<?x128xf32>, tensor<65537x128xbf16>) -> tensor<?x65537xf32>
    return %y : tensor<?x65537xf32>
  }
}
