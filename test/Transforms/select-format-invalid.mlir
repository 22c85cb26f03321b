// A format that does not exist, or not on this target, is an error that says so.
// RUN: not bitnet-opt --ternary-select-format=format=q4 %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not bitnet-opt --ternary-select-format=format=t5 %s 2>&1 | FileCheck %s --check-prefix=ISA
// UNKNOWN: error: expected a packing format (i2, t5, tl1, tl2, tl3, auto), but got 'q4'
// ISA: error: format 't5': {{.+}}
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = ""}} {
}
