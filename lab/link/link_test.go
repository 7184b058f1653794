package link_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab/link"
)

// fakeClock never waits: sleeping moves it.
type fakeClock struct {
	now    time.Time
	sleeps int
	late   time.Duration // added to every sleep, as a busy machine does
}

func (c *fakeClock) Now() time.Time { return c.now }

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.sleeps++
	c.now = c.now.Add(d + c.late)
	return ctx.Err()
}

func TestCopyTakesBytesOverRate(t *testing.T) {
	f := func(bytesIn int, rate link.Rate, want time.Duration) {
		t.Helper()
		c := &fakeClock{now: time.Unix(0, 0)}
		var out bytes.Buffer
		src := bytes.Repeat([]byte("x"), bytesIn)
		n, err := link.Link{Rate: rate, Clock: c}.Copy(context.Background(), &out, bytes.NewReader(src))
		if err != nil || n != int64(bytesIn) || !bytes.Equal(out.Bytes(), src) {
			t.Fatalf("carried %d of %d bytes, err %v", n, bytesIn, err)
		}
		took := c.now.Sub(time.Unix(0, 0))
		if diff := took - want; diff < -time.Microsecond || diff > time.Microsecond {
			t.Errorf("%d bytes at %d B/s took %v, want %v", bytesIn, rate, took, want)
		}
	}
	f(0, 1000, 0)
	f(1, 1000, time.Millisecond)
	f(8_000, 256_000, 31_250*time.Microsecond)
	f(85_000, 256_000, 332_031_250*time.Nanosecond)
	f(85_000, 0, 0) // no limit
}

func TestLateWakeUpsDoNotAddUp(t *testing.T) {
	c := &fakeClock{now: time.Unix(0, 0), late: 3 * time.Millisecond}
	var out bytes.Buffer
	l := link.Link{Rate: 100_000, Clock: c}
	if _, err := l.Copy(context.Background(), &out, bytes.NewReader(make([]byte, 100_000))); err != nil {
		t.Fatal(err)
	}
	took := c.now.Sub(time.Unix(0, 0))
	if c.sleeps < 20 {
		t.Fatalf("only %d wake-ups: the flow was not paced", c.sleeps)
	}
	if took < time.Second || took > time.Second+4*time.Millisecond {
		t.Errorf("took %v, want one second and one late wake-up at most", took)
	}
}

func TestCopyStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := link.Link{Rate: 10}.Copy(ctx, &bytes.Buffer{}, bytes.NewReader(make([]byte, 1000)))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context canceled", err)
	}
}
