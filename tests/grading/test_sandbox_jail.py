"""What student code can see and reach from inside its jail: as good as nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict

import psutil
import pytest

from optedu.grading import package
from optedu.grading.pair import Pair
from optedu.grading.sandbox import jail, server, zygote
from optedu.grading.sandbox.jail import Jail
from optedu.grading.sandbox.limits import Limits
from optedu.grading.sandbox.process import KernelFailed, KernelProcess
from optedu.grading.sandbox.zygote import shared
from tests.grading.cells import SMALL, needs_sandbox

pytestmark = needs_sandbox


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("work")
    (made / "submission").mkdir()
    (made / "submission" / "data.csv").write_text("1,2\n")
    (made / "submission" / "sub").mkdir()
    (made / "submission" / "sub" / "helper.py").write_text("answer = 42\n")
    (made / "submission" / "hw.ipynb").write_text("hidden tests")
    (made / "secret.txt").write_text("the neighbour's work")
    (made / "submission" / "link.txt").symlink_to(made / "secret.txt")
    (made / "submission" / "linked").symlink_to(made)
    return made


@pytest.fixture(scope="module")
def pair(folder):
    with Pair(SMALL, str(folder / "submission")) as made:
        yield made


@pytest.fixture
def say(pair):
    def say(code: str) -> str:
        outputs: list = []
        reply = pair.run(pair.student, code, outputs, 1)
        said = "".join(o.get("text", "") for o in outputs)
        return said.strip() or f"{reply.get('ename')}: {reply.get('evalue')}"

    return say


def test_only_its_own_folder(say, folder):
    assert say("import os; print(os.getcwd(), sorted(os.listdir('.')))") == (
        "/submission ['data.csv', 'sub']"
    )
    assert say("print(open('data.csv').read())") == "1,2"
    assert say("from sub import helper; print(helper.answer)") == "42"
    assert say(f"open({str(folder / 'secret.txt')!r})").startswith("FileNotFoundError")
    assert say("print(os.path.exists('/etc/passwd'), os.path.exists('/home'))") == "False False"


def test_the_working_copy_is_writable_and_separate(say, folder):
    assert say("print(open('data.csv', 'w').write('9'), open('data.csv').read())") == "1 9"
    assert (folder / "submission" / "data.csv").read_text() == "1,2\n"
    assert say("print(open('new.txt', 'w').write('x'))") == "1"
    assert not (folder / "submission" / "new.txt").exists()


def test_the_system_is_read_only(say):
    code = """
    import os, sys
    for place in ["/", "/usr", "/etc", "/dev", sys.prefix, os.path.dirname(os.__file__)]:
        try:
            open(os.path.join(place, "x"), "w")
            print("wrote", place)
        except OSError as error:
            assert error.errno in (13, 30), error
    print("done")
    """
    assert say("if True:" + code) == "done"


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK"])
def test_no_network_not_even_loopback(say, family):
    assert "not supported" in say(f"import socket; socket.socket(socket.{family})")


def test_unix_sockets_work_for_multiprocessing(say):
    code = "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as p:\n"
    assert say(code + "    print(p.map(abs, [-1, -2]))") == "[1, 2]"


def test_nothing_of_the_host_environment(say, monkeypatch):
    code = "import os; print(sorted(os.environ), open('/proc/self/environ').read())"
    said = say(code)
    for name in ("HOSTNAME", "SSH", "JPY_PARENT_PID", "PYTEST_CURRENT_TEST", "LOGNAME"):
        assert name not in said
    assert say("print(os.environ['HOME'])") == "/tmp"


def test_unprivileged(say):
    said = say("print(open('/proc/self/status').read(), os.getuid())")
    assert "CapEff:\t0000000000000000" in said
    assert "CapBnd:\t0000000000000000" in said
    assert "NoNewPrivs:\t1" in said
    assert say("print(os.getuid() == 0)") == "False"


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",  # a user namespace, the door to all others
        "syscall(56, 0x10000011, 0, 0, 0, 0)" if os.uname().machine == "x86_64" else "unshare(2)",
        "mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "ptrace(16, 1, 0, 0)",
        "chroot(b'/tmp')",
        "setns(0, 0)",
        "shmget(0, 1 << 20, 0o1600)",  # memory that belongs to no process
        "memfd_create(b'x', 0)",
        "sched_setaffinity(0, 128, b'\\xff' * 128)",  # another processor
    ],
)
def test_system_calls_are_refused(say, call):
    code = (
        f"import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.{call}, ctypes.get_errno())"
    )
    assert say(code) == "-1 1"


def test_one_processor_that_nothing_inside_can_leave(say):
    """Whatever it starts, a submission keeps no more than one processor from its neighbours."""
    code = """
