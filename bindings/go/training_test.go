//go:build !deepmoe_runtime

package deepmoe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var background = context.Background()

func (c *cases) model(t *testing.T) (*Model, *Options) {
	t.Helper()
	options, err := NewOptions(c.Training.Options)
	need(t, err)
	model, err := LoadModel(network, options)
	need(t, err)
	return model, options
}

func (c *cases) trainer(t *testing.T) (*Trainer, *Model, *Options, *Dataset) {
	t.Helper()
	model, options := c.model(t)
	trainer, err := NewTrainer(model, options)
	need(t, err)
	dataset, err := NewDataset(c.images, c.labels, c.Side, c.Side, c.NumClasses)
	need(t, err)
	return trainer, model, options, dataset
}

func TestTrainingFollowsTheCases(t *testing.T) {
	c := readCases(t)
	trainer, model, options, dataset := c.trainer(t)
	for i := range c.Training.Losses {
		loss, err := trainer.Step(c.images, c.labels, c.Side, c.Side)
		need(t, err)
		c.expectClose(t, "loss", []float32{float32(loss)}, c.Training.Losses[i:i+1])
	}
	text, err := trainer.Metrics()
	need(t, err)
	var metrics struct{ Step int }
	need(t, json.Unmarshal(text, &metrics))
	if metrics.Step != len(c.Training.Losses) {
		t.Fatal(metrics)
	}
	logits, err := model.Logits(c.images, c.Batch, c.Side, c.Side)
	need(t, err)
	c.expectClose(t, "logits", logits, c.Training.Logits)
	text, err = model.Evaluate(background, dataset, options, nil)
	need(t, err)
	var figures, expected = c.Training.Evaluation, c.Training.Evaluation
	need(t, json.Unmarshal(text, &figures))
	c.expectClose(t, "evaluation", []float32{figures.Samples, figures.Loss, figures.Accuracy},
		[]float32{expected.Samples, expected.Loss, expected.Accuracy})
}

func TestALoopOfTheProgramsOwn(t *testing.T) {
	c := readCases(t)
	trainer, model, _, _ := c.trainer(t)
	need(t, trainer.BeginEpoch(0, 3))
	_, err := trainer.StepBytes(c.bytes, c.labels, c.Side, c.Side)
	need(t, err)
	need(t, trainer.StepWithoutLoss(c.images, c.labels, c.Side, c.Side))
	_, err = trainer.Step(c.images, c.labels[1:], c.Side, c.Side)
	expectError(t, err, ErrInvalidArgument, "images")
	need(t, model.LogitsInto(c.images, c.Batch, c.Side, c.Side, make([]float32, c.Batch*c.NumClasses)))
	expectError(t, model.LogitsInto(c.images, c.Batch, c.Side, c.Side, nil), ErrInvalidArgument)
}

func TestALoopGoesOnWhereItWasSaved(t *testing.T) {
	c := readCases(t)
	path := t.TempDir() + "/state.safetensors"
	first, _, _, _ := c.trainer(t)
	need(t, first.StepWithoutLoss(c.images, c.labels, c.Side, c.Side))
	need(t, first.SaveState(path))
	expected, err := first.Step(c.images, c.labels, c.Side, c.Side)
	need(t, err)
	second, _, _, _ := c.trainer(t)
	need(t, second.LoadState(path))
	position, err := second.Position()
	need(t, err)
	if position != (Position{1, -1, 1}) {
		t.Fatal(position)
	}
	loss, err := second.Step(c.images, c.labels, c.Side, c.Side)
	need(t, err)
	if loss != expected {
		t.Fatal(loss, expected)
	}
	expectError(t, second.LoadState(path+".absent"), ErrNotFound, "absent")
}

func TestALoopEvaluatesTheAveragedWeights(t *testing.T) {
	c := readCases(t)
	model, options := c.model(t)
	need(t, options.Set("ema", "0.5"))
	trainer, err := NewTrainer(model, options)
	need(t, err)
	need(t, trainer.StepWithoutLoss(c.images, c.labels, c.Side, c.Side))
	logits := func() (logits []float32) {
		logits, err := model.Logits(c.images, c.Batch, c.Side, c.Side)
		need(t, err)
		return logits
	}
	own := logits()
	need(t, trainer.UseAverage(true))
	if slices.Equal(logits(), own) {
		t.Fatal("the model has its own weights")
	}
	expectError(t, trainer.StepWithoutLoss(c.images, c.labels, c.Side, c.Side), ErrState, "averaged")
	need(t, trainer.UseAverage(false))
	if !slices.Equal(logits(), own) {
		t.Fatal("the model lost its own weights")
	}
}

