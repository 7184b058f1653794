package wire

// pair is an attribute as two numbers into the dictionary.
type pair struct{ key, value uint32 }

// resource is what all spans or records of one sender share.
type resource struct {
	service, version uint32
	kept             []pair
}

// beginResource forgets the one before.
func (w *Walker) beginResource() {
	w.resource.service = w.number(w.unnamed, maxName)
	w.resource.version = 0
	w.resource.kept = w.resource.kept[:0]
}

// resourceMessage reads a Resource; a second one goes on where the first ended.
func (w *Walker) resourceMessage(b []byte, pos int) *Fault {
	begin := pos
	for pos < len(b) {
		tag, next := tagAt(b, pos)
		if tag != 1<<3|typeLen {
			end, f := w.check.field(kindResource, b, begin, pos)
			if f != nil {
				return f
			}
			pos = end
			continue
		}
		from, to := chunk(b, next)
		if to < 0 {
			return fault(pos, to).within("attributes", b, begin, pos)
		}
		if f := w.resourceAttribute(b[:to], from); f != nil {
			return f.within("attributes", b, begin, pos)
		}
		pos = to
	}
	return nil
}

func (w *Walker) resourceAttribute(b []byte, pos int) *Fault {
	var kv attribute
	if f := w.attribute(b, pos, &kv); f != nil {
		return f
	}
	switch key := b[kv.from:kv.to]; string(key) {
	case "service.name":
		if n := w.numberOfValue(b, &kv.value, maxName); n != 0 {
			w.resource.service = n
		}
	case "service.version":
		w.resource.version = w.numberOfValue(b, &kv.value, maxName)
	case "service.instance.id", "service.namespace", "deployment.environment.name", "deployment.environment",
		"host.name", "k8s.pod.name", "k8s.node.name", "k8s.namespace.name", "cloud.region", "cloud.availability_zone":
		if len(w.resource.kept) == maxKept {
			return nil
		}
		w.resource.kept = append(w.resource.kept, pair{w.number(key, maxName), w.numberOfValue(b, &kv.value, maxValue)})
	}
	return nil
}

// attribute is a KeyValue whose bytes stay where they are in the request.
type attribute struct {
	from, to int // the key
	value    value
}

// attribute reads a KeyValue.
func (w *Walker) attribute(b []byte, pos int, kv *attribute) *Fault {
	if plainAttribute(b, pos, kv) {
		return nil
	}
	*kv = attribute{}
	begin := pos
	for pos < len(b) {
		tag, next := tagAt(b, pos)
		if tag != 2<<3|typeLen {
			end, f := w.check.field(kindKeyValue, b, begin, pos)
			if f != nil {
				return f
			}
			if tag == 1<<3|typeLen {
				kv.from, kv.to = chunk(b, next)
			}
			pos = end
			continue
		}
		from, to := chunk(b, next)
		if to < 0 {
			return fault(pos, to).in("value")
		}
		if f := w.value(b[:to], from, &kv.value); f != nil {
			return f.in("value")
		}
		pos = to
	}
	return nil
}

// plainAttribute reads what nearly every attribute looks like: a key and a value,
// both shorter than 128 bytes, the value a text or an integer. SDKs write the
// key first, the Collector the value.
func plainAttribute(b []byte, pos int, kv *attribute) bool {
	if len(b)-pos < 6 || b[pos+1] >= 0x80 {
		return false
	}
	second := pos + 2 + int(b[pos+1])
	if len(b)-second < 2 || b[second+1] >= 0x80 || second+2+int(b[second+1]) != len(b) {
		return false
	}
	from, to := second+2, len(b)
	switch {
	case b[pos] == 1<<3|typeLen && b[second] == 2<<3|typeLen:
		kv.from, kv.to = pos+2, second
	case b[pos] == 2<<3|typeLen && b[second] == 1<<3|typeLen:
		kv.from, kv.to = from, to
		from, to = pos+2, second
	default:
		return false
	}
	if to-from < 2 {
		return false
	}
	switch b[from] {
	case 1<<3 | typeLen:
		if int(b[from+1]) != to-from-2 {
			return false
		}
		kv.value = value{kind: valueText, from: from + 2, to: to}
		return true
	case 3<<3 | typeVarint:
		v, next := varint(b[:to], from+1)
		kv.value = value{kind: valueInt, num: v}
		return next == to
	}
	return false
}
