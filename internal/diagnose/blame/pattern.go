package blame

import (
	"regexp"
	"slices"
	"strings"
)

// pattern is a way of writing that shows, in a line that went or came, what the
// program no longer does or now does.
type pattern struct {
	kind Kind
	went bool // looked for in removed lines, else in added ones
	way  Way
	text *regexp.Regexp
}

func went(k Kind, way Way, text string) pattern {
	return pattern{k, true, way, regexp.MustCompile(text)}
}

func came(k Kind, way Way, text string) pattern {
	return pattern{k, false, way, regexp.MustCompile(text)}
}

// patterns are read in this order, and a line counts as the first that fits.
// They hold idioms of the common languages, of SQL and of infrastructure as
// code; read-only.
var patterns = []pattern{
	came(Index, Removes, `(?i)\bdrop\s+index\b|\bremove_?index\b|\bdropindex\b`),
	came(Index, Adds, `(?i)\bcreate\s+(unique\s+)?index\b|\badd_?index\b`),
	came(Schema, Alters, `(?i)\balter\s+table\b.*\b(drop|rename|alter|modify|set not null)|\bdrop\s+(table|column)\b|\brename(_|\s*)column|\bremove_?(column|field)\b|\brenamefield\b`),
	came(Schema, Adds, `(?i)\balter\s+table\b|\badd_?column\b|\baddfield\b|\block\s+table\b`),
	came(Lock, Adds, `\.(R?Lock|lock|acquire)\(|\bsynchronized\b|(?i)\bwith\s+\S*(lock|mutex)\b|\bfor\s+update\b|\b(mutex|semaphore)\b`),
	came(KeepAlive, Removes, `(?i)disable_?keep_?alives?\W+true|connection["']?\s*[:,]\s*["']?close|keep_?alive\W+(off|false|no)\b`),
	came(TLS, Alters, `(?i)insecure_?skip_?verify|\bverify\s*=\s*|rejectunauthorized|\btls\.(config|version)|ssl_(cert|key|protocol)`),
	came(Pause, Adds, `(?i)\b(sleep|usleep|thread\.sleep|time\.sleep|settimeout|delay)\s*\(`),
	came(Spawn, Adds, `\bgo\s+(func\b|\w+[.\w]*\()|\bnew Thread\(|\bsetInterval\(|create_task\(|\.submit\(|tokio::spawn|Thread\.new`),
	came(Pattern, Adds, `(?i)\bregexp?\b|\bre\.(compile|match|search|sub)\b|regexp\.(must)?compile|new RegExp|pattern\.compile|\.match\(/|^\s*-?\s*pattern:`),
	came(Compute, Adds, `(?i)\b(deep_?copy|deepclone|clone|json\.parse\(json\.stringify|bcrypt|pbkdf2|scrypt|argon2|sha(1|256|512)|encrypt|decrypt|gzip|compress|levenshtein|permutations|combinations)\w*\(|reflect\.|\.sort(ed)?\(|\bsort(ed)?[.(]`),
	came(Fields, Adds, `(?i)\bselect\s+\*|\binclude(s|_all)?\s*[=:(]|\bexpand\s*[=:(]|\bfields\s*=\s*["']?(\*|all|__all__)|\.toFull|with_details|full\s*=\s*true`),
	came(Query, Adds, `(?i)\bselect\b.+\bfrom\b|\border\s+by\b|\blike\s+'%|\bleft\s+join\b|\bcross\s+join\b|\bcount\(\*\)|\bdistinct\b`),
	came(Route, Alters, `(?i)\b(proxy_pass|virtualservice|route|weight|upstream|ingress|rewrite)\b.*[:= ]`),

	went(Index, Removes, `(?i)\bcreate\s+(unique\s+)?index\b|\badd_?index\b|db_index\s*=\s*true|index=true|@index\b|\.index\(`),
	went(LoopCall, Adds, `(?i)select_related|prefetch_related|\bpreload\(|\.includes\(|\beager_?load|joinedload|selectinload|\bjoin\s+fetch\b|dataloader|\b(id__)?in=|\bwhere\s+\w+\s+in\s*\(|=\s*any\(`),
	went(Filter, Removes, `(?i)\bwhere\b|\blimit\s+[\d$?:]|\.(limit|where|filter|first|take)\(|\bpaginate|\boffset\b`),
	went(Handler, Removes, `(?i)\bcatch\s*[({]|^\s*\}?\s*catch\b|\bexcept\b|\brescue\b|\brecover\(\)|\.catch\(|\.on_?error|\bif\s+err\s*!=\s*nil|\bfallback|circuit_?breaker|\botherwise\b|unwrap_or`),
	went(Guard, Removes, `(?i)\bif\b.*(==|!=|===|!==|\bis\b|\bis not\b)\s*\(?(nil|null|none|undefined|0|"")|\?\.|\?\?|\?[^:]+:|\boptional\b|\bif\s*\(?\s*!\s*\w|\bif\s+not\s+\w|\blen\(.*\)\s*[=!<>]|\bhasattr\b|\bok\s*:?=|\b(isset|isempty|is_some|is_none|nonnull|requirenonnull|assert|validate\w*|ensure\w*|guard)\b|\bif\b.*[<>]=?`),
	went(Release, Removes, `(?i)^\s*defer\b|\.(close|release|unlock|runlock|dispose|destroy|cancel|rollback|recycle|putconn|disconnect|returnobject|stop)\(|^\s*with\s+.+\b(session|conn\w*|open|pool|client|cursor|lock)\b.*:|^\s*using\s*[( ]|^\s*try\s*\(|\bcancel\(\)|\bdelete\(|\.(delete|remove|evict)\(`),
	went(Warmup, Removes, `(?i)\b(pre)?warm\w*\(|\bpreload\w*\(`),
	went(Setup, Removes, `(?i)\b(register|init|initiali[sz]e|setup|configure|seed|subscribe|bind|mount|install|bootstrap|provide|wire|migrate|load|attach|use|add(route|handler|listener|middleware|service)|autowire|include_router|handle(func)?)\w*\(`),
	went(Setup, Removes, `@(PostConstruct|Bean|Component|Service|Autowired|Inject|Module|EventListener)\b`),
	went(Cache, Removes, `(?i)@?(lru_)?cache(d|able)?\b|\bmemo(ize)?\b|cache\.(get|set|put|fetch)`),
	went(Lock, Removes, `\.(R?Lock|lock|acquire)\(|\bsynchronized\b|sync\.Once|atomic\.`),
	went(Timeout, Removes, `(?i)with(timeout|deadline)\(|\btimeout\b`),
	went(Format, Alters, `(?i)content-type|\b(marshal|unmarshal|serializ|deseriali[sz]|encode|decode|parse|stringify)\w*\(|\b(proto|avro|msgpack|gob)\b`),
	came(Timeout, Adds, `(?i)with(timeout|deadline)\(|\btimeout\s*[:=(]`),
	came(Retry, Adds, `(?i)\bretr(y|ies)\w*\s*[(:=]|@retry|\bbackoff\b`),
	came(Remote, Adds, `(?i)\bhttp\.(get|post|do|newrequest)|\bfetch\(|\brequests\.(get|post|put)|\baxios\b|\bclient\.\w+\(|\.(call|invoke|rpc)\(|resttemplate|webclient|urlopen`),
	came(LogVolume, Adds, `(?i)\blog(ger)?\.(debug|trace|info)\w*\(|console\.log\(|\bprint(ln|f)?\(`),
	came(EarlyReturn, Adds, `^\s*return\s*(nil|null|None|undefined|\[\]|\{\}|""|''|0|false|False)?\s*;?\s*$`),
	came(Assume, Adds, `^[^,]*=[^=]*\.\(\*?[A-Za-z][\w.]*\)\s*$|\.(unwrap|expect|orElseThrow)\(|\w!!|\bas!`),
	came(Guard, Adds, `(?i)\bif\b.*\b(return|throw|raise|panic|reject|abort|continue)\b|\b(throw new|raise|reject\(|abort\()|\brequired\b|\bstrict\b|\bvalidate\w*\(`),
}