func TestForwardGivesGatesAndTheStateIsShared(t *testing.T) {
	c := readCases(t)
	model, _ := c.model(t)
	outputs, err := model.Forward(c.images, c.Batch, c.Side, c.Side)
	need(t, err)
	logits, err := outputs.Read("logits")
	need(t, err)
	c.expectClose(t, "logits", logits, c.Engine.Logits)
	if len(outputs.Names()) < 5 {
		t.Fatal(outputs.Names())
	}
	_, err = model.ForwardBytes(c.bytes, c.Batch, c.Side, c.Side)
	need(t, err)
	address := func() (first *float32) {
		state, err := model.State()
		need(t, err)
		need(t, state.View("embedding_classifier.bias", func(values []float32) { first = &values[0] }))
		return first
	}
	if address() != address() {
		t.Fatal("the weights were copied")
	}
}

func TestAStateGoesFromModelToModel(t *testing.T) {
	c := readCases(t)
	trainer, trained, _, _ := c.trainer(t)
	need(t, trainer.StepWithoutLoss(c.images, c.labels, c.Side, c.Side))
	model, _ := c.model(t)
	state, err := model.State()
	need(t, err)
	need(t, trained.LoadState(state))
	logits, err := trained.Logits(c.images, c.Batch, c.Side, c.Side)
	need(t, err)
	c.expectClose(t, "logits", logits, c.Engine.Logits)
	empty, err := NewTensors()
	need(t, err)
	expectError(t, trained.LoadState(empty), ErrFormat)
}

func TestModelsAreMadeSavedCompiledFoldedExportedAndCompacted(t *testing.T) {
	c := readCases(t)
	folder := t.TempDir()
	model, _ := c.model(t)
	dataset, err := NewDataset(c.images, c.labels, c.Side, c.Side, c.NumClasses)
	need(t, err)
	need(t, model.Save(folder+"/a.safetensors"))
	for _, make := range []func() (*Engine, error){
		func() (*Engine, error) { return NewEngine(folder+"/a.safetensors", nil) },
		func() (*Engine, error) { return model.Compile(Values{"threads": 1}) },
	} {
		engine, err := make()
		need(t, err)
		logits, err := engine.Run(c.images, c.Batch, c.Side, c.Side)
		need(t, err)
		c.expectClose(t, "logits", logits, c.Engine.Logits)
		figures, err := engine.Evaluate(background, dataset, nil, nil)
		need(t, err)
		if !json.Valid(figures) {
			t.Fatal(figures)
		}
	}
	folded, err := model.Fold()
	need(t, err)
	for _, describe := range []func() (json.RawMessage, error){folded.Describe, model.DescribeArchitecture, dataset.Describe} {
		if text, err := describe(); err != nil || !json.Valid(text) {
			t.Fatal(err)
		}
	}
	if table, err := model.ArchitectureText(); err != nil || len(table) < 100 {
		t.Fatal(err)
	}
	need(t, model.ExportONNX(folder+"/a.onnx", Values{"gates": false}))
	if file, err := os.Stat(folder + "/a.onnx"); err != nil || file.Size() < 1000 {
		t.Fatal(err)
	}
	smaller, report, err := model.Compact(background, dataset, Values{"min_utilisation": 0}, nil, nil)
	need(t, err)
	logits, err := smaller.Logits(c.images, c.Batch, c.Side, c.Side)
	need(t, err)
	c.expectClose(t, "logits", logits, c.Engine.Logits)
	if !json.Valid(report) {
		t.Fatal(report)
	}
	_, _, err = model.Compact(background, dataset, Values{"classes": []string{"none"}}, nil, nil)
	expectError(t, err, ErrInvalidArgument, "none")
	options, err := NewOptions(Values{"model": "resnet18_moe", "width": 0.0625, "device": "cpu"})
	need(t, err)
	_, err = NewModel(options, dataset)
	need(t, err)
	_, err = NewModel(options, nil)
	need(t, err)
}

