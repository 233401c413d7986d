package option

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// registry reads values: kong's own types, and ours in the place of those whose
// errors name Go's types.
func registry() *kong.Registry {
	r := kong.NewRegistry().RegisterDefaults()
	plainTypes(r)
	return r.RegisterType(reflect.TypeFor[time.Duration](), kong.MapperFunc(duration))
}

// flagsOf is kong's model of the struct v, field by field, embedded ones in their
// place. It is kong.New's, in a fraction of the time, which is much of what a plugin
// takes to start: that one expands variables in every text. A test holds both equal
// over the tags that are used here: name, short, help, placeholder, sep, env, hidden,
// aliases, type, embed and kong:"-".
func flagsOf(r *kong.Registry, v reflect.Value) []*kong.Flag {
	var all []*kong.Flag
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		_, embed := field.Tag.Lookup("embed")
		switch {
		case field.Tag.Get("kong") == "-":
		case embed, field.Anonymous:
			all = append(all, flagsOf(r, value)...)
		case value.CanSet():
			all = append(all, flagOf(r, field, value))
		}
	}
	return all
}

// flagOf is kong's model of one field.
func flagOf(r *kong.Registry, field reflect.StructField, target reflect.Value) *kong.Flag {
	tag := &kong.Tag{
		Name: field.Tag.Get("name"), Help: field.Tag.Get("help"), Type: field.Tag.Get("type"),
		PlaceHolder: field.Tag.Get("placeholder"), Sep: ',', Vars: kong.Vars{},
		Envs: words(field.Tag.Get("env")), Aliases: words(field.Tag.Get("aliases")),
	}
	_, tag.Hidden = field.Tag.Lookup("hidden")
	if field.Tag.Get("sep") == "none" {
		tag.Sep = -1
	}
	if short := field.Tag.Get("short"); short != "" {
		tag.Short, _ = utf8.DecodeRuneInString(short)
	}
	value := &kong.Value{Name: tag.Name, Help: tag.Help, OrigHelp: tag.Help, Mapper: r.ForNamedValue(tag.Type, target), Tag: tag, Target: target}
	if value.Name == "" {
		value.Name = dashed(field.Name)
	}
	if value.Mapper == nil {
		panic(fmt.Sprintf("option: field %s: nothing reads a %s", field.Name, field.Type))
	}
	value.Flag = &kong.Flag{
		Value: value, Short: tag.Short, PlaceHolder: tag.PlaceHolder, Envs: tag.Envs, Aliases: tag.Aliases, Hidden: tag.Hidden,
	}
	return value.Flag
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// dashed is a field's name as an option: "CommunityFile" is "community-file",
// "TLSServer" is "tls-server", "V3User" is "v-3-user".
func dashed(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && begins(runes, i) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// begins says that a word begins at i: letters of another class than before, and
// the last capital before small letters.
func begins(runes []rune, i int) bool {
	before, here := class(runes[i-1]), class(runes[i])
	switch {
	case before == upper && here == lower:
		return false // the capital before began it
	case here == upper && i+1 < len(runes) && class(runes[i+1]) == lower:
		return true
	default:
		return before != here
	}
}

// The classes of letters that make words.
const (
	lower = iota
	upper
	digit
	other
)

func class(r rune) int {
	switch {
	case unicode.IsLower(r):
		return lower
	case unicode.IsUpper(r):
		return upper
	case unicode.IsDigit(r):
		return digit
	default:
		return other
	}
}
