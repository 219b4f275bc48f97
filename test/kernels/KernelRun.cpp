//===- KernelRun.cpp ------------------------------------------------------===//

#include "test/kernels/KernelRun.h"

#include "runtime/OpenEngine.h"
#include "runtime/cpu/CpuFeatures.h"
#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <cstdlib>

namespace strata::test {
namespace {

/// Beyond so many, more of the same mistakes tell nothing.
constexpr int kMostComplaints = 4;

/// Attention of more tokens runs on a GPU's tensor cores, which take its weights as bf16, as the
/// CPU's dot product does for any number of tokens.
constexpr int64_t kSplitTokens = 16;

/// Up to so many the GPU multiplies weights in blocks in f32.
constexpr int64_t kExactTokens = 4;

std::string packageFolder() {
  const char *folder = std::getenv("STRATA_KERNEL_PACKAGES");
  return folder ? folder : STRATA_KERNEL_PACKAGES;
}

/// A number as it is stored.
template <typename T>
void append(T value, std::vector<std::byte> &bytes) {
  auto stored = std::as_bytes(std::span(&value, 1));
  bytes.insert(bytes.end(), stored.begin(), stored.end());
}
std::vector<std::byte> bytesOf(float value, package::DType dtype) {
  std::vector<std::byte> bytes;
  switch (dtype) {
  case package::DType::bf16:
    append(uint16_t(std::bit_cast<uint32_t>(value) >> 16), bytes);
    break;
  case package::DType::f16:
    append(static_cast<_Float16>(value), bytes);
    break;
  case package::DType::i8:
    append(int8_t(value), bytes);
    break;
  default:
    append(value, bytes);
  }
  return bytes;
}

/// A parameter as it is stored; between its rows lie NaNs.
std::vector<std::byte> store(const package::Parameter &parameter, const Matrix &matrix) {
  if (!matrix.stored.empty())
    return matrix.stored;
  std::vector<std::byte> stored(parameterBytes(parameter), std::byte{0xff});
  Box box = boxOf(parameter);
  for (int64_t r = 0; r != matrix.rows; ++r) {
    uint64_t first = box.rowOffset(uint64_t(r), uint64_t(matrix.columns));
    auto to = stored.begin() + int64_t(first * elementBytes(parameter.dtype()));
    for (float value : matrix.row(r))
      to = std::ranges::copy(bytesOf(value, parameter.dtype()), to).out;
  }
  return stored;
}

/// The parameters one behind the other in the package's order, no address a multiple of 4; bytes
/// begin at odd ones.
Weights pack(const Package &package, const Parameters &parameters) {
  auto memory = std::make_shared<std::vector<std::byte>>();
  std::vector<std::pair<size_t, size_t>> places;
  for (const package::Parameter *parameter : itemsOf(package.manifest().parameters())) {
    std::vector<std::byte> stored = store(*parameter, parameters.at(parameter->key()->str()));
    size_t first = (memory->size() + 3) / 4 * 4 + (elementBytes(parameter->dtype()) == 1 ? 1 : 2);
    memory->resize(first);
    places.emplace_back(first, stored.size());
    memory->insert(memory->end(), stored.begin(), stored.end());
  }
  Weights::Parameters spans;
  for (auto [first, count] : places)
    spans.push_back(std::span(*memory).subspan(first, count));
  return Weights(std::move(spans), memory);
}

/// Features of the CPU that the code of a level needs and this one lacks.
std::vector<std::string> missing(const Package &package, const std::string &level) {
  auto all = package.code("cpu");
  EXPECT_TRUE(all.ok()) << all.status();
  std::vector<std::string> features;
  bool found = false;
  for (const SelectedCode &each : *all)
    if (textOf(each.code->target()) == level) {
      found = true;
      for (const flatbuffers::String *feature : itemsOf(each.code->features()))
        features.push_back(textOf(feature));
    }
  EXPECT_TRUE(found) << "no code for " << level;
  return cpu::CpuFeatures::detect().missing(features);
}

/// Whether the package has code for a target of cuda.
bool hasCode(const Package &package, const std::string &target) {
  for (const package::Program *program : itemsOf(package.manifest().programs()))
    for (const package::CodeObject *code : itemsOf(program->code()))
      if (textOf(program->device()) == "cuda" && textOf(code->target()) == target)
        return true;
  return false;
}

} // namespace

KernelRun::KernelRun(const KernelModel &model, const std::string &device, Parameters parameters,
                     bool exact)
    : model(model), device(device), parameters(std::move(parameters)), reference(exact),
      histories(kSequences) {
  open();
}

void KernelRun::open() {
  auto opened = Package::open(packageFolder() + "/" + model.name + ".strata");
  ASSERT_TRUE(opened.ok()) << opened.status();
  package.emplace(*std::move(opened));
  EngineOptions options{.threads = 2, .sequences = kSequences, .poison = true};
  if (isCuda()) {
    options.device = "cuda";
    options.target = device.substr(std::min(device.size(), std::string("cuda_").size()));
    if (!options.target.empty() && !hasCode(*package, options.target))
      GTEST_SKIP() << "the package has no code for " << options.target;
  } else {
    options.target = device;
    if (auto lacking = missing(*package, device); !lacking.empty())
      GTEST_SKIP() << "this CPU has no " << lacking.front();
  }
  weights.emplace(pack(*package, parameters));
  auto made = openEngine(*package, *weights, options);
  ASSERT_TRUE(made.ok()) << made.status();
  engine = *std::move(made);
  for (int32_t i = 0; i != kSequences; ++i)
    ASSERT_EQ(engine->open(), i);
}

void KernelRun::rewind(int32_t sequence, int64_t length) {
  EXPECT_TRUE(engine->rewind(sequence, length).ok());
  histories[size_t(sequence)].resize(size_t(length));
}

void KernelRun::step(const std::vector<Part> &parts) {
  if (testing::Test::HasFatalFailure())
    return;
  std::vector<BatchEntry> batch;
  tokens = 0;
  for (const Part &part : parts) {
    batch.push_back({part.sequence, part.tokens, part.rows});
    tokens += int64_t(part.tokens.size());
  }
  auto stepped = engine->step(batch);
  ASSERT_TRUE(stepped.ok()) << model.operation() << " on " << device << ", T = " << tokens << ": "
                            << stepped.status();
  int64_t row = 0;
  for (const Part &part : parts) {
    Tokens &history = histories[size_t(part.sequence)];
    auto first = int64_t(history.size());
    history.insert(history.end(), part.tokens.begin(), part.tokens.end());
    auto end = int64_t(history.size());
    if (part.rows == LogitRows::none)
      first = end;
    else if (part.rows == LogitRows::last)
      first = end - 1;
    for (int64_t position = first; position != end; ++position, ++row)
      if (row < stepped->rows)
        checkRow(part.sequence, position, stepped->row(row), row);
  }
  EXPECT_EQ(stepped->rows, row);
}

KernelRun::Drawn KernelRun::draw(const Tokens &tokens, const std::vector<RowOutput> &outputs) {
  Drawn result;
  BatchEntry entry{0, tokens, LogitRows::all};
  auto stepped = engine->step({&entry, 1});
  EXPECT_TRUE(stepped.ok()) << stepped.status();
  for (int64_t row = 0; row != stepped->rows; ++row)
    result.expected.push_back(
        drawToken(stepped->row(row), *outputs[size_t(row)].draw, outputs[size_t(row)].allowed));
  EXPECT_TRUE(engine->rewind(0, 0).ok());
  auto asked = engine->step({&entry, 1}, outputs);
  EXPECT_TRUE(asked.ok()) << asked.status();
  result.found = Tokens(asked->tokens.begin(), asked->tokens.end());
  EXPECT_TRUE(engine->rewind(0, 0).ok());
  return result;
}

std::vector<float> KernelRun::logits(const Tokens &tokens) {
  std::vector<float> result;
  BatchEntry entry{0, tokens, LogitRows::all};
  auto stepped = engine->step({&entry, 1});
  EXPECT_TRUE(stepped.ok()) << stepped.status();
  for (int64_t row = 0; row != stepped->rows; ++row)
    result.insert(result.end(), stepped->row(row).begin(), stepped->row(row).end());
  EXPECT_TRUE(engine->rewind(0, 0).ok());
  return result;
}

void KernelRun::checkRow(int32_t sequence, int64_t position, std::span<const float> found,
                         int64_t row) {
  const Row &wanted = expected(sequence, position);
  for (size_t i = 0; i != found.size() && complaints < kMostComplaints; ++i) {
    // Behind the features that are shown the weight of logits is 0.
    Bounded want = i < wanted.size() ? wanted[i] : Bounded{};
    if (std::fabs(found[i] - want.value) <= want.error * (1 + 1e-9))
      continue;
    ++complaints;
    ADD_FAILURE() << model.name << ": " << model.operation() << " on " << device
                  << ", T = " << tokens << ": row " << row << " (position " << position
                  << " of sequence " << sequence << "), column " << i << ": expected " << want.value
                  << " +- " << want.error << ", found " << found[i];
  }
}

const Row &KernelRun::expected(int32_t sequence, int64_t position) {
  const Tokens &history = histories[size_t(sequence)];
  if (model.headDim)
    return result = computeExpected(history, position);
  auto [at, isNew] = results.try_emplace({history[size_t(position)], roundsWeights()});
  if (isNew)
    at->second = computeExpected(history, position);
  return at->second;
}

Row KernelRun::embed(const std::string &table, int32_t token) const {
  return Reference::round(toRow(parameters.at(table).row(token)));
}

const Matrix &KernelRun::weight(const std::string &name) {
  const Matrix &stored = parameters.at(name);
  if (!model.hasScales(name))
    return stored;
  auto [at, isNew] = weightValues.try_emplace(name, stored);
  if (isNew)
    for (int64_t row = 0; row != stored.rows; ++row)
      for (int64_t i = 0; i != stored.columns; ++i)
        at->second.at(row, i) *= parameters.at(name + "_scale").at(row, i / model.scaleGroup);
  return at->second;
}

bool KernelRun::roundsWeights() const {
  return isCuda() && !model.blocks.empty() && (model.headDim || tokens > kExactTokens);
}

Row KernelRun::input(int32_t token) {
  Row x = embed("table", token);
  if (model.norm)
    x = reference.norm(x, parameters.at("gamma").values, model.gammaIncludesOne ? 0 : 1,
                       parameters.at("beta").values, kEps);
  if (!model.isQuantized() || isCuda()) {
    x = Reference::round(std::move(x));
    return roundsWeights() ? reference.orProductsOfBf16(std::move(x)) : x;
  }
  x = reference.toBytes(x, kRoundingGroup);
  // Tiles, which many tokens take, round what the bytes of both factors stand for to bf16.
  return device.find("amx") == std::string::npos ? x : reference.orProductsOfBf16(std::move(x));
}

Row KernelRun::addBias(const std::string &weight, Row y) const {
  return model.bias ? reference.add(toRow(parameters.at(weight + "_bias").row(0)), y) : y;
}

Row KernelRun::computeExpected(const Tokens &history, int64_t position) {
  int32_t token = history[size_t(position)];
  if (model.bothLayers)
    return Reference::round(
        reference.add(attention(history, position, "0"),
                      reference.products(attention(history, position), parameters.at("weight"))));
  if (model.attends)
    return attention(history, position);
  if (model.headDim)
    return part("q", token, position, model.rotaryDims > 0);
  Row y = reference.products(input(token), weight(model.scores ? "scores" : "weight"));
  if (model.scores)
    return y;
  y = addBias("weight", std::move(y));
  if (model.squaredRelu)
    y = reference.squaredRelu(y);
  if (model.residual)
    y = reference.add(embed("residual", token), y);
  return Reference::round(std::move(y));
}

const Row &KernelRun::part(const std::string &weight, int32_t token, int64_t position, bool roped) {
  auto [at, isNew] = rows.try_emplace({weight, token, roped ? position : 0});
  if (isNew) {
    Row y = addBias(weight, reference.products(input(token), this->weight(weight)));
    if (roped)
      y = reference.rope(y, model.headDim, model.rotaryDims, kTheta, position);
    at->second = Reference::round(std::move(y));
  }
  return at->second;
}

Row KernelRun::attention(const Tokens &history, int64_t position, const std::string &suffix) {
  bool roped = model.rotaryDims > 0;
  int32_t token = history[size_t(position)];
  Row query = model.tableQueries ? embed("queries", token) : part("q", token, position, roped);
  auto dim = size_t(model.headDim);
  bool bf16Weights = !isCuda() || tokens > kSplitTokens;
  Row out;
  for (size_t kv = 0; kv != size_t(model.kvHeads); ++kv) {
    std::vector<std::span<const Bounded>> keys, values;
    for (int64_t p = 0; p <= position; ++p) {
      int32_t old = history[size_t(p)];
      keys.push_back(std::span(part("k" + suffix, old, p, roped)).subspan(kv * dim, dim));
      values.push_back(std::span(part("v" + suffix, old, p, false)).subspan(kv * dim, dim));
    }
    for (size_t g = 0; g != size_t(model.group); ++g) {
      size_t head = kv * size_t(model.group) + g;
      Row one =
          reference.attend(std::span(query).subspan(head * dim, dim), keys, values, bf16Weights);
      out.insert(out.end(), one.begin(), one.end());
    }
  }
  return Reference::round(std::move(out));
}

} // namespace strata::test
