"""sluice serve: the API, whom it answers, what it refuses, and that nobody keeps the others waiting."""

import concurrent.futures
import http.client
import ipaddress
import itertools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import CELLS, COMMAND, refused, sluice, sluice_json
from served import JSON, Server, SlowConnections

PROMPT = "Ada likes the red house, and"


@pytest.fixture(scope="module")
def server(models):
    server = Server(*[models[cell] for cell in CELLS])
    yield server
    assert server.alive()
    code, err = server.stop()
    assert code == 143 and "Sanitizer" not in err, err


def refusal(answer, status):
    assert answer[0] == status, answer
    error = json.loads(answer[2])["error"]
    assert error["status"] == status and error["message"] and "\n" not in error["message"]
    return error["message"]


def test_info_and_health(server):
    assert json.loads(server.ask("GET", "/api/v1/health")[2]) == {"status": "ok"}
    info = json.loads(server.ask("GET", "/api/v1/info")[2])
    assert info["schema"] == 1 and [model["name"] for model in info["models"]] == CELLS
    assert info["limits"]["body_bytes"] == 65536
    # A text to begin with, of which the model knows every word.
    for model in info["models"]:
        example, = model["examples"]
        words = server.post("gates", text=example, model=model["name"])["results"][0]
        assert len(words["tokens"]) >= 6 and words["unknown"] == []


def test_answers_are_those_of_the_command(server, models):
    by_name = {r["model"]: r for r in server.post("complete", text=PROMPT)["results"]}
    gates = {r["model"]: r for r in server.post("gates", text=PROMPT)["results"]}
    explained = server.post("explain", text=PROMPT, leave_one_out=True, horizon={}, ablation={},
                            microscope={}, changes={"delete": [3]})
    assert [e["model"]["name"] for e in explained["explanations"]] == CELLS
    for cell, explanation in zip(CELLS, explained["explanations"]):
        assert {"model": cell, **sluice_json("complete", models[cell], PROMPT)} == by_name[cell]
        assert {"model": cell, **sluice_json("gates", models[cell], PROMPT)} == gates[cell]
        assert explanation == sluice_json("explain", models[cell], PROMPT, "--delete", "red")


def test_one_model_or_several_can_be_asked(server):
    assert [r["model"] for r in server.post("gates", text="Ada", model="lstm")["results"]] == ["lstm"]
    assert [r["model"] for r in server.post("gates", text="Ada", model=["rnn", "gru"])["results"]] == ["rnn", "gru"]
    assert "values" not in server.post("explain", text="Ada", model="gru", units=False)["explanations"][0]["reading"][
        "layers"][0]["hidden"]


def test_a_continuation_follows_its_seed(server):
    def continuation(seed):
        return server.post("complete", text=PROMPT, model="gru", tokens=20, seed=seed)["results"][0]["continuation"]

    assert continuation(1) == continuation(1) != continuation(2)


def test_the_page_and_its_headers(server):
    status, headers, body = server.ask("GET", "/")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(rb"<script(?![^>]*src=|[^>]*application/json)|<style|\son\w+=", body)
    for name, kind in re.findall(r'(?:src|href)="([^"]+\.(js|css))"', body.decode()):
        status, headers, _ = server.ask("GET", "/" + name)
        assert status == 200 and ("javascript" if kind == "js" else "css") in headers["Content-Type"]
    status, headers, body = server.ask("HEAD", "/")
    assert status == 200 and int(headers["Content-Length"]) > 100 and body == b""


def test_pages_that_may_show_it_in_a_frame(server, models):
    _, headers, _ = server.ask("GET", "/")
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'") and headers["X-Frame-Options"] == "DENY"
    other = Server(models["gru"], "--allow-frame", "http://localhost:8000", "--allow-frame", "https://a.example")
    try:
        _, headers, _ = other.ask("GET", "/")
    finally:
        other.stop()
    assert headers["Content-Security-Policy"].endswith("frame-ancestors http://localhost:8000 https://a.example")
    assert headers["X-Frame-Options"] is None
    for wrong in "localhost", "http://", "http://a b", "http://a; script-src *", "http://a/path", "*":
        refused("serve", models["gru"], "--allow-frame", wrong, code=2, names=["--allow-frame: expected the origin"])


