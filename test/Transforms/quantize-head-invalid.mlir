// What cannot be stored in another precision is said.
// RUN: bitnet-opt --bitnet-quantize-head --split-input-file --verify-diagnostics %s
// RUN: echo "module {}" | not bitnet-opt --bitnet-quantize-head=precision=int5 2>&1 | FileCheck %s
// CHECK: head: expected f16, bf16, int8 or int4, but got 'int5'

// expected-error @+1 {{expected one bitnet.lm_head with a table of one source and at most 131072 columns to quantise}}
module {
}

// -----

// expected-error @+1 {{expected one bitnet.lm_head with a table of one source and at most 131072 columns to quantise}}
module {
  bitnet.weight @head = dense<1.0> : tensor<9x64xf32> : tensor<9x64xf32>
  func.func @forward(%x: tensor<?x64xf32>) -> tensor<?x9xf32> {
    %t = bitnet.weight_ref @head : tensor<9x64xf32>
    %y = bitnet.lm_head %x, %t : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
    return %y : tensor<?x9xf32>
  }
}
