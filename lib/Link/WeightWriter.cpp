//===- WeightWriter.cpp - Stream packed weights into a file ---------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Link/WeightWriter.h"
#include "bitnetc/Formats/HeadTable.h"
#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Import/BuildModule.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/MappedFile.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Parallel.h"
#include <cmath>
#include <map>

using namespace bitnetc;
using llvm::Error;
using llvm::StringRef;

/// Unpacked bytes that are in memory at once while a matrix is packed.
static constexpr int64_t kBatchBytes = 32 << 20;

std::vector<PlannedWeight> bitnetc::collectWeights(mlir::ModuleOp module) {
  std::vector<PlannedWeight> weights;
  for (auto op : module.getOps<bitnet::WeightOp>()) {
    PlannedWeight weight;
    weight.name = op.getSymName().str();
    if (auto sources = op.getSources())
      for (auto source : sources->getAsRange<mlir::StringAttr>())
        weight.sources.push_back(source.str());
    if (auto value = op.getValue())
      weight.literal = *value;
    weight.type = op.getType();
    weight.offset = op.getOffset().value_or(0);
    weight.bytes = op.getSizeInBytes();
    weights.push_back(std::move(weight));
  }
  llvm::sort(weights, [](const PlannedWeight &a, const PlannedWeight &b) {
    return a.offset < b.offset;
  });
  return weights;
}

namespace {

/// Writes the bytes of one weight after another.
class Writer {
public:
  Writer(const Model &model, llvm::raw_ostream &os,
         llvm::function_ref<void(uint64_t)> progress, WeightCache *cache)
      : model(model), os(os), progress(progress), cache(cache) {}

  /// From the cache, or as it is made.
  Error write(const PlannedWeight &weight) {
    std::optional<std::string> key = cache ? getKey(weight) : std::nullopt;
    if (!key)
      return make(weight);
    if (auto file = cache->find(*key, weight.bytes)) {
      constexpr uint64_t piece = 8 << 20;
      for (uint64_t at = 0; at < weight.bytes; at += piece) {
        uint64_t size = std::min(piece, weight.bytes - at);
        put(file->getBytes().data() + at, size);
        releasePages(file->getBytes().data() + at, size);
      }
      return Error::success();
    }
    entry = cache->create(*key);
    Error error = make(weight);
    if (entry && !error)
      cache->add(std::move(entry));
    entry.reset();
    return error;
  }

private:
  /// What the bytes of a weight depend on; none for what is only copied.
  std::optional<std::string> getKey(const PlannedWeight &weight) {
    if (weight.literal || findDenseWeight(model, weight.sources.front()))
      return std::nullopt;
    std::string key = cache->startKey();
    llvm::raw_string_ostream text(key);
    text << " " << weight.type;
    for (StringRef source : weight.sources) {
      // Suffixes say what is made of a stored tensor.
      StringRef stored = source;
      const TernaryWeight *matrix = nullptr;
      const DenseWeight *dense = nullptr;
      while (!(matrix = findTernaryWeight(model, stored)) &&
             !(dense = findDenseWeight(model, stored)) && stored.contains('.'))
        stored = stored.rsplit('.').first;
      TernaryWeight::Stored from;
      if (matrix)
        from = matrix->getStored();
      else if (dense)
        from = {getDTypeName(dense->dtype).str(),
                {dense->data, size_t(dense->bytes)}};
      if (from.bytes.empty())
        return std::nullopt;
      // One tensor may be the source of several weights.
      auto [hash, isNew] = hashes.try_emplace(from.bytes.data());
      if (isNew) {
        hash->second = llvm::toHex(hashContent(from.bytes));
        releasePages(from.bytes.data(), from.bytes.size());
      }
      text << "; " << source.drop_front(stored.size()) << " of "
           << (matrix ? llvm::formatv("{0} x {1} ", matrix->rows, matrix->cols)
                            .str()
                      : std::string())
           << from.encoding << " " << hash->second;
    }
    return key;
  }

  Error make(const PlannedWeight &weight) {
    if (weight.literal)
      return writeLiteral(weight);
    if (auto packed = mlir::dyn_cast<ternary::PackedType>(weight.type))
      return writePacked(weight, packed);
    if (StringRef(weight.sources.front()).ends_with(".scale"))
      return writeScales(weight);
    StringRef source = weight.sources.front();
    for (const HeadSuffix &suffix : kHeadSuffixes)
      if (source.ends_with(suffix.name) ||
          source.ends_with((suffix.name + kHeadFactsSuffix).str()))
        return writeTable(weight, source, suffix.bits);
    return writeDense(weight);
  }

  void put(const void *data, uint64_t bytes) {
    os.write(static_cast<const char *>(data), bytes);
    if (entry)
      entry->os().write(static_cast<const char *>(data), bytes);
    progress(bytes);
  }

  Error missing(const PlannedWeight &weight, StringRef source) {
    return makeError("weight '" + weight.name + "': the model has no '" +
                     source + "'");
  }

