// A tile multiplication becomes its format's loop: four activations for all
// lanes, a dot product for every form of the bytes, one tile's bytes read.
// RUN: bitnet-opt %s --convert-ternary-to-vector --canonicalize --cse | FileCheck %s

module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "+avx512vnni"}} {
  // CHECK-LABEL: func @tile
  // CHECK-SAME: %[[Q:.*]]: memref<1x640xi8>, %[[SUMS:.*]]: memref<1xi32>, %[[BYTES:.*]]: memref<20480xi8>, %[[I:.*]]: index, %[[P:.*]]: memref<1x80xi32>
  func.func @tile(%q: memref<1x640xi8>, %s: memref<1xi32>, %b: memref<20480xi8>, %i: index, %p: memref<1x80xi32>) {
    // CHECK-DAG: %[[SIZE:.*]] = arith.constant 10240 : index
    // CHECK-DAG: %[[AHEAD:.*]] = arith.constant 4096 : index
    // CHECK: %[[TILE:.*]] = arith.muli %[[I]], %[[SIZE]]
    // CHECK: scf.for %[[STEP:.*]] = %{{.*}} to %c160 step %c1 iter_args
    // CHECK: %[[AT:.*]] = arith.addi %[[TILE]], %{{.*}}
    // CHECK: %[[FETCH:.*]] = arith.addi %[[AT]], %[[AHEAD]]
    // CHECK: memref.prefetch %[[BYTES]][%[[FETCH]]], read, locality<3>, data
    // CHECK: vector.load %[[BYTES]][%[[AT]]] : memref<20480xi8>, vector<64xi8>
    // CHECK: %[[FOUR:.*]] = vector.load %[[Q]][%{{.*}}, %{{.*}}] : memref<1x640xi8>, vector<4xi8>
    // CHECK: vector.broadcast %{{.*}} : i32 to vector<16xi32>
    // CHECK-COUNT-6: ternary.dot4 {{.*}} max 255
    // CHECK: scf.yield
    // CHECK-COUNT-5: vector.store {{.*}}, %[[P]]
    // CHECK-NOT: ternary.matmul
    // CHECK-NOT: ternary.tile
    %w = ternary.view %b : memref<20480xi8> -> !ternary.packed<160 x 640, #ternary.t5>
    %t = ternary.tile %w[%i] : !ternary.packed<160 x 640, #ternary.t5> -> !ternary.packed<80 x 640, #ternary.t5>
    ternary.matmul %q, %s, %t into %p {prefetch = 4096} : (memref<1x640xi8>, memref<1xi32>, !ternary.packed<80 x 640, #ternary.t5>, memref<1x80xi32>) -> ()
    return
  }

  // One scale for 16 rows is broadcast; whole vectors go past the caches, what
  // is left does not.
  // CHECK-LABEL: func @rescale
  // CHECK: scf.for %[[N:.*]] = %c0{{.*}} to %c32
  // CHECK: %[[GROUP:.*]] = arith.divui %[[N]], %c16
  // CHECK: %[[ONE:.*]] = memref.load %{{.*}}[%[[GROUP]]]
  // CHECK: vector.broadcast %[[ONE]] : f32 to vector<16xf32>
  // CHECK: vector.store {{.*}} {alignment = 64 : i64, nontemporal = true} : memref<1x37xf32>, vector<16xf32>
  // CHECK: scf.for {{.*}} to %c37
  // CHECK: memref.store
  func.func @rescale(%r: memref<1x37xi32>, %inverse: memref<1xf32>, %scale: memref<3xf32>, %y: memref<1x37xf32>) {
    ternary.rescale %r, %inverse, %scale into %y {nontemporal} : (memref<1x37xi32>, memref<1xf32>, memref<3xf32>, memref<1x37xf32>) -> ()
    return
  }

  // CHECK-LABEL: func @no_prefetch
  // CHECK-NOT: memref.prefetch
  // CHECK: return
  func.func @no_prefetch(%q: memref<1x64xi8>, %s: memref<1xi32>, %b: memref<1024xi8>, %i: index, %p: memref<1x64xi32>) {
    %w = ternary.view %b : memref<1024xi8> -> !ternary.packed<64 x 64, #ternary.i2>
    %t = ternary.tile %w[%i] : !ternary.packed<64 x 64, #ternary.i2> -> !ternary.packed<64 x 64, #ternary.i2>
    ternary.matmul %q, %s, %t into %p {prefetch = 0} : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
    return
  }
}
