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
    # What the page shows of the model: a layer is five kernels.
    client.request("GET", "/model")
    kernels = [each["name"] for each in json.loads(client.getresponse().read())["layer"]]
    names = ["self_attn.qkv_proj", "self_attn", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"]
    assert kernels == [f"model.layers.0.{name}" for name in names], kernels
    # While a text is being written: it is finished, and the server ends without an error.
    client.request("POST", "/v1/completions", json.dumps({"prompt": "In the", "max_tokens": 200, "ignore_eos": True}))
    server.send_signal(signal.SIGTERM)
    answer = json.loads(client.getresponse().read())
    assert answer.get("usage", {}).get("completion_tokens") == 200 or answer["error"]["code"] == 503, answer
    assert server.wait(timeout=60) == 0, server.returncode
finally:
    server.kill()
