"""The flags on a launcher that has what stylegan2-ada's has: click, ``**kwargs``, a `UserError`."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from ffl_plugin import focal_frequency_loss
from ffl_plugin.integrations import stylegan2_ada as ffl


class UserError(Exception):
    pass


class EasyDict(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


def setup(
    gamma: float | None = None,
    resolution: int = 64,
    resume: str | None = None,
    ffl_options: dict[str, Any] | None = None,
) -> tuple[str, EasyDict]:
    args = EasyDict(training_set_kwargs=EasyDict(resolution=resolution), loss_kwargs=EasyDict(r1_gamma=10))
    desc = "faces"
    if gamma is not None:
        desc += f"-gamma{gamma:g}"
    desc += ffl.configure(args, ffl_options, UserError)
    return desc, args


@click.command()
@click.pass_context
@click.option("--outdir", required=True)
@click.option("--gamma", type=float)
@ffl.options
@click.option("--resolution", type=int, default=64)
@click.option("--resume")
def main(ctx: click.Context, outdir: str, **config_kwargs: Any) -> None:
    try:
        desc, args = setup(**config_kwargs)
    except UserError as err:
        ctx.fail(err)
    print(json.dumps([desc, args]))


# Before click 8.2, which needs Python 3.10, the two streams come mixed unless asked for.
SEPARATE = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


def run(*arguments: str) -> Result:
    return CliRunner(**SEPARATE).invoke(main, ["--outdir=runs", *arguments])


def description_and_loss_kwargs(*arguments: str) -> tuple[str, dict[str, Any]]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    desc, args = json.loads(result.stdout)
    return desc, args["loss_kwargs"]


@pytest.mark.parametrize("arguments", [[], ["--ffl-weight=0"], ["--ffl-weight=0", "--gamma=2"]], ids=str)
def test_off_changes_nothing(arguments: list[str]) -> None:
    desc, loss_kwargs = description_and_loss_kwargs(*arguments)
    assert desc == ("faces-gamma2" if "--gamma=2" in arguments else "faces")
    assert loss_kwargs == {"r1_gamma": 10}


def test_the_settings_are_plain_json_in_loss_kwargs_with_the_defaults_of_the_paper() -> None:
    desc, loss_kwargs = description_and_loss_kwargs("--ffl-weight=0.5")
    assert desc == "faces-ffl0.5"
    assert loss_kwargs["ffl_options"] == {
        "weight": 0.5,
        "share": 0.0,
        "share_steps": 400,
        "share_every": 0.0,
        "alpha": 1.0,
        "patch_factor": 1,
        "spectrum": "batch",
        "log_matrix": False,
        "batch_matrix": False,
        "sync": False,
        "variant": "focal",
        "start": 0.0,
        "ramp": 0.0,
        "monitor": 0,
    }


def test_every_flag_reaches_the_settings_and_the_name_of_the_run() -> None:
    desc, loss_kwargs = description_and_loss_kwargs(
        *["--ffl-weight", "2", "--ffl-alpha=1.5", "--ffl-patch-factor=4", "--ffl-spectrum=batch-amplitude"],
        *["--ffl-log-matrix", "--ffl-batch-matrix=1", "--ffl-sync", "--ffl-start=20", "--ffl-ramp=2.5"],
        "--ffl-monitor=7",
    )
    # What changes nothing in the training is not in its name.
    assert desc == "faces-ffl2-alpha1.5-pf4-batch-amplitude-lm-bm-sync-start20-ramp2.5"
    assert loss_kwargs["ffl_options"] == {
        "weight": 2.0,
        "share": 0.0,
        "share_steps": 400,
        "share_every": 0.0,
        "alpha": 1.5,
        "patch_factor": 4,
        "spectrum": "batch-amplitude",
        "log_matrix": True,
        "batch_matrix": True,
        "sync": True,
        "variant": "focal",
        "start": 20.0,
        "ramp": 2.5,
        "monitor": 7,
    }


@pytest.mark.parametrize("resolution", [[64, 96], (64, 96), "64x96", None], ids=str)
def test_oblong_images_are_known_by_two_numbers(resolution: list[int] | tuple[int, int] | str | None) -> None:
    args = EasyDict(training_set_kwargs=EasyDict(resolution=resolution), loss_kwargs=EasyDict())
    assert ffl.configure(args, {"weight": 1.0, "patch_factor": 32}, UserError) == "-ffl1-pf32"
    if isinstance(resolution, (list, tuple)):
        with pytest.raises(UserError, match="--ffl-patch-factor 3 does not divide images of 64x96"):
            ffl.configure(args, {"weight": 1.0, "patch_factor": 3}, UserError)


@pytest.mark.parametrize(("flag", "steps"), [("--ffl-monitor", 10), ("--ffl-monitor=0", 0)], ids=str)
def test_the_monitor_needs_no_number(flag: str, steps: int) -> None:
    _, loss_kwargs = description_and_loss_kwargs("--ffl-weight=1", flag, "--gamma=2")
    assert loss_kwargs["ffl_options"]["monitor"] == steps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ffl-weight=-1"], "--ffl-weight takes a finite number >= 0, not -1.0"),
        (["--ffl-weight=nan"], "--ffl-weight takes a finite number >= 0, not nan"),
        (["--ffl-weight=inf"], "--ffl-weight takes a finite number >= 0, not inf"),
        (["--ffl-weight=much"], "'much' is not a valid float"),
        (["--ffl-weight=1", "--ffl-alpha=-0.5"], "--ffl-alpha takes a finite number >= 0"),
        (["--ffl-weight=1", "--ffl-patch-factor=0"], "--ffl-patch-factor takes an integer >= 1"),
        (["--ffl-weight=1", "--ffl-patch-factor=3"], "--ffl-patch-factor 3 does not divide images of 64x64"),
        (["--ffl-weight=1", "--ffl-spectrum=imge"], "'imge' is not one of"),
        (["--ffl-weight=1", "--ffl-spectrum=image", "--ffl-sync"], "--ffl-spectrum image averages nothing"),
        (["--ffl-weight=1", "--ffl-variant=dct"], "'dct' is not one of"),
        (["--ffl-weight=1", "--ffl-monitor=often"], "'often' is not a valid integer"),
        (["--ffl-weight=1", "--ffl-monitor=-1"], "--ffl-monitor takes an integer >= 0, not -1"),
        (["--ffl-weight=1", "--ffl-monitor", "-12"], "--ffl-monitor takes an integer >= 0"),
        (["--ffl-weight=1", "--ffl-monitor=5", "-1"], "No such option"),
        (["--ffl-weight=1", "--ffl-sync=-1"], "'-1' is not a valid boolean"),
        (["--ffl-weight=1", "--ffl-start=-1"], "--ffl-start takes a finite number >= 0"),
        (
            ["--ffl-weight=1", "--ffl-variant=spectral-regularization", "--ffl-log-matrix"],
            "--ffl-log-matrix configures FFL, which --ffl-variant spectral-regularization replaces",
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_cannot_train_is_the_launchers_own_error(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_flags_without_a_weight_are_warned_of() -> None:
    assert "--ffl-alpha without effect" in run("--ffl-alpha=2").stderr


def test_help_shows_the_flags_in_order_with_their_defaults() -> None:
    text = " ".join(run("--help").stdout.split())
    places = [text.index(flag) for flag in ("--ffl-weight", "--ffl-alpha", "--ffl-spectrum", "--resolution")]
    assert places == sorted(places)
    assert "0 is off [default: 0]" in text and "[default: batch]" in text


def test_a_caller_that_knows_nothing_of_ffl_configures_nothing() -> None:
    assert setup()[1] == setup(ffl_options={})[1]


def batch(seed: int) -> torch.Tensor:
    return torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("settings", [None, {}, {"weight": 0.0}], ids=str)
def test_the_term_is_none_when_off(settings: dict[str, float] | None) -> None:
    assert ffl.GeneratorTerm(settings)(batch(0), batch(1)) is None


def test_the_term_is_the_loss_of_the_batch_averages() -> None:
    term = ffl.GeneratorTerm({"weight": 2.0})(batch(0), batch(1))
    assert term is not None
    torch.testing.assert_close(term, 2 * focal_frequency_loss(batch(0), batch(1), spectrum="batch"))


def snapshot(tmp_path: Path, kimg: int, ffl_options: dict[str, Any] | None = None) -> str:
    """A run folder as upstream leaves it, as far as a later run looks into it."""
    loss_kwargs = {"r1_gamma": 10, **({"ffl_options": ffl_options} if ffl_options else {})}
    (tmp_path / "training_options.json").write_text(json.dumps({"loss_kwargs": loss_kwargs}))
    return f"--resume={tmp_path}/network-snapshot-{kimg:06d}.pkl"


def test_resuming_with_other_settings_is_warned_of(tmp_path: Path) -> None:
    settings = description_and_loss_kwargs("--ffl-weight=2")[1]["ffl_options"]
    resume = snapshot(tmp_path, 40, settings)
    assert run(resume, "--ffl-weight=2").stderr == ""
    assert run(resume, "--ffl-weight=2", "--ffl-monitor=5").stderr == ""
    error = run(resume).stderr
    assert error.startswith("Warning: --resume changes --ffl-weight from 2.0 to 0.0")
    assert len(error.splitlines()) == 1 and "training_options.json" in error
    assert "--ffl-alpha from 1.0 to 2.0" in run(resume, "--ffl-weight=2", "--ffl-alpha=2").stderr
    assert "from 0.0 to 2.0" in run(snapshot(tmp_path, 40), "--ffl-weight=2").stderr


SHARED = ["--ffl-share=0.1", "--ffl-share-steps=40", "--ffl-share-every=5"]


def test_a_share_is_in_the_name_of_the_run() -> None:
    desc, loss_kwargs = description_and_loss_kwargs(*SHARED)
    assert desc == "faces-ffl-share0.1-ss40-se5"
    assert loss_kwargs["ffl_options"]["share"] == 0.1 and loss_kwargs["ffl_options"]["weight"] == 0


def test_a_weight_is_written_with_all_its_digits() -> None:
    assert description_and_loss_kwargs("--ffl-weight=31.6227766")[0] == "faces-ffl31.6227766"
    assert description_and_loss_kwargs("--ffl-weight=1000001")[0] == "faces-ffl1000001"


def tick(kimg: float, weight: float | None = None, deviation: float = 0.0) -> str:
    """A line of the statistics, with a weight in single precision as upstream has it."""
    found = {} if weight is None else {"num": 62, "mean": float(np.float32(weight)), "std": deviation}
    return json.dumps({"Progress/kimg": {"num": 1, "mean": kimg, "std": 0}, "Weight/ffl": found}) + "\n"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([tick(4.0), tick(8.0)], None),  # the calibration was not over
        ([tick(8.0), tick(16.0, 31.62), tick(40.2, 31.62), tick(44.0, 50.0)], 31.62),
        ([tick(16.0, 31.62), tick(40.2, 40.0, deviation=9.0)], 31.62),  # found anew within a tick
        ([tick(16.0, 31.62), "{"], 31.62),
        ([tick(16.0, 0.0)], None),
        ([], None),
    ],
    ids=str,
)
def test_a_resumed_run_goes_on_at_the_weight_that_it_found(
    tmp_path: Path, lines: list[str], found: float | None
) -> None:
    settings = description_and_loss_kwargs(*SHARED)[1]["ffl_options"]
    resume = snapshot(tmp_path, 40, settings)
    (tmp_path / "stats.jsonl").write_text("".join(lines))
    resumed = description_and_loss_kwargs(*SHARED, resume)[1]["ffl_options"]
    weight = {} if found is None else {"weight": found}
    assert resumed == {**settings, "resumed": {"kimg": 40, **weight}}
    # Another share, a weight, or another loss has nothing to go on with.
    for flags in (["--ffl-share=0.2"], ["--ffl-weight=3"], [*SHARED, "--ffl-spectrum=batch-log-power"]):
        assert description_and_loss_kwargs(*flags, resume)[1]["ffl_options"]["resumed"] == {"kimg": 40}


def test_a_run_without_statistics_calibrates_again(tmp_path: Path) -> None:
    settings = description_and_loss_kwargs(*SHARED)[1]["ffl_options"]
    resumed = description_and_loss_kwargs(*SHARED, snapshot(tmp_path, 40, settings))[1]["ffl_options"]
    assert resumed["resumed"] == {"kimg": 40}


def test_resuming_with_another_share_is_warned_of(tmp_path: Path) -> None:
    settings = description_and_loss_kwargs(*SHARED)[1]["ffl_options"]
    resume = snapshot(tmp_path, 40, settings)
    assert run(resume, *SHARED).stderr == ""
    assert "--resume changes --ffl-share from 0.1 to 0.0" in run(resume).stderr
    assert "--ffl-weight from 0.0 to 3.0, --ffl-share from 0.1 to 0.0" in run(resume, "--ffl-weight=3").stderr


def test_a_schedule_goes_on_where_the_resumed_run_was(tmp_path: Path) -> None:
    flags = ["--ffl-weight=2", "--ffl-start=50", "--ffl-ramp=100"]
    settings = description_and_loss_kwargs(*flags)[1]["ffl_options"]
    settings = description_and_loss_kwargs(*flags, snapshot(tmp_path, 40, settings))[1]["ffl_options"]
    assert settings["resumed"] == {"kimg": 40}
    settings = description_and_loss_kwargs(*flags, snapshot(tmp_path, 60, settings))[1]["ffl_options"]
    assert settings["resumed"] == {"kimg": 100}
    recorded = {name: value for name, value in settings.items() if name != "resumed"}
    earlier = {**recorded, "kimg_before": 60}  # as 0.1 recorded it
    again = description_and_loss_kwargs(*flags, snapshot(tmp_path, 40, earlier))[1]["ffl_options"]
    assert again == settings
    whole = ffl.GeneratorTerm({"weight": 2.0})(batch(0), batch(1))
    torch.testing.assert_close(ffl.GeneratorTerm(settings)(batch(0), batch(1)), whole / 2)


@pytest.mark.parametrize(
    "resume", ["--resume=ffhq256", "--resume=https://example.org/network-snapshot-000040.pkl"]
)
def test_a_published_network_is_no_run(resume: str) -> None:
    loss_kwargs = description_and_loss_kwargs(resume, "--ffl-weight=1")[1]
    assert "resumed" not in loss_kwargs["ffl_options"]
    assert run(resume, "--ffl-weight=1").stderr == ""


def test_the_schedule_counts_the_images_of_every_step() -> None:
    term = ffl.GeneratorTerm({"weight": 1.0, "start": 0.008, "ramp": 0.016})
    whole = ffl.GeneratorTerm({"weight": 1.0})(batch(0), batch(1))
    shares = [float(term(batch(0), batch(1)) / whole) for _ in range(8)]  # 4 images a step
    assert shares == pytest.approx([0, 0, 0, 0.25, 0.5, 0.75, 1, 1])


def test_the_schedule_counts_the_images_of_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ffl_plugin.integrations._process.world_size", lambda: 2)
    term = ffl.GeneratorTerm({"weight": 1.0, "start": 0.016})
    assert [bool(term(batch(0), batch(1)) > 0) for _ in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("name", ["stylegan3", "projected_gan"])
def test_its_relatives_have_the_same_integration(name: str) -> None:
    relative = importlib.import_module(f"ffl_plugin.integrations.{name}")
    assert (relative.options, relative.configure) == (ffl.options, ffl.configure)
    assert relative.GeneratorTerm is ffl.GeneratorTerm
