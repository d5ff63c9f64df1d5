#!/usr/bin/env bash
# lighteval 0.13.0 scores LiveCodeBench by a copy of the benchmark's own checker, which never runs a program that reads
# its input: it moves the program's body into a function and puts stand-ins in place of sys.stdin. Right programs fail
# for their form alone, so that a model which writes `sys.stdin.buffer.read()` has a lower pass@1 than one which writes
# `sys.stdin.read()`. Who compares figures of LiveCodeBench should know which forms the models write.
#
# Ends with 0 while that is so, and with 1 once it has changed. Takes a minute; needs pip and a Python 3.10 to 3.13.
#
# Seen with lighteval 0.13.0 on Python 3.11:
#   lighteval 0.13.0
#   read()                             passes
#   buffer.read()                      fails
#   global                             fails
#   guard that is not last             fails
#   quit() at the end                  fails
#   from __future__ import             fails
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip install -q "$@" 2>"$work/pip.log" || { cat "$work/pip.log" >&2; exit 1; }; }
# Its checker alone is loaded: the package would want torch.
pip --no-deps "lighteval==0.13.0"
pip "numpy<3" tqdm

cat >"$work/forms.py" <<'PYTHON'
import importlib.util
import json
import sys
from importlib import metadata

# For a problem that gives two numbers and wants their sum: Python prints 7 and 15 for all of them.
FORMS = {
    "read()": "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
    "buffer.read()": "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))",
    "global": "total = 0\ndef add(n):\n    global total\n    total += n\nadd(int(input()))\nadd(int(input()))\nprint(total)",
    "guard that is not last": "def main():\n    print(int(input()) + int(input()))\n"
    "if __name__ == '__main__':\n    main()\ndone = True",
    "quit() at the end": "print(int(input()) + int(input()))\nquit()",
    "from __future__ import": "from __future__ import annotations\nprint(int(input()) + int(input()))",
}
place = metadata.distribution("lighteval").locate_file("lighteval/tasks/tasks/lcb/codegen_metrics.py")
spec = importlib.util.spec_from_file_location("codegen_metrics", place)
checker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(checker)
tests = {"inputs": ["3\n4\n", "10\n5\n"], "outputs": ["7\n", "15\n"], "fn_name": None}
sample = {"input_output": json.dumps(tests)}
print("lighteval", metadata.version("lighteval"))
passes = {}
for name, code in FORMS.items():
    passes[name] = all(result is True for result in checker.check_correctness(sample, code, 6))
    print(f"{name:34} {'passes' if passes[name] else 'fails'}", flush=True)
sys.exit(0 if passes.pop("read()") and not any(passes.values()) else 1)
PYTHON
# The same programs in plain Python first: they are right.
"$work/venv/bin/python" - "$work/forms.py" <<'PYTHON'
import ast
import subprocess
import sys

tree = ast.parse(open(sys.argv[1]).read())
forms = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "FORMS")
for code in forms.values():
    for given, wanted in (("3\n4\n", "7\n"), ("10\n5\n", "15\n")):
        done = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, text=True, check=True)
        assert done.stdout == wanted, (code, done)
PYTHON
"$work/venv/bin/python" "$work/forms.py" </dev/null
