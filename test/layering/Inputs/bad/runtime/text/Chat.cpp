#include "runtime/text/Chat.h"
#include "runtime/engine/Engine.h"
#include "tools/command_line/Console.h"
