//===- tokenizer_text.h - Replacing parts of a text -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TOKENIZER_TEXT_H
#define BITNET_SRC_TOKENIZER_TEXT_H

#include <string>
#include <string_view>

namespace bitnet {

/// `text` with every `from` (not empty), left to right, turned into `to`.
inline std::string replaceAll(std::string_view text, std::string_view from,
                              std::string_view to) {
  std::string out;
  size_t pos = 0;
  for (;;) {
    size_t found = text.find(from, pos);
    out.append(text.substr(pos, found - pos));
    if (found == std::string_view::npos)
      return out;
    out.append(to);
    pos = found + from.size();
  }
}

} // namespace bitnet

#endif // BITNET_SRC_TOKENIZER_TEXT_H
