//===- CostModel.cpp - Predicted times of products ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Formats/CostModel.h"
#include "MatrixTile.h"
#include "llvm/Support/MathExtras.h"

using namespace bitnetc;

llvm::ArrayRef<Phase> bitnetc::getPhases() {
  static constexpr Phase phases[] = {
      {"decode", 1, 1}, {"batch", 4, 0}, {"prefill", 0, 1}};
  return phases;
}

double bitnetc::getFootprint(mlir::MLIRContext *context,
                             llvm::ArrayRef<MatrixCount> matrices,
                             double otherBytes, const PackingFormat &format) {
  double bytes = otherBytes;
  for (const MatrixCount &matrix : matrices)
    bytes += double(matrix.count) *
             ternary::PackedType::get(context, matrix.rows, matrix.columns,
                                      format.getAttr(context))
                 .getSizeInBytes();
  return bytes;
}

/// The share of `footprint` that comes from `level` when all of it is read
/// again and again: it fades out between one and two times the level's size.
static double getShare(const MemoryLevel &level, double footprint,
                       unsigned threads) {
  double bytes = level.bytes * (level.perCore ? threads : 1);
  return std::clamp(2 - footprint / bytes, 0.0, 1.0);
}

double bitnetc::getBandwidth(const TargetInfo &target, double footprint,
                             unsigned threads) {
  llvm::ArrayRef<MemoryLevel> levels = target.speed.levels;
  double rate = levels.back().gigabytesPerSecond;
  for (const MemoryLevel &level : llvm::reverse(levels.drop_back())) {
    double share = getShare(level, footprint, threads);
    rate = share * level.gigabytesPerSecond + (1 - share) * rate;
  }
  return rate;
}

llvm::StringRef bitnetc::getMemoryLevel(const TargetInfo &target,
                                        double footprint, unsigned threads) {
  llvm::ArrayRef<MemoryLevel> levels = target.speed.levels;
  for (const MemoryLevel &level : levels.drop_back())
    if (getShare(level, footprint, threads) >= 0.5)
      return level.name;
  return levels.back().name;
}

/// Cycles for 64 packed bytes and `tokens` tokens: as ternary-tile-micro cuts
/// them, all in matrix tiles if they fill one, else in register tiles and what
/// is left of them at once.
static double getCycles(ternary::PackingFormatInterface attr,
                        const TargetInfo &target, int64_t tokens) {
  const PackingFormat &format = getFormat(attr);
  if (target.tileTokens && tokens <= target.tileTokens &&
      hasTokenTile(format) && tokens >= getLeastTileTokens(format, target))
    return target.tokenTileCycles;
  if (target.tileTokens && tokens >= target.tileTokens) {
    // A vector of codes is 4 columns of 16 rows; one product of tiles takes 64
    // columns. Token tiles go two by two.
    double codes = format.getGeometry().getCodesPerByte();
    int64_t tiles = 2 * llvm::divideCeil(tokens, 2 * target.tileTokens);
    return format.getDecodeCycles(target) +
           tiles * codes * target.speed.tileCycles / 16;
  }
  int64_t block = getTokensPerTile(attr, target);
  double cycles = tokens / block * format.getCyclesPer64Bytes(target, block);
  if (int64_t rest = tokens % block)
    cycles += format.getCyclesPer64Bytes(target, rest);
  return cycles;
}

PredictedTime bitnetc::predictProduct(ternary::PackedType matrix,
                                      const TargetInfo &target,
                                      const Workload &workload) {
  ternary::PackingFormatInterface attr = matrix.getFormat();
  const Speed &speed = target.speed;
  double bytes = matrix.getSizeInBytes();
  // The slowest thread has so many row tiles.
  double tiles = matrix.getNumTiles();
  double most = llvm::divideCeil(matrix.getNumTiles(), workload.threads);
  double perCycle = 1e-3 / speed.gigahertz; // microseconds
  PredictedTime time;
  bytes *= most / tiles;
  time.memory = bytes / (1e3 * getBandwidth(target, workload.footprint,
                                            workload.threads));
  time.arithmetic =
      bytes / 64 * getCycles(attr, target, workload.tokens) * perCycle;
  double rows = most * attr.getTileRows();
  time.rest = workload.tokens * rows / 16 * speed.rescaleCycles * perCycle;
  // Several tokens decode instead of looking up.
  if (attr.usesTables() && workload.tokens == 1)
    time.rest +=
        matrix.getK() / 4.0 * speed.tableCycles * perCycle / workload.threads;
  if (workload.threads > 1)
    time.rest += speed.startMicroseconds;
  return time;
}
