#!/usr/bin/env python3
"""openai_client.py URL MODEL: what openai-python does with a server: lists, texts, streams, choices, log-probabilities, errors."""

import asyncio
import sys

import openai

url, model = sys.argv[1], sys.argv[2]
client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
print("openai-python", openai.__version__)

assert [one.id for one in client.models.list()] == [model]

text = client.completions.create(model=model, prompt="In the beginning", max_tokens=12, temperature=0)
print("completion:", repr(text.choices[0].text), text.choices[0].finish_reason, text.usage.total_tokens, "tokens")
assert text.usage.completion_tokens == 12 and text.choices[0].finish_reason == "length"

pieces = list(client.completions.create(model=model, prompt="In the beginning", max_tokens=12, temperature=0, stream=True,
                                        stream_options={"include_usage": True}))
assert "".join(piece.choices[0].text for piece in pieces if piece.choices) == text.choices[0].text
assert pieces[-1].usage.completion_tokens == 12 and not pieces[-1].choices
print("streamed: the same in", len(pieces) - 1, "pieces")

several = client.completions.create(model=model, prompt=["And", "The"], max_tokens=8, n=3, seed=1, temperature=0.9)
assert [one.index for one in several.choices] == list(range(6)) and len({one.text for one in several.choices}) > 3
again = client.completions.create(model=model, prompt=["And", "The"], max_tokens=8, n=3, seed=1, temperature=0.9)
assert [one.text for one in again.choices] == [one.text for one in several.choices]
print("n=3 of 2 prompts:", len({one.text for one in several.choices}), "different texts; the same with the same seed")

scored = client.completions.create(model=model, prompt="In the beginning", max_tokens=1, temperature=0, echo=True, logprobs=2)
logprobs = scored.choices[0].logprobs
assert len(logprobs.tokens) == scored.usage.prompt_tokens + 1 == len(logprobs.token_logprobs)
assert logprobs.token_logprobs[0] is None and logprobs.token_logprobs[-1] == max(logprobs.top_logprobs[-1].values())
print("echo + logprobs:", list(zip(logprobs.tokens, logprobs.token_logprobs)))

messages = [{"role": "user", "content": [{"type": "text", "text": "And God said,"}]}]
chat = client.chat.completions.create(model=model, messages=messages, max_completion_tokens=8, temperature=0, logprobs=True,
                                      top_logprobs=2)
assert chat.choices[0].message.role == "assistant" and len(chat.choices[0].logprobs.content) == 8
deltas = list(client.chat.completions.create(model=model, messages=messages, max_completion_tokens=8, temperature=0, stream=True))
assert deltas[0].choices[0].delta.role == "assistant"
assert "".join(one.choices[0].delta.content or "" for one in deltas) == chat.choices[0].message.content
print("chat:", repr(chat.choices[0].message.content))


async def many():
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as clients:
        answers = await asyncio.gather(*(clients.completions.create(model=model, prompt="In the beginning", max_tokens=12,
                                                                    temperature=0) for _ in range(32)))
        stream = await clients.completions.create(model=model, prompt="In the", max_tokens=8, temperature=0, stream=True)
        return answers, [piece async for piece in stream]

answers, pieces = asyncio.run(many())
assert {answer.choices[0].text for answer in answers} == {text.choices[0].text}
print("async: 32 at a time, all the same")

for wrong, error in (({"max_tokens": -1}, openai.BadRequestError), ({"extra_body": {"suffix": "x"}}, openai.BadRequestError)):
    try:
        client.completions.create(**{"model": model, "prompt": "x", **wrong})
        sys.exit(f"{wrong}: no error")
    except error as caught:
        print("error:", caught.status_code, caught.body["message"])
