//===- Spec.cpp - Formats that were chosen by measuring -------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Pipeline/Spec.h"
#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Link/Link.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/Json.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Triple.h"

using namespace bitnetc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static constexpr int64_t kVersion = 1;
static constexpr const char *kRemedy =
    "run bitnetc --tune on the machine that the program is for";

const SpecMatrix *Spec::find(int64_t rows, int64_t columns) const {
  for (const SpecMatrix &matrix : matrices)
    if (matrix.rows == rows && matrix.columns == columns)
      return &matrix;
  return nullptr;
}

/// The member, which must be there.
template <typename T>
static Expected<T> require(const JsonReader &reader, StringRef key,
                           Expected<std::optional<T>> value) {
  if (!value)
    return value.takeError();
  if (!*value)
    return reader.error(key,
                        Twine("expected a value, but got none; ") + kRemedy);
  return **value;
}
template <typename T>
static Expected<const T *> require(const JsonReader &reader, StringRef key,
                                   Expected<const T *> value) {
  if (value && !*value)
    return reader.error(key,
                        Twine("expected a value, but got none; ") + kRemedy);
  return value;
}

/// Fails unless the file was measured with the features of `target`.
static Error checkTarget(const JsonReader &reader, const TargetInfo &target) {
  auto triple = require(reader, "triple", reader.getString("triple"));
  if (!triple)
    return triple.takeError();
  llvm::Triple measured(*triple), wanted(target.triple);
  if (measured.getArch() != wanted.getArch())
    return reader.error("triple", "expected " + wanted.getArchName() +
                                      ", but got " + measured.getArchName() +
                                      "; " + kRemedy);
  auto features = require(reader, "features", reader.getArray("features"));
  if (!features)
    return features.takeError();
  std::set<std::string> theirs, ours = target.getRuntimeFeatures();
  for (const json::Value &feature : **features) {
    auto name = feature.getAsString();
    if (!name)
      return reader.error("features",
                          "expected names, but got " + describe(feature));
    theirs.insert(name->str());
  }
  for (const std::string &name : ours)
    if (!theirs.count(name))
      return reader.error("features", "expected those of the target, but got "
                                      "none of '" +
                                          name + "'; " + kRemedy);
  for (const std::string &name : theirs)
    if (!ours.count(name))
      return reader.error("features",
                          "expected those of the target, but got '" + name +
                              "', too; " + kRemedy);
  return Error::success();
}

static Expected<SpecMatrix> readMatrix(const JsonReader &reader) {
  SpecMatrix matrix;
  for (auto [key, value] : {std::pair("rows", &matrix.rows),
                            std::pair("columns", &matrix.columns)}) {
    auto number = require(reader, key, reader.getInteger(key));
    if (!number)
      return number.takeError();
    if (*number < 1)
      return reader.error(key, "expected a number above 0, but got " +
                                   Twine(*number));
    *value = *number;
  }
  auto format = require(reader, "format", reader.getString("format"));
  if (!format)
    return format.takeError();
  if (!findFormat(*format))
    return reader.error("format", "expected a packing format of bitnetc "
                                  "--list-formats, but got '" +
                                      *format + "'");
  matrix.format = format->str();
  return matrix;
}

Expected<Spec> bitnetc::readSpec(StringRef file, const TargetInfo &target) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return makeFileError(file, "cannot read: " + buffer.getError().message());
  auto object = parseJsonObject(file, (*buffer)->getBuffer());
  if (!object)
    return object.takeError();
  JsonReader reader(*object, file.str());
  auto version =
      require(reader, "bitnetc_spec", reader.getInteger("bitnetc_spec"));
  if (!version)
    return version.takeError();
  if (*version != kVersion)
    return reader.error("bitnetc_spec", "expected version " + Twine(kVersion) +
                                            ", but got " + Twine(*version) +
                                            "; " + kRemedy);
  auto machine = require(reader, "target", reader.getObject("target"));
  if (!machine)
    return machine.takeError();
  if (Error error = checkTarget(reader.nested("target", **machine), target))
    return std::move(error);
  Spec spec;
  auto matrices = require(reader, "matrices", reader.getArray("matrices"));
  if (!matrices)
    return matrices.takeError();
  for (auto [i, value] : llvm::enumerate(**matrices)) {
    std::string key = ("matrices[" + Twine(i) + "]").str();
    const json::Object *entry = value.getAsObject();
    if (!entry)
      return reader.error(key,
                          "expected an object, but got " + describe(value));
    auto matrix = readMatrix(reader.nested(key, *entry));
    if (!matrix)
      return matrix.takeError();
    if (spec.find(matrix->rows, matrix->columns))
      return reader.error(key, "expected one entry for each shape, but got a "
                               "second one for " +
                                   Twine(matrix->rows) + " x " +
                                   Twine(matrix->columns));
    spec.matrices.push_back(std::move(*matrix));
  }
  return spec;
}

Error bitnetc::writeSpec(const Spec &spec, const TargetInfo &target,
                         StringRef file) {
  json::Array features, matrices;
  for (const std::string &name : target.getRuntimeFeatures())
    features.push_back(name);
  for (const SpecMatrix &matrix : spec.matrices) {
    json::Object measured;
    for (const SpecMatrix::Times &times : matrix.measured) {
      json::Object phases;
      for (const auto &[phase, microseconds] : times.microseconds)
        phases[phase] = microseconds;
      measured[times.format] = std::move(phases);
    }
    matrices.push_back(json::Object{{"rows", matrix.rows},
                                    {"columns", matrix.columns},
                                    {"format", matrix.format},
                                    {"microseconds", std::move(measured)}});
  }
  json::Object object{
      {"bitnetc_spec", kVersion},
      {"target", json::Object{{"triple", target.triple},
                              {"features", std::move(features)}}},
      {"threads", spec.threads},
      {"matrices", std::move(matrices)}};
  auto pending = PendingFile::create(file, /*executable=*/false);
  if (!pending)
    return pending.takeError();
  (*pending)->os() << llvm::formatv("{0:2}\n", json::Value(std::move(object)));
  return (*pending)->commit();
}
