"""`ffl-patch doctor` on a clone: what its scripts import in vain, and ask of libraries that have moved on."""

from __future__ import annotations

import ast
import importlib.util
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from ffl_plugin.doctor import Finding, breaks
from ffl_plugin.doctor.clone_state import examine_clone
from ffl_plugin.doctor.imports import When, follow
from ffl_plugin.doctor.packages import how_to_install
from ffl_plugin.doctor.syntax import Sources
from ffl_plugin.doctor.unbound import unbound_names
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply

FIXTURES = Path(__file__).parents[1] / "fixtures"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def missing(root: Path, script: str = "train.py", *certain: str) -> dict[str, tuple[str, int, When]]:
    found = follow(root / script, Sources(root), root, [root / name for name in certain]).missing
    return {need.module: (need.file, need.line, need.when) for need in found}


def named(root: Path, name: str) -> list[Finding]:
    return [finding for finding in examine_clone(root) if finding.name == name]


class TestImports:
    def test_each_is_found_with_the_place_and_the_certainty(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            package__inner="import absent_one.part\nx = 1\n",
            train="import package, json\n"
            "if True:\n    from absent_two import name\nelse:\n    import absent_three\n"
            "with open(__file__):\n    import absent_five\n"
            "class Options:\n    import absent_four\n"
            "try:\n    import absent_but_optional\nexcept ImportError:\n    pass\n"
            "try:\n    import absent_seven\nexcept OSError:\n    pass\n"
            "def later():\n    import absent_six\n"
            "if __name__ == '__main__':\n    import absent_eight\n",
        )
        (tmp_path / "package/__init__.py").write_text("from . import inner\nfrom .inner import x\n")
        assert missing(tmp_path) == {
            "absent_one": ("package/inner.py", 1, When.START),
            "absent_two": ("train.py", 3, When.START),
            "absent_three": ("train.py", 5, When.START),
            "absent_five": ("train.py", 7, When.START),
            "absent_four": ("train.py", 9, When.START),
            "absent_seven": ("train.py", 15, When.START),
            "absent_six": ("train.py", 19, When.CALL),
            "absent_eight": ("train.py", 21, When.START),
        }

    def test_of_several_imports_of_a_module_the_most_certain_counts(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            train="def later():\n    import absent_one\nimport helper\n",
            helper="import absent_one\n",
        )
        assert missing(tmp_path) == {"absent_one": ("helper.py", 1, When.START)}

    def test_what_another_modules_own_main_imports_does_not_count(self, tmp_path: Path) -> None:
        write(tmp_path, train="import helper\n", helper="if __name__ == '__main__':\n    import absent_one\n")
        assert missing(tmp_path) == {}
        assert "absent_one" in missing(tmp_path, "helper.py")

    def test_modules_by_their_names(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            models__a_model="import absent_a\n",
            models__b_model="import absent_b\n",
            models__helper="import absent_helper\n",
            networks__wide="import absent_wide\n",
            networks__deep="import absent_deep\n",
            train="import models\nnetwork = dict(class_name='networks.wide.Generator')\n"
            "if input():\n    network = dict(class_name='networks.deep.Generator')\n",
        )
        (tmp_path / "models/__init__.py").write_text(
            "import importlib\nfind = lambda name: importlib.import_module('models.' + name + '_model')\n"
        )
        found = missing(tmp_path, "train.py", "models/a_model.py")
        assert {module: when for module, (_, _, when) in found.items()} == {
            "absent_a": When.START,  # the family's own
            "absent_b": When.CHOICE,
            "absent_wide": When.START,
            "absent_deep": When.CHOICE,
        }
        write(tmp_path, train="import importlib\nimportlib.import_module(f'models.{input()}_model')\n")
        assert set(missing(tmp_path)) == {"absent_a", "absent_b"}

    def test_a_module_that_the_clone_itself_lacks(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            models__networks="from models.sync import norm\nfrom . import other\nimport models.no.x\n",
        )
        write(tmp_path, train="from models.networks import anything\n")
        (need, other) = follow(tmp_path / "train.py", Sources(tmp_path), tmp_path).missing
        assert (need.module, need.in_clone, need.line) == ("models.sync", True, 1)
        assert (other.module, other.in_clone, other.line) == ("models.no", True, 3)

    def test_a_module_that_an_installed_package_lacks(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            train="import numpy.no_such\nimport numpy.linalg, os.path\nfrom numpy import no_matter\n",
        )
        assert list(missing(tmp_path)) == ["numpy.no_such"]

    def test_a_script_finds_its_neighbours_and_what_is_in_the_folder_above(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            tools__run="import beside, util.deep\n",
            tools__beside="",
            util__deep="import absent_one\n",
        )
        assert list(missing(tmp_path, "tools/run.py")) == ["absent_one"]

    def test_a_file_that_does_not_parse_ends_there(self, tmp_path: Path) -> None:
        write(tmp_path, train="import absent_one\nthis is no Python\n")
        assert missing(tmp_path) == {}

    def test_a_folder_of_the_clone_is_a_package_without_a_file(self, tmp_path: Path) -> None:
        write(tmp_path, toolbox__part="import absent_one\n", train="from toolbox import part\n")
        assert list(missing(tmp_path)) == ["absent_one"]


