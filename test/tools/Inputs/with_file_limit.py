"""with_file_limit.py BYTES COMMAND...   runs the command; no file it writes may grow beyond BYTES, as on a full disk."""
import resource
import signal
import subprocess
import sys

def limit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)

status = subprocess.run(sys.argv[2:], preexec_fn=limit).returncode
print(f"exit {status}", flush=True)
