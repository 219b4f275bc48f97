# What lit needs to know of Strata's tests. In the tests:
#   %{root} %{models} %{golden}   the repository, models/, test/golden/
#   %{python}                     this Python
#   %{bin}                        the folder of Strata's tools
#   %{simulator}                  the folder of the simulated GPU's libcuda.so.1
# Features: ptxas, where strata-compile finds one; mount, where a small tmpfs can be mounted.
# Tools are found by name: Strata's first, then LLVM's (FileCheck, not, split-file, mlir-opt ...).

import os
import shutil
import subprocess
import sys
import tempfile

import lit.formats

config.name = "Strata"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "runtime"]
config.test_source_root = os.path.join(config.strata_source, "test")
config.test_exec_root = os.path.join(config.strata_build, "test")

bin = os.path.join(config.strata_build, "bin")
config.environment["PATH"] = os.pathsep.join([bin, config.llvm_tools, os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
for name in ["HOME", "TMPDIR"]:
    if name in os.environ:
        config.environment[name] = os.environ[name]

if shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin"):
    config.available_features.add("ptxas")

config.substitutions += [
    # Whatever strata-opt reads in any test also goes through its printer and back.
    (r"(?<![\w/-])strata-opt(?![\w-])", "strata-opt --verify-roundtrip"),
    ("%{root}", config.strata_source),
    ("%{models}", os.path.join(config.strata_source, "models")),
    ("%{golden}", os.path.join(config.strata_source, "test", "golden")),
    ("%{python}", sys.executable),
    ("%{bin}", bin),
    ("%{simulator}", os.path.join(config.strata_build, "lib", "simulator")),
]


def can_mount():
    """Whether a file system may be mounted here: root, outside of most containers."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "strata-test", folder],
                                 capture_output=True).returncode == 0
        return mounted and subprocess.run(["umount", folder]).returncode == 0


if can_mount():
    config.available_features.add("mount")
