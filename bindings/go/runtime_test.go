package deepmoe

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
)

func TestTheLibraryIsTheOneThisWasMadeFor(t *testing.T) {
	library, packaged := ABIVersion()
	if library != packaged || len(strings.Split(Version(), ".")) != 3 || LiveObjects(1234) != -1 {
		t.Fatal(library, packaged, Version())
	}
}

func TestRefusalsHaveCodeNameAndWords(t *testing.T) {
	for _, refusal := range readCases(t).Refusals {
		options, err := NewOptions(nil)
		need(t, err)
		err = options.Set(refusal.Option, refusal.Value)
		var failure *Error
		var code Code
		if !errors.As(err, &failure) || !errors.As(err, &code) || code != refusal.Code || !errors.Is(err, refusal.Code) {
			t.Fatalf("%s: %v", refusal.Option, err)
		}
		if code.Error() != refusal.Status || !strings.Contains(failure.Message, refusal.Words) {
			t.Fatalf("%s: %v, %v", refusal.Option, code, failure)
		}
	}
}

func expectError(t *testing.T, err error, code Code, words ...string) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Fatalf("%v is not %v", err, code)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Fatalf("%v does not say %q", err, word)
		}
	}
}

func TestOptionsAreSetCopiedAndRead(t *testing.T) {
	options, err := NewOptions(Values{"epochs": 3})
	need(t, err)
	other, err := options.Copy()
	need(t, err)
	need(t, other.Set("epochs", 4))
	first, err := options.Get("epochs")
	need(t, err)
	second, err := other.Get("epochs")
	need(t, err)
	if first != "3" || second != "4" {
		t.Fatal(first, second)
	}
	need(t, other.SetJSON(`{"epochs": 5}`))
	text, err := other.JSON()
	need(t, err)
	var values Values
	need(t, json.Unmarshal(text, &values))
	if values["epochs"] != 5.0 {
		t.Fatal(values)
	}
	need(t, other.ReadEnvironment())
	path := t.TempDir() + "/config.json"
	need(t, os.WriteFile(path, []byte(`{"seed": 7}`), 0o600))
	need(t, other.LoadFile(path))
	expectError(t, options.LoadFile("/nowhere"), ErrNotFound, "nowhere")
	_, err = NewOptions(Values{"epoch": 1})
	expectError(t, err, ErrNotFound, "epochs")
	_, err = NewOptions(Values{"epochs": func() {}})
	expectError(t, err, ErrInvalidArgument, "JSON")
	need(t, options.Close())
	need(t, options.Close())
	expectError(t, options.Set("epochs", 1), ErrState, "closed")
	if schema, err := OptionsSchema(); err != nil || !strings.Contains(string(schema), `"epochs"`) {
		t.Fatal(err)
	}
}

func TestArchitecturesCostWhatTheCaseSays(t *testing.T) {
	c := readCases(t)
	options, err := NewOptions(c.Architecture.Options)
	need(t, err)
	text, err := options.DescribeArchitecture()
	need(t, err)
	var description struct {
		Totals struct {
			All struct {
				Parameters int64
				DenseMACs  int64 `json:"dense_macs"`
			}
		}
	}
	need(t, json.Unmarshal(text, &description))
	all := description.Totals.All
	if all.Parameters != c.Architecture.Parameters || all.DenseMACs != c.Architecture.DenseMACs {
		t.Fatal(all)
	}
	names, err := ArchitectureNames()
	need(t, err)
	if !strings.Contains(strings.Join(names, " "), "resnet18_moe") {
		t.Fatal(names)
	}
	network, err := options.Architecture()
	need(t, err)
	table, err := options.ArchitectureText()
	need(t, err)
	if !json.Valid(network) || !strings.Contains(table, "conv") {
		t.Fatal(table)
	}
}

func TestTensorsAreLentBothWaysSavedAndMapped(t *testing.T) {
	tensors, err := NewTensors()
	need(t, err)
	values := []float32{1, 2, 3, 4, 5, 6}
	need(t, tensors.Share("a", values, 2, 3))
	need(t, tensors.View("a", func(seen []float32) {
		if len(seen) != 6 || &seen[0] != &values[0] {
			t.Error("the elements were copied")
		}
	}))
	need(t, tensors.Add("scalar", []float32{5}))
	expectError(t, tensors.Add("b", []float32{1}, 2), ErrInvalidArgument, "[2]")
	expectError(t, tensors.Add("b", nil, -1), ErrInvalidArgument)
	expectError(t, tensors.Share("a", values, 6), ErrInvalidArgument)
	path := t.TempDir() + "/x.safetensors"
	need(t, tensors.Save(path, map[string]string{"note": "of a test"}))
	need(t, tensors.Close())
	loaded, err := LoadTensors(path)
	need(t, err)
	metadata, err := loaded.Metadata()
	need(t, err)
	if len(loaded.Names()) != 2 || metadata["note"] != "of a test" {
		t.Fatal(loaded.Names(), metadata)
	}
	copied, err := NewTensors()
	need(t, err)
	need(t, copied.ShareFrom(loaded, "a"))
	need(t, loaded.Close())
	read, err := copied.Read("a") // It outlives the set.
	need(t, err)
	if len(read) != 6 || read[5] != 6 {
		t.Fatal(read)
	}
	_, err = copied.Read("none")
	expectError(t, err, ErrNotFound)
	expectError(t, copied.ReadInto("a", make([]float32, 2)), ErrInvalidArgument)
	_, err = LoadTensors("/nowhere")
	expectError(t, err, ErrNotFound, "nowhere")
}

