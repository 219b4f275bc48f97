#include "runtime/checkpoint/Checkpoint.h"
