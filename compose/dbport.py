"""The database's port on the server: passes each connection on to the database, and the bytes both ways.

A container whose port is published can itself connect to the server, on every address that the server has. So that the
database cannot, another container has the published port, one that holds nothing.
"""

import asyncio

CONNECT_TIMEOUT = 5  # seconds


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the other side is closed in the same way
    finally:
        writer.close()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
    try:
        database = await asyncio.wait_for(asyncio.open_connection("db", 5432), CONNECT_TIMEOUT)
    except (OSError, TimeoutError) as error:
        print(f"the database does not answer: {error!r}", flush=True)
        return writer.close()
    await asyncio.gather(copy(reader, database[1]), copy(database[0], writer))


async def main():
    async with await asyncio.start_server(forward, "0.0.0.0", 5432) as server:
        await server.serve_forever()


asyncio.run(main())