// gap is how many lines lie between the head of a loop and a call in it, at most.
const gap = 4

// What structure looks for; read-only.
var (
	loop  = regexp.MustCompile(`(?i)^\s*(for|while|foreach)\b|\.(each|forEach|map|flatMap|stream)\s*[({]|\bfor\b.+\bin\b|\bdo\s*\|`)
	io    = regexp.MustCompile(`(?i)\b(query|queryrow|exec|execute|select|find|findone|findbyid|get|getbyid|fetch|load|save|insert|update|call|request|lookup|send|publish|invoke|read|objects)\w*\(|objects\.(get|filter)|\bawait\b|\w\(\s*(ctx|tx|db|conn|session|cursor)\s*,`)
	speak = regexp.MustCompile(`(?i)\b(log|logger|slog|zap|trace|tracer|span|metric|meter|context)\w*\.\w+\(`)
	// element is an element by a fixed place, and what follows it.
	element = regexp.MustCompile(`(\w+)\[(0|-1|len\(\w+\)\s*-\s*1)\](\s*=*)`)
	store   = regexp.MustCompile(`(?i)\bmap\[|\{\}|new\s+(concurrent|weak|linked)?(hash)?(map|set|list|array)|=\s*\[\]|\bdict\(|sync\.map|defaultdict|\bvec::new|arraylist`)
	grows   = regexp.MustCompile(`(?i)\bappend\(|\.(push|add|append|put|set|insert|store|push_back|addall)\(|\w+\[[^\]]+\]\s*=[^=]`)
	outer   = regexp.MustCompile(`^(var|let|const|static|private|public|final|global|_?[A-Za-z]\w*\s*(:=|=))|^\s*(private|public|protected)?\s*static\b`)
)

