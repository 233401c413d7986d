// Package option names a configuration's fields and sets them by text, wherever
// the text comes from: flags, an inventory file, an ini file, the environment,
// a query. A field CommunityFile is --community-file and community_file.
//
// It is the only user of kong, whose model of a struct (names, short names,
// help, placeholders, types) it takes. It does not use kong's parser: that one
// clears every field first, exits the process and refuses "-w -5:5".
package option

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"milepost/lib/secret"
)

// Options are the fields of one or more configurations.
type Options struct {
	flags []*kong.Flag
	named map[string]*kong.Flag
	short map[rune]*kong.Flag
	from  map[*kong.Flag]string
}

// New is the options of configs: pointers to structs, whose present values are
// the defaults. Two fields of one name are a mistake in the program: it panics.
func New(configs ...any) *Options {
	o := &Options{named: map[string]*kong.Flag{}, short: map[rune]*kong.Flag{}, from: map[*kong.Flag]string{}}
	r := registry()
	for _, c := range configs {
		for _, f := range flagsOf(r, reflect.ValueOf(c).Elem()) {
			if o.named[f.Name] != nil || f.Short != 0 && o.short[f.Short] != nil {
				panic(fmt.Sprintf("option: %T: --%s is there twice", c, f.Name))
			}
			o.flags = append(o.flags, f)
			for _, name := range append(f.Aliases, f.Name) {
				o.named[name] = f
			}
			if f.Short != 0 {
				o.short[f.Short] = f
			}
		}
	}
	return o
}

// An Option is one field as it stands.
type Option struct {
	Name        string // "community-file"
	Short       string // "C"; "" = none
	Help        string
	Placeholder string // "RANGE"; "" for a switch
	Value       string // the value in force; a secret is stars
	From        string // where it came from; "" = the default
	Env         []string
	Repeats     bool // may be given again
	Switch      bool // takes no value
}

// All is every option in the order of the structs' fields.
func (o *Options) All() iter.Seq[Option] {
	return func(yield func(Option) bool) {
		for _, f := range o.flags {
			if f.Hidden {
				continue // for the environment only
			}
			opt := Option{
				Name: f.Name, Help: f.Help, Value: text(f.Target), From: o.from[f], Env: f.Envs,
				Repeats: f.IsSlice() || f.IsCounter(), Switch: f.IsBool() || f.IsCounter(),
			}
			if f.Short != 0 {
				opt.Short = string(f.Short)
			}
			if !opt.Switch {
				opt.Placeholder = placeholder(f)
			}
			if !yield(opt) {
				return
			}
		}
	}
}

// placeholder says what kind of value f takes.
func placeholder(f *kong.Flag) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	t := f.Target.Type()
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "DURATION"
	case t == reflect.TypeFor[secret.File]():
		return "FILE"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64, t.Kind() == reflect.Float64, t.Kind() == reflect.Uint16:
		return "N"
	default:
		return strings.ToUpper(f.Name)
	}
}

// text is v as Put would read it.
func text(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case fmt.Stringer:
		return x.String()
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	default:
		if v.Kind() != reflect.Slice {
			return fmt.Sprint(x)
		}
		var all []string
		for i := range v.Len() {
			all = append(all, text(v.Index(i)))
		}
		return strings.Join(all, ", ")
	}
}

