//===- bitnet-ref.cpp - Run a model with the reference forward pass -------===//
//
// Evaluates token ids, writes their logits and generates greedily: the slow
// and readable counterpart of an executable made by bitnetc, with the same
// option names, so that a test can run both and compare.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Reference/ReferenceModel.h"
#include "bitnetc/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace bitnetc;

static cl::OptionCategory category("bitnet-ref options");
static cl::opt<std::string> modelPath(cl::Positional, cl::Required,
                                      cl::desc("MODEL_DIR"), cl::cat(category));
static cl::opt<std::string>
    tokensPath("tokens", cl::Required, cl::value_desc("FILE"),
               cl::desc("Token ids of the prompt, separated by white space; "
                        "'-' reads standard input"),
               cl::cat(category));
static cl::opt<std::string>
    logitsPath("logits-out", cl::value_desc("FILE.npy"),
               cl::desc("Write the logits of the prompt as a NumPy array, "
                        "float32 [positions, vocabulary]"),
               cl::cat(category));
static cl::opt<int64_t>
    generateCount("n", cl::init(0), cl::value_desc("N"),
                  cl::desc("Generate at most N tokens, always the likeliest; "
                           "of equals the one with the lowest id"),
                  cl::cat(category));
static cl::opt<bool>
    printIds("print-ids", cl::desc("Print the generated token ids on one line"),
             cl::cat(category));
static cl::opt<bool>
    ignoreEos("ignore-eos",
              cl::desc("Generate on after a token that ends the text"),
              cl::cat(category));

static Expected<std::vector<int32_t>> readTokens(StringRef path,
                                                 int64_t vocab) {
  auto file = MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!file)
    return makeFileError(path, file.getError().message());
  std::vector<int32_t> tokens;
  SmallVector<StringRef> words;
  SplitString((*file)->getBuffer(), words);
  for (StringRef word : words) {
    int64_t id;
    if (word.getAsInteger(10, id) || id < 0 || id >= vocab)
      return makeFileError(path, "token id: expected 0 to " + Twine(vocab - 1) +
                                     ", but got '" + word + "'");
    tokens.push_back(id);
  }
  if (tokens.empty())
    return makeFileError(path,
                         "token ids: expected at least one, but got none");
  return tokens;
}

/// Writes a float32 matrix in NumPy's format 1.0 (numpy.lib.format): magic,
/// version, the length of a header that is padded so that the data starts at
/// a multiple of 64 bytes, the header, the data.
static Error writeNpy(StringRef path, ArrayRef<float> data, int64_t rows,
                      int64_t cols) {
  std::string header = ("{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                        Twine(rows) + ", " + Twine(cols) + "), }")
                           .str();
  size_t unpadded = 10 + header.size() + 1;
  header.append(alignTo(unpadded, 64) - unpadded, ' ');
  header += '\n';
  return writeToOutput(path, [&](raw_ostream &os) {
    os << StringRef("\x93NUMPY\x01\x00", 8) << char(header.size() & 255)
       << char(header.size() >> 8) << header;
    for (float value : data)
      support::endian::write(os, value, endianness::little);
    return Error::success();
  });
}

static int32_t likeliest(ArrayRef<float> logits) {
  return llvm::max_element(logits) - logits.begin();
}

static Error run() {
  auto modelOr = openModel(modelPath);
  if (!modelOr)
    return modelOr.takeError();
  const Model &model = **modelOr;
  int64_t vocab = model.config.vocab;
  auto tokens = readTokens(tokensPath, vocab);
  if (!tokens)
    return tokens.takeError();

  ReferenceModel reference(model);
  std::vector<float> logits(tokens->size() * vocab);
  if (Error error = reference.eval(*tokens, 0, logits))
    return error;
  if (!logitsPath.empty())
    if (Error error = writeNpy(logitsPath, logits, tokens->size(), vocab))
      return error;

  std::vector<float> last(logits.end() - vocab, logits.end());
  std::vector<int32_t> generated;
  int64_t position = tokens->size();
  while (int64_t(generated.size()) < generateCount) {
    int32_t next = likeliest(last);
    if (!ignoreEos && is_contained(model.config.eosTokens, next))
      break;
    generated.push_back(next);
    if (int64_t(generated.size()) == generateCount)
      break;
    if (Error error = reference.eval(next, position++, last))
      return error;
  }
  if (printIds) {
    ListSeparator space(" ");
    for (int32_t id : generated)
      outs() << space << id;
    outs() << "\n";
  }
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "bitnet-ref: evaluates a ternary language model with the slow scalar "
      "reference\n");
  if (Error error = run()) {
    logAllUnhandledErrors(std::move(error), errs(), "bitnet-ref: error: ");
    return 1;
  }
  return 0;
}
