"""peak_memory.py MEGABYTES COMMAND...   fails if the command fails or its resident memory ever passes the limit."""
import resource
import subprocess
import sys

status = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{peak:.0f} MB")
sys.exit(status or peak > float(sys.argv[1]))
