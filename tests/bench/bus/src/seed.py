"""Publishes to so many subscribers on the bus of click-async-plugins, and counts what they get.

Prints the seconds that it took, how many were published, and how many were received by all together.
"""

import asyncio
import sys
import time

from click_async_plugins.itc import ITC

MESSAGES = 5000


async def subscriber(itc: ITC, yields: int, received: list[int]) -> None:
    async for number in itc.updates("spread", yield_immediately=False):
        received[0] += 1
        for _ in range(yields):
            await asyncio.sleep(0)
        if number == MESSAGES - 1:
            return


async def main(subscribers: int, yields: int) -> None:
    itc = ITC()
    received = [0]
    tasks = [asyncio.create_task(subscriber(itc, yields, received)) for _ in range(subscribers)]
    await asyncio.sleep(0.01)
    start = time.perf_counter()
    for number in range(MESSAGES):
        itc.set("spread", number)
        # Whoever publishes without letting others run would be heard once.
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    print(time.perf_counter() - start, MESSAGES, received[0])


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
