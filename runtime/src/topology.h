//===- topology.h - How many threads are worth having ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TOPOLOGY_H
#define BITNET_SRC_TOPOLOGY_H

#include <string>
#include <vector>

namespace bitnet {

/// Logical CPUs that this process may run on (its affinity mask).
std::vector<unsigned> allowedCpus();

/// Physical cores behind `cpus`: hyper-threads of one core share its multiply
/// units and count once. `sysRoot` is normally "/sys"; a CPU whose topology
/// cannot be read counts as a core. At least 1.
unsigned physicalCores(const std::vector<unsigned> &cpus,
                       const std::string &sysRoot);

/// CPUs' worth of time that the control group of a container allows, rounded
/// up; 0 for no limit. Reads version 2 (cpu.max) and 1 (cpu.cfs_quota_us).
unsigned quotaCores(const std::string &sysRoot);

/// Default number of threads: physical cores, or the quota if that is less.
unsigned defaultThreads();

} // namespace bitnet

#endif // BITNET_SRC_TOPOLOGY_H
