"""with_server.py SERVER ARGUMENTS... -- COMMAND...: starts a server on a free port, runs the command with its URL behind
it, has the server end; exits as the command does."""
import signal
import subprocess
import sys

at = sys.argv.index("--")
server = subprocess.Popen([*sys.argv[1:at], "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
try:
    url = server.stdout.readline().split()[-1]  # "serving MODEL on URL"
    status = subprocess.run([*sys.argv[at + 1:], url], timeout=60).returncode
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=60) == 0, server.returncode
finally:
    server.kill()
sys.exit(status)