@pytest.mark.parametrize("method, path, body, status, words", [
    ("GET", "/nothing", None, 404, "path"),
    ("GET", "/../etc/passwd", None, 404, "path"),
    ("GET", "/api/v1/nothing", None, 404, "path"),
    ("GET", "/api/v1/explain", None, 405, "POST"),
    ("POST", "/api/v1/info", {}, 405, "GET"),
    ("POST", "/", {}, 405, "GET"),
    ("PUT", "/api/v1/explain", {}, 405, "POST"),
    ("DELETE", "/", None, 405, "GET"),
    ("OPTIONS", "/api/v1/explain", None, 405, "POST"),
    ("POST", "/api/v1/explain", b"{", 400, "JSON"),
    ("POST", "/api/v1/explain", b"", 400, "JSON"),
    ("POST", "/api/v1/explain", b"\xff\xfe", 400, "JSON"),
    ("POST", "/api/v1/explain", b"[" * 60000, 400, "JSON"),
    ("POST", "/api/v1/explain", b'{"text": "Ada", "at": 1e999}', 400, "number"),
    ("POST", "/api/v1/explain", {"text": ""}, 400, "text"),
    ("POST", "/api/v1/explain", {"text": "Ada", "at": 1}, 400, "at"),
    ("POST", "/api/v1/explain", {"text": "Ada", "colour": 1}, 400, "colour"),
    ("POST", "/api/v1/explain", {"text": "Ada", "model": "nobody"}, 404, "model"),
    ("POST", "/api/v1/explain", {"text": "Ada", "model": ["gru"] * 64}, 400, "once"),
    ("POST", "/api/v1/complete", {"text": "Ada", "model": ["gru", "rnn", "gru"]}, 400, "once"),
    ("GET", "/" + "a" * 5000, None, 414, "path"),
    ("POST", "/api/v1/explain", {"text": "Ada", "model": "rnn", "changes": {"clamp": [{"gate": "retain", "value": 1}]}},
     400, "no"),
    ("POST", "/api/v1/explain", {"text": "Ada " * 2049}, 400, "2048"),
    ("POST", "/api/v1/explain", {"text": "Ada " * 201, "leave_one_out": True}, 400, "200"),
    ("POST", "/api/v1/gates", {"text": "Ada " * 2049}, 400, "2048"),
    ("POST", "/api/v1/complete", {"text": "Ada", "tokens": 1000}, 400, "256"),
    ("POST", "/api/v1/explain", b'"' + b"a" * 65536 + b'"', 413, "65536"),
], ids=itertools.count())
def test_what_is_wrong_is_said_in_a_sentence(server, method, path, body, status, words):
    answer = server.ask(method, path, body)
    assert words in refusal(answer, status)
    if status == 405:
        assert answer[1]["Allow"]


@pytest.mark.parametrize("headers, status", [
    ({"Host": "evil.example"}, 421),
    ({"Host": "evil.example:{port}"}, 421),
    ({"Host": "127.0.0.1.evil.example:{port}"}, 421),
    ({"Host": "localhost.evil.example"}, 421),
    ({"Host": "192.168.1.7:{port}"}, 421),
    ({"Host": ""}, 421),
    ({"Host": "[::1]:{port}"}, 200),
    ({"Host": "localhost:9999"}, 200),
    ({"Host": "127.0.0.1"}, 200),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Origin": "http://127.0.0.1:{port}"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
])
def test_strangers_are_turned_away(server, headers, status):
    headers = {name: value.format(port=server.port) for name, value in headers.items()}
    for method, path, body in [("GET", "/api/v1/info", None), ("GET", "/", None),
                               ("POST", "/api/v1/explain", {"text": "Ada", "model": "gru"})]:
        answer = server.ask(method, path, body, {**headers, **(JSON if body else {})})
        assert answer[0] == status, (method, path)
        assert status == 200 or refusal(answer, status)


def test_a_link_from_another_site_can_be_followed(server):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.ask("GET", "/", None, headers)[0] == 200
    refusal(server.ask("POST", "/api/v1/explain", {"text": "Ada"}, {**headers, **JSON}), 403)


