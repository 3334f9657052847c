#!/usr/bin/env bash
# Lightning's EMAWeightAveraging with an even update_every_n_steps never updates in a GAN step of two optimizers: the
# step it looks at after a batch is always odd. At the end the untrained average replaces the trained weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 lightning==2.6.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "lightning")
EXPECTED = "the average moves every second step, and ends near the trained weights"

import logging
import warnings

import lightning
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Gan(lightning.LightningModule):
    def __init__(self, optimizers):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)
        self.nets = [self.generator, self.discriminator][:optimizers]

    def configure_optimizers(self):
        return [torch.optim.SGD(net.parameters(), 0.1) for net in self.nets]

    def training_step(self, batch, index):
        optimizers = self.optimizers()
        for optimizer in optimizers if isinstance(optimizers, list) else [optimizers]:
            optimizer.zero_grad()
            self.manual_backward(self.discriminator(self.generator(batch[0])).square().mean())
            optimizer.step()


def change(optimizers):
    torch.manual_seed(0)
    gan = Gan(optimizers)
    before = gan.generator.weight.detach().clone()
    images = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(60, 4)), batch_size=1)
    lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[EMAWeightAveraging(decay=0.9, update_every_n_steps=2)],
    ).fit(gan, images)
    return float((gan.generator.weight - before).abs().max())


one, two = change(1), change(2)
as_found = one > 0 and two == 0
observed = f"after 60 batches the generator's averaged weights have moved by {one:.3f} with one optimizer, by {two} with two"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
