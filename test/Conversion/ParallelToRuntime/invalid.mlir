// Loops that the runtime cannot start are errors.
// RUN: bitnet-opt --convert-parallel-to-runtime --split-input-file --verify-diagnostics %s

func.func @not_llvm(%n: index) {
  // expected-error @+1 {{expected parallel loops at the top of llvm functions; run 'convert-to-llvm' first}}
  bitnet.parallel (%begin, %end) of %n : index {
  }
  return
}

// -----

llvm.func @inner(%n: i64) {
  bitnet.parallel (%begin, %end) of %n : i64 {
  }
  llvm.return
}
llvm.func @outer(%n: i64) {
  bitnet.parallel (%begin, %end) of %n : i64 {
    // expected-error @+1 {{expected no parallel loop inside another}}
    llvm.call @inner(%begin) : (i64) -> ()
  }
  llvm.return
}

// -----

llvm.func @inner(%n: i64) {
  bitnet.parallel (%begin, %end) of %n : i64 {
  }
  llvm.return
}
llvm.func @middle(%n: i64) {
  llvm.call @inner(%n) : (i64) -> ()
  llvm.return
}
llvm.func @outer(%n: i64) {
  bitnet.parallel (%begin, %end) of %n : i64 {
    // expected-error @+1 {{expected no parallel loop inside another}}
    llvm.call @middle(%begin) : (i64) -> ()
  }
  llvm.return
}

// -----

llvm.func @starter(%n: i64) {
  bitnet.parallel (%begin, %end) of %n : i64 {
  }
  llvm.return
}
llvm.func @address() -> !llvm.ptr {
  // expected-error @+1 {{expected only calls of 'starter', which starts parallel loops}}
  %0 = llvm.mlir.addressof @starter : !llvm.ptr
  llvm.return %0 : !llvm.ptr
}

// -----

// expected-error @+1 {{expected an entry point to take a bn_call}}
llvm.func @entry(%n: i64) attributes {bitnet.entry} {
  bitnet.parallel (%begin, %end) of %n : i64 {
  }
  llvm.return
}

// -----

// expected-error @+1 {{expected a fixed number of arguments where a parallel loop starts}}
llvm.func @variadic(%n: i64, ...) {
  bitnet.parallel (%begin, %end) of %n : i64 {
  }
  llvm.return
}