  Error writeLiteral(const PlannedWeight &weight) {
    auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(weight.literal);
    if (!dense || !dense.getElementType().isF32())
      return makeError("weight '" + weight.name +
                       "': expected a dense f32 literal");
    for (float value : dense.getValues<float>())
      put(&value, sizeof(value));
    return Error::success();
  }

  /// Norms become f32; embedding and head are copied as they are, unless the
  /// weight has another type.
  Error writeDense(const PlannedWeight &weight) {
    const DenseWeight *dense = findDenseWeight(model, weight.sources.front());
    if (!dense)
      return missing(weight, weight.sources.front());
    constexpr int64_t chunk = 1 << 20;
    const uint64_t size = getDTypeSize(dense->dtype);
    const int64_t count = dense->bytes / size;
    mlir::Type element =
        mlir::cast<mlir::RankedTensorType>(weight.type).getElementType();
    bool asStored = element.isF32()   ? dense->dtype == DType::F32
                    : element.isF16() ? dense->dtype == DType::F16
                                      : dense->dtype == DType::BF16;
    std::vector<float> values(std::min(chunk, count));
    for (int64_t at = 0; at < count; at += chunk) {
      int64_t part = std::min(chunk, count - at);
      readDense(*dense, at, part, values.data());
      // One NaN in the embedding would reach all logits.
      for (int64_t i = 0; i < part; ++i)
        if (!std::isfinite(values[i]))
          return makeFileError(dense->file,
                               "tensor '" + dense->name +
                                   "': expected finite numbers, but got NaN or "
                                   "infinity at index " +
                                   llvm::Twine(at + i));
      if (asStored)
        put(dense->data + at * size, part * size);
      else if (element.isF32())
        put(values.data(), part * sizeof(float));
      else if (Error error = putHalves(*dense, {values.data(), size_t(part)},
                                       element.isF16()))
        return error;
      releasePages(dense->data + at * size, part * size);
    }
    return Error::success();
  }

  /// Numbers rounded to f16 or bf16.
  Error putHalves(const DenseWeight &dense, llvm::ArrayRef<float> values,
                  bool isF16) {
    std::vector<uint16_t> halves;
    halves.reserve(values.size());
    for (float value : values)
      halves.push_back(isF16 ? roundToF16(value) : roundToBF16(value));
    const uint16_t infinity = isF16 ? 0x7c00 : 0x7f80;
    for (auto [value, half] : llvm::zip(values, halves))
      if ((half & 0x7fff) == infinity)
        return makeFileError(
            dense.file, "tensor '" + dense.name + "': expected numbers that " +
                            (isF16 ? "f16" : "bf16") + " can hold, but got " +
                            std::to_string(value) + "; choose another --head");
    put(halves.data(), halves.size() * sizeof(uint16_t));
    return Error::success();
  }

  /// A head of integers: bytes first, which are written as they are made; the
  /// facts of its rows are kept until their turn comes.
  Error writeTable(const PlannedWeight &weight, StringRef source,
                   unsigned bits) {
    bool isFacts = source.consume_back(kHeadFactsSuffix);
    source.consume_back(getHeadSuffix(bits));
    const DenseWeight *dense = findDenseWeight(model, source);
    if (!dense || dense->shape.size() != 2)
      return missing(weight, weight.sources.front());
    std::vector<float> &facts = tableFacts[{source.str(), bits}];
    if (!isFacts || facts.empty())
      makeTable(*dense, bits, facts, !isFacts);
    if (isFacts)
      put(facts.data(), facts.size() * sizeof(float));
    return Error::success();
  }

  void makeTable(const DenseWeight &dense, unsigned bits,
                 std::vector<float> &facts, bool writes) {
    int64_t rows = dense.shape[0], columns = dense.shape[1];
    constexpr int64_t tileRows = bitnet::kHeadTileRows;
    int64_t count = llvm::divideCeil(rows, tileRows);
    int64_t tileBytes = bitnet::getHeadTileBytes(bits, columns);
    int64_t tileFacts = bitnet::getHeadTileFacts(bits);
    facts.resize(count * tileFacts);
    int64_t batch = std::clamp<int64_t>(kBatchBytes / tileBytes, 1, count);
    std::vector<uint8_t> bytes(batch * tileBytes);
    int64_t rowBytes = columns * getDTypeSize(dense.dtype);
    for (int64_t first = 0; first < count; first += batch) {
      int64_t size = std::min(batch, count - first);
      llvm::parallelFor(0, size, [&](size_t i) {
        int64_t row = (first + i) * tileRows;
        std::vector<float> values(std::min(tileRows, rows - row) * columns);
        readDense(dense, row * columns, values.size(), values.data());
        packHeadTile(
            bits, values, columns,
            llvm::MutableArrayRef(bytes).slice(i * tileBytes, tileBytes),
            llvm::MutableArrayRef(facts).slice((first + i) * tileFacts,
                                               tileFacts));
      });
      if (writes)
        put(bytes.data(), size * tileBytes);
      int64_t row = first * tileRows;
      releasePages(dense.data + row * rowBytes,
                   std::min(size * tileRows, rows - row) * rowBytes);
    }
  }

