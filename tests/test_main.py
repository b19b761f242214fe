import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import h5py
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, ROOT, day_frame

from alpha import __version__
from alpha.__main__ import COMMANDS, GROUPS, main
from alpha.check import load
from alpha.core import cli
from alpha.learn.kinds import MODELS
from alpha.learn.params import run_folder
from alpha.learn.params import runs as runs_of


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with params.yaml for quick runs, and feature files of 3,000 rows."""
    text = PARAMS_TEXT
    for old, new in (
        ("epochs: 12", "epochs: 1"),
        ("dir: results/simulate", "dir: features"),
        ("seeds: [0, 1, 2]", "seeds: [0, 2]"),
    ):
        text = text.replace(old, new)
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "features").mkdir()
    day_frame(3000).to_hdf(tmp_path / "features" / "a.h5", key="df", mode="w")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(step: str):
    """The module of a command."""
    return import_module(COMMANDS[step])


def alpha(*words: object) -> int:
    return main([str(word) for word in words])


def test_the_steps_run_one_by_one_from_feature_files_to_the_report(workplace, capsys):
    """The whole chain by hand; every HDF5 file it leaves opens with pandas under `df`."""
    assert alpha("check") == 0
    assert alpha("label", "--features", "features", "--out", "labels") == 0
    assert alpha("guard", "--labels", "labels", "--pins", "pins", "--out", "guard") == 0
    assert alpha("pin", "--labels", "labels") == 0
    assert (
        alpha("split", "--features", "features", "--labels", "labels/labels", "--out", "splits")
        == 0
    )
    assert alpha("normalize", "--splits", "splits", "--out", "normalize") == 0
    assert alpha(
        "audit", "--features", "features", "--labels", "labels/labels", "--splits", "splits",
        "--normalization", "normalize", "--out", "audit",
    ) == 0  # fmt: skip
    params = load(Path("params.yaml"))
    of_train = (
        "--train", "splits/0/train", "--valid", "splits/0/valid",
        "--normalization", "normalize/0.json",
    )  # fmt: skip
    assert alpha("train", "--kind", "baselines", *of_train, "--out", "train/0/baselines") == 0
    runs = runs_of(params)
    for run in runs:
        model, seed = run.split("-")
        if model not in params.baselines:
            out = f"train/0/{run_folder(run)}"
            assert alpha("train", "--model", model, "--seed", seed, *of_train, "--out", out) == 0
    for models in ("baselines", *params.networks, *params.trees):
        assert alpha(
            "predict", "--models", f"train/0/{models}", "--splits", "splits/0",
            "--normalization", "normalize/0.json", "--out", f"predict/0/{models}",
        ) == 0  # fmt: skip
    assert alpha(
        "evaluate", "--features", "features", "--audit", "audit", "--models", "train",
        "--predictions", "predict", "--splits", "splits", "--out", "evaluate",
    ) == 0  # fmt: skip
    assert alpha(
        "report", "--features", "features", "--predictions", "predict",
        "--evaluation", "evaluate", "--labels", "labels", "--guard", "guard",
        "--audit", "audit", "--splits", "splits", "--normalization", "normalize",
        "--out", "report.html",
    ) == 0  # fmt: skip
    capsys.readouterr()
    assert alpha("show", "--evaluation", "evaluate", "--report", "report.html") == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in (*MODELS, "matched_mlp", "report.html"))
    assert alpha("show", "silos", "--evaluation", "evaluate") == 0
    assert "Importance of families" in capsys.readouterr().out
    artifacts = sorted(workplace.rglob("*.h5"))
    assert len(artifacts) == 1 + 1 + 3 + (len(runs) + 2) * 3  # two of silos' matched MLP
    for path in artifacts:
        assert len(pd.read_hdf(path, "df")) > 0, path
    assert not [path for path in workplace.rglob("*") if path.suffix == ".part"]


@pytest.mark.parametrize("step", COMMANDS)
def test_every_command_explains_itself(step, capsys):
    with pytest.raises(SystemExit) as ended:
        alpha(step, "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(option.flag in shown for option in command(step).OPTIONS)


@pytest.mark.parametrize(
    ("step", "was", "now"),
    [
        ("simulate", "days: 5", "days: 0"),
        ("label", "horizon_seconds: 60", "horizon_seconds: -1"),
        ("split", "embargo_seconds: 300", "embargo_seconds: -1"),
        ("normalize", "clip: 10.0", "clip: -1"),
        ("audit", "fail_on: none", "fail_on: yes"),
        ("evaluate", "shift_psi: 0.25", "shift_psi: 0"),
        ("report", "max_gap_seconds: 30", "max_gap_seconds: 0"),
        ("check", "clip: 10.0", "clip: -1"),
        ("pin", "max_gap_seconds: 30", "max_gap_seconds: 0"),
    ],
)
def test_bad_params_stop_a_command_that_uses_them_with_one_line(step, was, now, workplace, capsys):
    (workplace / "params.yaml").write_text(PARAMS_TEXT.replace(was, now))
    assert alpha(step, *required(step)) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert shown.err.startswith(f"alpha {step}: error: params.yaml: ")
    assert was.partition(":")[0] in shown.err
    assert not (workplace / "somewhere").exists()


@pytest.mark.parametrize("step", [step for step in COMMANDS if step != "train"])
@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("splits", "splits: no such key; did you mean split?"),
        ("unheard_of", "unheard_of: no such key"),
    ],
)
def test_a_section_that_does_not_exist_stops_every_command(step, section, says, workplace, capsys):
    (workplace / "params.yaml").write_text(f"{PARAMS_TEXT}\n{section}: {{}}\n")
    assert alpha(step, *required(step)) == 2
    assert capsys.readouterr().err == f"alpha {step}: error: params.yaml: {says}\n"


def required(step: str) -> list[str]:
    """A value for each option of a command that must be given."""
    return [
        word
        for option in command(step).OPTIONS
        if option.flag.startswith("-") and option.required and option.default is None
        for word in (option.flag, "somewhere")
    ]


def no_bid(folder: Path) -> None:
    day_frame(500).drop(columns="best_bid").to_hdf(folder / "a.h5", key="df", mode="w")


def truncated(folder: Path) -> None:
    path = folder / "a.h5"
    path.write_bytes(path.read_bytes()[:5000])


def no_file(folder: Path) -> None:
    (folder / "a.h5").unlink()


def no_folder(folder: Path) -> None:
    no_file(folder)
    folder.rmdir()


def no_frame(folder: Path) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        file["df"] = [1, 2]


def too_short(folder: Path) -> None:
    day_frame(30).to_hdf(folder / "a.h5", key="df", mode="w")


@pytest.mark.parametrize(
    ("breakage", "message"),
    [
        (no_bid, "features/a.h5: must have the column 'best_bid' (data.best_bid)"),
        (truncated, "features/a.h5: cannot be read as HDF5"),
        (no_file, "features: holds no feature file that matches '*.h5'"),
        (no_folder, "features: must be a folder of feature files (data.dir), found none"),
        (no_frame, "features/a.h5: key 'df' must hold a pandas DataFrame"),
        (too_short, "features: no row has a label: of 30 rows, 30 are less than"),
    ],
)
def test_bad_features_give_one_line_and_leave_earlier_labels_alone(
    workplace, capsys, breakage, message
):
    assert alpha("label", "--features", "features", "--out", "labels") == 0
    before = {path: path.read_bytes() for path in (workplace / "labels").rglob("*.*")}
    breakage(workplace / "features")
    assert alpha("label", "--features", "features", "--out", "labels") == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"alpha label: error: {message}")
    assert shown.err.count("\n") == 1
    assert {path: path.read_bytes() for path in (workplace / "labels").rglob("*.*")} == before
    assert not list(workplace.rglob("*.part"))


def test_check_finds_a_bad_folder_before_anything_runs(workplace, capsys):
    no_bid(workplace / "features")
    assert alpha("check") == 2
    assert "must have the column 'best_bid'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "out", ["features", ".", "features/../features", "params.yaml", "a/b/../.."]
)
def test_an_out_that_would_remove_an_input_is_refused(workplace, capsys, out):
    before = (workplace / "features" / "a.h5").read_bytes()
    assert alpha("label", "--features", "features", "--out", out) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (workplace / "features" / "a.h5").read_bytes() == before
    assert (workplace / "params.yaml").exists()


@pytest.mark.parametrize("out", ["file", "file/inside", "/proc/nowhere/labels"])
def test_an_out_that_cannot_be_written_gives_one_line(workplace, capsys, out):
    (workplace / "file").write_text("mine")
    assert alpha("label", "--features", "features", "--out", out) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("alpha label: error: ")
    assert shown.count("\n") == 1
    assert (workplace / "file").read_text() == "mine"


def test_a_seed_out_of_range_is_refused(workplace, capsys):
    assert alpha("train", "--model", "mlp", "--seed", -1, "--train", "t", "--valid", "v",
                 "--normalization", "n", "--out", "o") == 2  # fmt: skip
    assert "--seed must be 0 to 2**31 - 1, found -1" in capsys.readouterr().err


def test_a_model_that_params_do_not_name_is_refused(workplace, capsys):
    assert alpha("train", "--model", "oracle", "--seed", 0, "--train", "t", "--valid", "v",
                 "--normalization", "n", "--out", "o") == 2  # fmt: skip
    printed = capsys.readouterr().err
    assert "no such model 'oracle': must be one of zero, mean, median, " in printed


def test_the_program_runs_as_a_module_and_says_its_version():
    command = [sys.executable, "-m", "alpha", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"alpha {__version__}\n"


@pytest.mark.parametrize("step", ["label.run", "split.run", "normalize.run"])
def test_preparing_steps_never_import_the_heavy_libraries_or_the_engines(step):
    heavy = ("tensorflow", "keras", "sklearn", "pandas", "matplotlib", "snakemake", "dvc")
    code = f"import sys, alpha.{step}; print(sorted(set({heavy}) & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_tensorflow_starts_without_what_keras_would_load_beside_it():
    """And leaves it to be loaded by who wants it."""
    others = ("sklearn", "pandas", "matplotlib")
    code = (
        "import sys; from alpha.models.networks.backend import tensorflow;"
        "tensorflow().keras.Model;"
        f"print(sorted(set({others}) & set(sys.modules)));"
        "import sklearn, pandas, matplotlib"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_interrupted_command_says_so_in_one_line(workplace, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command("check"), "run", interrupted)
    assert alpha("check") == 130
    assert capsys.readouterr().err == "alpha check: error: interrupted\n"


@pytest.mark.parametrize("title", GROUPS)
def test_every_group_has_an_example_that_its_arguments_accept(title):
    name, *words = title.split("`")[1].split()
    assert (name, words[0] in GROUPS[title].split()) == ("alpha", True)
    args, others = cli.parser(COMMANDS, GROUPS).parse_known_args(words)
    assert (args.command, others) == (words[0], [])


@pytest.mark.parametrize("columns", ["80", "60"])
def test_help_lists_every_command_once_in_its_group_and_fits(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as ended:
        alpha("--help")
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    listed = [line.split()[0] for line in lines if line[:3].strip() and line[:2] == "  "]
    assert [word for word in listed if word in COMMANDS] == list(COMMANDS)
    assert all(any(line.startswith(title) for line in lines) for title in GROUPS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["shwo"], "alpha: error: no such command 'shwo'; did you mean show?\n"),
        (["xyz"], "alpha: error: no such command 'xyz'; `alpha --help` lists them\n"),
        (
            ["check", "--parms", "x"],
            "alpha check: error: no such argument '--parms'; did you mean --params?\n",
        ),
        (["--zzz", "check"], "alpha check: error: no such argument '--zzz'\n"),
        (["check", "--zzz"], "alpha check: error: no such argument '--zzz'\n"),
    ],
)
def test_an_unknown_word_is_one_line_with_the_nearest_known_one(workplace, capsys, words, says):
    assert alpha(*words) == 2
    assert capsys.readouterr().err == says


def test_an_unknown_model_is_one_line_with_the_nearest_known_one(workplace, capsys):
    options = ["--train", "t", "--valid", "v", "--normalization", "n", "--out", "o"]
    assert alpha("train", "--model", "slios", "--seed", 0, *options) == 2
    assert capsys.readouterr().err.endswith(", lightgbm; did you mean silos?\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_gets_a_script_that_completes_every_command(capsys, shell):
    with pytest.raises(SystemExit) as ended:
        alpha("--print-completion", shell)
    assert ended.value.code == 0
    script = capsys.readouterr().out
    assert all(word in script for word in (*COMMANDS, "evaluation"))


def test_bash_completes_words_with_it():
    script = (
        f'eval "$({sys.executable} -m alpha --print-completion bash)"; '
        "COMP_WORDS=(alpha sh); COMP_CWORD=1; _shtab_alpha alpha sh alpha; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["show"], done.stderr


def test_starting_does_not_import_what_completes_words():
    code = (
        "import sys; from alpha.__main__ import main; main(['check', '--zz']); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "alpha.check" in done.stdout.split()
    assert "shtab" not in done.stdout.split()


@pytest.mark.parametrize(("root", "says"), [(".", True), ("..", False), (None, False)])
def test_an_experiment_that_fails_in_this_folder_says_how_to_get_the_params_back(
    workplace, capsys, monkeypatch, root, says
):
    """Not one of the queue, which runs in a folder of its own; nor a step without DVC."""
    if root:
        monkeypatch.setenv("DVC_EXP_NAME", "lucky-guess")
        monkeypatch.setenv("DVC_ROOT", str((workplace / root).resolve()))
    (workplace / "params.yaml").write_text(PARAMS_TEXT.replace("clip: 10.0", "clip: -5"))
    assert alpha("normalize", "--splits", "s", "--out", "o") == 2
    printed = capsys.readouterr().err
    assert "normalize.clip: must be greater than 0, found -5" in printed
    assert ("`git checkout params.yaml` takes it back" in printed) == says
    assert printed.count("\n") == 1


def interrupted(code: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", f"import alpha.core.interrupt\n{code}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_an_interruption_before_a_command_begins_is_one_line():
    done = interrupted("raise KeyboardInterrupt")
    assert done.returncode in (-signal.SIGINT, 130)  # which a shell calls 130
    assert done.stderr == "alpha: error: interrupted\n"


def test_a_step_that_is_asked_to_end_says_so_and_leaves_the_earlier_artifact(tmp_path):
    """By SIGTERM, as a cluster does at the end of its time."""
    code = """
