package deepmoe

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// expectObjects waits for the collector to have released all that tests have left but so many.
func expectObjects(t *testing.T, expected int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); LiveObjects(KindAll) > expected && time.Now().Before(end); time.Sleep(time.Millisecond) {
		runtime.GC()
	}
	if count := LiveObjects(KindAll); count != expected {
		t.Fatalf("%d objects are left", count)
	}
}

func TestOtherGoroutinesRelease(t *testing.T) {
	done := make(chan error)
	for i := 0; i < 8; i++ {
		engine, err := NewEngine(network, nil)
		need(t, err)
		if i%2 == 0 { // The others are left to the collector.
			go func() {
				runtime.LockOSThread()
				done <- engine.Close()
			}()
		}
	}
	for i := 0; i < 4; i++ {
		need(t, <-done)
	}
	expectObjects(t, 0)
}

// TestNothingIsCopied compares where slices are with the addresses that the library is given in a child process.
func TestNothingIsCopied(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a library that is preloaded needs Linux")
	}
	folder := t.TempDir()
	recorder, record := folder+"/recorder.so", folder+"/record"
	source := shared + "record_addresses.c"
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-I", "../../capi", source, "-o", recorder).CombinedOutput(); err != nil {
		t.Fatal(err, string(output))
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestChildThatIsRecorded$")
	child.Env = append(os.Environ(), "LD_PRELOAD="+recorder, "DEEPMOE_RECORD="+record)
	output, err := child.CombinedOutput()
	if err != nil {
		t.Fatal(err, string(output))
	}
	var expected []string
	for _, line := range strings.Split(string(output), "\n") {
		if call, found := strings.CutPrefix(line, "expect "); found {
			expected = append(expected, call)
		}
	}
	recorded, err := os.ReadFile(record)
	need(t, err)
	if len(expected) < 3 || strings.Join(expected, "\n")+"\n" != string(recorded) {
		t.Fatalf("the arrays are at\n%v\nthe library was given\n%s", strings.Join(expected, "\n"), recorded)
	}
}

func expectCall[A, B number](function string, images []A, results []B) {
	fmt.Println("expect", function, uintptr(unsafe.Pointer(unsafe.SliceData(images))), uintptr(unsafe.Pointer(unsafe.SliceData(results))))
}

func TestChildThatIsRecorded(t *testing.T) {
	if os.Getenv("DEEPMOE_RECORD") == "" {
		t.Skip("run by TestNothingIsCopied")
	}
	c := readCases(t)
	engine, err := NewEngine(network, nil)
	need(t, err)
	logits := make([]float32, c.Batch*c.NumClasses)
	_, err = engine.RunInto(c.images, c.Batch, c.Side, c.Side, logits)
	need(t, err)
	expectCall("dmoe_engine_run", c.images, logits)
	_, err = engine.RunBytesInto(c.bytes, c.Batch, c.Side, c.Side, NHWC, logits)
	need(t, err)
	expectCall("dmoe_engine_run_u8", c.bytes, logits)
	result, err := engine.Run(c.images, c.Batch, c.Side, c.Side)
	need(t, err)
	expectCall("dmoe_engine_run", c.images, []float32(nil)) // Asks for the size, once.
	expectCall("dmoe_engine_run", c.images, result)
	recordTraining(t, c, logits)
}

func run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	tags := []string{"run"}
	if !hasTraining {
		tags = append(tags, "-tags", "deepmoe_runtime")
	}
	output, err := exec.Command("go", append(append(tags, program), arguments...)...).Output()
	if err != nil {
		if failed, is := err.(*exec.ExitError); is {
			t.Fatal(err, string(failed.Stderr))
		}
		t.Fatal(err)
	}
	return string(output)
}

func TestTheExampleClassifies(t *testing.T) {
	c := readCases(t)
	path := filepath.Join(t.TempDir(), "image.png")
	writePNG(t, path, c.bytes, c.Side)
	output := run(t, "./examples/classify", network, path)
	best := 0
	for class := range c.Engine.BytesNHWC.Logits[:c.NumClasses] {
		if c.Engine.BytesNHWC.Logits[class] > c.Engine.BytesNHWC.Logits[best] {
			best = class
		}
	}
	if !strings.HasPrefix(output, fmt.Sprintf("class %d: logit %.1f", best, c.Engine.BytesNHWC.Logits[best])) {
		t.Fatal(output)
	}
}
