#include "codegen/Schedule.h"
