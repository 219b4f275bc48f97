//===- PrefillFrame.cpp ---------------------------------------------------===//

#include "codegen/cpu/PrefillFrame.h"
#include "codegen/cpu/Schedule.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

int64_t PrefillBlock::height() const { return cast<MemRefType>(products.getType()).getDimSize(0); }

Value strata::cpu::blockTokens(KernelBuilder &b, Value rows, int64_t most) {
  return b.min(b.mul(b.ceilDiv(rows, kPackVector), kPackVector), b.index(most));
}

void strata::cpu::forEachPackShare(KernelBuilder &b, const KernelArguments &args, int64_t columns,
                                   llvm::function_ref<void(const PackShare &)> body) {
  int64_t vectors = llvm::divideCeil(columns, b.lanes());
  b.loop(args.begin, args.end, 1, [&](Value workgroup) {
    Value share = b.rem(workgroup, kPackShares);
    auto vector = [&](Value share) { return b.div(b.mul(share, vectors), kPackShares); };
    body({b.div(workgroup, kPackShares), vector(share), vector(b.add(share, 1))});
  });
}

/// tile[token][row] = products[row][token], a lanes() x lanes() square at a time, by a function
/// that linears share. Columns of the tile beyond the last row, and rows beyond the last token,
/// receive values nobody reads.
static void emitTranspose(KernelBuilder &b, Value products, const Tile &tile) {
  Values arguments{products, tile.values, tile.rows, tile.tokens};
  b.call("transpose" + shapesOf(arguments), arguments, [](KernelBuilder &b, ValueRange arguments) {
    int64_t lanes = b.lanes();
    b.loop(b.index(0), arguments[2], lanes, [&](Value row) {
      b.loop(b.index(0), arguments[3], lanes, [&](Value token) {
        Values lines;
        for (int64_t i = 0; i != lanes; ++i)
          lines.push_back(b.load(arguments[0], {b.add(row, i), token}, lanes));
        Values columns = b.transpose(lines);
        for (int64_t i = 0; i != lanes; ++i)
          b.store(columns[i], arguments[1], {b.add(token, i), row});
      });
    });
  });
}

void strata::cpu::forEachPrefillBlock(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, int64_t packTokens,
    llvm::function_ref<void(const LinearSpec::Part &, const PrefillBlock &)> multiply) {
  // Row groups are whole units; the arrays are padded to whole vectors of rows. Large units are
  // multiplied in pieces, as high as groups of other linears, by the same functions.
  int64_t groupRows = spec.headDim ? spec.headDim : kPrefillRows;
  int64_t padded = llvm::alignTo(groupRows, 16);
  int64_t height = groupRows % kPrefillRows ? padded : kPrefillRows;
  int64_t rowBytes = packTokens * 4;
  Value sums = b.stack(b.getI8Type(), padded * rowBytes);
  Value products = b.view(sums, b.getF32Type(), {padded, packTokens});
  Value values = stackTile(b, spec);
  Value rows = productRows(spec, args), width = blockTokens(b, rows, packTokens);
  forEachPart(b, args, spec, [&](const LinearSpec::Part &part, Value first, Value end) {
    b.loop(first, end, groupRows, [&](Value firstRow) {
      Value count = b.min(b.sub(end, firstRow), b.index(groupRows));
      b.loop(b.index(0), b.ceilDiv(rows, packTokens), 1, [&](Value block) {
        Value firstToken = b.mul(block, packTokens);
        Value tokens = b.min(b.sub(rows, firstToken), b.index(packTokens));
        b.loop(b.index(0), count, height, [&](Value ahead) {
          Value endRow = b.add(firstRow, b.min(b.add(ahead, height), count));
          Value piece =
              b.view(sums, b.getF32Type(), {height, packTokens}, {}, b.mul(ahead, rowBytes));
          multiply(part, {block, b.add(firstRow, ahead), endRow, tokens, width, piece});
        });
        Tile tile{values, firstToken, tokens, firstRow, count};
        emitTranspose(b, products, tile);
        emitEpilogue(b, args, spec, part, tile);
      });
    });
  });
}

