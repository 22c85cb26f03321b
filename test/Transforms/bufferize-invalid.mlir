// What has no place in memory, or is no straight line of bitnet and ternary
// operations, is an error at the operation that is in the way.
// RUN: bitnet-opt --bitnet-bufferize --split-input-file --verify-diagnostics --allow-unregistered-dialect %s

// expected-error @+1 {{expected one block}}
func.func private @external(tensor<?xi32>) attributes {bitnet.max_tokens = 1 : i64}

// -----

// expected-error @+1 {{expected tensors with static columns, caches and numbers as arguments, but got 'tensor<?x?xf32>'}}
func.func @dynamic_columns(%x: tensor<?x?xf32>) attributes {bitnet.max_tokens = 1 : i64} {
  return
}

// -----

// expected-error @+1 {{expected tensors with static columns as results, but got 'index'}}
func.func @scalar_result(%x: index) -> index attributes {bitnet.max_tokens = 1 : i64} {
  return %x : index
}

// -----

func.func @returned_argument(%x: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {bitnet.max_tokens = 1 : i64} {
  // expected-error @+1 {{expected to return results of operations that nothing else reads}}
  return %x : tensor<?x64xf32>
}

// -----

func.func @returned_twice(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) attributes {bitnet.max_tokens = 1 : i64} {
  %y = bitnet.add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // expected-error @+1 {{expected to return results of operations that nothing else reads}}
  return %y, %y : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

func.func @other_operation(%x: tensor<?x64xf32>) attributes {bitnet.max_tokens = 1 : i64} {
  // expected-error @+1 {{expected a bitnet, ternary or slice operation on tensors}}
  %y = math.exp %x : tensor<?x64xf32>
  return
}

// -----

func.func @region(%x: tensor<?x64xf32>, %c: i1) attributes {bitnet.max_tokens = 1 : i64} {
  %y = bitnet.add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // expected-error @+1 {{expected straight-line code in a phase}}
  scf.if %c {
    %z = bitnet.add %y, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  }
  return
}

// -----

func.func private @callee(!bitnet.kv_cache<1 x 1 x 64 x f32>)
func.func @cache_escapes(%cache: !bitnet.kv_cache<2 x 1 x 64 x f32>) attributes {bitnet.max_tokens = 1 : i64} {
  %layer = bitnet.kv_layer %cache[0] : !bitnet.kv_cache<2 x 1 x 64 x f32> -> !bitnet.kv_cache<1 x 1 x 64 x f32>
  // expected-error @+1 {{expected no use of a tensor, weight or cache but by bitnet, ternary and slice operations}}
  call @callee(%layer) : (!bitnet.kv_cache<1 x 1 x 64 x f32>) -> ()
  return
}

// -----

func.func private @callee(!bitnet.kv_cache<1 x 1 x 64 x f32>)
func.func @argument_escapes(%p: index, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>) attributes {bitnet.max_tokens = 1 : i64} {
  // expected-error @+1 {{expected no use of argument 1 but by bitnet, ternary and slice operations}}
  call @callee(%cache) : (!bitnet.kv_cache<1 x 1 x 64 x f32>) -> ()
  return
}

// -----

func.func @made_cache(%k: tensor<?x64xf32>, %p: index) attributes {bitnet.max_tokens = 1 : i64} {
  %cache = "unknown.cache"() : () -> !bitnet.kv_cache<2 x 1 x 64 x f32>
  // expected-error @+1 {{expected the cache of an argument}}
  %layer = bitnet.kv_layer %cache[0] : !bitnet.kv_cache<2 x 1 x 64 x f32> -> !bitnet.kv_cache<1 x 1 x 64 x f32>
  return
}

// -----

bitnet.weight @w from ["w"] : tensor<8x64xi2>
func.func @unpacked() attributes {bitnet.max_tokens = 1 : i64} {
  // expected-error @+1 {{expected packed weights; run 'ternary-pack-weights' first}}
  %w = bitnet.weight_ref @w : tensor<8x64xi2>
  return
}

// -----

bitnet.weight @f from ["f"] : tensor<16xf32>
func.func @tokens_unknown(%p: index) attributes {bitnet.max_tokens = 1 : i64} {
  %f = bitnet.weight_ref @f : tensor<16xf32>
  // expected-error @+1 {{expected results with static columns, for a number of tokens that an argument has}}
  %a = bitnet.rope_angles %p, %f : (index, tensor<16xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @lower_rank(%x: tensor<4x64xf32>) attributes {bitnet.max_tokens = 4 : i64} {
  // expected-error @+1 {{expected a slice of the same rank, but got 'tensor<64xf32>' of 'tensor<4x64xf32>'}}
  %y = tensor.extract_slice %x[0, 0] [1, 64] [1, 1] : tensor<4x64xf32> to tensor<64xf32>
  return
}
