"""Makes blocks.txt: what the package gguf decodes random blocks of each quantized type to.

    pip install numpy gguf xxhash
    python3 blocks.py > blocks.txt

A line is a type, its number in GGUF files and the XXH3-64 of the f32 results of 100,000 blocks, which BlocksTest.cpp
makes in the same way: the words of splitmix64 with the type's number as the seed, little endian, cut into blocks; an
f16 that is an infinity or NaN loses the upper bit of its exponent. Scales are negative, zero and subnormal as they come.
"""

import gguf
import numpy as np
import xxhash

BLOCKS = 100_000
SCALES = {  # where the f16 of a block are
    "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2],
    "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0],
}


def splitmix64(seed: int, count: int) -> np.ndarray:
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def random_blocks(number: int, size: int, scales: list[int]) -> np.ndarray:
    words = splitmix64(number, (BLOCKS * size + 7) // 8)
    blocks = words.view(np.uint8)[: BLOCKS * size].reshape(BLOCKS, size)
    for at in scales:
        blocks[(blocks[:, at + 1] & 0x7C) == 0x7C, at + 1] &= 0xBF
    return blocks


for name, scales in SCALES.items():
    qtype = gguf.GGMLQuantizationType[name]
    blocks = random_blocks(int(qtype), gguf.GGML_QUANT_SIZES[qtype][1], scales)
    decoded = gguf.quants.dequantize(blocks, qtype)
    assert decoded.dtype == np.float32 and np.isfinite(decoded).all()
    print(name.lower(), int(qtype), f"{xxhash.xxh3_64_intdigest(decoded.tobytes()):016x}")
