//===- TopologyTest.cpp - Tests of the default thread count -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "topology.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace bitnet;

namespace {

class Topology : public testing::Test {
protected:
  void SetUp() override {
    char name[] = "/tmp/bitnet-sys-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root = name;
  }
  void TearDown() override { std::filesystem::remove_all(root); }
  void write(const std::string &path, const std::string &text) {
    std::filesystem::path full = root + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void siblings(int cpu, const std::string &list) {
    write("/devices/system/cpu/cpu" + std::to_string(cpu) +
              "/topology/thread_siblings_list",
          list + "\n");
  }
  std::string root;
};

TEST_F(Topology, HyperThreadsCountOnce) {
  siblings(0, "0,2");
  siblings(1, "1,3");
  siblings(2, "0,2");
  siblings(3, "1,3");
  EXPECT_EQ(physicalCores({0, 1, 2, 3}, root), 2u);
  EXPECT_EQ(physicalCores({0, 2}, root), 1u);
  EXPECT_EQ(physicalCores({1}, root), 1u);
}

TEST_F(Topology, UnknownCpusAreCores) {
  EXPECT_EQ(physicalCores({0, 1, 2}, root), 3u);
  EXPECT_EQ(physicalCores({}, root), 1u);
}

TEST_F(Topology, Quota) {
  EXPECT_EQ(quotaCores(root), 0u);
  write("/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quotaCores(root), 0u);
  write("/fs/cgroup/cpu/cpu.cfs_quota_us", "350000\n");
  EXPECT_EQ(quotaCores(root), 4u);
  write("/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(quotaCores(root), 2u);
}

TEST_F(Topology, NoLimitInVersion2) {
  write("/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(quotaCores(root), 0u);
}

TEST(TopologyHost, SomethingRunsUs) {
  EXPECT_GE(allowedCpus().size(), 1u);
  EXPECT_GE(defaultThreads(), 1u);
  EXPECT_LE(defaultThreads(), allowedCpus().size());
}

} // namespace
