# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""tests/fc/run [scene ...]"""
import asyncio
import os
import sys
import time
import traceback

import doctor  # noqa: F401 - adds its scenes
from scenes import SCENES
from stage import ZIP, Skip, World


async def play(wanted):
    count = {'passed': 0, 'failed': 0, 'skipped': 0}
    world = await World().make()
    try:
        for name, title, scene in SCENES:
            if wanted and name not in wanted:
                continue
            began = time.monotonic()
            try:
                note = await asyncio.wait_for(scene(world), 1200)
                count['passed'] += 1
                print(f'ok     {name} {title} ({(time.monotonic() - began) * 1000:.0f} ms)' + (f': {note}' if note else ''))
            except Skip as why:
                count['skipped'] += 1
                print(f'skip   {name} {title} ({why})')
            except Exception:  # pylint: disable=broad-except
                count['failed'] += 1
                print(f'FAIL   {name} {title}')
                print(''.join(f'       {line}\n' for line in traceback.format_exc().splitlines()[-12:]), end='')
            sys.stdout.flush()
    finally:
        world.end()
        # What is still open is cancelled with the loop, and that is nobody's news.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    print(f'{count["passed"]} passed, {count["failed"]} failed, {count["skipped"]} skipped')
    return count['failed']


if not os.path.exists(ZIP):
    sys.exit(f'{ZIP} is not there: make dist')
sys.exit(1 if asyncio.run(play(set(sys.argv[1:]))) else 0)
