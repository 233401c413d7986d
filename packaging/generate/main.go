// generate asks the built programs for their options and writes what is packaged
// beside them: manual pages, completions, definitions for Nagios, NRPE and Icinga.
//
//	generate PROGRAMS TREE OUT
//
// PROGRAMS is the directory of the programs (bin), TREE that of the sources, where the
// manuals are. SOURCE_DATE_EPOCH is the date of the pages.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"milepost/lib/generate"
	"milepost/lib/option"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate PROGRAMS TREE OUT")
		return 2
	}
	if err := everything(args[0], args[1], args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		return 1
	}
	return 0
}

const exporter = "milepost-exporter"

func everything(programs, tree, out string) error {
	folders, err := filepath.Glob(filepath.Join(tree, "plugins", "check_*", "main.go"))
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return fmt.Errorf("looking for plugins below %q: there are none", tree)
	}
	slices.Sort(folders)
	var plugins []option.Program
	for _, f := range folders {
		p, err := ask(filepath.Join(programs, filepath.Base(filepath.Dir(f))))
		if err != nil {
			return err
		}
		plugins = append(plugins, p)
	}
	daemon, err := ask(filepath.Join(programs, exporter))
	if err != nil {
		return err
	}
	date, err := released()
	if err != nil {
		return err
	}
	w := writer{out: out, tree: tree}
	w.manuals(generate.Manual{Version: daemon.Version, Date: date, Plugins: plugins}, daemon)
	for _, p := range append(slices.Clone(plugins), daemon) {
		w.write("bash/"+p.Name, generate.Bash(p))
		w.write("zsh/_"+p.Name, generate.Zsh(p))
		w.write("fish/"+p.Name+".fish", generate.Fish(p))
	}
	w.definitions(plugins)
	return errors.Join(w.faults...)
}

// patience is how long a program may take to say what its options are.
const patience = 10 * time.Second

// ask runs a program with --help=json. Plugins then end with 3.
func ask(path string) (option.Program, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, option.DescribeFlag)
	cmd.Env = []string{}
	var said, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &faults
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return option.Program{}, fmt.Errorf("asking %q for its options: %w: run make build", path, err)
	}
	var p option.Program
	if err := json.Unmarshal(said.Bytes(), &p); err != nil {
		return p, fmt.Errorf("asking %q for its options: it says %q, %q: %w", path, said.String(), faults.String(), err)
	}
	return p, nil
}

// released is when the sources were committed.
func released() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Now(), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(n, 0), nil
}

// A writer writes files below out and keeps what went wrong.
type writer struct {
	out, tree string
	faults    []error
}

func (w *writer) write(name, text string) {
	path := filepath.Join(w.out, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.faults = append(w.faults, err)
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.faults = append(w.faults, err)
	}
}

func (w *writer) read(name string) string {
	text, err := os.ReadFile(filepath.Join(w.tree, name))
	if err != nil {
		w.faults = append(w.faults, err)
	}
	return string(text)
}

func (w *writer) manuals(m generate.Manual, daemon option.Program) {
	for _, p := range m.Plugins {
		w.write("man/"+p.Name+".1", m.Plugin(p, w.read(filepath.Join("plugins", p.Name, "README.md"))))
	}
	w.write("man/"+exporter+".1", m.Exporter(daemon, w.read("packaging/man/"+exporter+".md")))
	w.write("man/milepost.yml.5", m.Inventory("milepost.yml", w.read("packaging/man/milepost.yml.md")))
}

func (w *writer) definitions(plugins []option.Program) {
	const origin = " Made from the plugins' own options: not to be edited by hand.\n\n"
	nagios := strings.Builder{}
	nrpe := strings.Builder{}
	icinga := strings.Builder{}
	nagios.WriteString("# Commands for Nagios." + origin)
	icinga.WriteString("//" + origin)
	nrpe.WriteString("# Commands for NRPE, with fixed arguments: Debian's NRPE takes no others. Edit them as you like.\n" +
		"# What another machine would see is asked as " + generate.ProxyInventory + " says: milepost-exporter generate proxy\n" +
		"# --host NAME, run where the fleet's inventory is, makes that file of it.\n\n")
	for _, p := range plugins {
		nagios.WriteString(generate.NagiosCommands(p) + "\n")
		icinga.WriteString(generate.CheckCommand(p) + "\n")
		nrpe.WriteString(generate.NRPECommand(p))
	}
	w.write("nagios/milepost.cfg", nagios.String())
	w.write("nrpe/milepost.cfg", nrpe.String())
	w.write("icinga2/milepost.conf", icinga.String())
}
