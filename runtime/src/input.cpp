//===- input.cpp - Read prompts and token files ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "input.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace bitnet;

Error bitnet::readFile(const std::string &path, std::string &text) {
  FILE *file = path == "-" ? stdin : fopen(path.c_str(), "re");
  if (!file)
    return Error::make("%s: cannot open: %s", path.c_str(), strerror(errno));
  text.clear();
  char buffer[1 << 16];
  while (size_t bytes = fread(buffer, 1, sizeof(buffer), file))
    text.append(buffer, bytes);
  int reason = ferror(file) ? errno : 0;
  if (file != stdin)
    fclose(file);
  if (reason)
    return Error::make("%s: cannot read: %s", path.c_str(), strerror(reason));
  return Error();
}

Error bitnet::readTokens(const std::string &path,
                         std::vector<int32_t> &tokens) {
  std::string text;
  if (Error error = readFile(path, text))
    return error;
  tokens.clear();
  static const char space[] = " \t\r\n\v\f";
  for (size_t at = text.find_first_not_of(space); at != std::string::npos;
       at = text.find_first_not_of(space, at)) {
    size_t end = text.find_first_of(space, at);
    std::string word = text.substr(at, end - at);
    char *stop;
    errno = 0;
    long long id = strtoll(word.c_str(), &stop, 10);
    if (stop != word.c_str() + word.size() || errno || id < 0 || id > INT32_MAX)
      return Error::make(
          "%s: token %zu: expected a token id, but got \"%.40s\"", path.c_str(),
          tokens.size() + 1, word.c_str());
    tokens.push_back(int32_t(id));
    at = end == std::string::npos ? text.size() : end;
  }
  if (tokens.empty())
    return Error::make("%s: expected token ids, but got an empty file",
                       path.c_str());
  return Error();
}
