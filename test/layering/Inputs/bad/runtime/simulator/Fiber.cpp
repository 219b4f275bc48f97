#include "runtime/cuda/Driver.h"
