// The region of a parallel loop becomes a function that finds what it uses in a
// struct; what starts loops gets the team from its caller, entry points from
// their bn_call.
// RUN: bitnet-opt --convert-parallel-to-runtime %s | FileCheck %s

// CHECK: llvm.func @bn_parallel_for(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64)
llvm.func @use(!llvm.ptr, i64, i32, vector<16xf32>)

// CHECK-LABEL: llvm.func internal @kernel_body
// CHECK-SAME: (%[[CONTEXT:[^:]*]]: !llvm.ptr, %[[BEGIN:[^:]*]]: i64, %[[END:[^:]*]]: i64)
// A fixed-size buffer of the loop is allocated once.
// CHECK: llvm.alloca
// CHECK: %[[V0:.*]] = llvm.getelementptr %[[CONTEXT]][0, 0] : {{.*}} !llvm.struct<(vector<16xf32>, ptr)>
// CHECK: %[[V:.*]] = llvm.load %[[V0]] : !llvm.ptr -> vector<16xf32>
// CHECK: %[[X0:.*]] = llvm.getelementptr %[[CONTEXT]][0, 1]
// CHECK: %[[X:.*]] = llvm.load %[[X0]]
// Constants are made anew.
// CHECK: %[[SEVEN:.*]] = llvm.mlir.constant(7 : i32)
// CHECK: ^{{.*}}(%[[I:.*]]: i64):
// CHECK-NOT: llvm.alloca
// CHECK: llvm.call @use(%[[X]], %[[I]], %[[SEVEN]], %[[V]])
// CHECK: llvm.return

// CHECK-LABEL: llvm.func @kernel
// CHECK-SAME: (%[[X:[^:]*]]: !llvm.ptr, %[[V:[^:]*]]: vector<16xf32>, %[[N:[^:]*]]: i64, %[[TEAM:[^:]*]]: !llvm.ptr)
// CHECK: %[[CONTEXT:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(vector<16xf32>, ptr)> {alignment = 64 : i64}
// CHECK: llvm.store %[[V]], %{{.*}} : vector<16xf32>, !llvm.ptr
// CHECK: llvm.store %[[X]], %{{.*}} : !llvm.ptr, !llvm.ptr
// CHECK: %[[BODY:.*]] = llvm.mlir.addressof @kernel_body
// CHECK: llvm.call @bn_parallel_for(%[[TEAM]], %[[BODY]], %[[CONTEXT]], %[[N]])
// CHECK-NEXT: llvm.return
llvm.func @kernel(%x: !llvm.ptr, %v: vector<16xf32>, %n: i64) {
  %seven = llvm.mlir.constant(7 : i32) : i32
  bitnet.parallel (%begin, %end) of %n : i64 {
    %one = llvm.mlir.constant(1 : i64) : i64
    llvm.br ^loop(%begin : i64)
  ^loop(%i: i64):
    %buffer = llvm.alloca %one x vector<16xf32> : (i64) -> !llvm.ptr
    llvm.store %v, %buffer : vector<16xf32>, !llvm.ptr
    llvm.call @use(%x, %i, %seven, %v) : (!llvm.ptr, i64, i32, vector<16xf32>) -> ()
    %next = llvm.add %i, %one : i64
    %more = llvm.icmp "ult" %next, %end : i64
    llvm.cond_br %more, ^loop(%next : i64), ^end
  ^end:
    bitnet.yield
  }
  llvm.return
}

// Scalars alone need no more than their own alignment.
// CHECK-LABEL: llvm.func @scalars
// CHECK: llvm.alloca %{{.*}} x !llvm.struct<(i64)> {alignment = 8 : i64}
llvm.func @scalars(%n: i64) {
  bitnet.parallel (%begin, %end) of %n : i64 {
    %0 = llvm.add %n, %begin : i64
  }
  llvm.return
}

// CHECK-LABEL: llvm.func @caller
// CHECK-SAME: %[[TEAM:[^:]*]]: !llvm.ptr)
// CHECK: llvm.call @kernel(%{{.*}}, %{{.*}}, %{{.*}}, %[[TEAM]])
llvm.func @caller(%x: !llvm.ptr, %v: vector<16xf32>, %n: i64) {
  llvm.call @kernel(%x, %v, %n) : (!llvm.ptr, vector<16xf32>, i64) -> ()
  llvm.return
}

// `team` is field 6 of bn_call.
// CHECK-LABEL: llvm.func @entry
// CHECK-SAME: (%[[CALL:[^:]*]]: !llvm.ptr)
// CHECK: %[[ADDRESS:.*]] = llvm.getelementptr %[[CALL]][0, 6]
// CHECK: %[[TEAM:.*]] = llvm.load %[[ADDRESS]]
// CHECK: llvm.call @caller({{.*}}, %[[TEAM]])
llvm.func @entry(%call: !llvm.ptr) attributes {bitnet.entry} {
  %v = llvm.mlir.zero : vector<16xf32>
  %n = llvm.mlir.constant(3 : i64) : i64
  llvm.call @caller(%call, %v, %n) : (!llvm.ptr, vector<16xf32>, i64) -> ()
  llvm.return
}

// CHECK-LABEL: llvm.func @serial(
// CHECK-SAME: !llvm.ptr)
llvm.func @serial(%x: !llvm.ptr) {
  llvm.return
}
