# SPDX-License-Identifier: Apache-2.0
"""Train the bundled BitNet b1.58 example model and write its directory.

    apt-get install bible-kjv bible-kjv-text
    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python train_kjv.py --minutes 60 --out ../kjv

Quantisation-aware from the first step: float32 master weights are rounded to
{-1, 0, 1} times their absmean in every forward pass, gradients pass straight
through.  At the end the ternary weights are packed four to a byte as in
microsoft/bitnet-b1.58-2B-4T, read back, and scored on the held-out books.

With --minutes the clock ends the run, and what it prints tells the options
which repeat it.  The same seed draws the same batches and the same
dropout whatever the machine; the sums are the same to the last bit only on the
same processor type with the same number of threads.
"""

import argparse
import os
import signal
import sys
import time
from types import SimpleNamespace

# Large activations come and go at every operation.  Kept in the heap rather
# than mapped afresh they save a page fault per 4 KB, a third of the run.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4294967296",
             "MALLOC_TRIM_THRESHOLD_": "34359738368",
             "MALLOC_TOP_PAD_": "268435456"}


def parse_arguments():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", default="kjv", help="directory to write")
    p.add_argument("--text", help="verses as printed by `bible -f "
                   "gen1:1-rev22:21`; default: run that command")
    p.add_argument("--steps", type=int, help="optimiser steps")
    p.add_argument("--minutes", type=float,
                   help="wall-clock training budget, used without --steps")
    p.add_argument("--long-from", type=int,
                   help="step from which rows have the whole context instead "
                   "of half (default: that of --decay-from)")
    p.add_argument("--decay-from", type=int,
                   help="step from which the learning rate falls and weight "
                   "decay is off (default: after 65 %% of the run)")
    p.add_argument("--halving", type=int,
                   help="steps in which the falling learning rate halves "
                   "(default: five times in what is left of the run)")
    p.add_argument("--checkpoint", default="kjv-checkpoint.pt",
                   help="file for the state of the run (default: %(default)s)")
    p.add_argument("--resume", action="store_true",
                   help="go on from the checkpoint")
    p.add_argument("--export-only", action="store_true",
                   help="write the directory from the checkpoint and stop")
    p.add_argument("--batch-tokens", type=int, default=4096,
                   help="tokens per step (default: %(default)s)")
    p.add_argument("--lr", type=float, default=3e-3,
                   help="peak learning rate (default: %(default)s)")
    p.add_argument("--dropout", type=float, default=0.1,
                   help="residual dropout (default: %(default)s)")
    p.add_argument("--weight-decay", type=float, default=0.1,
                   help="AdamW decay until the learning rate falls "
                   "(default: %(default)s)")
    p.add_argument("--threads", type=int, default=1,
                   help="CPU threads (default: %(default)s)")
    p.add_argument("--seed", type=int, default=1,
                   help="seed of weights, batches, dropout "
                   "(default: %(default)s)")
    p.add_argument("--no-compile", action="store_true",
                   help="do without torch.compile (needs no C++ compiler)")
    return p.parse_args()


def model_shape(args):
    return SimpleNamespace(
        vocab=2048, hidden=256, inter=768, layers=6, heads=4, kv_heads=2,
        head_dim=64, context=512, theta=10000.0, eps=1e-5, init_std=0.02,
        dropout=args.dropout)


