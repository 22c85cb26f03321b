//===- Report.cpp - Results as a table, JSON or CSV -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Report.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <algorithm>

using namespace bitnetc::bench;

/// Instead of digits after the point: as many as carry information, or enough
/// for facts about a machine.
static constexpr int exact = -1, brief = -2;

/// The text of a value with `digits` after the point.
static std::string toText(const Cell &cell, int digits) {
  if (auto *text = std::get_if<std::string>(&cell))
    return *text;
  std::string result;
  llvm::raw_string_ostream os(result);
  double number = std::get<double>(cell);
  if (digits < 0)
    os << llvm::format(digits == exact ? "%.10g" : "%.4g", number);
  else
    os << llvm::format("%.*f", digits, number);
  return result;
}

static void printTable(const Report &report, llvm::raw_ostream &os) {
  for (auto &[name, value] : report.facts)
    os << name << ": " << toText(value, brief) << "\n";
  std::vector<size_t> widths;
  for (auto [i, column] : llvm::enumerate(report.columns)) {
    size_t width = llvm::StringRef(column.head).size();
    for (const std::vector<Cell> &row : report.rows)
      width = std::max(width, toText(row[i], column.digits).size());
    widths.push_back(width);
  }
  auto printRow = [&](llvm::function_ref<std::string(size_t)> text,
                      llvm::function_ref<bool(size_t)> isLeft) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      std::string cell = text(i), blanks(widths[i] - cell.size(), ' ');
      line += i ? "  " : "";
      line += isLeft(i) ? cell + blanks : blanks + cell;
    }
    os << llvm::StringRef(line).rtrim() << "\n";
  };
  // Text to the left, numbers to the right, heads with their column.
  auto isText = [&](size_t i) {
    return !report.rows.empty() &&
           std::holds_alternative<std::string>(report.rows[0][i]);
  };
  printRow([&](size_t i) { return report.columns[i].head; }, isText);
  for (const std::vector<Cell> &row : report.rows)
    printRow([&](size_t i) { return toText(row[i], report.columns[i].digits); },
             isText);
}

static llvm::json::Value toJson(const Cell &cell) {
  if (auto *text = std::get_if<std::string>(&cell))
    return *text;
  return std::get<double>(cell);
}

static void printJson(const Report &report, llvm::raw_ostream &os) {
  llvm::json::OStream json(os, 2);
  json.object([&] {
    for (auto &[name, value] : report.facts)
      json.attribute(name, toJson(value));
    json.attributeArray("results", [&] {
      for (const std::vector<Cell> &row : report.rows)
        json.object([&] {
          for (auto [column, cell] : llvm::zip(report.columns, row))
            json.attribute(column.name, toJson(cell));
        });
    });
  });
  os << "\n";
}

static void printCsv(const Report &report, llvm::raw_ostream &os) {
  // RFC 4180: quotes around what has a comma or a quote, quotes doubled.
  auto quote = [](std::string text) {
    if (llvm::StringRef(text).find_first_of(",\"\n") == llvm::StringRef::npos)
      return text;
    std::string quoted = "\"";
    for (char c : text)
      quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
  };
  llvm::interleave(
      report.columns, os, [&](const Column &column) { os << column.name; },
      ",");
  os << "\n";
  for (const std::vector<Cell> &row : report.rows) {
    llvm::interleave(
        row, os, [&](const Cell &cell) { os << quote(toText(cell, exact)); },
        ",");
    os << "\n";
  }
}

void Report::print(ReportFormat format, llvm::raw_ostream &os) const {
  switch (format) {
  case ReportFormat::Table:
    return printTable(*this, os);
  case ReportFormat::JSON:
    return printJson(*this, os);
  case ReportFormat::CSV:
    return printCsv(*this, os);
  }
}
