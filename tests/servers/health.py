"""Asking a server over HTTP whether it is ready."""

import ssl

import httpx


async def answers(url: str, verify: ssl.SSLContext | bool = True, beginning: str = "") -> bool:
    """Whether it answers that with success, and with a text that begins so."""
    try:
        async with httpx.AsyncClient(timeout=2.0, trust_env=False, verify=verify) as client:
            answer = await client.get(url)
    except httpx.HTTPError:
        return False
    return answer.is_success and answer.text.startswith(beginning)
