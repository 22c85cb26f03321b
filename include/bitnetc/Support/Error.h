//===- Error.h - One way to say what is wrong ------------------*- C++ -*-===//
//
// Libraries return llvm::Error / llvm::Expected and never print or exit; the
// tools print "TOOL: error: MESSAGE". Messages about an input read
//   FILE: WHAT: expected X, but got Y; do Z
// lower case, no final period, names in single quotes.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_SUPPORT_ERROR_H
#define BITNETC_SUPPORT_ERROR_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace bitnetc {

/// An error with this message.
inline llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// An error about `file`: "FILE: MESSAGE".
inline llvm::Error makeFileError(const llvm::Twine &file,
                                 const llvm::Twine &message) {
  return makeError(file + ": " + message);
}

} // namespace bitnetc

#endif // BITNETC_SUPPORT_ERROR_H