import os, subprocess, sys, threading
seen, ask = [], "import os; print(len(os.sched_getaffinity(0)))"
def spread():
    try:
        os.sched_setaffinity(0, range(os.cpu_count()))
    except PermissionError:
        pass
    seen.append(len(os.sched_getaffinity(0)))
thread = threading.Thread(target=spread)
thread.start()
thread.join()
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        spread()
        os.write(writing, bytes(seen))
    os._exit(0)
seen += os.read(reading, 99)
made = subprocess.run([sys.executable, "-c", ask], capture_output=True, start_new_session=True)
print(seen, int(made.stdout))
"""
    assert say(code) == "[1, 1, 1] 1"


def test_other_processes_are_out_of_sight(say):
    said = say("import os; print([p for p in os.listdir('/proc') if p.isdigit()])")
    assert len(eval(said)) <= 4
    assert "Error" in say(f"os.kill({os.getpid()}, 0)")


@pytest.mark.parametrize("place", ["/tmp", "/submission", "/dev/shm"])
def test_disks_are_bounded(say, place):
    code = f"""
try:
    for i in range(50):
        with open(f"{place}/filling{{i}}", "wb") as file:
            file.write(bytes(2 << 20))
except OSError as error:
    print(error.errno, i < 5)
for name in os.listdir("{place}"):
    if name.startswith("filling"):
        os.remove("{place}/" + name)
"""
    assert say("import os\n" + code) == "28 True"


def test_size_of_a_file(say):
    assert "File too large" in say("open('/tmp/big', 'wb').write(bytes(6 << 20))")


def test_memory(say):
    assert say("x = bytearray(1 << 30)").startswith("MemoryError")


def test_processes(say):
    code = """
import os, signal
made = []
try:
    while True:
        pid = os.fork()
        if pid == 0:
            signal.pause()
        made.append(pid)
except BlockingIOError:
    print(len(made) <= 40)
for pid in made:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
"""
    assert say(code) == "True"


def test_open_files(say):
    code = "files = []\ntry:\n    while True: files.append(open('/dev/null'))\n"
    code += "except OSError as error:\n    n = len(files)\n    for f in files: f.close()\n"
    assert say(code + "    print(error.errno, n <= 256)") == "24 True"


def test_the_grader_is_not_reachable_through_descriptors(say):
    code = "import os\nfor fd in os.listdir('/proc/self/fd'):\n"
    code += "    try: print(os.readlink('/proc/self/fd/' + fd).split(':')[0])\n"
    code += "    except OSError: pass"
    kinds = set(say(code).split())
    said = say("print(os.getpid())")
    assert "socket" in kinds
    # The folder below /proc is that of the listing itself.
    assert not {k for k in kinds if k.startswith("/")} - {"/dev/null", f"/proc/{said}/fd"}


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _left(pids: list[int]) -> list[int]:
    """Which of these still live after some patience."""
    for _ in range(100):
        if not any(_alive(p) for p in pids):
            break
        time.sleep(0.1)
    return [p for p in pids if _alive(p)]


def test_everything_dies_with_the_grader(tmp_path):
    program = f"""
