#!/usr/bin/env bash
# check.sh COMPILE SAME_LOGITS FOLDER   compiles the model in FOLDER in every format and compares the
# logits with those from safetensors, bit for bit.
set -euo pipefail
compile=$1 same_logits=$2 folder=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packages=()
for model in safetensors safetensors-shards bin bin-shards gguf/formats.gguf nemo/formats.nemo nemo-zarr nemo2; do
  package=$work/${model//\//-}.strata
  "$compile" "$folder/$model" -o "$package" >/dev/null
  packages+=("$package")
done
"$same_logits" "${packages[@]}"

# The folder with package and weights was moved.
mkdir "$work/here"
cp "$folder/gguf/formats.gguf" "$work/here"
"$compile" "$work/here/formats.gguf" -o "$work/here/model.strata" >/dev/null
mv "$work/here" "$work/there"
"$same_logits" "${packages[0]}" "$work/there/model.strata"