class TestClone:
    @pytest.fixture
    def clone(self, tmp_path: Path) -> Path:
        clone = Path(shutil.copytree(FIXTURES / "torch2", tmp_path / "clone"))
        (clone / "projector.py").unlink()  # which asks for imageio-ffmpeg
        return clone

    def test_every_script_counts_and_each_module_once(self, clone: Path) -> None:
        write(
            clone,
            metrics__metric_utils="import psychic\nimport dill_\n",
            datasets__combine="import cv2_, psychic\ncv2_.imread('x')\n",
            library="import never_run\n",
        )
        (needed,) = named(clone, "train.py")
        assert needed.found == (
            "imports dill_ (metrics/metric_utils.py:2) and psychic (metrics/metric_utils.py:1), not installed"
        )
        (others,) = named(clone, "other scripts")
        assert others.found == "imports cv2_ (datasets/combine.py:1), not installed"

    def test_a_nested_clone_is_looked_at_as_well(self, clone: Path) -> None:
        write(clone, training__augment="import psychic\n")
        (needed,) = named(clone.parent, "clone/train.py")
        assert needed.found == "imports psychic (clone/training/augment.py:1), not installed"

    def test_a_name_that_nothing_binds(self, clone: Path) -> None:
        write(
            clone,
            datasets__combine="import os\n"
            "def walk(folder: str, *rest, **named):\n"
            "    for name in (lambda x: [y for y in x])(os.listdir(folder)):\n"
            "        print(name, rest, named, __file__)\n"
            "    try:\n        return Path(folder)\n    except OSError as error:\n        return error\n"
            "walk(later)\nlater = 1\n",
            star="from os import *\nlistdir(getcwd())\n",
        )
        (unbound,) = [
            finding for finding in examine_clone(clone) if "neither defines nor imports" in finding.found
        ]
        assert unbound.name == "datasets/combine.py:6"
        assert unbound.fix == "Add `from pathlib import Path` to it."

    @pytest.mark.parametrize("binds", ["globals()['later'] = 1", "exec('later = 1')", "from os import *"])
    def test_a_file_that_may_bind_any_name_is_left_alone(self, binds: str) -> None:
        assert unbound_names(ast.parse(f"{binds}\nprint(later)\n")) == []
        assert unbound_names(ast.parse("print(later)\n")) == [(1, "later")]

    def test_what_torch2_brings_is_not_missing_where_it_is_applied(
        self, clone: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        find_spec = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, *rest: None if name == "distutils" else find_spec(name, *rest),
        )
        assert [finding.fix for finding in named(clone, "train.py")] == ["pip install 'setuptools<82'."]
        plan_apply(all_recipes()["torch2"], clone).write()
        assert named(clone, "train.py") == []

    @pytest.mark.parametrize(
        "name", ["torch2-eg3d", "torch2-projected-gan", "torch2-r3gan", "torch2-stylegan3"]
    )
    def test_only_what_goes_with_the_family_is_recommended(self, name: str, tmp_path: Path) -> None:
        clone = Path(shutil.copytree(FIXTURES / name, tmp_path / "clone"))
        family = all_recipes()[name].companion_of
        shutil.copytree(FIXTURES / str(family), clone, dirs_exist_ok=True)
        companions = [finding.name for finding in examine_clone(clone) if finding.name.startswith("torch2")]
        assert companions == [name]


