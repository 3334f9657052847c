#!/usr/bin/env bash
# DistributedDataParallel averages the gradients of one backward() after a forward pass. Of two forward passes, real and generated,
# and then a backward() for each loss, the second's gradient stays with its process, without a word: the discriminators drift apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "two calls of backward() leave the same gradient in all processes, that of the sum of the losses"

import copy
import os

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.functional import softplus
from torch.nn.parallel import DistributedDataParallel

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.LeakyReLU(0.2), torch.nn.Linear(8, 1))
images = torch.randn(2, 2, 6, 4)  # of both processes, real and generated


def terms(discriminator, batch):
    return softplus(-discriminator(batch[0])).mean(), softplus(discriminator(batch[1])).mean()


def gradient(model):
    grads = (parameter.grad for parameter in model.parameters())
    return torch.cat([getattr(grad, "full_tensor", lambda grad=grad: grad)().flatten() for grad in grads])


def seen(rank, make, one_call):
    """Error of the gradient against that of both batches, and how far the processes differ, relative."""
    model, reference = make(copy.deepcopy(net)), copy.deepcopy(net)
    sum(sum(terms(reference, batch)) / 2 for batch in images).backward()
    losses = terms(model, images[rank])  # both forward passes, then the backward passes
    for loss in ([sum(losses)] if one_call else losses):
        loss.backward()
    mine, right = gradient(model), gradient(reference)
    of_all = [torch.zeros_like(mine) for _ in range(2)]
    dist.all_gather(of_all, mine)
    return [round(((a - b).norm() / right.norm()).item(), 3) for a, b in ((mine, right), of_all)]


def process(rank, results):
    dist.init_process_group("gloo", rank=rank, world_size=2, init_method=f"file://{os.getcwd()}/meeting")
    mesh = init_device_mesh("cpu", (2,))
    results[rank] = {
        "one backward()": seen(rank, DistributedDataParallel, True),
        "one for each loss": seen(rank, DistributedDataParallel, False),
        "one for each, fully_shard": seen(rank, lambda model: fully_shard(model, mesh=mesh), False),
    }
    dist.destroy_process_group()


context = torch.multiprocessing.get_context("fork")
with context.Manager() as manager:
    results = manager.dict()
    processes = [context.Process(target=process, args=(rank, results)) for rank in range(2)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    found = results[0]
as_found = min(found["one for each loss"]) > 0.05
as_found = as_found and max(found["one backward()"] + found["one for each, fully_shard"]) < 0.001
observed = f"relative error of the discriminator's gradient, and difference of the processes: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
