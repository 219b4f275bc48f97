#!/usr/bin/env python3
"""langchain_client.py URL MODEL: what LangChain's classes for OpenAI do with a server: answers, streams, chains, log-probabilities, errors."""

import asyncio
import sys
from importlib.metadata import version

import openai
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAI

url, model = sys.argv[1], sys.argv[2]
settings = {"base_url": url, "api_key": "none", "model": model, "temperature": 0, "max_tokens": 8, "max_retries": 0}
chat, text = ChatOpenAI(**settings), OpenAI(**settings)
print("langchain-openai", version("langchain-openai"), "langchain-core", version("langchain-core"))

answer = chat.invoke("And God said,")
print("answer:", repr(answer.content), answer.usage_metadata["total_tokens"], "tokens")
assert answer.response_metadata["finish_reason"] == "length" and answer.usage_metadata["output_tokens"] == 8
assert "".join(piece.content for piece in chat.stream("And God said,")) == answer.content
assert asyncio.run(chat.ainvoke("And God said,")).content == answer.content
assert [one.content for one in chat.batch(["And God said,"] * 4)] == [answer.content] * 4
print("streamed, asynchronous and four at a time: the same")

chain = ChatPromptTemplate.from_messages([("system", "Speak."), ("human", "{beginning}")]) | chat
print("chain:", repr(chain.invoke({"beginning": "In the beginning"}).content))
scored = chat.bind(logprobs=True, top_logprobs=2).invoke("And")
assert len(scored.response_metadata["logprobs"]["content"]) == 8
print("completion:", repr(text.invoke("In the beginning")))

function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
try:
    chat.bind_tools([function]).invoke("x")
    sys.exit("tools: no error")
except openai.BadRequestError as error:
    print("error:", error.body["message"])
