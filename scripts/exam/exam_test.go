package exam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary be a pitwall that says what stands in the case's
// answer.txt, and fails where there is none.
func TestMain(m *testing.M) {
	if len(os.Args) > 4 && strings.Join(os.Args[1:4], " ") == "diagnosis run --case" {
		raw, err := os.ReadFile(filepath.Join(os.Args[4], "answer.txt"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		fmt.Print(string(raw))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// put writes a case; an empty answer is no file.
func put(t *testing.T, truth, answer string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "case-1")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"truth.json": truth, "answer.txt": answer} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTake(t *testing.T) {
	const culprit = `{"service":"payment","class":"cpu","change":"c1","decoys":["c2"]}`
	f := func(right bool, verdict, truth, answer string) {
		t.Helper()
		r, err := Take(context.Background(), os.Args[0], put(t, truth, answer))
		if err != nil || r.Right() != right || r.Answer.Verdict != verdict || r.Mark.Case != "case-1" || r.Took <= 0 {
			t.Errorf("%s answered with %s: right is %v, %+v, %v", truth, answer, r.Right(), r, err)
		}
	}
	f(true, "likely", culprit, `{"verdict":"likely","ranked":[{"service":"payment","class":"cpu","change":"c1"}]}`)
	f(false, "likely", culprit, `{"verdict":"likely","ranked":[{"service":"payment","class":"cpu","change":"c2"}]}`)
	f(false, "likely", culprit, `{"verdict":"likely","ranked":[{"service":"payment","class":"lock","change":"c1"}]}`)
	f(false, "likely", culprit, `{"verdict":"likely","ranked":[{"service":"auth","class":"cpu"},{"service":"payment","class":"cpu","change":"c1"}]}`)
	f(true, "none", `{"none":true}`, `{"verdict":"none"}`)
	f(false, "likely", `{"none":true}`, `{"verdict":"likely","ranked":[{"service":"payment","class":"cpu","change":"c1"}]}`)
	f(false, "", culprit, "")                          // it failed
	f(false, "", culprit, `{"verdict":"likely","rank`) // it was cut off
}

// What says nothing about a diagnosis is an error, not a wrong answer.
func TestTakeFails(t *testing.T) {
	f := func(want error, ctx context.Context, pitwall, truth string) {
		t.Helper()
		_, err := Take(ctx, pitwall, put(t, truth, `{"verdict":"none"}`))
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	f(os.ErrNotExist, context.Background(), filepath.Join(t.TempDir(), "gone"), `{"none":true}`)
	f(nil, context.Background(), os.Args[0], "")
	stopped, stop := context.WithCancel(context.Background())
	stop()
	f(context.Canceled, stopped, os.Args[0], `{"none":true}`)
}
