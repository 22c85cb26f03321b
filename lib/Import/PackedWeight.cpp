//===- PackedWeight.cpp - Ternary matrices in transformers' 2-bit packing -===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TernaryWeights.h"
#include "bitnetc/Import/Safetensors.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/MappedFile.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <cassert>

using namespace llvm;

namespace bitnetc {

namespace {

class PackedWeight final : public TernaryWeight {
public:
  PackedWeight(const StoredTensor &tensor, int64_t rows, float scaleValue)
      : TernaryWeight(tensor.name, rows, tensor.shape[1]), file(tensor.file),
        data(tensor.data), quarter(divideCeil(rows, 4)),
        scaleValue(scaleValue) {}

  Error readRows(int64_t row, int64_t count, int8_t *out) const override;
  Expected<float> scale() const override { return scaleValue; }
  Stored getStored() const override {
    return {formatv("packed, scale {0:x}", bit_cast<uint32_t>(scaleValue)),
            {data, size_t(quarter * cols)}};
  }

private:
  const std::string file;
  const uint8_t *const data;
  const int64_t quarter; // rows of bytes; byte row r holds 4 rows this apart
  const float scaleValue;
};

} // namespace

/// Decodes `count` codes at bit `shift` of each byte. Returns false if one of
/// them is 3, which pack_weights never writes.
static bool decodeRow(const uint8_t *in, unsigned shift, int64_t count,
                      int8_t *out) {
  uint8_t illegal = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint8_t code = (in[i] >> shift) & 3;
    illegal |= code & (code >> 1);
    out[i] = int8_t(code) - 1;
  }
  return illegal == 0;
}

Error PackedWeight::readRows(int64_t row, int64_t count, int8_t *out) const {
  assert(row >= 0 && count >= 0 && row + count <= rows && "rows out of range");
  for (int64_t end = row + count; row < end;) {
    // The run of rows that sits at the same bits, row by row.
    int64_t part = row / quarter, first = row % quarter;
    int64_t run = std::min(quarter - first, end - row);
    const uint8_t *begin = data + first * cols;
    for (int64_t i = 0; i < run; ++i, out += cols) {
      if (decodeRow(begin + i * cols, 2 * part, cols, out))
        continue;
      int64_t column = 0;
      while (out[column] != 2)
        ++column;
      return makeFileError(
          file, "tensor '" + name + "': illegal code 3 at row " +
                    Twine(row + i) + ", column " + Twine(column) +
                    "; the file is damaged or not packed by transformers");
    }
    releasePages(begin, run * cols);
    row += run;
  }
  return Error::success();
}

std::unique_ptr<TernaryWeight> makePackedWeight(const StoredTensor &tensor,
                                                int64_t rows, float scale) {
  return std::make_unique<PackedWeight>(tensor, rows, scale);
}

} // namespace bitnetc