class Batches:
    """Rows of `context` tokens after <|begin_of_text|>.

    Half of the rows start anywhere, as the windows of the perplexity
    measurement do.  The other half start at a chapter, which ends with
    <|end_of_text|>: so a prompt that is a chapter's heading yields a chapter
    that ends.
    """

    def __init__(self, tokenizer, chapters, shape, args):
        import torch
        ids = [e.ids for e in tokenizer.encode_batch(
            chapters, add_special_tokens=False)]
        bos = tokenizer.token_to_id("<|begin_of_text|>")
        eos = tokenizer.token_to_id("<|end_of_text|>")
        self.bos, self.n = bos, shape.context
        self.plain = torch.tensor([t for c in ids for t in c])
        self.marked = torch.tensor([t for c in ids for t in [bos, *c, eos]])
        starts = (self.marked == bos).nonzero()[:, 0]
        self.starts = starts[starts + self.n < len(self.marked)]

    def draw(self, tokens, length, g):
        """(inputs, targets) of rows of `length` tokens, from generator g."""
        import torch
        rows = []
        for r in range(tokens // length):
            if r % 2:
                i = torch.randint(len(self.starts), (1,), generator=g)
                i = self.starts[i].item()
                rows.append(self.marked[i:i + length + 1])
            else:
                i = torch.randint(len(self.plain) - self.n, (1,), generator=g)
                row = self.plain[i.item():i.item() + length]
                rows.append(torch.cat([torch.tensor([self.bos]), row]))
        rows = torch.stack(rows)
        return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()

    def windows(self):
        """Non-overlapping windows, as the perplexity protocol has them."""
        import torch
        body = self.plain[:len(self.plain) // self.n * self.n]
        body = body.view(-1, self.n)
        bos = torch.full((len(body), 1), self.bos)
        rows = torch.cat([bos, body], 1)
        return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


# The learning rate warms up, stays, and from step --decay-from on halves every
# --halving steps down to a floor.  No part of this depends on the number of
# steps, so a run can be stopped at any time and be repeated exactly.
WARMUP, FLOOR = 100, 0.01
# Where the falling part of a run starts and how often the rate halves in it.
CONSTANT_PART, HALVINGS = 0.65, 5
# Over how many steps the speed is measured.
SPEED_STEPS = 20
SCHEDULE = ("long_from", "decay_from", "halving")


def learning_rate(step, run, peak):
    if step < WARMUP:
        return peak * (step + 1) / WARMUP
    if run["decay_from"] is None or step < run["decay_from"]:
        return peak
    halvings = (step - run["decay_from"]) / run["halving"]
    return peak * max(FLOOR, 0.5 ** halvings)


def plan_decay(args, run, elapsed):
    """Starts the falling part when its time has come, if nobody said when."""
    step, seconds = run["steps"], run["seconds"]
    if args.steps is not None:
        part, left = step / args.steps, args.steps - step
    else:
        # `elapsed` seconds went by for the last SPEED_STEPS steps.
        part = seconds / 60 / args.minutes
        left = (args.minutes * 60 - seconds) / (elapsed / SPEED_STEPS)
    if part < CONSTANT_PART:
        return
    run["decay_from"] = step
    if run["halving"] is None:
        run["halving"] = max(5, int(left / HALVINGS))
    if run["long_from"] is None:
        run["long_from"] = step
    print("to repeat: " + schedule_options(run), flush=True)


def schedule_options(run):
    return " ".join(f"--{k.replace('_', '-')} {run[k]}"
                    for k in SCHEDULE)


def validate(model, validation):
    import torch
    with torch.no_grad():
        losses = [model(ids[None], targets[None]).item()
                  for ids, targets in zip(*validation)]
    return sum(losses) / len(losses)


def save(path, model, optimizer, run):
    import torch
    torch.save({"model": model.state_dict(),
                "optimizer": optimizer.state_dict(), "run": run},
               path + ".tmp")
    os.replace(path + ".tmp", path)


def make_optimizer(args, model):
    import torch
    matrices = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": args.weight_decay},
         {"params": others, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.95), eps=1e-8, fused=True)


def start(args, model, optimizer):
    """The state of a new run, or of the one in the checkpoint."""
    import torch
    given = {k: getattr(args, k) for k in SCHEDULE}
    run = {"steps": 0, "seconds": 0.0, "resumed_at": [], **given}
    if args.resume or args.export_only:
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        run.update(state["run"])
        run.update((k, v) for k, v in given.items() if v is not None)
    if args.resume:
        run["resumed_at"].append(run["steps"])
    return run


def finished(args, run):
    if args.steps is not None:
        return run["steps"] >= args.steps
    return run["seconds"] >= args.minutes * 60


def set_rates(args, run, optimizer):
    """Applies the schedule to the next step; returns its learning rate."""
    step = run["steps"]
    if run["decay_from"] is not None and step >= run["decay_from"]:
        optimizer.param_groups[0]["weight_decay"] = 0.0
    rate = learning_rate(step, run, args.lr)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def train(args, model, optimizer, run, batches, validation):
    """Takes steps, and counts them in `run`, until it is finished."""
    import torch
    from bitnet_qat import DropoutPool
    # A signal ends the run after the current step, with all that belongs to
    # an end: a checkpoint, and the directory.
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    signal.signal(signal.SIGINT, lambda *_: stop.append(True))
    masks = None
    if args.dropout > 0:
        masks = DropoutPool(model.c, args.batch_tokens, args.seed)
    compiled = model if args.no_compile else torch.compile(model,
                                                           dynamic=False)
    begin, before, times = time.time(), run["seconds"], []
    while not stop and not finished(args, run):
        step = run["steps"]
        times.append(time.time())
        if run["decay_from"] is None and len(times) > SPEED_STEPS:
            plan_decay(args, run, times[-1] - times[-1 - SPEED_STEPS])
        rate = set_rates(args, run, optimizer)
        # Short rows are quicker; the end of the run sees the whole context.
        long = run["long_from"] is not None and step >= run["long_from"]
        length = model.c.context // (1 if long else 2)
        # Each step draws from its own seed, so that a resumed run goes on as
        # the uninterrupted one would.
        g = torch.Generator().manual_seed(args.seed * 1000003 + step)
        ids, targets = batches.draw(args.batch_tokens, length, g)
        loss = compiled(ids, targets, masks and masks.draw(g))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        run["steps"], run["seconds"] = step + 1, before + time.time() - begin
        if step % 20 == 0:
            print(f"step {step} loss {loss.item():.4f} lr {rate:.2e} "
                  f"{run['seconds']:.0f} s", flush=True)
        if step % 100 == 99:
            save(args.checkpoint, model, optimizer, run)
        if step % 250 == 249:
            print(f"step {step} validation loss "
                  f"{validate(model, validation):.4f}", flush=True)
    save(args.checkpoint, model, optimizer, run)


def main():
    args = parse_arguments()
    if args.steps is None and args.minutes is None and not args.export_only:
        raise SystemExit("train_kjv: error: give --steps or --minutes")
    if any(os.environ.get(k) != v for k, v in ALLOCATOR.items()):
        # glibc reads these once, when the process starts.
        os.environ.update(ALLOCATOR)
        os.execv(sys.executable, [sys.executable] + sys.argv)

    import torch
    import kjv_export
    import kjv_text
    from bitnet_qat import Model
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    shape = model_shape(args)
    parts = kjv_text.split(kjv_text.read_chapters(args.text))
    tokenizer = kjv_export.train_tokenizer(parts[0], shape.vocab)
    batches = Batches(tokenizer, parts[0], shape, args)
    validation = Batches(tokenizer, parts[1], shape, args).windows()
    model = Model(shape)
    print(f"{len(batches.plain)} training tokens, "
          f"{sum(p.numel() for p in model.parameters())} parameters",
          flush=True)
    optimizer = make_optimizer(args, model)
    run = start(args, model, optimizer)
    if not args.export_only:
        train(args, model, optimizer, run, batches, validation)
    run = {**vars(args), **run, "training_tokens": len(batches.plain),
           "validation_loss": validate(model, validation)}
    kjv_export.write_directory(args.out, model, shape, tokenizer, parts[2],
                               run)


if __name__ == "__main__":
    main()
