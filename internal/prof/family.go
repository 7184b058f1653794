package prof

import "strings"

// Family is what sort of work a stack is: the row a person reads first.
type Family string

// The families. Every sample belongs to exactly one, so they add up to the
// whole profile.
const (
	FamilyGC            Family = "gc"
	FamilyAllocation    Family = "allocation"
	FamilyLock          Family = "lock"
	FamilyScheduler     Family = "scheduler"
	FamilySyscall       Family = "syscall"
	FamilySerialisation Family = "serialisation"
	FamilyCompression   Family = "compression"
	FamilyCrypto        Family = "crypto"
	FamilyRegexp        Family = "regexp"
	FamilyDatabase      Family = "database"
	FamilyTelemetry     Family = "telemetry"
	FamilyHTTP          Family = "http"
	FamilyUser          Family = "user"
	FamilyRuntime       Family = "runtime" // the rest of the language's own work
)

// rule claims functions for a family by the beginning of their full name.
type rule struct {
	family   Family
	prefixes []string
}

// collectors (read-only) claim a whole stack wherever they stand in it: whatever a
// collector calls (locks, the operating system) is collecting.
var collectors = []string{
	"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.gcStart", "runtime.gcMarkDone",
	"runtime.gcMarkTermination", "runtime.bgsweep", "runtime.bgscavenge", "runtime.deductSweepCredit", "runtime.deductAssistCredit",
	"runtime.GC", "runtime.runfinq", "runtime.runFinalizers",
}

// rules (read-only) are asked in this order about each frame, from the leaf towards the
// root; the first frame that any rule claims decides. So an allocation made by
// a serialiser is allocation, a memmove made by it is serialisation (no rule
// claims runtime.memmove), and a user's MarshalJSON called by a serialiser is
// user code. A frame no rule claims, such as runtime.mapaccess1, strconv or
// reflect, works for whoever called it. To teach another family, add a line.
var rules = []rule{
	{FamilyGC, []string{
		"runtime.gc", "runtime.scan", "runtime.greyobject", "runtime.markroot", "runtime.wbBuf", "runtime.tryDeferToSpanScan",
		"runtime.(*gcWork)", "runtime.(*sweepLocked)", "runtime.sweepone", "runtime.(*pageAlloc).scav", "runtime.bulkBarrier",
		"runtime.findObject", "runtime.spanOf", "runtime.stopTheWorld", "runtime.startTheWorld",
	}},
	{FamilyAllocation, []string{
		"runtime.malloc", "runtime.newobject", "runtime.newarray", "runtime.makeslice", "runtime.growslice", "runtime.rawbyteslice",
		"runtime.rawstring", "runtime.rawruneslice", "runtime.(*mcache)", "runtime.(*mcentral)", "runtime.(*mheap)", "runtime.nextFree",
		"runtime.(*fixalloc)", "runtime.sysAlloc", "runtime.sysMap", "runtime.sysUsed", "runtime.persistentalloc", "runtime.heapSetType",
	}},
	{FamilyLock, []string{
		"runtime.lock", "runtime.unlock", "runtime.sem", "runtime.(*semaRoot)", "runtime.(*rwmutex)", "runtime.(*mLockProfile)",
		"sync.(*Mutex)", "sync.(*RWMutex)", "sync.(*Cond)", "sync.(*WaitGroup)", "sync.(*Once)", "internal/sync.(*Mutex)",
		"sync.runtime_Sem", "internal/sync.runtime_Sem", "sync.runtime_notify", "internal/poll.(*fdMutex)",
	}},
	{FamilyScheduler, []string{
		"runtime.schedule", "runtime.findRunnable", "runtime.park_m", "runtime.mcall", "runtime.stopm", "runtime.startm", "runtime.wakep",
		"runtime.ready", "runtime.goready", "runtime.note", "runtime.mPark", "runtime.gosched", "runtime.gopreempt", "runtime.execute",
		"runtime.runq", "runtime.stealWork", "runtime.netpoll", "runtime.sysmon", "runtime.mstart", "runtime.resetspinning",
		"runtime.handoffp", "runtime.retake", "runtime.preempt", "runtime.newproc", "runtime.goexit0", "runtime.checkTimers",
		"runtime.(*timers)", "runtime.(*timer)", "runtime.casgstatus", "runtime.globrunq", "runtime.pidle", "runtime.injectglist",
	}},
	{FamilySyscall, []string{
		"syscall.", "internal/poll.", "internal/syscall/", "runtime.entersyscall", "runtime.exitsyscall", "runtime.reentersyscall",
		"golang.org/x/sys/", "os.(*File)", "net.(*conn)", "net.(*netFD)", "runtime.cgocall",
	}},
	{FamilySerialisation, []string{
		"encoding/", "google.golang.org/protobuf/", "github.com/golang/protobuf/", "github.com/gogo/protobuf/", "gopkg.in/yaml",
		"go.yaml.in/yaml", "sigs.k8s.io/yaml", "github.com/json-iterator/", "github.com/goccy/go-json", "github.com/bytedance/sonic",
		"github.com/mailru/easyjson", "github.com/vmihailenco/msgpack", "github.com/tinylib/msgp", "github.com/fxamacker/cbor",
		"github.com/valyala/fastjson", "github.com/tidwall/", "google.golang.org/grpc/encoding/", "html/template.", "text/template.",
		"github.com/apache/thrift/", "capnproto.org/", "github.com/google/flatbuffers", "github.com/hamba/avro", "github.com/linkedin/goavro",
		"github.com/pelletier/go-toml", "github.com/BurntSushi/toml", "github.com/segmentio/encoding",
	}},
	{FamilyCompression, []string{
		"compress/", "github.com/klauspost/compress/", "github.com/golang/snappy", "github.com/andybalholm/brotli", "github.com/pierrec/lz4",
	}},
	{FamilyCrypto, []string{
		"crypto/", "vendor/golang.org/x/crypto/", "golang.org/x/crypto/", "math/big.", "hash/", "github.com/golang-jwt/",
		"github.com/cespare/xxhash", "github.com/cloudflare/circl/", "filippo.io/",
	}},
	{FamilyRegexp, []string{"regexp.", "regexp/", "github.com/grafana/regexp", "github.com/dlclark/regexp2"}},
	{FamilyDatabase, []string{
		"database/sql", "modernc.org/", "github.com/mattn/go-sqlite3", "github.com/ncruces/go-sqlite3", "github.com/jackc/", "github.com/lib/pq",
		"github.com/go-sql-driver/", "github.com/jmoiron/sqlx", "gorm.io/", "github.com/uptrace/bun", "go.mongodb.org/", "github.com/redis/",
		"github.com/go-redis/", "github.com/gomodule/redigo", "go.etcd.io/bbolt", "github.com/microsoft/go-mssqldb", "github.com/gocql/",
		"github.com/ClickHouse/", "github.com/sijms/go-ora", "github.com/elastic/go-elasticsearch", "github.com/bradfitz/gomemcache", "entgo.io/",
		"github.com/aws/aws-sdk-go-v2/service/dynamodb", "cloud.google.com/go/spanner", "github.com/dgraph-io/badger", "github.com/cockroachdb/pebble",
		"github.com/syndtr/goleveldb", "zombiezen.com/go/sqlite",
	}},
	{FamilyTelemetry, []string{
		"go.opentelemetry.io/", "github.com/prometheus/client_golang/", "log/slog", "log.", "go.uber.org/zap", "github.com/rs/zerolog",
		"github.com/sirupsen/logrus", "runtime/pprof.", "net/http/pprof.", "runtime/metrics.",
		"github.com/DataDog/dd-trace-go", "gopkg.in/DataDog/dd-trace-go", "github.com/grafana/pyroscope-go", "github.com/VictoriaMetrics/metrics",
		"github.com/getsentry/sentry-go", "k8s.io/klog",
	}},
	{FamilyHTTP, []string{
		"net/http", "net/url.", "net/textproto.", "mime/", "golang.org/x/net/", "vendor/golang.org/x/net/", "google.golang.org/grpc",
		"github.com/go-chi/", "github.com/gorilla/mux", "github.com/gin-gonic/", "github.com/labstack/echo", "github.com/valyala/fasthttp",
		"github.com/julienschmidt/httprouter", "github.com/gofiber/fiber", "connectrpc.com/connect", "github.com/quic-go/", "net.",
	}},
}