import time
from optedu.grading.pair import Pair
from optedu.grading.sandbox.limits import Limits
from optedu.grading.sandbox.zygote import shared
from optedu.grading import package
pair = Pair(Limits(), {str(tmp_path)!r})
print(shared().pid, pair.student.pid, pair.trusted.pid, pair.student.jail.pid, flush=True)
time.sleep(600)
"""
    grader = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with grader.stdout as lines:
        pids = [int(p) for p in lines.readline().split()]
    assert len(pids) == 4 and all(_alive(p) for p in pids)
    grader.kill()
    grader.wait()
    assert _left(pids) == []


def test_closing_ends_everything(tmp_path):
    pair = Pair(Limits(), str(tmp_path))
    outputs: list = []
    pair.run(pair.student, "import subprocess; p = subprocess.Popen(['sleep', '600'])", outputs, 1)
    pids = pair.student.processes()
    assert len(pids) >= 3
    folders = list(pair._folders)
    pair.close()
    assert _left(pids) == []
    assert not any(folder.path.exists() for folder in folders)


def test_the_next_jail_is_made_ahead():
    Jail.prepare(1)
    spare = Jail._spare[os.getpid(), 1, True]
    Jail.prepare(1)
    assert Jail._spare[os.getpid(), 1, True] is spare  # one is enough
    others = [Jail.take(2), Jail.take(1, rules=False)]
    assert spare not in others  # their /tmp has another size, or the package no rules
    assert Jail.take(1) is spare
    assert _alive(spare.wait_ready())
    for each in (spare, *others):
        each.kill()


def test_a_spare_jail_that_has_died_is_not_used():
    Jail.prepare(1)
    spare = Jail._spare[os.getpid(), 1, True]
    spare._process.kill()
    spare._process.wait()
    jail = Jail.take(1)
    assert jail is not spare
    assert _alive(jail.wait_ready())
    jail.kill()
    spare.kill()


def test_no_jail_is_left_when_the_next_is_taken():
    first = Jail.take(1)
    pid = first.wait_ready()
    first.kill(wait=False)
    second = Jail.take(1)
    assert not _alive(pid)
    second.kill()


@pytest.mark.parametrize("which", ["the students'", "the checks'"])
def test_a_zygote_that_was_killed_is_replaced(tmp_path, which):
    with Pair(Limits(), str(tmp_path)):
        first = shared()  # and both of its processes are there
    if which == "the students'":
        os.kill(first.pid, 9)
    else:
        children = psutil.Process(first.pid).children()
        min(children, key=psutil.Process.create_time).kill()  # the others were kernels
    for _ in range(100):
        if not first.usable():
            break
        time.sleep(0.1)
    with Pair(Limits(), str(tmp_path)) as pair:
        assert pair.run(pair.student, "1", [], 1)["status"] == "ok"
    assert shared().pid != first.pid


MAKES_A_KERNEL = """
import sys, time
from optedu.grading.pair import Pair
from optedu.grading.sandbox.limits import Limits
pair = Pair(Limits(), sys.argv[1])
print(flush=True)
time.sleep(3600)
"""


def test_folders_of_a_process_that_was_killed_are_swept(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "tmp").mkdir()
    killed = subprocess.Popen(
        [sys.executable, "-c", MAKES_A_KERNEL, str(tmp_path / "work")],
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")}, stdout=subprocess.PIPE,
    )  # fmt: skip
    killed.stdout.readline()
    killed.kill()
    killed.communicate()
    left = {path.name.rpartition("-")[0] for path in (tmp_path / "tmp").iterdir()}
    assert left == {"optedu-ipython", "optedu-student"}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(package, "_copies", {})
    with contextlib.closing(zygote.Zygote()):
        package.binds()
        now = [path.name.rpartition("-")[0] for path in (tmp_path / "tmp").iterdir()]
        assert sorted(now) == ["optedu-ipython", "optedu-student"]  # its own
    package.forget()
    assert not list((tmp_path / "tmp").iterdir())


def test_kernels_of_a_lent_zygote_end_with_who_borrowed_it(tmp_path, monkeypatch):
    owner = shared()
    with monkeypatch.context() as context:
        borrowed = zygote.Zygote(owner.lend())
        context.setattr(zygote, "_shared", borrowed)
        pair = Pair(Limits(), str(tmp_path))
    kernels = [pair.student.pid, pair.trusted.pid]
    borrowed.close()
    assert _left(kernels) == []
    pair.close()
    with Pair(Limits(), str(tmp_path)) as other:  # its owner goes on using it
        assert other.run(other.student, "1", [], 1)["status"] == "ok"
    assert shared() is owner


def test_a_lent_zygote_that_was_killed_is_replaced(tmp_path, monkeypatch):
    owner = zygote.Zygote()
    monkeypatch.setattr(zygote, "_shared", zygote.Zygote(owner.lend()))
    assert shared().usable() and shared().pid is None
    os.kill(owner.pid, 9)
    owner.close()
    with Pair(Limits(), str(tmp_path)) as pair:
        assert pair.run(pair.student, "1", [], 1)["status"] == "ok"
    shared().close()


def _jails_of_size(megabytes):
    size = str(megabytes << 20)
    found = []
    for process in psutil.process_iter(["name", "cmdline", "status"]):
        if process.info["name"] == "bwrap" and size in (process.info["cmdline"] or []):
            found.append(process)
    return found


def _ended(megabytes):
    for _ in range(100):
        if not _jails_of_size(megabytes):
            return True
        time.sleep(0.05)
    return False


def test_a_jail_that_is_killed_while_it_is_made_leaves_nothing():
    for step in range(60):
        made = Jail(5)
        time.sleep(step * 0.0003)
        made.kill()
    assert _ended(5)


MAKES_JAILS = """
from optedu.grading.sandbox.jail import Jail
jails = [Jail(6)]
print(flush=True)
for _ in range(20):
    jails.append(Jail(6))
