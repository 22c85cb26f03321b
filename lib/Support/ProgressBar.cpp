//===- ProgressBar.cpp - How far a long job has come ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Support/ProgressBar.h"
#include "llvm/Support/Format.h"
#include <algorithm>

using namespace llvm;

namespace bitnetc {

/// Characters between the brackets.
static constexpr unsigned barWidth = 30;
static constexpr std::chrono::milliseconds drawInterval(100);

std::string formatBytes(uint64_t bytes) {
  static constexpr const char *units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  double value = double(bytes);
  unsigned unit = 0;
  // 999.95 would print as "1000.0".
  while (value >= 999.95 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  std::string text;
  raw_string_ostream os(text);
  os << format(unit == 0 ? "%.0f" : "%.1f", value) << ' ' << units[unit];
  return text;
}

ProgressBar::ProgressBar(raw_ostream &os, std::string label, uint64_t total,
                         bool force)
    : os(os), label(std::move(label)), total(total),
      active(total > 0 && (force || os.is_displayed())), start(Clock::now()),
      nextDraw(start + drawInterval) {}

ProgressBar::~ProgressBar() {
  if (lastWidth == 0)
    return;
  os << '\r' << std::string(lastWidth, ' ') << '\r';
  os.flush();
}

void ProgressBar::advance(uint64_t bytes) {
  done = std::min(total, done + bytes);
  if (!active)
    return;
  Clock::time_point now = Clock::now();
  if (now < nextDraw)
    return;
  nextDraw = now + drawInterval;
  draw(now);
}

void ProgressBar::draw(Clock::time_point now) {
  double seconds = std::chrono::duration<double>(now - start).count();
  double rate = done / std::max(seconds, 1e-3);
  unsigned filled = unsigned(double(done) / total * barWidth);
  std::string line;
  raw_string_ostream text(line);
  text << label << format(" %3.0f%% [", 100.0 * done / total)
       << std::string(filled, '=') << (filled < barWidth ? ">" : "")
       << std::string(barWidth - std::min(barWidth, filled + 1), ' ') << "] "
       << formatBytes(done) << '/' << formatBytes(total) << "  "
       << formatBytes(uint64_t(rate)) << "/s";
  if (done > 0)
    text << format("  %.0f s", (total - done) / rate);
  // Blanks cover what a longer line before left behind.
  size_t width = line.size();
  os << '\r' << line
     << std::string(lastWidth > width ? lastWidth - width : 0, ' ');
  os.flush();
  lastWidth = width;
}

} // namespace bitnetc
