// A model as importers write it passes; each departure from it is named.
// RUN: bitnet-opt --bitnet-verify-model --split-input-file --verify-diagnostics --allow-unregistered-dialect %s

bitnet.weight @embedding from ["e"] : tensor<9x64xf32>
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  %e = bitnet.weight_ref @embedding : tensor<9x64xf32>
  %x = bitnet.embedding %tokens, %e : (tensor<?xi32>, tensor<9x64xf32>) -> tensor<?x64xf32>
  %y = bitnet.lm_head %x, %e : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// expected-error @+1 {{expected a function 'forward'}}
module {
}

// -----

// expected-error @+1 {{expected a function 'forward'}}
module {
  func.func private @forward(tensor<?xi32>)
}

// -----

bitnet.weight @w from ["w"] : tensor<1x9xf32>
// expected-error @+1 {{expected a public function}}
func.func private @forward() {
  return
}

// -----

// expected-error @+1 {{but got '(index, tensor<?xi32>, index, !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32>'}}
func.func @forward(%position: index, %tokens: tensor<?xi32>, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  %y = tensor.empty(%rows) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  %y = tensor.empty(%rows) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
// expected-error @+1 {{expected no function but 'forward' in a model}}
func.func @helper() {
  return
}

// -----

// expected-error @+1 {{expected one block}}
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  cf.br ^end
^end:
  %y = tensor.empty(%rows) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  // expected-error @+1 {{expected bitnet, tensor, arith and func operations in a model}}
  %y = "unknown.op"(%tokens) : (tensor<?xi32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  // expected-error @+1 {{expected straight-line code in a model}}
  %y = tensor.generate %rows {
  ^bb0(%i: index, %j: index):
    %0 = arith.constant 0.0 : f32
    tensor.yield %0 : f32
  } : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// expected-error @+1 {{expected every weight to be used, but 'unused' is not}}
bitnet.weight @unused from ["u"] : tensor<64xf32>
func.func @forward(%tokens: tensor<?xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) -> tensor<?x9xf32> {
  %y = tensor.empty(%rows) : tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}
