package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestTheBillOfThisTest: a program made by go test has its modules in it, too.
func TestTheBillOfThisTest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if exit := run([]string{"1.2.3", self}, &out); exit != 0 {
		t.Fatalf("exit %d", exit)
	}
	var d document
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	last := d.Components[len(d.Components)-1]
	if d.Format != "CycloneDX" || d.Metadata.Component.Version != "1.2.3" || len(d.Components) != 2 ||
		d.Components[0].Name != "sbom.test" || d.Components[0].Ref != "sbom.test@"+runtime.GOARCH || !strings.HasPrefix(last.PURL, "pkg:golang/std@1.") {
		t.Errorf("%+v", d)
	}
	if exit := run([]string{"1.2.3", "/dev/null"}, &out); exit != 1 {
		t.Errorf("of no program: exit %d", exit)
	}
}
