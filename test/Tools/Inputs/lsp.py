#!/usr/bin/env python3
"""Talks to a language server as an editor does, and prints what it says.

    lsp.py SERVER

Opens a file with an ill-formed operation, corrects it, hovers over it, and
shuts the server down.

SPDX-License-Identifier: Apache-2.0
"""
import json
import subprocess
import sys

URI = "file:///test.mlir"
TEXT = """\
// A comment.
func.func @f(%w: tensor<8x64xi2>) -> !ternary.packed<64 x 8, #ternary.i2> {
  %0 = ternary.pack %w : tensor<8x64xi2> -> !ternary.packed<64 x 8, #ternary.i2>
  return %0 : !ternary.packed<64 x 8, #ternary.i2>
}
"""


class Server:
    def __init__(self, command):
        self.process = subprocess.Popen([command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.requests = 0

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body))
        self.process.stdin.write(body)
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while (line := self.process.stdout.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            sys.exit("the server closed the connection")
        return json.loads(self.process.stdout.read(length))

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def request(self, method, params):
        self.requests += 1
        self.send({"id": self.requests, "method": method, "params": params})
        while (message := self.receive()).get("id") != self.requests:
            pass
        return message["result"]

    def diagnostics(self):
        while True:
            message = self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                return message["params"]["diagnostics"]


def main():
    server = Server(sys.argv[1])
    server.request("initialize",
                   {"processId": None, "rootUri": None, "capabilities": {}})
    server.notify("initialized", {})
    server.notify("textDocument/didOpen", {"textDocument": {
        "uri": URI, "languageId": "mlir", "version": 1, "text": TEXT}})
    for diagnostic in server.diagnostics():
        start = diagnostic["range"]["start"]
        severity = {1: "error", 2: "warning"}.get(diagnostic["severity"])
        print(f"{start['line'] + 1}:{start['character'] + 1}: {severity}: "
              f"{diagnostic['message']}")
    server.notify("textDocument/didChange", {
        "textDocument": {"uri": URI, "version": 2},
        "contentChanges": [{"text": TEXT.replace("<64 x 8,", "<8 x 64,")}]})
    left = server.diagnostics()
    print("after the correction:",
          "no diagnostics" if not left else left[0]["message"])
    hover = server.request("textDocument/hover", {
        "textDocument": {"uri": URI}, "position": {"line": 2, "character": 9}})
    print("hover:", json.dumps(hover))
    server.request("shutdown", None)
    server.notify("exit", None)
    server.process.stdin.close()
    print("server exited with", server.process.wait(timeout=60))


if __name__ == "__main__":
    main()
