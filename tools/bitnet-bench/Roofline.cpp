//===- Roofline.cpp - Measured kernels below the machine's limits ---------===//
//
// Plain SVG 1.1 without scripts or external fonts, so that it shows in a README
// as in a browser.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Roofline.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cmath>

using namespace bitnetc::bench;
using llvm::formatv;

// Okabe and Ito's colours, which colour-blind readers can tell apart.
static constexpr const char *colours[] = {"#0072B2", "#D55E00", "#009E73",
                                          "#CC79A7", "#E69F00", "#56B4E9",
                                          "#000000"};

static constexpr double width = 860, height = 520, left = 70, top = 40,
                        right = 250, bottom = 55;
static constexpr double lineHeight = 14;

namespace {

/// A logarithmic axis from `low` to `high` along `from` to `to` pixels.
struct Axis {
  double low, high, from, to;

  double at(double value) const {
    double share = std::log(value / low) / std::log(high / low);
    return from + share * (to - from);
  }
};

/// The whole powers of ten around the values.
Axis makeAxis(double least, double most, double from, double to) {
  double low = std::pow(10, std::floor(std::log10(least)));
  double high = std::pow(10, std::ceil(std::log10(most)));
  if (low == high)
    high *= 10;
  return {low, high, from, to};
}

} // namespace

static std::string escape(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    result += c == '&'   ? "&amp;"
              : c == '<' ? "&lt;"
              : c == '>' ? "&gt;"
                         : std::string(1, c);
  return result;
}

static void writeText(llvm::raw_ostream &os, double x, double y,
                      const std::string &text, const char *attributes = "") {
  os << formatv("<text x=\"{0:f1}\" y=\"{1:f1}\" {2}>{3}</text>\n", x, y,
                attributes, escape(text));
}

static void writeLine(llvm::raw_ostream &os, double x1, double y1, double x2,
                      double y2, const char *attributes) {
  os << formatv("<line x1=\"{0:f1}\" y1=\"{1:f1}\" x2=\"{2:f1}\" "
                "y2=\"{3:f1}\" {4}/>\n",
                x1, y1, x2, y2, attributes);
}

/// A power of ten as one writes it.
static std::string getLabel(double value) {
  std::string label;
  llvm::raw_string_ostream(label) << llvm::format("%g", value);
  return label;
}

static void writeGrid(llvm::raw_ostream &os, const Axis &x, const Axis &y) {
  const char *thin = "stroke=\"#ddd\"";
  for (double value = x.low; value <= x.high * 1.001; value *= 10) {
    writeLine(os, x.at(value), y.from, x.at(value), y.to, thin);
    writeText(os, x.at(value), y.from + 18, getLabel(value),
              "text-anchor=\"middle\"");
  }
  for (double value = y.low; value <= y.high * 1.001; value *= 10) {
    writeLine(os, x.from, y.at(value), x.to, y.at(value), thin);
    writeText(os, x.from - 6, y.at(value) + 4, getLabel(value),
              "text-anchor=\"end\"");
  }
  writeText(os, (x.from + x.to) / 2, height - 14,
            "operations per byte of weights", "text-anchor=\"middle\"");
  os << formatv("<text transform=\"translate(18 {0:f1}) rotate(-90)\" "
                "text-anchor=\"middle\">10^9 operations per second</text>\n",
                (y.from + y.to) / 2);
}

void Roofline::writeSvg(llvm::raw_ostream &os) const {
  double leastX = 1, mostX = 100, leastY = 1e9, mostY = 0;
  for (const Point &point : points) {
    leastX = std::min(leastX, point.opsPerByte);
    mostX = std::max(mostX, point.opsPerByte);
    leastY = std::min(leastY, point.gops);
    mostY = std::max(mostY, point.gops);
  }
  for (const Roof &roof : roofs)
    mostY = std::max(mostY, roof.value);
  double flat = mostY;
  for (const Roof &slope : slopes)
    leastY = std::min(leastY, slope.value * leastX);
  Axis x = makeAxis(leastX, mostX, left, width - right);
  Axis y = makeAxis(leastY, mostY * 1.2, height - bottom, top);

  os << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:f0}\" "
                "height=\"{1:f0}\" viewBox=\"0 0 {0:f0} {1:f0}\" "
                "font-family=\"sans-serif\" font-size=\"12\">\n"
                "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                width, height);
  writeText(os, left, 24, title, "font-size=\"15\"");
  writeGrid(os, x, y);

  for (auto [i, slope] : llvm::enumerate(slopes)) {
    // From the left edge to where the highest roof cuts it off.
    double end = std::min(x.high, flat / slope.value);
    double begin = std::max(x.low, y.low / slope.value);
    writeLine(os, x.at(begin), y.at(begin * slope.value), x.at(end),
              y.at(end * slope.value), "stroke=\"#444\" stroke-width=\"1.5\"");
    // Slopes may be nearly one line: each has its label further to the right.
    double label = std::min(x.high, begin * std::pow(10, 0.3 + 0.35 * i));
    writeText(os, x.at(label) + 8, y.at(label * slope.value) + 14, slope.name,
              "fill=\"#444\"");
  }
  std::vector<Roof> sorted = roofs;
  llvm::stable_sort(sorted, [](const Roof &left, const Roof &right) {
    return left.value > right.value;
  });
  double label = -lineHeight;
  for (const Roof &roof : sorted) {
    double line = y.at(roof.value);
    writeLine(os, x.from, line, x.to, line,
              "stroke=\"#444\" stroke-dasharray=\"5 3\"");
    // Labels that would cover each other move down.
    label = std::max(line, label + lineHeight);
    writeText(os, x.to + 6, label + 4, roof.name, "fill=\"#444\"");
  }

  std::vector<std::string> series;
  for (const Point &point : points) {
    if (!llvm::is_contained(series, point.series))
      series.push_back(point.series);
    const char *colour =
        colours[(llvm::find(series, point.series) - series.begin()) %
                std::size(colours)];
    double px = x.at(point.opsPerByte), py = y.at(point.gops);
    os << formatv("<circle cx=\"{0:f1}\" cy=\"{1:f1}\" r=\"4\" "
                  "fill=\"{2}\"><title>{3}, {4}: {5:f1} Gop/s</title>"
                  "</circle>\n",
                  px, py, colour, escape(point.series), escape(point.name),
                  point.gops);
    writeText(os, px + 6, py + 12, point.name, "font-size=\"10\"");
  }
  for (auto [i, name] : llvm::enumerate(series)) {
    double line = height - bottom - 16.0 * (series.size() - i);
    os << formatv("<circle cx=\"{0:f1}\" cy=\"{1:f1}\" r=\"4\" "
                  "fill=\"{2}\"/>\n",
                  width - right + 12, line, colours[i % std::size(colours)]);
    writeText(os, width - right + 22, line + 4, name);
  }
  os << "</svg>\n";
}
