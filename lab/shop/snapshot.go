package shop

import (
	"slices"
	"strings"
)

// snapshot copies the whole assortment down to its texts, so that an answer is
// of one moment.
func snapshot(items map[string]Item) map[string]Item {
	out := make(map[string]Item, len(items))
	for sku, it := range items {
		it.Name, it.Brand = strings.Clone(it.Name), strings.Clone(it.Brand)
		it.Tags = cloned(it.Tags)
		it.Stock = slices.Clone(it.Stock)
		for i := range it.Stock {
			it.Stock[i].Bin, it.Stock[i].NextIn = strings.Clone(it.Stock[i].Bin), strings.Clone(it.Stock[i].NextIn)
		}
		it.Shipping = slices.Clone(it.Shipping)
		d := Details{DescriptionHTML: strings.Clone(it.Details.DescriptionHTML), Suppliers: slices.Clone(it.Details.Suppliers)}
		for _, a := range it.Details.Attributes {
			d.Attributes = append(d.Attributes, Attribute{strings.Clone(a.Group), strings.Clone(a.Name), strings.Clone(a.Value)})
		}
		for _, m := range it.Details.Media {
			m.URL, m.Alt, m.Kind, m.SHA256 = strings.Clone(m.URL), strings.Clone(m.Alt), strings.Clone(m.Kind), strings.Clone(m.SHA256)
			d.Media = append(d.Media, m)
		}
		it.Details = &d
		out[sku] = it
	}
	return out
}

func cloned(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = strings.Clone(t)
	}
	return out
}

// bigCart is how many goods make an answer worth checking twice.
const bigCart = 6

// moved counts goods whose stock is not what it was when an answer began.
func (inv *inventory) moved(then, now map[string]Item) (n int) {
	for sku, it := range then {
		if len(it.Stock) != len(now[sku].Stock) {
			n++
		}
	}
	return n
}
