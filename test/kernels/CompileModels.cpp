//===- CompileModels.cpp - packages of the kernels' models ----------------===//
//
// strata-kernel-models STRATA-COMPILE FOLDER ARCH: FOLDER/NAME.mlir and FOLDER/NAME.strata of each
// model, for all levels of the CPU and these GPUs. With packages the tests need no compiler.
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelModel.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

using strata::test::KernelModel;

int main(int argc, char **argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: strata-kernel-models STRATA-COMPILE FOLDER ARCH\n");
    return 1;
  }
  std::string compiler = argv[1], folder = argv[2], arch = argv[3];
  std::filesystem::create_directories(folder);
  const std::vector<KernelModel> &models = strata::test::kernelModels();
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  auto work = [&] {
    for (size_t i; (i = next++) < models.size();) {
      std::string stem = folder + "/" + models[i].name;
      std::ofstream(stem + ".mlir") << models[i].mlir();
      // Unfused: the ops stand as they are written.
      std::string target =
          models[i].runsOnCuda() ? "--target=cpu,cuda --arch=" + arch : std::string("--target=cpu");
      target += " --cpu=";
      for (const std::string &level : strata::test::cpuLevels())
        target += level + ",";
      target.pop_back();
      std::string command = "'" + compiler + "' '" + stem + ".mlir' " + target + " --no-fuse -o '" +
                            stem + ".strata' > /dev/null";
      if (std::system(command.c_str()) != 0) {
        std::fprintf(stderr, "failed: %s\n", command.c_str());
        failed = true;
      }
    }
  };
  std::thread second(work);
  work();
  second.join();
  return failed ? 1 : 0;
}
