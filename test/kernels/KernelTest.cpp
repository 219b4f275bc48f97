//===- KernelTest.cpp - every fused kernel against an f64 reference -------===//
//
// Each test runs one of kernelModels() on one device, with small integers (only one result is
// right) or normal numbers (Reference.h tells how far a result may be off).
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelRun.h"
#include "test/kernels/RandomBlocks.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

namespace strata::test {
namespace {

enum class Numbers { integers, normal };

class Kernel
    : public testing::TestWithParam<std::tuple<std::string, const KernelModel *, Numbers>> {
protected:
  const std::string &device() const { return std::get<0>(GetParam()); }
  const KernelModel &model() const { return *std::get<1>(GetParam()); }
  bool exact() const { return std::get<2>(GetParam()) == Numbers::integers; }

  Matrix random(int64_t rows, int64_t columns, double deviation, const std::string &type) {
    Matrix matrix(rows, columns);
    std::normal_distribution<double> normal(0, deviation);
    std::uniform_int_distribution<int> integer(-4, 4);
    for (float &value : matrix.values)
      value = exact() ? float(integer(generator)) : float(toType(normal(generator), type));
    return matrix;
  }

  /// A gamma or beta. Integers are odd: with signs() for rows the norm then is as good as odd, too,
  /// and never a difference that is all rounding error.
  Matrix vector(int64_t columns) {
    Matrix matrix = random(1, columns, 0.5, model().normType);
    if (exact())
      for (float &value : matrix.values)
        value += std::fmod(value, 2) == 0 ? 1 : 0;
    return matrix;
  }

  /// Rows whose norm is, but for eps, 1 or -1 everywhere.
  Matrix signs(int64_t rows, int64_t columns) {
    Matrix matrix(rows, columns);
    std::vector<float> row(size_t(columns), 3);
    std::fill(row.begin(), row.begin() + columns / 2, -3);
    for (int64_t r = 0; r != rows; ++r) {
      std::shuffle(row.begin(), row.end(), generator);
      std::copy(row.begin(), row.end(), matrix.values.begin() + r * columns);
    }
    return matrix;
  }

  static Matrix identity(int64_t rows, int64_t columns, int64_t firstColumn = 0) {
    Matrix matrix(rows, columns);
    for (int64_t i = 0; i != std::min(rows, columns - firstColumn); ++i)
      matrix.at(i, firstColumn + i) = 1;
    return matrix;
  }

  /// Numbers of so many bits, one behind the other, the least that there is being 0.
  static std::vector<std::byte> pack(std::span<const float> numbers, int bits) {
    std::vector<std::byte> packed(numbers.size() * size_t(bits) / 8);
    for (size_t i = 0; i != numbers.size(); ++i) {
      int stored = int(numbers[i]) + (1 << (bits - 1));
      packed[i * size_t(bits) / 8] |= std::byte(stored << (i * size_t(bits) % 8));
    }
    return packed;
  }

  /// Whole numbers and their scales. Integers include -128, which no rounding makes but a file may
  /// hold; scales then are powers of 2.
  void addScaled(Parameters &all, const std::string &name) {
    Matrix &weight = all.at(name);
    Matrix scales = random(weight.rows, weight.columns / model().scaleGroup, 1, model().scaleType);
    bool four = model().numbers == "i4";
    std::uniform_int_distribution<int> number(four ? -8 : exact() ? -128 : -127, four ? 7 : 127);
    for (float &value : weight.values)
      value = float(number(generator));
    if (model().numbers != "i8")
      weight.stored = pack(weight.values, four ? 4 : 8);
    for (float &scale : scales.values)
      scale = exact() ? std::ldexp(1.0f, int(scale) % 2)
                      : float(toType(std::fabs(scale) / 64, model().scaleType));
    all[name + "_scale"] = scales;
  }

  /// Rows of a table that are bytes already: each group has a 127.
  Matrix bytes(int64_t rows, int64_t columns) {
    Matrix matrix(rows, columns);
    std::uniform_int_distribution<int> byte(-127, 127);
    for (float &value : matrix.values)
      value = float(byte(generator));
    for (size_t i = 0; i != matrix.values.size(); i += kRoundingGroup)
      matrix.values[i + size_t(byte(generator) & (kRoundingGroup - 1))] =
          byte(generator) < 0 ? -127 : 127;
    return matrix;
  }

  Parameters parameters() {
    const KernelModel &m = model();
    Parameters all;
    double deviation = 1 / std::sqrt(double(m.in));
    all["table"] =
        m.norm && exact() ? signs(m.vocabulary, m.in) : random(m.vocabulary, m.in, 1, m.type);
    if (m.hasScales() && exact())
      all["table"] = bytes(m.vocabulary, m.in);
    if (m.norm && !exact()) // every third row so small that eps decides
      for (int64_t row = 0; row < m.vocabulary; row += 3)
        for (int64_t i = 0; i != m.in; ++i) {
          float &value = all["table"].at(row, i);
          value = float(toType(value * 0x1p-8, m.type));
        }
    if (m.norm) {
      all["gamma"] = vector(m.in);
      all["beta"] = vector(m.in);
      if (m.gammaIncludesOne)
        for (float &value : all["gamma"].values)
          value = float(toType(value + 1, m.normType));
    }
    if (m.residual)
      all["residual"] = random(m.vocabulary, m.out, 1, m.type);
    all["scores"] =
        m.scores ? random(m.vocabulary, m.in, deviation, m.type) : identity(m.vocabulary, m.out);
    if (m.tableQueries) {
      all["q"] = Matrix(m.firstRows(), m.in);
      all["k"] = identity(m.kvFeatures(), m.in, 0);
      all["v"] = identity(m.kvFeatures(), m.in, m.kvFeatures());
      if (m.bothLayers) {
        all["q0"] = all["q"];
        all["k0"] = identity(m.kvFeatures(), m.in, 2 * m.kvFeatures());
        all["v0"] = identity(m.kvFeatures(), m.in, 3 * m.kvFeatures());
        all["weight"] = identity(m.out, m.out);
      }
      all["queries"] = random(m.vocabulary, m.queryFeatures(), 2, m.type);
      if (exact())
        markKeys(all["table"], all["queries"]);
    } else if (m.headDim) {
      all["q"] = random(m.firstRows(), m.in, 2 * deviation, m.type);
      all["k"] = random(m.kvFeatures(), m.in, 2 * deviation, m.type);
      all["v"] = random(m.kvFeatures(), m.in, deviation, m.type);
    } else if (!m.scores) {
      all["weight"] = random(m.out, m.in, deviation, m.type);
    }
    for (const char *name : {"table", "scores", "weight", "q", "k", "v"}) {
      if (m.hasScales(name))
        addScaled(all, name);
      if (std::string blocks = m.blocksOf(name); !blocks.empty() && all.contains(name))
        all[name] = randomBlocks(blocks, all[name], generator);
    }
    if (m.bias)
      for (const char *name : {"weight", "q", "k", "v"})
        if (all.contains(name))
          all[name + std::string("_bias")] = vector(all[name].rows);
    return all;
  }

  /// Tokens of sequence 0, which are those of 3 and more, too, of 1 and 2 from here on, and the
  /// end.
  std::vector<int64_t> ranges() const {
    int64_t v = model().vocabulary;
    return {0, v * 5 / 8, v * 7 / 8, v};
  }

  /// Makes every key unlike the others, so that a query asks for the value of a single token at or
  /// before its own and gets exactly that: whatever a page, slot or head mixes up changes it.
  void markKeys(Matrix &table, Matrix &queries) {
    const KernelModel &m = model();
    auto mark = [&](int64_t token, int64_t head, int64_t i) {
      uint64_t code = uint64_t(token * m.kvHeads + head) * 40503 % 65536;
      uint64_t bit = i < 16 ? code >> i : code * 0x9e3779b97f4a7c15 >> (i % 48 + 16);
      return bit & 1 ? 16.f : -16.f;
    };
    std::vector<int64_t> starts = ranges();
    for (int64_t token = 0; token != m.vocabulary; ++token) {
      int64_t start = *(std::upper_bound(starts.begin(), starts.end(), token) - 1);
      for (int64_t head = 0; head != m.kvHeads; ++head)
        for (int64_t layer = 0; layer != (m.bothLayers ? 2 : 1); ++layer)
          for (int64_t i = 0; i != m.headDim; ++i) {
            int64_t key = 2 * layer * m.kvFeatures() + head * m.headDim + i;
            table.at(token, key) = mark(token, head, i);
            float &value = table.at(token, m.kvFeatures() + key);
            if (value == 0)
              value = 5;
          }
      for (int64_t head = 0; head != m.kvHeads * m.group; ++head) {
        std::uniform_int_distribution<int64_t> earlier(start, token);
        int64_t asked = earlier(generator);
        for (int64_t i = 0; i != m.headDim; ++i)
          queries.at(token, head * m.headDim + i) = mark(asked, head / m.group, i);
      }
    }
  }

  /// The next `count` tokens of a sequence: each has its part of the vocabulary, in order, again
  /// and again.
  Tokens next(const KernelRun &run, int32_t sequence, int64_t count) const {
    std::vector<int64_t> starts = ranges();
    size_t range = sequence + 1 < int32_t(starts.size()) ? size_t(sequence) : 0;
    int64_t start = starts[range], size = starts[range + 1] - start;
    Tokens tokens(size_t(count), 0);
    for (int64_t i = 0; i != count; ++i)
      tokens[size_t(i)] = int32_t(start + (run.length(sequence) + i) % size);
    return tokens;
  }

  void feed(KernelRun &run, int64_t count, LogitRows rows = LogitRows::all) const {
    run.step({{0, next(run, 0, count), rows}});
  }

  /// Whether all sizes are tried: with integers, or where there are none. Other numbers and other
  /// schedules of the simulated GPU need each form of the kernels once.
  bool allSizes() const {
    return (exact() || model().rotaryDims || model().isQuantized()) &&
           !std::getenv("STRATA_KERNEL_FEW_SIZES");
  }

  /// Every form of the kernels: T tokens of an empty sequence; some again, after other ones.
  void testCounts(KernelRun &run) const {
    std::vector<int64_t> few = {1, 7, 65};
    std::vector<int64_t> all = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 33, 64, 65, 129, 16, 1};
    for (int64_t count : allSizes() ? all : few) {
      feed(run, count);
      run.rewind(0, 0);
    }
  }

