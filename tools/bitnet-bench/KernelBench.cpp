//===- KernelBench.cpp - Measure single products --------------------------===//
//
// Everything is measured in turns: in each round every kernel and every limit
// runs for a moment, so that a neighbour who takes the machine for a second
// takes it from all of them. A matrix is there as often as it takes to fill the
// cache level in question, and calls go through the copies in order.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "KernelBench.h"
#include "Limits.h"
#include "Product.h"
#include "Roofline.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <map>
#include <memory>
#include <random>

using namespace bitnetc;
using namespace bitnetc::bench;
using llvm::Error;

/// Seconds of one sample: long against a wake-up of threads, short enough that
/// a sample is either disturbed or not.
static constexpr double sampleSeconds = 0.004;
/// Share of zeros among the weights: what BitNet b1.58 models have.
static constexpr double zeroShare = 0.4;

namespace {

/// One matrix in one format, as often as fits.
struct Matrix {
  MatrixShape shape;
  std::string format; // as asked for: auto is resolved by the product
  std::vector<int8_t> weights;
  Buffer buffer;
  uint64_t copies = 0, stride = 0;
};

/// One product of one matrix.
struct Case {
  Matrix *matrix;
  Threads *threads;
  Product product;
  std::vector<float> inverse;
  std::vector<int32_t> sums;
  // Rows start at cache lines, as in a model.
  Buffer activations, arena, result;
  uint64_t next = 0;             // copy
  uint64_t calls = 1;            // of a sample
  std::vector<double> samples{}; // seconds of one call

  void call();
  Error check();
  void measure(double seconds);
};

class KernelBench {
public:
  explicit KernelBench(const Options &options) : options(options) {}
  llvm::Expected<Report> run();

private:
  Error addMatrix(const MatrixShape &shape, const std::string &format);
  Error addCase(Matrix &matrix, int64_t tokens, Threads &threads);
  uint64_t footprint() const;
  double getLimitSeconds(const Case &measured, double fraction) const;
  Report report(const std::string &load) const;
  Error writeSvg() const;
  std::string getPlace() const {
    return options.megabytes ? "memory" : options.level;
  }

  const Options &options;
  TargetInfo target;
  std::vector<std::unique_ptr<Matrix>> matrices;
  std::vector<std::unique_ptr<Case>> cases;
  std::map<unsigned, std::unique_ptr<Threads>> teams;
  std::map<unsigned, StreamingRead> reads; // of a number of threads
  std::map<unsigned, std::vector<Peak>> peaks;
};

} // namespace

/// Bytes that lie in a level and in no level closer to the core.
uint64_t KernelBench::footprint() const {
  uint64_t megabyte = 1 << 20;
  if (options.megabytes)
    return options.megabytes * megabyte;
  // 1 MB fits in every server core's L2 and in no L1; 32 MB in every server's
  // last-level cache and in no L2; 704 MB in no cache that one virtual machine
  // gets.
  if (options.level == "l2")
    return megabyte;
  return (options.level == "l3" ? 32 : 704) * megabyte;
}

void Case::call() {
  const uint8_t *weights = matrix->buffer.data() + next * matrix->stride;
  product.run({weights, arena.data(), threads->team(),
               reinterpret_cast<const int8_t *>(activations.data()),
               inverse.data(), sums.data(),
               reinterpret_cast<float *>(result.data())});
  next = next + 1 == matrix->copies ? 0 : next + 1;
}

/// Products that are computed by the definition at most for one check.
static constexpr int64_t kCheckedProducts = 1 << 26;

