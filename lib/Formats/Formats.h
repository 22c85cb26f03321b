//===- Formats.h - The formats, for the list of formats only ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_FORMATS_FORMATS_H
#define BITNETC_LIB_FORMATS_FORMATS_H

#include "bitnetc/Formats/PackingFormat.h"

namespace bitnetc {

const PackingFormat &getI2();
const PackingFormat &getT5();
const PackingFormat &getTL1();
const PackingFormat &getTL2();
const PackingFormat &getTL3();

} // namespace bitnetc

#endif // BITNETC_LIB_FORMATS_FORMATS_H
