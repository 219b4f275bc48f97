//===- ToolTest.cpp - strata-run and strata-bench as one calls them -------===//

#include "test/tools/ToolFixture.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <numeric>

namespace strata::test {
namespace {

TEST_F(Tool, HelpAndVersion) {
  for (const char *tool : {"%r", "%b", "%s", "%i"}) {
    EXPECT_EQ(run(tool + std::string(" --help")).out.rfind("usage: strata-", 0), 0u);
    Result version = run(tool + std::string(" --version"));
    EXPECT_EQ(version.status, 0);
    EXPECT_NE(version.out.find("revision"), std::string::npos);
  }
}

TEST_F(Tool, CodeIsChosenByName) {
  EXPECT_NE(run("%r --help").out.find("  --code TARGET "), std::string::npos);
  EXPECT_EQ(run("%r %p -p a -n 3 --code x86-64").out, run("%r %p -p a -n 3").out);
}

TEST_F(Tool, WrongCommandLines) {
  expectError("%r", 2, "expected one package, found 0");
  expectError("%r %p", 2, "expected one of -p, -f and -i, found 0");
  expectError("%r %p -p a -i", 2, "found 2");
  expectError("%r %p -p a --tmep 1", 2, "unknown option --tmep; did you mean --temp?");
  expectError("%r %p -p a --temp -1", 2, "--temp: expected a number from 0 to 10, found \"-1\"");
  expectError("%r %p -p a --top-p 0", 2, "");
  expectError("%r %p -p a --device tpu", 2, "--device: expected cpu, cuda or cuda:N");
  expectError("%r %p -p a --threads 0", 2, "--threads: expected a whole number from 1");
  expectError("%b %p -p 0 -n 0", 2, "expected -p or -n with something to measure");
  expectError("%b %p -o xml", 2, "-o: expected md, csv or json");
  expectError("%b %p -x", 2, "unknown option -x");
}

TEST_F(Tool, WrongPackages) {
  expectError("%r /no/such.strata -p a", 1, "/no/such.strata");
  folder.write("noise.strata", std::string(5000, 'x'));
  expectError("%r " + folder.path() + "/noise.strata -p a", 1, "magic: not a package");
  folder.write("bad.strata", fakeModel(std::string(999, '\7')).encode());
  expectError("%r " + folder.path() + "/bad.strata -p a", 1, "bad.strata: tokenizer");
  folder.write("none.strata", fakeModel().encode());
  expectError("%r " + folder.path() + "/none.strata -p a", 1,
              "none.strata: section tokenizer: expected one, found none");
}

TEST_F(Tool, WrongDeviceAndCode) {
  expectError("%r %p -p a --device cuda", 1,
              "device: expected one the package has a program for "
              "(cpu), found cuda");
  expectError("%r %p -p a --code z80", 1, "cpu target: expected one of x86-64, found z80");
  expectError("%r %p -p a --weights /no/such/folder", 1, "/no/such/folder");
}

TEST_F(Tool, WritesPromptAndText) {
  Result whole = run("%r %p -p 'In the beginning' -n 5");
  EXPECT_EQ(whole.status, 0) << whole.err;
  EXPECT_EQ(whole.out.rfind("In the beginning", 0), 0u);
  EXPECT_EQ(whole.out.back(), '\n');
  EXPECT_NE(whole.err.find("tok/s"), std::string::npos);
  EXPECT_EQ(whole.err.find('\r'), std::string::npos) << "progress without a terminal";
  Result rest = run("%r %p -p 'In the beginning' -n 5 --no-echo");
  EXPECT_EQ("In the beginning" + rest.out, whole.out);
  for (const char *same : {"--threads 1", "--threads 2", "--chunk 1", "--temp 0 --seed 7"})
    EXPECT_EQ(run("%r %p -p 'In the beginning' -n 5 " + std::string(same)).out, whole.out) << same;
  EXPECT_EQ(run("printf 'In the beginning' | %r %p -f - -n 5").out, whole.out);
  std::string file = folder.write("prompt", "In the beginning");
  EXPECT_EQ(run("%r %p -f " + file + " -n 5").out, whole.out);
}

TEST_F(Tool, WrongPromptFiles) {
  expectError("%r %p -f /no/such/file", 1, "/no/such/file: cannot be read: No such file");
  expectError("%r %p -f /tmp", 1, "/tmp: cannot be read");
  expectError("%r %p -f /dev/zero", 1, "/dev/zero: expected at most 16777216 bytes, found more");
  EXPECT_EQ(run("%r %p -f /dev/null").status, 0) << "begins with BOS";
}

TEST_F(Tool, DumpsActivations) {
  std::string dump = folder.path() + "/dump";
  std::string text = run("%r %p -p 'In the beginning' -n 5").out;
  Result result = run("%r %p -p 'In the beginning' -n 5 --chunk 3 --dump-activations " + dump);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, text) << "the dump changes nothing";
  EXPECT_NE(result.err.find("wrote 3 values of the prompt's 4 tokens to"), std::string::npos);
  EXPECT_EQ(contentsOf(dump + "/embed.npy").size(), 128u + 4 * 4);
  EXPECT_EQ(contentsOf(dump + "/output.npy").size(), 128u + 2048 * 4) << "the last token's";
  EXPECT_NE(contentsOf(dump + "/index.json").find("\"shape\": [4, 1]"), std::string::npos);
  expectError("%r %p -p a --dump-activations " + dump, 1,
              "dump: expected an empty folder, found files in it");
}

TEST_F(Tool, DumpsThatCannotBe) {
  expectError("%r %p -i --dump-activations x", 2, "expected --dump-activations with -p or -f");
  expectError("%r %p -p a --dump-activations /proc/x", 1, "/proc/x: cannot be made: ");
  std::string old = folder.write("old.strata", [&] {
    TestPackage changed = fakeModel(tokenizer);
    for (auto &dispatch : changed.manifest.programs[0]->dispatches)
      dispatch->results.clear();
    changed.layout();
    return changed.encode();
  }());
  expectError("%r " + old + " -p a --dump-activations " + folder.path() + "/none", 1,
              "the package does not say what its kernels compute; compile the model again");
}

TEST_F(Tool, StopsAtTheContext) {
  expectError("%r %p -p 'In the beginning' -n 29", 1,
              "the prompt has 4 tokens and -n asks for 29, the context is 32; --context 33 would");
  EXPECT_EQ(run("%r %p -p 'In the beginning' -n 28").status, 0);
  Result raised = run("%r %p -p 'In the beginning' -n 29 --context 33");
  EXPECT_EQ(raised.status, 0) << raised.err;
  EXPECT_NE(raised.err.find("context 33 is more than the 32 tokens"), std::string::npos);
  EXPECT_EQ(run("%r %p -p 'In the beginning'").status, 0) << "without -n, what the context leaves";
  std::string longPrompt;
  for (int i = 0; i < 100; ++i)
    longPrompt += "beginning ";
  expectError("%r %p -p '" + longPrompt + "'", 1, "the context is 32; --context");
}

TEST_F(Tool, OutputThatFailsIsAnError) {
  expectError("%r %p -p a -n 5 >/dev/full", 1, "standard output");
  expectError("%b %p -p 4 -n 4 -r 1 >/dev/full", 1, "standard output");
  expectError("{ sleep 0.1; %r %p -p a -n 5; echo status $? >&2; } | { exec <&-; sleep 0.3; }", 0,
              "status 1");
}

TEST_F(Tool, OutOfMemoryIsAnError) {
  std::string huge = folder.write("huge.strata", [&] {
    TestPackage changed = fakeModel(tokenizer);
    changed.manifest.programs[0]->page_bytes = uint64_t(1) << 47;
    changed.layout();
    return changed.encode();
  }());
  expectError("%r " + huge + " -p a -n 20", 1, "KV cache");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need more address space";
#endif
  expectError("ulimit -v 400000; %r %p -p a -n 1 --threads 900", 1, "error: thread");
}

TEST_F(Tool, ShortenedFileIsAnError) {
  // The package stays mapped while it runs; then its pages are gone.
  expectError("{ printf 'a\\n'; sleep 0.3; truncate -s 0 %p; printf 'b\\n'; } | %r %p -i -n 1", 1,
              "was shortened");
}

TEST_F(Tool, InteractiveKeepsTheText) {
  Result result =
      run("printf 'a\\n/help\\n/what\\nb\\n/stats\\n/clear\\nc\\n/exit\\nd\\n' | %r %p -i -n 2");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3) << result.out;
  EXPECT_NE(result.err.find("/clear"), std::string::npos);
  EXPECT_NE(result.err.find("unknown command /what"), std::string::npos);
  EXPECT_NE(result.err.find("of 32 tokens"), std::string::npos);
  EXPECT_EQ(run("%r %p -i </dev/null").status, 0) << "the end of the input";
}

