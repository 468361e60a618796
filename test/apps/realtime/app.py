"""Counts by server-sent events, and echoes over a websocket."""

import asyncio

from aiohttp import WSMsgType, web

GREETING = "release one"


async def greet(_request):
    return web.Response(text=GREETING)


async def count(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    for number in range(int(request.query.get("to", "3"))):
        await response.write(f"data: {number}\n\n".encode())
        await asyncio.sleep(0.5)
    return response


async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(f"{GREETING}: {message.data}")
    return socket


app = web.Application()
app.add_routes([web.get("/", greet), web.get("/events", count), web.get("/socket", echo)])
web.run_app(app, port=8080)
