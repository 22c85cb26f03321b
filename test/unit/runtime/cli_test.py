#!/usr/bin/env python3
"""Runs executables made from FakeModel.cpp and checks what they do.

usage: cli_test.py FOLDER [LAUNCHER...]
FOLDER holds fake, fake_features and fake_abi, and if the tokenizer importer
was built, fake_text, which has a tokenizer, and its cases.json. LAUNCHER runs
programs of another architecture (qemu-aarch64). The rule of the model is
repeated here.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import math
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

FOLDER, LAUNCHER = sys.argv[1], sys.argv[2:]
VOCAB, MULTIPLIER, CONTEXT = 101, 7, 300


def following(tokens, vocab=VOCAB):
    state = sum((q + 1) * token for q, token in enumerate(tokens))
    return (MULTIPLIER * state + 3) % vocab


def greedy(tokens, count, vocab=VOCAB):
    text = list(tokens)
    for _ in range(count):
        text.append(following(text, vocab))
    return text[len(tokens):]


def logits(tokens):
    best = following(tokens)
    return [-0.5 * ((v - best) % VOCAB) for v in range(VOCAB)]


def read_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    end = 10 + struct.unpack("<H", data[8:10])[0]
    assert end % 64 == 0
    header = eval(data[10:end])
    assert header["descr"] == "<f4" and not header["fortran_order"]
    rows, columns = header["shape"]
    values = struct.unpack("<%df" % (rows * columns), data[end:])
    return [list(values[i * columns:(i + 1) * columns]) for i in range(rows)]


def cpu_seconds(pid):
    """Time that all threads of a process have run, also in the kernel."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "w") as file:
                file.write(content)
        return path

    def tokens(self, ids):
        return self.path("ids", " ".join(map(str, ids)) + "\n")

    def start(self, *args, program="fake", **kwargs):
        return subprocess.Popen(
            LAUNCHER + [os.path.join(FOLDER, program), *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)

    def run_ok(self, *args, **kwargs):
        process = self.start(*args, stdin=subprocess.DEVNULL, **kwargs)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        return out, err

    def run_error(self, expected, *args, **kwargs):
        process = self.start(*args, stdin=subprocess.DEVNULL, **kwargs)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertRegex(err, r"\A\S+: error: [^\n]*[^.\n]\n\Z")
        self.assertRegex(err, expected)
        self.assertEqual(out, "")

    def ids(self, *args):
        out, _ = self.run_ok(*args, "--print-ids", "--temp", 0)
        self.assertEqual(out.count("\n"), 1)
        return [int(word) for word in out.split()]


class CommandLine(ProgramTest):
    def test_greedy_for_every_batch_and_thread_count(self):
        prompt = [5, 17, 3, 99, 0, 42, 8, 64, 23, 11, 1, 2, 100]
        for threads in (1, 2, 5):
            for batch in (1, 2, 3, 8):
                self.assertEqual(
                    self.ids("--tokens", self.tokens(prompt), "-n", 20,
                             "-t", threads, "--batch-size", batch),
                    greedy(prompt, 20), (threads, batch))

    def test_as_many_threads_as_cores(self):
        ids = self.tokens([1, 2])
        for cpus in ({min(os.sched_getaffinity(0))}, os.sched_getaffinity(0)):
            siblings = set()
            for cpu in cpus:
                path = (f"/sys/devices/system/cpu/cpu{cpu}/topology/"
                        "thread_siblings_list")
                with open(path) as file:
                    siblings.add(file.read())
            _, err = self.run_ok(
                "--tokens", ids, "-n", 1, "--print-ids",
                preexec_fn=lambda cpus=cpus: os.sched_setaffinity(0, cpus))
            threads = int(re.search(r"threads: (\d+)", err).group(1))
            # A control group may grant less time than there are cores.
            self.assertLessEqual(threads, len(siblings))
            self.assertGreaterEqual(threads, 1)

    def test_logits_of_all_positions(self):
        prompt = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 50]
        for batch in (1, 5, 8):
            file = self.path("l.npy")
            out, _ = self.run_ok("--tokens", self.tokens(prompt),
                                 "--logits-out", file, "--batch-size", batch)
            self.assertEqual(out, "")
            self.assertEqual(
                read_npy(file),
                [logits(prompt[:i + 1]) for i in range(len(prompt))])
        self.assertEqual(sorted(os.listdir(self.folder)), ["ids", "l.npy"])

    def test_logits_and_generation_together(self):
        prompt = [1, 2, 3]
        file = self.path("l.npy")
        self.assertEqual(self.ids("--tokens", self.tokens(prompt), "-n", 4,
                                  "--logits-out", file), greedy(prompt, 4))
        self.assertEqual(len(read_npy(file)), 3)

    def test_unwritable_logits(self):
        ids = self.tokens([1, 2])
        self.run_error(r"/none/l.npy: cannot create: No such file",
                       "--tokens", ids, "--logits-out", "/none/l.npy")
        self.run_error(r"/dev/full: cannot write: No space left",
                       "--tokens", ids, "--logits-out", "/dev/full")
        self.assertFalse(os.path.isfile("/dev/full"))

    def test_full_disk_on_standard_output(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run(
                LAUNCHER + [os.path.join(FOLDER, "fake"), "--tokens",
                            self.tokens([1]), "-n", "3", "-q"],
                stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual(result.returncode, 1)
        self.assertIn("standard output: cannot write", result.stderr)

    def test_seed_fixes_the_text(self):
        args = ("--tokens", self.tokens([4, 4]), "-n", 30, "--temp", 1.5,
                "--top-k", 0, "--top-p", 1, "--min-p", 0)
        first, _ = self.run_ok(*args, "--seed", 7)
        again, _ = self.run_ok(*args, "--seed", 7, "-t", 3)
        other, _ = self.run_ok(*args, "--seed", 8)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        # Recorded once on x86-64: the same on every machine.
        self.assertEqual(first.split()[:6], SEED_7)

    def test_stops_when_the_context_is_full(self):
        prompt = list(range(10))
        out, err = self.run_ok("--tokens", self.tokens(prompt), "-c", 16,
                               "--temp", 0)
        self.assertEqual([int(w) for w in out.split()], greedy(prompt, 7))
        self.assertIn("note: the context of 16 tokens is full", err)
        self.assertEqual(self.ids("--tokens", self.tokens(prompt), "-c", 10,
                                  "-n", 1), greedy(prompt, 1))

    def test_speed_report(self):
        ids = self.tokens([1, 2, 3])
        _, err = self.run_ok("--tokens", ids, "-n", 5)
        self.assertRegex(err, r"prompt: 3 tokens in [\d.]+ s, [\d.]+ tokens/s")
        self.assertRegex(err, r"generation: 5 tokens in [\d.]+ s, [\d.]+ tok")
        _, err = self.run_ok("--tokens", ids, "-n", 5, "--quiet")
        self.assertEqual(err, "")

    def test_perplexity(self):
        tokens = [(i * i) % VOCAB for i in range(23)]
        for window in (5, 11, 23):
            total, count = 0, 0
            for start in range(0, len(tokens), window):
                part = tokens[start:start + window]
                for i in range(1, len(part)):
                    row = logits(part[:i])
                    total += math.log(sum(map(math.exp, row))) - row[part[i]]
                    count += 1
            out, _ = self.run_ok("--ppl", "--tokens", self.tokens(tokens),
                                 "--ppl-window", window)
            match = re.match(r"perplexity: ([\d.]+) \((\d+) tokens", out)
            self.assertEqual(int(match[2]), count)
            self.assertAlmostEqual(float(match[1]) / math.exp(total / count),
                                   1, places=5)

    def test_bench(self):
        out, _ = self.run_ok("--bench", "--bench-prompt", 40, "-n", 10)
        self.assertRegex(out, r"prefill: 40 tokens, [\d.]+ tokens/s \(3 runs")
        self.assertRegex(out, r"decode: 10 tokens, [\d.]+ tokens/s")
        out, _ = self.run_ok("--bench", "--bench-prompt", 9, "-n", 4,
                             "--bench-sequences", 3)
        self.assertRegex(out, r"decode: 4 tokens, [\d.]+ tokens/s")
        self.assertRegex(out, r"decode of 3 sequences: 12 tokens, [\d.]+ tok")
        self.assertRegex(out, r"\nstep of 3 sequences: [\d.]+ times the time")
        self.run_error("--bench: expected a prompt and new tokens that fit",
                       "--bench", "--bench-prompt", 290, "-n", 11)

    def test_info_help_version(self):
        out, _ = self.run_ok("--info")
        self.assertIn("a model for tests\n", out)
        self.assertIn("weights: 4096 bytes\n", out)
        self.assertIn("cpu features: none\n", out)
        out, _ = self.run_ok("--help", "-n", "5")
        for option in ("--prompt", "--top-k", "--ctx-size", "--logits-out"):
            self.assertIn(option, out)
        self.assertLessEqual(max(map(len, out.split("\n"))), 79)
        out, _ = self.run_ok("--version")
        self.assertRegex(out, r"\Abitnet runtime \d+\.\d+\.\d+, interface \d")

    def test_missing_cpu_feature_is_a_sentence(self):
        ids = self.tokens([1])
        self.run_error(r"this program needs feature 63, which this CPU lacks; "
                       r"recompile with --cpu=\S+$", "--tokens", ids,
                       program="fake_features")
        out, _ = self.run_ok("--info", program="fake_features")
        self.assertIn("cpu features: feature 63\n", out)

    def test_other_interface_version(self):
        self.run_error(r"runtime interface: expected version \d+, but got 999",
                       "--info", program="fake_abi")

    def test_damaged_files(self):
        with open(os.path.join(FOLDER, "fake"), "rb") as file:
            whole = file.read()

        def damaged(data):
            path = self.path("damaged")
            if os.path.exists(path):
                os.remove(path)
            with open(path, "wb") as file:
                file.write(data)
            os.chmod(path, 0o755)
            return path

        self.run_error("trailer: expected the model's data at the end",
                       "--info", program=damaged(whole[:-1]))
        trailer = list(struct.unpack("<4Q", whole[-40:-8]))

        def with_trailer(**changes):
            numbers = list(trailer)
            for index, value in changes.items():
                numbers[int(index[1:])] = value
            return damaged(whole[:-40] + struct.pack("<4Q", *numbers) +
                           whole[-8:])

        self.run_error("weights section: expected an offset that is a multipl",
                       "--info", program=with_trailer(_0=trailer[0] + 64))
        self.run_error("weights section: expected it to end before byte",
                       "--info", program=with_trailer(_0=1 << 62))
        self.run_error("weights section: expected it to end before byte",
                       "--info", program=with_trailer(_1=(1 << 64) - 1))
        self.run_error("weights section: expected 4096 bytes, but got 4095",
                       "--info", program=with_trailer(_1=4095))
        self.run_error("tokenizer section: .*; compile the model again",
                       "-p", "a", program=with_trailer(_3=16, _2=trailer[0]))

    def test_bad_values(self):
        ids = self.tokens([1, 2])
        for expected, *args in (
            (r'unknown option "--frobnicate"; see --help', "--frobnicate"),
            (r'unexpected argument "Hello"; give a prompt with -p', "Hello"),
            (r'--top-p: expected a number from 0 to 1, but got "2"',
             "--top-p", "2"),
            (r'--top-p: .* but got "nan"', "--top-p", "nan"),
            (r'--temp: .* but got "hot"', "--temp=hot"),
            (r"--threads: expected a whole number from 1 to 1024", "-t0"),
            (r'--threads: .* but got "-1"', "-t", "-1"),
            (r"--predict: expected N, but got nothing", "-n"),
            (r'--info: expected no value, but got "1"', "--info=1"),
            (r"expected one of --prompt, --file, --prompts, --tokens", "-p",
             "a", "--tokens", ids),
            (r"--parallel: expected several prompts, but got none; give "
             r"--prompts FILE", "--tokens", ids, "--parallel", 2),
            (r"--prompts: expected no measurement, but got --logits-out",
             "--prompts", "f", "--logits-out", "x.npy"),
            (r"no tokenizer; give token ids with --tokens", "--prompts", "f"),
            (r"sequences: expected 1 to 6, which the model was compiled for "
             r"\(--max-sequences\), but got 7", "--bench",
             "--bench-sequences", 7),
            (r"context: expected at most 300 positions", "--tokens", ids,
             "-c", "301"),
            (r"batch size: expected at most 8 tokens", "--tokens", ids,
             "--batch-size", "9"),
            (r"--ppl: expected a file, but got none", "--ppl"),
            (r"--ppl-window: expected at most 20", "--ppl", "--tokens", ids,
             "-c", "20", "--ppl-window", "21"),
            (r"--logits-out: expected a prompt", "--logits-out", "x.npy"),
            (r"no tokenizer; give token ids with --tokens", "-p", "Hello"),
            (r"no tokenizer; give token ids with --tokens",),
            (r"/none: cannot open: No such file", "--tokens", "/none"),
        ):
            with self.subTest(args=args):
                self.run_error(expected, *args)

    def test_bad_token_files(self):
        self.run_error("ids: expected token ids, but got an empty file",
                       "--tokens", self.path("ids", " \n"))
        self.run_error(r'ids: token 2: expected a token id, but got "x1"',
                       "--tokens", self.path("ids", "1 x1"))
        self.run_error(r'token 1: expected a token id, but got "-1"',
                       "--tokens", self.path("ids", "-1"))
        self.run_error(r'token 1: .*, but got "99999999999"',
                       "--tokens", self.path("ids", "99999999999"))
        self.run_error(r"token 2: expected an id from 0 to 100, but got 101",
                       "--tokens", self.path("ids", "1 101"))
        self.run_error(r"prompt: expected at most 300 tokens, the context "
                       r"size, but got 301; give a shorter prompt",
                       "--tokens", self.tokens([1] * 301))
        self.run_error(r"prompt: expected at most 8 tokens, .* raise it with "
                       r"-c \(this model takes up to 300\)",
                       "--tokens", self.tokens([1] * 9), "-c", 8)
        file = self.path("l.npy")
        self.run_error("token 2: expected an id", "--tokens",
                       self.path("ids", "1 101"), "--logits-out", file)
        self.run_error("prompt: expected at most", "--tokens",
                       self.tokens([1] * 301), "--logits-out", file)
        self.assertEqual(os.listdir(self.folder), ["ids"])

    def test_ctrl_c_ends_cleanly(self):
        process = self.start("--bench", "--bench-prompt", 200, "-n", 100,
                             "--bench-runs", 1000000, stdin=subprocess.DEVNULL)
        self.assertEqual(process.stdout.readline(), "model: fake\n")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (130, ""))

    def test_ctrl_c_while_it_waits_for_input(self):
        process = self.start("--tokens", "-", stdin=subprocess.PIPE)
        time.sleep(1)  # until it waits; nothing else shows that
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        out, err = process.communicate()
        self.assertEqual((process.returncode, out, err), (130, "", ""))

    def test_no_tokens_wanted(self):
        out, err = self.run_ok("--tokens", self.tokens([1, 2]), "-n", 0)
        self.assertEqual(out.strip(), "")
        self.assertIn("generation: 0 tokens", err)


@unittest.skipUnless(os.path.exists(os.path.join(FOLDER, "fake_text")),
                     "the tokenizer importer was not built")
class Text(ProgramTest):
    VOCAB, BOS = 319, 315

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(FOLDER, "cases.json")) as file:
            cls.cases = json.load(file)

    def talk(self, *args, lines=""):
        process = self.start(*args, stdin=subprocess.PIPE, program="fake_text")
        out, err = process.communicate(lines, timeout=120)
        self.assertEqual(process.returncode, 0, err)
        return out, err

    def ids(self, *args, **kwargs):
        out, _ = self.talk(*args, "--print-ids", "--ignore-eos", "--temp", 0,
                           **kwargs)
        return [[int(word) for word in line.split()]
                for line in out.splitlines()]

    def test_prompts_become_tokens(self):
        for case in self.cases[1:]:
            if len(case["ids"]) > 200 or "\0" in case["text"]:
                continue
            expected = [greedy(case["ids"], 3, self.VOCAB)]
            with self.subTest(text=case["text"]):
                self.assertEqual(self.ids("-p", case["text"], "-n", 3),
                                 expected)
                file = self.path("prompt")
                with open(file, "wb") as out:  # one line end is dropped
                    out.write(case["text"].encode() + b"\n")
                self.assertEqual(self.ids("-f", file, "-n", 3), expected)

    def test_echo_gives_the_prompt_back(self):
        for case in self.cases[1:]:
            # Python reads a carriage return as a line end.
            if len(case["ids"]) > 200 or "\r" in case["text"]:
                continue
            with self.subTest(text=case["text"]):
                out, _ = self.talk("--tokens", self.tokens(case["ids"]),
                                   "--echo", "-n", 0)
                self.assertEqual(out.encode(),
                                 case["decoded"].encode() + b"\n")

    def test_turns_continue_one_text(self):
        text = [self.BOS]
        expected = []
        lines = [case for case in self.cases if 2 < len(case["ids"]) < 30 and
                 "\n" not in case["text"] and "\r" not in case["text"]][:3]
        for case in lines:
            text += case["ids"][1:]  # bos only at the start
            expected.append(greedy(text, 4, self.VOCAB))
            text += expected[-1]
        self.assertEqual(len(lines), 3)
        self.assertEqual(
            self.ids("-n", 4,
                     lines="\n".join(case["text"] for case in lines)),
            expected)

    def test_a_full_context_starts_a_new_text(self):
        case = next(c for c in self.cases if 10 < len(c["ids"]) < 60)
        line = case["text"] + "\n"
        out, err = self.talk("-n", 2, "-c", len(case["ids"]) + 5,
                             "--print-ids", "--ignore-eos", "--temp", 0,
                             lines=2 * line)
        answer = " ".join(map(str, greedy(case["ids"], 2, self.VOCAB)))
        self.assertEqual(out, 2 * (answer + "\n"))
        self.assertIn("note: the context is full; starting a new text", err)

    def test_end_of_text_stops(self):
        # A first token that makes <|end_of_text|>, 316, the next one.
        start = next(t for t in range(self.VOCAB)
                     if following([t], self.VOCAB) == 316)
        args = ("--tokens", self.tokens([start]), "--temp", 0, "-n", 5)
        out, err = self.talk(*args)
        self.assertEqual(out, "\n")
        self.assertIn("generation: 1 tokens", err)
        out, err = self.talk(*args, "--print-ids")
        self.assertEqual(out, "316\n")
        out, err = self.talk(*args, "--ignore-eos")
        self.assertIn("generation: 5 tokens", err)

    def test_prompts_together(self):
        cases = [c for c in self.cases if len(c["ids"]) < 60 and c["text"] and
                 not set("\n\r\0") & set(c["text"])][:9]
        self.assertGreater(len(cases), 5)
        path = self.path("prompts")
        with open(path, "w", newline="") as file:
            file.write("\n".join(case["text"] for case in cases))  # no end
        expected = [greedy(case["ids"], 5, self.VOCAB) for case in cases]
        args = ("--prompts", path, "--temp", 0, "--ignore-eos", "-n", 5,
                "--seed", 3)
        for parallel in ([], ["--parallel", 1], ["--parallel", 4],
                         ["--parallel", 6]):
            out, err = self.talk(*args, *parallel, "--print-ids")
            self.assertEqual(
                [json.loads(line) for line in out.splitlines()],
                [{"prompt": i, "seed": 3 + i, "ids": ids, "tokens": 5,
                  "end": "limit"} for i, ids in enumerate(expected)])
            self.assertRegex(err, r"generation: %d tokens" % (5 * len(cases)))
        # As text, which --echo puts the prompt before.
        out, _ = self.talk(*args, "-q")
        plain = [json.loads(line)["text"] for line in out.split("\n")[:-1]]
        for case, text in zip(cases, plain):
            alone, _ = self.talk("-p", case["text"], *args[2:], "-q")
            self.assertEqual(text + "\n", alone)
        out, _ = self.talk(*args, "--echo", "-q")
        self.assertEqual(
            [json.loads(line)["text"] for line in out.split("\n")[:-1]],
            [case["text"] + text for case, text in zip(cases, plain)])

    def test_how_prompts_end(self):
        def ends(lines, *args):
            out, _ = self.talk("--prompts", self.path("p", lines), "--temp", 0,
                               "--print-ids", *args)
            return [(entry["end"], entry["tokens"])
                    for entry in map(json.loads, out.splitlines())]
        eos = next(case for case in self.cases if 0 < len(case["ids"]) < 60
                   and case["text"] and "\n" not in case["text"])
        count = len(eos["ids"])
        self.assertEqual(ends(eos["text"] + "\n", "-n", 0), [("limit", 0)])
        self.assertEqual(
            ends(eos["text"] + "\n", "--ignore-eos", "-c", count + 3),
            [("context", 4)])
        # One that ends by itself among others.
        sampling = ("--temp", 100, "--top-k", 0, "--top-p", 1, "--min-p", 0,
                    "-n", 120)
        lines = "abcdefghijklmnop"
        found = ends("\n".join(lines) + "\n", *sampling, "--seed", 1)
        self.assertEqual({end for end, _ in found}, {"eos", "limit"})
        for i, (end, made) in enumerate(found):
            out, _ = self.talk("-p", lines[i], *sampling, "--print-ids",
                               "--seed", 1 + i)
            self.assertEqual(out.split()[-1] == "316", end == "eos")
            self.assertEqual(len(out.split()), made)

    def test_bad_prompts(self):
        def error(expected, lines, *args):
            self.run_error(expected, "--prompts", self.path("p", lines), *args,
                           program="fake_text")
        error("p: expected prompts, one per line, but got an empty file", "")
        error("p: line 2: expected a prompt, but got an empty line", "a\n\nb")
        error(r"p: line 2: expected at most 5 tokens, the context size, but "
              r"got \d+; raise it with -c \(this model takes up to 300\)",
              "a\n" + "b c d " * 9, "-c", 5)
        error(r"p: line 1: expected at most 300 tokens, .* give a shorter "
              "prompt", "b c d " * 400)
        error("sequences: expected 1 to 6, .*, but got 7", "a", "--parallel", 7)
        self.run_error("none: cannot open", "--prompts", "/none",
                       program="fake_text")

    def test_perplexity_of_a_text(self):
        case = next(c for c in self.cases if 10 < len(c["ids"]) < 60)
        out, _ = self.talk("--ppl", self.path("text", case["text"]))
        self.assertIn(" (%d tokens, 1 windows" % (len(case["ids"]) - 1), out)
        self.assertIn("each after bos", out)

    def test_empty_prompts(self):
        empty = self.path("empty", "")
        for option in ("-f", "--ppl"):
            self.run_error("empty: expected a text, but got an empty file",
                           option, empty, program="fake_text")
        # bos alone is a prompt.
        self.assertEqual(self.ids("-p", "", "-n", 3),
                         [greedy([self.BOS], 3, self.VOCAB)])

    def test_waiting_threads_do_not_burn_the_cpu(self):
        process = self.start("-t", 3, "-n", 2, "--temp", 0, program="fake_text",
                             stdin=subprocess.PIPE)
        process.stdin.write("hello\n")
        process.stdin.flush()
        self.assertTrue(process.stdout.readline())
        status = f"/proc/{process.pid}/task"
        self.assertGreaterEqual(len(os.listdir(status)), 3)
        time.sleep(0.5)
        before = cpu_seconds(process.pid)
        time.sleep(2)
        spent = cpu_seconds(process.pid) - before
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0)
        # Spinning threads would spend up to six seconds.
        self.assertLess(spent, 0.05)

    def test_ctrl_c_ends_a_text(self):
        process = self.start("-p", "a", "--print-ids", "--ignore-eos",
                             program="fake_text", stdin=subprocess.DEVNULL)
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertTrue(out.endswith("\n"))
        self.assertIn("generation: ", err)
        self.assertNotIn("context", err)


SEED_7 = "88 16 66 49 86 57".split()

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
