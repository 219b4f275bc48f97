"""ask_server.py SERVER PACKAGE: starts a server, asks it for a text, has it end; prints the text."""
import http.client
import json
import signal
import subprocess
import sys

server = subprocess.Popen([sys.argv[1], sys.argv[2], "--port", "0"], stdout=subprocess.PIPE, text=True)
try:
    port = int(server.stdout.readline().rsplit(":", 1)[1])
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("POST", "/v1/completions",
                   json.dumps({"prompt": "In the beginning", "max_tokens": 12, "temperature": 0}))
    print(json.loads(client.getresponse().read())["choices"][0]["text"])
    # While a text is being written: it is finished, and the server ends without an error.
    client.request("POST", "/v1/completions", json.dumps({"prompt": "In the", "max_tokens": 200, "ignore_eos": True}))
    server.send_signal(signal.SIGTERM)
    answer = json.loads(client.getresponse().read())
    assert answer.get("usage", {}).get("completion_tokens") == 200 or answer["error"]["code"] == 503, answer
    assert server.wait(timeout=60) == 0, server.returncode
finally:
    server.kill()
