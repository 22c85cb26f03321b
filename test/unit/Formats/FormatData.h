//===- FormatData.h - Matrices and activations to test formats with -------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TEST_UNIT_FORMATS_FORMATDATA_H
#define BITNETC_TEST_UNIT_FORMATS_FORMATDATA_H

#include <cstdint>
#include <random>
#include <vector>

namespace bitnetc {

/// How weights and activations are drawn.
enum class Data {
  Random,    // uniform weights, activations -128 to 127
  AllEqual,  // every product 127: the largest sums
  Opposite,  // every product -127: the smallest sums
  Alternate, // signs change with the column, products all 127
};
constexpr Data allData[] = {Data::Random, Data::AllEqual, Data::Opposite,
                            Data::Alternate};

inline std::vector<int8_t> makeWeights(Data data, int64_t n, int64_t k) {
  std::mt19937 random(n * 1000003 + k);
  std::vector<int8_t> weights(n * k);
  for (int64_t i = 0; i < n * k; ++i)
    weights[i] = data == Data::Random     ? int(random() % 3) - 1
                 : data == Data::AllEqual ? 1
                 : data == Data::Opposite ? -1
                 : i % k % 2 == 0         ? 1
                                          : -1;
  return weights;
}

/// Rows of `stride` activations, the first `k` drawn, the others zero.
inline std::vector<int8_t> makeActivations(Data data, int64_t m, int64_t k,
                                           int64_t stride) {
  std::mt19937 random(m * 7919 + k);
  std::vector<int8_t> activations(m * stride);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < k; ++j)
      activations[i * stride + j] =
          data == Data::Random                    ? int(random() % 256) - 128
          : data != Data::Alternate || j % 2 == 0 ? 127
                                                  : -127;
  return activations;
}

} // namespace bitnetc

#endif // BITNETC_TEST_UNIT_FORMATS_FORMATDATA_H
