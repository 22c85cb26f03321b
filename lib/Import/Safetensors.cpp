//===- Safetensors.cpp - One safetensors file -----------------------------===//
//
// Written for hostile input: every number of the header is checked before it
// is used, and all arithmetic that could overflow says so.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Safetensors.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/Json.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace bitnetc {

/// Largest header; the reference implementation has the same limit.
static constexpr uint64_t maxHeaderBytes = 100'000'000;
/// Most dimensions of a tensor. A language model has 2.
static constexpr size_t maxRank = 8;

/// Bits of one element, 0 if the type is unknown. All types of the format are
/// known here, because a checkpoint may carry harmless buffers of any type.
static unsigned getElementBits(StringRef dtype) {
  return StringSwitch<unsigned>(dtype)
      .Case("F4", 4)
      .Cases({"F6_E2M3", "F6_E3M2"}, 6)
      .Cases({"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0",
              "F8_E4M3FNUZ", "F8_E5M2FNUZ"},
             8)
      .Cases({"I16", "U16", "F16", "BF16"}, 16)
      .Cases({"I32", "U32", "F32"}, 32)
      .Cases({"I64", "U64", "F64", "C64"}, 64)
      .Default(0);
}

std::string StoredTensor::describe() const {
  std::string text = dtype + " [";
  ListSeparator separator;
  for (int64_t size : shape)
    (text += StringRef(separator).str()) += std::to_string(size);
  return text + "]";
}

/// Reads the header entry `value` of `tensor` (name and file are set). The
/// data begins at `data` and has `dataBytes` bytes.
static Error parseEntry(const json::Value &value, const uint8_t *data,
                        uint64_t dataBytes, StoredTensor &tensor) {
  auto fail = [&](const Twine &message) {
    return makeFileError(tensor.file,
                         "tensor '" + tensor.name + "': " + message);
  };
  const json::Object *entry = value.getAsObject();
  if (!entry)
    return fail("expected an object, but got " + describe(value));

  std::optional<StringRef> dtype = entry->getString("dtype");
  if (!dtype)
    return fail("'dtype' is missing or no string");
  tensor.dtype = dtype->str();
  unsigned bits = getElementBits(*dtype);
  if (bits == 0)
    return fail("unknown dtype '" + *dtype + "'");

  const json::Array *shape = entry->getArray("shape");
  if (!shape)
    return fail("'shape' is missing or no array");
  if (shape->size() > maxRank)
    return fail("expected at most " + Twine(maxRank) + " dimensions, but got " +
                Twine(shape->size()));
  uint64_t elements = 1;
  bool overflow = false;
  for (const json::Value &dimension : *shape) {
    std::optional<int64_t> size = dimension.getAsInteger();
    if (!size || *size < 0)
      return fail("expected non-negative integers as shape, but got " +
                  describe(dimension));
    tensor.shape.push_back(*size);
    bool tooLarge = false;
    elements = SaturatingMultiply(elements, uint64_t(*size), &tooLarge);
    // 0 times anything is 0, but [2^40, 2^40, 0] is no honest shape either.
    overflow |= tooLarge;
  }
  bool bitsOverflow = false;
  uint64_t totalBits =
      SaturatingMultiply(elements, uint64_t(bits), &bitsOverflow);
  if (overflow || bitsOverflow)
    return fail("the shape " + tensor.describe() + " overflows 64 bits");
  if (totalBits % 8 != 0)
    return fail("the shape " + tensor.describe() +
                " is no whole number of "
                "bytes");
  tensor.bytes = totalBits / 8;

  const json::Array *offsets = entry->getArray("data_offsets");
  std::optional<int64_t> begin, end;
  if (offsets && offsets->size() == 2) {
    begin = (*offsets)[0].getAsInteger();
    end = (*offsets)[1].getAsInteger();
  }
  if (!begin || !end || *begin < 0 || *end < *begin)
    return fail("expected 'data_offsets' [begin, end] with 0 <= begin <= end");
  if (uint64_t(*end) > dataBytes)
    return fail("ends at byte " + Twine(*end) +
                " of the data, but the file "
                "has only " +
                Twine(dataBytes) +
                "; the file is truncated or "
                "damaged, download it again");
  if (uint64_t(*end - *begin) != tensor.bytes)
    return fail(tensor.describe() + " needs " + Twine(tensor.bytes) +
                " bytes, but data_offsets span " + Twine(*end - *begin));
  tensor.data = data + *begin;
  return Error::success();
}

Expected<std::vector<StoredTensor>>
parseSafetensors(StringRef file, ArrayRef<uint8_t> content) {
  if (content.size() < 8)
    return makeFileError(file, "expected a safetensors file, but got only " +
                                   Twine(content.size()) + " bytes");
  // What git checks out where the large file was not fetched.
  if (toStringRef(content).starts_with("version https://git-lfs"))
    return makeFileError(file, "this is a git-lfs pointer, not the weights; "
                               "run 'git lfs pull' in its directory");
  uint64_t headerBytes = support::endian::read64le(content.data());
  if (headerBytes > maxHeaderBytes)
    return makeFileError(
        file, "expected a header of at most " + Twine(maxHeaderBytes) +
                  " bytes, but got " + Twine(headerBytes) +
                  "; this is no safetensors file, or it is damaged");
  if (headerBytes > content.size() - 8)
    return makeFileError(file, "the header has " + Twine(headerBytes) +
                                   " bytes, but the file only " +
                                   Twine(content.size()) +
                                   "; the file is truncated");
  StringRef headerText = toStringRef(content.slice(8, headerBytes));
  Expected<json::Object> header =
      parseJsonObject((file + ": header").str(), headerText);
  if (!header)
    return header.takeError();

  const uint8_t *data = content.data() + 8 + headerBytes;
  uint64_t dataBytes = content.size() - 8 - headerBytes;
  std::vector<StoredTensor> tensors;
  for (const auto &[key, value] : *header) {
    if (StringRef(key) == "__metadata__")
      continue;
    StoredTensor tensor;
    tensor.name = StringRef(key).str();
    tensor.file = file.str();
    if (Error error = parseEntry(value, data, dataBytes, tensor))
      return std::move(error);
    tensors.push_back(std::move(tensor));
  }

  // Empty tensors sort before the one that begins at the same byte.
  llvm::sort(tensors, [](const StoredTensor &a, const StoredTensor &b) {
    return std::tie(a.data, a.bytes, a.name) <
           std::tie(b.data, b.bytes, b.name);
  });
  const uint8_t *expected = data;
  for (const StoredTensor &tensor : tensors) {
    if (tensor.data != expected)
      return makeFileError(
          file, "tensor '" + tensor.name + "': begins at byte " +
                    Twine(tensor.data - data) + " of the data, but the " +
                    "tensor before ends at byte " + Twine(expected - data) +
                    (tensor.data < expected ? ": they overlap"
                                            : ": there is a hole"));
    expected = tensor.data + tensor.bytes;
  }
  if (expected != data + dataBytes)
    return makeFileError(
        file, "the last tensor ends at byte " + Twine(expected - data) +
                  " of the data, but the file goes on to " + Twine(dataBytes));
  return tensors;
}

} // namespace bitnetc
