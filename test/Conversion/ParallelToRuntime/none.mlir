// Without parallel loops nothing of the runtime is declared.
// RUN: bitnet-opt --convert-parallel-to-runtime %s | FileCheck %s
// CHECK-NOT: bn_parallel_for
// CHECK: llvm.func @serial()
llvm.func @serial() {
  llvm.return
}
