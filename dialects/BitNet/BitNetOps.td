//===- BitNetOps.td - Operations of the bitnet dialect --------------------===//
//
// Activations are f32 [tokens, features].
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_OPS_TD
#define BITNET_OPS_TD

class BitNet_Op<string mnemonic, list<Trait> traits = []>
    : Op<BitNet_Dialect, mnemonic, traits>;

/// Tensor form without effects, memref form with destinations.
class BitNet_KernelOp<string mnemonic, list<Trait> traits = []>
    : BitNet_Op<mnemonic,
                !listconcat(traits,
                            [DeclareOpInterfaceMethods<KernelOpInterface,
                                                       ["getTokenOperands"]>,
                             DeclareOpInterfaceMethods<
                                 MemoryEffectsOpInterface>])> {
  let hasVerifier = 1;
}

def BitNet_WeightOp : BitNet_Op<"weight", [Symbol]> {
  let summary = "A named constant of the model";
  let description = [{
    `sources` name weights of the model file (lib/Import): ternary matrices are
    i2 tensors (-1, 0, +1), several sources are stacked by rows; `NAME.scale`
    is the matrix's scale, repeated for each 16 rows, or for each row if stacked
    matrices do not meet at a multiple of 16; norms, embedding and head keep
    their dtype. A weight for tests has a `value` instead of sources.
    `ternary-pack-weights` gives it its packed type, `bitnet-plan-memory` its
    offset in the weight section.

    ```mlir
    bitnet.weight @layers.0.qkv from ["layers.0.q", "layers.0.k", "layers.0.v"] : tensor<3840x2560xi2>
    bitnet.weight @norm = dense<1.0> : tensor<64xf32> : tensor<64xf32>
    ```

    Constraints:
    * (weight_c1) either sources or a value of the same shape.
    * (weight_c2) the type is a static tensor or packed.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type,
                       OptionalAttr<StrArrayAttr>:$sources,
                       OptionalAttr<ElementsAttr>:$value,
                       OptionalAttr<I64Attr>:$offset);
  let assemblyFormat = [{
    $sym_name (`from` $sources^)? (`at` $offset^)? (`=` $value^)? attr-dict `:` $type
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Bytes of the weight in the weight section.
    int64_t getSizeInBytes();
  }];
}

def BitNet_WeightRefOp : BitNet_Op<"weight_ref",
    [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a named constant";
  let description = [{
    ```mlir
    %w = bitnet.weight_ref @layers.0.qkv : tensor<3840x2560xi2>
    ```

    Constraints:
    * (weight_ref_c1) the symbol is a `bitnet.weight` of the result's type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def BitNet_EmbeddingOp : BitNet_KernelOp<"embedding"> {
  let summary = "Rows of the embedding matrix";
  let description = [{
    `result[m, :] = f32(table[tokens[m], :])`.

    Constraints:
    * (embedding_c1) the result has the columns of the table.
  }];
  let arguments = (ins BitNet_Tokens:$tokens, BitNet_FloatData:$table,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $tokens `,` $table (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_RMSNormOp : BitNet_KernelOp<"rms_norm"> {
  let summary = "Root-mean-square normalisation (arXiv:1910.07467)";
  let description = [{
    `result[m, k] = gain[k] * (x[m, k] * r)`, r the f32 reciprocal
    `1 / sqrt(mean over k of x[m, k]^2 + eps)`.
    The mean is summed in 16 lanes (lane k mod 16), then by halves.

    Constraints:
    * (rms_norm_c1) gain and result have the columns of `x`.
  }];
  let arguments = (ins BitNet_F32Data:$x, BitNet_FloatVector:$gain,
                       Variadic<AnyMemRef>:$outs, F32Attr:$eps);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $gain (`into` $outs^)? `eps` $eps attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_BitLinearOp : BitNet_KernelOp<"bitlinear"> {
  let summary = "The BitLinear layer of BitNet b1.58 (arXiv:2402.17764)";
  let description = [{
    Quantises `x` per token to int8 by its largest magnitude, multiplies by the
    ternary weights exactly and rescales:

    ```
    s = 127 / max(max |x[m]|, 1e-5)   q = clamp(round(x[m] * s), -128, 127)
    result[m, n] = (sum over k of q[k] * weights[n, k]) / s * scale[n / r]
    ```
    where r = 1 if there is a scale for each row, and else 16.
    ```mlir
    %y = bitnet.bitlinear %x, %w, %s
        : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<2xf32>) -> tensor<?x32xf32>
    ```

    Constraints:
    * (bitlinear_c1) the columns of `x` are K of `weights`.
    * (bitlinear_c2) the columns of the result are N of `weights`; there is one
      scale for each of them, or for each 16 of them.
  }];
  let arguments = (ins BitNet_F32Data:$x, BitNet_Matrix:$weights,
                       BitNet_F32Vector:$scale, Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $weights `,` $scale (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_RopeAnglesOp : BitNet_KernelOp<"rope_angles"> {
  let summary = "Cosines and sines of rotary positions";
  let description = [{
    Row m holds, for the position p of token m and every frequency f of
    `frequencies` (D/2 of them), cos(p*f) in columns 0..D/2-1 and sin(p*f) in
    D/2..D-1. p is `position` + m, or the second column of row m of `position`.
    The product p*f is rounded to f32, as transformers does; cosine and sine are
    those of the rounded angle.

    Constraints:
    * (rope_angles_c1) the result has twice the columns of `frequencies`, a
      static number.
    * (rope_angles_c2) places have two columns and a row for each token.
  }];
  let arguments = (ins BitNet_Places:$position, BitNet_F32Vector:$frequencies,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $position `,` $frequencies (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_RopeOp : BitNet_KernelOp<"rope"> {
  let summary = "Rotate queries or keys by their position (arXiv:2104.09864)";
  let description = [{
    Every head of `dim` columns (the columns of `angles`) is rotated in halves,
    as transformers' rotate_half: with c, s the cosine and sine of column j,
    `y[j] = x[j]*c - x[j+dim/2]*s`, `y[j+dim/2] = x[j+dim/2]*c + x[j]*s`.

    Constraints:
    * (rope_c1) the columns of `x` are a multiple of the columns of `angles`, a
      positive, even number.
    * (rope_c2) the result has the columns of `x`.
  }];
  let arguments = (ins BitNet_F32Data:$x, BitNet_F32Data:$angles,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $angles (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_GatedActOp : BitNet_KernelOp<"gated_act"> {
  let summary = "Activation of the gate times the up projection";
  let description = [{
    `result = act(gate) * up`; silu(x) = x / (1 + e^-x), relu2(x) = max(x, 0)^2.

    ```mlir
    %y = bitnet.gated_act relu2 %gate, %up
        : (tensor<?x96xf32>, tensor<?x96xf32>) -> tensor<?x96xf32>
    ```

    Constraints:
    * (gated_act_c1) gate, up and result have the same columns.
  }];
  let arguments = (ins BitNet_F32Data:$gate, BitNet_F32Data:$up,
                       Variadic<AnyMemRef>:$outs, BitNet_Activation:$kind);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $kind $gate `,` $up (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_AddOp : BitNet_KernelOp<"add"> {
  let summary = "Elementwise sum: the residual connection";
  let description = [{
    Constraints:
    * (add_c1) operands and result have the same columns.
  }];
  let arguments = (ins BitNet_F32Data:$lhs, BitNet_F32Data:$rhs,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $lhs `,` $rhs (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_LMHeadOp : BitNet_KernelOp<"lm_head"> {
  let summary = "Logits: hidden states times the output embedding";
  let description = [{
    `result[m, v] = sum over k of x[m, k] * f32(table[v, k])` in f32, summed in
    16 lanes (lane k mod 16), then by halves.

    Constraints:
    * (lm_head_c1) `x` has the columns of the table.
    * (lm_head_c2) the result has as many columns as the table has rows.
  }];
  let arguments = (ins BitNet_F32Data:$x, BitNet_FloatData:$table,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $x `,` $table (`into` $outs^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def BitNet_ParallelOp : BitNet_Op<"parallel", [
    RecursiveMemoryEffects, RecursivelySpeculatable]> {
  let summary = "Items shared out among the threads of the team";
  let description = [{
    The region runs for disjoint ranges [%begin, %end) that cover 0..`count`,
    in any order, on any thread (`bn_parallel_for` of the runtime). Items must
    not depend on each other, so results do not depend on the ranges.

    ```mlir
    bitnet.parallel (%begin, %end) of %count {
      scf.for %i = %begin to %end step %c1 { ... }
    }
    ```

    Constraints:
    * (parallel_c1) the region takes two values of the type of `count`.
    * (parallel_c2) it is not inside another: a team has one job at a time.
  }];
  let arguments = (ins AnyTypeOf<[Index, I64]>:$count);
  let regions = (region MinSizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Value getBegin() { return getBody().getArgument(0); }
    ::mlir::Value getEnd() { return getBody().getArgument(1); }
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    /// An empty body with its terminator.
    OpBuilder<(ins "::mlir::Value":$count)>
  ];
}

def BitNet_YieldOp : BitNet_Op<"yield", [Pure, Terminator,
                                         HasParent<"ParallelOp">]> {
  let summary = "End of a `bitnet.parallel` region";
  let assemblyFormat = "attr-dict";
}

#endif // BITNET_OPS_TD
