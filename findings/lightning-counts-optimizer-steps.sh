#!/usr/bin/env bash
# Lightning counts optimizer steps, not batches: with a generator's and a discriminator's optimizer, max_steps=100 trains
# 50 batches, and everything that goes by global_step (checkpoints, the x-axis of logs, disc_start) comes twice as early.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 lightning==2.6.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "lightning")
EXPECTED = "max_steps=100 trains 100 batches"

import logging
import warnings

import lightning
import torch

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Gan(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)
        self.batches = 0

    def configure_optimizers(self):
        return [torch.optim.SGD(net.parameters(), 0.01) for net in (self.generator, self.discriminator)]

    def training_step(self, batch, index):
        self.batches += 1
        for_generator, for_discriminator = self.optimizers()
        for_discriminator.zero_grad()
        self.manual_backward(self.discriminator(self.generator(batch[0]).detach()).mean())
        for_discriminator.step()
        for_generator.zero_grad()
        self.manual_backward(-self.discriminator(self.generator(batch[0])).mean())
        for_generator.step()


torch.manual_seed(0)
gan = Gan()
images = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(200, 4)), batch_size=1)
trainer = lightning.Trainer(
    max_steps=100, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(gan, images)
as_found = gan.batches == 50 and trainer.global_step == 100
observed = f"{gan.batches} batches, global_step {trainer.global_step}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
