//===- interrupt.cpp - Ctrl-C ---------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "interrupt.h"

#include <csignal>
#include <unistd.h>

static volatile sig_atomic_t flag = 0;

static void onInterrupt(int) {
  if (flag)
    _exit(bitnet::interruptedStatus);
  flag = 1;
}

void bitnet::catchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = onInterrupt; // no SA_RESTART: reads return EINTR
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

bool bitnet::interrupted() { return flag; }
void bitnet::clearInterrupt() { flag = 0; }
