"""A student in JupyterLab: runs all cells with a wrong answer, reads the diagnosis, corrects it, sees full marks."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from autograder.exercises import find
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.authoring.simulated_students import misconception_source, reference_sources
from autograder.pipeline.course import Course

ROOT = Path(__file__).parents[2]
COURSE = Course(ROOT, ROOT / "classroom")
NOTEBOOK = "01_linear_classification"
START = "00_start"
TOKEN = "a-token-for-this-test"
CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

CELL = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-CodeCell"
"""The code cells of the notebook in front."""

HELPED = """
from dataclasses import replace
def loud(X, W, b):
    print("called with", X.shape)
    return X @ W.T
report = check("linear.scores", loud)
slip = ("line 4: `X @ W.T`", "The bias is missing.", "+ b")
replace(report, verdict=replace(report.verdict, slip=slip, hints=("Count your arguments.", "Which is unused?")))
"""
"""A check whose report has every kind of help."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]


def wrong_notebook() -> nbformat.NotebookNode:
    """The released notebook with a known mistake in its first exercise."""
    scores = find("linear.scores")
    released = nbformat.reads(COURSE.release(NOTEBOOK).read_text("utf-8"), as_version=4)
    notebook = fill_in(released, {"scores": misconception_source(scores, scores.misconceptions[0])})
    notebook.cells += [nbformat.v4.new_code_cell(HELPED), nbformat.v4.new_code_cell("# an empty place")]
    return notebook


def right_source() -> str:
    master = nbformat.reads(COURSE.master(NOTEBOOK).read_text("utf-8"), as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell.source for cell in master.cells}
    return reference_sources(cells)["scores"]


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab of our own on a free port, with copies of two notebooks; gives the address of each."""
    folder = tmp_path / "course" / "notebooks"
    for name in (START, NOTEBOOK):
        (folder / name).mkdir(parents=True)
    nbformat.write(wrong_notebook(), folder / NOTEBOOK / f"{NOTEBOOK}.ipynb")
    shutil.copy(COURSE.release(START), folder / START)
    settings = tmp_path / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={tmp_path / 'course'}"]
    log = tmp_path / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=tmp_path)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{base}/api/status?token={TOKEN}", server, log)
        yield lambda name: f"{base}/lab/tree/notebooks/{name}/{name}.ipynb?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not answer:\n{log.read_text()}")


@pytest.fixture
def page(lab):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.goto(lab(NOTEBOOK))
        yield page
        browser.close()


def cell_with(page: Page, text: str | re.Pattern[str]):
    return page.locator(CELL).filter(has=page.locator(".cm-content", has_text=text)).first


def run_all(page: Page) -> None:
    """Run All Cells, once the kernel answers: JupyterLab asks which kernel to start if it is told to run before."""
    expect(page.locator(CELL).first).to_be_visible(timeout=300_000)
    expect(page.locator("#jp-main-statusbar")).to_contain_text(re.compile(r"Python 3.*\| Idle"), timeout=300_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator("#jp-mainmenu-run").get_by_text("Run All Cells", exact=True).click()
    first = page.locator(f"{CELL} .jp-InputPrompt").first
    expect(first).to_have_text("[1]:", timeout=300_000)


def rewrite(page: Page, cell, source: str) -> None:
    """Puts a text into a cell and runs it."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Shift+Enter")


def rerun(page: Page, cell) -> None:
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")


