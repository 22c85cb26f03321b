//===- Linker.cpp - Static link and appended sections ---------------------===//
//
// Weights are appended to the file and mapped by the runtime: no relocations,
// no size limit of the code model, nothing copied at start.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnet/container.h"
#include "bitnetc/Link/Link.h"
#include "bitnetc/Support/Error.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Triple.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;
using namespace bitnetc;

/// The folder of a triple's libraries below the library path: the triple
/// without its vendor, as Debian names it.
static std::string getLibraryFolder(const TargetInfo &target) {
  Triple triple(target.triple);
  return (Triple::getArchTypeName(triple.getArch()) + "-" +
          Triple::getOSTypeName(triple.getOS()) + "-" +
          Triple::getEnvironmentTypeName(triple.getEnvironment()))
      .str();
}

/// Runs the linker over `object`, writing `output`; messages name
/// `program`.
static Error runLinker(StringRef object, StringRef folder, StringRef output,
                       StringRef program) {
  std::vector<std::string> storage = {
      "ld.lld",      "-static", "--gc-sections", "--eh-frame-hdr", "-z",
      "noexecstack", "-o",      output.str()};
  auto library = [&](StringRef name) {
    SmallString<128> path(folder);
    sys::path::append(path, name);
    return path.str().str();
  };
  for (StringRef file : {"crt1.o", "crti.o", "crtbeginT.o"})
    storage.push_back(library(file));
  storage.push_back(object.str());
  storage.push_back(library("libbitnet_rt.a"));
  storage.push_back("--start-group");
  for (StringRef file :
       {"libstdc++.a", "libm.a", "libgcc.a", "libgcc_eh.a", "libc.a"})
    storage.push_back(library(file));
  storage.push_back("--end-group");
  for (StringRef file : {"crtend.o", "crtn.o"})
    storage.push_back(library(file));
  for (StringRef argument : storage)
    if (argument.starts_with(folder) && !sys::fs::exists(argument))
      return makeFileError(argument,
                           "expected the runtime of the target here; build and "
                           "install bitnetc with its runtime libraries");
  std::vector<const char *> arguments;
  for (const std::string &argument : storage)
    arguments.push_back(argument.c_str());
  std::string messages;
  raw_string_ostream os(messages);
  // A fatal error of the linker comes back, instead of ending the process.
  CrashRecoveryContext::Enable();
  scope_exit disable([] { CrashRecoveryContext::Disable(); });
  lld::Result result =
      lld::lldMain(arguments, os, os, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return makeFileError(program,
                         "link failed: " +
                             StringRef(messages).trim().split('\n').first);
  return Error::success();
}

static Error appendFile(raw_fd_ostream &os, StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return makeFileError(path, buffer.getError().message());
  os << (*buffer)->getBuffer();
  return Error::success();
}

static uint64_t alignSection(raw_fd_ostream &os) {
  os.write_zeros(offsetToAlignment(os.tell(), Align(BN_SECTION_ALIGN)));
  return os.tell();
}

Error bitnetc::linkExecutable(const LinkInput &input, const TargetInfo &target,
                              StringRef libraryPath, StringRef output) {
  SmallString<128> folder(libraryPath);
  sys::path::append(folder, getLibraryFolder(target));
  if (!sys::fs::is_directory(folder))
    return makeFileError(folder, "expected the libraries of target '" +
                                     target.triple +
                                     "' here; install its cross compiler and "
                                     "build bitnetc again");
  auto file = PendingFile::create(output, true);
  if (!file)
    return file.takeError();
  // Both stay beside the output, which has room if anything has.
  auto object = PendingFile::create((output + ".o").str(), false);
  if (!object)
    return object.takeError();
  (*object)->os() << input.object;
  if (Error error = (*object)->flush())
    return error;
  auto linked = PendingFile::create((output + ".elf").str(), true);
  if (!linked)
    return linked.takeError();
  if (Error error = runLinker((*object)->getTemporaryPath(), folder,
                              (*linked)->getTemporaryPath(), output))
    return error;
  raw_fd_ostream &os = (*file)->os();
  if (Error error = appendFile(os, (*linked)->getTemporaryPath()))
    return error;
  bn_trailer trailer = {};
  trailer.weights.offset = alignSection(os);
  if (Error error = input.writeWeights(os))
    return error;
  trailer.weights.bytes = os.tell() - trailer.weights.offset;
  trailer.tokenizer.offset = alignSection(os);
  os << input.tokenizer;
  trailer.tokenizer.bytes = input.tokenizer.size();
  memcpy(trailer.magic, BN_TRAILER_MAGIC, sizeof(trailer.magic));
  os.write(reinterpret_cast<const char *>(&trailer), sizeof(trailer));
  return (*file)->commit();
}