// standard (read-only) lists the first path elements of Go's standard library.
var standard = map[string]bool{
	"archive": true, "bufio": true, "bytes": true, "cmp": true, "compress": true, "container": true, "context": true, "crypto": true,
	"database": true, "debug": true, "embed": true, "encoding": true, "errors": true, "expvar": true, "flag": true, "fmt": true,
	"go": true, "hash": true, "html": true, "image": true, "index": true, "internal": true, "io": true, "iter": true, "log": true,
	"maps": true, "math": true, "mime": true, "net": true, "os": true, "path": true, "plugin": true, "reflect": true, "regexp": true,
	"runtime": true, "slices": true, "sort": true, "strconv": true, "strings": true, "structs": true, "sync": true, "syscall": true,
	"testing": true, "text": true, "time": true, "type:": true, "go:": true, "unicode": true, "unique": true, "unsafe": true, "vendor": true, "weak": true,
}

// FamilyOf says which family a stack (leaf first) belongs to.
func FamilyOf(frames []string) Family {
	numbers, natures := make([]int32, len(frames)), make([]nature, len(frames))
	for i, f := range frames {
		numbers[i], natures[i] = int32(i), natureOf(f)
	}
	return familyOf(numbers, natures)
}

// nature is what a function's name says of it.
type nature struct {
	family    Family
	claims    bool // family is decided by this function
	collector bool
	language  bool // belongs to the runtime
}

func natureOf(function string) nature {
	n := nature{collector: hasPrefix(function, collectors), language: languages(function)}
	n.family, n.claims = claim(function)
	return n
}

// familyOf is FamilyOf for functions by number.
func familyOf(frames []int32, natures []nature) Family {
	for _, f := range frames {
		if natures[f].collector {
			return FamilyGC
		}
		if !natures[f].language {
			break // a collector's own frames are all the language's
		}
	}
	for _, f := range frames {
		if natures[f].claims {
			return natures[f].family
		}
	}
	return FamilyRuntime
}

// claim finds the family of one function; ok is false for one that works for
// its caller.
func claim(function string) (f Family, ok bool) {
	for _, r := range rules {
		if hasPrefix(function, r.prefixes) {
			return r.family, true
		}
	}
	if f, claims, known := claimForeign(function); known {
		return f, claims
	}
	if isStandard(function) || strings.HasPrefix(function, "[") {
		return "", false
	}
	return FamilyUser, true
}

// isUser says whether a function is the service's own code rather than a
// library's.
func isUser(function string) bool {
	f, ok := claim(function)
	return ok && f == FamilyUser
}

// languages says whether a function belongs to Go's runtime.
func languages(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "internal/runtime/") || strings.HasPrefix(function, "[")
}

// isStandard says whether a function is in Go's standard library. Names without
// a package, module or class are the runtime's assembly, such as memeqbody.
func isStandard(function string) bool {
	if end := strings.IndexAny(function, "/."); end >= 0 {
		return standard[function[:end]]
	}
	return !strings.ContainsAny(function, ":#")
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
