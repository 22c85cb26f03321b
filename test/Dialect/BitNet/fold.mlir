// What has no effect and no reader goes away; writes of memory and of the cache
// stay, and reads of the cache are not moved over writes.
// RUN: bitnet-opt --canonicalize --cse %s | FileCheck %s

bitnet.weight @w from ["w"] : tensor<64xf32>

// CHECK-LABEL: func @unread
func.func @unread(%x: tensor<?x64xf32>, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>, %p: index) {
  // CHECK-NEXT: return
  %w = bitnet.weight_ref @w : tensor<64xf32>
  %n = bitnet.rms_norm %x, %w eps 1.0 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %a = bitnet.attention %n, %cache at %p heads 1 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 1 x 64 x f32>, index) -> tensor<?x64xf32>
  return
}

// CHECK-LABEL: func @writes
func.func @writes(%x: memref<1x64xf32>, %k: tensor<?x64xf32>, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>, %p: index) {
  // CHECK-NEXT: bitnet.add
  // CHECK-NEXT: bitnet.kv_store
  bitnet.add %x, %x into %x : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
  bitnet.kv_store %k, %k, %cache at %p : tensor<?x64xf32>, tensor<?x64xf32>, !bitnet.kv_cache<1 x 1 x 64 x f32>, index
  return
}

// Equal operations become one, unless the cache has changed in between.
// CHECK-LABEL: func @common
func.func @common(%x: tensor<?x64xf32>, %cache: !bitnet.kv_cache<1 x 1 x 64 x f32>, %p: index) -> tensor<?x64xf32> {
  // CHECK-COUNT-1: bitnet.add
  // CHECK: bitnet.attention
  // CHECK: bitnet.kv_store
  // CHECK: bitnet.attention
  %0 = bitnet.add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = bitnet.add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %2 = bitnet.attention %0, %cache at %p heads 1 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 1 x 64 x f32>, index) -> tensor<?x64xf32>
  bitnet.kv_store %2, %1, %cache at %p : tensor<?x64xf32>, tensor<?x64xf32>, !bitnet.kv_cache<1 x 1 x 64 x f32>, index
  %3 = bitnet.attention %0, %cache at %p heads 1 : (tensor<?x64xf32>, !bitnet.kv_cache<1 x 1 x 64 x f32>, index) -> tensor<?x64xf32>
  return %3 : tensor<?x64xf32>
}
