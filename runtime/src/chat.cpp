//===- chat.cpp - Continue what somebody types ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "chat.h"

#include "interrupt.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace bitnet;

/// Reads one line without its end. False at the end of the input or if Ctrl-C
/// interrupted; `error` is set if reading failed.
static bool readLine(std::string &line, Error &error) {
  char *buffer = nullptr;
  size_t capacity = 0;
  errno = 0;
  ssize_t length = getline(&buffer, &capacity, stdin);
  int reason = errno;
  if (length > 0) {
    line.assign(buffer, size_t(length));
    if (line.back() == '\n')
      line.pop_back();
  }
  free(buffer);
  if (length <= 0 && ferror(stdin) && reason != EINTR)
    error = Error::make("standard input: cannot read: %s", strerror(reason));
  return length > 0 && !interrupted();
}

Error bitnet::chat(Generator &generator, const Tokenizer &tokenizer,
                   uint32_t limit) {
  bool terminal = isatty(STDIN_FILENO);
  if (terminal)
    fputs("type a text to continue; Ctrl-C stops the answer, Ctrl-D ends\n",
          stderr);
  for (;;) {
    if (terminal)
      if (Error error = writeOut("> "))
        return error;
    std::string line;
    Error failure;
    if (!readLine(line, failure)) {
      if (failure || !terminal)
        return failure;
      return writeOut("\n");
    }
    if (line.empty())
      continue;

    // Only the beginning of a text gets bos; an interrupted first line is none.
    bool fresh = generator.empty();
    Ending ending;
    Tokenizer::Stream stream(tokenizer, /*atStart=*/false);
    Error error = generator.run(tokenizer.encode(line, fresh, true), limit,
                                &stream, ending);
    if (error && !fresh) {
      fputs("note: the context is full; starting a new text\n", stderr);
      generator.reset();
      error = generator.run(tokenizer.encode(line, true, true), limit, &stream,
                            ending);
    }
    if (error) {
      // A line that cannot be read is no reason to end a conversation, but
      // one that comes from a file or a pipe would go unnoticed.
      if (!terminal)
        return error;
      fprintf(stderr, "error: %s\n", error.message().c_str());
      continue;
    }
    clearInterrupt();
    if (Error newline = writeOut("\n"))
      return newline;
  }
}
