//===- Passes.td - Conversions between levels --------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_CONVERSION_PASSES_TD
#define BITNETC_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertBitNetToTernary : Pass<"convert-bitnet-to-ternary"> {
  let summary = "BitLinear layers become quantise, multiply and rescale";
  let description = [{
    ```mlir
    %y = bitnet.bitlinear %x, %w, %s
        : (tensor<?x64xf32>, tensor<32x64xi2>, tensor<32xf32>) -> tensor<?x32xf32>
    ```
    becomes
    ```mlir
    %q, %inverse, %sums = ternary.quantize %x
        : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>, tensor<?xi32>)
    %r = ternary.matmul %q, %sums, %w
        : (tensor<?x64xi8>, tensor<?xi32>, tensor<32x64xi2>) -> tensor<?x32xi32>
    %y = ternary.rescale %r, %inverse, %s
        : (tensor<?x32xi32>, tensor<?xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let dependentDialects = ["::bitnetc::ternary::TernaryDialect"];
}

def ConvertBitNetToVector : Pass<"convert-bitnet-to-vector"> {
  let summary = "Norms, rotary embedding, attention, activations and head "
                "become loops over 16-lane vectors";
  let description = [{
    Lowers the bitnet operations in memref form, as `ternary-tile-parallel`
    leaves them (one token; one key-value head of some tokens; a few rows of the
    head), to scf loops over `vector<16xf32>`, heads of integers
    to micro-ops. Sums run in 16 lanes (column k
    in lane k mod 16) and are then folded by halves, or as `bitnet.attention`
    says: one order on every target. `bitnet.target` decides how many vectors
    are handled together.

    ```mlir
    bitnet.add %a, %b into %c : (memref<1x32xf32>, memref<1x32xf32>, memref<1x32xf32>) -> ()
    ```
    becomes
    ```mlir
    scf.for %k = %c0 to %c32 step %c16 {
      %x = vector.load %a[%c0, %k] : memref<1x32xf32>, vector<16xf32>
      %y = vector.load %b[%c0, %k] : memref<1x32xf32>, vector<16xf32>
      %z = arith.addf %x, %y : vector<16xf32>
      vector.store %z, %c[%c0, %k] : memref<1x32xf32>, vector<16xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect",
    "::bitnetc::ternary::TernaryDialect"];
}

def ConvertTernaryToVector : Pass<"convert-ternary-to-vector"> {
  let summary = "Quantise, matmul tiles, tables and rescale become vector loops";
  let description = [{
    Every `ternary.matmul` or `ternary.lut_matmul` of a row tile is written by
    its packing format (`PackingFormat::emitTile`) in micro-operations.

    ```mlir
    ternary.matmul %q, %sums, %tile into %acc
        : (memref<1x64xi8>, memref<1xi32>, !ternary.packed<64 x 64, #ternary.i2>, memref<1x64xi32>) -> ()
    ```
    becomes a loop over the steps of the tile around
    ```mlir
    %w = vector.load %bytes[%o] : memref<1024xi8>, vector<64xi8>
    %s = ternary.dot4 %acc0, %w, %x max 170 : vector<16xi32>, vector<64xi8>
    ```
    A product of any number of tokens on a target with matrix tiles takes the
    `ternary.rescale` along that alone reads it, or the two that do in the
    branches of one `scf.if`, where the last row tile has fewer rows.
  }];
  let dependentDialects = [
    "::bitnetc::ternary::TernaryDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ConvertMicroOpsToX86 : Pass<"convert-micro-ops-to-x86"> {
  let summary = "Micro-operations become AVX2, AVX-VNNI or AVX-512 instructions";
  let description = [{
    The module's target chooses the instructions; wider vectors are split.
    `ternary.tile_dot` becomes AMX. Modules for other architectures stay as
    they are.

    ```mlir
    %r = ternary.dot4 %acc, %w, %x max 63 : vector<16xi32>, vector<64xi8>
    ```
    becomes, with AVX-512-VNNI
    ```mlir
    %r = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%acc, %w, %x)
        : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::amx::AMXDialect",
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def ConvertMicroOpsToAArch64 : Pass<"convert-micro-ops-to-aarch64"> {
  let summary = "Micro-operations become NEON instructions";
  let description = [{
    The module's target chooses the instructions; wider vectors are split.
    Modules for other architectures stay as they are.

    ```mlir
    %r = ternary.dot4 %acc, %w, %x max 63 : vector<4xi32>, vector<16xi8>
    ```
    becomes, with dotprod
    ```mlir
    %r = llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"(%acc, %w, %x)
        : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::vector::VectorDialect"];
}

def ConvertParallelToRuntime
    : Pass<"convert-parallel-to-runtime", "::mlir::ModuleOp"> {
  let summary = "Parallel loops become calls of the runtime";
  let description = [{
    After convert-to-llvm: every region becomes a function of the type of
    `bn_body` (runtime/include/bitnet/abi.h), the values it uses a struct on the
    caller's stack. Functions that start loops get the team as their last
    argument; entry points load it from their `bn_call`. Fixed-size allocas move
    to their function's entry, so that loops do not grow the stack.

    ```mlir
    llvm.func @kernel(%x: !llvm.ptr) {
      bitnet.parallel (%begin, %end) of %count : i64 { ... %x ... }
    ```
    becomes
    ```mlir
    llvm.func @kernel(%x: !llvm.ptr, %team: !llvm.ptr) {
      %context = llvm.alloca %c1 x !llvm.struct<(ptr)>
      llvm.call @bn_parallel_for(%team, %body, %context, %count)
    llvm.func internal @kernel_body(%context: !llvm.ptr, %begin: i64, %end: i64)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def BitNetVerifyLLVM : Pass<"bitnet-verify-llvm", "::mlir::ModuleOp"> {
  let summary = "Check that only the llvm dialect is left";
  let description = [{
    Changes nothing. Names the first operation that translation to LLVM IR would
    not know.

    ```mlir
    llvm.func @bn_decode(%call: !llvm.ptr) { ... }
    ```
    stays
    ```mlir
    llvm.func @bn_decode(%call: !llvm.ptr) { ... }
    ```
  }];
}

#endif // BITNETC_CONVERSION_PASSES_TD
