package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

// An engine knows every plan that stands in the record. What a person asks of
// one is done, or refused with the reason and a way on.
func Example() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "pitwall-example-")
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	const second = time.Second
	e, err := engine.New(ctx, engine.Config{
		Ledger: slo.NewLedger(nil, second), Recorder: record.New(db, time.Now), Changes: db, PageLoads: db, Ledgers: db, Leases: db,
		Settings: engine.Settings{Tick: second, Settle: second, Baseline: second, OnsetLookback: second, DiagnoseMin: second,
			DiagnoseMax: second, StepMax: second, Watch: second, VerifyMin: 1, VerifyMax: second, Deadline: second, LeaseTTL: second,
			Retry: second, MaxTries: 1},
		Instance: "example", Now: time.Now, Rand: rand.New(rand.NewPCG(1, 2)), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = e.Act(ctx, pitwall.ActRequest{Plan: "PIP-7", Action: "rollback", By: "kim", Reason: "it got worse"})
	fmt.Println(err)
	fmt.Println("try:", pitwall.HintOf(err))
	// Output:
	// reading plan: PIP-7: no such plan
	// try: pitwall plan list
}
