package promapi

import (
	"os"
	"strings"
	"testing"
)

// differences are known between the server of version 2.42 and the embedded 3.
// An exchange that is not in it must be equal; one that is must differ in just
// this way. It is read-only.
func differences() map[string]difference {
	at := "&time=" + unix(when())
	return map[string]difference{
		onTheEdge().String(): {
			reason: "A range leaves out a sample that lies exactly on its older end; version 2 counted it.",
			theirs: `200 {"result":[{"metric":{"instance":"10.0.0.1:8080","job":"node"},"value":[1772367904.444,"5"]}],"resultType":"vector"}`,
			ours:   `200 {"result":[{"metric":{"instance":"10.0.0.1:8080","job":"node"},"value":[1772367904.444,"4"]}],"resultType":"vector"}`,
		},
		"GET query?query=histogram_quantile(0.9, sum(rate(rpc_duration_seconds[5m])))" + at: {
			reason: "Quantiles of native histograms interpolate exponentially inside a bucket; version 2 did linearly.",
			theirs: `200 {"result":[{"metric":{},"value":[1772370607,"1.5899494936611667"]}],"resultType":"vector"}`,
			ours:   `200 {"result":[{"metric":{},"value":[1772370607,"1.5691681957935015"]}],"resultType":"vector"}`,
		},
		`GET query?query=count(odd_label{path=~"line.break.*"})` + at: {
			reason: "The dot of a regular expression matches a line break.",
			theirs: `200 {"result":[],"resultType":"vector"}`,
			ours:   `200 {"result":[{"metric":{},"value":[1772370607,"1"]}],"resultType":"vector"}`,
		},
		`GET query?query=count({"up"})` + at: {
			reason: "Names may be quoted, and any UTF-8 is a name.",
			theirs: `400 bad_data`,
			ours:   `200 {"result":[{"metric":{},"value":[1772370607,"2"]}],"resultType":"vector"}`,
		},
		"GET label/bad-name/values": {
			reason: "Any UTF-8 is a name of a label, so this one merely has no values.",
			theirs: `400 bad_data`,
			ours:   `200 []`,
		},
		"GET query?query=count(holt_winters(node_cpu_temperature[10m], 0.5, 0.5))" + at: {
			reason: "`holt_winters` is called `double_exponential_smoothing` now, and is experimental.",
			theirs: `200 {"result":[{"metric":{},"value":[1772370607,"3"]}],"resultType":"vector"}`,
			ours:   `400 bad_data`,
		},
		"GET query?query=rate(node_cpu_temperature[5m])" + at: {
			reason:  "An answer may carry `infos` about a query that is probably a mistake.",
			without: []string{"infos"},
		},
		"GET query?query=quantile(2, up)" + at: {
			reason:  "An answer may carry `warnings` about a query that is a mistake.",
			without: []string{"warnings"},
		},
		"GET query?limit=-1&query=1+1&time=4": {
			reason: "The parameter `limit` is read; version 2 ignored it.",
			theirs: `200 {"result":[4,"2"],"resultType":"scalar"}`,
			ours:   `400 bad_data`,
		},
		"GET series?limit=1&match[]=build_info": {
			reason: "The parameter `limit` shortens lists, with a warning; version 2 ignored it.",
			theirs: `200 [{"__name__":"build_info","service":"cart","version":"v40"},{"__name__":"build_info","service":"checkout","version":"v41"}]`,
			ours:   `200 [{"__name__":"build_info","service":"cart","version":"v40"}]`,
		},
		"GET query?lookback_delta=x&query=1+1&time=4": {
			reason: "The parameter `lookback_delta` is read; version 2 ignored it.",
			theirs: `200 {"result":[4,"2"],"resultType":"scalar"}`,
			ours:   `400 bad_data`,
		},
		"GET query_range?end=" + unix(from()) + "&query=up&start=" + unix(from()) + "&step=0.0000001": {
			reason: "A step below a millisecond is refused; version 2 divided by zero.",
			theirs: `422 execution`,
			ours:   `400 bad_data`,
		},
		"GET query?query=up&stats=all" + at: {
			reason:  "The figures of an evaluation are its own, and there is one more of them.",
			without: []string{"data.stats.samples.samplesRead"},
			values: []string{"data.stats.timings.evalTotalTime", "data.stats.timings.resultSortTime", "data.stats.timings.queryPreparationTime",
				"data.stats.timings.innerEvalTime", "data.stats.timings.execQueueTime", "data.stats.timings.execTotalTime"},
		},
		"GET status/buildinfo": {
			reason: "Pitwall names the version of Prometheus that is embedded.",
			values: []string{"data.version", "data.revision", "data.branch", "data.buildUser", "data.buildDate", "data.goVersion"},
		},
		"GET status/tsdb": {
			reason: "Chunks of native histograms are cut by size, not count; metrics and labels of equal rank come in any order.",
			values: []string{"data.headStats.chunkCount", "data.seriesCountByMetricName", "data.labelValueCountByLabelName",
				"data.memoryInBytesByLabelName", "data.seriesCountByLabelValuePair"},
		},
		"GET targets": {
			reason:  "Dropped targets are counted by pool.",
			without: []string{"data.droppedTargetCounts"},
		},
		"GET targets?state=active": {
			reason:  "Dropped targets are counted by pool, whatever the state asked for.",
			without: []string{"data.droppedTargetCounts"},
		},
	}
}

func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../../../docs/reference/prometheus-api.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDocsListTheDifferences holds the page for people to the table above.
func TestDocsListTheDifferences(t *testing.T) {
	for e, d := range differences() {
		if !strings.Contains(page(t), d.reason) {
			t.Errorf("docs/reference/prometheus-api.md does not say of %s: %s", e, d.reason)
		}
	}
}
