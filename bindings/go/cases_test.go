package deepmoe

import (
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"testing"
)

const (
	shared  = "../../tests/bindings/"
	network = shared + "network.safetensors"
)

// cases are those of all bindings, and their inputs.
type cases struct {
	Tolerance   float64
	Batch, Side int
	NumClasses  int `json:"num_classes"`
	Refusals    []struct {
		Option, Value, Status, Words string
		Code                         Code
	}
	Architecture struct {
		Options    Values
		Parameters int64
		DenseMACs  int64 `json:"dense_macs"`
	}
	Engine struct {
		Logits, Embedding, Gates []float32
		EmbeddingLogits          []float32 `json:"embedding_logits"`
		ActiveMACs               int64     `json:"active_macs"`
		GivenGates               []float32 `json:"given_gates"`
		LogitsWithGivenGates     []float32 `json:"logits_with_given_gates"`
		BytesNHWC                struct {
			Logits     []float32
			ActiveMACs int64 `json:"active_macs"`
		} `json:"bytes_nhwc"`
	}
	Training struct {
		Options    Values
		Losses     []float32
		Logits     []float32
		Evaluation struct{ Samples, Loss, Accuracy float32 }
	}

	images []float32
	bytes  []byte
	labels []int64
}

func readCases(t *testing.T) *cases {
	t.Helper()
	data, err := os.ReadFile(shared + "cases.json")
	need(t, err)
	c := &cases{}
	need(t, json.Unmarshal(data, c))
	for i := 0; i < c.Batch*3*c.Side*c.Side; i++ {
		c.images = append(c.images, float32((i*37+11)%101)/50-1)
		c.bytes = append(c.bytes, byte((i*37+11)%251))
	}
	for i := 0; i < c.Batch; i++ {
		c.labels = append(c.labels, int64(i%c.NumClasses))
	}
	return c
}

func (c *cases) expectClose(t *testing.T, what string, values, expected []float32) {
	t.Helper()
	if len(values) != len(expected) {
		t.Fatalf("%s: %d values, expected %d", what, len(values), len(expected))
	}
	for i := range values {
		x, y := float64(values[i]), float64(expected[i])
		if !(math.Abs(x-y) <= c.Tolerance*(1+math.Abs(y))) {
			t.Fatalf("%s: value %d is %v, expected %v", what, i, x, y)
		}
	}
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writePNG writes the first of some images, whose channels come last.
func writePNG(t *testing.T, path string, pixels []byte, side int) {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := 0; i < side*side; i++ {
		picture.SetNRGBA(i%side, i/side, color.NRGBA{R: pixels[3*i], G: pixels[3*i+1], B: pixels[3*i+2], A: 255})
	}
	file, err := os.Create(path)
	need(t, err)
	need(t, png.Encode(file, picture))
	need(t, file.Close())
}
