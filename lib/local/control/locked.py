"""Locks a file and becomes a program that holds the lock for as long as it runs. Node has no call for that.

Usage: locked.py FILE PROGRAM [ARGUMENT...]. The kernel frees the lock when the program ends, however it ends, so there
is no stale lock to clean up. BERTH_LOCK tells the program the lock's file descriptor. Exits with 75 when another
process has the lock.
"""

import fcntl
import os
import sys

lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(75)
os.set_inheritable(lock, True)
os.execve(sys.argv[2], sys.argv[2:], {**os.environ, "BERTH_LOCK": str(lock)})
