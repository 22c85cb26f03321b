//===- team.cpp - The threads that run parallel regions -------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "team.h"

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

using namespace bitnet;

// About four chunks per thread: with fewer, one pre-empted thread holds up
// much; with more, claiming costs more than it saves.
static constexpr uint64_t chunksPerThread = 4;
// How long to spin before sleeping. A wake-up by futex costs 5 to 50 us, so
// spinning longer than that gains nothing; serial code between two regions of
// a token is shorter.
static constexpr uint64_t spinTime = 50000;
// Generated code keeps its temporary tiles on the stack.
static constexpr size_t workerStackBytes = size_t(8) << 20;
// Bits of a ticket that count chunks.
static constexpr unsigned chunkBits = 16;
static constexpr uint64_t chunkMask = (uint64_t(1) << chunkBits) - 1;
static_assert(maxThreads * chunksPerThread <= chunkMask, "ticket too small");

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // `yield` is a no-op on most cores; `isb` gives the short pause we want.
  __asm__ volatile("isb" ::: "memory");
#endif
}

static uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return uint64_t(time.tv_sec) * 1000000000u + time.tv_nsec;
}

static void futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

static void futexWake(std::atomic<uint32_t> &word, int threads) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

/// Calls `ready` until it is true or `nanoseconds` are over; says which. Looks
/// at the clock every 16th time only: a pause takes up to 50 ns.
template <typename Ready> static bool spin(uint64_t nanoseconds, Ready ready) {
  uint64_t deadline = 0;
  for (unsigned round = 1;; ++round) {
    if (ready())
      return true;
    if (!nanoseconds)
      return false;
    relax();
    if (round % 16)
      continue;
    uint64_t time = now();
    if (!deadline)
      deadline = time + nanoseconds;
    else if (time > deadline)
      return false;
  }
}

Error Team::start(unsigned threads, unsigned cores) {
  spinNanoseconds = threads <= cores ? spinTime : 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, workerStackBytes);
  // Ctrl-C belongs to the thread that reads and writes.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failure = 0;
  while (size() < threads && !failure) {
    pthread_t thread;
    failure = pthread_create(&thread, &attributes, workerMain, this);
    if (!failure)
      workers.push_back(thread);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (failure)
    return Error::make("threads: expected to start %u, but got %u (%s); give "
                       "fewer with -t",
                       threads, size(), strerror(failure));
  return Error();
}

Team::~Team() {
  stopping.store(true);
  wakeups.fetch_add(1);
  futexWake(wakeups, INT_MAX);
  for (pthread_t thread : workers)
    pthread_join(thread, nullptr);
}

void *Team::workerMain(void *team) {
  static_cast<Team *>(team)->workerLoop();
  return nullptr;
}

void Team::workerLoop() {
  while (!stopping.load(std::memory_order_relaxed))
    if (uint64_t seen = waitForWork())
      drain(seen >> chunkBits);
}

/// Returns a ticket with unclaimed chunks, or 0 after a wake-up without one.
uint64_t Team::waitForWork() {
  uint64_t seen = 0;
  auto ready = [&] {
    seen = ticket.load(std::memory_order_acquire);
    return (seen & chunkMask) || stopping.load(std::memory_order_relaxed);
  };
  if (spin(spinNanoseconds, ready))
    return seen & chunkMask ? seen : 0;
  // run() stores the ticket and then reads `sleepers`; we count ourselves and
  // then read the ticket. One of the two sees the other, and a wake-up between
  // our look and the wait changes `wakeups`, so the wait returns at once.
  uint32_t expected = wakeups.load();
  sleepers.fetch_add(1);
  seen = ticket.load();
  if (!(seen & chunkMask) && !stopping.load())
    futexWait(wakeups, expected);
  sleepers.fetch_sub(1);
  return seen & chunkMask ? seen : 0;
}

/// Works off chunks of one generation until none is left to claim.
void Team::drain(uint64_t generation) {
  uint64_t seen = ticket.load(std::memory_order_acquire);
  while (seen >> chunkBits == generation && (seen & chunkMask)) {
    // Read before the claim: valid if the claim succeeds (see `ticket`).
    bn_body body = job.body.load(std::memory_order_relaxed);
    void *context = job.context.load(std::memory_order_relaxed);
    uint64_t count = job.count.load(std::memory_order_relaxed);
    uint64_t chunks = job.chunks.load(std::memory_order_relaxed);
    if (!ticket.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
      continue;
    // The first chunk first: weights are read in the order of memory. The
    // remainder goes to the first chunks; no product that could overflow.
    uint64_t chunk = chunks - (seen & chunkMask);
    uint64_t size = count / chunks, larger = count % chunks;
    uint64_t begin = chunk * size + std::min(chunk, larger);
    body(context, begin, begin + size + (chunk < larger));
    // A locked instruction on x86, which also orders non-temporal stores.
    finished.fetch_add(1);
    if (callerSleeps.load())
      futexWake(finished, 1);
    seen = ticket.load(std::memory_order_acquire);
  }
}

void Team::wakeWorkers(uint64_t chunks) {
  wakeups.fetch_add(1);
  futexWake(wakeups, int(std::min<uint64_t>(chunks, workers.size())));
}

void Team::run(bn_body body, void *context, uint64_t count) {
  if (count == 0)
    return;
  if (workers.empty() || count == 1) {
    body(context, 0, count);
    return;
  }
  uint64_t chunks = std::min<uint64_t>(count, size() * chunksPerThread);
  job.body.store(body, std::memory_order_relaxed);
  job.context.store(context, std::memory_order_relaxed);
  job.count.store(count, std::memory_order_relaxed);
  job.chunks.store(chunks, std::memory_order_relaxed);
  finished.store(0, std::memory_order_relaxed);
  ++generation;
  ticket.store(generation << chunkBits | chunks);
  if (sleepers.load())
    wakeWorkers(chunks - 1);
  drain(generation & (~uint64_t(0) >> chunkBits));

  auto done = [&] {
    return finished.load(std::memory_order_acquire) == chunks;
  };
  if (spin(spinNanoseconds, done))
    return;
  // A worker was taken off its core in the middle of a chunk: leave it ours.
  callerSleeps.store(1);
  for (uint32_t seen = finished.load(); seen != chunks; seen = finished.load())
    futexWait(finished, seen);
  callerSleeps.store(0);
}

extern "C" void bn_parallel_for(void *team, void *body, void *context,
                                uint64_t count) {
  auto run = reinterpret_cast<bn_body>(body);
  if (team)
    static_cast<Team *>(team)->run(run, context, count);
  else if (count)
    run(context, 0, count);
}
