#include <vector>
#include <mlir/IR/Operation.h>
#include "dialect/Decoder.h"
#include "runtime/Engine.h"
