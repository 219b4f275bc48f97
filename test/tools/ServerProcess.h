//===- ServerProcess.h - strata-serve as a process --------------*- C++ -*-===//
#pragma once

#include "test/runtime/TestFolder.h"

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace strata::test {

/// Runs strata-serve on a port that is free, until it ends or is killed. Errors go to a file.
class ServerProcess {
public:
  /// `arguments`: the package and options; `environment`: "NAME=VALUE" each, beside what there is.
  ServerProcess(const TestFolder &folder, const std::vector<std::string> &arguments,
                const std::vector<std::string> &environment = {})
      : errorFile(folder.path("serve.err")) {
    std::vector<const char *> words{STRATA_SERVE, "--port", "0"};
    for (const std::string &argument : arguments)
      words.push_back(argument.c_str());
    words.push_back(nullptr);
    int ends[2];
    if (pipe(ends) != 0)
      std::abort();
    process = fork();
    if (process == 0) {
      for (const std::string &each : environment)
        putenv(const_cast<char *>(each.c_str()));
      dup2(ends[1], STDOUT_FILENO);
      dup2(open(errorFile.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      close(ends[0]);
      close(ends[1]);
      execv(words[0], const_cast<char *const *>(words.data()));
      _exit(127);
    }
    close(ends[1]);
    std::string line; // comes once it listens
    for (char byte; read(ends[0], &byte, 1) == 1 && byte != '\n';)
      line += byte;
    close(ends[0]);
    if (const size_t colon = line.rfind(':'); colon != std::string::npos)
      boundPort = uint16_t(std::atoi(line.c_str() + colon + 1));
  }
  ~ServerProcess() {
    if (process <= 0)
      return;
    kill(process, SIGKILL);
    waitpid(process, nullptr, 0);
  }
  ServerProcess(const ServerProcess &) = delete;
  ServerProcess &operator=(const ServerProcess &) = delete;

  uint16_t port() const { return boundPort; } // 0: it did not start
  void signal(int number) { kill(process, number); }
  /// The exit status, 128 and the signal's number, or -1 if it does not end in time.
  int wait(std::chrono::milliseconds time) {
    for (const auto end = std::chrono::steady_clock::now() + time;
         std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
      int status = 0;
      if (waitpid(process, &status, WNOHANG) == process) {
        process = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
    }
    return -1;
  }
  std::string errors() const { return contentsOf(errorFile); }

private:
  const std::string errorFile;
  pid_t process = 0;
  uint16_t boundPort = 0;
};

} // namespace strata::test
