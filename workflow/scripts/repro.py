"""`dvc --wait-for-lock repro` of one stage, by the process of DVC that is already loaded, if there
is one (warm.py), else by DVC itself. It takes the arguments of `dvc repro`.

The step itself is a child of this process, with its environment and its standard streams, as it
would be of DVC's: so a scheduler can end it, and measure what it costs.
"""

import json
import os
import signal
import socket
import sys

# The variable that says where to ask.
SOCKET = "ALPHA_DVC_SOCKET"
# What is done alike for one stage: other flags look at other stages too, and go to DVC itself.
FLAGS = {"--force", "--no-run-cache", "--quiet"}


def main(words: list[str]) -> int:
    """Reproduce a stage; the exit code is DVC's."""
    server = connect() if set(words[:-2]) <= FLAGS and words[-2] == "--single-item" else None
    if server is None:
        itself(words)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # DVC's to handle
    asked = {"words": words, "environment": dict(os.environ), "folder": os.getcwd()}
    begun = False
    try:
        socket.send_fds(server, [json.dumps(asked).encode() + b"\n"], [0, 1, 2])
        for line in server.makefile("rb"):
            said = json.loads(line)
            if "exit" in said:
                return int(said["exit"])
            begun = True
            if "run" in said:
                server.sendall(b"%d\n" % run(said["run"], said["environment"], said["folder"]))
    except ConnectionError:
        pass
    if not begun:
        itself(words)
    print("DVC was ended while it was at work on this stage", file=sys.stderr)
    return 255


def connect() -> socket.socket | None:
    """A connection to the process that has DVC loaded, if it lives."""
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(os.environ[SOCKET])
    except (KeyError, OSError):
        return None
    return server


def itself(words: list[str]) -> None:
    """Become DVC."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp("dvc", ["dvc", "--wait-for-lock", "repro", *words])


def run(command: list[str], environment: dict[str, str], folder: str) -> int:
    """Run the step's command as DVC does; its exit code, negative for a signal."""
    os.chdir(folder)
    # Python ignores these, and a child would inherit that.
    default = [signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ]
    step = os.posix_spawnp(command[0], command, environment, setsigdef=default)
    return os.waitstatus_to_exitcode(os.waitpid(step, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
