// Loops over the same tokens become one where each token keeps to its own rows.
// RUN: bitnet-opt --bitnet-fuse-token-loops --split-input-file %s | FileCheck %s

// The normalised row is nobody else's: it becomes one row of each thread. The
// numbers of tokens are equal although they are different values.
// CHECK-LABEL: func @norm_quantize
// CHECK-SAME: %[[X:[^:]*]]: memref<?x64xf32>
func.func @norm_quantize(%x: memref<?x64xf32>, %g: memref<64xf32>, %q: memref<?x64xi8>, %inverse: memref<?xf32>, %sum: memref<?xi32>) -> index {
  // CHECK: %[[N:.*]] = memref.dim %[[X]], %c0
  // CHECK-NOT: memref.alloc(
  // CHECK: bitnet.parallel (%[[B:.*]], %[[E:.*]]) of %{{.*}} : index {
  // CHECK: %[[ROW:.*]] = memref.alloca() {alignment = 64 : i64} : memref<1x64xf32>
  // CHECK: scf.for %[[I:.*]] = %[[B]] to %[[E]]
  // CHECK: %[[IN:.*]] = memref.subview %[[X]][%[[I]], 0] [1, 64]
  // CHECK: %[[OUT:.*]] = memref.subview %[[ROW]][0, 0] [1, 64]
  // CHECK: bitnet.rms_norm %[[IN]], %{{.*}} into %[[OUT]]
  // CHECK: %[[AGAIN:.*]] = memref.subview %[[ROW]][0, 0] [1, 64]
  // CHECK: ternary.quantize %[[AGAIN]] into
  // CHECK-NOT: bitnet.parallel
  // CHECK: return %[[N]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %y = memref.alloc(%n) : memref<?x64xf32>
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, strided<[64, 1], offset: ?>>
      %1 = memref.subview %y[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, strided<[64, 1], offset: ?>>
      bitnet.rms_norm %0, %g into %1 eps 1.0e-05 : (memref<1x64xf32, strided<[64, 1], offset: ?>>, memref<64xf32>, memref<1x64xf32, strided<[64, 1], offset: ?>>) -> ()
    }
  }
  %m = memref.dim %y, %c0 : memref<?x64xf32>
  bitnet.parallel (%b, %e) of %m : index {
    %step = arith.constant 1 : index
    scf.for %i = %b to %e step %step {
      %0 = memref.subview %y[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, strided<[64, 1], offset: ?>>
      %1 = memref.subview %q[%i, 0] [1, 64] [1, 1] : memref<?x64xi8> to memref<1x64xi8, strided<[64, 1], offset: ?>>
      %2 = memref.subview %inverse[%i] [1] [1] : memref<?xf32> to memref<1xf32, strided<[1], offset: ?>>
      %3 = memref.subview %sum[%i] [1] [1] : memref<?xi32> to memref<1xi32, strided<[1], offset: ?>>
      ternary.quantize %0 into %1, %2, %3 : (memref<1x64xf32, strided<[64, 1], offset: ?>>, memref<1x64xi8, strided<[64, 1], offset: ?>>, memref<1xf32, strided<[1], offset: ?>>, memref<1xi32, strided<[1], offset: ?>>) -> ()
    }
  }
  %size = memref.dim %y, %c0 : memref<?x64xf32>
  return %size : index
}

// -----

