//===- team.h - The threads that run parallel regions ---------------------===//
//
// Decoding one token is a few hundred parallel regions of some microseconds,
// so a region must start in well under one. Workers spin for a bounded time
// and then sleep; chunks are handed out by a counter, so that a thread the
// operating system took away delays only the chunk it holds.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TEAM_H
#define BITNET_SRC_TEAM_H

#include "bitnet/abi.h"
#include "error.h"

#include <atomic>
#include <pthread.h>
#include <vector>

namespace bitnet {

/// Most threads a team can have.
constexpr unsigned maxThreads = 1024;

/// A fixed set of threads: the one that calls run(), and size() - 1 workers.
class Team {
public:
  Team() = default;
  ~Team();
  Team(const Team &) = delete;
  Team &operator=(const Team &) = delete;

  /// Starts `threads` - 1 workers (1 <= threads <= maxThreads), once per team.
  /// `cores` is how many threads really run at a time; a team with more of
  /// them does not spin, because that would hold up its own members.
  Error start(unsigned threads, unsigned cores);

  unsigned size() const { return unsigned(workers.size()) + 1; }

  /// body(context, begin, end) over disjoint chunks that cover 0..count, on
  /// any thread in any order; returns when all are done. A body must not call
  /// run() of its own team.
  void run(bn_body body, void *context, uint64_t count);

private:
  static void *workerMain(void *team);
  void workerLoop();
  uint64_t waitForWork();
  void drain(uint64_t generation);
  void wakeWorkers(uint64_t chunks);

  // What is still to be claimed: generation << 16 | chunks. A thread claims
  // one by a compare-and-swap, so a thread that slept through the end of its
  // region can never take a chunk of the next: the generation differs.
  // Whatever else a claim needs is in `job`, which run() changes only when no
  // chunk is left or in work.
  alignas(64) std::atomic<uint64_t> ticket{0};
  struct {
    std::atomic<bn_body> body{nullptr};
    std::atomic<void *> context{nullptr};
    std::atomic<uint64_t> count{0};
    std::atomic<uint64_t> chunks{0};
  } job;
  // Chunks done of the present region; a futex for the caller.
  alignas(64) std::atomic<uint32_t> finished{0};
  std::atomic<uint32_t> callerSleeps{0};
  // Futex of the sleeping workers.
  alignas(64) std::atomic<uint32_t> sleepers{0};
  std::atomic<uint32_t> wakeups{0};
  std::atomic<bool> stopping{false};

  uint64_t generation = 0;
  uint64_t spinNanoseconds = 0;
  std::vector<pthread_t> workers;
};

} // namespace bitnet

#endif // BITNET_SRC_TEAM_H
