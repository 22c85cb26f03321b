// What cannot be screened is said, and left alone by 'auto'.
// RUN: bitnet-opt --bitnet-screen-head=mode=screened --split-input-file --verify-diagnostics %s
// RUN: echo "module {}" | not bitnet-opt --bitnet-screen-head=mode=half 2>&1 | FileCheck %s
// CHECK: head: expected auto, full or screened, but got 'half'

// expected-error @+1 {{expected a function 'decode' with one block; run 'bitnet-specialize-phases' first}}
module {
}

// -----

// A literal has no source that a sketch could be made of when it is written.
bitnet.weight @head = dense<1.0> : tensor<9x64xf32> : tensor<9x64xf32>
// expected-error @+1 {{expected one bitnet.lm_head with a table of one source and at most 131072 columns to screen}}
func.func @decode(%x: tensor<?x64xf32>) -> tensor<?x9xf32> {
  %t = bitnet.weight_ref @head : tensor<9x64xf32>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

bitnet.weight @head from ["head"] : tensor<9x64xf32>
func.func @decode(%x: tensor<?x64xf32>) -> tensor<?x9xf32> {
  %t = bitnet.weight_ref @head : tensor<9x64xf32>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
// expected-error @+1 {{expected no symbol 'decode_top' yet}}
func.func private @decode_top()

// -----

bitnet.weight @head from ["head"] : tensor<9x64xf32>
func.func @decode(%x: tensor<?x64xf32>) -> tensor<?x9xf32> {
  %t = bitnet.weight_ref @head : tensor<9x64xf32>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
func.func @decode_batch(%x: tensor<?x64xf32>) -> tensor<?x9xf32> {
  %t = bitnet.weight_ref @head : tensor<9x64xf32>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
// expected-error @+1 {{expected no symbol 'decode_batch_top' yet}}
func.func private @decode_batch_top()

// -----

bitnet.weight @head from ["head"] : tensor<9x64xf32>
func.func @decode(%x: tensor<?x64xf32>) -> tensor<?x9xf32> {
  %t = bitnet.weight_ref @head : tensor<9x64xf32>
  %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
// expected-error @+1 {{expected one bitnet.lm_head with a table of one source and at most 131072 columns to screen}}
func.func @decode_batch(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  return %x : tensor<?x64xf32>
}

// -----

// expected-error @+1 {{expected a function 'decode' with one block}}
func.func private @decode()