TEST_F(Tool, ChatWritesRepliesAlone) {
  Result once = run("%r %p --chat --chat-template=nemotron -p hi -n 3 --context 100");
  EXPECT_EQ(once.status, 0) << once.err;
  EXPECT_EQ(once.out.find("hi"), std::string::npos) << once.out;
  EXPECT_NE(once.err.find("generated: 3 tokens"), std::string::npos) << once.err;
  Result turns =
      run("printf 'hi\\n<extra_id_1>\\nmore\\n' | "
          "%r %p --chat --chat-template=nemotron --system 'Be brief.' -n 2 --context 200");
  EXPECT_EQ(turns.status, 0) << turns.err;
  EXPECT_EQ(std::count(turns.out.begin(), turns.out.end(), '\n'), 2) << turns.out;
  EXPECT_NE(turns.err.find("message: expected text, found the token \"<extra_id_1>\""),
            std::string::npos)
      << turns.err;
}

// Where a reply ended by itself, nothing is left that an empty message could be added to.
TEST_F(Tool, EmptyMessagesChangeNothing) {
  TestPackage ending = fakeModel(tokenizer);
  ending.manifest.model->eos_tokens = {2047}; // always the likeliest
  ending.layout();
  Result result =
      run("printf 'a\\n\\nb\\n' | %r " + folder.write("ending.strata", ending.encode()) +
          " --chat --chat-template=raw -n 3");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("the line has no tokens"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("generated: 2 tokens"), std::string::npos) << result.err;
}