  /// Steps that end before, at and behind a page's last slot.
  void testPages(KernelRun &run) const {
    for (int64_t count : {63, 1, 1, 1, 61, 2, 4, 17})
      feed(run, count);
    run.rewind(0, 62); // other pages come next
    run.step({{1, next(run, 1, 3)}});
    for (int64_t count : {1, 3, 30})
      feed(run, count);
    run.rewind(0, 0);
    run.rewind(1, 0);
  }

  /// Several sequences in a step, of different lengths, not all of their rows wanted.
  void testBatches(KernelRun &run) const {
    auto part = [&](int32_t sequence, int64_t count, LogitRows rows = LogitRows::all) {
      return KernelRun::Part{sequence, next(run, sequence, count), rows};
    };
    run.step({part(1, 1), part(0, 3)});
    run.step({part(0, 60), part(1, 1), part(2, 9)});
    run.step({part(2, 1), part(0, 1), part(1, 1)});
    run.step({part(1, 4, LogitRows::none), part(0, 5, LogitRows::last), part(2, 6)});
    run.step({part(1, 2, LogitRows::last), part(2, 2, LogitRows::none), part(0, 3)});
    run.step({part(0, 8, LogitRows::last), part(1, 11), part(2, 3, LogitRows::last)});
    run.step({part(0, 1, LogitRows::none), part(1, 1, LogitRows::none)});
    run.step({part(0, 2), part(1, 1, LogitRows::none)});
    for (int32_t i = 0; i != KernelRun::kSequences; ++i)
      run.rewind(i, 0);
  }

