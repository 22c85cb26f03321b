//===- container.h - Where a produced executable keeps its data -----------===//
//
// The linker step appends, after the ELF file and aligned to
// BN_SECTION_ALIGN bytes, the sections of the model, and last of all one
// bn_trailer. The runtime maps its own file and finds everything from there:
//
//   ELF | pad | weights | pad | tokenizer | pad | ... | bn_trailer
//
// All numbers are little-endian. No relocation, no size limit, no copy.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_CONTAINER_H
#define BITNET_CONTAINER_H

#include <stdint.h>

#define BN_SECTION_ALIGN 4096u
#define BN_TRAILER_MAGIC "BNTRAIL\x01" /* 8 bytes without the NUL */

/// One appended section; offset counts from the start of the file.
typedef struct bn_section {
  uint64_t offset;
  uint64_t bytes;
} bn_section;

/// Last bytes of every produced executable.
typedef struct bn_trailer {
  bn_section weights;   // generated code addresses it by fixed offsets
  bn_section tokenizer; // see tokenizer_format.h; 0 bytes: token ids only
  char magic[8];        // BN_TRAILER_MAGIC
} bn_trailer;

#endif // BITNET_CONTAINER_H