/// Compares with the definition: the rate of a kernel that computes something
/// else means nothing. All tokens, or of large cases the first and the last.
Error Case::check() {
  call();
  auto [n, k, tokens] = product.shape;
  int64_t stride =
      n * k * tokens <= kCheckedProducts ? 1 : std::max<int64_t>(tokens - 1, 1);
  int64_t pitch = getActivationPitch(product.shape);
  const float *rows = reinterpret_cast<const float *>(result.data());
  for (int64_t token = 0; token < tokens; token += stride)
    for (int64_t row = 0; row < n; ++row) {
      const int8_t *weights = matrix->weights.data() + row * k;
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
  return Error::success();
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

Error KernelBench::addMatrix(const MatrixShape &shape,
                             const std::string &format) {
  auto matrix = std::make_unique<Matrix>();
  matrix->shape = shape;
  matrix->format = format;
  std::mt19937 random(shape.n * 1000003 + shape.k);
  matrix->weights.resize(shape.n * shape.k);
  for (int8_t &weight : matrix->weights) {
    double draw = random() / 4294967296.0;
    weight = draw < zeroShare ? 0 : draw < (1 + zeroShare) / 2 ? 1 : -1;
  }
  matrices.push_back(std::move(matrix));
  for (int64_t tokens : options.tokens)
    for (unsigned threads : options.threads)
      if (Error error = addCase(*matrices.back(), tokens, *teams.at(threads)))
        return error;
  return Error::success();
}

Error KernelBench::addCase(Matrix &matrix, int64_t tokens, Threads &threads) {
  auto [n, k] = matrix.shape;
  auto product = Product::compile({n, k, tokens}, matrix.format, target);
  if (!product)
    return product.takeError();
  if (!matrix.copies) {
    matrix.stride = llvm::alignTo(product->weightsBytes, 4096);
    matrix.copies = std::max<uint64_t>(footprint() / matrix.stride, 1);
    auto buffer = Buffer::allocate(matrix.copies * matrix.stride);
    if (!buffer)
      return buffer.takeError();
    matrix.buffer = std::move(*buffer);
    std::vector<uint8_t> packed =
        packMatrix(*product->format, matrix.weights.data(), n, k);
    std::vector<float> scales(n, 1.0f);
    for (uint64_t copy = 0; copy < matrix.copies; ++copy) {
      uint8_t *out = matrix.buffer.data() + copy * matrix.stride;
      std::copy(packed.begin(), packed.end(), out);
      memcpy(out + product->scalesOffset, scales.data(), n * sizeof(float));
    }
  }
  auto arena = Buffer::allocate(std::max<int64_t>(product->arenaBytes, 64));
  if (!arena)
    return arena.takeError();
  auto result = Buffer::allocate(tokens * n * sizeof(float));
  if (!result)
    return result.takeError();
  int64_t pitch = getActivationPitch({n, k, tokens});
  auto activations = Buffer::allocate(tokens * pitch);
  if (!activations)
    return activations.takeError();
  memset(activations->data(), 0, tokens * pitch);
  std::vector<int32_t> sums(tokens);
  std::mt19937 random(k);
  for (int64_t token = 0; token < tokens; ++token)
    for (int64_t column = 0; column < k; ++column) {
      int8_t value = static_cast<int>(random() % 256) - 128;
      activations->data()[token * pitch + column] = value;
      sums[token] += value;
    }
  auto added = std::make_unique<Case>(
      Case{&matrix, &threads, std::move(*product),
           std::vector<float>(tokens, 1.0f), std::move(sums),
           std::move(*activations), std::move(*arena), std::move(*result)});
  if (Error error = added->check())
    return error;
  cases.push_back(std::move(added));
  return Error::success();
}

/// The least time that a call can take on this machine: in its usual moments
/// (fraction 0.5) or in its quietest ones.
double KernelBench::getLimitSeconds(const Case &measured,
                                    double fraction) const {
  unsigned threads = measured.threads->size();
  double seconds = measured.product.matrixBytes /
                   (1e9 * reads.at(threads).gigabytesPerSecond(fraction));
  const Shape &shape = measured.product.shape;
  double operations = 2.0 * shape.n * shape.k * shape.tokens;
  double peak = 0;
  for (const Peak &known : peaks.at(threads))
    peak = std::max(peak, known.gops);
  return peak ? std::max(seconds, operations / (1e9 * peak)) : seconds;
}

llvm::Expected<Report> KernelBench::run() {
  auto resolved = resolveTarget("", options.cpu, options.features);
  if (!resolved)
    return resolved.takeError();
  target = std::move(*resolved);
  if (Error error = prepareMachine(target.getRuntimeFeatureBits()))
    return std::move(error);
  std::string load = describeLoad();
  for (unsigned count : options.threads) {
    auto team = Threads::start(count);
    if (!team)
      return team.takeError();
    if (options.peak)
      peaks[count] = {{"given", options.peak}};
    else
      peaks[count] = measurePeaks(**team, target);
    teams[count] = std::move(*team);
  }
  for (const MatrixShape &shape : options.shapes)
    for (const std::string &format : options.formats)
      if (Error error = addMatrix(shape, format))
        return std::move(error);
  for (auto &[count, team] : teams)
    reads.emplace(count, StreamingRead(matrices.front()->buffer, footprint()));
  for (unsigned run = 0; run < options.runs; ++run) {
    for (auto &[count, team] : teams)
      reads.at(count).measure(*team, options.seconds /
                                         StreamingRead::streamCounts().size());
    for (std::unique_ptr<Case> &measured : cases)
      measured->measure(options.seconds);
  }
  if (!options.svg.empty())
    if (Error error = writeSvg())
      return std::move(error);
  return report(load);
}

Report KernelBench::report(const std::string &load) const {
  Report report;
  report.facts = {{"machine", describeCpu()},
                  {"target", target.cpu},
                  {"load before", load},
                  {"load after", describeLoad()},
                  {"rounds", double(options.runs)}};
  for (auto &[threads, known] : peaks) {
    std::string where = ", " + describeThreads(threads);
    const StreamingRead &read = reads.at(threads);
    report.facts.push_back(
        {llvm::formatv("streaming read, {0} ({1} MB){2}, GB/s", getPlace(),
                       footprint() >> 20, where),
         read.gigabytesPerSecond()});
    report.facts.push_back({"its 90th percentile" + where + ", GB/s",
                            read.gigabytesPerSecond(0.9)});
    for (const Peak &peak : known)
      report.facts.push_back({peak.name + where + ", Gop/s", peak.gops});
  }
  report.columns = {{"n", "N"},
                    {"k", "K"},
                    {"m", "M"},
                    {"format", "format"},
                    {"bits_per_weight", "bits", 2},
                    {"threads", "threads"},
                    {"matrix_bytes", "bytes"},
                    {"copies", "copies"},
                    {"microseconds", "us", 1},
                    {"gigabytes_per_second", "GB/s", 1},
                    {"p10", "p10", 1},
                    {"p90", "p90", 1},
                    {"gigaweights_per_second", "Gw/s", 1},
                    {"gops", "Gop/s", 0},
                    {"percent_of_limit", "% limit", 1},
                    {"percent_of_limit_p90", "% of p90", 1}};
  for (const std::unique_ptr<Case> &measured : cases) {
    const Product &product = measured->product;
    auto [n, k, tokens] = product.shape;
    double seconds = percentile(measured->samples, 0.5);
    double gigabytes = 1e-9 * product.matrixBytes;
    // Each token uses every weight once.
    double gigaweights = 1e-9 * n * k * tokens;
    report.rows.push_back(
        {double(n), double(k), double(tokens), product.format->getName().str(),
         8.0 * product.matrixBytes / (double(n) * k),
         double(measured->threads->size()), double(product.matrixBytes),
         double(measured->matrix->copies), seconds * 1e6, gigabytes / seconds,
         gigabytes / percentile(measured->samples, 0.9),
         gigabytes / percentile(measured->samples, 0.1), gigaweights / seconds,
         2 * gigaweights / seconds,
         100 * getLimitSeconds(*measured, 0.5) / seconds,
         100 * getLimitSeconds(*measured, 0.9) /
             percentile(measured->samples, 0.1)});
  }
  return report;
}

Error KernelBench::writeSvg() const {
  Roofline plot;
  plot.title = describeCpu() + ", " + getPlace();
  for (auto &[threads, known] : peaks) {
    std::string where = ", " + describeThreads(threads);
    double rate = reads.at(threads).gigabytesPerSecond();
    plot.slopes.push_back(
        {llvm::formatv("read {0:f1} GB/s{1}", rate, where), rate});
    for (const Peak &peak : known)
      plot.roofs.push_back({peak.name + where, peak.gops});
  }
  for (const std::unique_ptr<Case> &measured : cases) {
    const Product &product = measured->product;
    auto [n, k, tokens] = product.shape;
    double operations = 2e-9 * n * k * tokens;
    plot.points.push_back(
        {llvm::formatv("M={0}", tokens),
         llvm::formatv("{0} {1}x{2}, {3}", product.format->getName(), n, k,
                       describeThreads(measured->threads->size())),
         operations * 1e9 / product.matrixBytes,
         operations / percentile(measured->samples, 0.5)});
  }
  std::error_code code;
  llvm::raw_fd_ostream os(options.svg, code);
  if (!code) {
    plot.writeSvg(os);
    os.close();
    code = os.error();
    os.clear_error();
  }
  return code ? makeFileError(options.svg, "cannot write: " + code.message())
              : Error::success();
}

llvm::Expected<Report> bench::runKernelBench(const Options &options) {
  return KernelBench(options).run();
}
