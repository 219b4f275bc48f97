//===- Tiles.cpp - AMX's tiles, or what stands for them -------------------===//
//
// Registers are named by their numbers, as in assembly. Emulated, a register is an array on the
// stack and a product is rounded where the instruction rounds, so both give the same bits.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

static void callTileIntrinsic(KernelBuilder &b, StringRef name, ValueRange operands) {
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr(("llvm.x86." + name).str()), operands);
}

static Value tileNumber(KernelBuilder &b, int tile) {
  return LLVM::ConstantOp::create(b, b.getI8IntegerAttr(int8_t(tile)));
}

/// Bytes from one row of a tile in an array to the next.
static Value rowBytes(KernelBuilder &b, Value memory) {
  int64_t elements = cast<MemRefType>(memory.getType()).getStridesAndOffset().first.end()[-2];
  return LLVM::ConstantOp::create(b, b.getI64IntegerAttr(4 * elements));
}

void KernelBuilder::configureTiles() {
  if (level.matrixTiles == Tiles::Emulated)
    return;
  // Of LDTILECFG's 64 bytes: palette 1; from byte 16 on, each tile's bytes of a row, of 16 bits;
  // from byte 48 on, its rows, of 8.
  SmallVector<int32_t> words(16, 0);
  words[0] = 1;
  for (int pair = 0; pair != kTileCount / 2; ++pair)
    words[4 + pair] = 0x00400040;
  for (int four = 0; four != kTileCount / 4; ++four)
    words[12 + four] = 0x10101010;
  auto type = VectorType::get(16, getI32Type());
  Value configuration = stack(getI32Type(), {16});
  store(arith::ConstantOp::create(*this, DenseElementsAttr::get(type, ArrayRef(words))),
        configuration, index(0));
  callTileIntrinsic(*this, "ldtilecfg", addressOf(configuration, index(0)));
}

void KernelBuilder::releaseTiles() {
  if (level.matrixTiles != Tiles::Emulated)
    callTileIntrinsic(*this, "tilerelease", {});
}

/// body(at of a row, row) for the rows of a tile in an array.
static void forEachTileRow(KernelBuilder &b, ValueRange at,
                           llvm::function_ref<void(ValueRange, Value)> body) {
  b.loop(b.index(0), b.index(kTileRows), 1, [&](Value row) {
    Values place(at);
    Value &first = place[place.size() - 2];
    first = b.add(first, row);
    body(place, row);
  });
}

void KernelBuilder::clearTile(int tile) {
  if (level.matrixTiles != Tiles::Emulated)
    return callTileIntrinsic(*this, "tilezero", tileNumber(*this, tile));
  Value memory = emulatedTile(tile);
  loop(index(0), index(kTileRows), 1, [&](Value row) {
    store(i32(0, kTileRows), memory, {row, index(0)});
  });
}

void KernelBuilder::loadTile(int tile, Value memory, ValueRange at, bool streamed) {
  if (level.matrixTiles == Tiles::Emulated) {
    Value to = emulatedTile(tile);
    return forEachTileRow(*this, at, [&](ValueRange place, Value row) {
      store(reinterpret(load(memory, place, kTileRows), getI32Type()), to, {row, index(0)});
    });
  }
  callTileIntrinsic(*this, streamed ? "tileloaddt164" : "tileloadd64",
                    {tileNumber(*this, tile), addressOf(memory, at), rowBytes(*this, memory)});
}

void KernelBuilder::loadTile(int tile, Value memory, ValueRange at) {
  loadTile(tile, memory, at, /*streamed=*/false);
}

void KernelBuilder::streamTile(int tile, Value memory, ValueRange at) {
  loadTile(tile, memory, at, /*streamed=*/true);
}

void KernelBuilder::storeTile(int tile, Value memory, ValueRange at) {
  if (level.matrixTiles == Tiles::Emulated) {
    Value from = emulatedTile(tile);
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    return forEachTileRow(*this, at, [&](ValueRange place, Value row) {
      store(reinterpret(load(from, {row, index(0)}, kTileRows), element), memory, place);
    });
  }
  callTileIntrinsic(*this, "tilestored64",
                    {tileNumber(*this, tile), addressOf(memory, at), rowBytes(*this, memory)});
}

void KernelBuilder::addTileProducts(int sums, int a, int b) {
  if (level.matrixTiles == Tiles::Emulated)
    return emulateTileProducts(sums, a, b);
  callTileIntrinsic(*this, "tdpbf16ps",
                    {tileNumber(*this, sums), tileNumber(*this, a), tileNumber(*this, b)});
}

//===----------------------------------------------------------------------===//
// Emulation
//===----------------------------------------------------------------------===//

Value KernelBuilder::emulatedTile(int tile) {
  while (int(emulated.size()) <= tile)
    emulated.push_back(stack(getI32Type(), {kTileRows, kTileRows}));
  return emulated[tile];
}

/// Numbers below 2^-126 as 0 of their sign, as the instruction takes and leaves them.
static Value flush(KernelBuilder &b, Value numbers) {
  int64_t lanes = lanesOf(numbers);
  Value bits = b.reinterpret(numbers, b.getI32Type());
  Value small = b.equal(b.both(bits, b.i32(0x7f800000, lanes)), b.i32(0, lanes));
  Value sign = b.both(bits, b.i32(int32_t(0x80000000), lanes));
  return b.reinterpret(b.selectLanes(small, sign, bits), b.getF32Type());
}

/// The even and the odd features have sums of their own, which are added last of all.
static void emulateRow(KernelBuilder &b, ValueRange tiles, Value row) {
  Value zero = b.f32(0, kTileRows);
  Values halves =
      b.loop(b.index(0), b.index(kTileRows), 1, {zero, zero}, [&](Value k, ValueRange halves) {
        Value w = b.splat(b.load(tiles[1], {row, k}), kTileRows);
        Value x = b.load(tiles[2], {k, b.index(0)}, kTileRows);
        auto add = [&](Value w, Value x, Value sum) {
          return flush(b, b.fma(flush(b, w), flush(b, x), sum));
        };
        return Values{add(b.evens(w), b.evens(x), halves[0]), add(b.odds(w), b.odds(x), halves[1])};
      });
  Values at{row, b.index(0)};
  Value before = b.reinterpret(b.load(tiles[0], at, kTileRows), b.getF32Type());
  Value sum = b.addf(flush(b, before), flush(b, b.addf(halves[0], halves[1])));
  b.store(b.reinterpret(flush(b, sum), b.getI32Type()), tiles[0], at);
}

void KernelBuilder::emulateTileProducts(int sums, int a, int b) {
  call("emulated_tile_products", {emulatedTile(sums), emulatedTile(a), emulatedTile(b)},
       [](KernelBuilder &b, ValueRange tiles) {
         b.loop(b.index(0), b.index(kTileRows), 1, [&](Value row) { emulateRow(b, tiles, row); });
       });
}
