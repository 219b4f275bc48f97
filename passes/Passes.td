//===- Passes.td - from ops to kernels to buffers ----------*- tablegen -*-===//
//
// In pipeline order. The examples are tests: each `Before:` is run through its pass and compared
// with its `After:`.
//
// A fusion that does not happen where it might leaves a remark that says why; they are shown with
// `strata-opt --remarks-filter-missed='decoder-fuse-.*'`.
//
//===----------------------------------------------------------------------===//
#ifndef STRATA_PASSES
#define STRATA_PASSES

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Stage `fuse`: cheap ops become clauses of the expensive ones
//===----------------------------------------------------------------------===//

def FuseSiblings : Pass<"decoder-fuse-siblings", "::mlir::func::FuncOp"> {
  let summary = "one linear for the query, key and value of a layer";
  let description = [{
    The linears of an attention's query, of the keys and of the values that the cache was just given
    become one linear of three weights `[q, k, v]`, so that the input is read and normalized once and
    the keys and values can go straight into the cache.

    It fires where `attention(q, cache_append(k, v))` has q, k and v from three linears of one weight,
    without clauses but a bias each, or none, and of one input; rope may stand between the linear and the query or keys; nothing
    else may use the keys and values. Other linears of one input (a gate beside an up projection) stay
    apart: no clause of theirs needs the other.

    Before:
    ```mlir
    !batch = !decoder.batch
    !kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
    func.func @forward(%x: tensor<?x256xbf16>, %wq: tensor<256x256xbf16>, %wk: tensor<128x256xbf16>,
                       %wv: tensor<128x256xbf16>, %kv: !kv, %batch: !batch) -> tensor<?x256xbf16> {
      %q = decoder.linear %x, [%wq] : (tensor<?x256xbf16>, tensor<256x256xbf16>) -> tensor<?x256xbf16>
      %k = decoder.linear %x, [%wk] : (tensor<?x256xbf16>, tensor<128x256xbf16>) -> tensor<?x128xbf16>
      %v = decoder.linear %x, [%wv] : (tensor<?x256xbf16>, tensor<128x256xbf16>) -> tensor<?x128xbf16>
      %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64}
        : (tensor<?x128xbf16>, tensor<?x128xbf16>, !kv, !batch) -> !kv
      %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64}
        : (tensor<?x256xbf16>, !kv, !batch) -> tensor<?x256xbf16>
      return %a : tensor<?x256xbf16>
    }
    ```
    After:
    ```mlir
    !batch = !decoder.batch
    !kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
    func.func @forward(%x: tensor<?x256xbf16>, %wq: tensor<256x256xbf16>, %wk: tensor<128x256xbf16>,
                       %wv: tensor<128x256xbf16>, %kv: !kv, %batch: !batch) -> tensor<?x256xbf16> {
      %q, %k, %v = decoder.linear %x, [%wq, %wk, %wv]
        : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<128x256xbf16>, tensor<128x256xbf16>)
       -> (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>)
      %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64}
        : (tensor<?x128xbf16>, tensor<?x128xbf16>, !kv, !batch) -> !kv
      %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64}
        : (tensor<?x256xbf16>, !kv, !batch) -> tensor<?x256xbf16>
      return %a : tensor<?x256xbf16>
    }
    ```
  }];
}

def FuseNorm : Pass<"decoder-fuse-norm", "::mlir::func::FuncOp"> {
  let summary = "layer_norm becomes the norm clause of the linear or logits that reads it";
  let description = [{
    The kernel normalizes its input as it loads it: the normalized activations never exist. It fires
    where the only use of a layer_norm is the input of a linear or logits without that clause; with
    more uses each would compute the norm again, which is why siblings are fused first.

    Before:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %g: tensor<256xbf16>, %b: tensor<256xbf16>,
                       %w: tensor<1024x256xbf16>) -> tensor<?x1024xbf16> {
      %h = decoder.layer_norm %x, %g, %b {eps = 1.0e-5 : f32}
        : (tensor<?x256xbf16>, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x256xbf16>
      %u = decoder.linear %h, [%w] : (tensor<?x256xbf16>, tensor<1024x256xbf16>) -> tensor<?x1024xbf16>
      return %u : tensor<?x1024xbf16>
    }
    ```
    After:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %g: tensor<256xbf16>, %b: tensor<256xbf16>,
                       %w: tensor<1024x256xbf16>) -> tensor<?x1024xbf16> {
      %u = decoder.linear %x, [%w] norm(%g, %b, eps = 1.0e-05)
        : (tensor<?x256xbf16>, tensor<1024x256xbf16>, tensor<256xbf16>, tensor<256xbf16>)
       -> tensor<?x1024xbf16>
      return %u : tensor<?x1024xbf16>
    }
    ```
  }];
}

