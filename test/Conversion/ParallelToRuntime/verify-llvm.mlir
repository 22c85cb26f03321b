// What translation to LLVM IR would not know is named.
// RUN: bitnet-opt --bitnet-verify-llvm --split-input-file --verify-diagnostics --allow-unregistered-dialect %s

module {
  llvm.func @good() {
    llvm.return
  }
}

// -----

// expected-error @+1 {{'func.func' op is left: expected only the llvm dialect}}
func.func private @f()

// -----

llvm.func @f() {
  // expected-error @+1 {{'unknown.op' op is left: expected only the llvm dialect}}
  "unknown.op"() : () -> ()
  llvm.return
}
