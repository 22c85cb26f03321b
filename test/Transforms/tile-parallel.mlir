// What one item of a parallel loop is: a row tile of a product with its
// rescaling, a token, a key-value head of some tokens or positions, 16 rows of the
// vocabulary.
// RUN: bitnet-opt --ternary-tile-parallel %s | FileCheck %s

// Rows that are no multiple of a tile: the last one rescales fewer, of a number
// that is still a constant.
// CHECK-LABEL: func @rest
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x128xi8>, %[[S:[^:]*]]: memref<?xi32>, %[[I:[^:]*]]: memref<?xf32>, %[[W:[^:]*]]: !ternary.packed<150 x 100, #ternary.i2>
func.func @rest(%q: memref<?x128xi8>, %s: memref<?xi32>, %i: memref<?xf32>, %w: !ternary.packed<150 x 100, #ternary.i2>, %scale: memref<150xf32>, %y: memref<?x150xf32>, %n: index) {
  // CHECK-NOT: memref.alloc(
  // CHECK: %[[TOKENS:.*]] = memref.dim
  // CHECK: bitnet.parallel (%[[B:.*]], %[[E:.*]]) of %c3{{.*}} : index {
  // CHECK: scf.for %[[TILE:.*]] = %[[B]] to %[[E]] step %c1
  // CHECK: %[[T:.*]] = ternary.tile %[[W]][%[[TILE]]]
  // CHECK: %[[ROW:.*]] = arith.muli %[[TILE]], %c64
  // The four lines of scales that rescaling needs.
  // CHECK-COUNT-4: memref.prefetch %{{.*}}[%{{.*}}], read, locality<3>, data : memref<150xf32>
  // CHECK-NOT: memref.prefetch
  // CHECK: %[[ACC:.*]] = memref.alloca(%[[TOKENS]]) {alignment = 64 : i64} : memref<?x64xi32>
  // CHECK: ternary.matmul %[[Q]], %[[S]], %[[T]] into %[[ACC]]
  // CHECK: %[[FULL:.*]] = arith.cmpi slt, %[[TILE]], %c2
  // CHECK: scf.if %[[FULL]]
  // CHECK: ternary.rescale %[[ACC]], %[[I]], %{{.*}} into {{.*}} memref<64xf32
  // CHECK: else
  // CHECK: %[[PART:.*]] = memref.subview %[[ACC]][0, 0] [%[[TOKENS]], 22] [1, 1]
  // CHECK: ternary.rescale %[[PART]], %[[I]], %{{.*}} into {{.*}} memref<22xf32
  %r = memref.alloc(%n) : memref<?x150xi32>
  ternary.matmul %q, %s, %w into %r : (memref<?x128xi8>, memref<?xi32>, !ternary.packed<150 x 100, #ternary.i2>, memref<?x150xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<?x150xi32>, memref<?xf32>, memref<150xf32>, memref<?x150xf32>) -> ()
  return
}

// Fewer rows than a tile, and a table format. A single token's results are
// prefetched for writing, too.
// CHECK-LABEL: func @small
func.func @small(%t: memref<1x1024xi8>, %i: memref<1xf32>, %w: !ternary.packed<7 x 64, #ternary.tl1>, %scale: memref<7xf32>, %y: memref<1x7xf32>) {
  // CHECK: bitnet.parallel {{.*}} of %c1{{.*}} : index {
  // CHECK: memref.prefetch %{{.*}}, read, locality<3>, data : memref<7xf32>
  // CHECK: memref.prefetch %{{.*}}, write, locality<3>, data : memref<1x7xf32>
  // CHECK-NOT: memref.prefetch
  // CHECK: %[[ACC:.*]] = memref.alloca() {{.*}} : memref<1x64xi32>
  // CHECK: ternary.lut_matmul
  // CHECK-NOT: scf.if
  // CHECK: memref.subview %[[ACC]][0, 0] [1, 7] [1, 1]
  // CHECK: ternary.rescale
  %r = memref.alloc() : memref<1x7xi32>
  ternary.lut_matmul %t, %w into %r : (memref<1x1024xi8>, !ternary.packed<7 x 64, #ternary.tl1>, memref<1x7xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<1x7xi32>, memref<1xf32>, memref<7xf32>, memref<1x7xf32>) -> ()
  return
}

// Whole tiles need no choice; the buffer of the products is gone, its size stays.
// CHECK-LABEL: func @whole
func.func @whole(%q: memref<?x64xi8>, %s: memref<?xi32>, %i: memref<?xf32>, %w: !ternary.packed<128 x 64, #ternary.i2>, %scale: memref<128xf32>, %y: memref<?x128xf32>, %n: index) -> index {
  // CHECK-NOT: memref.alloc(
  // CHECK-NOT: scf.if
  // CHECK: ternary.rescale
  // CHECK: return %arg6
  %c0 = arith.constant 0 : index
  %r = memref.alloc(%n) : memref<?x128xi32>
  ternary.matmul %q, %s, %w into %r : (memref<?x64xi8>, memref<?xi32>, !ternary.packed<128 x 64, #ternary.i2>, memref<?x128xi32>) -> ()
  ternary.rescale %r, %i, %scale into %y : (memref<?x128xi32>, memref<?xf32>, memref<128xf32>, memref<?x128xf32>) -> ()
  %size = memref.dim %r, %c0 : memref<?x128xi32>
  return %size : index
}

// CHECK-LABEL: func @tokens
// CHECK-SAME: %[[X:[^:]*]]: memref<?x64xf32>, %[[G:[^:]*]]: memref<64xf32>
func.func @tokens(%x: memref<?x64xf32>, %g: memref<64xf32>, %y: memref<?x64xf32>) {
  // CHECK: %[[N:.*]] = memref.dim %[[X]]
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %[[N]] : index {
  // CHECK: scf.for %[[T:.*]] =
  // CHECK: %[[A:.*]] = memref.subview %[[X]][%[[T]], 0] [1, 64] [1, 1]
  // CHECK: %[[B:.*]] = memref.subview %{{.*}}[%[[T]], 0] [1, 64] [1, 1]
  // CHECK: bitnet.rms_norm %[[A]], %[[G]] into %[[B]] eps
  bitnet.rms_norm %x, %g into %y eps 1.0 : (memref<?x64xf32>, memref<64xf32>, memref<?x64xf32>) -> ()
  return
}

// CHECK-LABEL: func @one_token
func.func @one_token(%p: index, %f: memref<8xf32>, %a: memref<1x16xf32>, %x: memref<1x64xf32>, %y: memref<1x64xf32>) {
  // CHECK-NOT: bitnet.parallel
  // CHECK: bitnet.rope_angles
  // CHECK: bitnet.rope %
  bitnet.rope_angles %p, %f into %a : (index, memref<8xf32>, memref<1x16xf32>) -> ()
  bitnet.rope %x, %a into %y : (memref<1x64xf32>, memref<1x16xf32>, memref<1x64xf32>) -> ()
  return
}

// A token's row of the cache is that of its own position.
// CHECK-LABEL: func @store
// CHECK-SAME: %[[P:[^:]*]]: index
func.func @store(%p: index, %k: memref<?x32xf32>, %cache: memref<2x1x?x512xf32>) {
  // CHECK: scf.for %[[T:.*]] =
  // CHECK: %[[Q:.*]] = arith.addi %[[P]], %[[T]]
  // CHECK: bitnet.kv_store {{.*}} at %[[Q]]
  bitnet.kv_store %k, %k, %cache at %p : memref<?x32xf32>, memref<?x32xf32>, memref<2x1x?x512xf32>, index
  return
}

// Ten tokens have 30 query heads for each key-value head; all tokens of a head
// follow each other.
// CHECK-LABEL: func @attention
// CHECK-SAME: %[[P:[^:]*]]: index, %[[Q:[^:]*]]: memref<?x96xf32>
func.func @attention(%p: index, %q: memref<?x96xf32>, %cache: memref<2x2x?x256xf32>, %y: memref<?x96xf32>) {
  // CHECK: %[[TOKENS:.*]] = memref.dim
  // CHECK: %[[BLOCKS:.*]] = arith.ceildivui %[[TOKENS]], %c10
  // CHECK: %[[ITEMS:.*]] = arith.muli %[[BLOCKS]], %c2
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %[[ITEMS]] : index {
  // CHECK: %[[HEAD:.*]] = arith.divui %{{.*}}, %[[BLOCKS]]
  // CHECK: %[[BLOCK:.*]] = arith.remui %{{.*}}, %[[BLOCKS]]
  // CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c10
  // CHECK: %[[LEFT:.*]] = arith.subi %[[TOKENS]], %[[FIRST]]
  // CHECK: %[[ROWS:.*]] = arith.minui %[[LEFT]], %c10
  // CHECK-DAG: memref.subview %{{.*}}[0, %[[HEAD]], 0, 0] [2, 1, %{{.*}}, 256] [1, 1, 1, 1]
  // CHECK-DAG: memref.subview %[[Q]][%[[FIRST]], %{{.*}}] [%[[ROWS]], 48] [1, 1]
  // CHECK-DAG: %[[MINE:.*]] = arith.addi %[[P]], %[[FIRST]]
  // CHECK: bitnet.attention {{.*}} at %[[MINE]] {{.*}} heads 3
  bitnet.attention %q, %cache at %p into %y heads 6 : (memref<?x96xf32>, memref<2x2x?x256xf32>, index, memref<?x96xf32>) -> ()
  return
}

// 33 rows are three blocks of 16, the last one starting at row 17.
// CHECK-LABEL: func @head
func.func @head(%x: memref<?x64xf32>, %table: memref<33x64xf32>, %y: memref<?x33xf32>) {
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %c3{{.*}} : index {
  // CHECK: %[[ROW:.*]] = arith.minui %{{.*}}, %c17
  // CHECK: memref.subview %{{.*}}[%[[ROW]], 0] [16, 64] [1, 1]
  bitnet.lm_head %x, %table into %y : (memref<?x64xf32>, memref<33x64xf32>, memref<?x33xf32>) -> ()
  return
}

// CHECK-LABEL: func @small_head
func.func @small_head(%x: memref<1x64xf32>, %table: memref<9x64xf32>, %y: memref<1x9xf32>) {
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %c1{{.*}} : index {
  // CHECK: memref.subview %{{.*}} [9, 64] [1, 1]
  bitnet.lm_head %x, %table into %y : (memref<1x64xf32>, memref<9x64xf32>, memref<1x9xf32>) -> ()
  return
}

// Tensors, nested operations and what is cut already are left alone.
// CHECK-LABEL: func @left_alone
func.func @left_alone(%x: tensor<?x64xf32>, %y: memref<?x64xf32>, %n: index) -> tensor<?x64xf32> {
  // CHECK: bitnet.add
  // CHECK-COUNT-1: bitnet.parallel
  // CHECK-NEXT: bitnet.add
  // CHECK-NOT: bitnet.parallel
  %0 = bitnet.add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  bitnet.parallel (%b, %e) of %n : index {
    bitnet.add %y, %y into %y : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
  }
  return %0 : tensor<?x64xf32>
}

// CHECK-LABEL: func @store_of_tensors
func.func @store_of_tensors(%p: index, %k: tensor<?x32xf32>, %cache: !bitnet.kv_cache<1 x 1 x 32 x f32>) {
  // CHECK-NEXT: bitnet.kv_store
  bitnet.kv_store %k, %k, %cache at %p : tensor<?x32xf32>, tensor<?x32xf32>, !bitnet.kv_cache<1 x 1 x 32 x f32>, index
  return
}

// CHECK-LABEL: func private @external
func.func private @external()

// Tokens of several sequences: each on its own cache, at its own position.
// CHECK-LABEL: func @sequences
// CHECK-SAME: %[[P:[^:]*]]: memref<?x2xi32>, %[[F:[^:]*]]: memref<8xf32>, %[[A:[^:]*]]: memref<?x16xf32>, %[[K:[^:]*]]: memref<?x32xf32>, %[[CACHE:[^:]*]]: memref<4x2x2x?x256xf32>
func.func @sequences(%places: memref<?x2xi32>, %f: memref<8xf32>, %a: memref<?x16xf32>, %k: memref<?x32xf32>, %cache: memref<4x2x2x?x256xf32>, %q: memref<?x96xf32>, %y: memref<?x96xf32>) {
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %{{.*}} : index {
  // CHECK: scf.for %[[T:.*]] =
  // CHECK: %[[NUMBER:.*]] = memref.load %[[P]][%[[T]], %c1
  // CHECK: %[[MINE:.*]] = arith.index_castui %[[NUMBER]] : i32 to index
  // CHECK: %[[ROW:.*]] = memref.subview %[[A]][%[[T]], 0] [1, 16] [1, 1]
  // CHECK: bitnet.rope_angles %[[MINE]], %[[F]] into %[[ROW]] : (index,
  bitnet.rope_angles %places, %f into %a : (memref<?x2xi32>, memref<8xf32>, memref<?x16xf32>) -> ()
  // CHECK: bitnet.parallel
  // CHECK: scf.for %[[T:.*]] =
  // CHECK: memref.load %[[P]][%[[T]], %c1
  // CHECK: %[[MINE:.*]] = arith.index_castui
  // CHECK: memref.load %[[P]][%[[T]], %c0
  // CHECK: %[[SEQUENCE:.*]] = arith.index_castui
  // CHECK: %[[OWN:.*]] = memref.subview %[[CACHE]][%[[SEQUENCE]], 0, 0, 0, 0] [1, 2, 2, %{{.*}}, 256] [1, 1, 1, 1, 1] : memref<4x2x2x?x256xf32> to memref<2x2x?x256xf32
  // CHECK: bitnet.kv_store %{{.*}}, %{{.*}}, %[[OWN]] at %[[MINE]] : memref<1x32xf32
  bitnet.kv_store %k, %k, %cache at %places : memref<?x32xf32>, memref<?x32xf32>, memref<4x2x2x?x256xf32>, memref<?x2xi32>
  // CHECK: %[[ITEMS:.*]] = arith.muli %[[TOKENS:.*]], %c2
  // CHECK: bitnet.parallel (%{{.*}}, %{{.*}}) of %[[ITEMS]] : index {
  // CHECK: %[[HEAD:.*]] = arith.divui %{{.*}}, %[[TOKENS]]
  // CHECK: %[[TOKEN:.*]] = arith.remui %{{.*}}, %[[TOKENS]]
  // CHECK: memref.load %[[P]][%[[TOKEN]], %c1
  // CHECK: %[[MINE:.*]] = arith.index_castui
  // CHECK: %[[OWN:.*]] = memref.subview %[[CACHE]]
  // CHECK: memref.subview %[[OWN]][0, %[[HEAD]], 0, 0] [2, 1, %{{.*}}, 256] [1, 1, 1, 1]
  // CHECK: bitnet.attention {{.*}} at %[[MINE]] {{.*}} heads 3
  bitnet.attention %q, %cache at %places into %y heads 6 : (memref<?x96xf32>, memref<4x2x2x?x256xf32>, memref<?x2xi32>, memref<?x96xf32>) -> ()
  return
}