"""


def test_what_a_killed_worker_leaves_half_made_is_swept():
    left = 0
    for step in range(30):
        worker = subprocess.Popen([sys.executable, "-c", MAKES_JAILS], stdout=subprocess.PIPE)
        worker.stdout.readline()
        time.sleep(0.004 * step)
        worker.kill()
        worker.communicate()
        time.sleep(0.3)
        left = len(_jails_of_size(6))
        if left:
            break
    assert left, "bubblewrap leaves nothing any more: then `sweep` can go"
    used = Jail(5)
    used.wait_ready()
    jail.sweep()
    assert _ended(6)
    assert used._process.poll() is None  # and nobody else's jail
    used.kill()


def test_spare_jails_end_with_the_process(tmp_path):
    script = "from optedu.grading.sandbox.jail import Jail\nJail.prepare(9)\nJail.prepare(9, False)"
    for _ in range(5):
        subprocess.run([sys.executable, "-c", script], check=True)
        assert _ended(9)


def test_processes_claim_different_processors():
    program = "from optedu.grading.sandbox.affinity import own_cpu; print(own_cpu(), flush=True)"
    claims = []
    holders = []
    for _ in os.sched_getaffinity(0):
        holder = subprocess.Popen(
            [sys.executable, "-c", f"{program}; input()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        holders.append(holder)
        claims.append(holder.stdout.readline().strip())
    late = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    for holder in holders:
        holder.communicate("\n")
    taken = [c for c in claims if c != "None"]
    # This process, or another grader on this machine, may hold some of them.
    assert len(set(taken)) == len(taken)
    assert late.stdout.strip() not in taken


def test_an_environment_below_tmp_is_readable_and_its_neighbours_are_not(tmp_path, monkeypatch):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "library").write_text("seen")
    (tmp_path / "secret").write_text("hidden")
    monkeypatch.setattr(jail, "readable", lambda: (str(tmp_path / "venv"),))
    script = f"cd {tmp_path}; cat venv/library; ls; touch venv/new 2>/dev/null || echo read-only"
    command = [*jail.arguments(1), "--", "/bin/sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.split() == ["seenvenv", "read-only"]


def test_probe_says_how_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    jail.probe.cache_clear()
    jail._bwrap.cache_clear()
    try:
        with pytest.raises(jail.SandboxUnavailable, match="apt install bubblewrap") as caught:
            jail.probe()
        assert "\n" not in str(caught.value)
    finally:
        jail.probe.cache_clear()
        jail._bwrap.cache_clear()


def test_probe_notices_a_bubblewrap_that_may_not_work(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: no permissions' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    jail.probe.cache_clear()
    jail._bwrap.cache_clear()
    try:
        with pytest.raises(jail.SandboxUnavailable, match="no permissions"):
            jail.probe()
    finally:
        jail.probe.cache_clear()
        jail._bwrap.cache_clear()


def test_limits_are_positive():
    with pytest.raises(ValueError, match="memory_mb must be positive, got 0"):
        Limits(memory_mb=0)


@pytest.fixture
def bubblewrap_held():
    """A jail whose first process can end without being reaped: bubblewrap stands still."""
    held = Jail(1)
    held.wait_ready()
    held._process.send_signal(signal.SIGSTOP)
    yield held
    held.kill()


def enter_jail(entered, folder):
    ours, theirs = socket.socketpair()
    with ours:
        return KernelProcess(
            shared(), "student", theirs, SMALL, folder=str(folder), cwd=jail.FOLDER, jail=entered
        )


def test_a_jail_that_has_ended_costs_no_other(bubblewrap_held, tmp_path):
    before = shared().pid
    signal.pidfd_send_signal(bubblewrap_held.pidfd, signal.SIGKILL)
    select.select([bubblewrap_held.pidfd], [], [], 10)
    kernel = enter_jail(bubblewrap_held, tmp_path)
    with contextlib.closing(kernel), pytest.raises(KernelFailed, match="Error"):
        kernel.wait_ready()
    with Pair(SMALL, str(tmp_path)) as pair:
        assert pair.run(pair.student, "1 + 1", [], 1)["status"] == "ok"
    assert shared().pid == before


@pytest.mark.parametrize("pause", [0.0, 0.001, 0.01, 0.1])
def test_a_jail_that_ends_while_it_is_entered_costs_no_other(pause, tmp_path):
    before = shared().pid
    dying = Jail(1)
    dying.wait_ready()
    try:
        signal.pidfd_send_signal(dying.pidfd, signal.SIGKILL)
        time.sleep(pause)
        kernel = enter_jail(dying, tmp_path)
        with contextlib.closing(kernel), pytest.raises(KernelFailed):
            kernel.wait_ready()
    finally:
        dying.kill()
    with Pair(SMALL, str(tmp_path)) as pair:
        assert pair.run(pair.student, "1 + 1", [], 1)["status"] == "ok"
    assert shared().pid == before


def test_a_fork_that_linux_refuses_is_told_to_its_grader_alone(monkeypatch):
    def refuse():
        raise OSError(errno.ENOMEM, "the process namespace has ended")

    monkeypatch.setattr(os, "fork", refuse)
    read, write = os.pipe()
    with open(read, "rb") as reports, open(write, "wb"):
        with socket.socket() as client:
            serving = server._Server(None, client)
            request = {"jail": 0, "client": 0}
            assert server._bear(serving, request, [-1, -1, -1, -1, write]) is None
        assert b"no process for a kernel: OSError: [Errno 12]" in reports.readline()


def test_a_grader_that_is_gone_costs_no_other(tmp_path):
    before = shared().pid
    mine, theirs = socket.socketpair()
    mine.close()
    pipes = [os.pipe() for _ in range(3)]
    for read, _ in pipes:
        os.close(read)
    request = {
        "role": "student", "jail": 0, "limits": asdict(SMALL), "uid": None, "cpu": None,
        "folder": str(tmp_path), "cwd": str(tmp_path), "fill": False, "modules": True,
    }  # fmt: skip
    ends = [theirs.fileno(), os.dup(theirs.fileno()), *(write for _, write in pipes)]
    shared().spawn(request, ends)
    for descriptor in ends[1:]:
        os.close(descriptor)
    theirs.close()
    with Pair(SMALL, str(tmp_path)) as pair:
        assert pair.run(pair.student, "1 + 1", [], 1)["status"] == "ok"
    assert shared().pid == before


def test_where_the_zygote_cannot_enter_a_jail_and_leave_it(tmp_path, monkeypatch):
    """As for an ordinary user, a witness joins the jail and reports how the kernel ended."""
    program = (
        "import socket, sys\n"
        "from optedu.grading.sandbox import enter, server\n"
        "enter.bear_inside = lambda descriptor: False\n"
        "server._serve(socket.socket(fileno=int(sys.argv[1])))"
    )
    popen = subprocess.Popen

    def start(command, **options):
        if "optedu.grading.sandbox.server" in command:
            command = [sys.executable, "-I", "-c", program, command[-1]]
        return popen(command, **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    with contextlib.closing(zygote.Zygote()) as ordinary:
        monkeypatch.setattr(zygote, "_shared", ordinary)
        with Pair(SMALL, str(tmp_path)) as pair:
            outputs: list = []
            pair.run(pair.student, "import os; print(os.getpid())", outputs, 1)
            assert int(outputs[0].text) < 100  # numbers of the jail's own
            assert pair.run(pair.student, "os._exit(3)", [], 2)["status"] == "dead"
            assert pair.detail == "the student's kernel ended with exit status 3"
            assert pair.run(pair.trusted, "1 + 1", outputs, 3)["status"] == "ok"
