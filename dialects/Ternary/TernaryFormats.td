//===- TernaryFormats.td - Packing formats, one record each ---------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef TERNARY_FORMATS_TD
#define TERNARY_FORMATS_TD

include "dialects/Ternary/TernaryInterfaces.td"

/// Geometry of one packing format: a tile of `rows` rows is a sequence of
/// steps of `cols` columns and `bytes` bytes. Matrices have fewer than `limit`
/// columns, so that no sum, scaled ones included, leaves 32 bits.
class Ternary_Format<string name, string mnem, int rows, int cols, int bytes,
                     bit tables, int limit>
    : AttrDef<Ternary_Dialect, name, [PackingFormatInterface]> {
  let mnemonic = mnem;
  let extraClassDeclaration = [{
    static int64_t getTileRows() { return }] # rows # [{; }
    static int64_t getStepCols() { return }] # cols # [{; }
    static int64_t getStepBytes() { return }] # bytes # [{; }
    static bool usesTables() { return }] # !if(tables, "true", "false") # [{; }
    static int64_t getColumnLimit() { return }] # limit # [{; }
    static ::llvm::StringRef getFormatName() { return getMnemonic(); }
  }];
}

def Ternary_I2 : Ternary_Format<"I2", "i2", 64, 4, 64, 0, 98000> {
  let summary = "2 bits per weight, four rows per byte, for dot products";
  let description = [{
    One step is 64 bytes = 16 lanes x 4 columns; byte `4*l + c` holds the codes
    (weight + 1) of column `c` of the four rows `l`, `16+l`, `32+l`, `48+l`:

    ```
    bit   7 6 | 5 4 | 3 2 | 1 0
    row  48+l |32+l |16+l |  l
    ```
    One broadcast of four activations serves 64 rows. Whole bytes, up to 170, are
    multiplied: 170 * 128 * K < 2^31 for K < 98000.
  }];
}

def Ternary_T5 : Ternary_Format<"T5", "t5", 80, 4, 64, 0, 33000> {
  let summary = "1.6 bits per weight, five rows per byte, for dot products";
  let description = [{
    One step is 64 bytes = 16 lanes x 4 columns; byte `4*l + c` holds column `c`
    of the five rows `l`, `16+l`, `32+l`, `48+l`, `64+l`: the base-3 number v
    of their codes (weight + 1), row `l` first, stored as `ceil(256*v / 243)`.

    The next code is the carry of three times the byte, and the product modulo
    256 is the byte of the remaining codes; needs VNNI or dotprod. Sums carry a
    factor 256: 256 * 2 * 127 * K < 2^31 for K < 33000.
  }];
}

def Ternary_TL1 : Ternary_Format<"TL1", "tl1", 32, 4, 32, 1, 16000000> {
  let summary = "2 bits per weight, 4-bit index of a pair, for table lookup";
  let description = [{
    The index of two neighbouring weights is `3*(w0+1) + (w1+1)`, 0..8 (the TL1
    layout idea of bitnet.cpp). One step is 32 bytes = 32 rows x 2 pairs; byte
    `r` holds row `r`: the pair of columns 0,1 in bits 3:0, of 2,3 in bits 7:4.
  }];
}

#endif // TERNARY_FORMATS_TD
