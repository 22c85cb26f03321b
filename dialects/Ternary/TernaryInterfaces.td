//===- TernaryInterfaces.td - Interfaces of the ternary dialect -----------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef TERNARY_INTERFACES_TD
#define TERNARY_INTERFACES_TD

include "mlir/IR/Interfaces.td"

def PackingFormatInterface : AttrInterface<"PackingFormatInterface"> {
  let cppNamespace = "::bitnetc::ternary";
  let description = [{
    A way to store a ternary matrix in bytes. The geometry comes from the
    format's record in TernaryFormats.td; packing, unpacking, cost and code
    come from `lib/Formats/<Name>.cpp`.

    A matrix is cut into tiles of `getTileRows()` rows and all columns; a tile
    is a sequence of steps of `getStepCols()` columns, each `getStepBytes()`
    bytes. Rows and columns are padded with zero weights to whole tiles and
    steps, so any N and K can be stored.
  }];
  let extraSharedClassDeclaration = [{
    /// True if products can be looked up in tables built from the activations.
    bool usesTables() const { return $_attr.getStepTableBytes() != 0; }
    /// Bytes of the tables of one token with `columns` (padded) columns.
    int64_t getTableBytes(int64_t columns) const {
      return (columns + $_attr.getStepCols() - 1) / $_attr.getStepCols() *
             $_attr.getStepTableBytes();
    }
  }];
  let methods = [
    InterfaceMethod<"Rows of one tile.", "int64_t", "getTileRows">,
    InterfaceMethod<"Columns (K) of one step.", "int64_t", "getStepCols">,
    InterfaceMethod<"Bytes of one step.", "int64_t", "getStepBytes">,
    InterfaceMethod<"Bytes of the tables of one step's activations, in which "
                    "products are looked up (`ternary.build_lut`); 0: none.",
                    "int64_t", "getStepTableBytes">,
    InterfaceMethod<"Sums of matrices with fewer columns than this fit in 32 "
                    "bits, all intermediate ones included.",
                    "int64_t", "getColumnLimit">,
    InterfaceMethod<"The mnemonic, as `--format` names it.",
                    "::llvm::StringRef", "getFormatName">,
  ];
}

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::bitnetc::ternary";
  let description = [{
    An operation that exists in two forms. On tensors it returns its results.
    After memory planning it takes, after its inputs, one destination memref
    for each result, writes them and returns nothing:

    ```mlir
    %y = bitnet.rms_norm %x, %g eps 1.0e-05 : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    bitnet.rms_norm %x, %g into %y eps 1.0e-05 : memref<?x64xf32>, memref<64xf32>, memref<?x64xf32>
    ```

    Constraints:
    * (kernel_c1) there are no results in memref form.
    * (kernel_c2) operands are tensors or memrefs, not both.
    * (kernel_c3) as many results or destinations as the operation has outputs,
      each of its element type and rank.
    * (kernel_c4) operands and results that count tokens in their first dimension
      count the same, where it is static.
  }];
  let methods = [
    InterfaceMethod<"The destinations; empty in tensor form.",
                    "::mlir::OperandRange", "getOuts">,
    InterfaceMethod<[{
      Indices of the operands (destinations included) whose first dimension
      counts tokens, if the operation handles every token on its own; else
      nothing.
    }], "::llvm::SmallVector<unsigned>", "getTokenOperands">,
  ];
  let verify = [{ return ::bitnetc::ternary::verifyKernelForm($_op); }];
}

#endif // TERNARY_INTERFACES_TD
