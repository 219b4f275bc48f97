//===- JsonFormats.cpp - formats of JSON Schema ---------------------------===//

#include "runtime/grammar/JsonFormats.h"

#include <algorithm>
#include <iterator>

// RFC 3339, RFC 4122, RFC 2673, and ISO 8601 as RFC 3339 has its durations.
#define DATE                                                                                       \
  "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|"        \
  "02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|"                           \
  "([02468][048]|[13579][26])00)-02-29)"
#define TIME                                                                                       \
  "(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"                                      \
  "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])|23:59:60(\\.[0-9]{1,9})?[Zz])"
#define HEX "[0-9a-fA-F]"
#define BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define CLOCK "T([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S)"
#define DAYS "([0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|[0-9]{1,9}M([0-9]{1,9}D)?|[0-9]{1,9}D)"

namespace strata::grammar {
namespace {

struct Format {
  std::string_view name, regex;
};
constexpr Format kFormats[] = {{"date", DATE},
                               {"time", TIME},
                               {"date-time", DATE "[Tt]" TIME},
                               {"duration", "P(" DAYS "(" CLOCK ")?|" CLOCK "|[0-9]{1,9}W)"},
                               {"uuid", HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}"},
                               {"ipv4", BYTE "\\." BYTE "\\." BYTE "\\." BYTE}};

} // namespace

std::optional<std::string_view> regexOfFormat(std::string_view format) {
  const auto *const found = std::ranges::find(kFormats, format, &Format::name);
  return found == std::end(kFormats) ? std::nullopt : std::optional(found->regex);
}

} // namespace strata::grammar
