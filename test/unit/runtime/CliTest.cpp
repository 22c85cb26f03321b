//===- CliTest.cpp - Tests of the command line --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "cli.h"

#include <gtest/gtest.h>

using namespace bitnet;

namespace {

Error parse(std::vector<const char *> arguments, Options &options) {
  arguments.insert(arguments.begin(), "program");
  return parseCommandLine(int(arguments.size()), arguments.data(), options);
}

std::string failure(std::vector<const char *> arguments) {
  Options options;
  return parse(std::move(arguments), options).message();
}

TEST(Cli, AllForms) {
  Options options;
  ASSERT_FALSE(parse({"-p", "Hello", "-n", "12", "-t4", "--top-k=7", "--temp",
                      "0.25", "--seed", "18446744073709551615", "-c", "99",
                      "--ignore-eos", "--repeat-penalty=1.1"},
                     options));
  EXPECT_EQ(options.mode, Mode::Generate);
  EXPECT_EQ(options.prompt, "Hello");
  EXPECT_EQ(options.predict, 12u);
  EXPECT_EQ(options.session.threads, 4u);
  EXPECT_EQ(options.session.context, 99u);
  EXPECT_EQ(options.sampler.topK, 7u);
  EXPECT_EQ(options.sampler.temperature, 0.25f);
  EXPECT_EQ(options.sampler.repeatPenalty, 1.1f);
  EXPECT_EQ(options.seed, UINT64_MAX);
  EXPECT_TRUE(options.ignoreEos);
}

TEST(Cli, ValuesMayLookLikeOptions) {
  Options options;
  ASSERT_FALSE(parse({"-p", "--help", "-n", "-1"}, options));
  EXPECT_EQ(options.prompt, "--help");
  EXPECT_EQ(options.predict, UINT32_MAX);
  EXPECT_EQ(options.mode, Mode::Generate);
}

TEST(Cli, Modes) {
  auto mode = [](std::vector<const char *> arguments) {
    Options options;
    Error error = parse(std::move(arguments), options);
    EXPECT_FALSE(error) << error.message();
    return options.mode;
  };
  EXPECT_EQ(mode({}), Mode::Chat);
  EXPECT_EQ(mode({"--tokens", "f"}), Mode::Generate);
  EXPECT_EQ(mode({"--ppl", "f"}), Mode::Perplexity);
  EXPECT_EQ(mode({"--ppl", "--tokens", "f"}), Mode::Perplexity);
  EXPECT_EQ(mode({"--bench"}), Mode::Bench);
  EXPECT_EQ(mode({"--help", "--bench", "-p", "a", "-f", "b"}), Mode::Help);
  EXPECT_EQ(mode({"--info"}), Mode::Info);
}

TEST(Cli, Errors) {
  EXPECT_EQ(failure({"--nothing"}), "unknown option \"--nothing\"; see --help");
  EXPECT_EQ(failure({"--temperature", "1"}),
            "unknown option \"--temperature\"; see --help");
  EXPECT_EQ(failure({"-x"}), "unknown option \"-x\"; see --help");
  EXPECT_EQ(failure({"--"}), "unknown option \"--\"; see --help");
  EXPECT_EQ(failure({"-"}), "unexpected argument \"-\"; give a prompt with -p, "
                            "see --help");
  EXPECT_EQ(failure({"-n", "1e3"}),
            "--predict: expected a whole number from 0 to 2147483647, but got "
            "\"1e3\"");
  EXPECT_EQ(failure({"--seed", "18446744073709551616"}),
            "--seed: expected a whole number from 0 to 18446744073709551615, "
            "but got \"18446744073709551616\"");
  EXPECT_EQ(failure({"--seed", ""}),
            "--seed: expected a whole number from 0 to 18446744073709551615, "
            "but got \"\"");
  EXPECT_EQ(failure({"--min-p", "-0.1"}),
            "--min-p: expected a number from 0 to 1, but got \"-0.1\"");
  EXPECT_EQ(failure({"--min-p"}),
            "--min-p: expected X, but got nothing; see --help");
  EXPECT_EQ(failure({"--bench", "-p", "a"}),
            "--bench: expected no text, but got one; it makes up its own, see "
            "--bench-prompt");
}

TEST(Cli, HelpFitsATerminal) {
  std::string help = helpText("chat");
  for (size_t at = 0; at < help.size();) {
    size_t end = help.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LT(end - at, 80u) << help.substr(at, end - at);
    at = end + 1;
  }
  EXPECT_EQ(help.rfind("usage: chat ", 0), 0u);
}

} // namespace
