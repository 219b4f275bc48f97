#!/usr/bin/env python3
"""compare_torch.py THREADS PROMPT TOKENS   tokens a second of Hugging Face transformers on PyTorch, in bf16, eagerly: of a
prompt (logits of its last token alone) and of greedy generation behind one token. The model is that of random_gguf.py 836m, with
weights of transformers' own random initialization. Prints JSON, after a run that is not counted.
"""
import json
import sys
import time

import torch
import transformers

threads, prompt, tokens = map(int, sys.argv[1:])
torch.set_num_threads(threads)
config = transformers.NemotronConfig(
    vocab_size=32000, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=16,
    num_key_value_heads=4, head_dim=128, max_position_embeddings=4096, partial_rotary_factor=0.5, hidden_act="relu2")
torch.set_default_dtype(torch.bfloat16)
model = transformers.NemotronForCausalLM(config).eval()


@torch.inference_mode()
def seconds_of_prompt():
    ids = torch.randint(0, 32000, (1, prompt))
    start = time.monotonic()
    model(ids, logits_to_keep=1)
    return time.monotonic() - start


@torch.inference_mode()
def seconds_of_generation(count):
    ids, cache = torch.tensor([[2]]), None
    start = time.monotonic()
    for _ in range(count):
        result = model(ids, past_key_values=cache, use_cache=True)
        ids, cache = result.logits[:, -1:].argmax(-1), result.past_key_values
    return time.monotonic() - start


seconds_of_prompt()
seconds_of_generation(2)
rates = prompt / seconds_of_prompt(), tokens / seconds_of_generation(tokens)
print(json.dumps([{"tokens_per_second": rate} for rate in rates]))
