package vantage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A sample is one series of an answer.
type sample struct {
	labels map[string]string
	value  float64
}

// errTooLong is that an answer is longer than one may be.
var errTooLong = fmt.Errorf("its answer is longer than %d MB", bytesLimit>>20)

// limited is a reader that fails where it would read more than it may.
type limited struct {
	r    io.Reader
	left int64
}

// Read reads.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// A reply is the envelope of an answer, but for its samples.
type reply struct {
	Status    string
	Error     string
	Warnings  []string
	IsPartial bool // VictoriaMetrics
}

// decode reads an answer of at most so many series as it comes, so that one that is
// too long costs no memory.
func decode(r io.Reader, most int) ([]sample, error) {
	in := json.NewDecoder(r)
	if err := expect(in, json.Delim('{')); err != nil {
		return nil, garbled(err)
	}
	var head reply
	var all []sample
	kind, seen := "", false
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return nil, garbled(err)
		}
		into := map[any]any{"status": &head.Status, "error": &head.Error, "warnings": &head.Warnings, "isPartial": &head.IsPartial}[key]
		switch {
		case key == "data":
			seen = true
			kind, all, err = decodeData(in, most)
		case into != nil:
			err = in.Decode(into)
		default:
			var skip json.RawMessage
			err = in.Decode(&skip)
		}
		if err != nil {
			return nil, garbled(err)
		}
	}
	switch {
	case head.Status != "success":
		return nil, fmt.Errorf("it says %q: %s", head.Status, head.Error)
	case head.IsPartial || len(head.Warnings) > 0:
		return nil, fmt.Errorf("an answer in part, which is none: %s", strings.Join(head.Warnings, "; "))
	case !seen || kind != "vector":
		return nil, fmt.Errorf("a result of type %q instead of a vector", kind)
	}
	return all, nil
}

func decodeData(in *json.Decoder, most int) (kind string, all []sample, err error) {
	if err := expect(in, json.Delim('{')); err != nil {
		return "", nil, err
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return "", nil, err
		}
		switch key {
		case "resultType":
			err = in.Decode(&kind)
		case "result":
			all, err = decodeSamples(in, most)
		default:
			var skip json.RawMessage
			err = in.Decode(&skip)
		}
		if err != nil {
			return "", nil, err
		}
	}
	return kind, all, expect(in, json.Delim('}'))
}

func decodeSamples(in *json.Decoder, most int) ([]sample, error) {
	open, err := in.Token()
	if err != nil || open == nil { // VictoriaMetrics says null for nothing
		return nil, err
	}
	if open != json.Delim('[') {
		return nil, fmt.Errorf("%v where a list should be", open)
	}
	var all []sample
	for in.More() {
		if len(all) == most {
			return nil, fmt.Errorf("more than %d series: is this the engine of one fleet?", most)
		}
		var one struct {
			Metric map[string]string
			Value  [2]any
		}
		if err := in.Decode(&one); err != nil {
			return nil, err
		}
		text, ok := one.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("%v is no value", one.Value[1])
		}
		all = append(all, sample{one.Metric, v})
	}
	return all, expect(in, json.Delim(']'))
}

func expect(in *json.Decoder, want json.Delim) error {
	got, err := in.Token()
	if err == nil && got != want {
		err = fmt.Errorf("%v where %v should be", got, want)
	}
	return err
}

func garbled(err error) error {
	if errors.Is(err, errTooLong) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("its answer breaks off")
	}
	return fmt.Errorf("its answer is not that of the API: %w", err)
}
