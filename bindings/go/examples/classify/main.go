// Command classify says what is in a PNG or JPEG file with the runtime library alone:
// go run -tags deepmoe_runtime ./examples/classify WEIGHTS.safetensors IMAGE
package main

import (
	"deepmoe"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
)

func main() {
	engine := deepmoe.Must(deepmoe.NewEngine(os.Args[1], deepmoe.Values{"threads": 1}))
	var network struct {
		ImageSize int      `json:"image_size"`
		Names     []string `json:"class_names"`
	}
	deepmoe.Must(0, json.Unmarshal(deepmoe.Must(engine.Describe()), &network))
	picture, _, err := image.Decode(deepmoe.Must(os.Open(os.Args[2])))
	deepmoe.Must(0, err)

	side, bounds := network.ImageSize, picture.Bounds()
	pixels := make([]byte, 0, 3*side*side)
	for i := 0; i < side*side; i++ { // The nearest pixel; a program of yours may resize better.
		r, g, b, _ := picture.At(bounds.Min.X+i%side*bounds.Dx()/side, bounds.Min.Y+i/side*bounds.Dy()/side).RGBA()
		pixels = append(pixels, byte(r>>8), byte(g>>8), byte(b>>8))
	}
	logits := deepmoe.Must(engine.RunBytes(pixels, 1, side, side, deepmoe.NHWC))
	best := 0
	for class := range logits {
		if logits[class] > logits[best] {
			best = class
		}
	}
	name := fmt.Sprint("class ", best)
	if len(network.Names) > best {
		name = network.Names[best]
	}
	fmt.Printf("%s: logit %.3f\n", name, logits[best])
}
