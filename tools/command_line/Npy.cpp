//===- Npy.cpp - NumPy's files --------------------------------------------===//

#include "tools/command_line/Npy.h"

#include "absl/strings/str_format.h"

namespace strata {

std::string npyHeader(uint64_t rows, uint64_t columns) {
  std::string header("\x93NUMPY\x01\x00", 8);
  constexpr auto rest = uint16_t(kNpyHeaderBytes - 10);
  header += {char(rest & 0xff), char(rest >> 8)};
  absl::StrAppendFormat(&header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }",
                        rows, columns);
  header.resize(kNpyHeaderBytes - 1, ' ');
  return header + "\n";
}

} // namespace strata
