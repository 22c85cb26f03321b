//===- KernelBench.cpp - Measure single products --------------------------===//
//
// Everything is measured in turns: in each round every kernel and every limit
// runs for a moment, so that a neighbour who takes the machine for a second
// takes it from all of them.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "KernelBench.h"
#include "Limits.h"
#include "Roofline.h"
#include "bitnetc/Measure/Case.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <map>
#include <memory>

using namespace bitnetc;
using namespace bitnetc::bench;
using namespace bitnetc::measure;
using llvm::Error;

namespace {

class KernelBench {
public:
  explicit KernelBench(const Options &options) : options(options) {}
  llvm::Expected<Report> run();

private:
  Error addMatrix(const MatrixShape &shape, const std::string &format);
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

Error KernelBench::addMatrix(const MatrixShape &shape,
                             const std::string &format) {
  matrices.push_back(
      std::make_unique<Matrix>(shape.n, shape.k, format, footprint()));
  for (int64_t tokens : options.tokens)
    for (unsigned threads : options.threads) {
      auto added =
          Case::create(*matrices.back(), tokens, *teams.at(threads), target);
      if (!added)
        return added.takeError();
      cases.push_back(std::move(*added));
    }
  return Error::success();
}

/// The least time that a call can take on this machine: in its usual moments
/// (fraction 0.5) or in its quietest ones.
double KernelBench::getLimitSeconds(const Case &measured,
                                    double fraction) const {
  unsigned threads = measured.getThreads();
  double seconds = measured.getProduct().matrixBytes /
                   (1e9 * reads.at(threads).gigabytesPerSecond(fraction));
  const Shape &shape = measured.getProduct().shape;
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
    const Product &product = measured->getProduct();
    auto [n, k, tokens] = product.shape;
    double seconds = percentile(measured->getSamples(), 0.5);
    double gigabytes = 1e-9 * product.matrixBytes;
    // Each token uses every weight once.
    double gigaweights = 1e-9 * n * k * tokens;
    report.rows.push_back(
        {double(n), double(k), double(tokens), product.format->getName().str(),
         8.0 * product.matrixBytes / (double(n) * k),
         double(measured->getThreads()), double(product.matrixBytes),
         double(measured->getMatrix().copies), seconds * 1e6,
         gigabytes / seconds,
         gigabytes / percentile(measured->getSamples(), 0.9),
         gigabytes / percentile(measured->getSamples(), 0.1),
         gigaweights / seconds, 2 * gigaweights / seconds,
         100 * getLimitSeconds(*measured, 0.5) / seconds,
         100 * getLimitSeconds(*measured, 0.9) /
             percentile(measured->getSamples(), 0.1)});
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
    const Product &product = measured->getProduct();
    auto [n, k, tokens] = product.shape;
    double operations = 2e-9 * n * k * tokens;
    plot.points.push_back(
        {llvm::formatv("M={0}", tokens),
         llvm::formatv("{0} {1}x{2}, {3}", product.format->getName(), n, k,
                       describeThreads(measured->getThreads())),
         operations * 1e9 / product.matrixBytes,
         operations / percentile(measured->getSamples(), 0.5)});
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
