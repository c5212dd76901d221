# The demonstration, sourced by bootstrap.sh in the repository's root with $preset set: trains a gated ResNet on the
# built-in data set, then evaluates the weights that it saved. The command prints the table.

deepmoe=build/$preset/bin/deepmoe
out=build/demo

"$deepmoe" train --dataset synthetic --synthetic_train_size 3000 --synthetic_test_size 500 --model resnet18_moe --width 0.25 \
  --epochs 3 --target_macs 0.5 --out "$out" --overwrite
say
"$deepmoe" eval --weights "$out/best.safetensors" --dataset synthetic --synthetic_test_size 500
