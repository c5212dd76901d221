//go:build !deepmoe_runtime

package deepmoe

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const hasTraining = true

func residentBytes(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("this system does not tell the resident size")
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	need(t, err)
	return pages * os.Getpagesize()
}

// In a process of its own and with one arena of malloc: more of them grow by what they are asked for in turns.
func TestAThousandLivesLeaveNothing(t *testing.T) {
	if os.Getenv("MALLOC_ARENA_MAX") != "1" {
		child := exec.Command(os.Args[0], "-test.run", "^TestAThousandLivesLeaveNothing$")
		child.Env = append(os.Environ(), "MALLOC_ARENA_MAX=1")
		if output, err := child.CombinedOutput(); err != nil {
			t.Fatal(err, string(output))
		}
		return
	}
	c := readCases(t)
	images, labels, before := c.images[:2*3*c.Side*c.Side], c.labels[:2], 0
	options, err := NewOptions(c.Training.Options)
	need(t, err)
	for life := 0; life < 1000; life++ {
		model, err := LoadModel(network, options)
		need(t, err)
		trainer, err := NewTrainer(model, options)
		need(t, err)
		need(t, trainer.StepWithoutLoss(images, labels, c.Side, c.Side))
		engine, err := model.Compile(nil)
		need(t, err)
		_, err = engine.Run(images, 2, c.Side, c.Side)
		need(t, err)
		dataset, err := NewDataset(append([]float32(nil), images...), labels, c.Side, c.Side, c.NumClasses)
		need(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		if _, err = trainer.Fit(ctx, dataset, nil, func(Event, string) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if life%10 != 0 { // The others are left to the collector, which does not see how large they are.
			trainer.Close()
			model.Close()
			engine.Close()
			dataset.Close()
		}
		if life == 200 {
			expectObjects(t, 1)
			before = residentBytes(t)
		}
	}
	options.Close()
	expectObjects(t, 0)
	if more := residentBytes(t) - before; more > 16<<20 {
		t.Fatalf("%d MiB more", more>>20)
	}
}

func recordTraining(t *testing.T, c *cases, logits []float32) {
	trainer, model, _, dataset := c.trainer(t)
	expectCall("dmoe_dataset_create_f32", c.images, []float32(nil))
	need(t, dataset.Close())
	dataset, err := NewByteDataset(c.bytes, c.labels, 3, c.Side, c.Side, NHWC, c.NumClasses)
	need(t, err)
	expectCall("dmoe_dataset_create_u8", c.bytes, []float32(nil))
	need(t, dataset.Close())
	_, err = trainer.Step(c.images, c.labels, c.Side, c.Side)
	need(t, err)
	expectCall("dmoe_trainer_step_f32", c.images, c.labels)
	_, err = trainer.StepBytes(c.bytes, c.labels, c.Side, c.Side)
	need(t, err)
	expectCall("dmoe_trainer_step", c.bytes, c.labels)
	need(t, model.LogitsInto(c.images, c.Batch, c.Side, c.Side, logits))
	expectCall("dmoe_model_forward_f32", c.images, logits)
	_, err = model.ForwardBytes(c.bytes, c.Batch, c.Side, c.Side)
	need(t, err)
	expectCall("dmoe_model_forward", c.bytes, []float32(nil))
}

func TestTheExampleTrainsAndSaves(t *testing.T) {
	weights := filepath.Join(t.TempDir(), "network.safetensors")
	output := run(t, "./examples/train", weights)
	var figures struct{ Accuracy float64 }
	need(t, json.Unmarshal([]byte(output[strings.LastIndex(output, "\n{"):]), &figures))
	if figures.Accuracy < 0.85 {
		t.Fatal(output)
	}
	engine, err := NewEngine(weights, nil)
	need(t, err)
	logits, err := engine.Run(make([]float32, 3*16*16), 1, 16, 16)
	need(t, err)
	if len(logits) != 4 {
		t.Fatal(logits)
	}
	text, err := os.ReadFile("examples/train/main.go")
	need(t, err)
	if strings.Count(string(text), "\n") >= 40 {
		t.Fatal("the example has 40 lines")
	}
}

// The program of the project's README, in a module of its own.
func TestTheProgramOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	need(t, err)
	_, rest, found := strings.Cut(string(readme), "```go\n")
	program, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the README has no program in Go")
	}
	folder := t.TempDir()
	here, err := filepath.Abs(".")
	need(t, err)
	module := "module program\n\ngo 1.21\n\nrequire deepmoe v0.1.0\n\nreplace deepmoe => " + strconv.Quote(here) + "\n"
	need(t, os.WriteFile(folder+"/go.mod", []byte(module), 0o600))
	need(t, os.WriteFile(folder+"/main.go", []byte(program), 0o600))
	command := exec.Command("go", "run", ".")
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatal(err, string(output))
	}
}
