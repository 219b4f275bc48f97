//===- RenameTableTest.cpp - names of formats as Hugging Face's -----------===//

#include "runtime/checkpoint/RenameTable.h"

#include "gtest/gtest.h"

using namespace strata;

namespace {

constexpr Renamed kTable[] = {
    {"output", "lm_head"},
    {"blk.*.attn_q", "model.layers.*.self_attn.q_proj"},
};

TEST(RenameTable, Names) { EXPECT_EQ(rename("output", kTable), "lm_head"); }

TEST(RenameTable, TheNumberOfALayerIsKept) {
  EXPECT_EQ(rename("blk.0.attn_q", kTable), "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(rename("blk.1023.attn_q", kTable), "model.layers.1023.self_attn.q_proj");
}

TEST(RenameTable, OtherNamesAreNone) {
  for (const char *name :
       {"", "outputs", "out", "blk.attn_q", "blk..attn_q", "blk.x.attn_q", "blk.1x.attn_q",
        "blk.*.attn_q", "blk.-1.attn_q", "blk.12345.attn_q", "blk.0.attn_q.x", "x.blk.0.attn_q"})
    EXPECT_EQ(rename(name, kTable), "") << name;
}

} // namespace
