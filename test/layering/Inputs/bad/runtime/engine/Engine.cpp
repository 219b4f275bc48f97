#include "runtime/engine/Engine.h"
#include "dialect/Decoder.h"
#include "runtime/cpu/CpuDevice.h"
#include "runtime/package/Package.h"
#include <mlir/IR/Operation.h>
#include <vector>
