//===- TernaryFormats.td - Packing formats, one record each ---------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef TERNARY_FORMATS_TD
#define TERNARY_FORMATS_TD

include "dialects/Ternary/TernaryInterfaces.td"

/// Geometry of one packing format: a tile of `rows` rows is a sequence of
/// steps of `cols` columns and `bytes` bytes. Products of a single token are looked
/// up in tables if `tables` bytes of them for every step are not 0. Matrices have
/// fewer than `limit` columns, so that no sum, scaled ones included, leaves 32
/// bits.
class Ternary_Format<string name, string mnem, int rows, int cols, int bytes,
                     int tables, int limit>
    : AttrDef<Ternary_Dialect, name, [PackingFormatInterface]> {
  let mnemonic = mnem;
  let extraClassDeclaration = [{
    static int64_t getTileRows() { return }] # rows # [{; }
    static int64_t getStepCols() { return }] # cols # [{; }
    static int64_t getStepBytes() { return }] # bytes # [{; }
    static int64_t getStepTableBytes() { return }] # tables # [{; }
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

def Ternary_TL1 : Ternary_Format<"TL1", "tl1", 64, 4, 64, 64, 16000000> {
  let summary = "2 bits per weight, 4-bit index of a pair, for table lookup";
  let description = [{
    The index of two neighbouring weights is `3*(w0+1) + (w1+1)`, 0..8 (the TL1
    layout idea of bitnet.cpp). One step is 64 bytes = 64 rows x 2 pairs: the
    pair of columns 0,1 in bits 3:0, of 2,3 in bits 7:4. Byte `16*b + 4*g + t`
    holds row `16*g + 4*b + t`, so that interleaving within blocks of 16 bytes
    gives rows in order.

    The tables of a pair (a, b) of activations are the low and the high bytes of
    16 int16 entries `(i/3 - 1)*a + (i%3 - 1)*b`, i in 0..8 (0 beyond).
  }];
}

def Ternary_TL2 : Ternary_Format<"TL2", "tl2", 48, 32, 320, 0, 390000> {
  let summary = "1.667 bits per weight, three rows in 5 bits, decoded by lookup";
  let description = [{
    The density of TL2 of bitnet.cpp, for dot products: a code of 5 bits,
    `c0 + 3*c1 + 9*c2`, holds the codes (weight + 1) of the three rows `l`,
    `16+l`, `32+l`; a table turns it into `c0 + 4*c1 + 16*c2`, whose prefixes are
    multiplied. One step is 32 columns in five vectors v0..v4 of 64 bytes = 16
    lanes x 4 columns. Byte `4*l + c` of vector i holds the code of column
    `4*i + c` in bits 4:0; the upper bits hold those of columns `20 + c`,
    `24 + c` and `28 + c`, x, y and z:

    ```
    bits  7 6 5
    v0    x2:0
    v1    x4:3 z3
    v2    y2:0
    v3    y4:3 z4
    v4    z2:0
    ```
    The largest sum is 42 * 128 * K < 2^31 for K < 390000.
  }];
}

def Ternary_TL3 : Ternary_Format<"TL3", "tl3", 96, 12, 256, 256, 16000000> {
  let summary = "1.778 bits per weight, three indices of three columns in 16 bits, for table lookup";
  let description = [{
    The index of three neighbouring weights is `9*(w0+1) + 3*(w1+1) + (w2+1)`,
    0..26. One step is four vectors of 64 bytes = 32 words, each of three
    columns. A word holds three rows: the index of row r in bits 4:0, of row
    32 + r in bits 9:5, of 64 + r in bits 14:10; bit 15 is 0. Word `8*b + 4*g + t`
    holds the rows r = `16*g + 4*b + t`.

    The table of three activations (a, b, c) has 32 int16 entries
    `(i/9 - 1)*a + (i/3%3 - 1)*b + (i%3 - 1)*c`, i in 0..26 (0 beyond); it needs
    lookups of words (AVX-512BW).
  }];
}

#endif // TERNARY_FORMATS_TD
