// BitLinear layers of one input become one, their weights stacked by rows;
// layers that something else shares a part of are left alone.
// RUN: bitnet-opt --bitnet-fuse-projections --split-input-file %s | FileCheck %s

// CHECK-LABEL: module
// CHECK: bitnet.weight @"q+k+v" from ["q", "k", "v"] : tensor<65x100xi2>
// CHECK: bitnet.weight @"qs+ks+vs" from ["q.scale", "k.scale", "v.scale"] : tensor<65xf32>
// CHECK-NOT: bitnet.weight @
bitnet.weight @q from ["q"] : tensor<33x100xi2>
bitnet.weight @k from ["k"] : tensor<31x100xi2>
bitnet.weight @v from ["v"] : tensor<1x100xi2>
bitnet.weight @qs from ["q.scale"] : tensor<33xf32>
bitnet.weight @ks from ["k.scale"] : tensor<31xf32>
bitnet.weight @vs from ["v.scale"] : tensor<1xf32>
// CHECK: func @three
// CHECK-SAME: %[[X:.*]]: tensor<?x100xf32>
func.func @three(%x: tensor<?x100xf32>) -> (tensor<?x33xf32>, tensor<?x31xf32>, tensor<?x1xf32>) {
  %q = bitnet.weight_ref @q : tensor<33x100xi2>
  %qs = bitnet.weight_ref @qs : tensor<33xf32>
  // CHECK: %[[W:.*]] = bitnet.weight_ref @"q+k+v" : tensor<65x100xi2>
  // CHECK: %[[S:.*]] = bitnet.weight_ref @"qs+ks+vs" : tensor<65xf32>
  // CHECK: %[[Y:.*]] = bitnet.bitlinear %[[X]], %[[W]], %[[S]] : {{.*}} -> tensor<?x65xf32>
  // CHECK: %[[N:.*]] = tensor.dim %[[X]]
  // CHECK: tensor.extract_slice %[[Y]][0, 0] [%[[N]], 33] [1, 1]
  // CHECK: tensor.extract_slice %[[Y]][0, 33] [%[[N]], 31] [1, 1]
  // CHECK: tensor.extract_slice %[[Y]][0, 64] [%[[N]], 1] [1, 1]
  // CHECK-NOT: bitnet.bitlinear
  %0 = bitnet.bitlinear %x, %q, %qs : (tensor<?x100xf32>, tensor<33x100xi2>, tensor<33xf32>) -> tensor<?x33xf32>
  %k = bitnet.weight_ref @k : tensor<31x100xi2>
  %ks = bitnet.weight_ref @ks : tensor<31xf32>
  %1 = bitnet.bitlinear %x, %k, %ks : (tensor<?x100xf32>, tensor<31x100xi2>, tensor<31xf32>) -> tensor<?x31xf32>
  %v = bitnet.weight_ref @v : tensor<1x100xi2>
  %vs = bitnet.weight_ref @vs : tensor<1xf32>
  %2 = bitnet.bitlinear %x, %v, %vs : (tensor<?x100xf32>, tensor<1x100xi2>, tensor<1xf32>) -> tensor<?x1xf32>
  return %0, %1, %2 : tensor<?x33xf32>, tensor<?x31xf32>, tensor<?x1xf32>
}

// -----

// Scales that belong to 16 rows each stay so where matrices meet at a multiple
// of 16 (the last one may end anywhere).
// CHECK-LABEL: module
// CHECK: bitnet.weight @"a.scale+b.scale" from ["a.scale", "b.scale"] : tensor<5xf32>
// CHECK: bitnet.weight @"c.scale+d.scale" from ["c.scale", "d.scale"] : tensor<72xf32>
bitnet.weight @a from ["a"] : tensor<32x64xi2>
bitnet.weight @a.scale from ["a.scale"] : tensor<2xf32>
bitnet.weight @b from ["b"] : tensor<40x64xi2>
bitnet.weight @b.scale from ["b.scale"] : tensor<3xf32>
bitnet.weight @c from ["c"] : tensor<40x64xi2>
bitnet.weight @c.scale from ["c.scale"] : tensor<3xf32>
bitnet.weight @d from ["d"] : tensor<32x64xi2>
bitnet.weight @d.scale from ["d.scale"] : tensor<2xf32>
func.func @meet(%x: tensor<1x64xf32>, %y: tensor<1x64xf32>) -> (tensor<1x32xf32>, tensor<1x40xf32>, tensor<1x40xf32>, tensor<1x32xf32>) {
  %a = bitnet.weight_ref @a : tensor<32x64xi2>
  %as = bitnet.weight_ref @a.scale : tensor<2xf32>
  %b = bitnet.weight_ref @b : tensor<40x64xi2>
  %bs = bitnet.weight_ref @b.scale : tensor<3xf32>
  %c = bitnet.weight_ref @c : tensor<40x64xi2>
  %cs = bitnet.weight_ref @c.scale : tensor<3xf32>
  %d = bitnet.weight_ref @d : tensor<32x64xi2>
  %ds = bitnet.weight_ref @d.scale : tensor<2xf32>
  %0 = bitnet.bitlinear %x, %a, %as : (tensor<1x64xf32>, tensor<32x64xi2>, tensor<2xf32>) -> tensor<1x32xf32>
  %1 = bitnet.bitlinear %x, %b, %bs : (tensor<1x64xf32>, tensor<40x64xi2>, tensor<3xf32>) -> tensor<1x40xf32>
  %2 = bitnet.bitlinear %y, %c, %cs : (tensor<1x64xf32>, tensor<40x64xi2>, tensor<3xf32>) -> tensor<1x40xf32>
  %3 = bitnet.bitlinear %y, %d, %ds : (tensor<1x64xf32>, tensor<32x64xi2>, tensor<2xf32>) -> tensor<1x32xf32>
  return %0, %1, %2, %3 : tensor<1x32xf32>, tensor<1x40xf32>, tensor<1x40xf32>, tensor<1x32xf32>
}

