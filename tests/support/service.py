"""A running `writ serve`, started anew as often as a story wants; its log is kept."""
import signal
import subprocess
import time


class Service:
    def __init__(self, program, folder, is_up):
        """`folder` has writ.yaml and gets writ.log. `is_up()` asks whether it answers; OSError: not yet."""
        self.log = open(folder / "writ.log", "ab")
        self.child = subprocess.Popen([program, "serve", "-c", folder / "writ.yaml"], stdout=self.log, stderr=self.log)
        for _ in range(150):
            try:
                if is_up():
                    return
            except OSError:
                pass
            if self.child.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("writ serve did not come up:\n" + (folder / "writ.log").read_text()[-3000:])

    def stop(self, how=signal.SIGTERM):
        self.child.send_signal(how)
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.log.close()
