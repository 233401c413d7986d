package option

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// plainTypes makes r read numbers, addresses and switches, with errors that name what may be written.
func plainTypes(r *kong.Registry) {
	r.RegisterKind(reflect.Int, kong.MapperFunc(whole)).
		RegisterKind(reflect.Int64, kong.MapperFunc(whole)).
		RegisterKind(reflect.Uint16, kong.MapperFunc(whole)).
		RegisterKind(reflect.Float64, kong.MapperFunc(number)).
		RegisterKind(reflect.Bool, onOff{}).
		RegisterType(reflect.TypeFor[netip.Addr](), kong.MapperFunc(address))
}

// word is the text that ctx has for an option.
func word(ctx *kong.DecodeContext) (string, error) {
	var s string
	err := ctx.Scan.PopValueInto("value", &s)
	return s, err
}

// whole reads a whole number that fits its target.
func whole(ctx *kong.DecodeContext, target reflect.Value) error {
	s, err := word(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch signed := target.CanInt(); {
	case errors.Is(err, strconv.ErrRange), err == nil && signed && target.OverflowInt(n):
		return fmt.Errorf("%s is far too large", s)
	case err != nil:
		return fmt.Errorf("%q is no whole number", s)
	case signed:
		target.SetInt(n)
	case n < 0 || target.OverflowUint(uint64(n)):
		return fmt.Errorf("%s is not from 0 to %d", s, uint64(math.MaxUint64)>>(64-target.Type().Bits()))
	default:
		target.SetUint(uint64(n))
	}
	return nil
}

// number reads a decimal number: a range's spelling, so no exponent, no "nan".
func number(ctx *kong.DecodeContext, target reflect.Value) error {
	s, err := word(ctx)
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "+-.0123456789") != "" {
		return fmt.Errorf("%q is not a number: digits, one point and a sign are allowed, units and exponents are not", s)
	}
	target.SetFloat(v)
	return nil
}

// address reads an IP address.
func address(ctx *kong.DecodeContext, target reflect.Value) error {
	s, err := word(ctx)
	if err != nil {
		return err
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return fmt.Errorf("%q is no IP address", s)
	}
	target.Set(reflect.ValueOf(a))
	return nil
}

// onOff reads a switch that was given a value.
type onOff struct{}

// Decode reads true or false.
func (onOff) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	s, err := word(ctx)
	if err != nil {
		return err
	}
	switch strings.ToLower(s) {
	case "true", "yes", "on", "1":
		target.SetBool(true)
	case "false", "no", "off", "0":
		target.SetBool(false)
	default:
		return fmt.Errorf("%q is neither true nor false", s)
	}
	return nil
}

// IsBool makes it a switch, which needs no value.
func (onOff) IsBool() bool { return true }