TEST_F(Tool, ChatErrors) {
  expectError("%r %p --chat -p hi", 1, "the model has no chat template; expected --chat-template");
  TestPackage other = fakeModel(tokenizer);
  other.manifest.model->chat_template = "unknown";
  other.layout();
  expectError(
      "%r " + folder.write("other.strata", other.encode()) + " --chat -p hi", 1,
      "the model's chat template is not supported; expected --chat-template nemotron or raw");
  expectError("%r %p --chat --chat-template=nemotron --system '<extra_id_1>' -p hi", 1,
              "--system: expected text, found the token \"<extra_id_1>\"");
  expectError("%r %p --system x -p hi", 2, "expected --chat with --system and --chat-template");
  expectError("%r %p --chat --chat-template=jinja", 2,
              "--chat-template: expected nemotron or raw, found \"jinja\"");
  expectError("%r %p --chat -p a -i", 2, "expected one of -p, -f and -i, found 2");
}

TEST_F(Tool, InteractiveContextCanFill) {
  Result result = run("printf 'a\\na\\na\\na\\n/clear\\na\\n' | %r %p -i -n 12");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("are left of the context; /clear begins"), std::string::npos);
}

/// strata-run with a context that it cannot fill in the time of a test.
class Running {
public:
  Running(const std::string &package, std::vector<std::string> more) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096); // soon full
    std::vector<std::string> words = {STRATA_RUN, package, "-p", "a", "--context", "9000000"};
    words.insert(words.end(), more.begin(), more.end());
    process = fork();
    if (process == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      std::vector<char *> arguments;
      for (std::string &word : words)
        arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execv(STRATA_RUN, arguments.data());
      _exit(99);
    }
    close(ends[1]);
    output = ends[0];
  }
  ~Running() { close(output); }

  /// Waits for some output.
  void awaitText(size_t bytes) {
    std::vector<char> buffer(bytes);
    for (size_t got = 0; got < bytes;) {
      ssize_t more = read(output, buffer.data(), bytes - got);
      ASSERT_GT(more, 0);
      got += size_t(more);
    }
  }
  /// Waits until it can write no more.
  void awaitFullPipe() const {
    for (int waiting = 0, before = 0; waiting == 0 || waiting != before; usleep(100000)) {
      before = waiting;
      ASSERT_EQ(ioctl(output, FIONREAD, &waiting), 0);
    }
  }
  void interrupt() const { kill(process, SIGINT); }
  /// Its exit status; takes the rest of its output.
  int await() const {
    char rest[4096];
    while (read(output, rest, sizeof rest) > 0)
      ;
    int status = 0;
    waitpid(process, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

private:
  pid_t process;
  int output;
};

TEST_F(Tool, FirstInterruptStopsTheText) {
  Running tool(package, {"-n", "8000000"});
  tool.awaitText(100);
  tool.interrupt();
  EXPECT_EQ(tool.await(), 0);
}

TEST_F(Tool, SecondInterruptEnds) {
  // Nobody reads: with the pipe full, the first Ctrl-C cannot be obeyed.
  Running tool(package, {"-n", "8000000"});
  tool.awaitFullPipe();
  tool.interrupt();
  usleep(50000);
  tool.interrupt();
  EXPECT_EQ(tool.await(), 130);
}

TEST_F(Tool, BenchPrintsEveryFormat) {
  Result markdown = run("%b %p -p 8,16 -n 4 -d 0,5 -r 2 --random-weights");
  EXPECT_EQ(markdown.status, 0) << markdown.err;
  for (const char *test : {"pp8 |", "pp16 |", "tg4 |", "pp8 @ d5 |", "tg4 @ d5 |", "of read"})
    EXPECT_NE(markdown.out.find(test), std::string::npos) << markdown.out;
  Result csv = run("%b %p -p 8 -n 4 -r 1 -o csv");
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 3) << csv.out;
  Result json = run("%b %p -p 64 -n 0 -r 3 -o json --threads 1");
  EXPECT_NE(json.out.find("\"test\": \"pp64\""), std::string::npos) << json.out;
  EXPECT_NE(json.err.find("the model was trained on 32"), std::string::npos) << json.err;
}