// -----

// A weight that two layers name is stacked twice, under a name that is free.
// CHECK-LABEL: module
// CHECK: bitnet.weight @"w+w[[SUFFIX:.*]]" from ["w", "w"] : tensor<64x64xi2>
bitnet.weight @w from ["w"] : tensor<32x64xi2>
bitnet.weight @s from ["s"] : tensor<32xf32>
bitnet.weight @"w+w" from ["other"] : tensor<8xf32>
// CHECK: func @twice
func.func @twice(%x: tensor<1x64xf32>) -> (tensor<1x32xf32>, tensor<1x32xf32>, tensor<8xf32>) {
  // CHECK: bitnet.weight_ref @"w+w[[SUFFIX]]" : tensor<64x64xi2>
  %w0 = bitnet.weight_ref @w : tensor<32x64xi2>
  %s0 = bitnet.weight_ref @s : tensor<32xf32>
  %w1 = bitnet.weight_ref @w : tensor<32x64xi2>
  %s1 = bitnet.weight_ref @s : tensor<32xf32>
  %0 = bitnet.bitlinear %x, %w0, %s0 : (tensor<1x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<1x32xf32>
  %1 = bitnet.bitlinear %x, %w1, %s1 : (tensor<1x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<1x32xf32>
  %other = bitnet.weight_ref @"w+w" : tensor<8xf32>
  return %0, %1, %other : tensor<1x32xf32>, tensor<1x32xf32>, tensor<8xf32>
}

// -----

// CHECK-LABEL: module
bitnet.weight @w from ["w"] : tensor<32x64xi2>
bitnet.weight @s from ["s"] : tensor<32xf32>
bitnet.weight @literal = dense<1> : tensor<32x64xi2> : tensor<32x64xi2>

// CHECK: func @one
func.func @one(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-COUNT-2: bitnet.bitlinear {{.*}} -> tensor<?x32xf32>
  %w = bitnet.weight_ref @w : tensor<32x64xi2>
  %s = bitnet.weight_ref @s : tensor<32xf32>
  %w1 = bitnet.weight_ref @w : tensor<32x64xi2>
  %s1 = bitnet.weight_ref @s : tensor<32xf32>
  %0 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  %1 = bitnet.bitlinear %y, %w1, %s1 : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK: func @shared_reference
func.func @shared_reference(%x: tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-COUNT-2: bitnet.bitlinear {{.*}} -> tensor<?x32xf32>
  %w = bitnet.weight_ref @w : tensor<32x64xi2>
  %s = bitnet.weight_ref @s : tensor<32xf32>
  %0 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  %1 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK: func @without_sources
func.func @without_sources(%x: tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-COUNT-2: bitnet.bitlinear {{.*}} -> tensor<?x32xf32>
  %w = bitnet.weight_ref @w : tensor<32x64xi2>
  %s = bitnet.weight_ref @s : tensor<32xf32>
  %l = bitnet.weight_ref @literal : tensor<32x64xi2>
  %s1 = bitnet.weight_ref @s : tensor<32xf32>
  %0 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  %1 = bitnet.bitlinear %x, %l, %s1 : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK: func @two_blocks
func.func @two_blocks(%x: tensor<?x64xf32>, %c: i1) -> tensor<?x32xf32> {
  // CHECK-COUNT-2: bitnet.bitlinear {{.*}} -> tensor<?x32xf32>
  %0 = scf.if %c -> tensor<?x32xf32> {
    %w = bitnet.weight_ref @w : tensor<32x64xi2>
    %s = bitnet.weight_ref @s : tensor<32xf32>
    %1 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
    scf.yield %1 : tensor<?x32xf32>
  } else {
    %w = bitnet.weight_ref @w : tensor<32x64xi2>
    %s = bitnet.weight_ref @s : tensor<32xf32>
    %1 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
    scf.yield %1 : tensor<?x32xf32>
  }
  return %0 : tensor<?x32xf32>
}

// CHECK: func @tokens_known_late
func.func @tokens_known_late(%x: tensor<?x64xf32>) -> (tensor<4x32xf32>, tensor<?x32xf32>) {
  // CHECK: bitnet.bitlinear {{.*}} -> tensor<4x32xf32>
  // CHECK: bitnet.bitlinear {{.*}} -> tensor<?x32xf32>
  %w = bitnet.weight_ref @w : tensor<32x64xi2>
  %s = bitnet.weight_ref @s : tensor<32xf32>
  %w1 = bitnet.weight_ref @w : tensor<32x64xi2>
  %s1 = bitnet.weight_ref @s : tensor<32xf32>
  %0 = bitnet.bitlinear %x, %w, %s : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<4x32xf32>
  %1 = bitnet.bitlinear %x, %w1, %s1 : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
  return %0, %1 : tensor<4x32xf32>, tensor<?x32xf32>
}

// CHECK: func private @no_body()
func.func private @no_body()