func TestTheEngineComputesTheCases(t *testing.T) {
	c := readCases(t)
	engine, err := NewEngine(network, nil)
	need(t, err)
	defer engine.Close()
	logits, err := engine.Run(c.images, c.Batch, c.Side, c.Side)
	need(t, err)
	c.expectClose(t, "logits", logits, c.Engine.Logits)
	macs, err := engine.RunInto(c.images, c.Batch, c.Side, c.Side, logits)
	need(t, err)
	if macs != c.Engine.ActiveMACs {
		t.Fatal(macs)
	}
	logits, err = engine.RunBytes(c.bytes, c.Batch, c.Side, c.Side, NHWC)
	need(t, err)
	c.expectClose(t, "logits of bytes", logits, c.Engine.BytesNHWC.Logits)
	macs, err = engine.RunBytesInto(c.bytes, c.Batch, c.Side, c.Side, NHWC, logits)
	need(t, err)
	if macs != c.Engine.BytesNHWC.ActiveMACs {
		t.Fatal(macs)
	}
	outputs, err := engine.RunOutputs(c.images, c.Batch, c.Side, c.Side, nil)
	need(t, err)
	c.expectClose(t, "logits", outputs.Logits, c.Engine.Logits)
	c.expectClose(t, "embedding", outputs.Embedding, c.Engine.Embedding)
	c.expectClose(t, "embedding logits", outputs.EmbeddingLogits, c.Engine.EmbeddingLogits)
	c.expectClose(t, "gates", outputs.Gates, c.Engine.Gates)
	outputs, err = engine.RunOutputs(c.images, c.Batch, c.Side, c.Side, c.Engine.GivenGates)
	need(t, err)
	c.expectClose(t, "logits with given gates", outputs.Logits, c.Engine.LogitsWithGivenGates)
	description, err := engine.Describe()
	need(t, err)
	if !json.Valid(description) {
		t.Fatal(description)
	}
}

func TestTheEngineRefusesWhatDoesNotFit(t *testing.T) {
	c := readCases(t)
	engine, err := NewEngine(network, nil)
	need(t, err)
	_, err = engine.Run(c.images[1:], c.Batch, c.Side, c.Side)
	expectError(t, err, ErrInvalidArgument)
	_, err = engine.Run(nil, 1<<40, 1<<40, 1<<40)
	expectError(t, err, ErrInvalidArgument)
	_, err = engine.Run(nil, 0, c.Side, c.Side)
	expectError(t, err, ErrInvalidArgument)
	_, err = engine.Run(c.images[:3*16*17], 1, 16, 17)
	expectError(t, err, ErrInvalidArgument)
	_, err = engine.RunInto(c.images, c.Batch, c.Side, c.Side, make([]float32, 2))
	expectError(t, err, ErrInvalidArgument)
	_, err = engine.RunBytes(c.bytes, c.Batch, c.Side, c.Side, Layout(7))
	expectError(t, err, ErrInvalidArgument, "layout")
	_, err = engine.RunOutputs(c.images, c.Batch, c.Side, c.Side, []float32{1})
	expectError(t, err, ErrInvalidArgument, "givenGates")
	_, err = NewEngine(network, Values{"thread": 1})
	expectError(t, err, ErrNotFound, "threads")
	_, err = NewEngine("/nowhere", nil)
	expectError(t, err, ErrNotFound, "nowhere")
}

func TestOneEngineRunsInManyGoroutines(t *testing.T) {
	c := readCases(t)
	engine, err := NewEngine(network, Values{"threads": 1})
	need(t, err)
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			logits, err := engine.Run(c.images, c.Batch, c.Side, c.Side)
			if err != nil || len(logits) != len(c.Engine.Logits) {
				t.Error(err)
			}
		}()
	}
	group.Wait()
}

func TestTheLogHasOneReceiver(t *testing.T) {
	need(t, SetLog(func(LogLevel, string) { panic("of the receiver") }))
	need(t, SetLog(func(LogLevel, string) {}))
	need(t, SetLog(nil))
	if logCurrent.memory != nil {
		t.Fatal("a receiver is left")
	}
}

func TestAPluginThatIsNotThereIsRefusedByName(t *testing.T) {
	if _, err := LoadPlugin("none.so"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "none.so") {
		t.Errorf("the error is %v", err)
	}
}
