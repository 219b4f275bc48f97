// Kernels of a model that is no model, to test the engine: its logits are exact sums that any
// order of computation gives, and that depend on every input a kernel has.
//
//   embed    value[t] = table[tokens[t]]
//   store    cache(sequence, position, layer) = value[t] + layer
//   attend   sum[t] = sum over positions p <= positions[t] of cache(p, layer) * (p + 1), and
//            1000 or 2000 by the number of tokens in the step
//   output   logits[r][v] = sum[output_rows[r]] * scale[v]
//
// On a fake GPU (test/runtime/cuda), a workgroup is a block, and NAME_buffers tells how many buffers a
// kernel has.
//
// Auxiliary kernels have four numbers of NAME_sizes bytes in place of the step's four.
//
// A page of the cache holds 4 tokens: f32 [2 layers][4].
#include <stdint.h>

enum { kVocabulary = 2048, kHalf = kVocabulary / 2, kPageTokens = 4, kPageFloats = 16 };

#define KERNEL(NAME, BUFFERS)                                                                      \
  const int NAME##_buffers = BUFFERS;                                                              \
  void NAME(void *const *buffers, int64_t tokens, int64_t rows, int64_t stride, int64_t layer,     \
            int64_t begin, int64_t end)

static float *slot(float *cache, const int32_t *table, int64_t position, int64_t layer) {
  return cache + (int64_t)table[position / kPageTokens] * kPageFloats + layer * kPageTokens +
         position % kPageTokens;
}

// Buffers: tokens, table, value. One token a workgroup.
KERNEL(embed, 3) {
  const int32_t *ids = buffers[0];
  const float *table = buffers[1];
  float *value = buffers[2];
  for (int64_t t = begin; t < end; ++t)
    value[t] = table[ids[t]];
}

// The same with the fake driver's tensor maps of table, [64][32], and of value, [tokens][4], which
// it wants to be right.
struct Map {
  uint64_t magic;
  const void *address;
  uint64_t columns, rows, row_bytes;
  uint32_t box_columns, box_rows, type, swizzle;
};
const int embed_mapped_maps = 2;
KERNEL(embed_mapped, 3) {
  const struct Map *table = buffers[3], *value = buffers[4];
  int right = table->address == buffers[1] && table->columns == 32 && table->rows == 64 &&
              table->row_bytes == 128 && table->box_columns == 16 && table->box_rows == 8 &&
              table->type == 7 && table->swizzle == 2;
  right &= value->address == buffers[2] && value->columns == 4 && value->rows == (uint64_t)tokens &&
           value->row_bytes == 16 && value->box_columns == 8 && value->box_rows == 256 &&
           value->type == 9 && value->swizzle == 0;
  if (right)
    embed(buffers, tokens, rows, stride, layer, begin, end);
}

// A kernel that is wrong: it writes behind the arena, whose end is that of 3 arrays of f32.
KERNEL(embed_behind, 3) {
  embed(buffers, tokens, rows, stride, layer, begin, end);
  ((float *)buffers[2])[(tokens + 15) / 16 * 16 * 3] = 0;
}

// Buffers: value, positions, sequences, page_table, cache. Four tokens a workgroup.
KERNEL(store, 5) {
  const float *value = buffers[0];
  const int32_t *positions = buffers[1], *sequences = buffers[2], *table = buffers[3];
  for (int64_t t = 4 * begin; t < 4 * end && t < tokens; ++t)
    *slot(buffers[4], table + sequences[t] * stride, positions[t], layer) = value[t] + layer;
}

static float attend(void *const *buffers, int64_t stride, int64_t layer, int64_t t) {
  const int32_t *positions = buffers[0], *sequences = buffers[1], *table = buffers[2];
  float sum = 0;
  for (int64_t p = 0; p <= positions[t]; ++p)
    sum += *slot(buffers[3], table + sequences[t] * stride, p, layer) * (p + 1);
  return sum;
}

// Buffers: positions, sequences, page_table, cache, partial, sum. One token a workgroup.
// Up to 2 tokens a step:
KERNEL(attend_few, 6) {
  for (int64_t t = begin; t < end; ++t)
    ((float *)buffers[5])[t] = attend(buffers, stride, layer, t);
}
// 3 to 6 tokens; adds 1000 to tell:
KERNEL(attend_some, 6) {
  for (int64_t t = begin; t < end; ++t)
    ((float *)buffers[5])[t] = attend(buffers, stride, layer, t) + 1000;
}
// More tokens: two phases. The second adds 2000 and reads what another thread wrote in the first:
// without a barrier between, NaN.
KERNEL(attend_many, 6) {
  for (int64_t t = begin; t < end; ++t)
    ((float *)buffers[4])[t] = attend(buffers, stride, layer, t);
}
KERNEL(attend_many_sum, 6) {
  const float *partial = buffers[4];
  for (int64_t t = begin; t < end; ++t)
    ((float *)buffers[5])[t] = partial[t] + 0 * partial[tokens - 1 - t] + 2000;
}

// Buffers: sum, output_rows, scale, logits. Two workgroups a row: half of the vocabulary each.
KERNEL(output, 4) {
  const float *sum = buffers[0], *scale = buffers[2];
  const int32_t *outputs = buffers[1];
  float *logits = buffers[3];
  for (int64_t unit = begin; unit < end; ++unit)
    for (int64_t v = unit % 2 * kHalf; v < unit % 2 * kHalf + kHalf; ++v)
      logits[unit / 2 * kVocabulary + v] = sum[outputs[unit / 2]] * scale[v];
}

// What the roles of Package.fbs are given. Fake weights are random only in that they are all 1.
// Every draw is the likeliest token.
const int sample_sizes[4] = {0, 0, 0, 0};
KERNEL(sample, 4) {
  const float *logits = buffers[0];
  int32_t *found = buffers[3];
  for (int64_t r = begin; r < end; ++r) {
    found[r] = 0;
    for (int32_t v = 1; v < kVocabulary; ++v)
      if (logits[r * kVocabulary + v] > logits[r * kVocabulary + found[r]])
        found[r] = v;
  }
}

const int read_memory_sizes[4] = {0, 0, 0, 0};
KERNEL(read_memory, 3) {}
const int multiply_matrices_sizes[4] = {8, 0, 0, 0};
KERNEL(multiply_matrices, 1) {}
const int random_f32_sizes[4] = {8, 8, 8, 4};
KERNEL(random_f32, 1) {
  for (int64_t i = 0, count = tokens; i < count; ++i)
    ((float *)buffers[0])[i] = 1;
}
