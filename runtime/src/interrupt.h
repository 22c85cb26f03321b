//===- interrupt.h - Ctrl-C -----------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_INTERRUPT_H
#define BITNET_SRC_INTERRUPT_H

namespace bitnet {

/// Exit status of a program that Ctrl-C ended, as shells report it: 128 + 2.
constexpr int interruptedStatus = 130;

/// From now on Ctrl-C sets a flag and interrupts blocking reads. A second one
/// before the flag is cleared ends the program at once.
void catchInterrupts();
/// Whether Ctrl-C was pressed since the last clearInterrupt().
bool interrupted();
void clearInterrupt();

} // namespace bitnet

#endif // BITNET_SRC_INTERRUPT_H
