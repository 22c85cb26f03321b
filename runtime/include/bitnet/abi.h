//===- abi.h - The contract between compiled models and the runtime -------===//
//
// C view of abi.def. The runtime owns the contract; the compiler includes it.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_ABI_H
#define BITNET_ABI_H

#include <stdint.h>

/// Bumped with every change of abi.def; generated code carries the number it
/// was compiled for and the runtime refuses another.
#define BN_ABI_VERSION 4u
/// Positions of the cache are reserved in multiples of this.
#define BN_CACHE_BLOCK 16u

#ifdef __cplusplus
extern "C" {
#endif

#define BN_C_VOID void
#define BN_C_U32 uint32_t
#define BN_C_U64 uint64_t
#define BN_C_PTR void *
#define BN_STRUCT_BEGIN(STRUCT) typedef struct STRUCT {
#define BN_FIELD(STRUCT, KIND, NAME) BN_C_##KIND NAME;
#define BN_STRUCT_END(STRUCT)                                                  \
  }                                                                            \
  STRUCT;
#include "bitnet/abi.def"

/// Body of a parallel loop: handles the items begin..end-1.
typedef void (*bn_body)(void *context, uint64_t begin, uint64_t end);
/// Entry points of a compiled model (fields `prefill`, `decode`, ...).
typedef void (*bn_entry)(bn_call *call);

void bn_parallel_for(void *team, void *body, void *context, uint64_t count);

/// Defined by every compiled model.
extern const bn_model bn_model_info;

#ifdef __cplusplus
}
#endif

#endif // BITNET_ABI_H
