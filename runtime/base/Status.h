//===- Status.h - passing errors on -----------------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

#include <string>

/// Returns from the function if the expression's status is an error.
#define STRATA_TRY(EXPRESSION)                                                                     \
  do {                                                                                             \
    if (absl::Status strataStatus = (EXPRESSION); !strataStatus.ok())                              \
      return strataStatus;                                                                         \
  } while (false)

/// Declares or assigns TARGET from a StatusOr, or returns its error from the function.
#define STRATA_ASSIGN(TARGET, EXPRESSION)                                                          \
  STRATA_ASSIGN_AS(STRATA_UNIQUE(strataResult, __LINE__), TARGET, EXPRESSION)
#define STRATA_ASSIGN_AS(RESULT, TARGET, EXPRESSION)                                               \
  auto RESULT = (EXPRESSION);                                                                      \
  if (!RESULT.ok())                                                                                \
    return std::move(RESULT).status();                                                             \
  TARGET = *std::move(RESULT)
#define STRATA_UNIQUE(NAME, LINE) STRATA_UNIQUE_AS(NAME, LINE)
#define STRATA_UNIQUE_AS(NAME, LINE) NAME##LINE

namespace strata {

/// The same error with "place: " before its message; an OK status stays as it is.
inline absl::Status annotate(const absl::Status &status, const std::string &place) {
  if (status.ok())
    return status;
  absl::Status result(status.code(), absl::StrCat(place, ": ", status.message()));
  status.ForEachPayload(
      [&](auto type, const absl::Cord &payload) { result.SetPayload(type, payload); });
  return result;
}

} // namespace strata
