#!/usr/bin/env python3
"""What a disk may hold when the power goes, from a log of the kernel's dm-log-writes.

  replay.py list LOG           a line for each mark: its number, and its text
  replay.py make LOG N SEED    the state at entry N, on standard output's file (-o FILE)

A write is in the log when a flush has made it safe, so that what is before a mark is what
the disk must hold then. Of the writes that the next flush would have made safe, some are
there too: SEED says which, half of them torn at 4 KiB; with seed 0 there are none."""
import argparse
import os
import random
import struct

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
TORN = 4096


def entries(log):
    """(number, flags, offset in the device, place in the log, length)"""
    magic, _version, count, sector = struct.unpack("<QQQI", log.read(28))
    if magic != MAGIC:
        raise SystemExit("replay.py: not a log of dm-log-writes")
    at = sector
    for number in range(count):
        log.seek(at)
        where, blocks, flags, extra = struct.unpack("<QQQQ", log.read(32))
        length = blocks * sector
        at += sector
        if flags & MARK:
            yield number, flags, 0, at - sector + 32, extra
        else:
            yield number, flags, where * sector, at, length
        if not flags & DISCARD:
            at += length


def marks(path):
    with open(path, "rb") as log:
        for number, flags, _offset, place, length in entries(log):
            if flags & MARK:
                log.seek(place)
                print(number, log.read(length).decode().rstrip("\0"))


def put(out, log, offset, place, length):
    log.seek(place)
    out.seek(offset)
    while length > 0:
        data = log.read(min(length, 1 << 20))
        # holes stay holes
        if data.strip(b"\0") or offset < os.fstat(out.fileno()).st_size:
            out.write(data)
        else:
            out.seek(len(data), os.SEEK_CUR)
        length -= len(data)


def make(path, until, seed, to):
    chance = random.Random(seed)
    after = False
    with open(path, "rb") as log, open(to, "wb") as out:
        for number, flags, offset, place, length in list(entries(log)):
            if flags & (MARK | DISCARD):
                continue
            after = after or number > until
            if after and (not seed or flags & FLUSH):
                break
            if after and chance.random() < 0.5:
                continue
            if after and length > TORN and chance.random() < 0.5:
                length = chance.randrange(TORN, length, TORN)
            put(out, log, offset, place, length)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("do", choices=["list", "make"])
    parser.add_argument("log")
    parser.add_argument("until", type=int, nargs="?")
    parser.add_argument("seed", type=int, nargs="?")
    parser.add_argument("-o", dest="to")
    args = parser.parse_args()
    if args.do == "list":
        marks(args.log)
    else:
        make(args.log, args.until, args.seed, args.to)


main()
