//===- Report.h - Results as a table, JSON or CSV --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BENCH_REPORT_H
#define BITNETC_TOOLS_BENCH_REPORT_H

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <variant>
#include <vector>

namespace bitnetc::bench {

enum class ReportFormat { Table, JSON, CSV };

/// A column: its name in JSON and CSV, the head of the table, and the digits
/// after the point that numbers have in the table. JSON and CSV are exact.
struct Column {
  const char *name, *head;
  int digits = 0;
};

/// One value: text or a number.
using Cell = std::variant<std::string, double>;

/// What was measured and where.
struct Report {
  /// About the run, in order: machine, date, load, ...
  std::vector<std::pair<std::string, Cell>> facts;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;

  void print(ReportFormat format, llvm::raw_ostream &os) const;
};

} // namespace bitnetc::bench

#endif // BITNETC_TOOLS_BENCH_REPORT_H
