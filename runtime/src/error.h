//===- error.h - Success, or one line that says what is wrong -------------===//
//
// The runtime is compiled without exceptions; whatever can fail returns an
// Error, and only program.cpp prints one. Texts follow the compiler's rule:
// "FILE: what: expected X, but got Y; do Z", lower case, no final period.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_ERROR_H
#define BITNET_SRC_ERROR_H

#include <cstdarg>
#include <cstdio>
#include <string>
#include <utility>

namespace bitnet {

class [[nodiscard]] Error {
public:
  /// Success.
  Error() = default;

  /// A failure with a printf-formatted text, which must not be empty.
  __attribute__((format(printf, 1, 2))) static Error make(const char *format,
                                                          ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(nullptr, 0, format, args);
    va_end(args);
    Error error;
    error.text.resize(length + 1);
    vsnprintf(&error.text[0], length + 1, format, again);
    va_end(again);
    error.text.resize(length);
    return error;
  }

  /// True for a failure.
  explicit operator bool() const { return !text.empty(); }
  const std::string &message() const { return text; }

private:
  std::string text;
};

} // namespace bitnet

#endif // BITNET_SRC_ERROR_H
