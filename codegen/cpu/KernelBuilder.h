//===- KernelBuilder.h - writing a CPU kernel as MLIR -----------*- C++ -*-===//
//
// What CPU kernels are written in beyond codegen/BodyBuilder.h: whole vectors, masks, scratch on
// the stack, the dot product. A kernel is emitted once for each Level; the differences between
// levels (vector length, the bf16 dot product) are in here and nowhere else.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/BodyBuilder.h"
#include "codegen/cpu/Level.h"

namespace strata::cpu {

class KernelBuilder : public BodyBuilder {
public:
  /// Of all ops that are written here.
  static void registerDialects(mlir::DialectRegistry &registry);
  /// Promises that what this argument points to is reached through no other.
  static void markNoAlias(mlir::func::FuncOp function, unsigned argument);

  /// Writes the body of `function`, whose entry block is `entry`.
  KernelBuilder(mlir::func::FuncOp function, mlir::Block *entry, const Level &level)
      : BodyBuilder(function, entry, level.bf16Dot), level(level) {}

  const Level &level;
  /// f32 elements of a vector on this level.
  int64_t lanes() const { return level.lanes; }

  /// body(i, lanes) for vectors that cover 0 .. count: full vectors first, then single elements.
  void vectors(int64_t count, llvm::function_ref<void(Value, int64_t)> body);
  void vectors(Value count, llvm::function_ref<void(Value, int64_t)> body);
  /// body(first, lanes) for vectors [begin, end) of those that cover 0 .. count: the last of them
  /// may have fewer than lanes() elements.
  void vectorsBetween(int64_t count, Value begin, Value end,
                      llvm::function_ref<void(Value, int64_t)> body);
  /// Calls a function of this module that kernels share; `body` writes it when it is first named.
  /// Arguments are buffers, stack() arrays and indices; no two are the same memory.
  void call(llvm::StringRef name, ValueRange arguments,
            llvm::function_ref<void(KernelBuilder &, ValueRange)> body);

  /// Scratch on the stack, aligned to 64 bytes. Placed in the entry block: it does not grow in
  /// loops.
  Value stack(mlir::Type element, llvm::ArrayRef<int64_t> shape);
  /// Arrays of bf16 are of i16 here, which every level can load under a mask; vectors are of bf16.
  /// Lanes where `mask` is false are 0 and touch no memory. A null mask loads all: `count` of them,
  /// lanes() if it is 0.
  Value loadMasked(Value memory, ValueRange at, Value mask, int64_t count = 0);
  void storeMasked(Value value, Value memory, ValueRange at, Value mask);

  // Rows in pairs: arrays of i32 or, where a row is no whole number of pairs, of numbers. What its
  // last pair has beyond the row is 0 and touches no memory.
  /// An array of rows of `features` bf16, as whole pairs if they are.
  Value viewPairs(Value bytes, llvm::ArrayRef<int64_t> rows, int64_t features,
                  ValueRange sizes = {});
  /// lanes() pairs, of which `mask` says as in loadMasked(): as i32, or 2 * lanes() elements of
  /// f32 if the numbers are not bf16. `at` ends with a pair.
  Value loadPairs(Value memory, ValueRange at, Value mask);
  void storePairs(Value pairs, Value memory, ValueRange at, Value mask);

  /// Asks for the cache line of an element, which need not exist, to be in the cache.
  void prefetch(Value memory, ValueRange at);

  Value selectLanes(Value mask, Value a, Value b);
  /// First `count` lanes true; count may be more than lanes() or less than 1.
  Value mask(Value count);
  Value mask(int64_t count);
  Value sum(Value vector);     ///< of all lanes, to f32; the order is the compiler's, and fixed
  Value maximum(Value vector); ///< of all lanes, to f32
  /// The sum of all lanes of each of up to lanes() vectors, as the first lanes of one vector.
  Value sums(Values vectors);
  Value slice(Value vector, int64_t first, int64_t count);
  /// The columns of a square of n vectors of n elements, n a power of two.
  Values transpose(Values rows);
  /// Four neighbouring elements of i32, again and again; each can be spread from there.
  Value loadFour(Value memory, ValueRange at);
  /// Element `which` of the four in all lanes.
  Value spreadOne(Value four, int64_t which);
  /// acc + a.even * b.even + a.odd * b.odd, lane by lane, of pairs; acc + a * b of other numbers.
  Value dot(Value acc, Value a, Value b);

  // Bytes in fours, each an i32.
  /// Signed weights as dotBytes() takes them: plus byteOffset(). A vector or a scalar.
  Value offsetBytes(Value fours);
  /// acc + the products of the four bytes of each lane, exact; those of x are at least -127,
  /// weights without a sign at most 127.
  Value dotBytes(Value acc, Value weights, Value x, bool isSigned);
  /// The sum of the two i16 in each lane, times a factor of 16 bits.
  Value sumPairs(Value pairs, int64_t factor);
  /// table[index] of bytes: a table of 16 of them, again and again; an index for each.
  Value lookUpBytes(Value table, Value indices);
  /// `count` times four bytes, `stride` bytes apart, from `at` on of an array of bytes; as i32.
  Value gatherFours(Value memory, ValueRange at, int64_t stride, int64_t count);
  /// vpdpbusd takes its first factor as unsigned, so the weights' are 128 more; 0 without it.
  int64_t byteOffset() const { return level.int8Dot ? 128 : 0; }
  /// The same bits as a vector of another element.
  Value reinterpret(Value vector, mlir::Type element);

  // Tiles: kTileCount registers of kTileRows rows of kTileRows elements of 4 bytes. They can be
  // used between configureTiles() and releaseTiles(), in functions that are called there, too.
  void configureTiles();
  void releaseTiles();
  void clearTile(int tile);
  /// The kTileRows x kTileRows elements from `at` on of an array's last two dimensions.
  void loadTile(int tile, Value memory, ValueRange at);
  /// The same, and makes little room for it in the first-level cache.
  void streamTile(int tile, Value memory, ValueRange at);
  void storeTile(int tile, Value memory, ValueRange at);
  /// sums[i][j] += the products of pairs a[i][k] and b[k][j], in f32. Numbers below 2^-126 are 0.
  void addTileProducts(int sums, int a, int b);

  /// Where an element is, as a pointer.
  Value addressOf(Value memory, ValueRange at);

private:
  Value maskOfPairs(Value memory, ValueRange at, Value mask, Values &first);
  void loadTile(int tile, Value memory, ValueRange at, bool streamed);
  /// What stands for a tile where tiles are emulated, on the stack.
  Value emulatedTile(int tile);
  void emulateTileProducts(int sums, int a, int b);
  Values emulated;
};

/// "_64x64_64x128": the shapes of arrays among the arguments, for the name of a function whose code
/// depends on them.
std::string shapesOf(ValueRange arguments);

inline constexpr int kTileCount = 8;
inline constexpr int64_t kTileRows = 16;

} // namespace strata::cpu
