// Command train trains a small gated network on slices of the program and saves it: stripes, whose direction is the class.
package main

import (
	"context"
	"deepmoe"
	"fmt"
	"math/rand"
	"os"
)

const side, count, classes = 16, 32, 4

func batch() (images []float32, labels []int64) {
	for range [count]int{} {
		label, phase := rand.Intn(classes), rand.Intn(4)
		along, down := []int{1, 0, 1, 1}[label], []int{0, 1, 1, 3}[label]
		labels = append(labels, int64(label))
		for i := 0; i < 3*side*side; i++ {
			images = append(images, rand.Float32()*2-float32((i%side*along+i/side%side*down+phase)%4/2*2))
		}
	}
	return images, labels
}

func main() {
	options := deepmoe.Must(deepmoe.NewOptions(deepmoe.Values{"model": "resnet18_moe", "width": 0.125, "num_classes": classes,
		"image_size": side, "device": "cpu", "optimizer": "sgd", "lr": 0.02}))
	model := deepmoe.Must(deepmoe.NewModel(options, nil))
	trainer := deepmoe.Must(deepmoe.NewTrainer(model, options))
	for step := 1; step <= 80; step++ {
		images, labels := batch()
		fmt.Println("step", step, "loss", deepmoe.Must(trainer.Step(images, labels, side, side)))
	}
	images, labels := batch()
	dataset := deepmoe.Must(deepmoe.NewDataset(images, labels, side, side, classes))
	fmt.Printf("%s\n", deepmoe.Must(model.Evaluate(context.Background(), dataset, options, nil)))
	deepmoe.Must(0, model.Save(os.Args[1]))
}