class TestPackages:
    @pytest.mark.parametrize(
        ("modules", "command"),
        [
            (["cv2", "skimage"], "pip install opencv-python-headless scikit-image"),
            (["distutils", "pkg_resources"], "pip install 'setuptools<82'"),
            (["timm", "dill"], "pip install dill 'timm<0.6'"),
            (
                ["visdom"],
                "pip install 'setuptools<82' && pip install --no-build-isolation visdom, "
                "or train with --display_id 0",
            ),
            (["preprocess"], "see the upstream's README for preprocess"),
            (["Listed"], "pip install Listed"),
            (["in_conda"], "pip install in_conda"),
        ],
        ids=str,
    )
    def test_nothing_is_installed_by_a_name_that_may_be_anybodys(
        self, modules: list[str], command: str, tmp_path: Path
    ) -> None:
        (tmp_path / "requirements.txt").write_text("listed>=1.0\n# preprocess\n")
        (tmp_path / "environment.yml").write_text("dependencies:\n  - pip:\n    - in_conda==1\n")
        assert how_to_install(modules, tmp_path) == command


USES = {
    "timm": "layers = [model.conv_stem, model.act1]\n",
    "scipy": "import scipy.linalg\nroot, _ = scipy.linalg.sqrtm(a @ b, disp=False)\n",
    "imageio-ffmpeg": "import imageio\nvideo = imageio.get_writer('proj.mp4', fps=10)\n",
}


class TestBreaks:
    @pytest.mark.parametrize(
        ("library", "version", "expected"),
        [
            ("timm", "1.0.31", "act1"),
            ("timm", "0.5.4", None),
            ("scipy", "1.11.1", None),
            ("scipy", "1.11.2", "wrong for the FID"),
            ("scipy", "1.11.4", "wrong for the FID"),
            ("scipy", "1.12.0", "wrong for the FID"),
            ("scipy", "1.13.0", None),
            ("scipy", "1.18.0", "with disp"),
            ("imageio-ffmpeg", None, "an unexpected keyword argument 'fps'"),
            ("imageio-ffmpeg", "0.6.0", None),
        ],
        ids=str,
    )
    def test_an_installed_version_that_does_not_do_as_asked(
        self,
        library: str,
        version: str | None,
        expected: str | None,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        clone = Path(shutil.copytree(FIXTURES / "stylegan2-ada", tmp_path / "clone"))
        write(clone, tool=f"{USES[library]}print('a script')\n")
        monkeypatch.setattr(breaks, "_version", lambda name: version if name == library else "0")
        found = [finding for finding in examine_clone(clone) if finding.name == library]
        assert len(found) == (expected is not None)
        if expected is not None:
            assert expected in found[0].found
            assert f"tool.py:{2 if library != 'timm' else 1}" in found[0].found

    def test_scipy_is_not_warned_of_where_torch2_replaces_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clone = Path(shutil.copytree(FIXTURES / "torch2", tmp_path / "clone"))
        monkeypatch.setattr(breaks, "_version", lambda name: "1.12.0")
        assert named(clone, "scipy")
        plan_apply(all_recipes()["torch2"], clone).write()
        assert not named(clone, "scipy")

    def test_a_library_that_is_not_installed_has_no_version(self) -> None:
        assert breaks._version("no-such-library") is None
        assert breaks._version("numpy") == metadata.version("numpy")
