//===- DevicePackages.h - the fake model, once for each device --*- C++ -*-===//
#pragma once

#include "test/runtime/TestPackage.h"

#include <gtest/gtest.h>

namespace strata::test {

/// The fake model with the demonstration model's tokenizer, as packages for cpu and for cuda.
class DevicePackages : public testing::Test {
protected:
  DevicePackages() {
    TestPackage model = fakeModel(contentsOf(STRATA_DEMO_MODEL "/tokenizer.model"));
    forCpu = folder.write("cpu.strata", model.encode());
    makeCuda(*model.manifest.programs[0], "sim", package::CodeFormat::elf);
    model.layout();
    forCuda = folder.write("cuda.strata", model.encode());
  }

  TestFolder folder;
  std::string forCpu, forCuda;
};

} // namespace strata::test
