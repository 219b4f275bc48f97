//===- Box.cpp - where the rows of a matrix lie ---------------------------===//

#include "runtime/package/Box.h"

#include "absl/strings/str_cat.h"

namespace strata {

Checked Box::span(std::span<const uint64_t> shape) const {
  if (!*this || shape.size() != 2 || shape[0] == 0)
    return checkedProduct(shape);
  const uint64_t rows = shape[0], columns = shape[1];
  Checked last = rows - 1; // the stored row that holds the last
  if (groupRows)
    last = Checked(rows / groupRows - 1) * groupStride + (groupRows - 1);
  return last * (rowStride ? rowStride : columns) + columns;
}

std::string describe(const Box &box) {
  if (!box)
    return "one after the other";
  std::string text;
  if (box.rowStride)
    absl::StrAppend(&text, box.rowStride, " elements apart");
  if (box.groupRows)
    absl::StrAppend(&text, text.empty() ? "" : ", ", "in groups of ", box.groupRows, ", ",
                    box.groupStride, " apart");
  return text;
}

} // namespace strata
