//===- ConfigParts.h - The longer parts of config.json ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_IMPORT_CONFIGPARTS_H
#define BITNETC_LIB_IMPORT_CONFIGPARTS_H

#include "bitnetc/Import/Config.h"

namespace bitnetc {

class JsonReader;

/// Reads rope_theta and rope_scaling, or rope_parameters, which has both since
/// transformers 5.
llvm::Error readRope(const JsonReader &reader, double defaultTheta,
                     ModelConfig &config);

/// Reads quantization_config into config.storage and the linear norms.
/// config.model.family must be set.
llvm::Error readQuantization(const JsonReader &reader, ImportConfig &config);

} // namespace bitnetc

#endif // BITNETC_LIB_IMPORT_CONFIGPARTS_H