func TestFailuresNameTheFile(t *testing.T) {
	c := readCases(t)
	model, _ := c.model(t)
	_, err := model.ReadImage("none")
	expectError(t, err, ErrNotFound, "none")
	_, err = LoadModel("none", nil)
	expectError(t, err, ErrNotFound, "none")
	expectError(t, ConvertPyTorch("none", t.TempDir()+"/out", nil, nil), ErrNotFound, "none")
	options, err := NewOptions(Values{"dataset": "folder", "data_dir": "none"})
	need(t, err)
	_, err = OpenDataset(options, "train")
	expectError(t, err, ErrNotFound, "none")
	_, err = FetchDataset(background, "imagenet", t.TempDir(), nil, nil)
	expectError(t, err, ErrInvalidArgument, "imagenet")
}

func TestImagesAreRead(t *testing.T) {
	path := t.TempDir() + "/white.png"
	file, err := os.Create(path)
	need(t, err)
	white := image.NewGray(image.Rect(0, 0, 2, 2))
	white.SetGray(0, 0, color.Gray{Y: 255})
	need(t, png.Encode(file, white))
	need(t, file.Close())
	model, _ := readCases(t).model(t)
	tensors, err := model.ReadImage(path)
	need(t, err)
	shape, err := tensors.Shape("input")
	need(t, err)
	if fmt.Sprint(shape) != "[1 3 32 32]" {
		t.Fatal(shape)
	}
}

func TestDataSetsRefuseWhatDoesNotFit(t *testing.T) {
	c := readCases(t)
	dataset, err := NewByteDataset(c.bytes, c.labels, 3, c.Side, c.Side, NHWC, c.NumClasses)
	need(t, err)
	if dataset.Size() != c.Batch || dataset.Classes() != c.NumClasses {
		t.Fatal(dataset.Size(), dataset.Classes())
	}
	_, err = NewByteDataset(c.bytes, c.labels, 3, c.Side, c.Side, NHWC, 1)
	expectError(t, err, ErrInvalidArgument)
	_, err = NewDataset(c.images, c.labels[1:], c.Side, c.Side, c.NumClasses)
	expectError(t, err, ErrInvalidArgument, "images")
	need(t, dataset.Close())
	if dataset.Size() != 0 {
		t.Fatal(dataset.Size())
	}
	options, err := NewOptions(Values{"dataset": "synthetic"})
	need(t, err)
	synthetic, err := OpenDataset(options, "test")
	need(t, err)
	if synthetic.Size() == 0 {
		t.Fatal("no images")
	}
}

func TestBatchesComeInOrderOrShuffled(t *testing.T) {
	c := readCases(t)
	trainer, model, options, dataset := c.trainer(t)
	engine, err := model.Compile(nil)
	need(t, err)
	loader, err := NewLoader(dataset, options)
	need(t, err)
	if loader.NumBatches() != 2 || loader.ImageSize() != c.Side {
		t.Fatal(loader.NumBatches(), loader.ImageSize())
	}
	var logits []float32
	var labels []int64
	need(t, loader.Each(func(images []float32, of []int64) error {
		result, err := engine.Run(images, len(of), c.Side, c.Side)
		logits, labels = append(logits, result...), append(labels, of...)
		return err
	}))
	c.expectClose(t, "logits", logits, c.Engine.Logits)
	if !slices.Equal(labels, c.labels) {
		t.Fatal(labels)
	}
	if more, err := loader.Next(nil); more || err != nil {
		t.Fatal(more, err)
	}
	shuffled, err := NewTrainingLoader(dataset, options, 3)
	need(t, err)
	rest, err := NewTrainingLoaderFrom(dataset, options, 3, 1)
	need(t, err)
	batches := 0
	need(t, rest.Each(func([]float32, []int64) error { batches++; return nil }))
	if batches != 1 || rest.NumBatches() != 2 {
		t.Fatal(batches)
	}
	need(t, dataset.Close()) // The loader keeps it.
	count, own := 0, errors.New("of the loop")
	err = shuffled.Each(func(images []float32, labels []int64) error {
		if _, err := trainer.Step(images, labels, c.Side, c.Side); err != nil {
			return err
		}
		if count++; count == 2 {
			return own
		}
		return nil
	})
	if err != own {
		t.Fatal(err)
	}
	need(t, shuffled.Close())
	_, err = shuffled.Next(nil)
	expectError(t, err, ErrState, "closed")
}

