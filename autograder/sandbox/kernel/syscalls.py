"""The system calls that a jailed process may make, with their numbers on the two supported architectures.

Everything else is refused: new processes and programs, sockets, mounts, namespaces, tracing, keys, BPF, io_uring,
memory that no limit counts (memfd, System V), other processes' memory, users, clocks, modules, and what one process
can tell another by: locks on files, leases, notices, what is in the page cache.
"""

from __future__ import annotations

__all__ = ["ALLOWED", "IDLE", "NUMBERS", "OWNERS", "UNKNOWN"]

ALLOWED = (
    "access", "alarm", "arch_prctl", "brk", "capget", "chdir", "clock_getres", "clock_gettime", "clock_nanosleep",
    "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create", "epoll_create1",
    "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "exit", "exit_group", "faccessat",
    "faccessat2", "fallocate", "fchdir", "fdatasync", "fgetxattr", "flistxattr", "fstat", "fstatfs", "fsync",
    "ftruncate", "get_robust_list", "getcpu", "getcwd", "getdents", "getdents64", "getegid", "geteuid", "getgid",
    "getgroups", "getitimer", "getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom",
    "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid", "gettimeofday",
    "getuid", "getxattr", "lgetxattr", "link", "linkat", "listxattr", "llistxattr", "lseek", "lstat", "madvise",
    "membarrier", "mkdir", "mkdirat", "mlock", "mlock2", "mmap", "mprotect", "mremap", "msync", "munlock", "munmap",
    "nanosleep", "newfstatat", "open", "openat", "pause", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "poll", "ppoll", "pread64", "preadv", "pselect6", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv",
    "recvfrom", "recvmsg", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_yield", "select",
    "sendfile", "sendto", "set_robust_list", "setitimer", "setsockopt", "shutdown", "sigaltstack", "stat", "statfs",
    "statx", "symlink", "symlinkat", "sysinfo", "time", "timer_create", "timer_delete", "timer_getoverrun",
    "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "truncate",
    "umask", "uname", "unlink", "unlinkat", "wait4", "waitid", "write", "writev",
)  # fmt: skip
"""Allowed with any arguments; `seccomp` allows a few more with certain arguments."""

IDLE = ("fadvise64", "flock", "readahead")
"""Does nothing and reports success: advice, and locks, which could tell one process what another one knows."""

UNKNOWN = ("clone3", "futex_requeue", "futex_wait", "futex_wake", "openat2", "preadv2", "pwritev2")
"""Fails as on an older kernel, so that the C library and others fall back to calls whose arguments can be inspected."""

OWNERS = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes",
    "futimesat", "utimensat",
)  # fmt: skip
"""What an owner can do to a file without writing to it: Landlock does not control it, a read-only mount refuses it."""

