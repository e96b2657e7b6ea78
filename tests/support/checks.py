"""What every test of a whole deployment needs: a free port, and a count of what held for the last line, which `script/test` reads."""
import socket

passed = failed = 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check(name: str, ok, why="") -> bool:
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{'ok  ' if ok else 'FAIL'} {name}" + ("" if ok else f": {str(why)[:900]}"), flush=True)
    return bool(ok)


def close() -> int:
    """The exit code. Nothing that was checked is nothing that passed."""
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
