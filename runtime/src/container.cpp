//===- container.cpp - The model's data inside an executable --------------===//
//
// The whole file is mapped from offset 0: sections are aligned to 4096 bytes,
// but AArch64 kernels may have 64 KiB pages, where a mapping cannot start at a
// section.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "container.h"

#include "bitnet/container.h"

#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace bitnet;

/// Opens our own file. /proc may be missing in a bare chroot; the kernel also
/// leaves the name that execve was given.
static int openSelf(std::string &name) {
  char buffer[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof(buffer));
  name = length > 0 ? std::string(buffer, length) : "/proc/self/exe";
  int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd >= 0)
    return fd;
  if (auto *given = reinterpret_cast<const char *>(getauxval(AT_EXECFN))) {
    name = given;
    return ::open(given, O_RDONLY | O_CLOEXEC);
  }
  return -1;
}

static Error checkSection(const std::string &name, const char *what,
                          const bn_section &section, uint64_t end) {
  if (section.offset % BN_SECTION_ALIGN)
    return Error::make("%s: %s section: expected an offset that is a multiple "
                       "of %u, but got %" PRIu64 "; compile the model again",
                       name.c_str(), what, BN_SECTION_ALIGN, section.offset);
  if (section.offset > end || section.bytes > end - section.offset)
    return Error::make("%s: %s section: expected it to end before byte %" PRIu64
                       ", but got %" PRIu64 " bytes at %" PRIu64
                       "; the file is damaged: compile the model again",
                       name.c_str(), what, end, section.bytes, section.offset);
  return Error();
}

Container::~Container() {
  if (base)
    munmap(const_cast<char *>(base), size);
}

Error Container::open(const char *path, uint64_t weightsBytes) {
  int fd = -1;
  if (path) {
    name = path;
    fd = ::open(path, O_RDONLY | O_CLOEXEC);
  } else {
    fd = openSelf(name);
  }
  if (fd < 0)
    return Error::make("%s: %s", name.c_str(), strerror(errno));
  struct stat status;
  if (fstat(fd, &status) != 0) {
    int reason = errno;
    close(fd);
    return Error::make("%s: %s", name.c_str(), strerror(reason));
  }
  uint64_t bytes = status.st_size;
  bn_trailer trailer;
  if (bytes < sizeof(trailer)) {
    close(fd);
    return Error::make("%s: trailer: expected at least %zu bytes, but got "
                       "%" PRIu64 "; compile the model again",
                       name.c_str(), sizeof(trailer), bytes);
  }
  void *map = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
  int reason = errno;
  close(fd);
  if (map == MAP_FAILED)
    return Error::make("%s: cannot map %" PRIu64 " bytes: %s", name.c_str(),
                       bytes, strerror(reason));
  base = static_cast<const char *>(map);
  size = bytes;

  uint64_t end = bytes - sizeof(trailer);
  memcpy(&trailer, base + end, sizeof(trailer));
  if (memcmp(trailer.magic, BN_TRAILER_MAGIC, sizeof(trailer.magic)) != 0)
    return Error::make("%s: trailer: expected the model's data at the end of "
                       "the file, but got something else; the file was cut "
                       "short, stripped or not made by bitnetc",
                       name.c_str());
  if (Error error = checkSection(name, "weights", trailer.weights, end))
    return error;
  if (Error error = checkSection(name, "tokenizer", trailer.tokenizer, end))
    return error;
  if (trailer.weights.bytes != weightsBytes)
    return Error::make("%s: weights section: expected %" PRIu64
                       " bytes, but got %" PRIu64 "; compile the model again",
                       name.c_str(), weightsBytes, trailer.weights.bytes);
  weightsOffset = trailer.weights.offset;
  weightsSize = trailer.weights.bytes;
  tokenizerOffset = trailer.tokenizer.offset;
  tokenizerSize = trailer.tokenizer.bytes;

  // Only advice, and in this order: where the file system has large folios
  // (ext4, xfs of Linux 6.16 or so), what is read from now on is mapped by
  // 2 MiB pages, which made streaming 400 MB 1.1 to 1.3 times as fast; then
  // the kernel starts to read ahead, and we do not wait for it.
  uint64_t page = sysconf(_SC_PAGESIZE);
  uint64_t from = weightsOffset / page * page;
  if (weightsSize) {
    char *start = const_cast<char *>(base) + from;
    madvise(start, weightsOffset + weightsSize - from, MADV_HUGEPAGE);
    madvise(start, weightsOffset + weightsSize - from, MADV_WILLNEED);
  }
  return Error();
}
