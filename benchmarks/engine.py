"""The fast engine against plain eager float32: seconds a step, GFLOP/s, the same picture?

    python benchmarks/engine.py steps [--side 512] [--recipes paper,fast]
    python benchmarks/engine.py floor [--side 512] [--recipes paper,fast]
    python benchmarks/engine.py agreement
    python benchmarks/engine.py scaling [--sides 64,128,256,512,1024,2048]

`steps` lets the two engines take turns, each in a process of its own. The twin is the loop as the
published notebooks have it: float32, contiguous, torch's own padding and enlarging, torch's default
Adam, jitter drawn at every step. `floor` times a recipe's convolutions alone, in the
engine's precision, forward and backward, in turn with a whole step: the share is that of their
rate which the step reaches. They are those of the network as written: what the engine leaves out of
them (`networks/enlarged.py`) counts as done. `scaling` runs the
`fast` recipe for a few steps at each size in a process of its own, for its peak memory.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import multiprocessing
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import common
import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator

from untrained import find_recipe, restore
from untrained.fitting import PLAIN, FixedSteps, freed_memory_kept, pick_device
from untrained.images import to_unit
from untrained.networks import enlarged, layers
from untrained.noise import estimate_noise
from untrained.objectives import DataFit, Problem
from untrained.recipes import Recipe
from untrained.restoring import assemble, predict_memory, summarize_recipe

Step = Callable[[], None]


def scene(side: int) -> np.ndarray:
    """Return a noisy picture of this size, tiled from the astronaut."""
    picture = common.load("astronaut")
    times = -(-side // picture.shape[0])
    return common.noisy(np.tile(picture, (times, times, 1))[:side, :side], "gauss:25")


def problem_of(side: int, device: torch.device) -> Problem:
    observed, _, _ = to_unit(scene(side))
    return Problem(observed=observed, noise=estimate_noise(observed)).to(device)


def engine_step(recipe: Recipe, problem: Problem) -> Step:
    """Return a function that takes one step as `fit` does."""
    parts = assemble(problem, recipe, seed=0)
    run = recipe.acceleration.prepare(parts.network, problem.observed.device)
    optimizer = recipe.optimizer.build(parts.network.parameters())
    average = recipe.average.start() if recipe.average else None

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        iterate = parts.objective(run)
        iterate.loss.backward()
        optimizer.step()
        if average is not None:
            average.update(iterate.estimate)

    return step


def notebook_step(recipe: Recipe, problem: Problem) -> Step:
    """Return a function that takes one step as the published notebooks do."""
    device = problem.observed.device
    channels = problem.observed.shape[1]
    objective = recipe.objective
    inputs = objective.in_channels(channels)
    network = recipe.network.build(inputs, channels, generator=Generator().manual_seed(0))
    network.to(device)
    for module in network.modules():
        if isinstance(module, layers.Conv2d):
            module.__class__ = torch.nn.Conv2d
    layers.double_bilinear = functools.partial(F.interpolate, scale_factor=2, mode="bilinear")
    enlarged._LEAST = math.inf
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    z = 0.1 * torch.rand(1, inputs, *problem.observed.shape[-2:], device=device)
    jitter = objective.jitter if isinstance(objective, DataFit) else 1 / 30
    average: torch.Tensor | None = None

    def step() -> None:
        nonlocal average
        optimizer.zero_grad()
        image = network(z + jitter * torch.randn_like(z))
        loss = torch.nn.functional.mse_loss(image, problem.observed)
        loss.backward()
        optimizer.step()
        image = image.detach()
        average = image if average is None else 0.99 * average + 0.01 * image

    return step


def take_turns(recipe: Recipe, side: int, device: str, rounds: int) -> dict[str, float]:
    """Return the median seconds of a step of each engine; one runs while the other waits."""
    context = multiprocessing.get_context("spawn")
    workers = {}
    for engine in ("eager", "engine"):
        ours, theirs = context.Pipe()
        arguments = (engine, recipe, side, device, theirs)
        context.Process(target=work, args=arguments, daemon=True).start()
        theirs.close()  # so that a dead worker is noticed
        workers[engine] = ours
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            worker.send("step")
            seconds[name].append(worker.recv())
    for worker in workers.values():
        worker.send("end")
    return {name: statistics.median(values) for name, values in seconds.items()}


def work(engine: str, recipe: Recipe, side: int, device_name: str, pipe: Connection) -> None:
    """Take a warm-up step, then one whenever told to, and send back its seconds."""
    device = pick_device(device_name)
    problem = problem_of(side, device)
    kept = freed_memory_kept() if engine == "engine" else contextlib.nullcontext()
    with kept:
        step = (engine_step if engine == "engine" else notebook_step)(recipe, problem)
        step()
        while pipe.recv() == "step":
            pipe.send(timed(step, device))


def steps(options: argparse.Namespace) -> dict[str, object]:
    rows, data = [], {}
    for name in options.recipes.split(","):
        recipe = recipe_of(name)
        seconds = take_turns(recipe, options.side, options.device, options.rounds)
        gflop = summarize_recipe(recipe, options.side, options.side, 3).flops / 1e9
        ratio = seconds["eager"] / seconds["engine"]
        rows.append([
            name, f"{gflop:.0f}", f"{seconds['eager']:.3f}", f"{seconds['engine']:.3f}",
            f"**{ratio:.1f}×**", f"{gflop / seconds['eager']:.0f}",
            f"{gflop / seconds['engine']:.0f}",
        ])  # fmt: skip
        data[name] = {**seconds, "gflop": gflop, "ratio": ratio}
    header = ["recipe's network", "GFLOP a step", "eager s/step", "engine s/step", "ratio",
              "eager GFLOP/s", "engine GFLOP/s"]  # fmt: skip
    print(common.table(header, rows))
    return data


def floor(options: argparse.Namespace) -> dict[str, object]:
    """Time every convolution of a network by itself, in turn with a whole step of the engine."""
    device = pick_device(options.device)
    rows: list[list[str]] = []
    data: dict[str, object] = {}
    for name in options.recipes.split(","):
        recipe = recipe_of(name)
        calls = convolutions(recipe, options.side)
        dtype = getattr(torch, recipe.acceleration.resolve(device).precision)
        gflop = summarize_recipe(recipe, options.side, options.side, 3).flops / 1e9
        times = []
        with freed_memory_kept():
            step = engine_step(recipe, problem_of(options.side, device))
            step()
            for _ in range(options.rounds):
                alone = sum(time_convolution(*call, device, dtype) for call in calls)
                times.append((timed(step, device), alone))
        whole, alone = (statistics.median(column) for column in zip(*times, strict=True))
        share = statistics.median(alone / whole for whole, alone in times)
        rows.append([
            name, str(len(calls)), f"{alone:.3f}", f"{gflop / alone:.0f}", f"{whole:.3f}",
            f"{gflop / whole:.0f}", f"{100 * share:.0f} %",
        ])  # fmt: skip
        data[name] = {"alone": alone, "whole": whole, "share": share}
    header = ["recipe's network", "convolutions", "alone s/step", "GFLOP/s", "engine s/step",
              "GFLOP/s", "share"]  # fmt: skip
    print(common.table(header, rows))
    return data


Call = tuple[tuple[int, ...], torch.nn.Conv2d]


def convolutions(recipe: Recipe, side: int) -> list[Call]:
    """Return the input shape and the module of every convolution of the network as written."""
    channels = recipe.objective.in_channels(3)
    network = recipe.network.build(channels, 3, generator=Generator().manual_seed(0)).to("meta")
    calls: list[Call] = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_pre_hook(lambda m, x: calls.append((tuple(x[0].shape), m)))
    size = recipe.network.input_size(side, side)
    network(torch.empty(1, channels, *size, device="meta"))
    return calls


def timed(step: Step, device: torch.device) -> float:
    """Return the seconds that a step takes."""
    began = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def time_convolution(
    shape: tuple[int, ...], module: torch.nn.Conv2d, device: torch.device, dtype: torch.dtype
) -> float:
    """Return the seconds of a pass forward and backward, warm, padded with imagined zeros."""
    x, weight = (
        torch.randn(size, device=device, dtype=dtype)
        .to(memory_format=torch.channels_last)
        .requires_grad_()
        for size in (shape, module.weight.shape)
    )
    pad = module.kernel_size[0] // 2

    def both_ways() -> None:
        result = F.conv2d(x, weight, stride=module.stride, padding=pad)
        torch.autograd.grad(result, (x, weight), result.detach())

    both_ways()
    return timed(both_ways, device)


def recipe_of(name: str) -> Recipe:
    """Return the recipe of [TASK:]NAME."""
    task, _, short = name.rpartition(":")
    return find_recipe(task or "denoise", short)


def agreement(options: argparse.Namespace) -> dict[str, object]:
    """Fit the same recipe with both engines, step for step."""
    rows, data = [], {}
    truth = common.central(common.load("chelsea"), options.side if options.side < 300 else 128)
    observed = common.noisy(truth, "gauss:25")
    for name in options.recipes.split(","):
        recipe = recipe_of(name)
        recipe = replace(recipe, max_steps=options.fit_steps, stopper=FixedSteps())
        result = {}
        for engine, acceleration in (("eager", PLAIN), ("engine", recipe.acceleration)):
            done = restore(observed, recipe=replace(recipe, acceleration=acceleration),
                           truth=truth)  # fmt: skip
            assert done.score is not None
            result[engine] = done.score.psnr_kept
        difference = result["engine"] - result["eager"]
        rows.append([name, f"{result['eager']:.2f}", f"{result['engine']:.2f}",
                     f"{difference:+.2f}"])  # fmt: skip
        data[name] = result
    print(common.table(["recipe", "eager float32 dB", "engine dB", "difference"], rows))
    return data


def scaling(options: argparse.Namespace) -> dict[str, object]:
    """Take a few steps at each size, each in a process of its own."""
    rows, data = [], {}
    for side in map(int, options.sides.split(",")):
        command = [sys.executable, __file__, "one", "--side", str(side), "--recipes",
                   options.recipes.split(",")[-1], "--device", options.device]  # fmt: skip
        line = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        one = json.loads(line.splitlines()[-1])
        rows.append([
            f"{side}²", f"{one['seconds']:.3f}", f"{1e9 * one['seconds'] / side**2:.0f}",
            f"{one['peak'] / 2**30:.2f}", f"{one['predicted'] / 2**30:.2f}",
        ])  # fmt: skip
        data[str(side)] = one
    header = ["size", "s/step", "ns a pixel", "peak GiB above the start", "predicted GiB"]
    print(common.table(header, rows))
    return data


def one(options: argparse.Namespace) -> dict[str, object]:
    device = pick_device(options.device)
    recipe = recipe_of(options.recipes)
    problem = problem_of(options.side, device)
    torch.nn.functional.conv2d(torch.ones(1, 3, 64, 64), torch.ones(3, 3, 3, 3))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    with freed_memory_kept():
        step = engine_step(recipe, problem)
        for _ in range(options.rounds + 1):
            seconds.append(timed(step, device))
    peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated()
    median = statistics.median(seconds[1:])  # the first is a warm-up
    result = {"seconds": median, "peak": peak, "predicted": predict_memory(recipe, problem)}
    print(json.dumps(result))
    return dict(result)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("steps", "floor", "agreement", "scaling", "one"))
    parser.add_argument("--recipes", default="paper,fast", help="[TASK:]NAME, with commas")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--sides", default="64,128,256,512,1024,2048")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fit-steps", type=int, default=300)
    parser.add_argument("--device", default="auto")
    parser.add_argument("-o", "--output", type=Path, help="JSON file")
    options = parser.parse_args()
    data = globals()[options.what](options)
    if options.output:
        common.save(options.output, {"machine": common.machine(), options.what: data})


if __name__ == "__main__":
    main()
