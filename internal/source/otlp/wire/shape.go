package wire

// kind is a message of OTLP whose fields are checked without being read.
type kind uint8

const (
	scalar kind = iota
	idBytes16
	idBytes8
	kindResource
	kindEntityRef
	kindScope
	kindKeyValue
	kindAnyValue
	kindArray
	kindKeyValueList
	kindScopeSpans
	kindSpan
	kindEvent
	kindLink
	kindStatus
	kindScopeLogs
	kindLogRecord
	kindResourceSpans
	kindResourceLogs
	kindMetricsRequest
	kindResourceMetrics
	kindScopeMetrics
	kindMetric
	kindPoints
	kindNumberPoint
	kindHistogramPoint
	kindHistograms
	kindExponentialPoint
	kindExponentials
	kindSummaryPoint
	kindSummaries
	kindExemplar
)

// part is one field of a message; a part without a name is unknown.
type part struct {
	name string
	typ  uint8
	of   kind
	many bool // a fault is told with its index
}

func text(name string) part             { return part{name: name, typ: typeLen} }
func number(name string) part           { return part{name: name, typ: typeVarint} }
func eight(name string) part            { return part{name: name, typ: typeI64} }
func four(name string) part             { return part{name: name, typ: typeI32} }
func message(name string, of kind) part { return part{name: name, typ: typeLen, of: of} }
func list(name string, of kind) part    { return part{name: name, typ: typeLen, of: of, many: true} }

// shapes says what fields each message has, by number; read-only.
var shapes = [...][]part{
	kindResource:     {1: list("attributes", kindKeyValue), 2: number("dropped_attributes_count"), 3: list("entity_refs", kindEntityRef)},
	kindEntityRef:    {1: text("schema_url"), 2: text("type"), 3: text("id_keys"), 4: text("description_keys")},
	kindScope:        {1: text("name"), 2: text("version"), 3: list("attributes", kindKeyValue), 4: number("dropped_attributes_count")},
	kindKeyValue:     {1: text("key"), 2: message("value", kindAnyValue), 3: number("key_strindex")},
	kindArray:        {1: list("values", kindAnyValue)},
	kindKeyValueList: {1: list("values", kindKeyValue)},
	kindAnyValue: {1: text("string_value"), 2: number("bool_value"), 3: number("int_value"), 4: eight("double_value"),
		5: message("array_value", kindArray), 6: message("kvlist_value", kindKeyValueList), 7: text("bytes_value"), 8: number("string_value_strindex")},

	kindResourceSpans: {1: message("resource", kindResource), 2: list("scope_spans", kindScopeSpans), 3: text("schema_url")},
	kindScopeSpans:    {1: message("scope", kindScope), 2: list("spans", kindSpan), 3: text("schema_url")},
	kindSpan: {1: message("trace_id", idBytes16), 2: message("span_id", idBytes8), 3: text("trace_state"), 4: message("parent_span_id", idBytes8),
		5: text("name"), 6: number("kind"), 7: eight("start_time_unix_nano"), 8: eight("end_time_unix_nano"), 9: list("attributes", kindKeyValue),
		10: number("dropped_attributes_count"), 11: list("events", kindEvent), 12: number("dropped_events_count"),
		13: list("links", kindLink), 14: number("dropped_links_count"), 15: message("status", kindStatus), 16: four("flags")},
	kindEvent: {1: eight("time_unix_nano"), 2: text("name"), 3: list("attributes", kindKeyValue), 4: number("dropped_attributes_count")},
	kindLink: {1: message("trace_id", idBytes16), 2: message("span_id", idBytes8), 3: text("trace_state"), 4: list("attributes", kindKeyValue),
		5: number("dropped_attributes_count"), 6: four("flags")},
	kindStatus: {2: text("message"), 3: number("code")},

	kindResourceLogs: {1: message("resource", kindResource), 2: list("scope_logs", kindScopeLogs), 3: text("schema_url")},
	kindScopeLogs:    {1: message("scope", kindScope), 2: list("log_records", kindLogRecord), 3: text("schema_url")},
	kindLogRecord: {1: eight("time_unix_nano"), 2: number("severity_number"), 3: text("severity_text"), 5: message("body", kindAnyValue),
		6: list("attributes", kindKeyValue), 7: number("dropped_attributes_count"), 8: four("flags"), 9: message("trace_id", idBytes16),
		10: message("span_id", idBytes8), 11: eight("observed_time_unix_nano"), 12: text("event_name")},

	// Of metrics only what counts points and bounds nesting: the store reads them.
	kindMetricsRequest:  {1: list("resource_metrics", kindResourceMetrics)},
	kindResourceMetrics: {1: message("resource", kindResource), 2: list("scope_metrics", kindScopeMetrics)},
	kindScopeMetrics:    {1: message("scope", kindScope), 2: list("metrics", kindMetric)},
	kindMetric: {5: message("gauge", kindPoints), 7: message("sum", kindPoints), 9: message("histogram", kindHistograms),
		10: message("exponential_histogram", kindExponentials), 11: message("summary", kindSummaries), 12: list("metadata", kindKeyValue)},
	kindPoints:           {1: list("data_points", kindNumberPoint)},
	kindHistograms:       {1: list("data_points", kindHistogramPoint)},
	kindExponentials:     {1: list("data_points", kindExponentialPoint)},
	kindSummaries:        {1: list("data_points", kindSummaryPoint)},
	kindNumberPoint:      {3: eight("time_unix_nano"), 5: list("exemplars", kindExemplar), 7: list("attributes", kindKeyValue)},
	kindHistogramPoint:   {3: eight("time_unix_nano"), 8: list("exemplars", kindExemplar), 9: list("attributes", kindKeyValue)},
	kindExponentialPoint: {1: list("attributes", kindKeyValue), 3: eight("time_unix_nano"), 11: list("exemplars", kindExemplar)},
	kindSummaryPoint:     {3: eight("time_unix_nano"), 7: list("attributes", kindKeyValue)},
	kindExemplar:         {7: list("filtered_attributes", kindKeyValue)},
}

// partOf gives the field of a tag; the zero part when it is unknown.
func partOf(k kind, tag uint64) part {
	if parts := shapes[k]; tag>>3 < uint64(len(parts)) {
		return parts[tag>>3]
	}
	return part{}
}
