//===- topology.cpp - How many threads are worth having -------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "topology.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sched.h>
#include <set>
#include <unistd.h>

using namespace bitnet;

/// First line of a small file; empty if it cannot be read.
static std::string firstLine(const std::string &path) {
  std::string line;
  if (FILE *file = fopen(path.c_str(), "re")) {
    char buffer[256];
    if (fgets(buffer, sizeof(buffer), file))
      line = buffer;
    fclose(file);
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == ' '))
    line.pop_back();
  return line;
}

std::vector<unsigned> bitnet::allowedCpus() {
  std::vector<unsigned> cpus;
  // The kernel refuses a mask that is smaller than its own.
  for (unsigned most = 1024; most <= (1u << 16) && cpus.empty(); most *= 4) {
    cpu_set_t *set = CPU_ALLOC(most);
    size_t bytes = CPU_ALLOC_SIZE(most);
    CPU_ZERO_S(bytes, set);
    if (sched_getaffinity(0, bytes, set) == 0)
      for (unsigned cpu = 0; cpu != most; ++cpu)
        if (CPU_ISSET_S(cpu, bytes, set))
          cpus.push_back(cpu);
    CPU_FREE(set);
  }
  if (cpus.empty())
    for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); ++cpu)
      cpus.push_back(unsigned(cpu));
  return cpus;
}

unsigned bitnet::physicalCores(const std::vector<unsigned> &cpus,
                               const std::string &sysRoot) {
  std::set<std::string> cores;
  for (unsigned cpu : cpus) {
    std::string name = "cpu" + std::to_string(cpu);
    std::string siblings = firstLine(sysRoot + "/devices/system/cpu/" + name +
                                     "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? name : siblings);
  }
  return std::max<unsigned>(1, unsigned(cores.size()));
}

unsigned bitnet::quotaCores(const std::string &sysRoot) {
  double quota = 0, period = 0;
  std::string line = firstLine(sysRoot + "/fs/cgroup/cpu.max");
  if (sscanf(line.c_str(), "%lf %lf", &quota, &period) != 2) {
    std::string folder = sysRoot + "/fs/cgroup/cpu/cpu.cfs_";
    if (sscanf(firstLine(folder + "quota_us").c_str(), "%lf", &quota) != 1 ||
        sscanf(firstLine(folder + "period_us").c_str(), "%lf", &period) != 1)
      return 0;
  }
  if (!(quota > 0) || !(period > 0)) // "max" and -1 mean no limit
    return 0;
  return unsigned(std::min(std::ceil(quota / period), 65536.0));
}

unsigned bitnet::defaultThreads() {
  unsigned cores = physicalCores(allowedCpus(), "/sys");
  unsigned quota = quotaCores("/sys");
  return quota ? std::min(cores, quota) : cores;
}
