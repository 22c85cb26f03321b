//===- BitNetHeadOps.td - The head in two steps ---------------------------===//
//
// The output embedding is the largest read of a token. Where only the highest
// logits are wanted, a sketch of it in int8 (half the bytes of bf16) bounds
// every logit, and only rows that may be among the highest are computed from
// the table itself. No rounding is hidden in this: the bounds are rigorous
// (include/bitnetc/Formats/HeadSketch.h), the logits those of `lm_head` to the
// bit.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_HEAD_OPS_TD
#define BITNET_HEAD_OPS_TD

def BitNet_RowLengthOp : BitNet_KernelOp<"row_length"> {
  let summary = "An upper bound of the Euclidean length of each row";
  let description = [{
    `result[m, 0] >= sqrt(sum over k of x[m, k]^2)`, close to it; infinite
    where the sum is not below 2^120.

    Constraints:
    * (row_length_c1) the result has one column.
  }];
  let arguments = (ins BitNet_F32Data:$x, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def BitNet_ScreenHeadOp : BitNet_KernelOp<"screen_head"> {
  let summary = "Bounds of logits from a sketch of the output embedding";
  let description = [{
    With a[m, v] = scale[v] * (sum over k of x[m, k] * f32(sketch[v, k])), the
    sum in the order of `lm_head`, and e[m, v] = length[m, 0] * bound[v] + 2^-80:

    ```
    upper[m, v] = a[m, v] + e[m, v]
    peaks[m, b] = max over rows v of block b of a[m, v] - e[m, v]
    ```
    Block b has the rows from b * `block` on. NaN are left out of the maximum.

    ```mlir
    %upper, %peaks = bitnet.screen_head %x, %length, %sketch, %scale, %bound block 16
        : (tensor<?x64xf32>, tensor<?x1xf32>, tensor<40x64xi8>, tensor<40xf32>, tensor<40xf32>)
        -> (tensor<?x40xf32>, tensor<?x3xf32>)
    ```

    Constraints:
    * (screen_head_c1) `x` has the columns of the sketch, `length` one.
    * (screen_head_c2) scale and bound have as many columns as the sketch has
      rows.
    * (screen_head_c3) two f32 results or destinations of rank 2: one with as
      many columns, one with a column for each block of a positive number of
      rows.
  }];
  let arguments = (ins BitNet_F32Data:$x, BitNet_F32Data:$length,
                       BitNet_ByteData:$sketch, BitNet_F32Vector:$scale,
                       BitNet_F32Vector:$bound, Variadic<AnyMemRef>:$outs,
                       I64Attr:$block);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $length `,` $sketch `,` $scale `,` $bound (`into` $outs^)? `block`
    $block attr-dict `:` functional-type(operands, results)
  }];
}

def BitNet_KthLargestOp : BitNet_KernelOp<"kth_largest"> {
  let summary = "The k-th largest number of each row";
  let description = [{
    `result[m, 0]` is the `count`-th largest of row m of `x`; -inf if there are
    fewer. NaN do not count.

    Constraints:
    * (kth_largest_c1) the result has one column.
  }];
  let arguments = (ins BitNet_F32Data:$x, Index:$count,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $count (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_RescoreHeadOp : BitNet_KernelOp<"rescore_head"> {
  let summary = "Logits of the rows that a screening has left";
  let description = [{
    `result[m, v]` is that of `lm_head` to the bit, or -inf where
    upper[m, v] < threshold[m, 0].

    Constraints:
    * (rescore_head_c1) `x` has the columns of the table, `threshold` one.
    * (rescore_head_c2) `upper` and the result have as many columns as the table
      has rows.
  }];
  let arguments = (ins BitNet_F32Data:$x, BitNet_FloatData:$table,
                       BitNet_F32Data:$upper, BitNet_F32Data:$threshold,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $table `,` $upper `,` $threshold (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

#endif // BITNET_HEAD_OPS_TD