  /// One token of each of many sequences, of which some begin another page.
  void testSequences(KernelRun &run) const {
    std::vector<KernelRun::Part> first, second, third;
    for (int32_t i = 3; i != KernelRun::kSequences; ++i)
      first.push_back({i, next(run, i, 1 + i * 11 % 70), LogitRows::none});
    run.step(first);
    for (int32_t i = 3; i != KernelRun::kSequences; ++i)
      second.push_back({i, next(run, i, 1)});
    run.step(second);
    for (int32_t i = 3; i != KernelRun::kSequences; ++i)
      third.push_back({i, next(run, i, i == 7 ? 2 : 1), LogitRows::last});
    run.step(third);
    for (int32_t i = 3; i != KernelRun::kSequences; ++i)
      run.rewind(i, 0);
  }

  /// Far into a long sequence.
  void testFar(KernelRun &run, int64_t length) const {
    while (run.length(0) < length && !HasFatalFailure())
      feed(run, std::min<int64_t>(512, length - run.length(0)), LogitRows::none);
    for (int64_t count : {1, 2, 17})
      feed(run, count);
  }

  std::mt19937_64 generator{20};
};

TEST_P(Kernel, IsRight) {
  KernelRun run(model(), device(), parameters(), exact());
  if (!run.ready())
    return;
  testCounts(run);
  testBatches(run);
  if (model().headDim)
    testSequences(run);
  if (model().headDim && allSizes())
    testPages(run);
  if (model().context > 256)
    testFar(run, model().context - 124);
}

/// Whether small integers have one right result. Cosines are no integers, nor are normalized
/// numbers that are rounded to bytes, nor an odd number of them, nor what blocks of any bytes are.
bool isExact(const KernelModel &model) {
  return model.blocks.empty() && !model.rotaryDims &&
         !(model.norm && (model.hasScales() || model.in % 2));
}

/// Every model on every device that it is for.
std::vector<Kernel::ParamType> kernels(Numbers numbers) {
  std::vector<Kernel::ParamType> result;
  std::vector<std::string> devices = cpuLevels();
  devices.insert(devices.end(), {"cuda", "cuda_sim_90a"});
  for (const std::string &device : devices)
    for (const KernelModel &model : kernelModels())
      if ((model.runsOnCuda() || !device.starts_with("cuda")) &&
          (numbers == Numbers::normal || isExact(model)))
        result.emplace_back(device, &model, numbers);
  return result;
}

std::string nameOf(const testing::TestParamInfo<Kernel::ParamType> &info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param)->name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Integers, Kernel, testing::ValuesIn(kernels(Numbers::integers)), nameOf);
INSTANTIATE_TEST_SUITE_P(Normal, Kernel, testing::ValuesIn(kernels(Numbers::normal)), nameOf);

} // namespace
} // namespace strata::test