_X86_64 = {
    "access": 21, "alarm": 37, "arch_prctl": 158, "brk": 12, "capget": 125, "chdir": 80, "chmod": 90, "chown": 92,
    "clock_getres": 229, "clock_gettime": 228, "clock_nanosleep": 230, "clone": 56, "clone3": 435, "close": 3,
    "close_range": 436, "copy_file_range": 326, "creat": 85, "dup": 32, "dup2": 33, "dup3": 292,
    "epoll_create": 213, "epoll_create1": 291, "epoll_ctl": 233, "epoll_pwait": 281, "epoll_pwait2": 441,
    "epoll_wait": 232, "eventfd": 284, "eventfd2": 290, "exit": 60, "exit_group": 231, "faccessat": 269,
    "faccessat2": 439, "fadvise64": 221, "fallocate": 285, "fchdir": 81, "fchmod": 91, "fchmodat": 268,
    "fchmodat2": 452, "fchown": 93, "fchownat": 260, "fcntl": 72, "fdatasync": 75, "fgetxattr": 193,
    "flistxattr": 196, "flock": 73, "fstat": 5, "fstatfs": 138, "fsync": 74, "ftruncate": 77, "futex": 202,
    "futex_requeue": 456, "futex_wait": 455, "futex_wake": 454, "futimesat": 261, "get_robust_list": 274,
    "getcpu": 309, "getcwd": 79, "getdents": 78, "getdents64": 217, "getegid": 108, "geteuid": 107, "getgid": 104,
    "getgroups": 115, "getitimer": 36, "getpeername": 52, "getpgid": 121, "getpgrp": 111, "getpid": 39,
    "getppid": 110, "getpriority": 140, "getrandom": 318, "getresgid": 120, "getresuid": 118, "getrlimit": 97,
    "getrusage": 98, "getsid": 124, "getsockname": 51, "getsockopt": 55, "gettid": 186, "gettimeofday": 96,
    "getuid": 102, "getxattr": 191, "ioctl": 16, "kill": 62, "lchown": 94, "lgetxattr": 192, "link": 86,
    "linkat": 265, "listxattr": 194, "llistxattr": 195, "lseek": 8, "lstat": 6, "madvise": 28, "membarrier": 324,
    "mincore": 27, "mkdir": 83, "mkdirat": 258, "mlock": 149, "mlock2": 325, "mmap": 9, "mprotect": 10,
    "mremap": 25, "msync": 26, "munlock": 150, "munmap": 11, "nanosleep": 35, "newfstatat": 262, "open": 2,
    "openat": 257, "openat2": 437, "pause": 34, "pipe": 22, "pipe2": 293, "pkey_alloc": 330, "pkey_free": 331,
    "pkey_mprotect": 329, "poll": 7, "ppoll": 271, "prctl": 157, "pread64": 17, "preadv": 295, "preadv2": 327,
    "prlimit64": 302, "pselect6": 270, "pwrite64": 18, "pwritev": 296, "pwritev2": 328, "read": 0, "readahead": 187,
    "readlink": 89, "readlinkat": 267, "readv": 19, "recvfrom": 45, "recvmsg": 47, "rename": 82, "renameat": 264,
    "renameat2": 316,
    "restart_syscall": 219, "rmdir": 84, "rseq": 334, "rt_sigaction": 13, "rt_sigpending": 127,
    "rt_sigprocmask": 14, "rt_sigreturn": 15, "rt_sigsuspend": 130, "rt_sigtimedwait": 128,
    "rt_tgsigqueueinfo": 297, "sched_get_priority_max": 146, "sched_get_priority_min": 147,
    "sched_getaffinity": 204, "sched_getparam": 143, "sched_getscheduler": 145, "sched_yield": 24, "select": 23,
    "sendfile": 40, "sendto": 44, "set_robust_list": 273, "set_tid_address": 218, "setitimer": 38, "setpgid": 109,
    "setrlimit": 160,
    "setsockopt": 54, "shutdown": 48, "sigaltstack": 131, "socketpair": 53, "stat": 4, "statfs": 137, "statx": 332,
    "symlink": 88, "symlinkat": 266, "sysinfo": 99, "tgkill": 234, "time": 201, "timer_create": 222,
    "timer_delete": 226, "timer_getoverrun": 225, "timer_gettime": 224, "timer_settime": 223, "timerfd_create": 283,
    "timerfd_gettime": 287, "timerfd_settime": 286, "times": 100, "truncate": 76, "umask": 95, "uname": 63,
    "unlink": 87, "unlinkat": 263, "utime": 132, "utimensat": 280, "utimes": 235, "wait4": 61, "waitid": 247,
    "write": 1, "writev": 20,
}  # fmt: skip
_AARCH64 = {
    "brk": 214, "capget": 90, "chdir": 49, "clock_getres": 114, "clock_gettime": 113, "clock_nanosleep": 115,
    "clone": 220, "clone3": 435, "close": 57, "close_range": 436, "copy_file_range": 285, "dup": 23, "dup3": 24,
    "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "epoll_pwait2": 441, "eventfd2": 19, "exit": 93,
    "exit_group": 94, "faccessat": 48, "faccessat2": 439, "fadvise64": 223, "fallocate": 47, "fchdir": 50,
    "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54, "fcntl": 25, "fdatasync": 83,
    "fgetxattr": 10, "flistxattr": 13, "flock": 32, "fstat": 80, "fstatfs": 44, "fsync": 82, "ftruncate": 46,
    "futex": 98, "futex_requeue": 456, "futex_wait": 455, "futex_wake": 454, "get_robust_list": 100, "getcpu": 168,
    "getcwd": 17, "getdents64": 61, "getegid": 177, "geteuid": 175, "getgid": 176, "getgroups": 158,
    "getitimer": 102, "getpeername": 205, "getpgid": 155, "getpid": 172, "getppid": 173, "getpriority": 141,
    "getrandom": 278, "getresgid": 150, "getresuid": 148, "getrlimit": 163, "getrusage": 165, "getsid": 156,
    "getsockname": 204, "getsockopt": 209, "gettid": 178, "gettimeofday": 169, "getuid": 174, "getxattr": 8,
    "ioctl": 29, "kill": 129, "lgetxattr": 9, "linkat": 37, "listxattr": 11, "llistxattr": 12, "lseek": 62,
    "madvise": 233, "membarrier": 283, "mincore": 232, "mkdirat": 34, "mlock": 228, "mlock2": 284, "mmap": 222,
    "mprotect": 226, "mremap": 216, "msync": 227, "munlock": 229, "munmap": 215, "nanosleep": 101, "newfstatat": 79,
    "openat": 56, "openat2": 437, "pipe2": 59, "pkey_alloc": 289, "pkey_free": 290, "pkey_mprotect": 288,
    "ppoll": 73, "prctl": 167, "pread64": 67, "preadv": 69, "preadv2": 286, "prlimit64": 261, "pselect6": 72,
    "pwrite64": 68, "pwritev": 70, "pwritev2": 287, "read": 63, "readahead": 213, "readlinkat": 78, "readv": 65,
    "recvfrom": 207, "recvmsg": 212, "renameat": 38, "renameat2": 276, "restart_syscall": 128, "rseq": 293,
    "rt_sigaction": 134,
    "rt_sigpending": 136, "rt_sigprocmask": 135, "rt_sigreturn": 139, "rt_sigsuspend": 133, "rt_sigtimedwait": 137,
    "rt_tgsigqueueinfo": 240, "sched_get_priority_max": 125, "sched_get_priority_min": 126,
    "sched_getaffinity": 123, "sched_getparam": 121, "sched_getscheduler": 120, "sched_yield": 124, "sendfile": 71,
    "sendto": 206, "set_robust_list": 99, "set_tid_address": 96, "setitimer": 103, "setpgid": 154, "setrlimit": 164,
    "setsockopt": 208, "shutdown": 210, "sigaltstack": 132, "socketpair": 199, "statfs": 43, "statx": 291,
    "symlinkat": 36, "sysinfo": 179, "tgkill": 131, "timer_create": 107, "timer_delete": 111,
    "timer_getoverrun": 109, "timer_gettime": 108, "timer_settime": 110, "timerfd_create": 85,
    "timerfd_gettime": 87, "timerfd_settime": 86, "times": 153, "truncate": 45, "umask": 166, "uname": 160,
    "unlinkat": 35, "utimensat": 88, "wait4": 260, "waitid": 95, "write": 64, "writev": 66,
}  # fmt: skip

NUMBERS = {"x86_64": _X86_64, "aarch64": _AARCH64}
"""By machine name; a call that a machine does not have is missing."""
