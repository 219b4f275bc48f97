//===- Quantize.cpp - which tensors become what ---------------------------===//

#include "tools/quantize/Quantize.h"

#include "frontend/Parameters.h"
#include "frontend/Quantization.h"
#include "runtime/base/Quote.h"
#include "runtime/base/SmallFloats.h"
#include "runtime/base/Status.h"
#include "runtime/base/ThreadPool.h"
#include "tools/quantize/ModelFiles.h"
#include "tools/quantize/OutputFolder.h"
#include "tools/quantize/QuantizeRow.h"
#include "tools/quantize/SafetensorsWriter.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

namespace strata {
namespace {

constexpr uint64_t kBlockValues = 1 << 18; // that a thread writes at once, if a row is not more

/// A tensor of the model and what becomes of it.
struct Job {
  std::string key;
  const CheckpointTensor *tensor;
  bool linear;   // is quantized
  size_t to;     // index of the tensor written; of a linear, its scales follow, and its shape if
                 // numbers are packed
  uint64_t rows; // of a norm, 1
  uint64_t columns;

  uint64_t rowBytes() const { return bytesOf(columns); }
  const std::byte *row(uint64_t index) const {
    return tensor->bytes.data() + bytesOf(tensor->box.rowOffset(index, columns));
  }

private:
  uint64_t bytesOf(uint64_t elements) const { // of whole rows, which fit
    return blockSize(tensor->dtype).bytesOf(elements).value_or(0);
  }
};

/// That of a tensor that is no linear's weight: its own, but for what safetensors has no word for,
/// norms that include the 1, which are written without, and blocks, which are decoded and rounded.
DType storedType(const CheckpointTensor &tensor) {
  if (isQuantized(tensor.dtype))
    return DType::bf16;
  return tensor.includesOne ? DType::f32 : tensor.dtype;
}

/// What one thread found of a linear.
struct Part {
  absl::Status status;
  QuantizationError error;
};

class Quantizer {
public:
  Quantizer(const Checkpoint &checkpoint, const OutputFolder &folder, const WeightScheme &scheme)
      : checkpoint(checkpoint), folder(folder), scheme(scheme) {}

  absl::Status plan(const ModelConfig &config);
  absl::StatusOr<QuantizeSummary>
  run(uint64_t shardBytes, absl::FunctionRef<absl::Status(const QuantizeProgress &)> report);

private:
  absl::Status add(const ParameterShape &parameter);
  void addQuantized(const Job &job);
  uint64_t groupsOf(const Job &job) const { return job.columns / uint64_t(scheme.group); }
  absl::Status quantize(const Job &job);
  absl::Status quantizeRows(const Job &job, Range rows, QuantizationError &error) const;
  absl::Status writeNumbers(const Job &job, uint64_t first, std::span<const int8_t> values) const;
  absl::Status copy(const Job &job) const;
  /// Elements of tensors[tensor], `first` being the index of the first of them.
  template <typename T>
  absl::Status write(size_t tensor, uint64_t first, std::span<T> elements) const {
    return writer->write(tensor, first * sizeof(T), std::as_bytes(elements));
  }
  absl::Status notFinite(const Job &job, uint64_t row, uint64_t column) const;
  std::string placeOf(const Job &job) const {
    return absl::StrCat(checkpoint.files()[job.tensor->file].path, ": ", printable(job.key));
  }

