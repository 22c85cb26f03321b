//===- MasterWeight.cpp - Floating-point masters, made ternary ------------===//
//
// transformers' WeightQuant and 1bitLLM's weight_quant compute, in float32,
//   s = 1 / max(mean|W|, 1e-5)     over the whole matrix
//   T = clamp(round(W * s), -1, 1)
//   W' = (T / s) cast to the dtype of W
// and the layer multiplies by W'. Loaded with dtype=float32, which is the
// reference here, W is the stored value converted to float32 (exact) and the
// final cast does nothing, so the scale of the matrix is the float32 1 / s,
// not that value rounded to bf16 or fp16. The mean is summed in double and
// rounded once; torch's float32 sum may differ from it in the last bits.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TernaryWeights.h"
#include "bitnetc/Import/Safetensors.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/MappedFile.h"
#include <cassert>
#include <cmath>
#include <mutex>
#include <set>

using namespace llvm;

namespace bitnetc {

/// Elements decoded at a time: 32 KiB of floats stay in the first-level cache.
static constexpr int64_t chunkSize = 8192;
/// Smallest mean, as in the model's definition.
static constexpr float minMean = 1e-5f;

namespace {

class MasterWeight final : public TernaryWeight {
public:
  MasterWeight(const StoredTensor &tensor, DType dtype)
      : TernaryWeight(tensor.name, tensor.shape[0], tensor.shape[1]),
        file(tensor.file), dense{tensor.name, dtype,        tensor.shape,
                                 tensor.data, tensor.bytes, tensor.file} {}

  Error readRows(int64_t row, int64_t count, int8_t *out) const override;
  Expected<float> scale() const override;
  Stored getStored() const override {
    return {("masters " + getDTypeName(dense.dtype)).str(),
            {dense.data, size_t(dense.bytes)}};
  }

private:
  /// s = 1 / max(mean|W|, 1e-5): one pass over the matrix, then remembered.
  Expected<float> getInverseMean() const;
  Error notFinite(int64_t element) const;
  void release(int64_t first, int64_t count) const {
    unsigned size = getDTypeSize(dense.dtype);
    releasePages(dense.data + first * size, count * size);
  }

  const std::string file;
  const DenseWeight dense;
  mutable std::mutex mutex; // guards inverseMean
  mutable std::optional<float> inverseMean;
};

} // namespace

/// Adds up |x|. Eight sums of double: the order is fixed, so that every build
/// computes the same mean, and the loop vectorises.
static double sumMagnitudes(ArrayRef<float> values) {
  double sums[8] = {};
  size_t whole = values.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8)
    for (size_t j = 0; j < 8; ++j)
      sums[j] += std::fabs(values[i + j]);
  for (size_t i = whole; i < values.size(); ++i)
    sums[i - whole] += std::fabs(values[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
         ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

Error MasterWeight::notFinite(int64_t element) const {
  return makeFileError(file, "tensor '" + name +
                                 "': expected finite numbers, but got NaN or "
                                 "infinity at row " +
                                 Twine(element / cols) + ", column " +
                                 Twine(element % cols));
}

Expected<float> MasterWeight::getInverseMean() const {
  std::lock_guard<std::mutex> lock(mutex);
  if (inverseMean)
    return *inverseMean;
  std::vector<float> chunk(chunkSize);
  double sum = 0;
  int64_t elements = rows * cols;
  for (int64_t first = 0; first < elements; first += chunkSize) {
    int64_t count = std::min(chunkSize, elements - first);
    readDense(dense, first, count, chunk.data());
    double part = sumMagnitudes(ArrayRef(chunk).take_front(count));
    // 8192 finite floats cannot overflow a double.
    if (!std::isfinite(part)) {
      int64_t bad = 0;
      while (std::isfinite(chunk[bad]))
        ++bad;
      return notFinite(first + bad);
    }
    sum += part;
    release(first, count);
  }
  inverseMean = 1.0f / std::max(float(sum / double(elements)), minMean);
  return *inverseMean;
}

Expected<float> MasterWeight::scale() const {
  Expected<float> inverse = getInverseMean();
  if (!inverse)
    return inverse;
  return 1.0f / *inverse;
}

Error MasterWeight::readRows(int64_t row, int64_t count, int8_t *out) const {
  assert(row >= 0 && count >= 0 && row + count <= rows && "rows out of range");
  // Finds NaN and infinity, too: nothing below needs to look for them.
  Expected<float> inverse = getInverseMean();
  if (!inverse)
    return inverse.takeError();
  std::vector<float> chunk(std::min(chunkSize, count * cols));
  int64_t end = (row + count) * cols;
  for (int64_t first = row * cols; first < end; first += chunkSize) {
    int64_t size = std::min(chunkSize, end - first);
    readDense(dense, first, size, chunk.data());
    // Rounding half to even takes 0.5 to 0, and 1.5 is clamped anyhow: the
    // result is 1 exactly above 0.5.
    for (int64_t i = 0; i < size; ++i) {
      float value = chunk[i] * *inverse;
      *out++ = int8_t(value > 0.5f) - int8_t(value < -0.5f);
    }
    release(first, size);
  }
  return Error::success();
}

std::unique_ptr<TernaryWeight> makeMasterWeight(const StoredTensor &tensor) {
  return std::make_unique<MasterWeight>(tensor, *getDType(tensor.dtype));
}

bool looksUnpackedTernary(const StoredTensor &tensor) {
  static constexpr int64_t rowsToSee = 4;
  std::optional<DType> dtype = getDType(tensor.dtype);
  if (!dtype || *dtype == DType::U8 || tensor.shape.size() != 2 ||
      tensor.shape[1] == 0)
    return false;
  DenseWeight dense{tensor.name, *dtype,       tensor.shape,
                    tensor.data, tensor.bytes, tensor.file};
  int64_t cols = tensor.shape[1];
  std::vector<float> row(cols);
  for (int64_t i = 0; i < std::min(rowsToSee, tensor.shape[0]); ++i) {
    readDense(dense, i * cols, cols, row.data());
    std::set<float> magnitudes;
    for (float value : row) {
      if (!std::isfinite(value))
        return false;
      if (value != 0)
        magnitudes.insert(std::fabs(value));
      if (magnitudes.size() > 1)
        return false;
    }
  }
  return true;
}

} // namespace bitnetc