def test_a_form_of_another_page_cannot_post(server):
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]:
        answer = server.ask("POST", "/api/v1/explain", b'{"text": "Ada"}', {"Content-Type": kind} if kind else {})
        refusal(answer, 415)


POST = b"POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
MALFORMED = {
    "nothing": (b"\r\n\r\n", []),
    "a method alone": (b"GET\r\n\r\n", [400]),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", []),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", [400, 421]),
    "two hosts": (GET + b"Host: localhost\r\n\r\n", [400]),
    "another version": (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", [505]),
    "a long path": (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", [414, 431, 413]),
    "a long header": (GET + b"X: " + b"a" * 40000 + b"\r\n\r\n", [431, 413]),
    "many headers": (GET + b"X: a\r\n" * 9000 + b"\r\n", [431, 413]),
    "no length": (POST + b"\r\n", [411]),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", [411]),
    "a negative length": (POST + b"Content-Length: -5\r\n\r\nabcde", [400, 411]),
    "a length without end": (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", [400, 413]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests(server, name):
    data, statuses = MALFORMED[name]
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=1) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65536)
    except TimeoutError:
        answer = b""  # no request yet as far as the server can tell: the time limit will end it
    except OSError:
        answer = b""  # closed while we were still talking: a refusal, too
    found = re.match(rb"HTTP/1\.[01] (\d+) ", answer)
    assert not found or int(found[1]) in statuses, answer[:200]
    assert server.alive()


AMBIGUOUS = {
    "two lengths": POST + b"Content-Length: 15\r\nContent-Length: 5\r\n\r\n",
    "one length twice": POST + b"Content-Length: 15\r\nContent-Length: 15\r\n\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n",
    "chunks and a length, reading": GET + b"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    "two origins": GET + b"Origin: http://localhost\r\nOrigin: http://localhost\r\n\r\n",
    "two hosts, reading": GET + b"Host: localhost\r\n\r\n",
    "two hosts": POST + b"Host: evil.example\r\nContent-Length: 15\r\n\r\n",
    "two types": POST + b"Content-Type: text/plain\r\nContent-Length: 15\r\n\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_could_be_read_in_two_ways_is_refused(server, name):
    """And what follows on the connection, be it a body or a second request, is not answered."""
    answer = server.raw(AMBIGUOUS[name] + b'{"text": "Ada"}GET /api/v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n')
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1") == 1
    assert b"nosniff" in head and json.loads(body)["error"]["status"] == 400


def test_long_headers_are_refused_as_everything_else_is(server):
    answer = server.ask("GET", "/", headers={"X": "a" * 20000})
    assert "headers" in refusal(answer, 431)
    assert answer[1]["X-Content-Type-Options"] == "nosniff" and answer[1]["Content-Security-Policy"]


@pytest.fixture(scope="module")
def big(models, tmp_path_factory):
    """A model of 768 units, all weights 0: what it says is nothing, but it costs what it costs."""
    content = models["gru"].read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    metadata = header["__metadata__"]
    metadata["sluice.config"] = re.sub(r'"(hidden|embedding)":16\b', r'"\1":768', metadata["sluice.config"])
    metadata["sluice.checksum"] = metadata["sluice.self-check"] = "none"
    place = 0
    for name in sorted(header, key=lambda name: header[name].get("data_offsets", [-1])[0]):
        if name == "__metadata__":
            continue
        shape = [{16: 768, 48: 3 * 768}.get(size, size) for size in header[name]["shape"]]
        size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name].update(shape=shape, data_offsets=[place, place + size])
        place += size
    text = json.dumps(header).encode()
    path = tmp_path_factory.mktemp("big") / "big.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(place))
    return path


LONG = {"text": "Ada " * 200, "leave_one_out": True, "horizon": {}, "units": False}


def test_the_work_of_a_request_is_bounded(big):
    server = Server(big, big, big, big)
    try:
        answer = server.ask("POST", "/api/v1/explain", LONG)
        assert "multiply-adds" in refusal(answer, 400)
        assert json.loads(server.ask("GET", "/api/v1/info")[2])["limits"]["work"] == 200000000000
        assert server.post("explain", text="Ada likes")["explanations"][3]["model"]["name"] == "big-4"
    finally:
        server.stop()


def test_long_work_keeps_no_short_question_waiting(big):
    server = Server(big)
    try:
        with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count() + 2) as pool:
            some = {**LONG, "text": "Ada " * 90}  # within what one request may cost
            long = [pool.submit(server.post, "explain", **some) for _ in range(2 * os.cpu_count() + 2)]
            time.sleep(0.3)
            assert not any(one.done() for one in long), "the long work was meant to be long"
            assert server.post("complete", text="Ada likes")["results"]
            assert sum(one.done() for one in long) < 2
            assert all(one.result()["explanations"] for one in long)
    finally:
        server.stop()


