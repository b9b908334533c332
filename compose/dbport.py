"""The database's port on the server: forwards each connection to the database.

A container with a published port can itself connect to every address of the server. The database must not, so this
container, which has no data, has the published port instead.
"""

import asyncio

CONNECT_TIMEOUT = 5  # seconds


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # closing the writer below ends the other direction, too
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
