//===- sequences.cpp - Several texts together and each alone --------------===//
//
//   sequences EXECUTABLE COUNT THREADS
//
// Linked with the model's object file and the runtime, as bitnet.h describes.
// Reads COUNT random prompts of uneven lengths, continues each alone by random
// tokens, then all of them together, some leaving earlier and new ones taking
// their place, and compares the logits after every token to the bit.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnet/bitnet.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

static void require(bool good, const char *why) {
  if (good)
    return;
  fprintf(stderr, "error: %s\n", why);
  exit(1);
}

int main(int argc, char **argv) {
  require(argc == 4, "usage: sequences EXECUTABLE COUNT THREADS");
  uint32_t count = uint32_t(atoi(argv[2]));
  char why[256];
  bitnet_options options = {};
  options.context = 100;
  options.threads = uint32_t(atoi(argv[3]));
  options.sequences = count;
  bitnet_session *session = bitnet_open(argv[1], &options, why, sizeof(why));
  require(session, why);
  uint32_t vocab = bitnet_vocab_size(session);

  // Twice as many texts as sequences: text i + count follows text i.
  struct Text {
    std::vector<int32_t> tokens;
    size_t prompt;
    std::vector<std::vector<float>> logits; // after the prompt and each step
  };
  std::mt19937 random(count);
  std::vector<Text> texts(2 * count);
  for (uint32_t i = 0; i != texts.size(); ++i) {
    texts[i].prompt = 1 + (i * 29) % 70;
    texts[i].tokens.resize(texts[i].prompt + 3 + (i * 5) % 11);
    for (int32_t &token : texts[i].tokens)
      token = int32_t(random() % vocab);
  }
  auto append = [&](Text &text, const float *logits) {
    text.logits.emplace_back(logits, logits + vocab);
  };
  for (Text &text : texts) {
    bitnet_rewind(session, 0);
    require(!bitnet_eval(session, text.tokens.data(), text.prompt, why,
                         sizeof(why)),
            why);
    append(text, bitnet_logits(session));
    for (size_t i = text.prompt; i != text.tokens.size(); ++i) {
      require(!bitnet_eval(session, &text.tokens[i], 1, why, sizeof(why)), why);
      append(text, bitnet_logits(session));
    }
  }

  size_t compared = 0, wrong = 0;
  auto compare = [&](const float *got, const std::vector<float> &want) {
    ++compared;
    wrong += memcmp(got, want.data(), vocab * sizeof(float)) != 0;
  };
  std::vector<uint32_t> running(count, UINT32_MAX); // text of each sequence
  std::vector<size_t> at(texts.size());
  auto start = [&](uint32_t sequence, uint32_t text) {
    running[sequence] = text;
    require(!bitnet_use(session, sequence), "no such sequence");
    bitnet_rewind(session, 0);
    at[text] = texts[text].prompt;
    require(!bitnet_eval(session, texts[text].tokens.data(), at[text], why,
                         sizeof(why)),
            why);
    compare(bitnet_logits(session), texts[text].logits[0]);
  };
  for (uint32_t s = 0; s != count; ++s)
    start(s, s);
  for (;;) {
    std::vector<uint32_t> sequences;
    std::vector<int32_t> tokens;
    // Not in the order of the sequences.
    for (uint32_t i = 0; i != count; ++i) {
      uint32_t s = count - 1 - i, text = running[s];
      if (text == UINT32_MAX)
        continue;
      sequences.push_back(s);
      tokens.push_back(texts[text].tokens[at[text]]);
    }
    if (sequences.empty())
      break;
    require(!bitnet_eval_each(session, sequences.data(), tokens.data(),
                              sequences.size(), why, sizeof(why)),
            why);
    for (size_t i = 0; i != sequences.size(); ++i) {
      Text &text = texts[running[sequences[i]]];
      size_t &next = at[running[sequences[i]]];
      ++next;
      compare(bitnet_logits_of(session, i), text.logits[next - text.prompt]);
    }
    for (uint32_t s : sequences) {
      uint32_t text = running[s];
      if (at[text] != texts[text].tokens.size())
        continue;
      running[s] = UINT32_MAX;
      if (text < count)
        start(s, text + count);
    }
  }
  bitnet_free(session);
  printf("%zu rows of logits compared, %zu wrong\n", compared, wrong);
  return wrong != 0 || compared == 0;
}