def FuseActivation : Pass<"decoder-fuse-activation", "::mlir::func::FuncOp"> {
  let summary = "activation becomes a clause of the linear before it";
  let description = [{
    It fires where the linear has one weight and neither activation nor residual (which would come
    first), rope or cache, and nothing else uses its result.

    Before:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %w: tensor<1024x256xbf16>) -> tensor<?x1024xbf16> {
      %u = decoder.linear %x, [%w] : (tensor<?x256xbf16>, tensor<1024x256xbf16>) -> tensor<?x1024xbf16>
      %r = decoder.activation(squared_relu) %u : (tensor<?x1024xbf16>) -> tensor<?x1024xbf16>
      return %r : tensor<?x1024xbf16>
    }
    ```
    After:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %w: tensor<1024x256xbf16>) -> tensor<?x1024xbf16> {
      %r = decoder.linear %x, [%w] activation(squared_relu)
        : (tensor<?x256xbf16>, tensor<1024x256xbf16>) -> tensor<?x1024xbf16>
      return %r : tensor<?x1024xbf16>
    }
    ```
  }];
}

def FuseRope : Pass<"decoder-fuse-rope", "::mlir::func::FuncOp"> {
  let summary = "rope becomes a clause of the linear before it";
  let description = [{
    The weight whose product is rotated joins the clause's list. It fires where nothing else uses that
    product, the linear has neither activation nor residual, and a rope clause that is there already
    has the same table and head_dim.

    Before:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %w: tensor<256x256xbf16>, %table: tensor<?x32xf32>)
        -> tensor<?x256xbf16> {
      %q = decoder.linear %x, [%w] : (tensor<?x256xbf16>, tensor<256x256xbf16>) -> tensor<?x256xbf16>
      %r = decoder.rope %q, %table {head_dim = 64 : i64}
        : (tensor<?x256xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
      return %r : tensor<?x256xbf16>
    }
    ```
    After:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %w: tensor<256x256xbf16>, %table: tensor<?x32xf32>)
        -> tensor<?x256xbf16> {
      %r = decoder.linear %x, [%w] rope(%table, head_dim = 64, weights = [0])
        : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
      return %r : tensor<?x256xbf16>
    }
    ```
  }];
}

def FuseCacheAppend : Pass<"decoder-fuse-cache-append", "::mlir::func::FuncOp"> {
  let summary = "cache_append becomes a clause of the linear that computes keys and values";
  let description = [{
    Keys and values are written where they belong and never become results. It fires where they are the
    last two of at least three products of one linear, nothing else uses them, and the old cache is not
    read between the linear and the cache_append: the cache is then overwritten earlier.

    Before:
    ```mlir
    !batch = !decoder.batch
    !kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
    func.func @forward(%x: tensor<?x256xbf16>, %wq: tensor<256x256xbf16>, %wk: tensor<128x256xbf16>,
                       %wv: tensor<128x256xbf16>, %kv: !kv, %batch: !batch) -> tensor<?x256xbf16> {
      %q, %k, %v = decoder.linear %x, [%wq, %wk, %wv]
        : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<128x256xbf16>, tensor<128x256xbf16>)
       -> (tensor<?x256xbf16>, tensor<?x128xbf16>, tensor<?x128xbf16>)
      %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64}
        : (tensor<?x128xbf16>, tensor<?x128xbf16>, !kv, !batch) -> !kv
      %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64}
        : (tensor<?x256xbf16>, !kv, !batch) -> tensor<?x256xbf16>
      return %a : tensor<?x256xbf16>
    }
    ```
    After:
    ```mlir
    !batch = !decoder.batch
    !kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
    func.func @forward(%x: tensor<?x256xbf16>, %wq: tensor<256x256xbf16>, %wk: tensor<128x256xbf16>,
                       %wv: tensor<128x256xbf16>, %kv: !kv, %batch: !batch) -> tensor<?x256xbf16> {
      %q, %kv1 = decoder.linear %x, [%wq, %wk, %wv] cache(%kv, %batch, layer = 0)
        : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<128x256xbf16>, tensor<128x256xbf16>,
           !kv, !batch) -> (tensor<?x256xbf16>, !kv)
      %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64}
        : (tensor<?x256xbf16>, !kv, !batch) -> tensor<?x256xbf16>
      return %a : tensor<?x256xbf16>
    }
    ```
  }];
}

