//===- Device.cpp - where the steps of an engine run ----------------------===//

#include "runtime/engine/Device.h"

#include "absl/strings/cord.h"
#include "runtime/base/Checked.h"
#include "runtime/base/Status.h"

#include <set>

namespace strata {

constexpr const char *kLost = "strata/device-lost";

void markLost(absl::Status &status) { status.SetPayload(kLost, absl::Cord()); }

bool isLost(const absl::Status &status) { return status.GetPayload(kLost).has_value(); }

void Device::forEach(int64_t units, absl::FunctionRef<void(int64_t unit)> body) {
  for (int64_t unit = 0; unit < units; ++unit)
    body(unit);
}

std::vector<uint64_t> streamedParameters(const package::Program &program) {
  std::set<uint64_t> seen;
  std::vector<uint64_t> result;
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    for (const package::Buffer *buffer : itemsOf(dispatch->buffers()))
      if (buffer->kind() == package::BufferKind::parameter && dispatch->cost() &&
          dispatch->cost()->fixed_bytes() > 0 && seen.insert(buffer->value()).second)
        result.push_back(buffer->value());
  return result;
}

absl::StatusOr<uint32_t> cachePages(const package::Program &program, const DeviceOptions &options) {
  uint64_t pages = (options.context + program.page_tokens() - 1) / program.page_tokens();
  Checked total = Checked(pages) * options.sequences;
  if (!total.atMost(INT32_MAX))
    return absl::InvalidArgumentError(absl::StrCat("KV cache: expected at most ", INT32_MAX,
                                                   " pages, found ", options.sequences,
                                                   " sequences of ", pages));
  if (!(total * program.page_bytes()).value())
    return absl::ResourceExhaustedError(absl::StrCat("KV cache: ", *total.value(), " pages of ",
                                                     program.page_bytes(),
                                                     " bytes are more than can be addressed"));
  return uint32_t(*total.value());
}

} // namespace strata
