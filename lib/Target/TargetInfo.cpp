//===- TargetInfo.cpp - Resolve --target, --cpu and --mattr ---------------===//
//
// LLVM's tables say which features a CPU has; the ISA's own file adds what
// LLVM does not know.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Target/TargetInfo.h"
#include "ISA.h"
#include "bitnetc/Support/Error.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace bitnetc;

static const Isa *findIsa(const Triple &triple) {
  switch (triple.getArch()) {
  case Triple::x86_64:
    return &x86Isa;
  case Triple::aarch64:
    return &aarch64Isa;
  default:
    return nullptr;
  }
}

static const Isa &getIsa(TargetInfo::Arch arch) {
  return arch == TargetInfo::Arch::X86_64 ? x86Isa : aarch64Isa;
}

/// Only descriptions are needed here; code generation registers the rest.
static void registerTargets() {
  static const bool done = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64TargetMC();
    return true;
  }();
  (void)done;
}

/// LLVM's description of a CPU of this triple; names must have been checked:
/// LLVM itself prints about unknown ones.
static Expected<std::unique_ptr<MCSubtargetInfo>>
makeSubtarget(const Triple &triple, StringRef cpu, StringRef features) {
  registerTargets();
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return makeError("target '" + triple.str() + "': " + message);
  return std::unique_ptr<MCSubtargetInfo>(
      target->createMCSubtargetInfo(triple, cpu, features));
}

/// Checks "+a,-b" against LLVM's list.
static Error checkFeatures(StringRef features, const MCSubtargetInfo &all,
                           StringRef archName) {
  SmallVector<StringRef> items;
  features.split(items, ',', -1, /*KeepEmpty=*/false);
  for (StringRef item : items) {
    StringRef name = item;
    if (!name.consume_front("+") && !name.consume_front("-"))
      return makeError("feature '" + item +
                       "': expected a sign, but got none; write +" + item +
                       " or -" + item);
    if (none_of(all.getAllProcessorFeatures(), [&](const auto &known) {
          return StringRef(known.Key) == name;
        }))
      return makeError("unknown feature '" + name + "' for " + archName +
                       "; use LLVM's names, e.g. those that llc "
                       "-mattr=help lists");
  }
  return Error::success();
}

/// The host's features as "+a,-b", of those that the runtime can check: code
/// may use nothing that the program does not test for before it starts.
static std::string getHostFeatures(const Isa &isa,
                                   const StringMap<bool> &host) {
  std::string features;
  for (const RuntimeFeature &feature : isa.runtimeFeatures)
    features += (Twine(features.empty() ? "" : ",") +
                 (host.lookup(feature.name) ? "+" : "-") + feature.name)
                    .str();
  return features;
}

static std::string append(StringRef first, StringRef second) {
  if (first.empty() || second.empty())
    return (first + second).str();
  return (first + "," + second).str();
}

uint64_t TargetInfo::getRuntimeFeatureBits() const {
  uint64_t bits = 0;
  for (const RuntimeFeature &feature : getIsa(arch).runtimeFeatures)
    if (hasFeature(feature.name))
      bits |= uint64_t(1) << feature.bit;
  return bits;
}

std::set<std::string> TargetInfo::getRuntimeFeatures() const {
  std::set<std::string> names;
  for (const RuntimeFeature &feature : getIsa(arch).runtimeFeatures)
    if (hasFeature(feature.name))
      names.insert(feature.name.str());
  return names;
}

Expected<TargetInfo> bitnetc::resolveTarget(StringRef tripleText, StringRef cpu,
                                            StringRef features) {
  Triple host(Triple::normalize(sys::getDefaultTargetTriple()));
  Triple triple =
      tripleText.empty() ? host : Triple(Triple::normalize(tripleText));
  const Isa *isa = findIsa(triple);
  if (!isa)
    return makeError("unknown target '" + triple.str() +
                     "': expected x86_64 or aarch64, but got '" +
                     triple.getArchName() +
                     "'; try --target=x86_64-linux-gnu or aarch64-linux-gnu");

  TargetInfo target;
  target.arch = isa->arch;
  target.triple = triple.str();
  target.cpu = cpu.str();
  target.features = features.str();
  bool isHost = triple.getArch() == host.getArch();
  if (cpu == "native" || (cpu.empty() && isHost)) {
    if (!isHost)
      return makeError("CPU 'native' is a machine of " + host.getArchName() +
                       ", but the target is " + triple.getArchName() +
                       "; try --cpu=" + isa->suggestedCpus);
    StringMap<bool> hostFeatures = sys::getHostCPUFeatures();
    target.cpu = isa->getNativeCpu(hostFeatures).str();
    target.features = append(getHostFeatures(*isa, hostFeatures), features);
  } else if (cpu.empty()) {
    target.cpu = isa->baselineCpu.str();
    target.features = append(isa->baselineFeatures, features);
  }

  auto plain = makeSubtarget(triple, "", "");
  if (!plain)
    return plain.takeError();
  if (!(*plain)->isCPUStringValid(target.cpu))
    return makeError(
        "unknown CPU '" + target.cpu + "' for " + triple.getArchName() +
        "; try --cpu=" + (isHost ? "native, " : "") + isa->suggestedCpus);
  if (Error error = checkFeatures(features, **plain, triple.getArchName()))
    return error;
  auto subtarget = makeSubtarget(triple, target.cpu, target.features);
  if (!subtarget)
    return subtarget.takeError();
  for (const SubtargetFeatureKV &feature :
       (*subtarget)->getEnabledProcessorFeatures())
    target.has.insert(feature.Key);
  if (Error error = isa->setFacts(target))
    return error;
  return target;
}
