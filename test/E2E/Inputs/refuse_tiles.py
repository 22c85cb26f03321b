#!/usr/bin/env python3
"""Runs a program that the kernel refuses the use of matrix tiles.

    refuse_tiles.py PROGRAM [ARGUMENT...]

A seccomp filter (Linux man page seccomp(2)) lets arch_prctl(2) fail with EPERM
where the program asks for the state of the tile registers; without the
permission a tile instruction ends it.

SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import os
import shutil
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, EPERM = 158, 0x1023, 1
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7FFF0000
# Offsets in struct seccomp_data.
NUMBER, FIRST_ARGUMENT = 0, 16


def main():
    filters = [  # code, jumps if true and if false, operand
        (LOAD, 0, 0, NUMBER),
        (JUMP_IF_EQUAL, 0, 3, ARCH_PRCTL),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_IF_EQUAL, 0, 1, ARCH_REQ_XCOMP_PERM),
        (RETURN, 0, 0, RET_ERRNO | EPERM),
        (RETURN, 0, 0, RET_ALLOW),
    ]
    code = b"".join(struct.pack("<HBBI", *entry) for entry in filters)
    code = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("<HxxxxxxQ", len(filters), ctypes.addressof(code))
    program = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, program, 0, 0)):
        sys.exit("error: prctl: " + os.strerror(ctypes.get_errno()))
    command = shutil.which(sys.argv[1]) or sys.argv[1]
    os.execv(command, sys.argv[1:])


if __name__ == "__main__":
    main()
