//===- TernaryTypes.td - Types of the ternary dialect ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef TERNARY_TYPES_TD
#define TERNARY_TYPES_TD

def Ternary_PackedType : TypeDef<Ternary_Dialect, "Packed"> {
  let mnemonic = "packed";
  let summary = "an N x K ternary matrix stored in a packing format";
  let description = [{
    N rows (outputs) and K columns (inputs), any positive numbers; the bytes
    hold whole tiles and steps of the format, padded with zero weights.

    Example: `!ternary.packed<2560 x 6912, #ternary.i2>`

    Constraints:
    * (packed_c1) N and K are positive and below 2^31.
  }];
  let parameters = (ins "int64_t":$n, "int64_t":$k,
                        "::bitnetc::ternary::PackingFormatInterface":$format);
  let assemblyFormat = "`<` $n `x` $k `,` $format `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Number of row tiles, the last perhaps with padding rows.
    int64_t getNumTiles() const;
    /// Number of column steps of every tile.
    int64_t getNumSteps() const;
    /// Bytes of one row tile.
    int64_t getTileBytes() const;
    /// Bytes of the whole matrix.
    int64_t getSizeInBytes() const;
  }];
}

/// A value that is a tensor before memory planning and a memref after it.
class Ternary_TensorOrMemRef<list<Type> elements, int rank>
    : AnyTypeOf<[TensorRankOf<elements, [rank]>,
                 MemRefRankOf<elements, [rank]>]>;

// Data has tokens and columns, vectors have one number for each of either.
def Ternary_F32Data : Ternary_TensorOrMemRef<[F32], 2>;
def Ternary_F32Vector : Ternary_TensorOrMemRef<[F32], 1>;
def Ternary_I8Data : Ternary_TensorOrMemRef<[I8], 2>;
def Ternary_I32Data : Ternary_TensorOrMemRef<[I32], 2>;
def Ternary_I32Vector : Ternary_TensorOrMemRef<[I32], 1>;
/// Any ternary matrix can be packed: the same bounds as those of packed types.
def Ternary_Unpacked
    : ConfinedType<RankedTensorOf<[I<2>]>,
                   [HasAnyRankOfPred<[2]>,
                    CPred<"::bitnetc::ternary::isMatrixShape("
                          "::llvm::cast<::mlir::RankedTensorType>($_self)"
                          ".getShape())">],
                   "ternary matrix with static, positive N and K">;
def Ternary_Matrix : AnyTypeOf<[Ternary_Unpacked, Ternary_PackedType]>;

#endif // TERNARY_TYPES_TD
