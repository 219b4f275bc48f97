"""Asks transformers what it makes of folders as people have them, and writes its answers into
transformers.txt, which the tests of this folder follow. No dependency of the tests:

    pip install torch transformers sentencepiece protobuf
    python ask_transformers.py
"""

import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
warnings.filterwarnings("ignore")

import safetensors.torch
import tokenizers
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = {
    "architectures": ["NemotronForCausalLM"], "model_type": "nemotron", "vocab_size": 32, "hidden_size": 16,
    "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "bos_token_id": 2, "eos_token_id": 3,
}
lines = []


def tell(question, answer):
    lines.append(f"{question}: {answer}")
    print(lines[-1], flush=True)


def attempt(question, function):
    """Tells what the function returns, or the first line of its error."""
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            answer = function()
    except Exception as error:
        answer = f"{type(error).__name__}: " + (str(error).strip().splitlines() or [""])[0][:120]
    answer = re.sub(r"\S*/tmp\w+", "FOLDER", str(answer))
    tell(question, answer)


def write(path, contents):
    with open(path, "w") as file:
        file.write(contents if isinstance(contents, str) else json.dumps(contents))


def weights(seed=0):
    torch.manual_seed(seed)
    with contextlib.redirect_stderr(io.StringIO()):
        model = transformers.NemotronForCausalLM(transformers.NemotronConfig(**CONFIG)).to(torch.bfloat16)
    return {name: tensor.clone().contiguous() for name, tensor in model.state_dict().items()}


class Folder:
    """A model folder to be made into what people have."""

    def __init__(self, config={}, tensors=None):
        self.path = tempfile.mkdtemp()
        write(f"{self.path}/config.json", CONFIG | config)
        safetensors.torch.save_file(weights() if tensors is None else tensors,
                                    f"{self.path}/model.safetensors", {"format": "pt"})

    def write(self, name, contents):
        write(f"{self.path}/{name}", contents)
        return self

    def model(self):
        return AutoModelForCausalLM.from_pretrained(self.path)

    def tokenizer(self):
        return AutoTokenizer.from_pretrained(self.path)


def tokenizer_json(post=False, **changes):
    pieces = ["<pad>", "<unk>", "<s>", "</s>", "a", "b", "ab", "ba"] + [chr(99 + i) for i in range(24)]
    single = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": pieces[i], "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i in range(4)],
        "normalizer": None, "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": single + [
            {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [2], "tokens": ["<s>"]}}} if post else None,
        "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {piece: i for i, piece in enumerate(pieces)}, "merges": [["a", "b"], ["b", "a"]]},
    } | changes


def tokenizes(config, post=False, text="ab", **changes):
    def ask():
        folder = Folder(tensors={}).write("tokenizer.json", tokenizer_json(post, **changes))
        folder.write("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"} | config)
        return folder.tokenizer()(text)["input_ids"]
    return ask


def row3():
    def tied(config, change):
        tensors = weights()
        change(tensors)
        model = Folder(config, tensors).model()
        return "tied" if model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr() else "not tied"

    def same(tensors):
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()

    def none(tensors):
        del tensors["lm_head.weight"]
    attempt("3 tie_word_embeddings, another lm_head.weight", lambda: tied({"tie_word_embeddings": True}, lambda t: 0))
    attempt("3 tie_word_embeddings, the same lm_head.weight", lambda: tied({"tie_word_embeddings": True}, same))
    attempt("3 tie_word_embeddings, no lm_head.weight", lambda: tied({"tie_word_embeddings": True}, none))
    attempt("3 no tie_word_embeddings, no lm_head.weight", lambda: tied({}, none))