def seconds_of_processor(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_nobody_works_for_a_client_that_left(big):
    server = Server(big)
    try:
        connections = [server.send("explain", LONG) for _ in range(8 * os.cpu_count())]
        time.sleep(0.3)
        for connection in connections:
            connection.close()
        time.sleep(2)
        before = seconds_of_processor(server.process)
        time.sleep(1)
        assert seconds_of_processor(server.process) - before < 0.2
        assert server.alive()
    finally:
        server.stop()


def test_it_ends_soon_whatever_is_under_way(big):
    server = Server(big)
    connections = [server.send("explain", LONG) for _ in range(4 * os.cpu_count())]
    time.sleep(0.3)
    begin = time.monotonic()
    assert server.stop()[0] == 143 and time.monotonic() - begin < 2.5
    for connection in connections:
        connection.close()


def test_clients_take_turns(big):
    """However many requests one address has in line, another one's is answered."""
    server = Server(big)
    try:
        greedy = [server.send("explain", LONG, "127.0.0.2") for _ in range(160)]
        time.sleep(0.5)
        modest = server.send("complete", {"text": "Ada likes"}, "127.0.0.3")
        assert modest.recv(65536).startswith(b"HTTP/1.1 200 ")
        for connection in [*greedy, modest]:
            connection.close()
    finally:
        server.stop()


def test_closed_descriptors_are_no_reason_to_end(models):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([COMMAND, "serve", models["gru"], "--port", str(port)],
                               preexec_fn=lambda: os.closerange(0, 3))
    try:
        for _ in range(100):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/api/v1/health")
                assert connection.getresponse().read() == b'{"status":"ok"}'
                break
            except ConnectionRefusedError:
                assert process.poll() is None, f"it ended with {process.returncode}"
                time.sleep(0.1)
        else:
            raise AssertionError("it never listened")
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 143


def test_only_loopback(server):
    """No address of this machine but 127.0.0.1 takes a connection on that port."""
    with open("/proc/net/tcp") as tcp:
        rows = [line.split() for line in tcp.readlines()[1:]]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    addresses = [ipaddress.ip_address(struct.pack("<I", int(address, 16))) for address, port in listening
                 if int(port, 16) == server.port]
    assert addresses == [ipaddress.ip_address("127.0.0.1")]
    with open("/proc/net/tcp6") as tcp:
        assert not [line for line in tcp.readlines()[1:] if line.split()[1].endswith(f":{server.port:04X}")
                    and line.split()[3] == "0A"]


def test_several_requests_on_one_connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for text in ["Ada", "Bela sees", "Chen"] * 5:
        connection.request("POST", "/api/v1/gates", json.dumps({"text": text, "model": "gru"}), JSON)
        assert json.loads(connection.getresponse().read())["results"][0]["tokens"][0] == text.split()[0]
    connection.close()


def test_many_users_at_once_get_their_own_answers(server):
    texts = [f"{who} {does} the red house" for who in ("Ada", "Bela", "Chen", "Dora") for does in ("likes", "sees")]
    alone = {text: server.post("explain", text=text, model="gru") for text in texts}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for text, answer in zip(texts * 6, pool.map(lambda text: server.post("explain", text=text, model="gru"), texts * 6)):
            assert answer == alone[text]


def test_slow_connections_keep_nobody_waiting_and_are_ended(server):
    begin = time.monotonic()
    slow = SlowConnections(server, 500)
    try:
        seconds = []
        while len(seconds) < 200:
            start_of_one = time.monotonic()
            assert server.post("explain", text=PROMPT, model="gru", units=False)["schema"] == 1
            seconds.append(time.monotonic() - start_of_one)
        p99 = sorted(seconds)[len(seconds) * 99 // 100 - 1]
        print(f"p99 {1000 * p99:.1f} ms under 500 slow connections")
        assert p99 < 0.1
        assert slow.still_open() > 400, "the connections were meant to last while the others were answered"
        time.sleep(max(0.0, begin + 7 - time.monotonic()))
        assert slow.still_open() == 0
    finally:
        slow.close()


def test_a_vocabulary_of_hostile_words(tmp_path):
    """A thousand tokens that mean something to HTML, scripts, JSON or terminals go through as text."""
    pieces = ["</script><script>alert(1)</script>", "<img/src=x/onerror=alert(1)>", "<!--", "]]>", "\"", "\\u003c", "&lt;",
              "\u2028", "\u202e", "'};alert(1);//", "{{7*7}}", "<svg/onload=x>", "\x1b[2J", "%00", "</style>", "javascript:"]
    words = [f"{piece}{i}" for i in range(63) for piece in pieces][:1000]
    words = [word for word in words if len(word.split()) == 1]
    assert len(words) > 900
    text, model = tmp_path / "hostile.txt", tmp_path / "hostile.safetensors"
    text.write_text("\n".join(" ".join(words[i:i + 10]) for i in range(0, len(words), 10)) * 2 + "\n")
    sluice("train", text, "-o", model, "--pretokenized", "--hidden=8", "--epochs=1", "--batch=2", "--steps=8", "--threads=1")
    hostile = Server(model)
    try:
        for i in range(0, len(words), 100):
            some = words[i:i + 100]
            e = hostile.post("explain", text=" ".join(some), top=20)["explanations"][0]
            assert [word["text"] for word in e["reading"]["words"]] == some
            assert all(word["known"] for word in e["reading"]["words"])
            hostile.post("complete", text=some[0], tokens=20)
        answer = hostile.ask("POST", "/api/v1/explain", {"text": words[0]})
        assert answer[1]["Content-Type"] == "application/json" and answer[1]["X-Content-Type-Options"] == "nosniff"
        page = tmp_path / "hostile.html"
        printed = sluice_json("explain", model, " ".join(words[:100]), "--top", "20", "--html", page)
        before, _, rest = page.read_text().partition('id="sluice-data">')
        data, _, after = rest.partition("</script>")
        assert json.loads(data)["texts"][0]["explanations"] == [printed]
        assert not re.search("[<>&\u2028\u2029]", data) and "alert(" not in before + after
        assert hostile.alive()
    finally:
        code, err = hostile.stop()
    assert code == 143 and "Sanitizer" not in err


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_stops_on_a_signal_with_connections_open(models, number, code):
    server = Server(models["gru"])
    idle = socket.create_connection(("127.0.0.1", server.port))
    idle.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    begin = time.monotonic()
    assert server.stop(number)[0] == code and time.monotonic() - begin < 2.5
    idle.close()


def test_work_under_way_is_answered_before_it_stops(models):
    server = Server(models["gru"])
    body = json.dumps({"text": "Ada likes the red house " * 35, "leave_one_out": True}).encode()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(server.ask, "POST", "/api/v1/explain", body, JSON) for _ in range(6)]
        time.sleep(0.05)
        code = server.stop()[0]
        statuses = []
        for answer in answers:
            try:
                statuses.append(answer.result()[0])
            except OSError:
                statuses.append(None)  # it came when nobody listened any more
    assert code == 143 and set(statuses) <= {200, 503, None}


def test_bad_options_are_refused(models, tmp_path):
    refused("serve", models["gru"], "--port", "65536", code=2, names=["--port", "65535"])
    refused("serve", models["gru"], "--host", "no.such.host.invalid", code=2, names=["--host", "no.such.host.invalid"])
    refused("serve", tmp_path / "missing.safetensors", code=3, names=["missing.safetensors"])
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    refused("serve", models["gru"], "--port", str(port), code=1, names=["127.0.0.1", port])
    taken.close()


def test_models_of_one_name_are_told_apart(models):
    server = Server(models["gru"], models["gru"])
    try:
        info = json.loads(server.ask("GET", "/api/v1/info")[2])
        assert [model["name"] for model in info["models"]] == ["gru", "gru-2"]
    finally:
        server.stop()