// Put sets the option called name, in the spelling of flags or of files, from
// values: several for an option that repeats, none for a switch. from says where
// they come from: a line of a file, "the command line". A repeating option is
// replaced by what another place says and grows by what the same place says again.
func (o *Options) Put(name, from string, values ...string) error {
	f, err := o.find(strings.TrimLeft(name, "-"))
	if err != nil {
		return err
	}
	if err := o.put(f, from, values); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (o *Options) put(f *kong.Flag, from string, values []string) error {
	switch {
	case f.IsCounter() && len(values) == 0:
		f.Target.SetInt(f.Target.Int() + 1)
		o.from[f] = from
		return nil
	case f.IsBool() && len(values) == 0:
		values = []string{"true"}
	case f.IsSlice() && o.from[f] != from:
		f.Target.SetZero()
	}
	if len(values) == 0 && !f.IsSlice() {
		return errors.New("needs a value")
	}
	if len(values) > 1 && !f.IsSlice() {
		return errors.New("takes one value, not several")
	}
	decode := f.Mapper.Decode
	if f.IsCounter() {
		decode = whole
	}
	for _, v := range values {
		if !utf8.ValidString(v) {
			return errors.New("is not UTF-8")
		}
		scan := kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: v})
		if err := decode(&kong.DecodeContext{Value: f.Value, Scan: scan}, f.Target); err != nil {
			return err
		}
		if v == "" && from == CommandLine { // in a file it says "none"; here a variable had nothing in it
			return errors.New("is empty: give it a value, or leave it out")
		}
	}
	o.from[f] = from
	if path, ok := f.Target.Interface().(secret.File); ok {
		_, err := path.Read()
		return err
	}
	return nil
}

// Has says that there is an option of that name, in the spelling of flags or of files.
func (o *Options) Has(name string) bool { return o.named[strings.ReplaceAll(name, "_", "-")] != nil }

// Repeats says that the option of that name takes several values.
func (o *Options) Repeats(name string) bool {
	f := o.named[strings.ReplaceAll(name, "_", "-")]
	return f != nil && f.IsSlice()
}

// IsSecret says that the value of the option of that name is a secret itself.
func (o *Options) IsSecret(name string) bool {
	f := o.named[strings.ReplaceAll(name, "_", "-")]
	return f != nil && f.Target.Type() == reflect.TypeFor[secret.Value]()
}

// Names are the options in the spelling of files.
func (o *Options) Names() []string {
	names := make([]string, 0, len(o.flags))
	for _, f := range o.flags {
		names = append(names, strings.ReplaceAll(f.Name, "-", "_"))
	}
	return names
}

func (o *Options) find(name string) (*kong.Flag, error) {
	if f := o.named[strings.ReplaceAll(name, "_", "-")]; f != nil {
		return f, nil
	}
	names := make([]string, 0, len(o.flags))
	for _, f := range o.flags {
		names = append(names, f.Name)
	}
	near := Nearest(name, names)
	if strings.Contains(name, "_") {
		near = strings.ReplaceAll(near, "-", "_")
	}
	if near == "" {
		return nil, fmt.Errorf("no option %q", name)
	}
	return nil, fmt.Errorf("no option %q: did you mean %q?", name, near)
}

// Load gives dst, one of the configurations that New got, the values of cfg,
// and forgets where the options came from.
func (o *Options) Load(dst, cfg any) {
	reflect.ValueOf(dst).Elem().Set(reflect.ValueOf(cfg).Elem())
	clear(o.from)
}

// Environment sets what the process environment says.
func (o *Options) Environment() error {
	for _, f := range o.flags {
		for _, env := range f.Envs {
			v, ok := os.LookupEnv(env)
			if !ok {
				continue
			}
			if err := o.put(f, "environment "+env, []string{v}); err != nil {
				return fmt.Errorf("environment variable %s: %w", env, err)
			}
			break
		}
	}
	return nil
}

// duration reads "10", "0.25", "10s", "1m30s", "7d": a bare number is seconds.
func duration(ctx *kong.DecodeContext, target reflect.Value) error {
	var s string
	if err := ctx.Scan.PopValueInto("duration", &s); err != nil {
		return err
	}
	d, err := ParseDuration(s)
	if err != nil {
		return err
	}
	target.SetInt(int64(d))
	return nil
}

// ParseDuration reads a duration as time.ParseDuration does, whole days as
// "400d", and a bare number as seconds. It is never negative.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("duration %q: write seconds as 10 or 0.5, or 10s, 5m, 1h30m, 400d", s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, bad
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	if strings.Trim(s, "0123456789.") == "" {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d == math.MaxInt64 {
		return 0, bad
	}
	return d, nil
}
