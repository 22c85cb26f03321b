// Each constraint of the bitnet dialect, by its label in the .td files.
// RUN: bitnet-opt --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expected positive dimensions of f32, f16 or i8, but got 0 x 1 x 16 x 'f32'}}
func.func private @kv_cache_c1(!bitnet.kv_cache<0 x 1 x 16 x f32>)

// -----

// expected-error @+1 {{expected positive dimensions of f32, f16 or i8, but got 1 x 1 x 16 x 'bf16'}}
func.func private @kv_cache_c1_element(!bitnet.kv_cache<1 x 1 x 16 x bf16>)

// -----

// expected-error @+1 {{expected either sources or a value}}
bitnet.weight @weight_c1 : tensor<64xf32>

// -----

// expected-error @+1 {{expected a value of type 'tensor<64xf32>', but got 'tensor<32xf32>'}}
bitnet.weight @weight_c1_shape = dense<1.0> : tensor<32xf32> : tensor<64xf32>

// -----

// expected-error @+1 {{expected a static tensor or packed type, but got 'tensor<?x64xf32>'}}
bitnet.weight @weight_c2 from ["w"] : tensor<?x64xf32>

// -----

// expected-error @+1 {{expected a static tensor or packed type, but got 'index'}}
bitnet.weight @weight_c2_scalar from ["w"] : index

// -----

func.func @weight_ref_c1() {
  // expected-error @+1 {{expected 'weight_ref_c1' to name a bitnet.weight}}
  %0 = bitnet.weight_ref @weight_ref_c1 : tensor<64xf32>
  return
}

// -----

bitnet.weight @w from ["w"] : tensor<64xf32>
func.func @weight_ref_c1_type() {
  // expected-error @+1 {{expected type 'tensor<64xf32>', but got 'tensor<64xf16>'}}
  %0 = bitnet.weight_ref @w : tensor<64xf16>
  return
}

// -----

func.func @kernel_c1(%x: memref<1x64xf32>) {
  // expected-error @+1 {{expected no results in memref form}}
  %0 = bitnet.add %x, %x into %x : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> tensor<1x64xf32>
  return
}

// -----

func.func @kernel_c2(%x: tensor<1x64xf32>, %y: memref<1x64xf32>) {
  // expected-error @+1 {{expected tensors or memrefs, but got both}}
  bitnet.add %x, %x into %y : (tensor<1x64xf32>, tensor<1x64xf32>, memref<1x64xf32>) -> ()
  return
}

// -----

func.func @kernel_c3(%x: tensor<1x64xf32>) {
  // expected-error @+1 {{expected one result or destination, but got 2}}
  %0:2 = bitnet.add %x, %x : (tensor<1x64xf32>, tensor<1x64xf32>) -> (tensor<1x64xf32>, tensor<1x64xf32>)
  return
}

// -----

func.func @kernel_c3_element(%x: tensor<1x64xf32>) {
  // expected-error @+1 {{expected an f32 result of rank 2, but got 'tensor<1x64xf16>'}}
  %0 = bitnet.add %x, %x : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<1x64xf16>
  return
}

// -----

func.func @kernel_c3_rank(%x: tensor<1x64xf32>) {
  // expected-error @+1 {{expected an f32 result of rank 2, but got 'tensor<f32>'}}
  %0 = bitnet.add %x, %x : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<f32>
  return
}

// -----

func.func @kernel_c4(%x: tensor<2x64xf32>, %y: tensor<3x64xf32>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 3}}
  %0 = bitnet.add %x, %y : (tensor<2x64xf32>, tensor<3x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @kernel_c4_embedding(%tokens: tensor<2xi32>, %table: tensor<9x64xf32>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 9}}
  %0 = bitnet.embedding %tokens, %table : (tensor<2xi32>, tensor<9x64xf32>) -> tensor<9x64xf32>
  return
}

// -----

