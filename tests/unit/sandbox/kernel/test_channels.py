"""What one process could tell another by: locks, caches, notices, memory, signals; none of it works in a jail."""

import time

import pytest
from rungs import opened

from autograder.sandbox.host.isolation import TRUSTWORTHY
from autograder.sandbox.kernel.syscalls import ALLOWED, IDLE, OWNERS, UNKNOWN


@pytest.fixture(scope="module", params=TRUSTWORTHY)
def jail(request):
    with opened(request.param) as sandbox:
        yield sandbox


@pytest.fixture
def inmate(jail):
    with jail.start() as run:
        run.execute(SETUP)
        yield run


def shown(run, source: str) -> str:
    result = run.execute(source)
    assert result.error is None, result.error
    return result.outputs[-1]["text"].strip()


SETUP = """
import ctypes, fcntl, mmap, os, platform, signal, socket, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == 'aarch64'
def call(first, second, *args):
    made = libc.syscall(second if ARM else first, *map(ctypes.c_long, args))
    return os.strerror(ctypes.get_errno()) if made < 0 else 'it worked'
file = os.open(os.__file__, os.O_RDONLY)
own = os.open('own', os.O_RDWR | os.O_CREAT)
line = socket.socketpair()
page = mmap.mmap(file, mmap.PAGESIZE, prot=mmap.PROT_READ)
def place(memory):
    library = ctypes.pythonapi
    view = (ctypes.c_ssize_t * 11)()
    library.PyObject_GetBuffer(ctypes.py_object(memory), view, 0)
    return view[0]
"""
CALLS = {
    "mincore": "call(27, 232, place(page), 4096, place(bytearray(1)))",
    "preadv2": "call(327, 286, file, 0, 0, 0, 0, 8)",
    "pwritev2": "call(328, 287, own, 0, 0, 0, 0, 8)",
    "openat2": "call(437, 437, -1, 0, 0, 0)",
    "inotify_init1": "call(294, 26, 0)",
    "fanotify_init": "call(300, 262, 0, 0)",
    "mq_open": "call(240, 180, 0, 0, 0, 0)",
    "msgget": "call(68, 186, 0, 0o1600)",
    "semget": "call(64, 190, 0, 1, 0o1600)",
    "shmget": "call(29, 194, 0, 4096, 0o1600)",
    "memfd_create": "call(319, 279, 0, 0)",
    "userfaultfd": "call(323, 282, 0)",
    "io_uring_setup": "call(425, 425, 1, 0)",
    "perf_event_open": "call(298, 241, 0, 0, -1, -1, 0)",
    "keyctl": "call(250, 219, 0, -3, 0)",
    "futex: wake": "call(202, 98, place(page), 1, 1)",
    "futex: move waiters": "call(202, 98, place(page), 3, 0, 0, place(page))",
    "futex_wake": "call(454, 454, place(page), 1, 1, 2)",
    "fcntl: F_GETLK": "call(72, 25, own, 5, place(bytearray(64)))",
    "fcntl: F_OFD_GETLK": "call(72, 25, own, 36, place(bytearray(64)))",
    "fcntl: F_SETOWN": "call(72, 25, line[0].fileno(), 8, os.getpid())",
    "fcntl: F_SETSIG": "call(72, 25, line[0].fileno(), 10, 18)",
    "fcntl: F_SETLEASE": "call(72, 25, own, 1024, 1)",
    "fcntl: F_NOTIFY": "call(72, 25, os.open('.', 0), 1026, 1)",
    "fcntl: F_SET_RW_HINT": "call(72, 25, own, 1036, place(bytearray(8)))",
}
OWNS = "call(16, 29, line[0].fileno(), 0x8901, place(bytearray(struct.pack('i', os.getpid()))))"
REFUSED = {"Operation not permitted", "Function not implemented"}


def test_calls_that_tell_of_others_are_refused(inmate):
    answers = {name: shown(inmate, f"print({source})") for name, source in CALLS.items()}
    assert {name: said for name, said in answers.items() if said not in REFUSED} == {}
    assert shown(inmate, f"print({OWNS})") == "Inappropriate ioctl for device"


