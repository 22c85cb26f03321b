//===- BitNetHeadOps.td - Heads of fewer bytes ----------------------------===//
//
// The output embedding is the largest read of a token. Where only the highest
// logits are wanted, a sketch of it in 7 bits bounds every logit, and only rows
// that may be among the highest are computed from the table itself. No rounding is hidden in this: the bounds are rigorous
// (include/bitnetc/Formats/HeadSketch.h), the logits those of `lm_head` to the
// bit. `integer_head` is another head instead: it changes logits.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_HEAD_OPS_TD
#define BITNET_HEAD_OPS_TD

def BitNet_FixedPointOp : BitNet_KernelOp<"fixed_point"> {
  let summary = "Hidden states in fixed point, as two digits of 7 bits";
  let description = [{
    With a = max over k of |x[m, k]|, t = a / 8191 or, below a = 2^-100, 0, and
    X[k] = x[m, k] / t, times 8191 / a and rounded to nearest even,

    ```
    digits[m, k] = (X[k] + 8192) / 128      digits[m, P + k] = (X[k] + 8192) mod 128
    facts[m] = t, length, error
    ```
    P is the number of columns, padded with zeros to a multiple of 32;
    length >= sqrt(sum over k of x[m, k]^2) and
    error >= sqrt(sum over k of (x[m, k] - t X[k])^2), both close. Where the first
    sum is not below 2^120, t is NaN and both are infinite.

    ```mlir
    %digits, %facts = bitnet.fixed_point %x
        : (tensor<?x70xf32>) -> (tensor<?x192xi8>, tensor<?x3xf32>)
    ```

    Constraints:
    * (fixed_point_c1) two results or destinations of rank 2: bytes with 2 P
      columns and f32 with 3.
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
    The sketch is an int7 table with facts of its rows
    (dialects/BitNet/HeadTable.h): 16 rows a tile. In f64, with S the
    exact integer sum over k of X[m, k] * table[v, k],

    ```
    a[m, v] = scale[v] * t[m] * S
    e[m, v] = length[m] * bound[v] + error[m] * sketchLength[v]
    upper[m, v] = f32(a[m, v] + e[m, v])
    peaks[m, i] = max over the rows v of tile i of f32(a[m, v] - e[m, v])
    ```
    NaN are left out of the maximum.

    ```mlir
    %upper, %peaks = bitnet.screen_head %digits, %facts, %table, %row_facts
        : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>)
        -> (tensor<?x40xf32>, tensor<?x3xf32>)
    ```

    Constraints:
    * (screen_head_c1) a tile of the table has 7 bytes for each digit column,
      2 P columns in all; states have 3 facts.
    * (screen_head_c2) a tile has 64 facts.
    * (screen_head_c3) two f32 results or destinations of rank 2: one with a
      column for each row, up to 16 for each tile, one with one for each tile.
  }];
  let arguments = (ins BitNet_ByteData:$digits, BitNet_F32Data:$facts,
                       BitNet_ByteData:$table, BitNet_F32Data:$row_facts,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $digits `,` $facts `,` $table `,` $row_facts (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_IntegerHeadOp : BitNet_KernelOp<"integer_head"> {
  let summary = "Logits from an output embedding in int8 or int4";
  let description = [{
    The table and the facts of its rows are those of
    include/bitnetc/Formats/HeadTable.h, with X and t of `fixed_point`:

    ```
    bits 8: result[m, v] = f32(f64(scale[v]) * t[m] * S), S the exact integer
                           sum over k of X[m, k] * table[v, k]
    bits 4: result[m, v] = t[m] * (-8192 * sum[v] + sum over groups g of
                           scale[g, v] * f32(G))
    ```
    G is the exact integer sum over the columns k of the group of
    (X[m, k] + 8192) * 16 * table[v, k]; groups are added in their order, with
    fused multiply-adds, the first to zero and the sum of the row last.

    Constraints:
    * (integer_head_c1) `bits` is 8 or 4; a tile of the table has the bytes of 16
      rows of P columns, digits have 2 P columns, states have 3 facts.
    * (integer_head_c2) a tile has 64 facts for 8 bits, 16 for 4.
    * (integer_head_c3) one f32 result of rank 2 with a column for each row, up to
      16 for each tile.
  }];
  let arguments = (ins BitNet_ByteData:$digits, BitNet_F32Data:$facts,
                       BitNet_ByteData:$table, BitNet_F32Data:$row_facts,
                       Variadic<AnyMemRef>:$outs, I64Attr:$bits);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $digits `,` $facts `,` $table `,` $row_facts (`into` $outs^)? `bits` $bits
    attr-dict `:` functional-type(operands, results)
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
