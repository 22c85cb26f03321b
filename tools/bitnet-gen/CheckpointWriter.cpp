//===- CheckpointWriter.cpp - Writes a checkpoint directory ---------------===//
//
// All sizes are known before the first byte is written, so headers come first
// and the data is streamed behind them: memory use does not depend on the
// model.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "CheckpointWriter.h"
#include "RandomData.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/ProgressBar.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <unistd.h>

using namespace llvm;

namespace bitnetc::gen {

/// Room for config.json, tokenizer.json and headers in the check of free
/// space.
static constexpr uint64_t smallFilesBytes = 64 << 20;

namespace {

/// A file in the new directory; reports the first failed write.
class OutputFile {
public:
  static Expected<std::unique_ptr<OutputFile>> create(StringRef directory,
                                                      StringRef name) {
    SmallString<256> path(directory);
    sys::path::append(path, name);
    std::error_code error;
    auto file = std::make_unique<OutputFile>(path.str(), error);
    if (error)
      return makeFileError(path, "cannot be written: " + error.message());
    return std::move(file);
  }
  OutputFile(StringRef path, std::error_code &error)
      : path(path.str()), os(path, error) {
    sys::RemoveFileOnSignal(path);
  }
  ~OutputFile() {
    // raw_fd_ostream aborts if it is destroyed with an error or if its last
    // flush fails. Here the error was reported, or another one before it.
    os.SetUnbuffered();
    os.clear_error();
  }

  Error check() {
    if (!os.has_error())
      return Error::success();
    std::error_code error = os.error();
    os.clear_error();
    return makeFileError(path, "cannot be written: " + error.message());
  }
  Error write(ArrayRef<uint8_t> bytes) {
    os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    return check();
  }
  Error close() {
    os.flush();
    if (Error error = check())
      return error;
    os.close();
    return check();
  }
  raw_ostream &stream() { return os; }

private:
  const std::string path;
  raw_fd_ostream os;
};

} // namespace

static Error writeText(StringRef directory, StringRef name, StringRef text) {
  Expected<std::unique_ptr<OutputFile>> file =
      OutputFile::create(directory, name);
  if (!file)
    return file.takeError();
  (*file)->stream() << text;
  return (*file)->close();
}

/// Splits the tensors as save_pretrained does: in order, a new file when the
/// next tensor would not fit; a tensor larger than a shard gets its own.
static std::vector<ArrayRef<TensorPlan>> splitShards(ArrayRef<TensorPlan> all,
                                                     uint64_t shardBytes) {
  std::vector<ArrayRef<TensorPlan>> shards;
  size_t begin = 0;
  uint64_t bytes = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > begin && bytes + all[i].bytes > shardBytes) {
      shards.push_back(all.slice(begin, i - begin));
      begin = i;
      bytes = 0;
    }
    bytes += all[i].bytes;
  }
  shards.push_back(all.drop_front(begin));
  return shards;
}

static std::string makeHeader(ArrayRef<TensorPlan> tensors) {
  json::Object header{{"__metadata__", json::Object{{"format", "pt"}}}};
  uint64_t offset = 0;
  for (const TensorPlan &tensor : tensors) {
    header[tensor.name] = json::Object{
        {"dtype", tensor.dtype},
        {"shape", tensor.shape},
        {"data_offsets", {int64_t(offset), int64_t(offset + tensor.bytes)}}};
    offset += tensor.bytes;
  }
  std::string text;
  raw_string_ostream(text) << json::Value(std::move(header));
  // Blanks after the JSON align the data, as the reference writer does.
  text.resize(alignTo(text.size(), 8), ' ');
  return text;
}

static Error writeShard(StringRef directory, StringRef name,
                        ArrayRef<TensorPlan> tensors, const Layout &layout,
                        ProgressBar &progress) {
  Expected<std::unique_ptr<OutputFile>> file =
      OutputFile::create(directory, name);
  if (!file)
    return file.takeError();
  std::string header = makeHeader(tensors);
  uint8_t length[8];
  support::endian::write64le(length, header.size());
  if (Error error = (*file)->write(length))
    return error;
  (*file)->stream() << header;
  for (const TensorPlan &tensor : tensors)
    if (Error error = fillTensor(tensor, layout.dtype, layout.seed,
                                 [&](ArrayRef<uint8_t> bytes) {
                                   progress.advance(bytes.size());
                                   return (*file)->write(bytes);
                                 }))
      return error;
  return (*file)->close();
}

