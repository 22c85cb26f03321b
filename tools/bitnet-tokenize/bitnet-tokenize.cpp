//===- bitnet-tokenize.cpp - Text to token ids and back -------------------===//
//
// Imports a tokenizer.json as bitnetc does, and runs it with the code of the
// produced executables: for tests, and for a look at what a model will see.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Tokenizer.h"
#include "bitnetc/Support/Error.h"
#include "tokenizer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace bitnetc;
using namespace llvm;

static cl::OptionCategory category("bitnet-tokenize options");
static cl::opt<std::string>
    tokenizerPath(cl::Positional, cl::Required,
                  cl::desc("<tokenizer.json, or a file made by --emit-blob>"),
                  cl::cat(category));
enum class Mode { Encode, Decode, Info };
static cl::opt<Mode> mode(
    cl::desc("What to do:"), cl::init(Mode::Encode), cl::cat(category),
    cl::values(
        clEnumValN(Mode::Encode, "encode",
                   "Standard input to token ids, one line a text (default)"),
        clEnumValN(Mode::Decode, "decode",
                   "Lines of token ids on standard input to text"),
        clEnumValN(Mode::Info, "info", "Print sizes and special tokens")));
static cl::opt<std::string>
    separator("separator", cl::value_desc("TEXT"),
              cl::desc("What stands between two texts; without it the input is "
                       "one text"),
              cl::cat(category));
static cl::opt<bool> addSpecial(
    "add-special", cl::init(false),
    cl::desc("Add the tokens that the post-processor puts around a text"),
    cl::cat(category));
static cl::opt<bool>
    parseSpecial("parse-special", cl::init(false),
                 cl::desc("Recognise special tokens written in the text"),
                 cl::cat(category));
static cl::list<int64_t>
    eosTokens("eos", cl::CommaSeparated, cl::value_desc("ID"),
              cl::desc("Ids that end generation, from the model"),
              cl::cat(category));
static cl::opt<int64_t> bosToken("bos", cl::init(-1), cl::value_desc("ID"),
                                 cl::desc("The model's first token"),
                                 cl::cat(category));
static cl::opt<int64_t> modelVocab(
    "vocab", cl::init(0), cl::value_desc("N"),
    cl::desc("Rows of the model's embedding; larger ids are refused"),
    cl::cat(category));
static cl::opt<std::string> blobPath("emit-blob", cl::value_desc("FILE"),
                                     cl::desc("Also write the tables here"),
                                     cl::cat(category));

/// The blob of either kind of file, in aligned memory.
static Expected<std::unique_ptr<MemoryBuffer>> getBlob() {
  auto copyOf = [](StringRef bytes) {
    auto copy = WritableMemoryBuffer::getNewUninitMemBuffer(
        bytes.size(), tokenizerPath, Align(8));
    llvm::copy(bytes, copy->getBufferStart());
    return copy;
  };
  if (sys::path::extension(tokenizerPath) != ".json") {
    auto file = MemoryBuffer::getFile(tokenizerPath, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
    if (!file)
      return makeFileError(tokenizerPath, file.getError().message());
    return copyOf((*file)->getBuffer());
  }
  auto blob = importTokenizer(tokenizerPath, eosTokens, bosToken, modelVocab);
  if (!blob)
    return blob.takeError();
  return copyOf(StringRef(blob->data(), blob->size()));
}

static void encode(const bitnet::Tokenizer &tokenizer, StringRef input) {
  SmallVector<StringRef> texts = {input};
  if (!separator.empty()) {
    texts.clear();
    input.split(texts, separator);
  }
  for (StringRef text : texts) {
    ListSeparator space(" ");
    for (int32_t id : tokenizer.encode(text, addSpecial, parseSpecial))
      outs() << space << id;
    outs() << '\n';
  }
}

static Error decode(const bitnet::Tokenizer &tokenizer, StringRef input) {
  SmallVector<StringRef> lines;
  input.split(lines, '\n');
  if (!lines.empty() && lines.back().empty())
    lines.pop_back();
  ListSeparator between(separator);
  for (StringRef line : lines) {
    bitnet::Tokenizer::Stream stream(tokenizer);
    outs() << between;
    SmallVector<StringRef> words;
    SplitString(line, words);
    for (StringRef word : words) {
      int32_t id;
      if (word.getAsInteger(10, id))
        return makeError("standard input: token id: expected a number, but "
                         "got '" +
                         word + "'");
      outs() << stream.push(id);
    }
    outs() << stream.flush();
  }
  return Error::success();
}

static void printInfo(const bitnet::Tokenizer &tokenizer, size_t bytes) {
  outs() << "vocabulary " << tokenizer.vocabSize() << "\nbos "
         << tokenizer.bos() << "\neos";
  for (int32_t id = 0; id < tokenizer.vocabSize(); ++id)
    if (tokenizer.isEos(id))
      outs() << ' ' << id << " '" << tokenizer.decodeToken(id) << "'";
  outs() << "\nbytes " << bytes << '\n';
}

static Error run() {
  auto blob = getBlob();
  if (!blob)
    return blob.takeError();
  StringRef bytes = (*blob)->getBuffer();
  if (!blobPath.empty()) {
    std::error_code code;
    raw_fd_ostream file(blobPath, code, sys::fs::OF_None);
    if (code)
      return makeFileError(blobPath, code.message());
    file << bytes;
    file.close();
    if (file.has_error())
      return makeFileError(blobPath, file.error().message());
  }
  bitnet::Tokenizer tokenizer;
  if (const char *reason =
          bitnet::Tokenizer::open(bytes.data(), bytes.size(), tokenizer))
    return makeFileError(tokenizerPath, reason);
  if (mode == Mode::Info) {
    printInfo(tokenizer, bytes.size());
    return Error::success();
  }
  auto input = MemoryBuffer::getSTDIN();
  if (!input)
    return makeFileError("standard input", input.getError().message());
  if (mode == Mode::Decode)
    return decode(tokenizer, (*input)->getBuffer());
  encode(tokenizer, (*input)->getBuffer());
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv, "Turns text into token ids, and token ids into text.\n");
  ExitOnError exitOnError("bitnet-tokenize: error: ");
  exitOnError(run());
}