/// "product_6144x64", "product_6144x64_f16_768_1024", "product_768x64_apart_6144": of these the
/// code depends.
static std::string productName(StringRef kind, const LinearSpec &spec, const LinearSpec::Part &part,
                               int64_t height) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << kind << '_' << spec.inFeatures << 'x' << height;
  if (!part.element.isBF16())
    os << '_' << part.element;
  os << boxName(part.box);
  return name;
}

void strata::cpu::callSharedProduct(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
    const LinearSpec::Part &part, const PrefillBlock &block, StringRef kind,
    llvm::function_ref<void(KernelBuilder &, const RowFactors &, const PrefillBlock &)> multiply) {
  Values arguments{args.buffers[part.weight], args.buffers[*spec.workspace]};
  llvm::append_range(arguments, block.arguments());
  b.call(
      productName(kind, spec, part, block.height()), arguments,
      [&](KernelBuilder &b, ValueRange args) {
        multiply(b, RowFactors{args[0], args[1]}, PrefillBlock::fromArguments(args.drop_front(2)));
      });
}

/// All rows with `width` vectors of tokens from `token` on: whole register tiles, then what a whole
/// group leaves of them, then single rows.
static void tileRows(KernelBuilder &b, const PrefillBlock &block, TilePlace place,
                     llvm::function_ref<void(const TilePlace &)> body) {
  int64_t rows = place.tile.rows;
  Value first = block.firstRow;
  for (int64_t height : {rows, block.height() % rows, int64_t(1)}) {
    if (height == 0)
      continue;
    Value end = b.add(first, b.mul(b.div(b.sub(block.endRow, first), height), height));
    place.tile.rows = height;
    b.loop(first, end, height, [&](Value row) {
      place.row = row;
      body(place);
    });
    first = end;
  }
}

void strata::cpu::forEachRegisterTile(KernelBuilder &b, const PrefillBlock &block,
                                      llvm::ArrayRef<RegisterTile> tiles,
                                      llvm::function_ref<void(const TilePlace &)> body) {
  // Full register tiles, then a narrower one for what is left.
  int64_t width = tiles.size();
  auto shapeOf = [&](Value token, int64_t vectors) {
    return TilePlace{Value(), token, vectors, tiles[vectors - 1]};
  };
  Value vectors = b.ceilDiv(block.tokens, b.lanes());
  Value tiled = b.mul(b.div(vectors, width), width * b.lanes());
  b.loop(b.index(0), tiled, width * b.lanes(),
         [&](Value token) { tileRows(b, block, shapeOf(token, width), body); });
  Value left = b.rem(vectors, width);
  for (int64_t narrow = 1; narrow != width; ++narrow)
    b.ifThen(b.equal(left, b.index(narrow)),
             [&] { tileRows(b, block, shapeOf(tiled, narrow), body); });
}

void strata::cpu::storeProducts(KernelBuilder &b, const PrefillBlock &block, const TilePlace &place,
                                ValueRange sums, bool added) {
  Value first = b.sub(place.row, block.firstRow);
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Values at{b.add(first, i / place.width), b.add(place.token, i % place.width * b.lanes())};
    b.store(added ? b.addf(sum, b.load(block.products, at, b.lanes())) : sum, block.products, at);
  }
}

std::string strata::cpu::boxName(BoxAttr box) {
  std::string name;
  llvm::raw_string_ostream os(name);
  if (box && box.getGroupRows())
    os << '_' << box.getGroupRows() << '_' << box.getGroupStride();
  if (box && box.getRowStride())
    os << "_apart_" << box.getRowStride();
  return name;
}

void strata::cpu::clearProducts(KernelBuilder &b, const PrefillBlock &block) {
  b.loop(b.index(0), b.sub(block.endRow, block.firstRow), 1, [&](Value row) {
    b.loop(b.index(0), block.width, b.lanes(), [&](Value token) {
      b.store(b.f32(0, b.lanes()), block.products, {row, token});
    });
  });
}