func TestFitTellsItsEvents(t *testing.T) {
	c := readCases(t)
	model, options := c.model(t)
	need(t, options.Set("epochs", 2))
	trainer, err := NewTrainer(model, options)
	need(t, err)
	dataset, err := NewDataset(c.images, c.labels, c.Side, c.Side, c.NumClasses)
	need(t, err)
	var epochs []int
	summary, err := trainer.Fit(background, dataset, dataset, func(event Event, text string) error {
		var data struct{ Epoch int }
		if err := json.Unmarshal([]byte(text), &data); err != nil {
			return err
		}
		if event == EventEpoch {
			epochs = append(epochs, data.Epoch)
		}
		return nil
	})
	need(t, err)
	if fmt.Sprint(epochs) != "[1 2]" || !json.Valid(summary) {
		t.Fatal(epochs, string(summary))
	}
	closed, err := NewDataset(c.images, c.labels, c.Side, c.Side, c.NumClasses)
	need(t, err)
	need(t, closed.Close())
	_, err = trainer.Fit(background, dataset, closed, nil)
	expectError(t, err, ErrState, "closed")
}

func TestAContextEndsARun(t *testing.T) {
	c := readCases(t)
	trainer, _, _, dataset := c.trainer(t)
	ctx, cancel := context.WithCancel(background)
	steps := 0
	_, err := trainer.Fit(ctx, dataset, nil, func(Event, string) error { steps++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || steps != 1 {
		t.Fatal(err, steps)
	}
	_, err = trainer.Fit(ctx, dataset, nil, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	_, err = trainer.Fit(background, dataset, nil, nil)
	need(t, err)
}

// calls are all that take a callback.
func (c *cases) calls(t *testing.T) map[string]func(Callback) error {
	trainer, model, _, dataset := c.trainer(t)
	engine, err := model.Compile(nil)
	need(t, err)
	return map[string]func(Callback) error{
		"fit":             func(f Callback) error { _, err := trainer.Fit(background, dataset, nil, f); return err },
		"evaluate":        func(f Callback) error { _, err := model.Evaluate(background, dataset, nil, f); return err },
		"engine evaluate": func(f Callback) error { _, err := engine.Evaluate(background, dataset, nil, f); return err },
		"compact":         func(f Callback) error { _, _, err := model.Compact(background, dataset, nil, nil, f); return err },
	}
}

func TestAnErrorOfACallbackIsTheCalls(t *testing.T) {
	own := errors.New("of the callback")
	for name, call := range readCases(t).calls(t) {
		if err := call(func(Event, string) error { return own }); err != own {
			t.Fatal(name, err)
		}
	}
}

func TestAPanicOfACallbackGoesOnInTheCall(t *testing.T) {
	for name, call := range readCases(t).calls(t) {
		func() {
			defer func() {
				if value := recover(); value != "of the callback" {
					t.Fatal(name, value)
				}
			}()
			_ = call(func(Event, string) error { panic("of the callback") })
		}()
	}
}

func TestAGoroutineThatACallbackEndsLeavesEverythingInOrder(t *testing.T) {
	c := readCases(t)
	trainer, _, _, dataset := c.trainer(t)
	ended := make(chan bool)
	go func() {
		defer func() { ended <- recover() == nil }()
		_, _ = trainer.Fit(background, dataset, nil, func(Event, string) error { runtime.Goexit(); return nil })
		t.Error("the call returned")
	}()
	if !<-ended {
		t.Fatal("the goroutine panicked")
	}
	_, err := trainer.Fit(background, dataset, nil, nil)
	need(t, err)
}

func TestAReceiverOfTheLogHearsOfARunAndMayPanic(t *testing.T) {
	c := readCases(t)
	_, model, options, dataset := c.trainer(t)
	need(t, options.Set("epochs", 2))
	trainer, err := NewTrainer(model, options)
	need(t, err)
	var heard []string
	need(t, SetLog(func(level LogLevel, message string) {
		if level == LogWarning {
			heard = append(heard, message)
		}
		panic("of the receiver")
	}))
	_, err = trainer.Fit(background, dataset, dataset, nil)
	need(t, err)
	need(t, SetLog(nil))
	if len(heard) == 0 || !strings.Contains(heard[0], "dead") {
		t.Fatal(heard)
	}
}

func TestTheMachineIsDescribed(t *testing.T) {
	if text, err := Diagnose(); err != nil || !json.Valid(text) {
		t.Fatal(err)
	}
}
