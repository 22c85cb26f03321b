//===- safetensors_fuzzer.cpp - Any bytes as a safetensors file -----------===//
//
// Whatever parses must be readable: the first and last byte of every tensor
// are touched, and float tensors are decoded, so that a wrong offset is caught
// by the address sanitizer.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Model.h"
#include "bitnetc/Import/Safetensors.h"
#include "lib/Import/TernaryWeights.h"

using namespace bitnetc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A copy with nothing behind it, so that reading past the end is seen.
  std::vector<uint8_t> content(data, data + size);
  llvm::Expected<std::vector<StoredTensor>> tensors =
      parseSafetensors("fuzz", content);
  if (!tensors) {
    if (llvm::toString(tensors.takeError()).empty())
      __builtin_trap();
    return 0;
  }
  uint64_t total = 0;
  volatile uint8_t sink = 0;
  for (const StoredTensor &tensor : *tensors) {
    total += tensor.bytes;
    if (tensor.bytes == 0)
      continue;
    sink = sink ^ tensor.data[0] ^ tensor.data[tensor.bytes - 1];
    std::optional<DType> dtype = getDType(tensor.dtype);
    if (!dtype)
      continue;
    std::vector<float> values(tensor.bytes / getDTypeSize(*dtype));
    readDense({tensor.name, *dtype, tensor.shape, tensor.data, tensor.bytes}, 0,
              values.size(), values.data());
    (void)looksUnpackedTernary(tensor);
  }
  // The tensors and the header fill the file.
  if (total + 8 > size)
    __builtin_trap();
  return 0;
}
