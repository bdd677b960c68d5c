"""The demo that lifespan's start-up is compared with: the same two plugins, on click-async-plugins."""

import asyncio
import logging

import click
from click_async_plugins import CliContext, PluginLifespan, cli_core, pass_clictx, react_to_data_update

logging.basicConfig(level=logging.DEBUG)


@cli_core.plugin_command
@click.option("--from", "-f", "start", type=click.IntRange(min=1), default=3)
@click.option("--sleep", "-s", type=float, default=1)
@pass_clictx
async def countdown(clictx: CliContext, start: int, sleep: float) -> PluginLifespan:
    async def count() -> None:
        for number in range(start, 0, -1):
            logging.info("Counting down… %d", number)
            clictx.itc.set("countdown", number)
            await asyncio.sleep(sleep)
        logging.info("Finished counting down")

    yield count()
    logging.debug("Lifespan over for countdown")


@cli_core.plugin_command
@click.option("--immediately", is_flag=True)
@pass_clictx
async def echo(clictx: CliContext, immediately: bool) -> PluginLifespan:
    async def say(number: int) -> None:
        logging.info("Countdown currently at %d", number)

    updates = clictx.itc.updates("countdown", yield_immediately=immediately)
    yield react_to_data_update(updates, callback=say)
    logging.debug("Lifespan over for echo")


if __name__ == "__main__":
    cli_core()
