"""Compressed sensing: the operator is a random matrix with fewer rows than the image has pixels."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import HeldOut, LowestLoss, Muon, RmsProp
from untrained.networks import Dcgan, Noise
from untrained.objectives import LearnedRegularisation, MessagePassing
from untrained.recipes import inpaint
from untrained.recipes.denoise import compact
from untrained.recipes.recipe import Recipe
from untrained.refinement import Collaborative

__all__ = ["RECIPES", "TASK"]

TASK = "sensing"

CS_DIP = (
    "Van Veen, Jalal, Soltanolkotabi, Price, Vishwanath & Dimakis, Compressed sensing with deep "
    "image prior and learned regularization, arXiv 1806.06438, and its code"
)

fast = Recipe(
    name="fast",
    title="Message passing, the denoiser untrained (ours, 2026)",
    task=TASK,
    source="ours, measured in docs/measurements.md (compressed sensing): D-AMP (Metzler et al., "
    "2016) whose denoiser is collaborative filtering with an untrained network as its guide",
    network=compact,
    objective=MessagePassing(filter=Collaborative(patch=8, group=32, stride=7)),
    optimizer=Muon(lr=0.015, vector_lr=0.01),
    max_steps=200,
    check_every=6,
    stopper=HeldOut(fraction=0.02, patience=60),
    average=ExponentialAverage(decay=0.95, warm_up=True),  # of about three messages
)

dip = replace(
    inpaint.fast,
    name="dip",
    title="Deep Image Prior with a small network (ours, 2026)",
    task=TASK,
    source="ours: the network and optimizer of inpainting, for measurements of any kind; under "
    "random ones of the whole image `fast` is far better",
    objective=inpaint.from_noise,
    stopper=HeldOut(fraction=0.02, patience=200),
    max_steps=1500,
    exact_known=False,
)

paper = Recipe(
    name="paper",
    title="Compressed sensing with Deep Image Prior, X-rays (Van Veen et al., 2018)",
    task=TASK,
    source=f"{CS_DIP}: DCGAN, z of 64 normal numbers, RMSprop at .001, 1000 steps, total variation "
    "of .05; of the last iterates the one of the lowest loss; 5 restarts (restarts=5)",
    network=Dcgan(),
    objective=LearnedRegularisation(),
    optimizer=RmsProp(lr=0.001, momentum=0.9),
    max_steps=1000,
    check_every=1,
    stopper=LowestLoss(),
)

retino = replace(
    paper,
    name="paper-retino",
    title="Compressed sensing with Deep Image Prior, retinas (Van Veen et al., 2018)",
    source=f"{CS_DIP}, retinopathy, 128x128 in colour: z of 32, total variation of .02",
    network=Dcgan(
        widths=(64,) * 5, kernels=(4, 6, 6, 6, 6, 4), strides=(1, 2, 2, 2, 2, 2),
        paddings=(0, 2, 2, 2, 2, 1),
    ),
    objective=LearnedRegularisation(
        z=Noise(channels=32, scale=1.0, distribution="normal"), variation=0.02
    ),
)  # fmt: skip

RECIPES = (
    fast,
    replace(
        fast,
        name="best",
        title="Message passing, four networks (ours, 2026)",
        source="ours: as fast, four networks, whose mean is the filter's guide, and more messages",
        objective=MessagePassing(filter=Collaborative()),
        members=4,
        max_steps=360,
        stopper=HeldOut(fraction=0.02, patience=90),
    ),
    dip,
    paper,
    replace(
        paper,
        name="paper-learned",
        title="Deep Image Prior with learned regularization (Van Veen et al., 2018)",
        source=f"{CS_DIP}: as paper, with the weights of earlier fits (prior=) at a weight of 100",
        objective=LearnedRegularisation(learned=100.0),
    ),
    retino,
    replace(
        retino,
        name="paper-mnist",
        title="Compressed sensing with Deep Image Prior, digits (Van Veen et al., 2018)",
        source=f"{CS_DIP}, MNIST, 28x28: z of 128, total variation of .01",
        network=Dcgan(
            widths=(512, 256, 128, 64), kernels=(2, 4, 3, 3, 3), strides=(1,) * 5,
            paddings=(0, 0, 1, 1, 1), enlarge=(2, 1, 2, 2),
        ),
        objective=LearnedRegularisation(
            z=Noise(channels=128, scale=1.0, distribution="normal"), variation=0.01
        ),
    ),
)  # fmt: skip
