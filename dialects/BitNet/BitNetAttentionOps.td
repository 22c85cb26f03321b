//===- BitNetAttentionOps.td - Attention and its cache --------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_ATTENTION_OPS_TD
#define BITNET_ATTENTION_OPS_TD

def BitNet_KVLayerOp : BitNet_Op<"kv_layer", [Pure]> {
  let summary = "One layer of the key-value cache";
  let description = [{
    Constraints:
    * (kv_layer_c1) the layer exists; the result is one layer of the source.
  }];
  let arguments = (ins BitNet_KVCacheType:$cache, I64Attr:$layer);
  let results = (outs BitNet_KVCacheType:$result);
  let assemblyFormat = [{
    $cache `[` $layer `]` attr-dict `:` qualified(type($cache)) `->`
    qualified(type($result))
  }];
  let hasVerifier = 1;
}

def BitNet_KVStoreOp : BitNet_Op<"kv_store", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Write keys and values of new positions into the cache";
  let description = [{
    Row m of `keys` and `values` goes to position `position` + m of the layer,
    rounded to the cache's elements (`!bitnet.kv_cache`). Where tokens are of
    several sequences, it goes to the position of the sequence in row m of
    `position`, (sequence, position):

    ```mlir
    bitnet.kv_store %k, %v, %caches at %places : tensor<?x64xf32>, tensor<?x64xf32>, !bitnet.kv_cache<1 x 2 x 32 x f32, sequences = 16>, tensor<?x2xi32>
    ```

    Constraints:
    * (kv_store_c1) keys and values have heads x dimension columns.
    * (kv_store_c2) the cache has one layer, in memory with static heads and
      rows of 16 positions.
    * (kv_store_c3) keys and values have the same number of tokens.
    * (kv_store_c4) the caches of several sequences go with places, which have
      two columns and a row for each token, that of one with a position.
  }];
  let arguments = (ins BitNet_F32Data:$keys, BitNet_F32Data:$values,
                       BitNet_Cache:$cache, BitNet_Places:$position);
  let assemblyFormat = [{
    $keys `,` $values `,` $cache `at` $position attr-dict `:` type($keys) `,`
    type($values) `,` qualified(type($cache)) `,` type($position)
  }];
  let hasVerifier = 1;
}

def BitNet_AttentionOp : BitNet_KernelOp<"attention"> {
  let summary = "Causal grouped-query attention over the cache";
  let description = [{
    Row m of `queries` (position p = `position` + m, `heads` heads) attends to
    positions 0..p of the layer; query head h reads key-value head
    h / (heads / kv heads): `result = softmax(q k^T / sqrt(dim)) v`.

    Positions come in parts of 256, the first at position 0 (arXiv:2205.14135).
    A part has a maximum, a total and sums of its own:

    ```
    s[j]  = (fma over the columns of q and k, in order) * (1 / sqrt(dim))
    m     = max s[j]        w[j] = e^(s[j] - m)
    t     = sum of w[j]: lane j mod 16, then by halves
    o     = fma(w[j], v[j], o) from 0, by position
    ```
    and the parts are merged in order, from M = -inf, T = O = 0:
    ```
    M' = max(m, M)   f = e^(M - M')   g = e^(m - M')
    T' = fma(t, g, T * f)             O' = fma(o, g, O * f)
    result = O / T
    ```
    With an i8 cache, s[j] is multiplied by the key's scale before
    1 / sqrt(dim), and w[j] by the value's scale (once, rounded) in o.
    A token's result depends on its position alone: not on the tokens of the
    same call, nor on who computes which part. Where tokens are of several
    sequences, row m of `position` is (sequence, p), and the layer is that of
    the sequence.

    Constraints:
    * (attention_c1) `heads` is a multiple of the cache's heads.
    * (attention_c2) queries and result have heads x dimension columns.
    * (attention_c3) the cache has one layer, in memory with static heads and
      rows of 16 positions.
    * (attention_c4) the caches of several sequences go with places, which have
      two columns and a row for each token, that of one with a position.
  }];
  let arguments = (ins BitNet_F32Data:$queries, BitNet_Cache:$cache,
                       BitNet_Places:$position, Variadic<AnyMemRef>:$outs,
                       I64Attr:$heads);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $queries `,` $cache `at` $position (`into` $outs^)? `heads` $heads attr-dict
    `:` functional-type(operands, results)
  }];
}

def BitNet_AttentionPartOp : BitNet_KernelOp<"attention_part"> {
  let summary = "Attention of one token to one part of the positions";
  let description = [{
    What `bitnet.attention` defines for the part `part` of the positions
    0..`position`, of which it has at least one: `sums` is o of every head,
    `state` the m of all heads, then their t. `bitnet.attention_merge` makes the
    result of all parts; threads share a long context out in this way.

    Constraints:
    * (attention_part_c1) one token, `heads` a multiple of the cache's heads.
    * (attention_part_c2) queries and sums have heads x dimension columns, the
      state two for each head.
    * (attention_part_c3) the cache has one layer of one sequence, in memory
      with static heads and rows of 16 positions.
  }];
  let arguments = (ins BitNet_F32Data:$queries, BitNet_Cache:$cache,
                       Index:$position, Index:$part, Variadic<AnyMemRef>:$outs,
                       I64Attr:$heads);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $queries `,` $cache `at` $position `part` $part (`into` $outs^)? `heads`
    $heads attr-dict `:` functional-type(operands, results)
  }];
}

def BitNet_AttentionMergeOp : BitNet_KernelOp<"attention_merge"> {
  let summary = "Attention of one token from its parts";
  let description = [{
    Row i of `sums` and `states` is what `bitnet.attention_part` gave for part
    i; the parts with positions up to `position` are merged as
    `bitnet.attention` defines.

    Constraints:
    * (attention_merge_c1) one token, a positive number of heads.
    * (attention_merge_c2) the result has the columns of `sums`, a multiple of
      `heads`; `states` has two columns for each head.
  }];
  let arguments = (ins BitNet_F32Data:$sums, BitNet_F32Data:$states,
                       Index:$position, Variadic<AnyMemRef>:$outs,
                       I64Attr:$heads);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $sums `,` $states `at` $position (`into` $outs^)? `heads` $heads attr-dict
    `:` functional-type(operands, results)
  }];
}

#endif // BITNET_ATTENTION_OPS_TD
