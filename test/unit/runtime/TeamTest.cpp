//===- TeamTest.cpp - Tests and latency of parallel regions -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

using namespace bitnet;

namespace {

struct Counts {
  std::vector<std::atomic<uint32_t>> hits;
  std::atomic<uint32_t> calls{0};
  explicit Counts(size_t size) : hits(size) {}
};

void countHits(void *context, uint64_t begin, uint64_t end) {
  auto *counts = static_cast<Counts *>(context);
  ++counts->calls;
  for (uint64_t i = begin; i != end; ++i)
    ++counts->hits[i];
}

TEST(Team, CoversEveryItemOnce) {
  for (unsigned threads : {1u, 2u, 3u, 7u}) {
    Team team;
    ASSERT_FALSE(team.start(threads, 2));
    EXPECT_EQ(team.size(), threads);
    for (uint64_t count : {0, 1, 2, 3, 5, 8, 31, 64, 1000}) {
      Counts counts(count);
      bn_parallel_for(&team, reinterpret_cast<void *>(countHits), &counts,
                      count);
      for (auto &hits : counts.hits)
        EXPECT_EQ(hits, 1u) << threads << " threads, " << count << " items";
      EXPECT_LE(counts.calls, std::min<uint64_t>(count, threads * 4));
    }
  }
}

TEST(Team, NoTeamRunsInline) {
  Counts counts(9);
  bn_parallel_for(nullptr, reinterpret_cast<void *>(countHits), &counts, 9);
  EXPECT_EQ(counts.calls, 1u);
  bn_parallel_for(nullptr, reinterpret_cast<void *>(countHits), &counts, 0);
  EXPECT_EQ(counts.calls, 1u);
}

TEST(Team, HugeCountsDoNotOverflow) {
  Team team;
  ASSERT_FALSE(team.start(3, 3));
  struct Sum {
    std::atomic<uint64_t> items{0}, last{0};
  } sum;
  auto add = [](void *context, uint64_t begin, uint64_t end) {
    auto *sum = static_cast<Sum *>(context);
    sum->items += end - begin;
    uint64_t last = sum->last;
    while (last < end && !sum->last.compare_exchange_weak(last, end))
      ;
  };
  uint64_t count = UINT64_MAX - 5;
  team.run(add, &sum, count);
  EXPECT_EQ(sum.items, count);
  EXPECT_EQ(sum.last, count);
}

// Many short regions with different bodies, with and without sleeping workers
// in between: a worker that comes late must not touch the next region.
TEST(Team, ManyRegionsInARow) {
  Team team;
  ASSERT_FALSE(team.start(4, 2)); // more than cores: sleeps and wakes a lot
  for (int round = 0; round != 3000; ++round) {
    Counts counts(1 + round % 37);
    team.run(countHits, &counts, counts.hits.size());
    for (auto &hits : counts.hits)
      ASSERT_EQ(hits, 1u);
  }
  Team spinning;
  ASSERT_FALSE(spinning.start(2, 2));
  for (int round = 0; round != 20000; ++round) {
    Counts counts(1 + round % 11);
    spinning.run(countHits, &counts, counts.hits.size());
    for (auto &hits : counts.hits)
      ASSERT_EQ(hits, 1u);
    if (round % 2000 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// A worker that holds one chunk for long leaves the others to the caller.
TEST(Team, SlowChunkDoesNotHoldUpTheRest) {
  Team team;
  ASSERT_FALSE(team.start(2, 2));
  struct State {
    std::atomic<int> slow{0};
    std::atomic<int> done{0};
  } state;
  auto body = [](void *context, uint64_t begin, uint64_t) {
    auto *state = static_cast<State *>(context);
    if (begin == 0) { // returns only when all other chunks are done
      auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (state->done != 7 && std::chrono::steady_clock::now() < limit)
        std::this_thread::yield();
      state->slow = state->done.load();
    } else {
      ++state->done;
    }
  };
  team.run(body, &state, 8);
  EXPECT_EQ(state.slow, 7);
}

TEST(Team, IdleWorkersSleep) {
  Team team;
  ASSERT_FALSE(team.start(4, 4));
  Counts counts(100);
  team.run(countHits, &counts, 100);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  clock_t before = clock(); // CPU time of all threads
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  double busy = double(clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(busy, 0.05);
}

TEST(Team, WorkersHaveRoomOnTheStack) {
  Team team;
  ASSERT_FALSE(team.start(2, 2));
  auto body = [](void *, uint64_t, uint64_t) {
    volatile char room[6 << 20];
    for (size_t i = 0; i < sizeof(room); i += 4096)
      room[i] = 1;
  };
  for (int round = 0; round != 20; ++round)
    team.run(body, nullptr, 64);
}

TEST(Team, TooManyThreadsIsAnError) {
  Team team; // the system may allow them: then they must all be there
  Error error = team.start(maxThreads, 1);
  if (!error)
    EXPECT_EQ(team.size(), maxThreads);
  else
    EXPECT_NE(error.message().find("give fewer with -t"), std::string::npos);
}

// Run with --gtest_also_run_disabled_tests; prints, checks nothing.
TEST(Team, DISABLED_Latency) {
  for (unsigned threads : {1u, 2u}) {
    Team team;
    ASSERT_FALSE(team.start(threads, 2));
    auto empty = [](void *, uint64_t, uint64_t) {};
    for (uint64_t count : {2, 8, 1000}) {
      std::vector<double> times;
      for (int batch = 0; batch != 2000; ++batch) {
        auto start = std::chrono::steady_clock::now();
        for (int i = 0; i != 100; ++i)
          team.run(empty, nullptr, count);
        std::chrono::duration<double, std::nano> time =
            std::chrono::steady_clock::now() - start;
        times.push_back(time.count() / 100);
      }
      std::sort(times.begin(), times.end());
      printf("%u threads, %llu items: %.0f ns (10%%: %.0f, 90%%: %.0f)\n",
             threads, (unsigned long long)count, times[times.size() / 2],
             times[times.size() / 10], times[times.size() * 9 / 10]);
    }
  }
}

} // namespace
