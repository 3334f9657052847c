"""Checks Python, torch, the GPU, and the compilers of StyleGAN's custom operations and the native loss."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ffl_plugin.doctor import Finding
from ffl_plugin.doctor.loops import examine_loops

_GET_TORCH = "https://pytorch.org/get-started/locally/"
_SLOW = "without it StyleGAN falls back to slow reference operations"


def examine_machine() -> list[Finding]:
    """Check Python, torch and, if torch is installed, CUDA and the compilers of custom operations."""
    findings = [Finding("Python", f"{platform.python_version()} ({sys.executable})")]
    if importlib.util.find_spec("torch") is None:
        return [*findings, Finding("torch", "not installed", f"Install it: {_GET_TORCH}")]
    try:
        import torch
    except (ImportError, OSError, RuntimeError) as error:
        reason = _first_line(str(error))
        return [*findings, Finding("torch", f"does not import: {reason}", f"Reinstall it: {_GET_TORCH}")]
    on_gpu = torch.cuda.is_available()
    return [
        *findings,
        _torch(torch.__version__),
        *(_gpus() if on_gpu else [_no_gpu(torch.version.cuda)]),
        _nvcc(torch.version.cuda if on_gpu else None),
        _ninja(needed=on_gpu),
        _compiler(needed=on_gpu),
        examine_loops(needed=not on_gpu),
    ]


def _torch(version: str) -> Finding:
    fix = None
    if int(version.split(".")[0]) < 2:
        fix = f"ffl-plugin trains with torch 2.0 and newer: {_GET_TORCH}"
    return Finding("torch", version, fix)


def _gpus() -> list[Finding]:
    import torch

    findings = [Finding("CUDA", f"{torch.version.cuda} (of this torch build)")]
    kernels = torch.cuda.get_arch_list()
    for index in range(torch.cuda.device_count()):
        name, capability = torch.cuda.get_device_name(index), torch.cuda.get_device_capability(index)
        fix = None
        if not runs_on(capability, kernels):
            fix = f"This torch has no kernels for {name}: install a build for a newer CUDA, {_GET_TORCH}"
        major, minor = capability
        findings.append(Finding(f"GPU {index}", f"{name}, compute capability {major}.{minor}", fix))
    return findings


def runs_on(capability: tuple[int, int], kernels: Sequence[str]) -> bool:
    """Whether kernels run on a GPU.

    Args:
        capability: (major, minor) of the GPU.
        kernels: compiled architectures: ``sm_86`` is machine code for that major version from that minor
            on; ``compute_86`` is intermediate code for all later architectures.
    """
    for kernel in kernels:
        match = re.match(r"(sm|compute)_(\d+)(\d)", kernel)
        if match is None:
            continue
        built = (int(match[2]), int(match[3]))
        if built <= capability and (match[1] == "compute" or built[0] == capability[0]):
            return True
    return False


def _no_gpu(built_for: Optional[str]) -> Finding:
    driver = shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()
    if built_for is None:
        fix = f"There is an NVIDIA driver, so install a torch with CUDA: {_GET_TORCH}" if driver else None
        return Finding("CUDA", "none: this torch is built for the CPU", fix)
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return Finding("CUDA", "none: CUDA_VISIBLE_DEVICES is empty", "Unset CUDA_VISIBLE_DEVICES.")
    fix = f"Update the NVIDIA driver to one for CUDA {built_for}; `nvidia-smi` must list the GPU."
    return Finding(
        "CUDA", f"none: torch is built for CUDA {built_for} and finds no GPU", fix if driver else None
    )


def _nvcc(torchs_cuda: Optional[str]) -> Finding:
    from torch.utils.cpp_extension import CUDA_HOME

    program = shutil.which("nvcc") if CUDA_HOME is None else str(Path(CUDA_HOME) / "bin" / "nvcc")
    version = _version(program, r"release ([\d.]+)")
    fix: Optional[str]
    if version is None:
        fix = f"Install the CUDA toolkit {torchs_cuda} and set CUDA_HOME; {_SLOW}."
        return Finding("nvcc", "not found", fix if torchs_cuda else None)
    fix = None
    if torchs_cuda and version.split(".")[0] != torchs_cuda.split(".")[0]:
        fix = f"torch refuses to build with it: install the CUDA toolkit {torchs_cuda} and set CUDA_HOME."
    return Finding("nvcc", f"{version} ({program})", fix)


def _ninja(*, needed: bool) -> Finding:
    program = shutil.which("ninja")
    if program is not None:
        return Finding("ninja", f"{_version(program)} ({program})")
    installed = Path(sysconfig.get_path("scripts"), "ninja").exists()
    found = f"in {sysconfig.get_path('scripts')}, but not on PATH" if installed else "not found"
    fix = "Activate its environment" if installed else "Install it: pip install ninja"
    return Finding("ninja", found, f"{fix}; {_SLOW}." if needed else None)


def _compiler(*, needed: bool) -> Finding:
    names = ("cl",) if os.name == "nt" else (os.environ.get("CXX", "c++"), "g++", "clang++")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is not None:
        return Finding("C++ compiler", f"{_version(program) or 'found'} ({program})")
    fix = "Install Visual Studio's build tools" if os.name == "nt" else "Install g++"
    return Finding("C++ compiler", "not found", f"{fix}; {_SLOW}." if needed else None)


def _version(program: Optional[str], pattern: str = r"(\d+\.[\d.]+)") -> Optional[str]:
    """Return a program's version from ``--version``; None if it does not answer."""
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(pattern, answer.stdout)
    return match[1] if match and answer.returncode == 0 else None


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"