  /// A scale for each 16 rows or for each row: `weight` has as many as one of
  /// the two gives.
  Error writeScales(const PlannedWeight &weight) {
    std::vector<float> each, grouped;
    for (StringRef source : weight.sources) {
      source.consume_back(".scale");
      const TernaryWeight *matrix = findTernaryWeight(model, source);
      if (!matrix)
        return missing(weight, source);
      auto scale = matrix->scale();
      if (!scale)
        return scale.takeError();
      each.insert(each.end(), matrix->rows, *scale);
      grouped.insert(grouped.end(), ternary::getSharedScales(matrix->rows),
                     *scale);
    }
    const std::vector<float> &scales =
        weight.bytes == grouped.size() * sizeof(float) ? grouped : each;
    if (weight.bytes != scales.size() * sizeof(float))
      return makeError("weight '" + weight.name + "': expected " +
                       llvm::Twine(scales.size()) + " scales, but got " +
                       llvm::Twine(weight.bytes / sizeof(float)));
    put(scales.data(), weight.bytes);
    return Error::success();
  }

  Error writePacked(const PlannedWeight &weight, ternary::PackedType type) {
    std::vector<const TernaryWeight *> matrices;
    int64_t rows = 0;
    for (StringRef source : weight.sources) {
      const TernaryWeight *matrix = findTernaryWeight(model, source);
      if (!matrix)
        return missing(weight, source);
      matrices.push_back(matrix);
      rows += matrix->rows;
    }
    if (rows != type.getN())
      return makeError("weight '" + weight.name + "': expected " +
                       llvm::Twine(type.getN()) + " rows, but got " +
                       llvm::Twine(rows));
    const PackingFormat &format = getFormat(type.getFormat());
    int64_t tileRows = type.getFormat().getTileRows(), k = type.getK();
    int64_t tiles = type.getNumTiles(), tileBytes = type.getTileBytes();
    int64_t batch = std::clamp<int64_t>(kBatchBytes / (tileRows * k), 1, tiles);
    std::vector<int8_t> unpacked(batch * tileRows * k);
    std::vector<uint8_t> packed(batch * tileBytes);
    for (int64_t first = 0; first < tiles; first += batch) {
      int64_t count = std::min(batch, tiles - first);
      std::vector<Error> errors;
      for (int64_t i = 0; i < count; ++i)
        errors.push_back(Error::success());
      llvm::parallelFor(0, count, [&](size_t i) {
        int8_t *rowsOut = unpacked.data() + i * tileRows * k;
        errors[i] = llvm::joinErrors(
            std::move(errors[i]),
            readRows(matrices, (first + i) * tileRows, tileRows, k, rowsOut));
        format.packTile(rowsOut, k, packed.data() + i * tileBytes);
      });
      Error failed = Error::success();
      for (Error &error : errors)
        if (!failed)
          failed = std::move(error);
        else
          llvm::consumeError(std::move(error));
      if (failed)
        return failed;
      put(packed.data(), count * tileBytes);
    }
    return Error::success();
  }

  /// Rows of stacked matrices; rows past the last are zero.
  static Error readRows(llvm::ArrayRef<const TernaryWeight *> matrices,
                        int64_t row, int64_t count, int64_t k, int8_t *out) {
    for (const TernaryWeight *matrix : matrices) {
      if (count > 0 && row < matrix->rows) {
        int64_t part = std::min(count, matrix->rows - row);
        if (Error error = matrix->readRows(row, part, out))
          return error;
        out += part * k;
        count -= part;
        row += part;
      }
      row -= matrix->rows;
    }
    std::fill_n(out, count * k, 0);
    return Error::success();
  }

  const Model &model;
  llvm::raw_ostream &os;
  llvm::function_ref<void(uint64_t)> progress;
  WeightCache *cache;                 // or null
  std::unique_ptr<PendingFile> entry; // of the weight that is written
  std::map<const uint8_t *, std::string> hashes; // of stored tensors
  /// Facts of rows by source and bits.
  std::map<std::pair<std::string, unsigned>, std::vector<float>> tableFacts;
};

} // namespace

Error bitnetc::writeWeights(const Model &model,
                            llvm::ArrayRef<PlannedWeight> weights,
                            llvm::raw_ostream &os,
                            llvm::function_ref<void(uint64_t)> progress,
                            WeightCache *cache) {
  Writer writer(model, os, progress, cache);
  uint64_t start = os.tell();
  for (const PlannedWeight &weight : weights) {
    os.write_zeros(weight.offset - (os.tell() - start));
    if (Error error = writer.write(weight))
      return error;
    uint64_t expected = weight.offset + weight.bytes;
    if (os.tell() - start != expected)
      return makeError("weight '" + weight.name + "': expected " +
                       llvm::Twine(weight.bytes) + " bytes, but wrote " +
                       llvm::Twine(os.tell() - start - weight.offset));
  }
  return Error::success();
}
