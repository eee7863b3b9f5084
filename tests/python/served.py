"""A running sluice serve, and clients that ask it well and badly."""

import http.client
import json
import re
import signal
import socket
import threading

from conftest import start

JSON = {"Content-Type": "application/json"}


class Server:
    """A running sluice serve and a way to ask it."""

    def __init__(self, *arguments):
        self.process = start("serve", *arguments, "--port", "0")
        self.url = self.process.stdout.readline().decode().strip()
        self.host, port = re.fullmatch(r"http://([^/]+):(\d+)/", self.url).groups()
        self.port = int(port)

    def ask(self, method, path, body=None, headers=None, timeout=30):
        """Status, headers and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            body = json.dumps(body).encode() if isinstance(body, dict) else body
            connection.request(method, path, body, headers if headers is not None else JSON if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def post(self, verb, **body):
        status, _, answer = self.ask("POST", f"/api/v1/{verb}", body)
        assert status == 200, answer
        return json.loads(answer)

    def raw(self, data, timeout=10):
        """All that is answered to these bytes until the connection is closed."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            while part := connection.recv(65536):
                answer += part
        return answer

    def send(self, verb, body, address="127.0.0.1"):
        """A connection on which a request is under way."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(address, 0))
        body = json.dumps(body).encode()
        connection.sendall(b"POST /api/v1/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (verb.encode(), len(body), body))
        return connection

    def alive(self):
        return self.process.poll() is None and self.ask("GET", "/api/v1/health")[0] == 200

    def stop(self, signal_number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            _, err = self.process.communicate(timeout=20)
        finally:
            self.process.kill()
        return self.process.returncode, err.decode()


class SlowConnections:
    """Connections that send a byte now and then and never finish: a request line, headers, or a body."""

    BEGINNINGS = [b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-", b"POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{\"text\": \""]

    def __init__(self, server, count):
        self.sockets, self.over = [], threading.Event()
        for i in range(count):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            connection.sendall(self.BEGINNINGS[i % 3])
            self.sockets.append(connection)
        self.thread = threading.Thread(target=self.trickle)
        self.thread.start()

    def trickle(self):
        while not self.over.wait(0.5):
            for connection in self.sockets:
                try:
                    connection.sendall(b"a")
                except OSError:
                    pass

    def still_open(self):
        count = 0
        for connection in self.sockets:
            connection.setblocking(False)
            try:
                count += connection.recv(4096) != b""
            except BlockingIOError:
                count += 1
            except OSError:
                pass
        return count

    def close(self):
        self.over.set()
        self.thread.join()
        for connection in self.sockets:
            connection.close()
