package option

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// modelled has a field for every tag, kind of name and kind of value.
type modelled struct {
	sample    `embed:""`
	Inner     struct{ DeepName string } `embed:""`
	TLSServer string                    `help:"A text with a \"quote\", 100 % and a comma, too."`
	V3User    string                    `aliases:"u3,v3-u"`
	IPv6Only  bool                      `hidden:""`
	URLByName []string                  `sep:"none" env:"A,B"`
	Lists     []int
	X         float64
	HTTP2     bool
	MaxAge    time.Duration `short:"ä"`
	Ignored   chan int      `kong:"-"`
}

// TestModelIsKongs: what flagsOf reads is what kong.New reads.
func TestModelIsKongs(t *testing.T) {
	var a, b modelled
	app, err := kong.New(&a, kong.NoDefaultHelp(), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	spell := func(flags []*kong.Flag) string {
		var s strings.Builder
		for _, f := range flags {
			fmt.Fprintf(&s, "%s %q %q %q %q %q %t %q %d %t %t %t %v\n", f.Name, f.Short, f.Help, f.PlaceHolder, f.Envs, f.Aliases, f.Hidden,
				f.Tag.Type, f.Tag.Sep, f.IsBool(), f.IsSlice(), f.IsCounter(), f.Target.Type())
		}
		return s.String()
	}
	got, want := spell(flagsOf(registry(), reflect.ValueOf(&b).Elem())), spell(app.Model.Flags)
	if got != want || strings.Count(got, "\n") < 20 {
		t.Errorf("flagsOf reads\n%s\nkong.New reads\n%s", got, want)
	}
}

func TestAFieldThatNothingReads(t *testing.T) {
	defer func() {
		if p := recover(); fmt.Sprint(p) != "option: field Odd: nothing reads a chan int" {
			t.Error(p)
		}
	}()
	New(&struct{ Odd chan int }{})
}