def row4():
    demo = os.path.join(HERE, "..", "..", "models", "demo", "tokenizer.model")
    text = "a <|im_start|> b"
    for kind in ["PreTrainedTokenizerFast", "LlamaTokenizer", "LlamaTokenizerFast", None]:
        config = {"tokenizer_class": kind} if kind else {}

        def ask(files):
            folder = Folder(tensors={})
            shutil.copy(demo, folder.path)
            folder.write("tokenizer_config.json", config | files.pop("config", {}))
            for name, contents in files.items():
                folder.write(name, contents)
            tokenizer = folder.tokenizer()
            return type(tokenizer).__name__, tokenizer(text)["input_ids"], len(tokenizer)
        added = {"id": 2048, "content": "<|im_start|>", "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False, "special": True}
        attempt(f"4 {kind}: tokenizer.model alone", lambda: ask({}))
        attempt(f"4 {kind}: tokenizer.model, added_tokens.json", lambda: ask({"added_tokens.json": {"<|im_start|>": 2048}}))
        attempt(f"4 {kind}: tokenizer.model, added_tokens_decoder", lambda: ask(
            {"config": {"added_tokens_decoder": {"2048": {k: v for k, v in added.items() if k != "id"}}}}))
        attempt(f"4 {kind}: tokenizer.model, added_tokens.json with a gap", lambda: ask({"added_tokens.json": {"<|im_start|>": 2050}}))
        attempt(f"4 {kind}: tokenizer.model and tokenizer.json", lambda: ask({"tokenizer.json": tokenizer_json()}))


def row5():
    for kind in ["PreTrainedTokenizerFast", "LlamaTokenizerFast", None]:
        for post in [True, False]:
            for add in [True, False, None]:
                config = ({"tokenizer_class": kind} if kind else {"tokenizer_class": None}) | {"bos_token": "<s>", "eos_token": "</s>"}
                config |= {} if add is None else {"add_bos_token": add}
                attempt(f"5 {kind}: post_processor {'with' if post else 'without'} BOS, add_bos_token {add}",
                        tokenizes(config, post))


    demo = os.path.join(HERE, "..", "..", "models", "demo", "tokenizer.model")
    for add in [True, False, None]:
        def ask():
            folder = Folder(tensors={})
            shutil.copy(demo, folder.path)
            config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
            folder.write("tokenizer_config.json", config | ({} if add is None else {"add_bos_token": add}))
            return folder.tokenizer()("a")["input_ids"]
        attempt(f"5 tokenizer.model alone, add_bos_token {add}", ask)


def row9():
    def raw(name, text, ask):
        folder = Folder().write("tokenizer.json", tokenizer_json())
        folder.write("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
        folder.write("generation_config.json", {"eos_token_id": 3})
        folder.write(name, text)
        return ask(folder)
    config = json.dumps(CONFIG)[:-1]
    for odd in ["1000000000000000019884624838656", "NaN", "Infinity", "-Infinity", "1e999"]:
        attempt(f"9 config.json, unused key {odd}", lambda: raw("config.json", f'{config}, "x": {odd}}}', lambda f: type(f.model()).__name__))
        attempt(f"9 tokenizer_config.json, model_max_length {odd}", lambda: raw(
            "tokenizer_config.json", f'{{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": {odd}}}',
            lambda f: f.tokenizer()("ab")["input_ids"]))
        attempt(f"9 generation_config.json, temperature {odd}", lambda: raw(
            "generation_config.json", f'{{"eos_token_id": 3, "temperature": {odd}}}', lambda f: f.model().generation_config.eos_token_id))
    attempt("9 config.json, hidden_size twice", lambda: raw("config.json", f'{config}, "hidden_size": 16, "eos_token_id": [5]}}', lambda f: f.model().config.eos_token_id))
    attempt("9 config.json, NaN for hidden_size", lambda: raw("config.json", f'{config}, "hidden_size": NaN}}', lambda f: type(f.model()).__name__))


def row10():
    attempt("10 truncation", tokenizes({}, text="ababab", truncation={
        "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}))
    attempt("10 padding", tokenizes({}, padding={
        "strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>"}))
    attempt("10 unknown keys", tokenizes({}, comment="mine"))
    chat = "{% for m in messages %}{{ m['content'] }}\r\n{% endfor %}"
    for name, value in [("a list with default", [{"name": "default", "template": chat}, {"name": "rag", "template": "R"}]),
                        ("a list without default", [{"name": "rag", "template": "R"}]), ("an empty list", []),
                        ("an object with default", {"default": chat}), ("an object without default", {"rag": "R"}),
                        ("an empty object", {}), ("an empty string", ""), ("null", None), ("a number", 5)]:
        attempt(f"10 chat_template {name}: loads", tokenizes({"chat_template": value}))

        def apply(files={}):
            folder = Folder(tensors={}).write("tokenizer.json", tokenizer_json())
            folder.write("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": value})
            for file, contents in files.items():
                folder.write(file, contents)
            return repr(folder.tokenizer().apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False))
        attempt(f"10 chat_template {name}: applied", apply)
        attempt(f"10 chat_template {name}, and chat_template.jinja: applied", lambda: apply({"chat_template.jinja": "J"}))


def row11():
    def sharded(change):
        tensors = weights()
        names = sorted(tensors)
        shards = {"a.safetensors": {n: tensors[n] for n in names[::2]}, "b.safetensors": {n: tensors[n] for n in names[1::2]}}
        index = {n: file for file, shard in shards.items() for n in shard}
        change(shards, index)
        folder = Folder(tensors={})
        os.remove(f"{folder.path}/model.safetensors")
        for file, shard in shards.items():
            safetensors.torch.save_file(shard, f"{folder.path}/{file}", {"format": "pt"})
        folder.write("model.safetensors.index.json", {"metadata": {}, "weight_map": index})
        model = folder.model()
        return [n for n in names if not torch.equal(model.state_dict()[n].to(torch.bfloat16), tensors[n])] or "the weights"
    extra = torch.zeros(4, dtype=torch.bfloat16)
    first = "model.norm.weight"
    attempt("11 the index lists a tensor that is in no shard", lambda: sharded(lambda s, i: i.update({"mtp.x": "a.safetensors"})))
    attempt("11 a shard holds a tensor that is not listed", lambda: sharded(lambda s, i: s["a.safetensors"].update({"x._extra_state": extra})))
    attempt("11 the index names another shard", lambda: sharded(
        lambda s, i: i.update({first: "a.safetensors" if i[first] == "b.safetensors" else "b.safetensors"})))
    attempt("11 a needed tensor is not listed", lambda: sharded(lambda s, i: i.pop(first)))
    for file in ["a.safetensors", "b.safetensors"]:
        attempt(f"11 model.norm.weight in both shards, the index names {file}", lambda: sharded(
            lambda s, i: (i.update({first: file}),
                          s["b.safetensors" if file == "a.safetensors" else "a.safetensors"].update({first: torch.full((16,), 7.0, dtype=torch.bfloat16)}),
                          s[file].update({first: weights()[first]}))))
    attempt("11 the index lists a shard that is not there", lambda: sharded(lambda s, i: i.update({"mtp.x": "c.safetensors"})))


def row13():
    for name, keys in [("torch_dtype auto", {"torch_dtype": "auto"}), ("dtype auto", {"dtype": "auto"}),
                       ("float8_e4m3fn", {"torch_dtype": "float8_e4m3fn"}), ("dtype and torch_dtype differ", {"dtype": "bfloat16", "torch_dtype": "float32"}),
                       ("a dtype that does not exist", {"torch_dtype": "nonsense"})]:
        attempt(f"13 {name}", lambda: str(Folder(keys).model().dtype))
    for ids in [40, [3, 40], -1, [3, -1]]:
        attempt(f"13 eos_token_id {ids}", lambda: Folder({"eos_token_id": ids}).model().generate(torch.tensor([[4]]), max_new_tokens=2, do_sample=False).shape[1])
    attempt("13 bos_token_id 40", lambda: type(Folder({"bos_token_id": 40}).model()).__name__)
    vocabulary = tokenizer_json()["model"]["vocab"]
    attempt("13 33 pieces, 32 rows", tokenizes({}, model=tokenizer_json()["model"] | {"vocab": vocabulary | {"z": 32}}))
    for post in [True, False]:
        attempt(f"13 add_eos_token, post_processor {post}", tokenizes({"add_eos_token": True, "bos_token": "<s>", "eos_token": "</s>"}, post))
    attempt("13 single_word", lambda: [tokenizes({}, text=text, added_tokens=[
        {"id": 6, "content": "ab", "single_word": True, "lstrip": False, "rstrip": False, "normalized": False, "special": False}],
        model=tokenizer_json()["model"] | {"merges": []})() for text in ["ab", "aab", "ab b", "abb", "a ab", "ab.", "_ab", "abab", "éab"]])

    def null_bos():
        folder = Folder({"bos_token_id": None}).write("tokenizer.json", tokenizer_json(True))
        folder.write("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "add_bos_token": True})
        return folder.model().config.bos_token_id, folder.tokenizer()("ab")["input_ids"]
    attempt("13 bos_token_id null, add_bos_token", null_bos)


def row14():
    def columns(head_dim, fraction, **widths):
        config = CONFIG | {"head_dim": head_dim, "partial_rotary_factor": fraction} | widths
        model = transformers.NemotronForCausalLM(transformers.NemotronConfig(**config))
        model(torch.tensor([[1, 2, 3]]))
        return f"{2 * len(model.model.rotary_emb.inv_freq)} of {head_dim} are rotated"
    for head_dim, fraction in [(64, 0.33), (18, 0.5), (33, 0.5), (33, 1.0), (16, 0.1), (16, 0.01)]:
        attempt(f"14 head_dim {head_dim}, partial_rotary_factor {fraction}", lambda: columns(head_dim, fraction))
    attempt("14 hidden_size 15, intermediate_size 47", lambda: columns(4, 0.5, hidden_size=15, intermediate_size=47))


def row16():
    def renamed(rename, config={}, drop=()):
        tensors = weights()
        model = Folder(config, {rename(n): t for n, t in tensors.items() if n not in drop}).model()
        state = model.state_dict()
        wrong = [n for n in tensors if n not in drop and not torch.equal(state[n].to(torch.bfloat16), tensors[n])]
        return "the weights" if not wrong else f"{len(wrong)} of {len(tensors)} are others, {wrong[-1]} among them"
    for prefix in ["_orig_mod.", "module.", "base_model.model."]:
        attempt(f"16 prefix {prefix}", lambda: renamed(lambda n: prefix + n))
    attempt("16 without model., lm_head.weight as it is", lambda: renamed(lambda n: n.removeprefix("model.")))
    attempt("16 without model., tied", lambda: renamed(lambda n: n.removeprefix("model."), {"tie_word_embeddings": True}, ["lm_head.weight"]))
    attempt("16 without model., no lm_head.weight", lambda: renamed(lambda n: n.removeprefix("model."), {}, ["lm_head.weight"]))


def main():
    tell("transformers", f"{transformers.__version__}, tokenizers {tokenizers.__version__}, torch {torch.__version__}")
    for row in sys.argv[1:] or ["3", "4", "5", "9", "10", "11", "13", "14", "16"]:
        globals()[f"row{row}"]()
    if not sys.argv[1:]:
        write(os.path.join(HERE, "transformers.txt"), "\n".join(lines) + "\n")


main()
