"""Development tasks: `nox --list` prints them, `nox -s lint` runs one."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "uv|venv"  # uv installs TensorFlow in seconds, not in a minute

PROJECT = nox.project.load_toml("pyproject.toml")
DEV = PROJECT["project"]["optional-dependencies"]["dev"]
PYTHONS = nox.project.python_versions(PROJECT)
PYTEST = ("python", "-m", "pytest", "-q")
PARALLEL = (*PYTEST, "-n", "auto", "--dist", "loadfile")
# The packages that compute with Keras. The other packages do not depend on its backend.
WITH_KERAS = (
    "contracts",
    "layers",
    "models",
    "training",
    "conversion",
    "diagnostics",
    "evaluation",
    "doctor",
)

# Errors of mypy that benchmarks may have.
LOOSE = (
    "arg-type",
    "import-not-found",
    "index",
    "misc",
    "no-any-return",
    "no-untyped-call",
    "operator",
    "override",
    "return-value",
    "type-arg",
    "type-var",
    "union-attr",
    "untyped-decorator",
)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Check style, types, imports, workflows and, against the last tag, the public names."""
    # mypy skips these, see pyproject.toml, and they are large.
    skipped = ("h5py", "keras", "tensorflow")
    typed = [name for name in PROJECT["project"]["dependencies"] if not name.startswith(skipped)]
    session.install(*DEV, *typed)
    session.install("--no-deps", "-e", ".")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    for platform in ("linux", "win32", "darwin"):  # finds functions that one of them lacks
        session.run("mypy", "--platform", platform)
    # Benchmarks are typed loosely, but their calls must be those of the package.
    loose = [option for code in LOOSE for option in ("--disable-error-code", code)]
    session.run("mypy", *loose, "benchmarks")
    # As a user's type checker sees the package: from another folder, without its settings.
    consumer = str(Path("tests/typed_consumer.py").resolve())
    with session.chdir(session.create_tmp()):
        session.run("mypy", "--strict", consumer)
    session.run("lint-imports")
    tags = session.run(
        "git", "tag", "--sort=-creatordate", "--merged", "HEAD", external=True, silent=True
    )
    if tags:
        last = tags.split()[0]
        session.run("griffe", "check", "catdog_keras", "--search", "src", "--against", last)
    else:
        session.log("no release is tagged yet: no public name can have changed since one")
    session.run("zizmor", "--offline", "--quiet", ".github")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the fast tests, or with the arguments after `--`, such as `-m slow`."""
    session.install("-e", ".[test]")
    session.run(*PARALLEL, *session.posargs)


def _or_oldest(python: str) -> str:
    """Returns a Python if this machine has it, else the oldest, which development needs anyway."""
    return python if shutil.which(f"python{python}") else PYTHONS[0]


# On different Pythons, so that fewer runs cover all of these.
@nox.session
@nox.parametrize(
    ("python", "backend"),
    [(_or_oldest(PYTHONS[1]), "jax"), (_or_oldest(PYTHONS[-1]), "torch")],
    ids=["jax", "torch"],
)
def backends(session: nox.Session, backend: str) -> None:
    """Run the tests that depend on the backend of Keras on another one."""
    # Plain torch is several GB of GPU libraries; this version is a CPU build where CI runs.
    session.install("-e", ".[test,jax]" if backend == "jax" else ".[test]")
    if backend == "torch":
        session.install("torch==2.13.0")
    folders = [f"tests/{name}" for name in WITH_KERAS]
    files = ["tests/test_keras_internals.py", "tests/test_traced_memory.py"]
    arguments = session.posargs or [*folders, *files]
    environment = {
        "KERAS_BACKEND": backend,
        # Each new Keras model compiles the same programs again; the workers share them. The path
        # is absolute because some tests change the current folder.
        "JAX_COMPILATION_CACHE_DIR": str(Path(session.create_tmp()).resolve()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # Most programs run once or twice: without optimization, compiling takes a third less time.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    session.run(*PARALLEL, *arguments, env=environment)
    if backend == "jax" and not session.posargs:  # only JAX trains in several processes
        devices = "tests/training/test_several_devices.py"
        session.run(*PYTEST, "-m", "slow", devices, env=environment)


@nox.session(python=PYTHONS[0])
def clients(session: nox.Session) -> None:
    """Test with keras-hub, keras-tuner, scikit-learn, cleanlab and TensorBoard."""
    session.install("-e", ".[test,clients]")
    session.run(*PYTEST, "-m", "slow", "tests/clients", *session.posargs)


@nox.session(python=PYTHONS[0])
def package(session: nox.Session) -> None:
    """Build wheel and sdist into `dist`, reproducibly, and install and use each of them."""
    session.install("--require-hashes", "-r", ".ci/build-requirements.txt")
    session.install("twine")
    shutil.rmtree("dist", ignore_errors=True)
    session.run(".ci/packages", str(Path("dist").resolve()), "python", external=True)
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
    check = "import catdog_keras as ck; assert ck.build_model1().count_params() == 433_634"
    for archive in sorted(Path("dist").resolve().iterdir()):
        session.install(str(archive))
        session.install("--force-reinstall", "--no-deps", str(archive))
        with session.chdir(session.create_tmp()):
            session.run("python", "-c", check)


@nox.session(python=PYTHONS[0])
def docs(session: nox.Session) -> None:
    """Build the site into `site`, fail on each warning, and run the notebooks of the tutorials."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", *session.posargs)
    session.run("python", "docs/notebooks.py")


@nox.session(python=PYTHONS[0])
def browser(session: nox.Session) -> None:
    """Test the site that `docs` built, and the pages of reports and findings, in Chromium."""
    session.install("-e", ".[test,browser]")
    files = [
        "tests/test_site_in_a_browser.py",
        "tests/report/test_in_a_browser.py",
        "tests/doctor/test_in_a_browser.py",
    ]
    environment = {"CATDOG_KERAS_SITE": str(Path("site").resolve())}
    session.run(*PYTEST, "-m", "", *files, *session.posargs, env=environment)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the fast tests on the lowest versions that the package declares."""
    session.install("uv")
    pip = ("uv", "pip", "install", "--quiet", "--python", session.virtualenv.location)
    session.run(*pip, "--resolution", "lowest-direct", "-e", ".")
    # The tools are the newest; what needs an extra is skipped: extras have lowest versions too.
    session.run(*pip, "pytest", "pytest-xdist", "hypothesis", "scikit-learn", "scipy")
    # Old versions use what newer versions of other packages have deprecated.
    tolerant = ("-W", "default::DeprecationWarning", "-W", "default::PendingDeprecationWarning")
    session.run(*PARALLEL, *tolerant, *session.posargs)


@nox.session(python=PYTHONS[0])
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of the dependencies and of the tools that build the release."""
    session.install("-e", ".[export,jax]", "pip-audit>=2.9")
    session.run("pip-audit", "--skip-editable")
    pinned = ("--require-hashes", "--disable-pip", "-r", ".ci/build-requirements.txt")
    session.run("pip-audit", *pinned)
