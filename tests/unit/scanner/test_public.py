"""The public surface is small, and what it says it is."""

import inspect
import subprocess
import sys

import scanner


def test_what_is_public_is_exactly_what_is_named() -> None:
    assert scanner.__all__ == sorted(scanner.__all__)
    functions = {name for name, value in vars(scanner).items() if inspect.isfunction(value)}
    assert functions == set(scanner.__all__)
    assert all(inspect.getdoc(getattr(scanner, name)) for name in scanner.__all__)


def test_naming_the_package_imports_no_engine() -> None:
    heavy = "{'pyarrow', 'hyperscan', 'pcre2', 'numpy', 'pydantic'}"
    seen = f"import sys, scanner; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_imports_no_engine() -> None:
    seen = (
        "import sys; from jobs.cli.main import cli; cli.main(['--help'], standalone_mode=False);"
        "print(sorted({'pyarrow', 'hyperscan', 'numpy', 'pydantic', 'rich', 'ray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
