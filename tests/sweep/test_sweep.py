from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ffl_plugin.cli import main
from ffl_plugin.errors import FFLError
from ffl_plugin.report import MeasurementSettings
from ffl_plugin.sweep.plan import Plan, Trial, open_sweep, parse_numbers, trials

# A training in miniature, with StyleGAN's logs: its FID falls with the weight up to 1 and rises beyond.
TRAIN = """
import json, os, sys, time
options = dict(argument.lstrip("-").split("=", 1) for argument in sys.argv[1:])
weight, seed = float(options["ffl-weight"]), int(options.get("seed", 0))
run = os.path.join(options["outdir"], "00000-faces")
os.makedirs(run)
loss = {"ffl_options": {"weight": weight}}
json.dump({"random_seed": seed, "loss_kwargs": loss}, open(run + "/training_options.json", "w"))
if options.get("sleep") == f"{weight:g}":
    print("sleeping", flush=True)
    time.sleep(600)
if options.get("fail") == f"{weight:g}":
    sys.exit("out of memory")
fid = 50 - 20 * min(weight, 1) + 2 * max(weight - 1, 0) + seed
with open(run + "/metric-fid50k_full.jsonl", "w") as log:
    for kimg, factor in ((0, 5), (200, 1)):
        line = {"results": {"fid50k_full": fid * factor}, "snapshot_pkl": f"network-snapshot-{kimg:06d}.pkl"}
        log.write(json.dumps(line) + chr(10))
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    monkeypatch.chdir(folder)
    return folder


def command(*more: str) -> list[str]:
    return ["--", sys.executable, "train.py", "--outdir={out}", "--seed={seed}", *more]


def sweep(capfd: pytest.CaptureFixture[str], out: Path, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = 0
    try:
        main(["sweep", "--out", str(out), *map(str, arguments)])
    except SystemExit as end:
        code = end.code or 0
    captured = capfd.readouterr()
    return code, captured.out, captured.err


def states(out: Path) -> dict[str, str]:
    return {
        path.parent.name: json.loads(path.read_text())["state"] for path in out.glob("trainings/*/trial.json")
    }


def wait_until_it_says(
    words: str, log: Path, process: subprocess.Popen[str] | subprocess.Popen[bytes]
) -> None:
    """Wait until a log holds these words; fail if the process that has it written ends before."""
    while not (log.exists() and words in log.read_text()):
        assert process.poll() is None
        time.sleep(0.05)


def keep_started(
    monkeypatch: pytest.MonkeyPatch, then: Callable[[], None] = lambda: None
) -> list[subprocess.Popen[bytes]]:
    """Return a list that gets every process started from now on; ``then`` is called after each start."""
    started = []

    def keep(
        *arguments: Any, popen: type[subprocess.Popen[bytes]] = subprocess.Popen, **settings: Any
    ) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **settings))
        then()
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", keep)
    return started


def test_every_weight_is_trained_with_every_seed_and_compared_with_0(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    code, stdout, stderr = sweep(capfd, out, "--weights", "1,2", "--seeds", "0,1", "--json", *command())
    assert code == 0
    report = json.loads(stdout)
    assert len(report["trials"]) == 6
    assert {trial["state"] for trial in report["trials"]} == {"done"}
    rows = {weight["weight"]: weight["rows"][0] for weight in report["weights"]}
    assert (rows[1]["before_trainings"], rows[1]["after_trainings"]) == ([50, 51], [30, 31])
    assert rows[2]["after_trainings"] == [32, 33]
    assert "[6/6] weight 2, seed 1: done" in stderr
    assert (out / "report" / "report.html").exists()
    assert (out / "report" / "weight-2" / "report.html").exists()


def test_weights_are_trained_and_recorded_at_every_digit(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    weights = "31.6227766,1000000,1000001,1e-05"
    code, stdout, _ = sweep(capfd, out, "--weights", weights, "--seeds", "0", "--json", *command())
    assert code == 0
    texts = ["0", "31.6227766", "1000000", "1000001", "1e-05"]
    assert set(states(out)) == {f"weight-{text}-seed-0" for text in texts}
    for text in texts:
        trial = json.loads((out / "trainings" / f"weight-{text}-seed-0" / "trial.json").read_text())
        assert trial["weight"] == float(text) and trial["commands"][0][-1] == f"--ffl-weight={text}"
    assert {trial["weight"] for trial in json.loads(stdout)["trials"]} == set(map(float, texts))
    folders = {path.name for path in (out / "report").glob("weight-*")}
    assert folders == {f"weight-{text}" for text in texts[1:]}
    rows = sweep(capfd, out, "--report-only", "--csv")[1].splitlines()[1:]
    assert {row.split(",")[0] for row in rows} == set(texts[1:])


def test_shares_are_swept_in_place_of_weights(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (clone / "train.py").write_text(TRAIN.replace('options["ffl-weight"]', 'options["ffl-share"]'))
    out = tmp_path / "sweep"
    arguments = ["--seeds", "0", *command()]
    assert sweep(capfd, out, "--shares", "0.1,0.3", *arguments)[0] == 0
    assert states(out) == {f"share-{share}-seed-0": "done" for share in ("0", "0.1", "0.3")}
    trial = json.loads((out / "trainings" / "share-0.3-seed-0" / "trial.json").read_text())
    assert trial["share"] == 0.3 and trial["commands"][0][-1] == "--ffl-share=0.3"
    code, _, stderr = sweep(capfd, out, "--weights", "0.1", *arguments)
    assert code == 1 and "contains a sweep over shares" in stderr
    assert sweep(capfd, out, "--weights", "1", "--shares", "1", *arguments)[0] == 2
    code, stdout, _ = sweep(capfd, out, "--report-only", "--json")
    report = json.loads(stdout)
    assert [entry["share"] for entry in report["shares"]] == [0.1, 0.3]
    assert {trial["share"] for trial in report["trials"]} == {0, 0.1, 0.3}
    assert report["best"] is None and report["advice"].startswith("Stay at share 0: ")
    text = sweep(capfd, out, "--report-only")[1] + sweep(capfd, out, "--report-only", "--csv")[1]
    page = (out / "report" / "report.html").read_text()
    assert "share 0.3" in text and 'href="share-0.3/report.html"' in page
    assert (out / "report" / "share-0.3" / "report.html").is_file()
    words = re.sub(r"<style>.*?</style>|<pre>.*?</pre>|<svg.*?</svg>", "", page, flags=re.DOTALL) + text
    assert "weight" not in words.replace("spectrum weights", "")


def test_what_is_done_is_not_trained_again(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    arguments = ("--weights", "1", "--seeds", "0", *command())
    assert sweep(capfd, out, *arguments)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in out.glob("trainings/*/trial.json")}
    code, _, stderr = sweep(capfd, out, *arguments)
    assert code == 0
    assert "training, see" not in stderr
    assert {path: path.stat().st_mtime_ns for path in out.glob("trainings/*/trial.json")} == before


def test_weights_and_seeds_may_be_added(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    assert sweep(capfd, out, "--weights", "1", "--seeds", "0", *command())[0] == 0
    code, stdout, stderr = sweep(capfd, out, "--weights", "4", "--seeds", "1", "--json", *command())
    assert code == 0
    assert "[1/4]" in stderr  # weight 4 with both seeds, weights 0 and 1 with the new one
    assert [weight["weight"] for weight in json.loads(stdout)["weights"]] == [1, 4]


def test_a_failed_training_is_told_kept_and_tried_again(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    (clone / "fail").write_text("1")
    code, stdout, stderr = sweep(capfd, out, "--weights", "1,2", "--seeds", "0", *command("--fail=1"))
    assert code == 1
    assert "1 of 3 trainings failed" in stderr.splitlines()[-1]
    assert states(out) == {"weight-0-seed-0": "done", "weight-1-seed-0": "failed", "weight-2-seed-0": "done"}
    assert "out of memory" in (out / "trainings" / "weight-1-seed-0" / "log.txt").read_text()
    assert "every training at weight 1 failed" in stdout
    (clone / "train.py").write_text(TRAIN.replace("sys.exit", "print"))
    assert sweep(capfd, out, "--weights", "1,2", "--seeds", "0", *command("--fail=1"))[0] == 0
    assert set(states(out).values()) == {"done"}
    assert (out / "trainings" / "weight-1-seed-0" / "interrupted-1" / "00000-faces").is_dir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_goes_on_where_it_stopped(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    out = tmp_path / "sweep"
    arguments = ["--weights", "1,2", "--seeds", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from ffl_plugin.cli import main; main()", "sweep", "--out", str(out),
         *arguments, *command("--sleep=1")],
        cwd=clone, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = out / "trainings" / "weight-1-seed-0" / "log.txt"
    wait_until_it_says("sleeping", log, process)
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == 1
    assert "run the same command again" in stderr.splitlines()[-1]
    assert "Traceback" not in stderr
    assert states(out) == {"weight-0-seed-0": "done", "weight-1-seed-0": "running"}
    assert "KeyboardInterrupt" in log.read_text()  # the training was ended too, not left behind
    (clone / "train.py").write_text(TRAIN.replace("time.sleep", "float"))
    assert sweep(capfd, out, *arguments, *command("--sleep=1"))[0] == 0
    assert set(states(out).values()) == {"done"}


def test_a_sweep_in_the_background_ends_its_training_at_once(clone: Path, tmp_path: Path) -> None:
    """A shell starts background jobs deaf to Ctrl-C, and so are the trainings that they start."""
    out = tmp_path / "sweep"
    # Patient enough that nothing but the training's own end lets the sweep end in time.
    script = (
        "from ffl_plugin.cli import main; from ffl_plugin import processes; "
        "processes.GRACE_SECONDS = 600; main()"
    )
    words = [sys.executable, "-c", script, "sweep", "--out", str(out),
             "--weights", "1", "--seeds", "0", *command("--sleep=1")]  # fmt: skip
    process = subprocess.Popen(["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words], cwd=clone)
    wait_until_it_says("sleeping", out / "trainings" / "weight-1-seed-0" / "log.txt", process)
    process.terminate()
    assert process.wait() == 1
    assert states(out)["weight-1-seed-0"] == "running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_interrupted_while_it_starts_is_not_lost_sight_of(
    clone: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    started = keep_started(monkeypatch, then=lambda: signal.raise_signal(number))
    arguments = ("--weights", "1", "--seeds", "0", *command("--sleep=0"))
    code, _, stderr = sweep(capfd, tmp_path / "sweep", *arguments)
    assert code == 1
    assert stderr.splitlines()[-1].startswith("Error: interrupted while training weight 0, seed 0")
    assert not [process for process in started if process.returncode is None]


def test_a_system_without_hangups_and_process_groups_trains_too(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows lacks these, and ends a training without asking."""
    for module, name in ((signal, "SIGHUP"), (signal, "pthread_sigmask"), (os, "killpg")):
        monkeypatch.delattr(module, name)
    out = tmp_path / "sweep"
    assert sweep(capfd, out, "--weights", "1", "--seeds", "0", *command())[0] == 0
    assert set(states(out).values()) == {"done"}
    wait = time.sleep

    def interrupt(seconds: float) -> None:
        monkeypatch.setattr(time, "sleep", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    started = keep_started(monkeypatch)
    arguments = ("--weights", "1", "--seeds", "1", *command("--sleep=0"))
    code, _, stderr = sweep(capfd, tmp_path / "other", *arguments)
    assert code == 1
    assert stderr.splitlines()[-1].startswith("Error: interrupted while training weight 0, seed 1")
    assert [process.returncode for process in started] == [-9]


def test_commands_after_the_training_get_the_same_places(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    then = f"{sys.executable} -c 'import sys; print(sys.argv)' test {{weight}} {{seed}} {{out}}"
    assert sweep(capfd, out, "--weights", "1", "--seeds", "3", "--then", then, *command())[0] == 0
    trial = out / "trainings" / "weight-1-seed-3"
    assert f"['-c', 'test', '1', '3', '{trial / 'out'}']" in (trial / "log.txt").read_text()


def test_the_metrics_of_features_are_those_asked_for(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def compared(*, settings: MeasurementSettings, **_: object) -> None:
        asked.append((settings.features.metrics, settings.features.protocol))
        raise FFLError("seen")

    out = tmp_path / "sweep"
    assert sweep(capfd, out, "--weights", "1", "--seeds", "0", *command())[0] == 0
    monkeypatch.setattr("ffl_plugin.sweep.gather.compare", compared)
    sweep(capfd, out, "--report-only", "--metrics", "kid,pr", "--protocol", "clean")
    assert asked == [(("kid", "pr"), "clean")]


def test_only_one_sweep_works_in_a_folder(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fcntl = pytest.importorskip("fcntl")
    out = tmp_path / "sweep"
    assert sweep(capfd, out, "--weights", "1", "--seeds", "0", *command())[0] == 0
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, stderr = sweep(capfd, out, "--weights", "1", "--seeds", "0", *command())
    assert code == 1
    assert "another ffl-patch command is training in" in stderr


def test_a_report_can_be_gathered_again_without_training(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    assert sweep(capfd, out, "--weights", "1", "--seeds", "0", *command())[0] == 0
    code, stdout, _ = sweep(capfd, out, "--report-only", "--json")
    assert code == 0
    assert json.loads(stdout)["weights"][0]["weight"] == 1
    code, stdout, _ = sweep(capfd, out, "--report-only", "--csv")
    assert [line.split(",")[:2] for line in stdout.splitlines()[1:]] == [
        ["1", "fid50k_full"], ["1", "fid50k_full_best"]
    ]  # fmt: skip
    assert sweep(capfd, out, "--report-only", "--csv", "--json")[0] == 2
    code, _, stderr = sweep(capfd, tmp_path / "other", "--report-only")
    assert code == 1
    assert "not the folder of a sweep" in stderr


def test_commands_after_a_failed_training_are_not_run(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    then = f"{sys.executable} -c 'print(1 + 1)'"
    sweep(capfd, out, "--weights", "1", "--seeds", "3", "--then", then, *command("--fail=1"))
    logs = {path.parent.name: path.read_text() for path in out.glob("trainings/*/log.txt")}
    assert "print(1 + 1)" in logs["weight-0-seed-3"]
    assert "out of memory" in logs["weight-1-seed-3"] and "print(1 + 1)" not in logs["weight-1-seed-3"]
    assert states(out)["weight-1-seed-3"] == "failed"


@pytest.mark.parametrize("option", ["--real", "--inception", "--lpips", "--feature-weights"])
def test_a_file_that_is_not_there_is_refused_before_anything_is_trained(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], option: str
) -> None:
    code, _, stderr = sweep(capfd, tmp_path / "sweep", option, tmp_path / "absent.pth", *command())
    assert code == 1 and "absent.pth" in stderr
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no training command"),
        (["--shares", "0", "--", "python", "{out}"], "no share to compare with 0; pass --shares 0,1"),
        (["--shares", "a", "--", "python", "{out}"], "--shares takes numbers separated by commas"),
        (["--", "python", "train.py"], "add {out}"),
        (["--weights", "0", "--", "python", "{out}"], "no weight to compare with 0"),
        (["--weights", "a", "--", "python", "{out}"], "numbers separated by commas"),
        (["--weights", "-1", "--", "python", "{out}"], ">= 0"),
        (["--weights", "nan", "--", "python", "{out}"], ">= 0"),
        (["--seeds", "0.5", "--", "python", "{out}"], "numbers separated by commas"),
        (["--then", "echo 'open", "--", "python", "{out}"], "is not a valid command"),
        (["--engine", "slurm", "--engine-set", "gpus", "--", "python", "{out}"], "NAME=VALUE"),
        (["--engine", "slurm", "--", "python", "{out}"], "cannot submit"),
        (["--engine", "ray", "--engine-set", "gpu=1", "--", "python", "{out}"], "not gpu"),
        (["--engine-set", "num_gpus=1", "--", "python", "{out}"], "needs an --engine"),
    ],
)
def test_bad_input_is_one_sentence(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, stdout, stderr = sweep(capfd, tmp_path / "sweep", *arguments)
    assert (code, stdout) == (1, "")
    assert words in stderr
    assert len(stderr.splitlines()) == 1


def test_a_folder_of_something_else_is_refused(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    code, _, stderr = sweep(capfd, tmp_path, *command())
    assert code == 1
    assert "contains other files" in stderr
    out = tmp_path / "sweep"
    assert sweep(capfd, out, "--weights", "1", "--seeds", "0", *command())[0] == 0
    code, _, stderr = sweep(capfd, out, "--weights", "1", *command("--other=1"))
    assert code == 1
    assert "another command or clone" in stderr


def test_a_command_that_cannot_be_started_fails_that_training(
    clone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, stderr = sweep(
        capfd, tmp_path / "sweep", "--weights", "1", "--seeds", "0", "--", "no-such-program", "{out}"
    )
    assert code == 1
    assert "2 of 2 trainings failed" in stderr


def test_numbers_are_sorted_and_distinct() -> None:
    assert parse_numbers("10,0.1,0.10", float, "--weights") == (0.1, 10)
    with pytest.raises(FFLError):
        parse_numbers("", int, "--seeds")


def test_the_weight_is_placed_where_the_command_says(tmp_path: Path) -> None:
    trial = Trial(0.5, 2, tmp_path)
    placed = Plan(("train", "--w", "{weight}", "{out}"), (), "", (0.0, 0.5), (2,))
    assert placed.commands(trial) == [["train", "--w", "0.5", str(tmp_path / "out")]]
    assert not placed.seeded
    added = Plan(("train", "{out}/{seed}"), (("test", "{seed}"),), "", (0.0, 0.5), (2,))
    assert added.commands(trial) == [["train", f"{tmp_path / 'out'}/2", "--ffl-weight=0.5"], ["test", "2"]]
    assert added.seeded
    shared = Plan(("train", "--s={share}", "{out}"), (), "", (0.0, 0.5), (2,), "share")
    assert shared.commands(replace(trial, option="share")) == [["train", "--s=0.5", str(tmp_path / "out")]]


def test_a_sweep_cut_short_already_compares_weights(tmp_path: Path) -> None:
    plan = Plan(("train", "{out}"), (), "", (0.0, 0.5), (2, 3))
    order = [(trial.seed, trial.weight) for trial in trials(plan, tmp_path)]
    assert order == [(2, 0.0), (2, 0.5), (3, 0.0), (3, 0.5)]


def test_the_sweep_of_another_clone_is_not_gone_on_with(tmp_path: Path) -> None:
    plan = Plan(("train", "{out}"), (), "here", (0.0, 0.5), (2,))
    open_sweep(tmp_path / "sweep", plan)
    with pytest.raises(FFLError, match="another command or clone"):
        open_sweep(tmp_path / "sweep", replace(plan, folder="there"))
