//go:build !deepmoe_runtime

package deepmoe

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestAReportTellsWhatTheExpertsDo(t *testing.T) {
	c := readCases(t)
	trainer, model, _, dataset := c.trainer(t)
	engine, err := model.Compile(Values{"threads": 1})
	need(t, err)
	seen := 0
	report, err := engine.Report(background, dataset, Values{"thresholds": []float64{0.5}}, func(Event, string) error {
		seen++
		return nil
	})
	need(t, err)
	if seen == 0 {
		t.Fatal("no event came")
	}
	text, err := report.Figures()
	need(t, err)
	var figures struct {
		Samples int
		Layers  []struct {
			Name    string
			Experts int
		}
	}
	need(t, json.Unmarshal(text, &figures))
	layers, err := report.Layers()
	need(t, err)
	if len(layers) != len(figures.Layers) || layers[0] != figures.Layers[0].Name {
		t.Fatal(layers)
	}
	utilisation, err := report.Matrix("utilisation", layers[0])
	need(t, err)
	if figures.Samples != c.Batch || utilisation.Rows != 1 || utilisation.Columns != figures.Layers[0].Experts {
		t.Fatal(figures, utilisation)
	}
	_, err = report.Matrix("nothing", "")
	expectError(t, err, ErrNotFound, "nothing")
	folder := t.TempDir() + "/report"
	need(t, report.Write(folder))
	page, err := os.ReadFile(folder + "/report.html")
	need(t, err)
	if !strings.HasPrefix(string(page), "<!DOCTYPE html>") {
		t.Fatal("no page was written")
	}

	before, err := trainer.Report(background, dataset, nil, nil)
	need(t, err)
	_, err = trainer.Step(c.images, c.labels, c.Side, c.Side)
	need(t, err)
	after, err := model.Report(background, dataset, nil, nil)
	need(t, err)
	compared, err := after.ComparedWith(before)
	need(t, err)
	text, err = compared.Figures()
	need(t, err)
	if !strings.Contains(string(text), `"drift":{"`) {
		t.Fatal("there is no drift")
	}
	_, err = model.Report(background, dataset, Values{"treshold": 1}, nil)
	expectError(t, err, ErrNotFound, "threshold")
}