import os, signal, sys
from pathlib import Path
from alpha import simulate
from alpha.__main__ import main
from alpha.core.artifacts import whole
def command(params, args):
    with whole(args.out) as part:
        part.write_text("half")
        os.kill(os.getpid(), signal.SIGTERM)
simulate.command = command
sys.exit(main(["simulate", "--params", "tests/params.yaml", "--out", sys.argv[1]]))
"""
    out = tmp_path / "out"
    out.write_text("whole")
    command = [sys.executable, "-c", code, str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "alpha simulate: error: interrupted\n")
    assert out.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [out]


def test_an_interruption_inside_a_library_s_callback_is_not_swallowed():
    """As in one of LLVM's while Numba compiles, where Python can raise nothing: it comes after."""
    done = interrupted(
        "import ctypes, time\n"
        "def callback(): raise KeyboardInterrupt\n"
        "try:\n"
        "    ctypes.CFUNCTYPE(None)(callback)()\n"
        "    time.sleep(5)\n"
        "except KeyboardInterrupt:\n"
        "    print('came')\n"
    )
    assert (done.stdout, done.stderr) == ("came\n", "")


def test_other_errors_still_have_their_traceback():
    assert "ZeroDivisionError" in interrupted("1 / 0").stderr


def run(*words: object, shell: str = "", cwd: Path, code: str = "") -> subprocess.CompletedProcess:
    """A command in a process of its own, after `code`, with what a shell adds to it."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}\n"
    script += "from alpha.__main__ import main; sys.exit(main())"
    command = ["bash", "-c", f'exec "$@" {shell}', "-", sys.executable, "-c", script]
    return subprocess.run([*command, *map(str, words)], cwd=cwd, capture_output=True, text=True)


def test_streams_that_are_closed_change_neither_the_exit_code_nor_an_artifact(workplace):
    words = "label", "--features", "features", "--out"
    assert run(*words, "open", cwd=workplace).returncode == 0
    assert run(*words, "closed", shell="0<&- 1>&- 2>&-", cwd=workplace).returncode == 0
    found = [
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (workplace / "open", workplace / "closed")
    ]
    assert found[0] == found[1] != {}
    assert run("check", "--zz", shell="2>&-", cwd=workplace).returncode == 2
    assert run("check", "--zz", shell="2>/dev/full", cwd=workplace).returncode == 2


def test_output_that_finds_no_room_is_one_line(workplace):
    done = run("check", shell=">/dev/full", cwd=workplace)
    assert done.returncode == 2
    assert done.stderr == "alpha check: error: standard output: No space left on device\n"


def test_a_limit_of_file_size_is_one_line_and_leaves_nothing(workplace):
    words = "label", "--features", "features", "--out", "labels"
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))"
    done = run(*words, cwd=workplace, code=code)
    assert done.returncode == 2
    assert done.stderr == "alpha label: error: labels/outs: cannot be written: File too large\n"
    assert not (workplace / "labels").exists()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "there is not enough memory"),
        (RuntimeError("can't start new thread"), "there is not enough memory"),
        (ImportError("a.so: failed to map segment from shared object"), "is not enough memory"),
        (RecursionError("maximum recursion depth exceeded"), "must not be nested so deeply"),
        (OSError(28, "No space left on device"), "standard output: No space left on device"),
        (OSError(30, "Read-only file system", "a/b"), "a/b: Read-only file system"),
        (cli.InputError("a\nb\x1b[2J\u202ec\ud800"), r"error: a\nb\x1b[2J\u202ec\ud800"),
        (cli.InputError("x" * 10**6), " … "),
    ],
)
def test_whatever_is_short_or_hostile_ends_in_one_line(workplace, capsys, monkeypatch, error, says):
    def fail(*_):
        raise error

    monkeypatch.setattr(command("check"), "run", fail)
    assert alpha("check") == 2
    shown = capsys.readouterr().err
    assert says in shown
    assert shown[:-1].isprintable()
    assert len(shown) < 2200


def test_other_exceptions_are_not_hidden(workplace, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(command("check"), "run", fail)
    with pytest.raises(ZeroDivisionError):
        alpha("check")


@pytest.mark.parametrize(
    "words", [["label"], ["label", "--out"], ["train", "--seed", "x"], ["show", "a", "b"]]
)
def test_arguments_that_are_missing_or_of_another_kind_are_one_line(workplace, capsys, words):
    assert alpha(*words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_out_on_a_loop_of_links_is_one_line(workplace, capsys):
    (workplace / "loop").symlink_to("loop")
    for out in ("loop", "loop/inside"):
        assert alpha("label", "--features", "features", "--out", out) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (workplace / "loop").is_symlink()