// Halves of rows of one buffer, and a chain of three; a sum that is read later
// stays in its buffer, the others do not.
#half = strided<[128, 1]>
#high = strided<[128, 1], offset: 64>
#row = strided<[128, 1], offset: ?>
#own = strided<[64, 1], offset: ?>
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[BOTH:[^:]*]]: memref<?x128xf32>
func.func @chain(%both: memref<?x128xf32>, %g: memref<64xf32>, %n: index, %out: memref<?x64xf32>) {
  // CHECK: %[[S:.*]] = memref.alloc(%{{.*}}) : memref<?x64xf32>
  // CHECK-NOT: memref.alloc(
  // CHECK: bitnet.parallel
  // CHECK: memref.alloca() {{.*}} memref<1x64xf32>
  // CHECK-NOT: memref.alloca
  // CHECK: scf.for
  // CHECK: bitnet.gated_act
  // CHECK: bitnet.add
  // CHECK: bitnet.rms_norm
  // CHECK-NOT: bitnet.parallel
  // CHECK: bitnet.add %[[S]], %[[S]]
  %c1 = arith.constant 1 : index
  %gate = memref.subview %both[0, 0] [%n, 64] [1, 1] : memref<?x128xf32> to memref<?x64xf32, #half>
  %up = memref.subview %both[0, 64] [%n, 64] [1, 1] : memref<?x128xf32> to memref<?x64xf32, #high>
  %a = memref.alloc(%n) : memref<?x64xf32>
  %s = memref.alloc(%n) : memref<?x64xf32>
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %gate[%i, 0] [1, 64] [1, 1] : memref<?x64xf32, #half> to memref<1x64xf32, #row>
      %1 = memref.subview %up[%i, 0] [1, 64] [1, 1] : memref<?x64xf32, #high> to memref<1x64xf32, #row>
      %2 = memref.subview %a[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.gated_act relu2 %0, %1 into %2 : (memref<1x64xf32, #row>, memref<1x64xf32, #row>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %a[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      %1 = memref.subview %s[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %1 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %s[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      %1 = memref.subview %out[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.rms_norm %0, %g into %1 eps 1.0e-05 : (memref<1x64xf32, #own>, memref<64xf32>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.add %s, %s into %s : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
  return
}

// -----

// A row of keys goes to the cache of its own position: no other loop touches it.
#own = strided<[32, 1], offset: ?>
// CHECK-LABEL: func @store
func.func @store(%p: index, %k: memref<?x32xf32>, %angles: memref<?x32xf32>, %cache: memref<2x1x?x512xf32>, %n: index) {
  // CHECK-COUNT-1: bitnet.parallel
  // CHECK: bitnet.rope
  // CHECK: bitnet.kv_store
  // CHECK-NOT: bitnet.parallel
  // CHECK: return
  %c1 = arith.constant 1 : index
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %k[%i, 0] [1, 32] [1, 1] : memref<?x32xf32> to memref<1x32xf32, #own>
      %1 = memref.subview %angles[%i, 0] [1, 32] [1, 1] : memref<?x32xf32> to memref<1x32xf32, #own>
      bitnet.rope %0, %1 into %0 : (memref<1x32xf32, #own>, memref<1x32xf32, #own>, memref<1x32xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %k[%i, 0] [1, 32] [1, 1] : memref<?x32xf32> to memref<1x32xf32, #own>
      %at = arith.addi %p, %i : index
      bitnet.kv_store %0, %0, %cache at %at : memref<1x32xf32, #own>, memref<1x32xf32, #own>, memref<2x1x?x512xf32>, index
    }
  }
  return
}

// -----

// Not fused: the second loop reads every row of what the first one writes.
#own = strided<[64, 1], offset: ?>
// CHECK-LABEL: func @all_rows
func.func @all_rows(%x: memref<?x64xf32>, %y: memref<?x64xf32>, %z: memref<?x64xf32>, %n: index) {
  // CHECK-COUNT-2: bitnet.parallel
  %c1 = arith.constant 1 : index
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      %1 = memref.subview %y[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %1 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      bitnet.add %y, %y into %z : (memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
    }
  }
  return
}

// -----

// Not fused: it reads the next token's row, by an offset of its own or of the
// buffer it is a row of.
#own = strided<[64, 1], offset: ?>
#next = strided<[64, 1], offset: 64>
// CHECK-LABEL: func @other_row
func.func @other_row(%x: memref<?x64xf32>, %y: memref<?x64xf32>, %z: memref<?x64xf32>, %n: index) {
  // CHECK-COUNT-3: bitnet.parallel
  %c1 = arith.constant 1 : index
  %shifted = memref.subview %y[1, 0] [%n, 64] [1, 1] : memref<?x64xf32> to memref<?x64xf32, #next>
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %j = arith.addi %i, %c1 : index
      %0 = memref.subview %y[%j, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      %1 = memref.subview %z[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %1 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      %1 = memref.subview %y[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %1 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %shifted[%i, 0] [1, 64] [1, 1] : memref<?x64xf32, #next> to memref<1x64xf32, #own>
      %1 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %1 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  return
}

// -----

// Not fused: another number of tokens; an operation with effects between; a
// loop that does more than kernels.
#own = strided<[64, 1], offset: ?>
// CHECK-LABEL: func @left_alone
func.func @left_alone(%x: memref<?x64xf32>, %n: index, %m: index, %f: f32) {
  // CHECK-COUNT-4: bitnet.parallel
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  bitnet.parallel (%b, %e) of %n : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %0 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %m : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %0 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  memref.store %f, %x[%c0, %c0] : memref<?x64xf32>
  bitnet.parallel (%b, %e) of %m : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %0 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %m : index {
    scf.for %i = %b to %e step %c1 {
      memref.store %f, %x[%i, %c0] : memref<?x64xf32>
    }
  }
  return
}

// -----

// A buffer that is used outside the loop, or not by rows of its token, stays.
#own = strided<[64, 1], offset: ?>
// CHECK-LABEL: func @shared
func.func @shared(%x: memref<4x64xf32>) -> memref<4x64xf32> {
  // CHECK: %[[Y:.*]] = memref.alloc() : memref<4x64xf32>
  // CHECK-COUNT-1: bitnet.parallel
  // CHECK-NOT: memref.alloca
  // CHECK: bitnet.add
  // CHECK: bitnet.add
  // CHECK-NOT: bitnet.parallel
  // CHECK: return %[[Y]]
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %four = arith.constant 4 : index
  %y = memref.alloc() : memref<4x64xf32>
  bitnet.parallel (%b, %e) of %c4 : index {
    scf.for %i = %b to %e step %c1 {
      %0 = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<4x64xf32> to memref<1x64xf32, #own>
      %1 = memref.subview %y[%i, 0] [1, 64] [1, 1] : memref<4x64xf32> to memref<1x64xf32, #own>
      bitnet.add %0, %0 into %1 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  bitnet.parallel (%b, %e) of %four : index {
    scf.for %i = %b to %e step %c1 {
      %1 = memref.subview %y[%i, 0] [1, 64] [1, 1] : memref<4x64xf32> to memref<1x64xf32, #own>
      bitnet.add %1, %1 into %1 : (memref<1x64xf32, #own>, memref<1x64xf32, #own>, memref<1x64xf32, #own>) -> ()
    }
  }
  return %y : memref<4x64xf32>
}
