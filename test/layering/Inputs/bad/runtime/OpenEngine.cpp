#include "runtime/cpu/CpuDevice.h"
#include "tools/command_line/Tool.h"
