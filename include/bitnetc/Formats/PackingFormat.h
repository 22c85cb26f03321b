//===- PackingFormat.h - How a format packs and multiplies -----*- C++ -*-===//
//
// A format is a record in dialects/Ternary/TernaryFormats.td (geometry), one
// file lib/Formats/<Name>.cpp that implements this class, and one line in
// lib/Formats/Formats.cpp. Everything else iterates allFormats().
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_FORMATS_PACKINGFORMAT_H
#define BITNETC_FORMATS_PACKINGFORMAT_H

#include "bitnetc/Target/TargetInfo.h"
#include "dialects/Ternary/Ternary.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/ArrayRef.h"

namespace bitnetc {

/// Rows of a tile, columns and bytes of a step, as in TernaryFormats.td.
struct Geometry {
  int64_t tileRows, stepCols, stepBytes;

  template <typename FormatAttr> static Geometry of() {
    return {FormatAttr::getTileRows(), FormatAttr::getStepCols(),
            FormatAttr::getStepBytes()};
  }
  /// Steps of a matrix with `columns` columns, and bytes of one of its tiles.
  int64_t getSteps(int64_t columns) const {
    return (columns + stepCols - 1) / stepCols;
  }
  int64_t getTileBytes(int64_t columns) const {
    return getSteps(columns) * stepBytes;
  }
  /// Vectors of decoded bytes for one of packed bytes.
  double getCodesPerByte() const {
    return double(tileRows * stepCols) / stepBytes;
  }
};

/// What one tile multiplication reads and writes. M is static and small.
struct TileOperands {
  /// emitTile: memref<M x Kp x i8>, rows possibly strided.
  mlir::Value activations;
  /// emitTile: memref<M x i32>, the activations' row sums.
  mlir::Value sums;
  /// emitLookupTile: memref<M x T x i8> of `ternary.build_lut`.
  mlir::Value tables;
  /// memref<? x i8> of packed bytes and the byte offsets (index) of the tiles,
  /// one for each stream: tiles that advance together so that the memory
  /// system sees several streams.
  mlir::Value bytes;
  llvm::SmallVector<mlir::Value> tileOffsets;
  /// One memref<M x R x i32> for each stream, R the format's tile rows.
  llvm::SmallVector<mlir::Value> products;
  int64_t rows = 1;    // M
  int64_t columns = 0; // K of the matrix
  /// Distance in bytes to prefetch ahead in each stream; 0: no prefetch.
  int64_t prefetch = 0;
};

/// Code of one format. Stateless.
class PackingFormat {
public:
  virtual ~PackingFormat() = default;

  /// The attribute with the geometry and the name.
  virtual ternary::PackingFormatInterface
  getAttr(mlir::MLIRContext *context) const = 0;
  virtual llvm::StringRef getName() const = 0;
  virtual Geometry getGeometry() const = 0;

  /// Packs one tile: `weights` are R rows x `columns` bytes -1, 0, +1 (rows
  /// past the matrix are zero); writes getTileBytes() bytes to `out`.
  virtual void packTile(const int8_t *weights, int64_t columns,
                        uint8_t *out) const = 0;
  /// The inverse.
  virtual void unpackTile(const uint8_t *bytes, int64_t columns,
                          int8_t *out) const = 0;

  /// Nothing, or why this target cannot run the format.
  virtual std::optional<std::string>
  getUnsupportedReason(const TargetInfo &target) const {
    return std::nullopt;
  }
  /// Accumulator vectors (64 bytes each) per token of a tile in emitTile:
  /// bounds the tokens that fit in registers.
  virtual int64_t getAccumulators() const = 0;
  /// Predicted cycles per 64 packed bytes when M tokens are
  /// multiplied at once, on this target (docs/formats.md says how measured).
  virtual double getCyclesPer64Bytes(const TargetInfo &target,
                                     int64_t tokens) const = 0;

  /// Predicted cycles that decode 64 packed bytes to a panel (`emitDecode`).
  virtual double getDecodeCycles(const TargetInfo &target) const = 0;

  /// Whether a step is one quad of columns (see below), whose bytes hold the
  /// codes of up to four groups, group g in bits 2g + 1 : 2g.
  virtual bool storesCodes() const { return false; }

  /// Takes the codes of four columns (a quad) of 16 rows (a group).
  using UseCodes =
      llvm::function_ref<void(int64_t quad, int64_t group, mlir::Value codes)>;
  /// Decodes one step, given its packed bytes in vectors of 64, to codes
  /// (weight + 1): byte 4 l + c is that of lane l and column c. Works alike on
  /// parts: vectors of 16 or 32 bytes, the same part of every vector, give that
  /// part's lanes. `use` is called as soon as codes are there, in any order.
  virtual void emitDecode(mlir::OpBuilder &builder, mlir::Location loc,
                          llvm::ArrayRef<mlir::Value> vectors,
                          UseCodes use) const = 0;

