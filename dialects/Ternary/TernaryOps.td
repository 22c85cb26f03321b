//===- TernaryOps.td - Tensor-level operations of the ternary dialect -----===//
//
// Activations are [tokens, K]. Their K is rounded up to a multiple of 64 by
// `quantize`, with zeros, so that every format's step fits.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef TERNARY_OPS_TD
#define TERNARY_OPS_TD

class Ternary_Op<string mnemonic, list<Trait> traits = []>
    : Op<Ternary_Dialect, mnemonic, traits>;

/// Tensor form without effects, memref form with destinations.
class Ternary_KernelOp<string mnemonic, list<Trait> traits = []>
    : Ternary_Op<mnemonic,
                 !listconcat(traits,
                             [DeclareOpInterfaceMethods<KernelOpInterface,
                                                        ["getTokenOperands"]>,
                              DeclareOpInterfaceMethods<
                                  MemoryEffectsOpInterface>])> {
  let hasVerifier = 1;
}

def Ternary_QuantizeOp : Ternary_KernelOp<"quantize"> {
  let summary = "Quantise activations to int8, per token by their largest value";
  let description = [{
    For every token (row) x of length K, as in BitNet b1.58 (arXiv:2402.17764)
    and transformers `ActQuant`:

    ```
    s    = 127 / max(max |x|, 1e-5)
    q[k] = clamp(round_half_even(x[k] * s), -128, 127),  0 for k >= K
    inverse = 1 / s            sum = sum over k of q[k]
    ```
    ```mlir
    %q, %inv, %sum = ternary.quantize %x
        : (tensor<?x100xf32>) -> (tensor<?x128xi8>, tensor<?xf32>, tensor<?xi32>)
    ```

    Constraints:
    * (quantize_c1) the columns of `q` are those of `x`, a static number, rounded
      up to 64.
  }];
  let arguments = (ins Ternary_F32Data:$x, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Ternary_PackOp : Ternary_Op<"pack", [Pure]> {
  let summary = "Store a ternary matrix in a packing format";
  let description = [{
    ```mlir
    %p = ternary.pack %w : tensor<64x128xi2> -> !ternary.packed<64 x 128, #ternary.i2>
    ```
    `ternary-pack-weights` folds it into the weight it reads.

    Constraints:
    * (pack_c1) both types have the same N and K.
  }];
  let arguments = (ins Ternary_Unpacked:$weights);
  let results = (outs Ternary_PackedType:$packed);
  let assemblyFormat = [{
    $weights attr-dict `:` type($weights) `->` qualified(type($packed))
  }];
  let hasVerifier = 1;
}

def Ternary_UnpackOp : Ternary_Op<"unpack", [Pure]> {
  let summary = "The ternary matrix that a packed one stores";
  let description = [{
    The inverse of `ternary.pack`; `unpack(pack(x))` folds to `x`.

    Constraints:
    * (unpack_c1) both types have the same N and K.
  }];
  let arguments = (ins Ternary_PackedType:$packed);
  let results = (outs Ternary_Unpacked:$weights);
  let assemblyFormat = [{
    $packed attr-dict `:` qualified(type($packed)) `->` type($weights)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Ternary_ViewOp : Ternary_Op<"view", [Pure]> {
  let summary = "See bytes in memory as a packed matrix";
  let description = [{
    ```mlir
    %w = ternary.view %bytes : memref<4096xi8> -> !ternary.packed<64 x 256, #ternary.i2>
    ```

    Constraints:
    * (view_c1) the memref has exactly the bytes of the packed type.
  }];
  let arguments = (ins MemRefRankOf<[I8], [1]>:$bytes);
  let results = (outs Ternary_PackedType:$packed);
  let assemblyFormat = [{
    $bytes attr-dict `:` type($bytes) `->` qualified(type($packed))
  }];
  let hasVerifier = 1;
}

def Ternary_TileOp : Ternary_Op<"tile", [Pure]> {
  let summary = "One row tile of a packed matrix";
  let description = [{
    Tile `i` holds rows `i*R` to `i*R + R - 1`, R the format's tile rows; rows
    past N are zero.

    ```mlir
    %t = ternary.tile %w[%i] : !ternary.packed<100 x 256, #ternary.i2> -> !ternary.packed<64 x 256, #ternary.i2>
    ```

    Constraints:
    * (tile_c1) the result has the format and K of the source, and N = R.
  }];
  let arguments = (ins Ternary_PackedType:$source, Index:$index);
  let results = (outs Ternary_PackedType:$tile);
  let assemblyFormat = [{
    $source `[` $index `]` attr-dict `:` qualified(type($source)) `->`
    qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Ternary_MatmulOp : Ternary_KernelOp<"matmul"> {
  let summary = "Multiply int8 activations by a ternary matrix, exactly";
  let description = [{
    `result[m, n] = sum over k of activations[m, k] * weights[n, k]` in 32-bit
    integers. **The result does not depend on packing format, target, tile size
    or thread count**: no format may let an intermediate sum overflow. `sums`
    are the row sums of the activations, for formats whose codes are biased.

    ```mlir
    %r = ternary.matmul %a, %s, %w
        : (tensor<?x6912xi8>, tensor<?xi32>, !ternary.packed<2560 x 6912, #ternary.i2>)
       -> tensor<?x2560xi32>
    ```

    Constraints:
    * (matmul_c1) the columns of `activations` are K of `weights` rounded up to 64.
    * (matmul_c2) the last dimension of the result is N of `weights`.
    * (matmul_c3) K is below the limit of the weights' format, or below 16000000
      where they have none yet, so that sums fit in 32 bits.
  }];
  let arguments = (ins Ternary_I8Data:$activations, Ternary_I32Vector:$sums,
                       Ternary_Matrix:$weights, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $activations `,` $sums `,` $weights (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def Ternary_BuildLutOp : Ternary_KernelOp<"build_lut"> {
  let summary = "Tables of the sums that a few ternary weights can give";
  let description = [{
    For every token the tables that `format` looks its products up in: the sums
    of a few activations times all the weights that an index stands for, as the
    format's description says (the idea of bitnet.cpp, arXiv:2410.16144).

    ```mlir
    %t = ternary.build_lut #ternary.tl1, %q : (tensor<1x128xi8>) -> tensor<1x2048xi8>
    ```

    Constraints:
    * (build_lut_c1) the columns of the result are the format's bytes of tables
      for those of `activations`, a static number.
    * (build_lut_c2) the format uses tables.
  }];
  let arguments = (ins Ternary_I8Data:$activations,
                       PackingFormatInterface:$format,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $format `,` $activations (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def Ternary_LutMatmulOp : Ternary_KernelOp<"lut_matmul"> {
  let summary = "`ternary.matmul` by looking partial sums up in tables";
  let description = [{
    The same exact result as `ternary.matmul`, for formats that store indices.

    ```mlir
    %r = ternary.lut_matmul %t, %w
        : (tensor<1x2048xi8>, !ternary.packed<64 x 128, #ternary.tl1>) -> tensor<1x64xi32>
    ```

    Constraints:
    * (lut_matmul_c1) the columns of `tables` are the format's bytes of tables
      for K of `weights` rounded up to 64.
    * (lut_matmul_c2) the last dimension of the result is N of `weights`.
    * (lut_matmul_c3) the format of `weights` uses tables.
  }];
  let arguments = (ins Ternary_I8Data:$tables, Ternary_PackedType:$weights,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $tables `,` $weights (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def Ternary_RescaleOp : Ternary_KernelOp<"rescale"> {
  let summary = "Turn exact integer products into floating-point outputs";
  let description = [{
    `result[m, n] = float(products[m, n]) * (inverse[m] * scale[n / r])`, two
    roundings, where r = 1 if there are as many scales as columns, and else 16.

    ```mlir
    %y = ternary.rescale %r, %inv, %scale
        : (tensor<?x64xi32>, tensor<?xf32>, tensor<4xf32>) -> tensor<?x64xf32>
    ```
    `nontemporal` results go past the caches, and start at a cache line.

    Constraints:
    * (rescale_c1) the last dimensions of `products` and the result agree; there
      is one scale for each of these columns, or for each 16 of them.
  }];
  let arguments = (ins Ternary_I32Data:$products, Ternary_F32Vector:$inverse,
                       Ternary_F32Vector:$scale, Variadic<AnyMemRef>:$outs,
                       UnitAttr:$nontemporal);
  let extraClassDeclaration = [{
    /// Columns that one scale belongs to: 1 or kScaleRows.
    int64_t getRowsPerScale();
  }];
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $products `,` $inverse `,` $scale (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

#endif // TERNARY_OPS_TD
