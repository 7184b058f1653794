package score

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOne(t *testing.T) {
	culprit := Truth{Service: "cart", Accept: []string{"cart-lb"}, Class: "pool", ClassAccept: []string{"config"},
		Change: "c7d2e9a3f1b04658", Decoys: []string{"flag:dark_mode", "1a6f4b9c5d8e2079"}}
	for _, c := range []struct {
		name string
		t    Truth
		a    Answer
		want Mark
	}{
		{"all right", culprit, Answer{"likely", []Entry{{"cart", "pool", "c7d2e9a"}}}, Mark{Rank: 1, Exact: true, Class: true, Change: true}},
		{"an alias, another word", culprit, Answer{"likely", []Entry{{"cart-lb", "config", ""}}}, Mark{Rank: 1, Class: true}},
		{"second place", culprit, Answer{"likely", []Entry{{"web", "cpu", ""}, {"cart", "pool", "c7d2e9a3f1"}}}, Mark{Rank: 2, Change: true}},
		{"six characters are too few", culprit, Answer{"likely", []Entry{{"cart", "cpu", "c7d2e9"}}}, Mark{Rank: 1, Exact: true}},
		{"a decoy first", culprit, Answer{"likely", []Entry{{"cart", "pool", "flag:dark_mode"}, {"cart", "pool", "c7d2e9a3f1b04658"}}},
			Mark{Rank: 1, Exact: true, Class: true, Decoy: true}},
		{"nothing said", culprit, Answer{Verdict: "none"}, Mark{}},
		{"nothing happened", Truth{None: true}, Answer{Verdict: "none"}, Mark{NoneOK: true}},
		{"nothing happened, something said", Truth{None: true}, Answer{"likely", []Entry{{"cart", "latency", ""}}}, Mark{}},
		{"nothing happened, not sure", Truth{None: true}, Answer{Verdict: "inconclusive"}, Mark{}},
		{"from outside, named", Truth{None: true, External: "dns", Class: "dns"}, Answer{"likely", []Entry{{"coredns", "dns", ""}}}, Mark{NoneOK: true}},
		{"from outside, a change blamed", Truth{None: true, External: "dns", Class: "dns"}, Answer{"likely", []Entry{{"coredns", "dns", "abcdefg"}}}, Mark{}},
		{"from outside, wrong kind", Truth{None: true, External: "dns", Class: "dns"}, Answer{"likely", []Entry{{"coredns", "cpu", ""}}}, Mark{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := One(c.name, c.t, c.a)
			got.Case, got.Truth, got.Blamed, got.Verdict = "", Truth{}, "", ""
			if c.t.None {
				got.Exact, got.Rank, got.Class = false, 0, false // no culprit to find
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTable(t *testing.T) {
	culprit := Truth{Service: "cart", Class: "pool", Change: "c7d2e9a3", Source: "a"}
	marks := []Mark{
		One("1", culprit, Answer{"likely", []Entry{{"cart", "pool", "c7d2e9a3"}}}),
		One("2", culprit, Answer{"likely", []Entry{{"web", "cpu", ""}, {"cart", "cpu", ""}}}),
		One("3", Truth{None: true, Source: "b"}, Answer{Verdict: "none"}),
	}
	rows := Rows(marks, func(m Mark) string { return m.Truth.Source })
	if len(rows) != 3 || rows[0].MRR() != 0.75 || rows[2].Top1 != 1 || rows[2].Top3 != 2 || rows[1].NoneOK != 1 {
		t.Errorf("got %+v", rows)
	}
	if text := Text(rows); !strings.Contains(text, "1/2") || !strings.Contains(text, "0.750") {
		t.Errorf("got\n%s", text)
	}
}
