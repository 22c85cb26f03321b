//===- Case.cpp - One product, measured -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Measure/Case.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <random>

using namespace bitnetc;
using namespace bitnetc::measure;

/// Seconds of one sample: long against a wake-up of threads, short enough that
/// a sample is either disturbed or not.
static constexpr double sampleSeconds = 0.004;
/// Share of zeros among the weights: what BitNet b1.58 models have.
static constexpr double zeroShare = 0.4;

Matrix::Matrix(int64_t n, int64_t k, std::string format, uint64_t footprint)
    : n(n), k(k), format(std::move(format)), footprint(footprint),
      weights(n * k) {
  std::mt19937 random(n * 1000003 + k);
  for (int8_t &weight : weights) {
    double draw = random() / 4294967296.0;
    weight = draw < zeroShare ? 0 : draw < (1 + zeroShare) / 2 ? 1 : -1;
  }
}

llvm::Expected<std::unique_ptr<Case>> Case::create(Matrix &matrix,
                                                   int64_t tokens,
                                                   Threads &threads,
                                                   const TargetInfo &target) {
  auto product = Product::compile({matrix.n, matrix.k, tokens}, matrix.format,
                                  target, matrix.footprint);
  if (!product)
    return product.takeError();
  std::unique_ptr<Case> created(new Case(matrix, threads, std::move(*product)));
  if (llvm::Error error = created->prepare())
    return std::move(error);
  if (llvm::Error error = created->check())
    return std::move(error);
  return std::move(created);
}

llvm::Error Case::prepare() {
  auto [n, k, tokens] = product.shape;
  if (!matrix.copies) {
    matrix.stride = llvm::alignTo(product.weightsBytes, 4096);
    matrix.copies = std::max<uint64_t>(matrix.footprint / matrix.stride, 1);
    auto buffer = Buffer::allocate(matrix.copies * matrix.stride);
    if (!buffer)
      return buffer.takeError();
    matrix.buffer = std::move(*buffer);
    std::vector<uint8_t> packed =
        packMatrix(*product.format, matrix.weights.data(), n, k);
    std::vector<float> scales(ternary::getSharedScales(n), 1.0f);
    for (uint64_t copy = 0; copy < matrix.copies; ++copy) {
      uint8_t *out = matrix.buffer.data() + copy * matrix.stride;
      std::copy(packed.begin(), packed.end(), out);
      memcpy(out + product.scalesOffset, scales.data(),
             scales.size() * sizeof(float));
    }
  }
  auto allocated = Buffer::allocate(std::max<int64_t>(product.arenaBytes, 64));
  if (!allocated)
    return allocated.takeError();
  arena = std::move(*allocated);
  allocated = Buffer::allocate(tokens * n * sizeof(float));
  if (!allocated)
    return allocated.takeError();
  result = std::move(*allocated);
  int64_t pitch = getActivationPitch(product.shape);
  allocated = Buffer::allocate(tokens * pitch);
  if (!allocated)
    return allocated.takeError();
  activations = std::move(*allocated);
  memset(activations.data(), 0, tokens * pitch);
  inverse.assign(tokens, 1.0f);
  sums.resize(tokens);
  std::mt19937 random(k);
  for (int64_t token = 0; token < tokens; ++token)
    for (int64_t column = 0; column < k; ++column) {
      int8_t value = static_cast<int>(random() % 256) - 128;
      activations.data()[token * pitch + column] = value;
      sums[token] += value;
    }
  return llvm::Error::success();
}

void Case::call() {
  const uint8_t *weights = matrix.buffer.data() + next * matrix.stride;
  product.run({weights, arena.data(), threads.team(),
               reinterpret_cast<const int8_t *>(activations.data()),
               inverse.data(), sums.data(),
               reinterpret_cast<float *>(result.data())});
  next = next + 1 == matrix.copies ? 0 : next + 1;
}

/// Products that are computed by the definition at most for one check.
static constexpr int64_t kCheckedProducts = 1 << 26;

/// Compares with the definition: the rate of a kernel that computes something
/// else means nothing. All tokens, or of large cases the first and the last.
llvm::Error Case::check() {
  call();
  auto [n, k, tokens] = product.shape;
  int64_t stride =
      n * k * tokens <= kCheckedProducts ? 1 : std::max<int64_t>(tokens - 1, 1);
  int64_t pitch = getActivationPitch(product.shape);
  const float *rows = reinterpret_cast<const float *>(result.data());
  for (int64_t token = 0; token < tokens; token += stride)
    for (int64_t row = 0; row < n; ++row) {
      const int8_t *weights = matrix.weights.data() + row * k;
      auto *values =
          reinterpret_cast<const int8_t *>(activations.data()) + token * pitch;
      int32_t sum = 0;
      for (int64_t column = 0; column < k; ++column)
        sum += weights[column] * values[column];
      // Scales are 1, and such sums are exact as floats.
      if (rows[token * n + row] != static_cast<float>(sum))
        return makeError(
            llvm::formatv("{0}x{1} {2}, {3} tokens: row {4} of token {5}: "
                          "expected {6}, but got {7}; the kernel is wrong",
                          n, k, product.format->getName(), tokens, row, token,
                          sum, rows[token * n + row])
                .str());
    }
  return llvm::Error::success();
}

void Case::measure(double seconds) {
  call(); // wakes the threads, and activations come into the cache
  double end = now() + seconds;
  do {
    double start = now();
    for (uint64_t i = 0; i < calls; ++i)
      call();
    double last = now(), elapsed = last - start;
    // The first samples find out how many calls a sample takes.
    if (elapsed < sampleSeconds / 2 && samples.empty() && last < end)
      calls *= 2;
    else
      samples.push_back(elapsed / calls);
  } while (now() < end);
}
