// Choices for single shapes go before the format of all others; a shape that is
// not there is no mistake, a format that is not there or does not fit is one.
// RUN: bitnet-opt --ternary-select-format="choices=100x64=tl1,1x1=i2 format=i2" %s | FileCheck %s
// RUN: bitnet-opt --ternary-select-format="choices=200x64=tl1" %s | FileCheck %s --check-prefix=AUTO
// RUN: not bitnet-opt --ternary-select-format=choices=100x64=q4 %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not bitnet-opt --ternary-select-format=choices=100x64 %s 2>&1 | FileCheck %s --check-prefix=SYNTAX
// RUN: not bitnet-opt --ternary-select-format=choices=100x64=t5 %s 2>&1 | FileCheck %s --check-prefix=ISA
// RUN: not bitnet-opt --ternary-select-format=choices=64x45568=t5 --split-input-file %S/select-format-wide.mlir 2>&1 | FileCheck %s --check-prefix=WIDE
// RUN: not bitnet-opt --ternary-select-format=threads=0 %s 2>&1 | FileCheck %s --check-prefix=THREADS

// CHECK: ternary.pack %{{.*}} -> !ternary.packed<100 x 64, #ternary.tl1>
// CHECK: ternary.pack %{{.*}} -> !ternary.packed<200 x 64, #ternary.i2>
// AUTO: ternary.pack %{{.*}} -> !ternary.packed<100 x 64, #ternary.i2>
// AUTO: ternary.pack %{{.*}} -> !ternary.packed<200 x 64, #ternary.tl1>
// UNKNOWN: error: expected a packing format (i2, t5, tl1, tl2, tl3, auto), but got 'q4'
// SYNTAX: error: expected a choice ROWSxCOLUMNS=FORMAT, but got '100x64'
// ISA: error: format 't5': needs a dot product
// WIDE: error: expected a packing format for 'tensor<64x45568xi2>', but 't5' holds fewer than 33000 columns; use another --format or --cpu
// THREADS: error: expected at least 1 thread, but got 0
func.func @two(%q: tensor<?x64xi8>, %s: tensor<?xi32>, %a: tensor<100x64xi2>, %b: tensor<200x64xi2>) -> (tensor<?x100xi32>, tensor<?x200xi32>) {
  %0 = ternary.matmul %q, %s, %a : (tensor<?x64xi8>, tensor<?xi32>, tensor<100x64xi2>) -> tensor<?x100xi32>
  %1 = ternary.matmul %q, %s, %b : (tensor<?x64xi8>, tensor<?xi32>, tensor<200x64xi2>) -> tensor<?x200xi32>
  return %0, %1 : tensor<?x100xi32>, tensor<?x200xi32>
}
