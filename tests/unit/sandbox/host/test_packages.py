"""Which packages are shown, decided from what pip wrote beside them."""

import pytest

from autograder.sandbox.host import packages, visible


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A package folder with nothing in it, the only one."""
    place = tmp_path / "site-packages"
    place.mkdir()
    monkeypatch.setattr(packages.sys, "path", [str(place)])
    monkeypatch.setattr(packages.site, "ENABLE_USER_SITE", False)
    return place


def install(folder, name: str, *entries: str, requires: tuple[str, ...] = (), extras: tuple[str, ...] = ()) -> None:
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    lines = [f"Name: {name}", *(f"Provides-Extra: {extra}" for extra in extras)]
    lines += [f"Requires-Dist: {each}" for each in requires]
    (metadata / "METADATA").write_text("\n".join(lines) + "\n\nRequires-Dist: what-the-text-says\n")
    (metadata / "RECORD").write_text(
        "".join(f"{entry},,\n" for entry in (*entries, "../../../bin/tool", "__pycache__/x"))
    )
    for entry in entries:
        (folder / entry).parent.mkdir(exist_ok=True)
        (folder / entry).write_text("")


def seen(folder, *modules: str) -> set[str]:
    names = visible.look(modules).packages[folder]
    return {name for name in names if not name.endswith("-info")}


COURSE = {"requires": ("numpy==2", "jupyterlab==4", 'numpy; extra == "notebooks"', 'pytest; extra == "dev"')}


def test_what_notebooks_need_with_what_that_requires(folder):
    install(folder, "self-grading-course", "autograder/check.py", "course_lib/cnn.py", extras=("notebooks",), **COURSE)
    install(
        folder,
        "NumPy",
        "numpy/__init__.py",
        "numpy.libs/lib.so",
        requires=("Help_Er[fast]", "old; python_version < '3'"),
    )
    install(folder, "help-er", "helper.py", requires=('quick; extra == "fast"', 'slow; extra == "slow"'))
    for name in ("quick", "slow", "old", "jupyterlab", "pytest"):
        install(folder, name, f"{name}/__init__.py")
    (folder / "of_nobody.py").write_text("")
    (folder / "__editable___self_grading_course_0_1_0_finder.py").write_text("")
    assert seen(folder) == {"numpy", "numpy.libs", "helper.py", "quick", "of_nobody.py"}
    assert seen(folder, "slow.part", "autograder.check") == seen(folder) | {"slow"}


def test_a_folder_that_two_packages_share_is_seen_if_one_is_needed(folder):
    install(folder, "self-grading-course", extras=("notebooks",), **COURSE)
    install(folder, "numpy", "shared/one.py")
    install(folder, "pytest", "shared/two.py", "own.py")
    assert seen(folder) == {"shared"}


def test_an_installation_that_is_too_old_to_say_shows_what_the_course_requires(folder):
    install(folder, "self-grading-course", requires=COURSE["requires"])
    for name in ("numpy", "jupyterlab", "pytest"):
        install(folder, name, f"{name}.py")
    assert seen(folder) == {"numpy.py", "jupyterlab.py"}


def test_where_the_course_is_not_installed_only_its_own_packages_are_hidden(folder):
    install(folder, "pytest", "pytest.py")
    for name in packages.OWN:
        (folder / name).mkdir()
    assert seen(folder) == {"pytest.py"}
