//===- bench.h - Speed of reading and of generating -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_BENCH_H
#define BITNET_SRC_BENCH_H

#include "error.h"
#include "session.h"

#include <cstdint>

namespace bitnet {

/// Reads `prompt` random tokens and decodes `predict` more, `runs` times after
/// one short unmeasured run, and prints medians and extremes of tokens per
/// second; if the session has several sequences, then also of all of them
/// together, and the time of such a step as a multiple of one sequence's. Every
/// decoded token has the logits computed that a greedy choice needs, and the
/// number of rows that a screened head left is printed; no sampling. Ctrl-C
/// ends it without a result.
Error bench(Session &session, uint32_t prompt, uint32_t predict, uint32_t runs);

} // namespace bitnet

#endif // BITNET_SRC_BENCH_H
