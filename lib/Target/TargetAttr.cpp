//===- TargetAttr.cpp - The target as an attribute of the module ----------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Target/TargetInfo.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace bitnetc;

static constexpr llvm::StringLiteral kTargetAttr = "bitnet.target";

void bitnetc::setTarget(ModuleOp module, const TargetInfo &target) {
  Builder builder(module.getContext());
  auto entry = [&](StringRef name, StringRef value) {
    return builder.getNamedAttr(name, builder.getStringAttr(value));
  };
  module->setAttr(kTargetAttr,
                  builder.getDictionaryAttr(
                      {entry("triple", target.triple), entry("cpu", target.cpu),
                       entry("features", target.features)}));
}

FailureOr<TargetInfo> bitnetc::getTarget(Operation *op) {
  Attribute attr;
  for (Operation *parent = op; parent && !attr; parent = parent->getParentOp())
    if (Attribute found = parent->getAttr(kTargetAttr)) {
      attr = found;
      op = parent;
    }
  std::string triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features;
  if (attr) {
    auto dictionary = dyn_cast<DictionaryAttr>(attr);
    auto read = [&](StringRef name, std::string &value) {
      auto text =
          dictionary ? dictionary.getAs<StringAttr>(name) : StringAttr();
      if (text)
        value = text.str();
      return bool(text);
    };
    if (!read("triple", triple) || !read("cpu", cpu) ||
        !read("features", features))
      return op->emitOpError("expected 'bitnet.target' to be a dictionary of "
                             "the strings triple, cpu and features, but got ")
             << attr;
  }
  llvm::Expected<TargetInfo> target = resolveTarget(triple, cpu, features);
  if (!target)
    return op->emitOpError("has a wrong 'bitnet.target': ")
           << llvm::toString(target.takeError());
  return std::move(*target);
}
