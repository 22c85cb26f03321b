//===- Threads.cpp - The runtime's threads, for measurements --------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Measure/Threads.h"
#include "bitnetc/Support/Error.h"
#include "cpu_features.h"
#include "team.h"
#include "topology.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>

using namespace bitnetc;
using namespace bitnetc::measure;

struct Threads::Impl {
  bitnet::Team team;
};

Threads::Threads() : impl(std::make_unique<Impl>()) {}
Threads::~Threads() = default;

llvm::Expected<std::unique_ptr<Threads>> Threads::start(unsigned count) {
  std::unique_ptr<Threads> threads(new Threads());
  if (bitnet::Error error =
          threads->impl->team.start(count, bitnet::defaultThreads()))
    return makeError(error.message());
  return std::move(threads);
}

unsigned Threads::size() const { return impl->team.size(); }

void *Threads::team() { return &impl->team; }

void Threads::run(uint64_t count,
                  llvm::function_ref<void(uint64_t, uint64_t)> body) {
  impl->team.run(
      [](void *context, uint64_t begin, uint64_t end) {
        (*static_cast<llvm::function_ref<void(uint64_t, uint64_t)> *>(context))(
            begin, end);
      },
      &body, count);
}

llvm::Error measure::prepareMachine(uint64_t featureBits) {
  bitnet::CpuState cpu;
  if (bitnet::Error error = bitnet::prepareCpu(featureBits, cpu))
    return makeError(error.message());
  if (!cpu.noTiles.empty())
    return makeError("matrix tiles cannot be used: " + cpu.noTiles +
                     "; use --mattr=-amx-int8");
  return llvm::Error::success();
}

unsigned measure::defaultThreads() { return bitnet::defaultThreads(); }

double measure::now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string measure::describeThreads(unsigned count) {
  return std::to_string(count) + (count == 1 ? " thread" : " threads");
}

std::string measure::describeLoad() {
  double load = 0;
  if (getloadavg(&load, 1) != 1)
    return "unknown";
  return llvm::formatv("{0:f2} on {1} CPUs", load,
                       bitnet::allowedCpus().size());
}

std::string measure::describeCpu() {
  // Written by the kernel on the fly: its size is not known beforehand.
  auto text = llvm::MemoryBuffer::getFileAsStream("/proc/cpuinfo");
  if (!text)
    return "unknown";
  for (llvm::StringRef line : llvm::split((*text)->getBuffer(), '\n'))
    if (line.consume_front("model name") || line.consume_front("CPU part"))
      return line.trim(" \t:").str();
  return "unknown";
}