def test_the_page_that_make_lab_opens_leads_to_the_lessons_and_back(lab, page):
    done = subprocess.run(["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"notebooks/{START}/{START}.ipynb" in done.stdout
    page.goto(lab(START))
    run_all(page)
    expect(page.get_by_alt_text(re.compile("^A map of the"))).to_be_visible(timeout=300_000)
    for source, shown in (
        ("this_machine()", "Ready: nothing"),
        ("always_three", "Case: no numbers"),
        ("only_added", "This is the sum."),
        ("half_of_the_ends", "an empty array has its answer already"),
        (re.compile(r"^course_plan\(\)"), "Next: average in 0 · Start"),
    ):
        expect(cell_with(page, source).locator(".jp-OutputArea-output")).to_contain_text(shown, timeout=300_000)

    plan = cell_with(page, re.compile(r"^course_plan\(\)"))
    plan.get_by_role("link", name="1 · Linear classification").click()
    expect(page.get_by_role("tab", name=f"{NOTEBOOK}.ipynb", selected=True)).to_be_visible(timeout=60_000)
    run_all(page)
    progress = cell_with(page, re.compile(r"^progress\(\)"))
    expect(progress.locator(".jp-OutputArea-output")).to_contain_text("Next: scores in 1 · Linear", timeout=300_000)
    progress.get_by_role("link", name="scores").click()
    expect(page.locator("h3", has_text="Exercise: scores")).to_be_in_viewport(timeout=60_000)
    progress.get_by_role("link", name="Map of the course").click()
    expect(page.get_by_role("tab", name=f"{START}.ipynb", selected=True)).to_be_visible(timeout=60_000)


def test_wrong_answer_diagnosis_correction_full_marks(page):
    scores = find("linear.scores")
    run_all(page)
    check = cell_with(page, 'check("linear.scores"')
    report = check.locator(".jp-OutputArea-output")
    expect(report).to_contain_text(scores.misconceptions[0].sentence[:60], timeout=300_000)

    final = cell_with(page, 'check("linear.relu_xor"').locator(".jp-OutputArea-output")
    expect(final).to_contain_text(re.compile("not written", re.IGNORECASE), timeout=300_000)

    rewrite(page, cell_with(page, "def scores("), right_source())
    rerun(page, check)
    points = f"{scores.points:g} / {scores.points:g} points"
    expect(report).to_contain_text(points, timeout=300_000)
    expect(report).not_to_contain_text(scores.misconceptions[0].sentence[:60])

    rewrite(page, cell_with(page, "def scores("), right_source().replace("def scores(", "def socres("))
    rerun(page, check)
    expect(report).to_contain_text("the cell that defined scores now defines socres", timeout=300_000)
    expect(report).not_to_contain_text(points)


def test_help_opens_by_keyboard_and_a_case_is_copied(page):
    run_all(page)
    check = cell_with(page, "def loud(")
    report = check.get_by_role("region", name="Report on linear.scores")
    expect(report).to_be_visible(timeout=300_000)
    expect(report.get_by_role("status")).to_contain_text("not right yet")
    expect(report.get_by_role("heading", name="A slip in your code")).to_be_visible()
    expect(check.locator(".jp-OutputArea")).not_to_contain_text(re.compile("^called with", re.MULTILINE))

    where, kind = report.get_by_text("1. Where to look"), report.get_by_text("2. What kind of slip")
    expect(kind).to_be_hidden()
    where.focus()
    page.keyboard.press("Enter")
    expect(report.get_by_text("X @ W.T", exact=True)).to_be_visible()
    expect(kind).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(report.get_by_text("The bias is missing.")).to_be_visible()
    expect(report.get_by_text("+ b", exact=True)).to_be_hidden()

    sides = [report.get_by_role("group", name=name).bounding_box() for name in ("your answer", "expected")]
    assert sides[0]["y"] == sides[1]["y"], "JupyterLab draws them side by side"

    report.get_by_text("Copy this case as code").click()
    report.get_by_role("button", name="Copy").click()
    expect(report.get_by_role("button", name="Copied")).to_be_visible()
    place = cell_with(page, "# an empty place")
    place.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")
    pasted = cell_with(page, re.compile(r"^scores\("))
    expect(pasted).to_be_visible()
    page.keyboard.press("Shift+Enter")
    expect(pasted.locator(".jp-OutputArea-output")).to_contain_text("array(", timeout=60_000)