def FuseResidual : Pass<"decoder-fuse-residual", "::mlir::func::FuncOp"> {
  let summary = "add becomes the residual clause of the linear before it";
  let description = [{
    It fires where one addend is the result of a linear of one weight, without residual, rope or cache,
    that nothing else uses, and the other addend is computed before that linear. Of two such linears
    the later takes the other's result.

    Before:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %a: tensor<?x1024xbf16>, %w: tensor<256x1024xbf16>)
        -> tensor<?x256xbf16> {
      %y = decoder.linear %a, [%w] : (tensor<?x1024xbf16>, tensor<256x1024xbf16>) -> tensor<?x256xbf16>
      %z = decoder.add %x, %y : (tensor<?x256xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
      return %z : tensor<?x256xbf16>
    }
    ```
    After:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %a: tensor<?x1024xbf16>, %w: tensor<256x1024xbf16>)
        -> tensor<?x256xbf16> {
      %z = decoder.linear %a, [%w] residual(%x)
        : (tensor<?x1024xbf16>, tensor<256x1024xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
      return %z : tensor<?x256xbf16>
    }
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Stage `plan`: tensors become buffers
//===----------------------------------------------------------------------===//

def PlanMemory : Pass<"decoder-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "a place in the arena for every activation";
  let description = [{
    Every tensor becomes a memref. The ops keep their form: a result is the buffer that the op writes,
    and their order in the block is the order of the dispatches.

    - Arguments and parameters: a plain memref; they are the caller's and the checkpoint's.
    - The returned activations: a plain memref, the caller's buffer.
    - Every other result: `memref<?xNxT, #decoder.arena<offset>>`, offset in bytes a token. It takes a
      row's bytes, rounded up to 64, from the op that defines it to its last use, both included: an op
      never writes over what it reads.
    - `decoder.workspace_bytes = N` on an op (set by a target) becomes its `workspace`, live during that
      op only.

    The function gets `decoder.arena_bytes_per_token`. Larger buffers are placed first, each into the
    smallest gap that fits. Since each version of the cache is overwritten in place, it may have only
    one op that overwrites it, and no reader after that.

    Before:
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %batch: !decoder.batch) -> tensor<?x2048xf32> {
      %up = decoder.parameter "up" : tensor<1024x256xbf16>
      %down = decoder.parameter "down" : tensor<256x1024xbf16>
      %head = decoder.parameter "head" : tensor<2048x256xbf16>
      %u = decoder.linear %x, [%up] activation(squared_relu) {decoder.workspace_bytes = 100 : i64}
        : (tensor<?x256xbf16>, tensor<1024x256xbf16>) -> tensor<?x1024xbf16>
      %y = decoder.linear %u, [%down] residual(%x)
        : (tensor<?x1024xbf16>, tensor<256x1024xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
      %l = decoder.logits %y, %head, %batch
        : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch) -> tensor<?x2048xf32>
      return %l : tensor<?x2048xf32>
    }
    ```
    After:
    ```mlir
    !y = memref<?x256xbf16, #decoder.arena<2048>>
    !u = memref<?x1024xbf16, #decoder.arena<0>>
    func.func @forward(%x: memref<?x256xbf16>, %batch: !decoder.batch) -> memref<?x2048xf32>
        attributes {decoder.arena_bytes_per_token = 2560 : i64} {
      %up = decoder.parameter "up" : memref<1024x256xbf16>
      %down = decoder.parameter "down" : memref<256x1024xbf16>
      %head = decoder.parameter "head" : memref<2048x256xbf16>
      %u = decoder.linear %x, [%up] activation(squared_relu) workspace <2048>
        : (memref<?x256xbf16>, memref<1024x256xbf16>) -> !u
      %y = decoder.linear %u, [%down] residual(%x)
        : (!u, memref<256x1024xbf16>, memref<?x256xbf16>) -> !y
      %l = decoder.logits %y, %head, %batch
        : (!y, memref<2048x256xbf16>, !decoder.batch) -> memref<?x2048xf32>
      return %l : memref<?x2048xf32>
    }
    ```
  }];
}

def VerifyPlan : Pass<"decoder-verify-plan", "::mlir::func::FuncOp"> {
  let summary = "checks that no two live values share memory";
  let description = [{
    The contract of the stage `plan`, checked from the finished IR alone, without the planner: every
    place lies in the arena and on a multiple of 64, live buffers and workspaces are disjoint, and no
    op uses a cache that has been overwritten. `decoder-plan-memory` ends with it.
  }];
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

def PrintRoofline : Pass<"decoder-print-roofline", "::mlir::ModuleOp"> {
  let summary = "what a step costs at least on a machine";
  let description = [{
    Prints, for each distinct kernel op (equal layers count once), the bytes that memory must deliver
    (weights, cached keys and values), the activations it reads and writes, its flops, the time below
    which it cannot go, and what bounds it; then the totals. Activations are not counted as time: a
    step's fit the last cache of the machines that matter, and the floor must be one.
  }];
  let options = [
    Option<"machine", "machine", "std::string", "\"h100\"", "name of a machine: a100, h100, h200">,
    Option<"bandwidthGbs", "bandwidth-gbs", "double", "0", "read bandwidth in GB/s, instead">,
    Option<"tflops", "tflops", "double", "0", "peak bf16 TFLOP/s, instead">,
    Option<"tokens", "tokens", "int64_t", "1", "new tokens of the step">,
    Option<"context", "context", "int64_t", "0", "tokens cached before the step">
  ];
}

#endif // STRATA_PASSES