// structure finds what several lines show together: a call that stands in a
// loop now, a collection of the whole program that only grows.
func (e *edit) structure() []Touch {
	var list []Touch
	if i, ok := e.loopCall(); ok {
		list = append(list, e.touch(LoopCall, Adds, i))
	}
	if i, ok := e.assumes(); ok {
		list = append(list, e.touch(Assume, Adds, i))
	}
	born, fed := -1, -1
	for _, i := range e.came {
		s := e.lines[i].text
		if born < 0 && outer.MatchString(s) && store.MatchString(s) {
			born = i
		}
		if born >= 0 && i != born && grows.MatchString(s) {
			fed = i
		}
	}
	if fed >= 0 {
		list = append(list, e.touch(Growth, Adds, fed))
	}
	return list
}

// assumes finds an element that is taken for granted: the first or last of a
// list whose length nobody asks for on that line or shortly before.
func (e *edit) assumes() (int, bool) {
	if slices.ContainsFunc(e.removed, func(i int) bool { return element.MatchString(e.lines[i].text) }) {
		return 0, false // it did so before
	}
	for _, i := range e.came {
		for _, m := range element.FindAllStringSubmatch(e.lines[i].text, -1) {
			name := m[1]
			if name == "Args" || strings.HasPrefix(strings.TrimSpace(m[3]), "=") && !strings.HasPrefix(strings.TrimSpace(m[3]), "==") {
				continue // written, not read; a program has its name
			}
			asked := false
			for j := i; j >= max(0, i-gap) && !asked; j-- {
				asked = e.lines[j].sign != '-' && strings.Contains(strings.ReplaceAll(e.lines[j].text, m[0], ""), "len("+name)
			}
			if !asked {
				return i, true
			}
		}
	}
	return 0, false
}

func (e *edit) loopCall() (int, bool) {
	for _, i := range e.came {
		if s := e.lines[i].text; !io.MatchString(s) || speak.MatchString(s) {
			continue
		}
		for j := i; j >= max(0, i-gap); j-- {
			if e.lines[j].sign != '-' && loop.MatchString(e.lines[j].text) && (j == i || indent(e.lines[j].text) < indent(e.lines[i].text)) {
				return i, true
			}
		}
	}
	return 0, false
}

func (e *edit) touch(k Kind, w Way, at int) Touch {
	return Touch{Kind: k, Way: w, File: e.file, Line: squash(e.lines[at].text)}
}

// match finds the pattern of a line, or nothing.
func match(s string, wentAway bool) (pattern, bool) {
	i := slices.IndexFunc(patterns, func(p pattern) bool { return p.went == wentAway && p.text.MatchString(s) })
	if i < 0 {
		return pattern{}, false
	}
	return patterns[i], true
}