func.func @embedding_c1(%tokens: tensor<?xi32>, %table: tensor<9x64xf32>) {
  // expected-error @+1 {{expected a result with 64 columns, but got 32}}
  %0 = bitnet.embedding %tokens, %table : (tensor<?xi32>, tensor<9x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @embedding_table(%tokens: tensor<?xi32>, %table: tensor<64xf32>) {
  // expected-error @+1 {{operand #1 must be}}
  %0 = bitnet.embedding %tokens, %table : (tensor<?xi32>, tensor<64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @rms_norm_c1(%x: tensor<?x64xf32>, %gain: tensor<1xf32>) {
  // expected-error @+1 {{expected a gain with 64 columns, but got 1}}
  %0 = bitnet.rms_norm %x, %gain eps 1.0 : (tensor<?x64xf32>, tensor<1xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @rms_norm_c1_result(%x: tensor<?x64xf32>, %gain: tensor<64xf32>) {
  // expected-error @+1 {{expected a result with 64 columns, but got 65}}
  %0 = bitnet.rms_norm %x, %gain eps 1.0 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x65xf32>
  return
}

// -----

func.func @bitlinear_c1(%x: tensor<?x65xf32>, %w: tensor<32x64xi2>, %scale: tensor<32xf32>) {
  // expected-error @+1 {{expected activations with 64 columns, but got 65}}
  %0 = bitnet.bitlinear %x, %w, %scale : (tensor<?x65xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @bitlinear_c2(%x: tensor<?x64xf32>, %w: tensor<32x64xi2>, %scale: tensor<1xf32>) {
  // expected-error @+1 {{expected a scale for each of 32 rows or for each 16, but got 'tensor<1xf32>'}}
  %0 = bitnet.bitlinear %x, %w, %scale : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<1xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @bitlinear_c2_result(%x: tensor<?x64xf32>, %w: tensor<32x64xi2>, %scale: tensor<32xf32>) {
  // expected-error @+1 {{expected a result with 32 columns, but got 64}}
  %0 = bitnet.bitlinear %x, %w, %scale : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @bitlinear_dynamic(%x: tensor<?x64xf32>, %w: tensor<?x64xi2>, %scale: tensor<?xf32>) {
  // expected-error @+1 {{operand #1 must be ternary matrix with static, positive N and K, but got 'tensor<?x64xi2>'}}
  %0 = bitnet.bitlinear %x, %w, %scale : (tensor<?x64xf32>, tensor<?x64xi2>, tensor<?xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @rope_angles_c1(%p: index, %f: tensor<8xf32>) {
  // expected-error @+1 {{expected a result with 16 columns, but got 8}}
  %0 = bitnet.rope_angles %p, %f : (index, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @rope_angles_c1_dynamic(%p: index, %f: tensor<?xf32>) {
  // expected-error @+1 {{expected a static number of frequencies, but got 'tensor<?xf32>'}}
  %0 = bitnet.rope_angles %p, %f : (index, tensor<?xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @rope_c1(%x: tensor<?x64xf32>, %a: tensor<?x24xf32>) {
  // expected-error @+1 {{expected a multiple of 24 columns, but got 64}}
  %0 = bitnet.rope %x, %a : (tensor<?x64xf32>, tensor<?x24xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @rope_c1_none(%x: tensor<?x64xf32>, %a: tensor<?x0xf32>) {
  // expected-error @+1 {{expected angles with a positive, even number of columns, but got 'tensor<?x0xf32>'}}
  %0 = bitnet.rope %x, %a : (tensor<?x64xf32>, tensor<?x0xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @rope_c2(%x: tensor<?x64xf32>, %a: tensor<?x16xf32>) {
  // expected-error @+1 {{expected a result with 64 columns, but got 16}}
  %0 = bitnet.rope %x, %a : (tensor<?x64xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @kv_layer_c1(%cache: !bitnet.kv_cache<2 x 1 x 16 x f32>) {
  // expected-error @+1 {{expected a layer below 2, but got 2}}
  %0 = bitnet.kv_layer %cache[2] : !bitnet.kv_cache<2 x 1 x 16 x f32> -> !bitnet.kv_cache<1 x 1 x 16 x f32>
  return
}

// -----

func.func @kv_layer_c1_type(%cache: !bitnet.kv_cache<2 x 1 x 16 x f32>) {
  // expected-error @+1 {{expected type '!bitnet.kv_cache<1 x 1 x 16 x f32>', but got '!bitnet.kv_cache<1 x 1 x 16 x f16>'}}
  %0 = bitnet.kv_layer %cache[0] : !bitnet.kv_cache<2 x 1 x 16 x f32> -> !bitnet.kv_cache<1 x 1 x 16 x f16>
  return
}

// -----

func.func @kv_store_c1(%k: tensor<?x32xf32>, %v: tensor<?x16xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected values with 32 columns, but got 16}}
  bitnet.kv_store %k, %v, %cache at %p : tensor<?x32xf32>, tensor<?x16xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index
  return
}

// -----

func.func @kv_store_c2(%k: tensor<?x32xf32>, %cache: !bitnet.kv_cache<2 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected a cache of one layer, but got '!bitnet.kv_cache<2 x 2 x 16 x f32>'}}
  bitnet.kv_store %k, %k, %cache at %p : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<2 x 2 x 16 x f32>, index
  return
}

// -----

func.func @kv_store_c2_memref(%k: memref<1x32xf32>, %cache: memref<2x?x?x256xf32>, %p: index) {
  // expected-error @+1 {{expected a cache of 2 x heads x blocks x rows of 16 positions, but got 'memref<2x?x?x256xf32>'}}
  bitnet.kv_store %k, %k, %cache at %p : memref<1x32xf32>, memref<1x32xf32>, memref<2x?x?x256xf32>, index
  return
}

// -----

func.func @kv_store_c3(%k: tensor<2x32xf32>, %v: tensor<1x32xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 1}}
  bitnet.kv_store %k, %v, %cache at %p : tensor<2x32xf32>, tensor<1x32xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index
  return
}

// -----

func.func @attention_c1(%q: tensor<?x48xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected a multiple of 2 heads, but got 3}}
  %0 = bitnet.attention %q, %cache at %p heads 3 : (tensor<?x48xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index) -> tensor<?x48xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<?x48xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected queries with 64 columns, but got 48}}
  %0 = bitnet.attention %q, %cache at %p heads 4 : (tensor<?x48xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index) -> tensor<?x48xf32>
  return
}

// -----

func.func @attention_c2_result(%q: tensor<?x64xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected a result with 64 columns, but got 48}}
  %0 = bitnet.attention %q, %cache at %p heads 4 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index) -> tensor<?x48xf32>
  return
}

// -----

func.func @attention_c3(%q: memref<1x16xf32>, %cache: memref<2x0x?x256xf32>, %p: index) {
  // expected-error @+1 {{expected a cache of 2 x heads x blocks x rows of 16 positions, but got 'memref<2x0x?x256xf32>'}}
  bitnet.attention %q, %cache at %p into %q heads 1 : (memref<1x16xf32>, memref<2x0x?x256xf32>, index, memref<1x16xf32>) -> ()
  return
}

// -----

// Rows of no whole number of columns.
func.func @attention_c3_row(%q: memref<1x16xf32>, %cache: memref<2x1x?x250xf32>, %p: index) {
  // expected-error @+1 {{expected a cache of 2 x heads x blocks x rows of 16 positions, but got 'memref<2x1x?x250xf32>'}}
  bitnet.attention %q, %cache at %p into %q heads 1 : (memref<1x16xf32>, memref<2x1x?x250xf32>, index, memref<1x16xf32>) -> ()
  return
}

// -----

func.func @attention_part_c1(%q: tensor<2x64xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected a single token, but got 'tensor<2x64xf32>'}}
  %0:2 = bitnet.attention_part %q, %cache at %p part %p heads 4 : (tensor<2x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index, index) -> (tensor<2x64xf32>, tensor<2x8xf32>)
  return
}

// -----

func.func @attention_part_c1_heads(%q: tensor<1x48xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected a multiple of 2 heads, but got 3}}
  %0:2 = bitnet.attention_part %q, %cache at %p part %p heads 3 : (tensor<1x48xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index, index) -> (tensor<1x48xf32>, tensor<1x6xf32>)
  return
}

// -----

func.func @attention_part_c2(%q: tensor<1x64xf32>, %cache: !bitnet.kv_cache<1 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected a state with 8 columns, but got 4}}
  %0:2 = bitnet.attention_part %q, %cache at %p part %p heads 4 : (tensor<1x64xf32>, !bitnet.kv_cache<1 x 2 x 16 x f32>, index, index) -> (tensor<1x64xf32>, tensor<1x4xf32>)
  return
}

// -----

func.func @attention_part_c3(%q: tensor<1x64xf32>, %cache: !bitnet.kv_cache<3 x 2 x 16 x f32>, %p: index) {
  // expected-error @+1 {{expected a cache of one layer, but got '!bitnet.kv_cache<3 x 2 x 16 x f32>'}}
  %0:2 = bitnet.attention_part %q, %cache at %p part %p heads 4 : (tensor<1x64xf32>, !bitnet.kv_cache<3 x 2 x 16 x f32>, index, index) -> (tensor<1x64xf32>, tensor<1x8xf32>)
  return
}

// -----

func.func @attention_merge_c1(%o: tensor<3x64xf32>, %s: tensor<3x8xf32>, %p: index) {
  // expected-error @+1 {{expected a single token, but got 'tensor<2x64xf32>'}}
  %0 = bitnet.attention_merge %o, %s at %p heads 4 : (tensor<3x64xf32>, tensor<3x8xf32>, index) -> tensor<2x64xf32>
  return
}

// -----

func.func @attention_merge_c1_heads(%o: tensor<3x64xf32>, %s: tensor<3x8xf32>, %p: index) {
  // expected-error @+1 {{expected a divisor of 64 columns as heads, but got 3}}
  %0 = bitnet.attention_merge %o, %s at %p heads 3 : (tensor<3x64xf32>, tensor<3x8xf32>, index) -> tensor<1x64xf32>
  return
}

// -----

func.func @attention_merge_c2(%o: tensor<3x64xf32>, %s: tensor<3x4xf32>, %p: index) {
  // expected-error @+1 {{expected states with 8 columns, but got 4}}
  %0 = bitnet.attention_merge %o, %s at %p heads 4 : (tensor<3x64xf32>, tensor<3x4xf32>, index) -> tensor<1x64xf32>
  return
}

// -----

func.func @gated_act_c1(%x: tensor<?x64xf32>, %y: tensor<?x32xf32>) {
  // expected-error @+1 {{expected an up projection with 64 columns, but got 32}}
  %0 = bitnet.gated_act silu %x, %y : (tensor<?x64xf32>, tensor<?x32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @add_c1(%x: tensor<?x64xf32>, %y: tensor<?x32xf32>) {
  // expected-error @+1 {{expected a second operand with 64 columns, but got 32}}
  %0 = bitnet.add %x, %y : (tensor<?x64xf32>, tensor<?x32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @lm_head_c1(%x: tensor<?x64xf32>, %table: tensor<9x32xf32>) {
  // expected-error @+1 {{expected hidden states with 32 columns, but got 64}}
  %0 = bitnet.lm_head %x, %table : (tensor<?x64xf32>, tensor<9x32xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @lm_head_c2(%x: tensor<?x64xf32>, %table: tensor<9x64xf32>) {
  // expected-error @+1 {{expected a result with 9 columns, but got 10}}
  %0 = bitnet.lm_head %x, %table : (tensor<?x64xf32>, tensor<9x64xf32>) -> tensor<?x10xf32>
  return
}

// -----

func.func @parallel_c1(%n: i64) {
  // expected-error @+1 {{expected a region with two arguments of type 'i64'}}
  "bitnet.parallel"(%n) ({
  ^bb0(%begin: index, %end: index):
    "bitnet.yield"() : () -> ()
  }) : (i64) -> ()
  return
}

// -----

func.func @parallel_no_region(%n: i64) {
  // expected-error @+1 {{region #0 ('body') failed to verify constraint: region with at least 1 blocks}}
  "bitnet.parallel"(%n) ({}) : (i64) -> ()
  return
}

// -----

func.func @parallel_c2(%n: index, %x: i1) {
  bitnet.parallel (%begin, %end) of %n : index {
    scf.if %x {
      // expected-error @+1 {{expected no parallel loop inside another}}
      bitnet.parallel (%b, %e) of %end : index {
      }
    }
  }
  return
}

// -----

func.func @yield() {
  // expected-error @+1 {{expects parent op 'bitnet.parallel'}}
  bitnet.yield
}
