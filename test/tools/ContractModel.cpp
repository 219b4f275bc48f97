//===- ContractModel.cpp - what the server of the contract serves ---------===//

#include "test/tools/ContractModel.h"

#include "runtime/OpenEngine.h"

#include <cstdlib>

namespace strata::test {
namespace {

class HashModel : public ContractModel {
public:
  const Package &package() const override { return engine.package(); }
  serving::Scheduler::OpenEngine opener(uint32_t pages, HashDevice::Fault fault) const override {
    return engine.opener(pages, std::move(fault));
  }
  std::vector<std::vector<float>> rowsAfter(const std::vector<int32_t> &tokens) const override {
    std::vector<std::vector<float>> rows;
    for (size_t i = 1; i <= tokens.size(); ++i)
      rows.push_back(HashDevice::rowAfter(std::span(tokens).first(i), kVocabulary));
    return rows;
  }
  std::vector<int32_t> textAfter(const std::vector<int32_t> &tokens, int64_t count) const override {
    return expectedAfter(tokens, count);
  }

private:
  const HashEngine engine;
};

/// The device of an engine, but for steps that are to fail.
class FaultyDevice : public Device {
public:
  FaultyDevice(std::unique_ptr<Engine> engine, HashDevice::Fault fault)
      : engine(std::move(engine)), fault(std::move(fault)) {}

  const package::Program &program() const override { return real().program(); }
  const std::string &target() const override { return real().target(); }
  uint32_t pages() const override { return real().pages(); }
  int threads() const override { return real().threads(); }
  bool fixedPageTables() const override { return real().fixedPageTables(); }
  StepProbe &probe() override { return real().probe(); }
  Meter &meter() override { return real().meter(); }
  absl::Status poisonPages(std::span<const int32_t> pages) override {
    return real().poisonPages(pages);
  }
  void forEach(int64_t units, absl::FunctionRef<void(int64_t)> body) override {
    real().forEach(units, body);
  }
  absl::StatusOr<DeviceStep> run(const StepInputs &inputs,
                                 std::span<const RowOutput> outputs) override {
    if (absl::Status status = fault(); !status.ok())
      return status;
    return real().run(inputs, outputs);
  }

private:
  Device &real() const { return engine->device(); }

  const std::unique_ptr<Engine> engine; // owns the device, and runs no step itself
  const HashDevice::Fault fault;
};

constexpr const char *kConfig = R"({"architectures": ["NemotronForCausalLM"],
  "model_type": "nemotron", "vocab_size": 2048, "hidden_size": 32, "intermediate_size": 64,
  "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
  "hidden_act": "relu2", "max_position_embeddings": 64, "norm_eps": 1e-05, "rope_theta": 10000.0,
  "partial_rotary_factor": 0.5, "bos_token_id": 2, "eos_token_id": 15, "torch_dtype": "bfloat16"})";

/// With random weights.
class CompiledModel : public ContractModel {
public:
  explicit CompiledModel(std::string device) : device(std::move(device)) {
    const std::string path = folder.path("contract.strata");
    const std::string command = STRATA_COMPILE " " + folder.write("config.json", kConfig) +
                                (this->device == "cpu" ? "" : " --target=cuda --arch=sim") +
                                " -o " + path + " > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    opened.emplace(Package::open(path).value());
    weights.emplace(Weights::random(*opened, 1));
    reference = open().value();
  }

  const Package &package() const override { return *opened; }
  serving::Scheduler::OpenEngine opener(uint32_t, HashDevice::Fault fault) const override {
    return [this, fault = std::move(fault)]() -> absl::StatusOr<std::unique_ptr<Engine>> {
      auto device = std::make_unique<FaultyDevice>(open().value(), fault);
      return std::make_unique<Engine>(*opened, std::move(device), kContext, /*poison=*/false);
    };
  }
  std::vector<std::vector<float>> rowsAfter(const std::vector<int32_t> &tokens) const override {
    std::vector<std::vector<float>> rows;
    const Sequence sequence = reference->open();
    const StepResult step = reference->step({{{sequence, tokens, LogitRows::all}}}).value();
    for (int64_t i = 0; i < step.rows; ++i)
      rows.emplace_back(step.row(i).begin(), step.row(i).end());
    EXPECT_TRUE(reference->close(sequence).ok());
    return rows;
  }
  std::vector<int32_t> textAfter(const std::vector<int32_t> &tokens, int64_t count) const override {
    std::vector<int32_t> text, fresh = tokens;
    const Sequence sequence = reference->open();
    while (int64_t(text.size()) < count && (text.empty() || text.back() != kEnd)) {
      const StepResult step = reference->step({{{sequence, fresh}}}).value();
      text.push_back(findLikeliest(step.row(0)));
      fresh = {text.back()};
    }
    EXPECT_TRUE(reference->close(sequence).ok());
    return text;
  }

private:
  absl::StatusOr<std::unique_ptr<Engine>> open() const {
    return openEngine(*opened, *weights,
                      {.context = kContext, .sequences = 16, .device = device, .stepTokens = 64});
  }

  const std::string device;
  TestFolder folder;
  std::optional<Package> opened;
  std::optional<Weights> weights;
  std::unique_ptr<Engine> reference; // on the test's thread
};

} // namespace

const ContractModel &contractModel() {
  static const std::unique_ptr<const ContractModel> model = [] {
    const char *device = std::getenv("STRATA_CONTRACT_DEVICE");
    return device ? std::unique_ptr<const ContractModel>(std::make_unique<CompiledModel>(device))
                  : std::make_unique<HashModel>();
  }();
  return *model;
}

} // namespace strata::test