def test_a_call_is_allowed_once_or_not_at_all():
    groups = (ALLOWED, IDLE, OWNERS, UNKNOWN)
    assert sum(map(len, groups)) == len({*ALLOWED, *IDLE, *OWNERS, *UNKNOWN})


LOCKS = {
    "flock": "fcntl.flock({0}, fcntl.LOCK_SH | fcntl.LOCK_NB)",
    "flock, alone": "fcntl.flock({0}, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    "lockf": "fcntl.lockf({0}, fcntl.LOCK_SH | fcntl.LOCK_NB)",
    "an open file's": "fcntl.fcntl({0}, 37, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 0, 0, 0))",
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_granted_and_nobody_notices(jail, inmate, name):
    """On a file that every submission can read: the lock of one must be nothing to another."""
    with jail.start() as other:
        other.execute(SETUP)
        for run in (inmate, other):
            assert shown(run, f"{LOCKS[name].format('file')}\nprint('granted')") == "granted"
        assert "lock:" not in shown(other, "print(open('/proc/self/fdinfo/%d' % file).read())")


WAITS = """
timeout = ctypes.create_string_buffer(struct.pack('qq', 20, 0))
old = int.from_bytes(page[:4], 'little')
threading.Thread(target=call, args=(202, 98, place(page), 0, old, ctypes.addressof(timeout)), daemon=True).start()
time.sleep(0.2)
"""


def test_nobody_is_woken_through_a_file_that_both_can_read(jail, inmate):
    with jail.start() as other:
        other.execute(SETUP)
        other.execute(WAITS)
        assert shown(inmate, "print(libc.syscall(98 if ARM else 202, ctypes.c_long(place(page)), 1, 1))") == "-1"


WAKES_COPIES = """
for pid in {pids}:
    for number in (signal.SIGCONT, signal.SIGKILL):
        for name in (lambda: fcntl.fcntl(line[0], 10, number), lambda: fcntl.fcntl(line[0], fcntl.F_SETOWN, pid)):
            try:
                name()
            except OSError:
                pass
        fcntl.fcntl(line[0], fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        line[1].send(b'x')
        line[0].recv(1)
"""


def test_a_waiting_copy_gets_no_signal_through_a_socket(inmate):
    inmate.execute("x = 1")
    with inmate.copy() as copy:
        assert inmate.execute(WAKES_COPIES.format(pids=[copy.pid, *range(2, 20)])).error is None
        time.sleep(0.1)
        assert copy.execute("x").outputs[0]["data"]["text/plain"] == "1"


HONEST = """
import sqlite3, tempfile, shutil, queue
from concurrent.futures import ThreadPoolExecutor
memory = sqlite3.connect(':memory:'); memory.execute('create table t (x)'); memory.execute('insert into t values (1)')
disk = sqlite3.connect('data.db'); disk.execute('create table t (x)'); disk.execute('insert into t values (2)')
disk.commit(); disk.close(); disk = sqlite3.connect('data.db')
fcntl.flock(own, fcntl.LOCK_EX); fcntl.lockf(own, fcntl.LOCK_UN)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_SEQUENTIAL)
os.set_blocking(line[0].fileno(), False); os.set_inheritable(file, False); os.dup(file)
condition, seen = threading.Condition(), queue.Queue()
def work():
    with condition:
        condition.wait(20); seen.put('woken')
thread = threading.Thread(target=work); thread.start()
while not condition._waiters: time.sleep(0.001)
with condition: condition.notify_all()
thread.join()
with ThreadPoolExecutor(4) as pool: total = sum(pool.map(abs, range(-9, 0)))
try: os.get_terminal_size(own)
except OSError: pass
rows = [each.execute('select * from t').fetchall() for each in (memory, disk)]
print(*rows, seen.get(), total, len(In) > 1)
"""


def test_honest_code_notices_nothing(inmate):
    assert shown(inmate, HONEST) == "[(1,)] [(2,)] woken 45 True"
    assert "import sqlite3" in shown(inmate, "%history")
