package page

import (
	"maps"
	"net/url"
	"strconv"
)

// rowsPerPage is how many people or groups one page shows.
const rowsPerPage = 200

// paging is the part of a list that a page shows.
type paging struct {
	First, Last, Of int    // from 1
	Before, After   string // addresses; empty at the ends
	At              string // address of this part
}

// pageOf returns the part that the query asks for, and where in the list it is.
func pageOf(path string, query url.Values, total int) (p paging, from, to int) {
	number, err := strconv.Atoi(query.Get("page"))
	last := max(1, (total+rowsPerPage-1)/rowsPerPage)
	if err != nil || number < 1 {
		number = 1
	}
	number = min(number, last)
	address := func(number int) string {
		q := maps.Clone(query)
		q.Del("page")
		q.Del("fragment")
		if number > 1 {
			q.Set("page", strconv.Itoa(number))
		}
		if len(q) == 0 {
			return path
		}
		return path + "?" + q.Encode()
	}
	from, to = (number-1)*rowsPerPage, min(number*rowsPerPage, total)
	p = paging{First: from + 1, Last: to, Of: total, At: address(number)}
	if number > 1 {
		p.Before = address(number - 1)
	}
	if number < last {
		p.After = address(number + 1)
	}
	return p, from, to
}

// fragmentOf returns the address that renders the main part of a page alone.
func fragmentOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set("fragment", "1")
	u.RawQuery = q.Encode()
	return u.String()
}
