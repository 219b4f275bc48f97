#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Gguf.h"
