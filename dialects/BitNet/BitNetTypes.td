//===- BitNetTypes.td - Types and enums of the bitnet dialect -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_TYPES_TD
#define BITNET_TYPES_TD

def BitNet_KVCacheType : TypeDef<BitNet_Dialect, "KVCache"> {
  let mnemonic = "kv_cache";
  let summary = "keys and values of all positions so far";
  let description = [{
    Layers x key-value heads x head dimension, for as many positions as the
    program reserves at run time. Planned into
    `memref<layers x 2 x heads x ? x row>`: keys, then values; every head's
    positions follow each other in blocks of 16, one row each:

    * keys: `[dim][16 positions]`, so that a vector of 16 lanes holds one column
      of 16 keys and scores need no folding;
    * values: `[16 positions][dim]`;
    * i8: behind that the f32 scales of the 16 positions, 64 bytes. An element
      is `round(x * (127 / max))`, half to even, its scale `max / 127`, where
      `max` is the largest magnitude of the position's `dim` numbers in this
      head; both divisions are rounded to f32.

    The caches of up to `sequences` texts, one behind the other, have these as
    one more dimension in front.

    Examples: `!bitnet.kv_cache<30 x 5 x 128 x f32>`,
    `!bitnet.kv_cache<30 x 5 x 128 x f32, sequences = 16>`

    Constraints:
    * (kv_cache_c1) all numbers are positive, elements are f32, f16 or i8.
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$heads, "int64_t":$headDim,
                        "::mlir::Type":$elementType,
                        DefaultValuedParameter<"int64_t", "1">:$sequences);
  let assemblyFormat = [{
    `<` $layers `x` $heads `x` $headDim `x` $elementType
    (`,` `sequences` `=` $sequences^)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The memref that holds the cache: [layers, 2, heads, ?, row], that of
    /// several sequences [sequences, layers, 2, heads, ?, row].
    ::mlir::MemRefType getMemRefType();
    /// The same caches with another number of layers.
    KVCacheType withLayers(int64_t layers) const {
      return get(getContext(), layers, getHeads(), getHeadDim(),
                 getElementType(), getSequences());
    }
    KVCacheType withSequences(int64_t sequences) const {
      return get(getContext(), getLayers(), getHeads(), getHeadDim(),
                 getElementType(), sequences);
    }
  }];
}

def BitNet_Activation : I32EnumAttr<"ActivationKind",
    "activation of a gated feed-forward block", [
      I32EnumAttrCase<"silu", 0>, I32EnumAttrCase<"relu2", 1>]> {
  let cppNamespace = "::bitnetc::bitnet";
}

class BitNet_TensorOrMemRef<list<Type> elements, int rank>
    : AnyTypeOf<[TensorRankOf<elements, [rank]>,
                 MemRefRankOf<elements, [rank]>]>;

// Data has tokens (or rows) and columns, vectors have one number for each.
def BitNet_F32Data : BitNet_TensorOrMemRef<[F32], 2>;
def BitNet_F32Vector : BitNet_TensorOrMemRef<[F32], 1>;
def BitNet_FloatData : BitNet_TensorOrMemRef<[F32, F16, BF16], 2>;
def BitNet_FloatVector : BitNet_TensorOrMemRef<[F32, F16, BF16], 1>;
def BitNet_ByteData : BitNet_TensorOrMemRef<[I8], 2>;
def BitNet_Tokens : BitNet_TensorOrMemRef<[I32], 1>;
def BitNet_Matrix
    : ConfinedType<RankedTensorOf<[I<2>]>,
                   [HasAnyRankOfPred<[2]>,
                    CPred<"::bitnetc::ternary::isMatrixShape("
                          "::llvm::cast<::mlir::RankedTensorType>($_self)"
                          ".getShape())">],
                   "ternary matrix with static, positive N and K">;
def BitNet_Cache
    : AnyTypeOf<[BitNet_KVCacheType, MemRefRankOf<[F32, F16, I8], [4, 5]>]>;
// Where tokens stand: the position of the first, the others follow it; or a
// row (sequence, position) for each token.
def BitNet_Places
    : AnyTypeOf<[Index, TensorRankOf<[I32], [2]>, MemRefRankOf<[I32], [2]>]>;

#endif // BITNET_TYPES_TD
