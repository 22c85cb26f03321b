//===- Passes.td - Transformation passes -------------------*- tablegen -*-===//
//
// In the order in which the pipeline runs them (lib/Pipeline/Stages.cpp).
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TRANSFORMS_PASSES_TD
#define BITNETC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def BitNetVerifyModel : Pass<"bitnet-verify-model", "::mlir::ModuleOp"> {
  let summary = "Check that a module is a model as importers write it";
  let description = [{
    Changes nothing. Fails unless there is exactly one public function, named
    `forward`, with one block and only bitnet, tensor, arith and func
    operations on tensors, and every weight is used.

    ```mlir
    func.func @forward(%tokens: tensor<?xi32>, ...) -> tensor<?x16xf32> { ... }
    ```
    stays
    ```mlir
    func.func @forward(%tokens: tensor<?xi32>, ...) -> tensor<?x16xf32> { ... }
    ```
  }];
}

def BitNetFuseProjections : Pass<"bitnet-fuse-projections", "::mlir::ModuleOp"> {
  let summary = "BitLinear layers that read the same input become one";
  let description = [{
    The weights are stacked by rows, so one pass over the activations and one
    parallel region serve query, key and value, or gate and up.

    ```mlir
    bitnet.weight @q from ["layers.0.q"] : tensor<64x64xi2>
    bitnet.weight @k from ["layers.0.k"] : tensor<32x64xi2>
    ...
    %q = bitnet.bitlinear %x, %wq, %sq : (...) -> tensor<?x64xf32>
    %k = bitnet.bitlinear %x, %wk, %sk : (...) -> tensor<?x32xf32>
    ```
    becomes
    ```mlir
    bitnet.weight @q+k from ["layers.0.q", "layers.0.k"] : tensor<96x64xi2>
    ...
    %qk = bitnet.bitlinear %x, %w, %s : (...) -> tensor<?x96xf32>
    %q = tensor.extract_slice %qk[0, 0] [%n, 64] [1, 1] : ...
    %k = tensor.extract_slice %qk[0, 64] [%n, 32] [1, 1] : ...
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numFused", "fused", "Number of layers fused into another">];
}

def BitNetSpecializePhases
    : Pass<"bitnet-specialize-phases", "::mlir::ModuleOp"> {
  let summary = "One function for prompts, one for single tokens, one for several sequences";
  let description = [{
    `@forward` over any number of tokens becomes `@prefill`, for at most
    `max-batch` tokens at once, `@decode`, where the token dimension is the
    constant 1, and `@decode_batch`, for one token of each of at most
    `max-sequences` sequences: the position becomes a place, (sequence,
    position), for each token. Later passes tile each in its own way.

    ```mlir
    func.func @forward(%tokens: tensor<?xi32>, ...) { ... tensor<?x64xf32> ... }
    ```
    becomes
    ```mlir
    func.func @prefill(%tokens: tensor<?xi32>, ...) attributes {bitnet.max_tokens = 128 : i64} { ... tensor<?x64xf32> ... }
    func.func @decode(%tokens: tensor<1xi32>, ...) attributes {bitnet.max_tokens = 1 : i64} { ... tensor<1x64xf32> ... }
    func.func @decode_batch(%tokens: tensor<?xi32>, %places: tensor<?x2xi32>, %rows: index, %cache: !bitnet.kv_cache<30 x 5 x 128 x f32, sequences = 16>) -> ... attributes {bitnet.max_tokens = 16 : i64} { ... tensor<?x64xf32> ... }
    ```
  }];
  let options = [
    Option<"maxBatch", "max-batch", "int64_t", "128",
           "Most tokens that one call of prefill takes">,
    Option<"maxSequences", "max-sequences", "int64_t", "16",
           "Most sequences that one call of decode_batch takes a token of; 1: "
           "no such phase">];
}

def BitNetScreenHead : Pass<"bitnet-screen-head", "::mlir::ModuleOp"> {
  let summary = "Phases for tokens that only the best logits matter of";
  let description = [{
    Adds `@decode_top`, a copy of `@decode` with one more argument, the number
    of highest logits that must be right, and, where there are `@decode_batch`
    and `@prefill`, `@decode_batch_top` and `@prefill_top`, the same of those;
    of `@prefill_top` one row is wanted. A sketch of the output embedding in 7
    bits, made when weights are written, bounds every logit; only rows that may
    be among the highest are computed from the embedding itself, to the bit as
    `bitnet.lm_head` does; all others are -inf.

    ```mlir
    func.func @decode(%tokens: tensor<1xi32>, ...) -> tensor<?x40xf32> {
      ...
      %logits = bitnet.lm_head %x, %table : (tensor<?x64xf32>, tensor<40x64xbf16>) -> tensor<?x40xf32>
    ```
    stays, and there is also
    ```mlir
    func.func @decode_top(%tokens: tensor<1xi32>, ..., %top: index) -> tensor<?x40xf32> {
      ...
      %digits, %facts = bitnet.fixed_point %x : (tensor<?x64xf32>) -> (tensor<?x128xi8>, tensor<?x3xf32>)
      %upper, %peaks = bitnet.screen_head %digits, %facts, %sketch, %row_facts : ...
      %threshold = bitnet.kth_largest %peaks, %top : (tensor<?x3xf32>, index) -> tensor<?x1xf32>
      %logits = bitnet.rescore_head %x, %table, %upper, %threshold : ...
    ```
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"auto\"",
           "auto (large heads, where it is faster), full (never) or screened">];
}

def BitNetQuantizeHead : Pass<"bitnet-quantize-head", "::mlir::ModuleOp"> {
  let summary = "An output embedding of another precision";
  let description = [{
    Makes another table of the output embedding's source when weights are
    written, and reads that. This changes logits. Floats stay with
    `bitnet.lm_head`; integers become a `bitnet.integer_head`:

    ```mlir
    %logits = bitnet.lm_head %x, %table : (tensor<?x64xf32>, tensor<40x64xbf16>) -> tensor<?x40xf32>
    ```
    becomes, with int8,
    ```mlir
    %digits, %facts = bitnet.fixed_point %x : (tensor<?x64xf32>) -> (tensor<?x128xi8>, tensor<?x3xf32>)
    %logits = bitnet.integer_head %digits, %facts, %table, %row_facts bits 8
        : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x1024xi8>, tensor<3x64xf32>) -> tensor<?x40xf32>
    ```
    The table as the model has it goes, unless it is the embedding as well.
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"int8\"",
           "f16, bf16, int8 (a scale for each row) or int4 (a scale for 32 columns of each)">];
}

def TernaryShareQuantize : Pass<"ternary-share-quantize"> {
  let summary = "Quantise each activation once";
  let description = [{
    ```mlir
    %q0, %i0, %s0 = ternary.quantize %x : ...
    %q1, %i1, %s1 = ternary.quantize %x : ...
    ```
    becomes
    ```mlir
    %q0, %i0, %s0 = ternary.quantize %x : ...
    ```
    with the uses of the second replaced by the first.
  }];
  let statistics = [
    Statistic<"numShared", "shared", "Number of quantisations removed">];
}

def TernarySelectFormat : Pass<"ternary-select-format", "::mlir::ModuleOp"> {
  let summary = "Choose the packing format of every matrix";
  let description = [{
    One format for each shape of matrix, shared by all phases. `auto` takes the
    format with the lowest predicted time on the module's target
    (`bitnetc/Formats/CostModel.h`): the time of a decode step plus that of a
    prefill call per token. `choices` overrides that for single shapes. A remark
    gives the reason.

    ```mlir
    %r = ternary.matmul %q, %s, %w : (tensor<?x64xi8>, tensor<?xi32>, tensor<32x64xi2>) -> tensor<?x32xi32>
    ```
    becomes
    ```mlir
    %p = ternary.pack %w : tensor<32x64xi2> -> !ternary.packed<32 x 64, #ternary.i2>
    %r = ternary.matmul %q, %s, %p : (tensor<?x64xi8>, tensor<?xi32>, !ternary.packed<32 x 64, #ternary.i2>) -> tensor<?x32xi32>
    ```
  }];
  let options = [
    Option<"format", "format", "std::string", "\"auto\"",
           "A packing format for all matrices, or auto">,
    ListOption<"choices", "choices", "std::string",
               "Formats of single shapes: ROWSxCOLUMNS=FORMAT">,
    Option<"threads", "threads", "int64_t", "1",
           "Threads that the predicted times are of">,
    Option<"explain", "explain", "bool", "false",
           "Print candidates, predicted times and the choice to stderr">];
  let dependentDialects = ["::bitnetc::ternary::TernaryDialect"];
}

def TernaryPackWeights : Pass<"ternary-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Weights get their packed types";
  let description = [{
    Folds `ternary.pack` into the weight it reads. The bytes themselves are
    streamed from the model file when the output is written.

    ```mlir
    bitnet.weight @w from ["layers.0.o"] : tensor<32x64xi2>
    %w = bitnet.weight_ref @w : tensor<32x64xi2>
    %p = ternary.pack %w : tensor<32x64xi2> -> !ternary.packed<32 x 64, #ternary.i2>
    ```
    becomes
    ```mlir
    bitnet.weight @w from ["layers.0.o"] : !ternary.packed<32 x 64, #ternary.i2>
    %p = bitnet.weight_ref @w : !ternary.packed<32 x 64, #ternary.i2>
    ```
  }];
}

def TernaryRewriteToLut : Pass<"ternary-rewrite-to-lut"> {
  let summary = "Products of a token by table formats become table lookups";
  let description = [{
    A table holds every sum that a few weights can give with as many activations;
    it is built once for each activation, however many matrices read it. A lookup
    serves one token only: products of several tokens decode the weights once for
    all of them and stay.

    ```mlir
    %r = ternary.matmul %q, %s, %w : (tensor<1x64xi8>, tensor<1xi32>, !ternary.packed<32 x 64, #ternary.tl1>) -> tensor<1x32xi32>
    ```
    becomes
    ```mlir
    %t = ternary.build_lut #ternary.tl1, %q : (tensor<1x64xi8>) -> tensor<1x1024xi8>
    %r = ternary.lut_matmul %t, %w : (tensor<1x1024xi8>, !ternary.packed<32 x 64, #ternary.tl1>) -> tensor<1x32xi32>
    ```
  }];
  let statistics = [
    Statistic<"numTables", "tables", "Number of tables built">,
    Statistic<"numRewritten", "rewritten", "Number of products rewritten">];
}

def TernaryVerifyPacked : Pass<"ternary-verify-packed", "::mlir::ModuleOp"> {
  let summary = "Check that every ternary weight is packed";
  let description = [{
    Changes nothing. Fails on an i2 tensor or a `bitnet.bitlinear`.

    ```mlir
    %r = ternary.matmul %q, %s, %w : ...
    ```
    stays
    ```mlir
    %r = ternary.matmul %q, %s, %w : ...
    ```
  }];
}

def BitNetBufferize : Pass<"bitnet-bufferize", "::mlir::ModuleOp"> {
  let summary = "Tensors become buffers; phases get their final arguments";
  let description = [{
    A phase is one straight line of operations, so every tensor becomes one
    buffer, slices become views, and weights become views into the weight
    section at offsets assigned here. The rows of quantised activations of
    several tokens are an odd number of cache lines apart: products read the
    same columns of many rows at once, which must not share a set of a cache.

    ```mlir
    func.func @decode(%tokens: tensor<1xi32>, %position: index, %rows: index, %cache: !bitnet.kv_cache<1 x 2 x 8 x f32>) -> tensor<?x16xf32> {
      %y = bitnet.add %a, %b : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<1x64xf32>
    ```
    becomes
    ```mlir
    func.func @decode(%weights: memref<?xi8>, %arena: memref<?xi8>, %tokens: memref<1xi32>, %position: index, %rows: index, %cache: memref<1x2x2x?x8xf32>, %logits: memref<?x16xf32>) {
      %y = memref.alloc() : memref<1x64xf32>
      bitnet.add %a, %b into %y : (memref<1x64xf32>, memref<1x64xf32>, memref<1x64xf32>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect",
                           "::bitnetc::ternary::TernaryDialect"];
}

def TernaryTileParallel : Pass<"ternary-tile-parallel", "::mlir::ModuleOp"> {
  let summary = "Share operations out among threads";
  let description = [{
    Products are cut into row tiles of the format, fused with the rescaling
    that reads them; token-wise operations into tokens; attention into
    key-value heads of some tokens; the head into rows of the vocabulary. Nothing
    is cut along a sum, so results do not depend on the number of threads. What
    the rescaling of a tile reads, and for a single token what it writes, is
    prefetched before the tile is multiplied. Where the module's weights (or
    `bitnet.footprint` bytes, which it stands for) come from memory and the
    target gains by it, results of up to 16 tokens (`bitnet.max_tokens`) go past
    the caches instead, if their rows start at cache lines: in a buffer, or in an
    argument marked `bitnet.aligned`, a mark that is dropped.

    Attention of a single token has its sums in parts by definition: it becomes
    an `attention_part` for each key-value head and 256 positions and an
    `attention_merge` for each head, if the module says how many positions there
    may be (`bitnet.max_context`).

    ```mlir
    ternary.matmul %q, %s, %w into %r : ...
    ternary.rescale %r, %inverse, %scale into %y : ...
    ```
    becomes
    ```mlir
    bitnet.parallel (%begin, %end) of %tiles : index {
      scf.for %i = %begin to %end step %c1 {
        %t = ternary.tile %w[%i] : ...
        memref.prefetch %scale[%row], read, locality<3>, data : ...
        memref.prefetch %y[%c0, %row], write, locality<3>, data : ...
        %acc = memref.alloca() : memref<1x64xi32>
        ternary.matmul %q, %s, %t into %acc : ...
        ternary.rescale %acc, %inverse, %scale_slice into %y_slice : ...
      }
    }
    ```
  }];
  let dependentDialects = ["::bitnetc::bitnet::BitNetDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def BitNetFuseTokenLoops : Pass<"bitnet-fuse-token-loops"> {
  let summary = "One loop over tokens for several that follow each other";
  let description = [{
    Two parallel loops over the same tokens, with nothing but values and buffers
    between them, become one if each buffer that one writes and the other
    touches is touched in rows of the loop's own token only. Threads meet once
    instead of twice, and a row is still in the first-level cache when the next
    operation reads it. A buffer that only the fused loop uses becomes one row
    of each thread. Every token sees the same operations in the same order, so
    results are the same to the bit.

    ```mlir
    %y = memref.alloc(%n) : memref<?x64xf32>
    bitnet.parallel (%begin, %end) of %n : index {
      scf.for %i = %begin to %end step %c1 {
        bitnet.rms_norm %x[%i], %g into %y[%i]
      }
    }
    bitnet.parallel (%begin, %end) of %n : index {
      scf.for %i = %begin to %end step %c1 {
        ternary.quantize %y[%i] into %q[%i], %inverse[%i], %sum[%i]
      }
    }
    ```
    (`%x[%i]` short for a `memref.subview`) becomes
    ```mlir
    bitnet.parallel (%begin, %end) of %n : index {
      %y = memref.alloca() : memref<1x64xf32>
      scf.for %i = %begin to %end step %c1 {
        bitnet.rms_norm %x[%i], %g into %y
        ternary.quantize %y into %q[%i], %inverse[%i], %sum[%i]
      }
    }
    ```
  }];
  let statistics = [
    Statistic<"numFused", "fused", "Number of loops fused into their next">,
    Statistic<"numPrivate", "private",
              "Number of buffers that became one row of each thread">];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def BitNetPlanMemory : Pass<"bitnet-plan-memory", "::mlir::ModuleOp"> {
  let summary = "All buffers of a phase share one arena";
  let description = [{
    Buffers whose lives do not overlap share bytes. Offsets are fixed at compile
    time (first fit, largest first), aligned to 64 bytes; phases share the
    arena; its size becomes the module's `bitnet.arena_bytes`.

    ```mlir
    %y = memref.alloc(%n) : memref<?x64xf32>
    ```
    becomes
    ```mlir
    %y = memref.view %arena[%c4096][%n] : memref<?xi8> to memref<?x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect"];
}

def BitNetOutlineKernels : Pass<"bitnet-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Each distinct operation of a phase becomes one function";
  let description = [{
    Layers differ only in their weights, which are arguments, so a model of any
    depth has the code of one layer.

    ```mlir
    bitnet.add %a, %b into %c : ...
    bitnet.add %d, %e into %f : ...
    ```
    becomes
    ```mlir
    call @add_0(%a, %b, %c) : ...
    call @add_0(%d, %e, %f) : ...
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let statistics = [
    Statistic<"numKernels", "kernels", "Number of functions made">,
    Statistic<"numCalls", "calls", "Number of operations replaced">];
}

def TernaryTileMicro : Pass<"ternary-tile-micro"> {
  let summary = "Cut products into register tiles of tokens";
  let description = [{
    A product of many tokens by one row tile becomes a loop over blocks of as
    many tokens as the target's registers hold accumulators for, and a block of
    the tokens that are left: of every number of them, so that few tokens read
    the weights once. The rescaling that reads the tile moves along.
    On a machine with matrix tiles, as many tokens as are faster with them
    (`getLeastTileTokens`) go through the row tile all at once instead; on one
    without, so do `TargetInfo::panelTokens` or more where decoding a tile takes
    long beside multiplying it. A single token reads several row tiles side by
    side (`TargetInfo::streams`), at least `TargetInfo::streamDistance` bytes
    apart: their products stand next to each other and become one loop.

    ```mlir
    %acc = memref.alloca(%n) : memref<?x64xi32>
    ternary.matmul %q, %s, %t into %acc : ...
    ```
    becomes
    ```mlir
    scf.for %m = %c0 to %full step %c6 {
      %acc = memref.alloca() : memref<6x64xi32>
      ternary.matmul %q_block, %s_block, %t into %acc : ...
    }
    scf.index_switch %rest
    case 1 { ... memref<1x64xi32> ... }
    ...
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def BitNetExportModel : Pass<"bitnet-export-model", "::mlir::ModuleOp"> {
  let summary = "Entry points with the runtime's calling convention";
  let description = [{
    Every phase gets a function of the C ABI (runtime/include/bitnet/abi.def)
    that takes a `bn_call`, and the module the constant `bn_model_info`. Weight
    declarations, whose offsets are in the code by now, go away.

    ```mlir
    func.func @decode(%weights: memref<?xi8>, ...)
    ```
    becomes
    ```mlir
    func.func private @decode(%weights: memref<?xi8>, ...)
    llvm.func @bn_decode(%call: !llvm.ptr) { ... }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::func::FuncDialect"];
}

#endif // BITNETC_TRANSFORMS_PASSES_TD
