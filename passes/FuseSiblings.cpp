//===- FuseSiblings.cpp - query, key and value in one linear --------------===//

#include "dialect/Storage.h"
#include "passes/Fusion.h"
#include "passes/Passes.h"

namespace strata {
#define GEN_PASS_DEF_FUSESIBLINGS
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
constexpr StringLiteral kPass = "decoder-fuse-siblings";

/// In the order of the fused weights.
struct Siblings {
  LinearOp query, keys, values;
  std::array<LinearOp, 3> all() const { return {query, keys, values}; }
};

Value lookThroughRope(Value value) {
  auto rope = value.getDefiningOp<RopeOp>();
  return rope ? rope.getInput() : value;
}

bool isPlain(LinearOp linear) {
  return linear.getWeights().size() == 1 && !linear.getGamma() && !linear.getActivation() &&
         !linear.getRotary() && !linear.getResidual();
}

/// Neither the value nor what it is a rotation of has another use.
bool hasOneReader(Value value) { return value.hasOneUse() && lookThroughRope(value).hasOneUse(); }

/// Whether a parameter exists where `op` stands, or can be moved there.
bool canStandBefore(Value parameter, Operation *op) {
  return isDefinedBefore(parameter, op) || parameter.getDefiningOp<ParameterOp>();
}

/// The weight of a plain linear, and its bias if it has one.
SmallVector<Value, 2> parametersOf(LinearOp linear) {
  SmallVector<Value, 2> parameters(linear.getWeights());
  llvm::append_range(parameters, linear.getBiases());
  return parameters;
}

/// "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj" -> "self_attn.qkv_proj": what they
/// have in common, around what they have not.
std::string joinNames(ArrayRef<StringRef> names) {
  StringRef prefix = names.front(), suffix = names.front();
  for (StringRef name : names)
    while (!name.starts_with(prefix))
      prefix = prefix.drop_back();
  for (StringRef name : names)
    while (!name.drop_front(prefix.size()).ends_with(suffix))
      suffix = suffix.drop_front();
  std::string joined = prefix.str();
  for (StringRef name : names)
    joined += name.drop_front(prefix.size()).drop_back(suffix.size());
  return joined + suffix.str();
}

Location joinLocations(MLIRContext *context, const Siblings &siblings) {
  SmallVector<Location> locations;
  SmallVector<StringRef> names;
  for (LinearOp linear : siblings.all()) {
    locations.push_back(linear.getLoc());
    names.push_back(getModelName(linear.getLoc()));
  }
  Location fused = FusedLoc::get(context, locations);
  if (llvm::any_of(names, [](StringRef name) { return name.empty(); }))
    return fused;
  return NameLoc::get(StringAttr::get(context, joinNames(names)), fused);
}

LinearOp firstOf(const Siblings &siblings) {
  LinearOp first = siblings.query;
  for (LinearOp linear : {siblings.keys, siblings.values})
    if (linear->isBeforeInBlock(first))
      first = linear;
  return first;
}

std::string whyNotSibling(LinearOp linear, LinearOp query, LinearOp first) {
  if (!isPlain(linear))
    return "has several weights or clauses already";
  if (linear.getInput() != query.getInput())
    return "has another input than " + describe(query);
  if (linear.getRoundingAttr() != query.getRoundingAttr())
    return "rounds its input otherwise than " + describe(query);
  // A target may round the input of one, and has no product of what is rounded with the other.
  if (bool inBlocks = isInBlocks(linear.getWeights().front());
      inBlocks != isInBlocks(query.getWeights().front()))
    return "has a weight " + std::string(inBlocks ? "in" : "not in") + " blocks, unlike " +
           describe(query);
  if (linear.getBiases().empty() != query.getBiases().empty())
    return linear.getBiases().empty() ? "has no bias, " + describe(query) + " has one"
                                      : "has a bias, " + describe(query) + " has none";
  for (Value parameter : parametersOf(linear))
    if (!canStandBefore(parameter, first))
      return "has a weight or bias that is computed after " + describe(first);
  return "";
}

std::string whyNotSiblings(AttentionOp attention, CacheAppendOp append, const Siblings &siblings) {
  for (auto [linear, what] : {std::pair{siblings.query, "the query is"},
                              {siblings.keys, "the keys are"},
                              {siblings.values, "the values are"}})
    if (!linear || linear->getBlock() != attention->getBlock())
      return std::string(what) + " not the product of a linear";
  if (!hasOneReader(append.getKeys()) || !hasOneReader(append.getValues()))
    return "the keys or values are used by more than the cache_append";
  LinearOp first = firstOf(siblings);
  for (LinearOp linear : siblings.all())
    if (std::string why = whyNotSibling(linear, siblings.query, first); !why.empty())
      return describe(linear) + " " + why;
  return "";
}

struct JoinSiblings : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp attention, PatternRewriter &rewriter) const override {
    auto append = attention.getCache().getDefiningOp<CacheAppendOp>();
    if (!append)
      return rewriter.notifyMatchFailure(attention, "nothing is appended to the cache here");
    Siblings siblings{getLinearOf(lookThroughRope(attention.getQuery())),
                      getLinearOf(lookThroughRope(append.getKeys())),
                      getLinearOf(append.getValues())};
    if (siblings.keys && siblings.query == siblings.keys && siblings.query == siblings.values)
      return rewriter.notifyMatchFailure(attention, "they are one linear already");
    if (std::string why = whyNotSiblings(attention, append, siblings); !why.empty())
      return missed(attention, kPass, why);
    join(siblings, rewriter);
    return success();
  }

  static void join(const Siblings &siblings, PatternRewriter &rewriter) {
    LinearOp first = firstOf(siblings);
    SmallVector<Value> weights, biases;
    SmallVector<Type> types;
    for (LinearOp linear : siblings.all()) {
      llvm::append_range(weights, linear.getWeights());
      llvm::append_range(biases, linear.getBiases());
      types.push_back(linear->getResultTypes().front());
      for (Value parameter : parametersOf(linear))
        if (!isDefinedBefore(parameter, first))
          rewriter.moveOpBefore(parameter.getDefiningOp(), first);
    }
    rewriter.setInsertionPoint(first);
    auto joined = LinearOp::create(rewriter, joinLocations(rewriter.getContext(), siblings), types,
                                   first->getOperands(), first.getProperties());
    joined.getWeightsMutable().assign(weights);
    joined.getBiasesMutable().assign(biases);
    for (auto [linear, product] : llvm::zip(siblings.all(), joined->getResults()))
      rewriter.replaceOp(linear, product);
  }
};

struct FuseSiblings : strata::impl::FuseSiblingsBase<FuseSiblings> {
  void runOnOperation() override {
    if (failed(applyOnce<JoinSiblings>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