  const Checkpoint &checkpoint;
  const OutputFolder &folder;
  const WeightScheme scheme;
  std::vector<Job> jobs;
  std::vector<StoredTensor> tensors;
  std::optional<SafetensorsWriter> writer;
  std::unique_ptr<ThreadPool> pool;
  QuantizeSummary summary;
};

//===----------------------------------------------------------------------===//
// What is to be written
//===----------------------------------------------------------------------===//

absl::Status Quantizer::plan(const ModelConfig &config) {
  const std::vector<ParameterShape> parameters = listParameters(config);
  for (const ParameterShape &parameter : parameters)
    STRATA_TRY(add(parameter));
  summary.notes.insert(summary.notes.end(), config.notes.begin(), config.notes.end());
  summary.notes.insert(summary.notes.end(), checkpoint.notes().begin(), checkpoint.notes().end());
  if (const auto unused = listUnused(parameters, checkpoint); !unused.empty())
    summary.notes.push_back(absl::StrCat(describeUnused(unused), "; left out"));
  return absl::OkStatus();
}

absl::Status Quantizer::add(const ParameterShape &parameter) {
  STRATA_ASSIGN(const CheckpointTensor *tensor,
                checkpoint.require(parameter.key, parameter.shape, parameter.dtypes));
  const bool matrix = parameter.shape.size() == 2;
  const Job job = {parameter.key,
                   tensor,
                   parameter.linear,
                   tensors.size(),
                   matrix ? parameter.shape[0] : 1,
                   parameter.shape.back()};
  jobs.push_back(job);
  if (!job.linear) {
    tensors.push_back({job.key, storedType(*tensor), tensor->shape});
    if (isQuantized(tensor->dtype))
      summary.notes.push_back(absl::StrCat(placeOf(job), ": ", std::string(name(tensor->dtype)),
                                           " before, bf16 after"));
    return absl::OkStatus();
  }
  if (job.columns % uint64_t(scheme.group) != 0)
    return absl::InvalidArgumentError(absl::StrCat(placeOf(job), ": expected a multiple of ",
                                                   scheme.group, " features, found ", job.columns));
  addQuantized(job);
  return absl::OkStatus();
}

/// The tensors of a linear.
void Quantizer::addQuantized(const Job &job) {
  if (scheme.packed)
    tensors.push_back({job.key + kPackedSuffix,
                       DType::i32,
                       {job.rows, job.columns * uint64_t(scheme.bits) / 32}});
  else
    tensors.push_back({job.key, DType::i8, {job.rows, job.columns}});
  tensors.push_back({job.key + kScaleSuffix, DType::bf16, {job.rows, groupsOf(job)}});
  if (scheme.packed)
    tensors.push_back({job.key + kShapeSuffix, DType::i64, {2}});
}

//===----------------------------------------------------------------------===//
// Writing it
//===----------------------------------------------------------------------===//

absl::Status Quantizer::notFinite(const Job &job, uint64_t row, uint64_t column) const {
  return absl::InvalidArgumentError(absl::StrCat(placeOf(job), ": expected finite numbers, found ",
                                                 "an infinity or NaN at [", row, ", ", column,
                                                 "]"));
}

/// `first` is the index of the first of them, whole rows.
absl::Status Quantizer::writeNumbers(const Job &job, uint64_t first,
                                     std::span<const int8_t> values) const {
  if (!scheme.packed)
    return write(job.to, first, values);
  std::vector<std::byte> packed(values.size() / 2);
  packFours(values, packed);
  return write(job.to, first / 2, std::span<const std::byte>(packed));
}

absl::Status Quantizer::quantizeRows(const Job &job, Range rows, QuantizationError &error) const {
  const uint64_t groups = groupsOf(job);
  const uint64_t block = std::max<uint64_t>(1, kBlockValues / job.columns);
  std::vector<float> row(job.columns);
  std::vector<int8_t> values(block * job.columns);
  std::vector<uint16_t> scales(block * groups);
  for (auto first = uint64_t(rows.begin); first < uint64_t(rows.end); first += block) {
    const uint64_t count = std::min(block, uint64_t(rows.end) - first);
    for (uint64_t i = 0; i < count; ++i) {
      widen(job.tensor->dtype, job.row(first + i), row);
      if (const auto column = findNotFinite(row))
        return notFinite(job, first + i, *column);
      error += quantizeRow(row, scheme.bits,
                           {std::span(values).subspan(i * job.columns, job.columns),
                            std::span(scales).subspan(i * groups, groups)});
    }
    STRATA_TRY(
        writeNumbers(job, first * job.columns, std::span(values).first(count * job.columns)));
    STRATA_TRY(write(job.to + 1, first * groups, std::span(scales).first(count * groups)));
  }
  return absl::OkStatus();
}

absl::Status Quantizer::quantize(const Job &job) {
  std::vector<Part> parts(size_t(pool->threads()));
  pool->run([&](int worker) {
    Part &part = parts[size_t(worker)];
    const Range rows = sliceOf(int64_t(job.rows), worker, pool->threads());
    part.status = quantizeRows(job, rows, part.error);
  });
  if (scheme.packed) {
    const uint64_t shape[] = {job.rows, job.columns};
    STRATA_TRY(write(job.to + 2, 0, std::span<const uint64_t>(shape)));
  }
  QuantizationError sum;
  for (const Part &part : parts) {
    STRATA_TRY(part.status); // the first: slices are in order
    sum += part.error;
  }
  ++summary.linears;
  const double error = sum.weight > 0 ? std::sqrt(sum.error / sum.weight) : 0;
  if (error > summary.greatestError || summary.greatestKey.empty()) {
    summary.greatestError = error;
    summary.greatestKey = job.key;
  }
  return absl::OkStatus();
}

absl::Status Quantizer::copy(const Job &job) const {
  const bool decoded = isQuantized(job.tensor->dtype);
  std::vector<float> row(job.columns);
  std::vector<uint16_t> rounded(job.columns);
  for (uint64_t i = 0; i < job.rows; ++i) {
    std::span bytes(job.row(i), job.rowBytes());
    if (decoded || job.tensor->includesOne)
      widen(job.tensor->dtype, job.row(i), row);
    if (decoded) {
      if (const auto column = findNotFinite(row))
        return notFinite(job, i, *column);
      std::ranges::transform(row, rounded.begin(), toBf16);
      bytes = std::as_bytes(std::span(rounded));
    } else if (job.tensor->includesOne) {
      for (float &value : row)
        value -= 1;
      bytes = std::as_bytes(std::span(row));
    }
    STRATA_TRY(writer->write(job.to, i * bytes.size(), bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<QuantizeSummary>
Quantizer::run(uint64_t shardBytes,
               absl::FunctionRef<absl::Status(const QuantizeProgress &)> report) {
  STRATA_ASSIGN(pool, ThreadPool::create(availableCpus()));
  STRATA_ASSIGN(SafetensorsWriter created,
                SafetensorsWriter::create(folder, std::move(tensors), shardBytes));
  writer.emplace(std::move(created));
  for (const Job &job : jobs)
    summary.bytesBefore += job.rows * job.rowBytes();
  uint64_t done = 0;
  for (const Job &job : jobs) {
    STRATA_TRY(report({job.key, done, summary.bytesBefore}));
    STRATA_TRY(job.linear ? quantize(job) : copy(job));
    done += job.rows * job.rowBytes();
  }
  summary.bytesAfter = writer->bytes();
  STRATA_TRY(writer->finish());
  return summary;
}

/// A folder without config.json is no model: that is to be said before what is wrong with weights.
absl::StatusOr<FoundConfig> findConfig(const std::string &model,
                                       const absl::StatusOr<Checkpoint> &checkpoint) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(model, ignored))
    STRATA_TRY(checkpoint.status());
  STRATA_ASSIGN(FoundConfig found, findModelConfig(model, checkpoint));
  if (found.config.quantization)
    return absl::InvalidArgumentError(
        absl::StrCat(found.path, ": quantization_config: expected none, found weights that are "
                                 "quantized already"));
  STRATA_TRY(checkpoint.status());
  return found;
}

} // namespace

absl::StatusOr<QuantizeSummary>
quantizeModel(const QuantizeOptions &options,
              absl::FunctionRef<absl::Status(const QuantizeProgress &)> report) {
  const absl::StatusOr<Checkpoint> checkpoint = openCheckpoint(options.model);
  STRATA_ASSIGN(const FoundConfig found, findConfig(options.model, checkpoint));
  STRATA_ASSIGN(OutputFolder folder, OutputFolder::create(options.folder));
  const WeightScheme scheme = {options.bits, /*packed=*/options.bits == 4, options.group};
  Quantizer quantizer(*checkpoint, folder, scheme);
  STRATA_TRY(quantizer.plan(found.config));
  STRATA_TRY(writeModelFiles({options.model, *checkpoint, found, scheme}, folder));
  STRATA_ASSIGN(const QuantizeSummary summary, quantizer.run(options.shardBytes, report));
  STRATA_TRY(folder.finish());
  return summary;
}

} // namespace strata
