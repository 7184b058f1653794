package shop

import (
	"fmt"
	"strconv"
	"strings"
)

// roles is what a user may do.
func (a *auth) roles(user string) any {
	switch {
	case a.flags.get("claims") == "all":
		return allClaims(user)
	case a.flags.get("roles") == "strict":
		return strictRoles(user)
	}
	return []string{"customer"}
}

// claim is one thing a user may do.
type claim struct {
	ID, Scope, Resource, Grant, Reason string
}

// allClaims lists every claim of a user, granted or not.
func allClaims(user string) []claim {
	out := make([]claim, 420)
	for i := range out {
		out[i] = claim{
			fmt.Sprintf("%s-%04d", user, i), "shop/eu/customer/" + strconv.Itoa(i%17), "resource/" + strconv.Itoa(i*7919),
			"read write delete share", "inherited from the group of customers of " + strconv.Itoa(1999+i%27),
		}
	}
	return out
}

// profile is what strict roles need to know.
type profile struct{ country, tier string }

// profiles are on file for most users; the oldest accounts have none.
func profileOf(user string) *profile {
	_, number, _ := strings.Cut(user, "-")
	n, err := strconv.Atoi(number)
	if err != nil || n%12 == 5 {
		return nil
	}
	return &profile{"DE", "standard"}
}

// strictRoles derives roles from the profile.
func strictRoles(user string) []string {
	return []string{"customer", "country:" + profileOf(user).country}
}
