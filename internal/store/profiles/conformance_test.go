package profiles

import (
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Log("against: the embedded profile store")
	storetest.RunProfiles(t, func(t *testing.T, windows []pitwall.ProfileWindow) pitwall.ProfileReader {
		s := mustOpen(t, t.TempDir(), Options{})
		mustAppend(t, s, windows...)
		return s
	})
}
