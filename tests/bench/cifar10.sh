#!/bin/sh
# The README's CIFAR-10 row: trains resnet18_moe at a quarter of its width for two epochs and evaluates the best weights.
#
# usage: sh tests/bench/cifar10.sh DATA_DIR [OUT]     DATA_DIR holds train/ and test/ with a folder of images per class,
#                                                     or cifar-10-batches-py; about ten minutes on two cores
set -eu
data_dir=${1:?"usage: sh tests/bench/cifar10.sh DATA_DIR [OUT]"}
out=${2:-build/cifar10}
deepmoe=${DEEPMOE:-build/release/bin/deepmoe}
dataset=folder
[ -d "$data_dir/train" ] || dataset=cifar10

"$deepmoe" train --dataset "$dataset" --data_dir "$data_dir" --model resnet18_moe --width 0.25 --epochs 2 --target_macs 0.5 --out "$out"
"$deepmoe" eval --weights "$out/best.safetensors" --dataset "$dataset" --data_dir "$data_dir"
