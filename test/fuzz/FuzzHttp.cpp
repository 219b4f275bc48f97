#include "tools/serve/HttpParser.h"

#include <cstdlib>

using namespace strata::serve;

/// Requests are the same however their bytes are cut, and inside their limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const HttpLimits limits{.headerBytes = 512, .headers = 8, .bodyBytes = 1024};
  const std::string_view bytes(reinterpret_cast<const char *>(data), size);
  HttpParser whole(limits), cut(limits);
  for (size_t at = 0; at < size && !whole.isFailed();) {
    const size_t taken = whole.push(bytes.substr(at));
    for (size_t i = 0; i < taken && !cut.isFailed(); ++i)
      cut.push(bytes.substr(at + i, 1));
    if (taken == 0 || cut.isComplete() != whole.isComplete() ||
        cut.error().status != whole.error().status)
      std::abort();
    at += taken;
    if (!whole.isComplete())
      continue;
    const HttpRequest request = whole.take();
    if (request.body != cut.take().body || request.body.size() > limits.bodyBytes ||
        request.headers.size() > limits.headers)
      std::abort();
  }
  return 0;
}
