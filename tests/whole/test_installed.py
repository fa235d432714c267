"""The course as a wheel: everything is in it, and what is installed from it grades on every rung."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from rungs import HERE
from small_class import NAME, ROOT, answered, make_course

pytestmark = pytest.mark.xdist_group("installed")

LOOKS = """
import glob, importlib, course_lib
def relu(x):
    return np.maximum(x, 0)
seen = []
for folder in {folders}:
    for path in glob.glob(folder + "/autograder/exercises/mlp/*.py") + glob.glob(folder + "/course_lib/mlp.py"):
        try:
            seen.append(open(path).readline() and path)
        except OSError:
            pass
for name in ("autograder.exercises", "autograder.judge", "onnx", "torchcvnn", "pytest"):
    try:
        importlib.import_module(name)
        seen.append(name)
    except ModuleNotFoundError:
        pass
print("SEEN", seen, course_lib.__file__)
"""
GRADES_ON_EVERY_RUNG = """
import sys
from autograder.cli import main
for rung in sys.argv[1:]:
    sys.argv = ["autograder", "grade", "--isolation", rung, "--workers", "1", "--classroom", rung, "--format", "json"]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, (rung, ended.code)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: setuptools leaves files beside what it builds."""
    place = tmp_path_factory.mktemp("wheel")
    for name in ("autograder", "course_lib"):
        shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "course.toml"):
        shutil.copy(ROOT / name, place)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", place, place)
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """A fresh virtual environment with the wheel in it; other packages come from this one."""
    place = tmp_path_factory.mktemp("environment")
    place.chmod(0o755)  # under root, runs switch to a user who must be able to read it
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    packages = next(place.glob("lib/python*/site-packages"))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip("--python", place / "bin" / "python", "install", "--no-deps", "--no-compile", "--no-index", wheel)
    return place / "bin" / "python"


def pip(*words: object) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "-q", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_everything_is_in_the_wheel(wheel):
    tops = ("autograder", "course_lib")
    there = {str(path.relative_to(ROOT)) for top in tops for path in (ROOT / top).rglob("*") if path.is_file()}
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in there if "__pycache__" not in name} <= packed
    ours = wheel.name.split("-py3")[0]
    assert {name.partition("/")[0] for name in packed} == {*tops, f"{ours}.dist-info", f"{ours}.data"}
    for_kernels = f"{ours}.data/data/etc/ipython/ipython_kernel_config.json"
    assert {name for name in packed if ".data/" in name} == {for_kernels}


def test_what_is_installed_grades_on_every_rung(python, tmp_path):
    rungs = [name for name, rung in HERE.items() if rung.ok]
    course = make_course(tmp_path / "course", release_it=False)
    shutil.rmtree(course.submitted)
    packages = next(python.parents[1].glob("lib/python*/site-packages"))
    path = course.submission("ada", NAME)
    path.parent.mkdir(parents=True)
    path.write_text(answered(relu=LOOKS.format(folders=[str(packages), str(ROOT)])), "utf-8")
    for rung in rungs:
        shutil.copytree(course.classroom, course.root / rung)
    command = [python, "-c", GRADES_ON_EVERY_RUNG, *rungs]
    files = tmp_path / "temporary"
    files.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"TMPDIR": str(files)}
    done = subprocess.run(command, cwd=course.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(files.iterdir()) == []
    for rung in rungs:
        verdicts = json.loads((course.root / rung / "verdicts" / NAME / "ada.json").read_text("utf-8"))
        points = {each["id"]: each["points"] - each["max_points"] for each in verdicts["graded"]["exercises"]}
        assert [id_ for id_, missing in points.items() if missing] == ["mlp.why_silent"], rung
        ran = (course.root / rung / "autograded" / "ada" / NAME / f"{NAME}.ipynb").read_text("utf-8")
        seen, library = re.search(r"SEEN (\[.*?\]) (\S+)/course_lib", ran).groups()
        assert Path(library) != packages, rung
        assert (seen == "[]") == (rung != "process"), rung  # there is something to see where nothing hides it
