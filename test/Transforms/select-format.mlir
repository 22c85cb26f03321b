// Every matrix gets a packing format: the fastest on the module's target, or the
// one that is asked for; equal shapes get equal formats.
// RUN: bitnet-opt --ternary-select-format --split-input-file %s | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: bitnet-opt --ternary-select-format=format=i2 --split-input-file %s | FileCheck %s --check-prefixes=CHECK,I2
// RUN: bitnet-opt --ternary-select-format=explain=true --split-input-file %s 2>&1 >%t | FileCheck %s --check-prefix=EXPLAIN
// RUN: bitnet-opt --ternary-select-format --remarks-filter=".*" --remark-format=emitRemark --split-input-file %s 2>&1 >%t | FileCheck %s --check-prefix=REMARK

// EXPLAIN: predicted microseconds on x86-64-v3, 1 thread, weights in L2; m: bound by memory, a: by arithmetic
// EXPLAIN-NEXT: matrix count format bits decode M=1 batch M=4 prefill M=1 per token
// EXPLAIN-NEXT: 100x64 2 i2 2.560 {{[0-9.]+ [ma] +[0-9.]+ [ma] +[0-9.]+ [ma] +[0-9.]+}}
// EXPLAIN-NEXT: t5 {{.*}} needs a dot product
// EXPLAIN-NEXT: tl1 {{.*}}
// EXPLAIN-NEXT: tl2 {{.*}}
// EXPLAIN-NEXT: tl3 {{.*}} needs lookups of 16-bit words
// REMARK: remark: {{.*}}format {{i2|t5|tl[123]}}: bound by {{memory|its inner loop}}
// CHECK-LABEL: func @equal_shapes
func.func @equal_shapes(%q: tensor<?x64xi8>, %s: tensor<?xi32>, %a: tensor<100x64xi2>, %b: tensor<100x64xi2>) -> (tensor<?x100xi32>, tensor<?x100xi32>) {
  // AUTO: %[[A:.*]] = ternary.pack %{{.*}} -> !ternary.packed<100 x 64, #ternary.[[F:.*]]>
  // I2: %[[A:.*]] = ternary.pack %{{.*}} -> !ternary.packed<100 x 64, #ternary.i2>
  // CHECK: ternary.matmul %{{.*}}, %{{.*}}, %[[A]]
  // AUTO: ternary.pack %{{.*}} -> !ternary.packed<100 x 64, #ternary.[[F]]>
  // I2: ternary.pack %{{.*}} -> !ternary.packed<100 x 64, #ternary.i2>
  %0 = ternary.matmul %q, %s, %a : (tensor<?x64xi8>, tensor<?xi32>, tensor<100x64xi2>) -> tensor<?x100xi32>
  %1 = ternary.matmul %q, %s, %b : (tensor<?x64xi8>, tensor<?xi32>, tensor<100x64xi2>) -> tensor<?x100xi32>
  return %0, %1 : tensor<?x100xi32>, tensor<?x100xi32>
}

// -----

// CHECK-LABEL: func @already_packed
func.func @already_packed(%q: tensor<?x64xi8>, %s: tensor<?xi32>, %w: !ternary.packed<100 x 64, #ternary.tl1>) -> tensor<?x100xi32> {
  // CHECK-NOT: ternary.pack %
  // CHECK: return
  %0 = ternary.matmul %q, %s, %w : (tensor<?x64xi8>, tensor<?xi32>, !ternary.packed<100 x 64, #ternary.tl1>) -> tensor<?x100xi32>
  return %0 : tensor<?x100xi32>
}

// -----

// Two modules, two targets: what suits the first does not run on the second.
// From memory bytes count, from the nearest cache instructions.
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {
  // CHECK-LABEL: func @memory
  func.func @memory(%q: tensor<?x12800xi8>, %s: tensor<?xi32>, %w: tensor<276480x12800xi2>) -> tensor<?x276480xi32> {
    // AUTO: ternary.pack %{{.*}} -> !ternary.packed<276480 x 12800, #ternary.t5>
    // I2: ternary.pack %{{.*}} -> !ternary.packed<276480 x 12800, #ternary.i2>
    %0 = ternary.matmul %q, %s, %w : (tensor<?x12800xi8>, tensor<?xi32>, tensor<276480x12800xi2>) -> tensor<?x276480xi32>
    return %0 : tensor<?x276480xi32>
  }
}

// -----

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "sapphirerapids", features = ""}} {
  // CHECK-LABEL: func @cache
  func.func @cache(%q: tensor<?x64xi8>, %s: tensor<?xi32>, %w: tensor<320x64xi2>) -> tensor<?x320xi32> {
    // CHECK: ternary.pack %{{.*}} -> !ternary.packed<320 x 64, #ternary.i2>
    %0 = ternary.matmul %q, %s, %w : (tensor<?x64xi8>, tensor<?xi32>, tensor<320x64xi2>) -> tensor<?x320xi32>
    return %0 : tensor<?x320xi32>
  }
}
