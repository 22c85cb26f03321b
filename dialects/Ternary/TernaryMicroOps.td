//===- TernaryMicroOps.td - A portable instruction set for inner loops ----===//
//
// Formats write their inner loops in these and in vector/arith operations;
// lib/Conversion/MicroOpsTo<ISA> lowers them. Vectors may be wider than the
// target's registers: the lowering splits them.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef TERNARY_MICRO_OPS_TD
#define TERNARY_MICRO_OPS_TD

def Ternary_Dot4Op : Ternary_Op<"dot4", [Pure, AllTypesMatch<["acc", "result"]>,
                                         AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "Four-way int8 dot product added to 32-bit lanes";
  let description = [{
    `result[i] = acc[i] + sum over j in 0..3 of lhs[4i+j] * rhs[4i+j]`, `lhs`
    read as unsigned, `rhs` as signed bytes. No intermediate overflows.
    `max` is the largest value any byte of `lhs` has at run time (a promise of
    the format); targets without a full unsigned x signed product need it:
    below 128 a signed dot product or vpmaddubsw is exact. With `signed`, `lhs`
    is read as signed bytes, `max` bounds their absolute values, and only
    targets with a signed dot product (`TargetInfo::signedDot`) have it.

    ```mlir
    %r = ternary.dot4 %acc, %w, %x max 63 : vector<16xi32>, vector<64xi8>
    ```

    Constraints:
    * (dot4_c1) `lhs` has four times the elements of `acc`, a multiple of 4 lanes.
    * (dot4_c2) `max` is between 1 and 255.
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$acc,
                       VectorOfRankAndType<[1], [I8]>:$lhs,
                       VectorOfRankAndType<[1], [I8]>:$rhs,
                       I64Attr:$max, UnitAttr:$signed_lhs);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = [{
    $acc `,` $lhs `,` $rhs `max` $max (`signed` $signed_lhs^)? attr-dict `:` type($acc) `,` type($lhs)
  }];
  let hasVerifier = 1;
}

def Ternary_Dot2Op : Ternary_Op<"dot2", [Pure, AllTypesMatch<["acc", "result"]>,
                                         AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "Two-way int8 dot product added to 16-bit words";
  let description = [{
    `result[i] = acc[i] + lhs[2i] * rhs[2i] + lhs[2i+1] * rhs[2i+1]`, `lhs` read
    as unsigned bytes of at most `max`, `rhs` as signed bytes. The format
    promises that no sum leaves 16 bits: n of them stay within
    n * 2 * `max` * 128. vpmaddubsw and vpaddw on x86, smull and addp on AArch64:
    for targets whose `ternary.dot4` is several instructions.

    ```mlir
    %r = ternary.dot2 %acc, %w, %x max 8 : vector<32xi16>, vector<64xi8>
    ```

    Constraints:
    * (dot2_c1) `lhs` has twice the elements of `acc`, a multiple of 8 words.
    * (dot2_c2) `max` is between 1 and 127.
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I16]>:$acc,
                       VectorOfRankAndType<[1], [I8]>:$lhs,
                       VectorOfRankAndType<[1], [I8]>:$rhs,
                       I64Attr:$max);
  let results = (outs VectorOfRankAndType<[1], [I16]>:$result);
  let assemblyFormat = [{
    $acc `,` $lhs `,` $rhs `max` $max attr-dict `:` type($acc) `,` type($lhs)
  }];
  let hasVerifier = 1;
}

def Ternary_ByteLookupOp : Ternary_Op<"byte_lookup", [Pure,
                                       AllTypesMatch<["indices", "result"]>]> {
  let summary = "Look bytes up in a table of 16 or 32";
  let description = [{
    `result[i] = table[indices[i] mod n]`, n the table's size. pshufb or vpermb
    on x86 (a table of 32 without AVX-512VBMI: two pshufb), tbl on AArch64.
    Masks that it needs cost nothing where indices are small already.

    ```mlir
    %r = ternary.byte_lookup %table, %i : vector<16xi8>, vector<32xi8>
    ```

    Constraints:
    * (byte_lookup_c1) `indices` has a multiple of 16 elements.
  }];
  let arguments = (ins VectorOfLengthAndType<[16, 32], [I8]>:$table,
                       VectorOfRankAndType<[1], [I8]>:$indices);
  let results = (outs VectorOfRankAndType<[1], [I8]>:$result);
  let assemblyFormat = [{
    $table `,` $indices attr-dict `:` type($table) `,` type($indices)
  }];
  let hasVerifier = 1;
}

def Ternary_WordLookupOp : Ternary_Op<"word_lookup", [Pure,
                                       AllTypesMatch<["indices", "result"]>]> {
  let summary = "Look 16-bit words up in a table of 32";
  let description = [{
    `result[i] = table[indices[i] mod 32]`. vpermw of AVX-512BW; other targets do
    not have it (`TargetInfo::wordLookup`).

    ```mlir
    %r = ternary.word_lookup %table, %i : vector<32xi16>, vector<64xi16>
    ```

    Constraints:
    * (word_lookup_c1) `indices` has a multiple of 32 elements.
  }];
  let arguments = (ins VectorOfLengthAndType<[32], [I16]>:$table,
                       VectorOfRankAndType<[1], [I16]>:$indices);
  let results = (outs VectorOfRankAndType<[1], [I16]>:$result);
  let assemblyFormat = [{
    $table `,` $indices attr-dict `:` type($table) `,` type($indices)
  }];
  let hasVerifier = 1;
}

def Ternary_OpaqueOp : Ternary_Op<"opaque", [Pure,
                                   AllTypesMatch<["value", "result"]>]> {
  let summary = "The same value, hidden from algebraic simplification";
  let description = [{
    Keeps LLVM from rewriting a chain of cheap operations into costly ones:
    InstCombine folds ((x*3)*3) of bytes into a multiplication by 9, for which
    vectors have no instruction. Lowered to an empty inline assembly.

    ```mlir
    %y = ternary.opaque %x : vector<64xi8>
    ```
  }];
  let arguments = (ins AnyVectorOfAnyRank:$value);
  let results = (outs AnyVectorOfAnyRank:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Ternary_TileDotOp : Ternary_Op<"tile_dot", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    RecursiveMemoryEffects, SingleBlock, NoTerminator]> {
  let summary = "Matrix-tile product: tokens by a panel of decoded weights";
  let description = [{
    For tiles t of 16 tokens m, groups g of 16 rows l and columns
    k = 64b + 4i + c, i below 16,

    ```
    products[16t + m, 16g + l] = sum over k of
        activations_t[m, k] * panel[(first + b) mod P, 16g + i, 4l + c]
    ```
    the panel read as unsigned bytes, exact in 32 bits. Its P parts are a ring;
    each has tiles of 64 columns for at least as many groups as products have.
    AMX on x86 (TDPBSUD); targets without matrix tiles never get it
    (`TargetInfo::tileTokens`).

    ```mlir
    ternary.tile_dot %x by %panel[%first] into %r
        : memref<16x384xi8> by memref<6x64x64xi8> into memref<16x64xi32>
    ```

    `beside` is work for the instructions that a matrix unit leaves free. Its
    argument is a column. It runs once for every 64 columns, in order, when their
    part of the panel has been read, so that it may decode what follows over that
    part; or for every `step` columns, spread among the products of their part,
    which it must not write then.

    ```mlir
    ternary.tile_dot %x, %y by %panel[%first] into %r beside {
    ^bb0(%column: index):
      memref.prefetch %bytes[%column], read, locality<2>, data : memref<4096xi8>
    } : memref<16x384xi8>, memref<16x384xi8> by memref<4x32x64xi8>
      into memref<32x32xi32>
    ```

    Constraints:
    * (tile_dot_c1) all activations have 16 rows and the same number of columns, a
      multiple of 64; a part of the panel has a multiple of 16 rows of 64 bytes.
    * (tile_dot_c2) products have as many rows as all activations, 16 columns for
      each group, no more groups than the panel, and are at most 6 tiles of
      16 x 16.
    * (tile_dot_c3) `beside` has one argument, an index.
    * (tile_dot_c4) `step` is a power of two up to 64.
  }];
  let arguments = (ins Variadic<MemRefRankOf<[I8], [2]>>:$activations,
                       MemRefRankOf<[I8], [3]>:$panel, Index:$first,
                       MemRefRankOf<[I32], [2]>:$products,
                       DefaultValuedAttr<I64Attr, "64">:$step);
  let regions = (region MaxSizedRegion<1>:$beside);
  let assemblyFormat = [{
    $activations `by` $panel `[` $first `]` `into` $products (`beside` $beside^)?
    attr-dict `:` type($activations) `by` type($panel) `into` type($products)
  }];
  let hasVerifier = 1;
}

#endif // TERNARY_MICRO_OPS_TD
