//===- ProgressBar.h - How far a long job has come -------------*- C++ -*-===//
//
// One line that is rewritten in place:
//   packing  63% [==================>           ] 1.2/1.9 GB  410 MB/s  2 s
// Drawn only on a terminal and at most ten times a second, so that logs stay
// clean and the job does not wait for the terminal.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_SUPPORT_PROGRESSBAR_H
#define BITNETC_SUPPORT_PROGRESSBAR_H

#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cstdint>
#include <string>

namespace bitnetc {

/// "1.9 GB": bytes with one decimal in powers of 1000.
std::string formatBytes(uint64_t bytes);

class ProgressBar {
public:
  /// A job of `total` bytes. Draws on `os` if that is a terminal; `force`
  /// draws anywhere.
  ProgressBar(llvm::raw_ostream &os, std::string label, uint64_t total,
              bool force = false);
  /// Removes the line: what was made is reported by the tool, not by the bar.
  ~ProgressBar();
  ProgressBar(const ProgressBar &) = delete;
  ProgressBar &operator=(const ProgressBar &) = delete;

  /// `bytes` more are done.
  void advance(uint64_t bytes);

private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);

  llvm::raw_ostream &os;
  const std::string label;
  const uint64_t total;
  const bool active;
  uint64_t done = 0;
  size_t lastWidth = 0;
  Clock::time_point start, nextDraw;
};

} // namespace bitnetc

#endif // BITNETC_SUPPORT_PROGRESSBAR_H
