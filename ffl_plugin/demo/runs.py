"""The two trainings of the demo, with the same seed and data: without FFL and with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from ffl_plugin.as_text import shortest
from ffl_plugin.demo.parallel import Script, run_together
from ffl_plugin.demo.repositories import flags_of_version

WITHOUT, WITH = "without", "with"

# Printed by every version of pytorch-CycleGAN-and-pix2pix at the end of an epoch.
END_OF_EPOCH = re.compile(r"End of epoch (\d+) / (\d+)")


@dataclass(frozen=True)
class Scale:
    """The size of the demo: square images of ``size`` pixels, numbers of images and epochs."""

    size: int
    train: int
    test: int
    epochs: int


# Both trainings take one to three minutes on two CPU cores. The real repository's smallest U-Net needs 128
# pixels.
EMBEDDED = Scale(size=64, train=256, test=32, epochs=12)
REAL = Scale(size=128, train=96, test=24, epochs=12)


@dataclass(frozen=True)
class Trainings:
    """Two trainings of one patched repository, all in ``out``."""

    out: Path
    scale: Scale
    seed: int
    weight: float

    @property
    def repository(self) -> Path:
        """The patched repository."""
        return self.out / "repository"

    @property
    def data(self) -> Path:
        """The training and test pairs."""
        return self.out / "data"

    def train(self, on_epoch: Callable[[int, int], None]) -> None:
        """Train both in parallel; call ``on_epoch(done, of)`` at the end of each epoch of either."""
        scripts = [self._training(which) for which in (WITHOUT, WITH)]
        done = {script.log: 0 for script in scripts}

        def follow(script: Script, line: str) -> None:
            ended = END_OF_EPOCH.search(line)
            if ended:
                done[script.log] = int(ended[1])
                on_epoch(sum(done.values()), 2 * self.scale.epochs)

        run_together(scripts, self.repository, self.seed, follow)

    def test(self) -> None:
        """Apply both generators to the test images."""
        scripts = [self._test(which) for which in (WITHOUT, WITH)]
        run_together(scripts, self.repository, self.seed, lambda script, line: None)

    def results(self, which: str) -> Path:
        """Return the folder of one training's result images."""
        return self.out / "results" / which

    def _training(self, which: str) -> Script:
        constant = self.scale.epochs - self.scale.epochs // 2
        arguments = self._arguments("train.py", which)
        arguments += ["--n_epochs", str(constant), "--n_epochs_decay", str(self.scale.epochs - constant)]
        arguments += ["--save_epoch_freq", str(self.scale.epochs), "--no_flip"]
        arguments += ["--print_freq", str(self.scale.train // 2)]
        arguments += flags_of_version(self.repository, "train_options.py")
        arguments += ["--ffl-weight", shortest(self.weight)] if which == WITH else []
        return Script(f"training {which} FFL", arguments, self.out / f"train-{which}.log")

    def _test(self, which: str) -> Script:
        arguments = self._arguments("test.py", which)
        arguments += ["--results_dir", str(self.out / "results"), "--num_test", str(self.scale.test)]
        return Script(f"testing {which} FFL", arguments, self.out / f"test-{which}.log")

    def _arguments(self, script: str, which: str) -> list[str]:
        size = str(self.scale.size)
        network = ["--netG", f"unet_{size}", "--ngf", "16", "--ndf", "16"]
        network += ["--load_size", size, "--crop_size", size]
        places = ["--dataroot", str(self.data), "--checkpoints_dir", str(self.out / "checkpoints")]
        arguments = [script, "--model", "pix2pix", "--name", which, *places, *network, "--num_threads", "0"]
        return arguments + flags_of_version(self.repository, "base_options.py")
