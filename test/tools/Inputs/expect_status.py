"""expect_status.py STATUS COMMAND...   runs the command; fails unless it exits with STATUS."""
import subprocess
import sys

status = subprocess.run(sys.argv[2:]).returncode
print(f"exit {status}")
sys.exit(status != int(sys.argv[1]))
