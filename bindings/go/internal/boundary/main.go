//go:build !deepmoe_runtime

// Command boundary is what tests/bench/compare_boundary.py measures in Go: tests/bench/boundary/boundary.cpp says how.
package main

import (
	"deepmoe"
	"fmt"
	"time"
)

func main() {
	options := deepmoe.Must(deepmoe.NewOptions(deepmoe.Values{"model": "resnet18_moe", "width": 0.25, "image_size": 32, "num_classes": 10,
		"device": "cpu", "optimizer": "sgd", "lr": 0.0001}))
	model := deepmoe.Must(deepmoe.NewModel(options, nil))
	engine := deepmoe.Must(model.Compile(deepmoe.Values{"threads": 1}))
	trainer := deepmoe.Must(deepmoe.NewTrainer(model, options))
	images, labels, logits := make([]float32, 2*3*32*32), []int64{1, 2}, make([]float32, 10)
	for i := range images {
		images[i] = 0.5
	}
	var what string
	var count int
	for {
		if _, err := fmt.Scan(&what, &count); err != nil {
			return
		}
		start := time.Now()
		for i := 0; i < count; i++ {
			if what == "engine" {
				deepmoe.Must(engine.RunInto(images[:3*32*32], 1, 32, 32, logits))
			} else {
				deepmoe.Must(trainer.Step(images, labels, 32, 32))
			}
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}
