"""on_small_disk.py FOLDER COMMAND...   runs the command while FOLDER is a file system of 64 KB; prints its messages, exit
status and what it left in FOLDER."""
import os
import subprocess
import sys

folder = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "strata-test", folder], check=True)
try:
    done = subprocess.run(sys.argv[2:], capture_output=True, text=True)
    print(done.stderr + f"exit {done.returncode}\nleft {os.listdir(folder)}")
finally:
    subprocess.run(["umount", folder], check=True)