/// The value of `"key": NUMBER` in each object of the bench's JSON.
std::vector<double> numbersOf(const std::string &json, const std::string &key) {
  std::string field = "\"" + key + "\": ";
  std::vector<double> numbers;
  for (size_t at = 0; (at = json.find(field, at)) != std::string::npos; ++at)
    numbers.push_back(atof(json.c_str() + at + field.size()));
  return numbers;
}

TEST_F(Tool, BenchRunsBatches) {
  Result json = run("%b %p -p 8 -n 4 -b 1,3 -d 0,5 -r 1 -o json --random-weights");
  EXPECT_EQ(json.status, 0) << json.err;
  for (const char *test : {"pp8", "tg4", "pp8 b3", "tg4 b3", "pp8 b3 @ d5", "tg4 b3 @ d5"})
    EXPECT_NE(json.out.find("\"test\": \"" + std::string(test) + "\""), std::string::npos) << test;
  std::vector<double> all = numbersOf(json.out, "tokens_per_second_median"),
                      each = numbersOf(json.out, "tokens_per_second_of_a_sequence"),
                      batch = numbersOf(json.out, "batch");
  ASSERT_EQ(all.size(), 8u) << json.out;
  EXPECT_EQ(batch, std::vector<double>({1, 1, 3, 3, 1, 1, 3, 3}));
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_NEAR(each[i] * batch[i], all[i], all[i] * 1e-4);
  expectError("%b %p -b 0", 2, "-b: expected");
  expectError("%b %p -b 2,x", 2, "-b: expected");
}

TEST_F(Tool, DraftsChangeNoText) {
  const std::string whole = run("%r %p -p 'In the beginning' -n 20").out;
  const std::string sampled = run("%r %p -p 'In the beginning' -n 20 --temp 1 --seed 3").out;
  for (const std::string drafts : {"ngram", "%p", "off"}) {
    const Result drafted = run("%r %p -p 'In the beginning' -n 20 --drafts " + drafts);
    EXPECT_EQ(drafted.status, 0) << drafted.err;
    EXPECT_EQ(drafted.out, whole) << drafts;
    EXPECT_EQ(run("%r %p -p 'In the beginning' -n 20 --temp 1 --seed 3 --drafts " + drafts).out,
              sampled)
        << drafts;
  }
  // The same model guesses all of it.
  EXPECT_NE(run("%r %p -p 'In the beginning' -n 20 --drafts %p").err.find(" (100%), "),
            std::string::npos);
  EXPECT_EQ(run("printf 'In\\n/clear\\nIn\\n' | %r %p -i -n 5 --drafts ngram").out,
            run("printf 'In\\n/clear\\nIn\\n' | %r %p -i -n 5").out);
}

TEST_F(Tool, WrongDrafts) {
  expectError("%r %p -p a --drafts ngarm", 1, "--drafts: expected off, ngram or a package: ngarm");
  const std::string narrow = writeModelOfFewerTokens();
  expectError("%r %p -p a --drafts " + narrow, 1, "expected a model of 2048 tokens, found 2047");
  expectError("%b %p -p 0 -n 4 --drafts " + narrow, 1, "expected a model of 2048 tokens");
  expectError("%r %p -p a --drafts " + writeModelOfOtherTokens(), 1, "tokenizer: token ");
}

