package diagnose

import (
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/blame"
)

// at are the signs of one service.
func (s *scene) at(service pitwall.ServiceName) []sign {
	var list []sign
	for _, g := range s.signs {
		if g.service == service {
			list = append(list, g)
		}
	}
	return list
}

// heaviest is the weight of the heaviest sign of own trouble among them. More
// requests alone are none, and a complaint about somebody else is a symptom: it
// says where to look, not what is wrong here.
func (s *scene) heaviest(list []sign) blame.Weight {
	var w blame.Weight
	for _, g := range list {
		switch {
		case g.Class == pitwall.BottleneckTraffic:
		case g.Class == pitwall.BottleneckDependency && g.from != fromMetric, s.complains(g):
			w = max(w, blame.Symptom)
		default:
			w = max(w, g.Weight)
		}
	}
	return w
}

// complains says that a line names another service as the one that failed.
func (s *scene) complains(g sign) bool {
	return g.text != "" && slices.ContainsFunc(s.known, func(n pitwall.ServiceName) bool {
		return n != g.service && names(g.text, n) && s.calls[pitwall.Call{From: g.service, To: n}]
	})
}

// origins are the services at which the trouble may have begun: the one in
// question, those below it that are in trouble themselves, and callers that say
// of which kind theirs is. The likeliest by what they say stands first: who
// says most clearly what is wrong, and of those who say it as clearly the one
// that is called, if it did not begin later.
func (x *inquiry) origins() []pitwall.ServiceName {
	s := x.scene
	h := x.q.headline().Service
	list := []pitwall.ServiceName{h}
	for i := 0; i < len(list); i++ {
		for _, to := range s.callees(list[i]) {
			if !slices.Contains(list, to) && s.heaviest(s.at(to)) > 0 {
				list = append(list, to)
			}
		}
	}
	for _, from := range s.callers(h) {
		if !slices.Contains(list, from) && s.heaviest(s.at(from)) >= blame.Resource {
			list = append(list, from)
		}
	}
	best := 0
	for i := range list {
		if i > 0 && s.deeper(list[i], list[best]) {
			best = i
		}
	}
	list[0], list[best] = list[best], list[0]
	return list
}

// origin is the likeliest of them.
func (x *inquiry) origin() pitwall.ServiceName { return x.origins()[0] }

// deeper says that what is said at one service explains more than what is said
// at another.
func (s *scene) deeper(callee, caller pitwall.ServiceName) bool {
	below, above := s.at(callee), s.at(caller)
	a, b := s.heaviest(below), s.heaviest(above)
	switch {
	case a != b:
		return a > b
	case slices.Contains(s.callees(caller), callee):
		return !first(below).After(first(above))
	}
	return false
}

// late is when something has moved that never moved; read-only.
var late = time.Unix(1<<40, 0)

// first is when the first of the metrics among the signs moved.
func first(list []sign) time.Time {
	at := late
	for _, g := range list {
		if g.move != nil && g.Class != pitwall.BottleneckTraffic && g.move.Onset.At.Before(at) {
			at = g.move.Onset.At
		}
	}
	return at
}

func (s *scene) callees(of pitwall.ServiceName) []pitwall.ServiceName {
	return s.beside(func(c pitwall.Call) (own, other pitwall.ServiceName) { return c.From, c.To }, of)
}

func (s *scene) callers(of pitwall.ServiceName) []pitwall.ServiceName {
	return s.beside(func(c pitwall.Call) (own, other pitwall.ServiceName) { return c.To, c.From }, of)
}

// beside are the other ends of the calls of a service, in order.
func (s *scene) beside(ends func(pitwall.Call) (own, other pitwall.ServiceName), of pitwall.ServiceName) []pitwall.ServiceName {
	var list []pitwall.ServiceName
	for c := range s.calls {
		if own, other := ends(c); own == of {
			list = append(list, other)
		}
	}
	slices.Sort(list)
	return list
}

// near are a service, those it calls, those that call it, and the service in
// question.
func (x *inquiry) near(of pitwall.ServiceName) []pitwall.ServiceName {
	list := []pitwall.ServiceName{of}
	list = append(append(list, x.scene.callees(of)...), x.scene.callers(of)...)
	if h := x.q.headline().Service; !slices.Contains(list, h) {
		list = append(list, h)
	}
	return list
}
