//===- PackageFacts.cpp - what a package's manifest adds up to ------------===//

#include "tools/command_line/PackageFacts.h"

#include "absl/strings/str_cat.h"
#include "runtime/package/PackageFormat.h"

#include <cstring>

namespace strata {

TokenCost costOf(const package::Program &program) {
  TokenCost sum;
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    if (const package::Cost *cost = dispatch->cost()) {
      sum.streamed += cost->fixed_bytes();
      sum.activations += cost->row_bytes();
      sum.flops += cost->row_flops();
      sum.contextBytes += cost->context_bytes();
      sum.contextFlops += cost->context_flops();
    }
  return sum;
}

uint64_t weightBytes(const package::Manifest &manifest) {
  uint64_t sum = 0;
  for (const package::Parameter *parameter : itemsOf(manifest.parameters()))
    sum += parameterBytes(*parameter);
  return sum;
}

std::string versionOf(const Package &package) {
  // The header was verified when the package was opened.
  PackageHeader header;
  memcpy(&header, package.bytes().data(), sizeof header);
  return absl::StrCat(header.major, ".", header.minor);
}

void writeCost(JsonWriter &json, const package::Dispatch &dispatch) {
  const package::Cost cost = dispatch.cost() ? *dispatch.cost() : package::Cost();
  json.member("fixed_bytes", cost.fixed_bytes()).member("row_bytes", cost.row_bytes());
  json.member("row_flops", cost.row_flops()).member("context_bytes", cost.context_bytes());
  json.member("context_flops", cost.context_flops());
}

} // namespace strata