TEST_F(Tool, BenchFollowsATextByDrafts) {
  std::string ids;
  for (int i = 0; i < 24; ++i)
    ids += std::to_string(i % 6) + " ";
  const std::string file = folder.write("text.ids", ids);
  const Result json = run("%b %p -n 12 -r 2 -o json --drafts ngram --ids " + file);
  EXPECT_EQ(json.status, 0) << json.err;
  EXPECT_NE(json.out.find("\"test\": \"tg12 @ d11\""), std::string::npos) << json.out;
  EXPECT_GT(numbersOf(json.out, "accepted_draft_tokens").at(0), 0);
  EXPECT_EQ(numbersOf(json.out, "accepted_draft_tokens"), numbersOf(json.out, "draft_tokens"));
  EXPECT_NE(run("%b %p -n 12 -r 1 --drafts ngram --ids " + file).out.find("Drafts of tg12 @ d11: "),
            std::string::npos);
  EXPECT_EQ(numbersOf(run("%b %p -n 12 -r 1 -o json --ids " + file).out, "draft_tokens").at(0), 0);
  const Result own = run("%b %p -n 12 -p 0 -r 1 -o json --drafts %p");
  EXPECT_GT(numbersOf(own.out, "accepted_draft_tokens").at(0), 0) << "the same model";
  expectError("%b %p -n 23 --ids " + file, 1, "text.ids: expected at least 25 ids with this -n");
  expectError("%b %p -n 4 --ids " + folder.write("bad.ids", "1 2 2048"), 1,
              "bad.ids: expected ids from 0 to 2047, found \"2048\"");
  expectError("%b %p -n 4 -b 2 --drafts ngram", 2, "-b: expected 1 with --drafts and --ids");
  expectError("%b %p -n 4 --drafts ngram --per-kernel", 2, "--per-kernel: expected --drafts off");
  expectError("%b %p -n 0 --ids " + file, 2, "-n: expected at least 1 with --ids, found 0");
}

TEST_F(Tool, BenchTimesEachKernel) {
  Result json = run("%b %p -p 0 -n 6 -r 2 -o json --per-kernel");
  EXPECT_EQ(json.status, 0) << json.err;
  for (const char *kernel : {"embed", "store", "attend", "output"})
    EXPECT_NE(json.out.find("{\"kernel\": \"" + std::string(kernel) + "\""), std::string::npos);
  // Two layers store; each of the others is one dispatch of a step. 2 repetitions of 6 steps.
  EXPECT_EQ(numbersOf(json.out, "dispatches"), std::vector<double>({12, 24, 12, 12})) << json.out;
  std::vector<double> shares = numbersOf(json.out, "share_of_time");
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-6);
  // By the formulas: "embed" moves 8 bytes a token, "output" 8192 + 64.
  std::vector<double> each = numbersOf(json.out, "seconds_each"),
                      rate = numbersOf(json.out, "bytes_per_second"); // of the row, then of kernels
  ASSERT_EQ(rate.size(), 5u);
  EXPECT_NEAR(rate[1] * each[0], 8, 1e-4);
  EXPECT_NEAR(rate[4] * each[3], 8256, 0.1);
  // The floor is what the larger share leaves of the time; no peak is known of the fake kernels.
  std::vector<double> floor = numbersOf(json.out, "floor_seconds_each"),
                      read = numbersOf(json.out, "share_of_read_ceiling"); // as above
  ASSERT_EQ(floor.size(), 4u) << json.out;
  EXPECT_NEAR(floor[3], each[3] * read[4], floor[3] * 1e-6);
  Result markdown = run("%b %p -p 4 -n 2 -r 1 --per-kernel");
  EXPECT_NE(markdown.out.find("Kernels of pp4, timed one by one:"), std::string::npos);
  EXPECT_NE(markdown.out.find("| store | store | 4 |"), std::string::npos) << markdown.out;
  expectError("%b %p --per-kernel -o csv", 2, "--per-kernel: expected -o md or json, found csv");
}

TEST_F(Tool, BenchComputesLogitsOfEachGeneratedToken) {
  // By the fake model's formulas: 28 bytes a token, 4 a token of its context; and where logits are
  // wanted, 8192 a step and 64 a row.
  Result json = run("%b %p -p 6 -n 6 -b 1,2 -r 1 -o json --chunk 2");
  EXPECT_EQ(json.status, 0) << json.err;
  double prompt = 6 * 28 + 21 * 4;
  EXPECT_EQ(numbersOf(json.out, "bytes"),
            std::vector<double>({prompt + 8192 + 64, prompt + 6 * (8192 + 64),
                                 2 * prompt + 8192 + 2 * 64, 2 * prompt + 6 * (8192 + 2 * 64)}))
      << json.out;
}

} // namespace
} // namespace strata::test
