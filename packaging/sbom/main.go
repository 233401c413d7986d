// sbom writes what programs are made of as CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/):
// the modules that the Go linker noted in them.
//
//	sbom VERSION PROGRAM... >sbom.json
package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: sbom VERSION PROGRAM...")
		return 2
	}
	bom, err := billOfMaterials(args[0], args[1:])
	if err == nil {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(bom)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		return 1
	}
	return 0
}

type document struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// billOfMaterials is every program with the modules and the Go that it was built from.
func billOfMaterials(version string, programs []string) (document, error) {
	d := document{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: metadata{component{
		Type: "application", Ref: "milepost", Name: "milepost", Version: version,
	}}}
	modules := map[string]component{}
	whole := dependency{Ref: "milepost"}
	for _, path := range programs {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return d, fmt.Errorf("reading what %q was built from: %w", path, err)
		}
		program, err := application(path, version, info)
		if err != nil {
			return d, err
		}
		d.Components = append(d.Components, program)
		needs := dependency{Ref: program.Ref}
		goVersion := strings.TrimPrefix(info.GoVersion, "go")
		for _, c := range append(parts(info.Deps), component{
			Type: "library", Ref: "pkg:golang/std@" + goVersion, Name: "std", Version: goVersion, PURL: "pkg:golang/std@" + goVersion,
		}) {
			modules[c.Ref] = c
			needs.DependsOn = append(needs.DependsOn, c.Ref)
		}
		d.Dependencies = append(d.Dependencies, needs)
		whole.DependsOn = append(whole.DependsOn, program.Ref)
	}
	d.Dependencies = append([]dependency{whole}, d.Dependencies...)
	var libraries []component
	for _, c := range modules {
		libraries = append(libraries, c)
	}
	slices.SortFunc(libraries, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	d.Components = append(d.Components, libraries...)
	return d, nil
}

// application is a program, known by its name, its architecture and its bytes.
func application(path, version string, info *buildinfo.BuildInfo) (component, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return component{}, fmt.Errorf("reading program %q: %w", path, err)
	}
	sum := sha256.Sum256(content)
	name := filepath.Base(path)
	ref := name
	for _, s := range info.Settings {
		if s.Key == "GOARCH" {
			ref += "@" + s.Value
		}
	}
	return component{Type: "application", Ref: ref, Name: name, Version: version, Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}}, nil
}

// parts are modules as components. The hash is go.sum's (h1: SHA-256 of the module's
// files, golang.org/x/mod/sumdb/dirhash).
func parts(modules []*debug.Module) []component {
	var all []component
	for _, m := range modules {
		if m.Replace != nil {
			m = m.Replace
		}
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum)}}
		}
		all = append(all, c)
	}
	return all
}