  /// Vectors of bytes per quad of columns whose sums of products with
  /// activations, in 32 bits, give the products of all groups: where codes need
  /// not be decoded for that, fewer operations. By itself, the groups' codes.
  virtual int64_t getForms() const;
  /// Emits them like `emitDecode`; the second argument of `use` is the form.
  virtual void emitForms(mlir::OpBuilder &builder, mlir::Location loc,
                         llvm::ArrayRef<mlir::Value> vectors,
                         UseCodes use) const {
    emitDecode(builder, loc, vectors, use);
  }
  /// The products (i32 lanes) of each group, given the sums of each form and,
  /// in all lanes, the sum of the activations.
  virtual llvm::SmallVector<mlir::Value>
  emitGroups(mlir::OpBuilder &builder, mlir::Location loc,
             llvm::ArrayRef<mlir::Value> sums, mlir::Value sum) const;

  /// Emits the multiplication of the streams' tiles by activations: exact
  /// products into `operands.products`. Only vector, arith, scf, memref and
  /// micro-ops. By itself, dot products of the codes of `emitDecode`: for
  /// formats without a better form.
  virtual void emitTile(mlir::OpBuilder &builder, mlir::Location loc,
                        const TargetInfo &target,
                        const TileOperands &operands) const;

  /// Table formats: writes the tables of one token's activations, `columns` of
  /// them (padded), to row `token` (an index) of `tables`.
  virtual void emitTables(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value activations, int64_t columns,
                          mlir::Value token, mlir::Value tables) const {}
  /// Table formats: emitTile by `operands.tables`.
  virtual void emitLookupTile(mlir::OpBuilder &builder, mlir::Location loc,
                              const TargetInfo &target,
                              const TileOperands &operands) const {}
};

/// What becomes of the products of `emitMatrixTiles`: 16 rows of one token
/// each.
struct ProductSink {
  /// Emits what is done with `lanes`, the products (i32) of rows `row` to `row`
  /// + 15 of the tile. May be called twice for the same products.
  llvm::function_ref<void(mlir::Value token, mlir::Value row,
                          mlir::Value lanes)>
      store;
  /// Asks for the memory that `store` will write; null if it goes past the
  /// caches.
  llvm::function_ref<void(mlir::Value token, mlir::Value row)> prefetch;
};

/// Most columns of `emitMatrixTiles`, whose sums are those of codes up to 2
/// times up to 64, and of activations from -128 on, in 32 bits.
constexpr int64_t kMaxPanelColumns = (int64_t(1) << 31) / (2 * 64 * 128) - 1;

/// Emits the multiplication of one tile by `getLeastTileTokens` tokens or more
/// on a target with matrix tiles (`operands.rows` is dynamic;
/// `operands.products` is not written, but says how many rows there are):
/// products in one tile of tokens if they fit and the format can, else in two
/// at a time. `tiles`, if there is one, is the loop over the row tiles, whose
/// variable numbers them: each tile prepares the next one.
void emitMatrixTiles(mlir::OpBuilder &builder, mlir::Location loc,
                     const PackingFormat &format, const TileOperands &operands,
                     const ProductSink &sink, mlir::scf::ForOp tiles);

/// Least tokens that are multiplied with matrix tiles, on a target that has
/// them: fewer than fill one where one tile of them takes less than dot
/// products.
int64_t getLeastTileTokens(const PackingFormat &format,
                           const TargetInfo &target);

/// Emits the multiplication of one tile by any number of tokens on a target
/// without matrix tiles whose vectors have 64 bytes (`operands.rows` is
/// dynamic): as many columns as stay in the first cache are decoded, then
/// multiplied by block after block of as many tokens as registers hold sums
/// for.
void emitDotPanel(mlir::OpBuilder &builder, mlir::Location loc,
                  const PackingFormat &format, const TargetInfo &target,
                  const TileOperands &operands);

/// Nothing, or why the target cannot multiply by a matrix of this type.
std::optional<std::string> getUnsupportedReason(ternary::PackedType matrix,
                                                const TargetInfo &target);

/// Tokens of one register tile: as many as have room for their accumulators,
/// those of one register's lanes at a time (lib/Formats/DotTile).
int64_t getTokensPerTile(ternary::PackingFormatInterface format,
                         const TargetInfo &target);

/// All formats, in the order of the documentation.
llvm::ArrayRef<const PackingFormat *> allFormats();
/// By mnemonic, null if there is none.
const PackingFormat *findFormat(llvm::StringRef name);
/// Of an attribute; never null.
const PackingFormat &getFormat(ternary::PackingFormatInterface attr);

/// Packs rows [0, n) of a matrix given whole in memory, all tiles: for tests,
/// small models and the runtime-free tools.
std::vector<uint8_t> packMatrix(const PackingFormat &format,
                                const int8_t *weights, int64_t n, int64_t k);

} // namespace bitnetc

#endif // BITNETC_FORMATS_PACKINGFORMAT_H