static Error writeWeights(const Layout &layout, StringRef directory,
                          ArrayRef<TensorPlan> tensors, WriteResult &result) {
  for (const TensorPlan &tensor : tensors)
    result.bytes += tensor.bytes;
  if (ErrorOr<sys::fs::space_info> space = sys::fs::disk_space(directory))
    if (space->available < result.bytes + smallFilesBytes)
      return makeFileError(directory, "expected " + formatBytes(result.bytes) +
                                          " of free disk space, but got " +
                                          formatBytes(space->available));
  ProgressBar progress(errs(), "writing", result.bytes);
  std::vector<ArrayRef<TensorPlan>> shards =
      splitShards(tensors, layout.shardBytes);
  result.shards = shards.size();
  if (shards.size() == 1)
    return writeShard(directory, "model.safetensors", tensors, layout,
                      progress);
  json::Object weightMap;
  for (size_t i = 0; i < shards.size(); ++i) {
    std::string name =
        formatv("model-{0:05}-of-{1:05}.safetensors", i + 1, shards.size());
    for (const TensorPlan &tensor : shards[i])
      weightMap[tensor.name] = name;
    if (Error error = writeShard(directory, name, shards[i], layout, progress))
      return error;
  }
  json::Value index = json::Object{
      {"metadata", json::Object{{"total_size", int64_t(result.bytes)}}},
      {"weight_map", std::move(weightMap)}};
  return writeText(directory, "model.safetensors.index.json",
                   formatv("{0:2}\n", index).str());
}

static Error writeFiles(const Layout &layout, StringRef directory,
                        WriteResult &result) {
  if (Error error = writeText(directory, "config.json", makeConfig(layout)))
    return error;
  if (Error error = writeText(directory, "generation_config.json",
                              makeGenerationConfig(layout)))
    return error;
  Expected<std::unique_ptr<OutputFile>> tokenizer =
      OutputFile::create(directory, "tokenizer.json");
  if (!tokenizer)
    return tokenizer.takeError();
  writeTokenizer(layout, (*tokenizer)->stream());
  if (Error error = (*tokenizer)->close())
    return error;
  return writeWeights(layout, directory, planTensors(layout), result);
}

/// The directory to remove when the user interrupts; its files are removed by
/// LLVM. Set before the handler is.
static const char *interruptedDirectory = nullptr;

static void removeInterrupted() {
  ::rmdir(interruptedDirectory);
  ::_exit(130); // what a shell reports for SIGINT
}

/// The files of a finished checkpoint survive a later signal.
static void keepFiles(StringRef directory) {
  std::error_code error;
  for (sys::fs::directory_iterator it(directory, error), end;
       it != end && !error; it.increment(error))
    sys::DontRemoveFileOnSignal(it->path());
  sys::SetInterruptFunction(nullptr);
}

Expected<WriteResult> writeCheckpoint(const Layout &layout, StringRef path) {
  SmallString<256> target(path);
  sys::path::remove_dots(target, /*remove_dot_dot=*/false);
  while (target.size() > 1 && sys::path::is_separator(target.back()))
    target.pop_back();
  if (sys::fs::exists(target)) {
    std::error_code error;
    if (!sys::fs::is_directory(target) ||
        sys::fs::directory_iterator(target, error) !=
            sys::fs::directory_iterator())
      return makeFileError(target, "exists and is no empty directory; remove "
                                   "it or choose another name");
  }
  SmallString<256> temporary;
  if (std::error_code error = sys::fs::createUniqueDirectory(
          // An absolute prefix, or LLVM would put it into /tmp.
          [&] {
            SmallString<256> absolute(target);
            sys::fs::make_absolute(absolute);
            return absolute;
          }() +
              ".partial",
          temporary))
    return makeFileError(target, "cannot be made: " + error.message());
  scope_exit cleanup([&] {
    (void)sys::fs::remove_directories(temporary, /*IgnoreErrors=*/true);
  });
  interruptedDirectory = temporary.c_str();
  sys::SetInterruptFunction(removeInterrupted);
  WriteResult result = {};
  if (Error error = writeFiles(layout, temporary, result))
    return std::move(error);
  keepFiles(temporary);
  // Unique directories are private; a checkpoint is as readable as any other
  // directory of this user.
  (void)sys::fs::setPermissions(temporary,
                                sys::fs::perms(0777 & ~sys::fs::getUmask()));
  if (std::error_code error = sys::fs::rename(temporary, target))
    return makeFileError(target, "cannot be made: " + error.message());
  cleanup.release();
  return result;
}

} // namespace bitnetc::gen
