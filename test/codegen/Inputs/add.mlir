// The smallest model with an op to follow: its input is added to itself.
!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 4, page_tokens = 64>
module attributes {decoder.model = #decoder.model<architecture = "handmade", name = "add",
    context = 64, bos_token = -1, add_bos = false, eos_tokens = [3]>} {
func.func @forward(%tokens: tensor<?xi32>, %batch: !decoder.batch, %kv: !kv)
    -> (tensor<?x10xf32>, !kv) {
  %table = decoder.parameter "table" : tensor<10x8xbf16>
  %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<10x8xbf16>) -> tensor<?x8xbf16>
  %y = decoder.add %x, %x : (tensor<?x8xbf16>, tensor<?x8xbf16>) -> tensor<?x8xbf16>
  %l = decoder.logits %y, %table, %batch
    : (tensor<?x8xbf16>, tensor<10x8xbf16>, !decoder.batch) -> tensor<?x10xf32>
  return %l, %kv : tensor<?x10xf32>, !kv
}
}
